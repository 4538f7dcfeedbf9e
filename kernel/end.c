// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a set. Late answers are awaited: their pages and their devices are ours. But
 * who removes a table, replaces it, or has it refused does not wait with it: a leg that is
 * silent may be so for hours. What such an answer needs stays behind then, with the
 * module pinned and the leg's devices held open; and claimed, if anything may still be
 * written, so that nobody takes them for something else before.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "cdp.h"

#define CLAIM_MS	100

static struct workqueue_struct *end_wq;

static void put_devices(struct cdp *c)
{
	u32 i;

	for (i = 0; i < c->nr_legs; i++) {
		if (c->devs[i].meta)
			dm_put_device(c->ti, c->devs[i].meta);
		if (c->devs[i].data)
			dm_put_device(c->ti, c->devs[i].data);
	}
}

/* Nothing is begun any more. */
static void quiesce(struct cdp *c)
{
	WRITE_ONCE(c->dead, true);
	/* a late answer that has not seen it has woken whom it wakes by then */
	spin_lock_irq(&c->queue_lock);
	spin_unlock_irq(&c->queue_lock);
	cancel_delayed_work_sync(&c->watch_work);
	cancel_delayed_work_sync(&c->verify_work);
	/* no more of them is begun: it is suspended, or never was active */
	cdp_rests_exit(c);
	/* one that was just over may have asked for it, without having seen that it is dead */
	cancel_delayed_work_sync(&c->verify_work);
}

/* Those that send; a late answer asks for none of them, as it is dead. */
static void stop_workers(struct cdp *c)
{
	if (c->copy_wq)
		destroy_workqueue(c->copy_wq);
	if (c->commit_wq) {
		cancel_delayed_work_sync(&c->commit_work);
		destroy_workqueue(c->commit_wq);
	}
	if (c->keeper_wq) {
		cancel_delayed_work_sync(&c->keeper_work);
		destroy_workqueue(c->keeper_wq);
	}
	if (c->issue_wq)
		destroy_workqueue(c->issue_wq);
	cancel_work_sync(&c->event_work);
}

/* All that grows with the set; no late answer needs it. */
static void free_large(struct cdp *c)
{
	kfree(c->scratch);
	kvfree(c->plan);
	kfree(c->clean);
	cdp_arrays_free(c);
}

static bool is_answered(struct cdp *c)
{
	return list_empty_careful(&c->late);
}

/* Until then the set is among the others: the table that follows knows the legs that are busy. */
static void free_rest(struct cdp *c)
{
	/* the last answer is done with us when it lets go of the lock */
	spin_lock_irq(&c->queue_lock);
	spin_unlock_irq(&c->queue_lock);
	cdp_unlist(c);
	cdp_senders_exit(c);
	cdp_flights_exit(c);
	cdp_copies_exit(c);
	cdp_verify_exit(c);
	cdp_store_exit(c);
	free_percpu(c->gauges);
	free_percpu(c->stats);
	kvfree(c);
}

/*----------------------------------------------------------------
 * What stays behind
 *--------------------------------------------------------------*/

/* All but those of @legs. */
static void release_devices(struct cdp *c, u32 legs)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(c->kept); i++) {
		if (legs & 1u << i / 2)
			continue;
		if (c->kept[i].claim)
			cdp_bdev_release(c->kept[i].claim, c);
		if (c->kept[i].hold)
			cdp_hold_put(c->kept[i].hold);
		c->kept[i] = (struct cdp_kept) { 0 };
	}
}

static void hold(struct cdp_kept *k, struct dm_dev *dev)
{
	if (dev)
		k->hold = cdp_hold_get(dev->bdev);
}

void cdp_hold_leg(struct cdp *c, u32 leg)
{
	hold(&c->kept[2 * leg], c->devs[leg].data);
	hold(&c->kept[2 * leg + 1], c->devs[leg].meta);
}

static bool is_held(struct cdp *c, u32 legs)
{
	u32 leg;

	for (leg = 0; leg < c->nr_legs; leg++)
		if (legs & 1u << leg && (!c->kept[2 * leg].hold ||
					 (c->devs[leg].meta && !c->kept[2 * leg + 1].hold)))
			return false;
	return true;
}

/*
 * Those that a table that follows has are left out. By a worker only: it may wait as long
 * as the disk, see cdp_hold_leg().
 */
static void claim_devices(struct cdp *c)
{
	u32 i;

	/* what was asked before the first resume is reads */
	if (!c->active || is_answered(c))
		return;
	for (i = 0; i < ARRAY_SIZE(c->kept); i++)
		if (c->kept[i].hold && !c->kept[i].claim)
			c->kept[i].claim = cdp_hold_claim(c->kept[i].hold, c);
}

/* The last one out, as the worker may be done before who waits for its claim. */
static void end_put(struct cdp *c)
{
	if (!atomic_dec_and_test(&c->end_refs))
		return;
	free_rest(c);
	/* cdp_end_exit() waits for the way out of here, if it is the worker's */
	module_put(THIS_MODULE);
}

static void end_work(struct work_struct *work)
{
	struct cdp *c = container_of(work, struct cdp, end_work);

	claim_devices(c);
	WRITE_ONCE(c->claimed, true);
	wake_up_all(&c->wait);
	/* idle: that may take hours, and is nothing that the hung task detector should see */
	while (!wait_event_idle_timeout(c->wait, is_answered(c), HZ)) {
		release_devices(c, cdp_late_legs(c));	/* whatever the others do */
		claim_devices(c);
	}
	release_devices(c, 0);
	end_put(c);
}

/* What is left goes by itself. */
static void stay_behind(struct cdp *c, u32 legs)
{
	u32 leg;

	for (leg = 0; leg < c->nr_legs; leg++)
		if (legs & 1u << leg)
			DMWARN("%s: leg %u has requests to answer from a table that is gone; its devices stay in use until it has",
			       cdp_name(c), leg);
	cdp_outlive(c);
	__module_get(THIS_MODULE);
	INIT_WORK(&c->end_work, end_work);
	atomic_set(&c->end_refs, 2);
	queue_work(end_wq, &c->end_work);
	/* who removes the table may give the disk to somebody else at once */
	wait_event_timeout(c->wait, READ_ONCE(c->claimed), msecs_to_jiffies(CLAIM_MS));
	end_put(c);
}

void cdp_destroy(struct cdp *c)
{
	u32 late;

	quiesce(c);
	stop_workers(c);
	late = cdp_late_legs(c);
	/* the last answer may be on its way out of the list */
	if (!late || !is_held(c, late)) {
		wait_event_idle(c->wait, is_answered(c));
		late = 0;
	}
	free_large(c);
	release_devices(c, late);
	put_devices(c);
	if (late)
		stay_behind(c, late);
	else
		free_rest(c);
}

int __init cdp_end_init(void)
{
	end_wq = alloc_workqueue("cdp_end", WQ_UNBOUND, 0);
	return end_wq ? 0 : -ENOMEM;
}

void cdp_end_exit(void)
{
	destroy_workqueue(end_wq);
}
