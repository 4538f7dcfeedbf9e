// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm.h"
#include "follow.h"
#include "msg.h"
#include "size.h"

#define TICK_MS		500u
#define PATIENCE_S	5.0	/* for the kernel to begin a copy on its own */

static u32 count(const struct cdp_status *s, enum cdp_leg_state state)
{
	u32 i, n = 0;

	for (i = 0; i < s->nr_legs; i++)
		n += s->legs[i].state == state;
	return n;
}

enum cdp_follow_state cdp_follow_judge(const struct cdp_status *s, enum cdp_follow_for what)
{
	u32 stale = count(s, LEG_STALE), in_sync = count(s, LEG_IN_SYNC);

	if (what == FOLLOW_EVENT)
		return FOLLOW_GO_ON;	/* comes from elsewhere */
	if (in_sync == s->nr_legs)
		return FOLLOW_DONE;
	if (!in_sync)
		return FOLLOW_STUCK;
	if (!stale && what == FOLLOW_REBUILT)
		return FOLLOW_DONE;
	return stale && s->resync != RESYNC_IDLE ? FOLLOW_GO_ON : FOLLOW_STUCK;
}

static int stuck(const struct cdp_live *s)
{
	char leg[CDP_LEG_TEXT];
	u32 i;

	for (i = 0; i < s->status.nr_legs; i++) {
		enum cdp_leg_state state = s->status.legs[i].state;

		if (state == LEG_IN_SYNC)
			continue;
		return cdp_why(-ECDP_DEGRADED, "%s: %s is %s, and nothing is being copied; %s",
			       s->name, cdp_live_leg_text(s, i, leg), cdp_leg_state_name(state),
			       state == LEG_STALE ? "see cdpctl events" :
			       "bring it back with cdpctl leg rejoin, or replace it with cdpctl rebuild");
	}
	return -ECDP_DEGRADED;
}

static void show(struct cdp_progress *p, const struct cdp_live *s)
{
	u64 bytes = (u64)s->table.region_sectors * CDP_SECTOR_BYTES;

	if (s->status.resync != RESYNC_IDLE && s->status.to_copy)
		cdp_progress_show(p, s->status.copied * bytes, s->status.to_copy * bytes);
}

struct wait {
	enum cdp_follow_for what;
	u32 first_event;
	double end;		/* 0: never */
	double stuck_since;
	bool said_paused;
};

/* 1: go on. Patience with a stale leg: its copy begins a moment after it is there. */
static int judge(struct wait *w, const struct cdp_live *s)
{
	enum cdp_follow_state state = cdp_follow_judge(&s->status, w->what);
	double now = cdp_seconds();

	if (state == FOLLOW_DONE || (w->what == FOLLOW_EVENT && s->event_nr != w->first_event))
		return 0;
	if (state != FOLLOW_STUCK)
		w->stuck_since = now;
	else if (!count(&s->status, LEG_STALE) || now - w->stuck_since > PATIENCE_S)
		return stuck(s);
	if (s->status.resync == RESYNC_PAUSED && !w->said_paused) {
		cdp_note("%s: the copy is paused; cdpctl resync %s resume", s->name, s->name);
		w->said_paused = true;
	}
	if (w->end && now >= w->end)
		return cdp_why(-ETIME, "%s: the time is up; the set runs on (%s)", s->name,
			       cdp_health_name(s->status.health));
	if (cdp_interrupted())
		return cdp_why(-EINTR, "interrupted; the set %s runs on, and so does its copy (cdpctl wait %s)",
			       s->name, s->name);
	return 1;
}

static int tick(struct wait *w, struct cdp_live *s)
{
	u32 ms = TICK_MS;
	int r;

	if (w->end && w->end - cdp_seconds() < ms / 1000.0)
		ms = (u32)((w->end - cdp_seconds()) * 1000) + 1;
	r = cdp_dm_wait(s->name, s->event_nr, ms);
	if (r && r != -ETIME && r != -EINTR)
		return r;
	return cdp_live_refresh(s);
}

int cdp_follow(const char *name, enum cdp_follow_for what, u32 timeout_s, bool json)
{
	struct cdp_progress p = { .name = name, .json = json };
	struct wait w = { .what = what, .stuck_since = cdp_seconds() };
	struct cdp_live s;
	int r = cdp_live_open(&s, name);

	cdp_interrupt_catch();
	w.end = timeout_s ? cdp_seconds() + timeout_s : 0;
	w.first_event = s.event_nr;
	while (!r) {
		r = judge(&w, &s);
		if (r <= 0)
			break;
		show(&p, &s);
		r = tick(&w, &s);
	}
	cdp_progress_end(&p);
	cdp_live_close(&s);
	return r;
}

int cdp_follow_copy(const char *name, enum cdp_follow_for what, bool json)
{
	int r = cdp_follow(name, what, 0, json);

	return r == -EINTR ? -ECDP_DEGRADED : r;
}
