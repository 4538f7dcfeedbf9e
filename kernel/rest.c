// SPDX-License-Identifier: GPL-2.0
/*
 * Giving way to the guest: where somebody waits for the processors that a resync and a
 * verify use, they rest before they begin more. It is a work that rests, and then wakes
 * who wanted to begin: no worker of the set waits, and what is under way goes on.
 */
#include <linux/delay.h>

#include "cdp.h"

static struct workqueue_struct *rest_wq;

void cdp_stint_end(struct cdp *c, struct cdp_stint stint)
{
	u32 rise = READ_ONCE(c->features.latency_rise);
	bool wanted = cdp_is_wanted();
	u64 now = ktime_get_ns(), ns = now - stint.since;

	if (!rise)
		return;
	/* what has waited, for a leg that is slow to take more, has let go of the processor */
	if (current->nvcsw != stint.waits)
		ns = 0;
	wanted |= current->nivcsw != stint.turns;
	spin_lock(&c->pace_lock);
	cdp_pace_held(&c->pace, now, ns, wanted, rise);
	spin_unlock(&c->pace_lock);
}

static void rest_work(struct work_struct *work)
{
	struct cdp_rest *r = container_of(work, struct cdp_rest, work);
	unsigned long us = (u32)r->ns / 1000, most = us + us / 8;
	u64 due = ktime_get_ns() + most * 1000;
	struct cdp *c = r->c;

	usleep_range_state(us, most, TASK_IDLE);
	spin_lock(&c->pace_lock);
	cdp_pace_woken(&c->pace, due, ktime_get_ns());
	spin_unlock(&c->pace_lock);
	WRITE_ONCE(r->state, REST_OVER);
	r->go_on(c);
}

/* Return: is one needed? */
static bool begin_rest(struct cdp *c, struct cdp_rest *r)
{
	if (!cdp_is_busy(c))
		return false;
	spin_lock(&c->pace_lock);
	r->ns = cdp_pace_rest(&c->pace, ktime_get_ns());
	spin_unlock(&c->pace_lock);
	if (!r->ns)
		return false;
	cdp_count(c, STAT_RESTS, 1);
	WRITE_ONCE(r->state, RESTING);
	queue_work(rest_wq, &r->work);
	return true;
}

bool cdp_may_begin(struct cdp *c, struct cdp_rest *r)
{
	switch (READ_ONCE(r->state)) {
	case RESTING:
		return false;
	case REST_OVER:
		/* once is enough: both of them together must not keep one from going on */
		WRITE_ONCE(r->state, REST_NONE);
		return true;
	default:
		return !begin_rest(c, r);
	}
}

bool cdp_begins_small(struct cdp *c)
{
	bool small;

	spin_lock(&c->pace_lock);
	small = cdp_pace_is_small(&c->pace, ktime_get_ns());
	spin_unlock(&c->pace_lock);
	return small && cdp_is_busy(c);
}

static void init(struct cdp *c, struct cdp_rest *r, void (*go_on)(struct cdp *c))
{
	INIT_WORK(&r->work, rest_work);
	r->c = c;
	r->go_on = go_on;
}

void cdp_rests_init(struct cdp *c)
{
	spin_lock_init(&c->pace_lock);
	init(c, &c->copy_rest, cdp_kick_keeper);
	init(c, &c->verify_rest, cdp_kick_verify);
}

void cdp_rests_exit(struct cdp *c)
{
	cancel_work_sync(&c->copy_rest.work);
	cancel_work_sync(&c->verify_rest.work);
}

int __init cdp_rest_init(void)
{
	rest_wq = alloc_workqueue("cdp_rest", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return rest_wq ? 0 : -ENOMEM;
}

void cdp_rest_exit(void)
{
	destroy_workqueue(rest_wq);
}
