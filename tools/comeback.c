// SPDX-License-Identifier: GPL-2.0-or-later
#include "comeback.h"

#define MOST_LEVEL	30u
#define HINT_S		0.3	/* a disk that comes has partitions, links, a second path coming */

double cdp_comeback_wait_s(u32 level, double most_s)
{
	double s = CDP_COMEBACK_FIRST_S;

	while (level-- && s < most_s)
		s *= 2;
	return s < most_s ? s : most_s;
}

static void climb(struct cdp_comeback *c, u64 steps)
{
	c->level += steps < MOST_LEVEL ? (u32)steps : MOST_LEVEL;
	if (c->level > MOST_LEVEL)
		c->level = MOST_LEVEL;
}

static bool was_stable(const struct cdp_comeback *c, double now)
{
	double need = 2 * cdp_comeback_wait_s(c->level, c->most_s);

	if (!c->in_sync_s)
		return false;
	return now - c->in_sync_s >= (need > CDP_COMEBACK_STABLE_S ? need : CDP_COMEBACK_STABLE_S);
}

/* Flaps that came and went since the last look count as well; one that is @seen now is not one. */
static u64 unseen_flaps(const struct cdp_comeback *c, const struct cdp_comeback_view *v, bool seen)
{
	u64 more = c->known && v->flaps > c->flaps ? v->flaps - c->flaps : 0;

	return more && seen ? more - 1 : more;
}

/* It is not in-sync any more: was it long enough for all to be forgiven? */
static void forgive(struct cdp_comeback *c, double now)
{
	if (was_stable(c, now))
		c->level = 0;
	c->in_sync_s = 0;
}

static void leave(struct cdp_comeback *c, double now)
{
	forgive(c, now);
	c->out = true;
	c->next_s = now + cdp_comeback_wait_s(c->level, c->most_s);
	climb(c, 1);
}

static void follow(struct cdp_comeback *c, const struct cdp_comeback_view *v, double now)
{
	bool out = v->state == LEG_FAULTY || v->state == LEG_MISSING;
	u64 unseen = unseen_flaps(c, v, out && !c->out);

	c->flaps = v->flaps;
	c->known = true;
	if (unseen) {
		forgive(c, now);
		climb(c, unseen);
	}
	if (out && !c->out)
		leave(c, now);
	if (out)
		return;
	c->out = c->refused = false;
	if (v->state != LEG_IN_SYNC)
		forgive(c, now);
	else if (!c->in_sync_s)
		c->in_sync_s = now;
}

enum cdp_comeback_act cdp_comeback_judge(struct cdp_comeback *c, const struct cdp_comeback_view *v,
					 double now)
{
	follow(c, v, now);
	/* late answers: the kernel tells when the last one has come */
	if (!c->out || v->taken_out || v->trying || c->refused || v->late)
		return COMEBACK_NOTHING;
	return now >= c->next_s ? COMEBACK_TRY : COMEBACK_WAIT;
}

void cdp_comeback_ended(struct cdp_comeback *c, enum cdp_comeback_end end, double now)
{
	c->tried_s = now;
	c->refused = end == COMEBACK_REFUSED;
	c->next_s = now + cdp_comeback_wait_s(c->level, c->most_s);
	if (end == COMEBACK_FAILED)
		climb(c, 1);
}

void cdp_comeback_hint(struct cdp_comeback *c, double now)
{
	double soon = now + HINT_S;

	if (!c->out)
		return;
	c->refused = false;
	if (c->tried_s && soon < c->tried_s + CDP_COMEBACK_FIRST_S)
		soon = c->tried_s + CDP_COMEBACK_FIRST_S;
	if (c->next_s > soon)
		c->next_s = soon;
}
