// SPDX-License-Identifier: GPL-2.0
/* leg.c: every state and event, and that no order of possible events leads to an impossible one. */
#include "unit.h"
#include "leg.h"

#define LEGS	3u

static const enum cdp_leg_state all[] = { LEG_MISSING, LEG_FAULTY, LEG_STALE, LEG_IN_SYNC };

TEST(every_step)
{
	static const struct {
		enum cdp_leg_state from;
		enum cdp_leg_event event;
		enum cdp_leg_state to;
		u32 act;
	} rows[] = {
		{ LEG_IN_SYNC, LEG_EV_ERROR, LEG_FAULTY, LEG_ACT_LOST | LEG_ACT_MERGE },
		{ LEG_IN_SYNC, LEG_EV_ERROR_LAST, LEG_IN_SYNC, LEG_ACT_LAST },
		{ LEG_IN_SYNC, LEG_EV_LAG, LEG_STALE, LEG_ACT_LOST },
		{ LEG_IN_SYNC, LEG_EV_DOUBT, LEG_STALE, LEG_ACT_LOST | LEG_ACT_MERGE },
		{ LEG_IN_SYNC, LEG_EV_RETURN, LEG_IN_SYNC, 0 },
		{ LEG_IN_SYNC, LEG_EV_SYNCED, LEG_IN_SYNC, 0 },
		{ LEG_STALE, LEG_EV_ERROR, LEG_FAULTY, LEG_ACT_RECORD | LEG_ACT_MERGE },
		{ LEG_STALE, LEG_EV_LAG, LEG_STALE, 0 },
		{ LEG_STALE, LEG_EV_DOUBT, LEG_STALE, LEG_ACT_MERGE },
		{ LEG_STALE, LEG_EV_RETURN, LEG_STALE, 0 },
		{ LEG_STALE, LEG_EV_SYNCED, LEG_IN_SYNC, 0 },
		{ LEG_FAULTY, LEG_EV_ERROR, LEG_FAULTY, 0 },
		{ LEG_FAULTY, LEG_EV_LAG, LEG_FAULTY, 0 },
		{ LEG_FAULTY, LEG_EV_DOUBT, LEG_FAULTY, 0 },
		{ LEG_FAULTY, LEG_EV_RETURN, LEG_STALE, LEG_ACT_RECORD },
		{ LEG_MISSING, LEG_EV_ERROR, LEG_MISSING, 0 },
		{ LEG_MISSING, LEG_EV_LAG, LEG_MISSING, 0 },
		{ LEG_MISSING, LEG_EV_DOUBT, LEG_MISSING, 0 },
	};
	u32 i, s, e, named;

	for (s = 0; s < ARRAY_SIZE(all); s++)
		for (e = 0; e < LEG_EVENTS; e++) {
			struct cdp_leg_step step = cdp_leg_step(all[s], e);

			for (i = named = 0; i < ARRAY_SIZE(rows); i++) {
				if (rows[i].from != all[s] || rows[i].event != e)
					continue;
				must(step.next == rows[i].to && step.act == rows[i].act,
				     "state %u event %u: to %u, act %x", all[s], e, step.next,
				     step.act);
				named++;
			}
			/* what is not named cannot happen, and changes nothing */
			must(named || (step.act == LEG_ACT_BUG && step.next == all[s]),
			     "state %u event %u", all[s], e);
		}
}

/* A set's states as a number in base LEG_STATES. */
static u32 state_of(u32 set, u32 leg)
{
	while (leg--)
		set /= LEG_STATES;
	return set % LEG_STATES;
}

static u32 with_state(u32 set, u32 leg, u32 state)
{
	u32 i, unit = 1;

	for (i = 0; i < leg; i++)
		unit *= LEG_STATES;
	return set + unit * state - unit * state_of(set, leg);
}

static u32 in_sync(u32 set)
{
	u32 i, n = 0;

	for (i = 0; i < LEGS; i++)
		n += state_of(set, i) == LEG_IN_SYNC;
	return n;
}

/* What set.c lets happen to a leg of a set. */
static bool is_possible(u32 set, u32 leg, enum cdp_leg_event event)
{
	u32 s = state_of(set, leg);
	bool last = s == LEG_IN_SYNC && in_sync(set) == 1;

	switch (event) {
	case LEG_EV_ERROR:
		return !last;
	case LEG_EV_ERROR_LAST:
		return last;
	case LEG_EV_LAG:		/* another in-sync leg took the write */
		return !last;
	case LEG_EV_RETURN:
		return s == LEG_FAULTY;
	case LEG_EV_SYNCED:
		return s == LEG_STALE;
	default:
		return false;
	}
}

/* The set after the event, which must be one that can be lived with. */
static u32 after(u32 set, u32 leg, enum cdp_leg_event event)
{
	struct cdp_leg_step step = cdp_leg_step(state_of(set, leg), event);
	u32 next = with_state(set, leg, step.next);

	must(!(step.act & LEG_ACT_BUG), "set %u leg %u event %u", set, leg, event);
	must(in_sync(next), "set %u leg %u event %u: nobody is left", set, leg, event);
	/* one that is not in-sync any more is recorded before anything goes on */
	must(in_sync(next) >= in_sync(set) || step.act & LEG_ACT_LOST,
	     "set %u leg %u event %u: not recorded", set, leg, event);
	return next;
}

#define SETS	(LEG_STATES * LEG_STATES * LEG_STATES)

TEST(no_way_to_the_impossible)
{
	bool seen[SETS] = { false };
	u32 queue[SETS], head = 0, tail = 0, set, leg, e, steps = 0;

	for (set = 0; set < SETS; set++)
		if (in_sync(set))
			seen[queue[tail++] = set] = true;
	must(tail == 64 - 27, "%u beginnings", tail);
	for (; head < tail; head++)
		for (leg = 0; leg < LEGS; leg++)
			for (e = 0; e < LEG_EVENTS; e++) {
				if (!is_possible(queue[head], leg, e))
					continue;
				set = after(queue[head], leg, e);
				steps++;
				if (!seen[set])
					seen[queue[tail++] = set] = true;
			}
	must(steps > 150, "%u steps", steps);
}

UNIT_MAIN("leg", every_step, no_way_to_the_impossible)
