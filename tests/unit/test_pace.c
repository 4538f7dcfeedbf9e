// SPDX-License-Identifier: GPL-2.0
/* pace.c: where somebody waits for the processors a copy has a part of their time, no less. */
#include "unit.h"
#include "pace.h"

#define US	((u64)1000)
#define MS	((u64)1000000)
#define TWICE	100u
#define START	(1000 * MS)

/* Somebody who copies all the time: what he did and when. */
struct worker {
	struct cdp_pace pace;
	u64 now, worked, rested, rests;
	u32 rise;
};

/* Hold a processor for @ns with a leg that takes @leg_ns more, and rest if that is due. */
static void work(struct worker *w, u64 ns, u64 leg_ns, bool wanted)
{
	u64 rest;

	w->now += ns;
	w->worked += ns;
	cdp_pace_held(&w->pace, w->now, ns, wanted, w->rise ? w->rise : TWICE);
	w->now += leg_ns;
	rest = cdp_pace_rest(&w->pace, w->now);
	if (rest) {
		w->now += rest;
		w->rested += rest;
		w->rests++;
		cdp_pace_woken(&w->pace, w->now, w->now);
	}
}

TEST(nobody_waits)
{
	struct worker w = { .now = START };
	u32 i;

	for (i = 0; i < 1000; i++)
		work(&w, 100 * US, 0, false);
	must(!w.rests, "%lu rests", w.rests);
	must(!cdp_pace_is_small(&w.pace, w.now), "nor is it small");
}

TEST(a_third_of_the_time)
{
	struct worker w = { .now = START };
	u64 part;
	u32 i;

	for (i = 0; i < 1000; i++)
		work(&w, 20 * US + i % 7 * 13 * US, 0, i % 64 == 0);
	part = (w.now - START) * 100 / w.worked;
	must(part >= 299 && part <= 301, "one part in %lu / 100", part);
	must(cdp_pace_is_small(&w.pace, w.now), "what is begun is small");
}

TEST(more_where_the_guest_may_wait_longer)
{
	static const u32 rises[] = { 10, 50, 200, 1000, 10000 };
	u32 i, k;

	for (k = 0; k < ARRAY_SIZE(rises); k++) {
		struct worker w = { .now = START, .rise = rises[k] };
		u64 rest;

		for (i = 0; i < 10000; i++)
			work(&w, 90 * US, 0, i % 64 == 0);
		rest = w.rested * rises[k] / w.worked;
		must(rest >= 198 && rest <= 201, "%u %%: %lu of rest in 100 of work", rises[k],
		     w.rested * 100 / w.worked);
	}
}

/* Two at once, as a resync and a verify, have no more than one. */
TEST(together_they_have_a_third)
{
	struct worker w = { .now = START };
	u64 rest;
	u32 i;

	for (i = 0; i < 100; i++) {
		w.now += 100 * US;
		cdp_pace_held(&w.pace, w.now, 100 * US, true, TWICE);
		cdp_pace_held(&w.pace, w.now, 100 * US, false, TWICE);
		rest = cdp_pace_rest(&w.pace, w.now);
		must(rest == 500 * US, "both are rested for: %lu us", rest / US);
		w.now += rest;
	}
}

/* A rest is not needed where the leg is one. */
TEST(a_slow_leg_is_rest_enough)
{
	struct worker w = { .now = START };
	u32 i;

	for (i = 0; i < 1000; i++)
		work(&w, 30 * US, 1 * MS, true);
	must(!w.rests, "%lu rests", w.rests);
	must(!cdp_pace_is_small(&w.pace, w.now), "it is given as much as ever");
	/* half of it */
	work(&w, 100 * US, 100 * US, true);
	must(w.rested == 100 * US, "%lu us", w.rested / US);
}

TEST(it_ends_when_nobody_was_seen_for_a_while)
{
	struct worker w = { .now = START };
	u64 begin, last = 0;

	work(&w, 100 * US, 0, true);
	must(w.rests == 1, "seen");
	begin = w.now;
	while (w.now < begin + 2 * CDP_PACE_CROWD) {
		u64 rests = w.rests;

		work(&w, 100 * US, 0, false);
		if (rests != w.rests)
			last = w.now;
	}
	must(last > begin + CDP_PACE_CROWD - MS && last < begin + CDP_PACE_CROWD + MS,
	     "it rests for %lu ms", (last - begin) / MS);
	must(cdp_pace_is_small(&w.pace, last + CDP_PACE_SMALL - MS), "and tries with little then");
	must(!cdp_pace_is_small(&w.pace, last + CDP_PACE_SMALL + MS), "and then with all");
}

/* Who is woken late waits like everybody else. */
TEST(woken_late)
{
	struct cdp_pace p = { .crowded = START + 10 * MS, .lately = START + CDP_PACE_LATELY };

	cdp_pace_woken(&p, START, START + CDP_PACE_LATE);
	must(p.crowded == START + 10 * MS, "not late");
	cdp_pace_woken(&p, START, START + CDP_PACE_LATE + 1);
	must(p.crowded == START + CDP_PACE_LATE + 1 + CDP_PACE_CROWD, "late");
}

/* A processor that sleeps deeply wakes late as well: nobody waits for that. */
TEST(woken_late_with_nobody_there)
{
	struct worker w = { .now = START };
	u64 last = START;

	work(&w, 100 * US, 0, true);
	while (w.now < START + 3 * CDP_PACE_LATELY) {
		u64 rests = w.rests;

		work(&w, 100 * US, 0, false);
		if (rests == w.rests)
			continue;
		last = w.now;
		w.now += 200 * US;
		cdp_pace_woken(&w.pace, last, w.now);
	}
	must(last < START + CDP_PACE_LATELY + 2 * CDP_PACE_CROWD, "it rests for %lu ms",
	     (last - START) / MS);
	must(last > START + CDP_PACE_LATELY, "a while it counts: %lu ms", (last - START) / MS);
}

/* Whatever the clock says, something goes on. */
TEST(no_rest_is_long)
{
	struct worker w = { .now = START };
	u64 rest;
	u32 i;

	work(&w, 60000 * MS, 0, true);
	must(w.rested == 2 * CDP_PACE_HELD, "not for what others had: %lu us", w.rested / US);
	for (i = 0; i < 100; i++)
		cdp_pace_held(&w.pace, w.now, CDP_PACE_HELD, true, TWICE);
	rest = cdp_pace_rest(&w.pace, w.now);
	must(rest == CDP_PACE_MOST, "%lu us", rest / US);
	must(!cdp_pace_rest(&w.pace, w.now + rest), "and it is over then");
}

/* A timer costs more than a short rest is worth; it is not lost. */
TEST(short_rests_are_saved_up)
{
	struct worker w = { .now = START };
	u32 i;

	for (i = 0; i < 1000; i++)
		work(&w, 1 * US, 0, true);
	must(w.rests <= 40 && w.rests > 30, "%lu rests", w.rests);
	must(w.rested > 19 * w.worked / 10, "%lu us of work, %lu of rest", w.worked / US,
	     w.rested / US);
}

UNIT_MAIN("pace", nobody_waits, a_third_of_the_time,
	  more_where_the_guest_may_wait_longer, together_they_have_a_third,
	  a_slow_leg_is_rest_enough, it_ends_when_nobody_was_seen_for_a_while, woken_late,
	  woken_late_with_nobody_there, no_rest_is_long, short_rests_are_saved_up)
