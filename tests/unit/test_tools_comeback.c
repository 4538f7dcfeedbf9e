// SPDX-License-Identifier: GPL-2.0
/* When a leg that is out is tried again. */
#include "unit.h"
#include "comeback.h"

#define STABLE	CDP_COMEBACK_STABLE_S

static struct cdp_comeback fresh(void)
{
	return (struct cdp_comeback) { .most_s = CDP_COMEBACK_MOST_S };
}

static enum cdp_comeback_act see(struct cdp_comeback *c, enum cdp_leg_state state, double now)
{
	struct cdp_comeback_view v = { .state = state, .flaps = c->flaps };

	return cdp_comeback_judge(c, &v, now);
}

TEST(waits)
{
	double w = CDP_COMEBACK_FIRST_S;
	u32 level;

	for (level = 0; level < 8; level++, w *= 2)
		must(cdp_comeback_wait_s(level, 300) == w, "level %u", level);
	must(cdp_comeback_wait_s(9, 300) == 300 && cdp_comeback_wait_s(4000000, 300) == 300, "most");
	must(cdp_comeback_wait_s(0, 0.5) == 0.5, "less than the first");
}

/* Tries fail: 1, 2, 4, ... up to 5 minutes, each counted from the end of the try. */
TEST(doubles)
{
	struct cdp_comeback c = fresh();
	double now = 1000, wait = 1;
	u32 i;

	must(see(&c, LEG_IN_SYNC, now) == COMEBACK_NOTHING, "in-sync");
	now += STABLE;
	must(see(&c, LEG_FAULTY, now) == COMEBACK_WAIT && c.next_s == now + 1, "the first wait");
	for (i = 0; i < 20; i++) {
		must(see(&c, LEG_FAULTY, now + wait - 0.01) == COMEBACK_WAIT, "try %u early", i);
		now += wait;
		must(see(&c, LEG_FAULTY, now) == COMEBACK_TRY, "try %u", i);
		now += 0.5;
		cdp_comeback_ended(&c, COMEBACK_FAILED, now);
		wait = wait * 2 < 300 ? wait * 2 : 300;
	}
}

/* What comes back and stays is trusted again; what does not has to wait longer each time. */
TEST(flaps)
{
	struct cdp_comeback c = fresh();
	double now = 1000, last = 0;
	u32 i;

	for (i = 0; i < 6; i++) {
		must(see(&c, LEG_FAULTY, now) == COMEBACK_WAIT, "out");
		must(c.next_s - now > last, "flap %u is not damped", i);
		last = c.next_s - now;
		now = c.next_s;
		must(see(&c, LEG_FAULTY, now) == COMEBACK_TRY, "try");
		cdp_comeback_ended(&c, COMEBACK_CAME, now);
		must(see(&c, LEG_STALE, now) == COMEBACK_NOTHING, "being copied to");
		must(see(&c, LEG_IN_SYNC, now + 1) == COMEBACK_NOTHING, "in-sync");
		now += STABLE / 2;
	}
	must(see(&c, LEG_FAULTY, now) == COMEBACK_WAIT, "out");
	now = c.next_s;
	cdp_comeback_ended(&c, COMEBACK_CAME, now);
	must(see(&c, LEG_IN_SYNC, now) == COMEBACK_NOTHING, "in-sync");
	now += 16 * last + STABLE;
	must(see(&c, LEG_FAULTY, now) == COMEBACK_WAIT && c.next_s == now + 1, "forgiven");
}

/* Long waits were earned by much: a minute is not enough then. */
TEST(hysteresis)
{
	struct cdp_comeback c = fresh();

	c.level = 8;	/* 256 s */
	see(&c, LEG_IN_SYNC, 1000);
	see(&c, LEG_FAULTY, 1000 + STABLE + 1);
	must(c.next_s > 1000 + STABLE + 100, "forgiven after a minute");
}

/* Doubted first, or slow, and failed then: it was trusted all the same until it left. */
TEST(by_way_of_stale)
{
	struct cdp_comeback c = fresh();

	c.level = 5;
	see(&c, LEG_IN_SYNC, 1000);
	see(&c, LEG_STALE, 9000);
	see(&c, LEG_FAULTY, 9001);
	must(c.next_s == 9002, "next at %f", c.next_s);
}

/* The kernel counted more than was seen. */
TEST(unseen)
{
	struct cdp_comeback c = fresh();
	struct cdp_comeback_view v = { .state = LEG_IN_SYNC, .flaps = 7 };

	cdp_comeback_judge(&c, &v, 1000);
	must(c.level == 0, "flaps of before we looked");
	v.flaps = 10;
	cdp_comeback_judge(&c, &v, 1001);
	must(c.level == 3 && c.in_sync_s == 1001, "three, level %u", c.level);
	v.flaps = 11;
	v.state = LEG_FAULTY;
	cdp_comeback_judge(&c, &v, 1002);
	must(c.level == 4, "the one that is seen counts once, level %u", c.level);
	v.flaps = 0;	/* the set was started anew */
	cdp_comeback_judge(&c, &v, 1003);
	must(c.level == 4 && c.flaps == 0, "a new count");
	v.flaps = ~0ull;
	cdp_comeback_judge(&c, &v, 1004);
	must(c.level <= 30, "no end");
}

TEST(left_alone)
{
	struct cdp_comeback c = fresh();
	struct cdp_comeback_view v = { .state = LEG_MISSING };

	must(cdp_comeback_judge(&c, &v, 10) == COMEBACK_WAIT, "missing");
	v.taken_out = true;
	must(cdp_comeback_judge(&c, &v, 100) == COMEBACK_NOTHING, "by hand");
	v.taken_out = false;
	v.trying = true;
	must(cdp_comeback_judge(&c, &v, 100) == COMEBACK_NOTHING, "a try is under way");
	v.trying = false;
	v.late = 1;
	must(cdp_comeback_judge(&c, &v, 100) == COMEBACK_NOTHING, "answers are awaited");
	v.late = 0;
	must(cdp_comeback_judge(&c, &v, 100) == COMEBACK_TRY, "now");
	cdp_comeback_ended(&c, COMEBACK_REFUSED, 101);
	must(cdp_comeback_judge(&c, &v, 1e6) == COMEBACK_NOTHING, "refused");
}

TEST(hints)
{
	struct cdp_comeback c = fresh();

	see(&c, LEG_IN_SYNC, 5);
	cdp_comeback_hint(&c, 10);
	must(!c.next_s, "in-sync: nothing to hurry");
	c.level = 8;
	see(&c, LEG_FAULTY, 20);
	must(c.next_s > 200, "a long wait");
	cdp_comeback_hint(&c, 100);
	must(c.next_s > 100 && c.next_s < 101, "soon");
	cdp_comeback_ended(&c, COMEBACK_REFUSED, 101);
	cdp_comeback_hint(&c, 101.1);
	must(!c.refused && c.next_s == 102, "another disk, but not more than one try a second");
	cdp_comeback_hint(&c, 101.2);
	must(c.next_s == 102, "hints do not put it off");
}

UNIT_MAIN("comeback", waits, doubles, flaps, hysteresis, by_way_of_stale, unseen, left_alone, hints)
