// SPDX-License-Identifier: GPL-2.0
/*
 * Events: kept in a ring for the message, and sent as device-mapper events and
 * uevents. Sending may wait for memory, so it has a queue of its own.
 */
#include <linux/kobject.h>
#include <linux/stdarg.h>

#include "cdp.h"

static struct workqueue_struct *event_wq;

int __init cdp_event_init(void)
{
	event_wq = alloc_workqueue("cdp_event", WQ_UNBOUND, 0);
	return event_wq ? 0 : -ENOMEM;
}

void cdp_event_exit(void)
{
	destroy_workqueue(event_wq);
}

void cdp_event(struct cdp *c, const char *name, int leg, const char *fmt, ...)
{
	struct cdp_event *e = &c->events[c->event_seq % CDP_EVENTS];
	va_list ap;

	lockdep_assert_held(&c->lock);
	e->seq = ++c->event_seq;
	e->when = ktime_get_real_seconds();
	e->name = name;
	e->leg = leg;
	memset(&e->leg_uuid, 0, sizeof(e->leg_uuid));
	if (leg >= 0)
		e->leg_uuid = c->set.super.legs[c->set.legs[leg].slot].uuid;
	va_start(ap, fmt);
	vscnprintf(e->detail, sizeof(e->detail), fmt, ap);
	va_end(ap);
	if (c->active)
		queue_work(event_wq, &c->event_work);
}

static void tell_leg(struct cdp *c, u32 leg)
{
	static const char * const name[LEG_STATES] = {
		[LEG_MISSING] = "leg-missing", [LEG_FAULTY] = "leg-failed",
		[LEG_STALE] = "leg-stale", [LEG_IN_SYNC] = "leg-in-sync",
	};
	struct cdp_set_leg *l = &c->set.legs[leg];
	const char *what = name[l->state];

	if (c->told[leg] == LEG_FAULTY && l->state == LEG_STALE)
		what = "leg-rejoined";
	c->told[leg] = l->state;
	/* what it has not answered is not waited for any more */
	if (l->state < LEG_STALE)
		cdp_watch_now(c);
	cdp_event(c, what, (int)leg, "%llu regions stale", cdp_set_stale_count(&c->set, leg));
	DMINFO("%s: leg %u (%s) is %s", cdp_name(c), leg,
	       c->devs[leg].data ? c->devs[leg].data->name : "-", cdp_leg_state_name(l->state));
}

void cdp_tell(struct cdp *c)
{
	enum cdp_health health = cdp_set_health(&c->set);
	u32 leg;

	if (!c->active)
		return;
	for (leg = 0; leg < c->nr_legs; leg++)
		if (c->told[leg] != c->set.legs[leg].state)
			tell_leg(c, leg);
	if (c->told_leg != c->set.read_leg) {
		c->told_leg = c->set.read_leg;
		cdp_event(c, "failover", c->told_leg, "reads from leg %d", c->told_leg);
	}
	if (c->health != health) {
		c->health = health;
		cdp_event(c, cdp_health_name(health), -1, "health");
		DMINFO("%s: the set is %s", cdp_name(c), cdp_health_name(health));
	}
}

static void send(struct cdp *c, const struct cdp_event *e)
{
	struct mapped_device *md = dm_table_get_md(c->ti->table);
	char name[48], leg[48], seq[32], uuid[CDP_UUID_TEXT];
	char *env[] = { name, seq, leg, NULL };

	scnprintf(name, sizeof(name), "CDP_EVENT=%s", e->name);
	scnprintf(seq, sizeof(seq), "CDP_SEQ=%llu", e->seq);
	scnprintf(leg, sizeof(leg), "CDP_LEG=%s",
		  e->leg < 0 ? "-" : cdp_uuid_print(&e->leg_uuid, uuid));
	kobject_uevent_env(&disk_to_dev(dm_disk(md))->kobj, KOBJ_CHANGE, env);
}

void cdp_event_work(struct work_struct *work)
{
	struct cdp *c = container_of(work, struct cdp, event_work);
	struct cdp_event e;

	for (;;) {
		bool more;

		spin_lock(&c->lock);
		/* what fell out of the ring is not sent any more */
		if (c->event_seq > CDP_EVENTS && c->event_sent < c->event_seq - CDP_EVENTS)
			c->event_sent = c->event_seq - CDP_EVENTS;
		more = c->event_sent < c->event_seq;
		if (more)
			e = c->events[c->event_sent++ % CDP_EVENTS];
		spin_unlock(&c->lock);
		if (!more)
			break;
		send(c, &e);
	}
	dm_table_event(c->ti->table);
}
