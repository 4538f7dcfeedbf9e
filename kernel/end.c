// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a set. It waits for late answers: their pages and their devices are ours. But a
 * table that is refused keeps nobody waiting: what its constructor has read and a leg has
 * not answered stays behind with the pages, and with the device held open, until it is.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "cdp.h"

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
	cancel_delayed_work_sync(&c->watch_work);
	cancel_delayed_work_sync(&c->verify_work);
}

static void wait_for_answers(struct cdp *c)
{
	/* idle: that may take hours, and is nothing that the hung task detector should see */
	wait_event_idle(c->wait, list_empty_careful(&c->late));
	/* the last answer is done with us when it lets go of the lock */
	spin_lock_irq(&c->queue_lock);
	spin_unlock_irq(&c->queue_lock);
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

/* All that a late answer to a read of metadata does not need. */
static void free_most(struct cdp *c)
{
	cdp_flights_exit(c);
	cdp_copies_exit(c);
	cdp_verify_exit(c);
	free_percpu(c->gauges);
	free_percpu(c->stats);
	kfree(c->scratch);
	kvfree(c->plan);
	kfree(c->clean);
	cdp_arrays_free(c);
}

static void free_rest(struct cdp *c)
{
	cdp_store_exit(c);
	kvfree(c);
}

/* Until then the set is among the others: the table that follows knows the legs that are busy. */
void cdp_destroy(struct cdp *c)
{
	quiesce(c);
	wait_for_answers(c);
	cdp_unlist(c);
	stop_workers(c);
	cdp_senders_exit(c);
	free_most(c);
	put_devices(c);
	free_rest(c);
}

/*----------------------------------------------------------------
 * Tables that are refused
 *--------------------------------------------------------------*/

static void release_devices(struct cdp *c)
{
	u32 i;

	for (i = 0; i < c->nr_legs; i++)
		if (c->kept_open[i])
			cdp_bdev_release(c->kept_open[i]);
}

/* Keep open what is read from @legs, beyond the table. */
static bool hold_devices(struct cdp *c, u32 legs)
{
	bool ok = true;
	u32 i;

	for (i = 0; i < c->nr_legs; i++)
		if (legs & 1u << i) {
			c->kept_open[i] = cdp_bdev_hold(c->devs[i].meta->bdev);
			ok &= !!c->kept_open[i];
		}
	if (!ok)
		release_devices(c);
	return ok;
}

static void end_work(struct work_struct *work)
{
	struct cdp *c = container_of(work, struct cdp, end_work);

	wait_for_answers(c);
	cdp_senders_exit(c);
	release_devices(c);
	free_rest(c);
	/* cdp_end_exit() waits for the way out of here */
	module_put(THIS_MODULE);
}

void cdp_destroy_refused(struct cdp *c)
{
	u32 late;

	quiesce(c);
	late = cdp_late_legs(c);
	if (!late || !hold_devices(c, late)) {
		cdp_destroy(c);
		return;
	}
	stop_workers(c);
	free_most(c);
	put_devices(c);
	__module_get(THIS_MODULE);
	INIT_WORK(&c->end_work, end_work);
	queue_work(end_wq, &c->end_work);
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
