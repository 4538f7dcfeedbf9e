// SPDX-License-Identifier: GPL-2.0
/* depth.c: a link of a few KiB/s and a fast disk both get as much as they can take. */
#include "unit.h"
#include "depth.h"

#define RUN	2048u

static u32 least(u32 a, u32 b)
{
	return a < b ? a : b;
}

/* A round on a link of @rate sectors a ms: all that is allowed is sent, and waits for its turn. */
static u32 play(struct cdp_depth *d, u32 rate, u32 aim_ms)
{
	u32 allowed = d->limit, turn = d->turn, run = least(RUN, allowed / 2), sent, ms = 0;

	for (sent = 0; sent < allowed; sent += run) {
		ms = (sent + run) / rate;
		cdp_depth_ended(d, turn, run, run, allowed, ms > aim_ms);
	}
	return ms;
}

TEST(a_fast_leg_is_kept_busy)
{
	struct cdp_depth d;
	u32 i;

	cdp_depth_start(&d);
	must(cdp_depth_allows(&d, 511) && !cdp_depth_allows(&d, 512), "begins with 256 KiB");
	for (i = 0; i < 6; i++)
		play(&d, 2000, 600);
	must(d.limit >= 16 * RUN, "16 MiB after six rounds, not %u", d.limit);
	for (i = 0; i < 20; i++)
		play(&d, 20000, 600);
	must(d.limit == CDP_DEPTH_MOST, "and no more than %u, not %u", CDP_DEPTH_MOST, d.limit);
}

TEST(no_round_on_a_slow_link_takes_long)
{
	u32 rate, i, ms;

	for (rate = 1; rate <= 64; rate *= 2) {	/* from half a MiB/s on */
		struct cdp_depth d;

		cdp_depth_start(&d);
		for (i = 0; i < 100; i++) {
			ms = play(&d, rate, 600);
			must(ms <= 1300, "%u ms for a round at %u sectors a ms", ms, rate);
			must(i < 10 || ms >= 250, "it is used: %u ms", ms);
		}
	}
}

TEST(halved_once_a_round)
{
	struct cdp_depth d;
	u32 i;

	cdp_depth_start(&d);
	d.limit = 16 * RUN;
	for (i = 0; i < 16; i++)
		cdp_depth_ended(&d, 0, RUN, RUN, 16 * RUN, true);
	must(d.limit == 8 * RUN && d.turn == 1, "16 that were slow together: %u", d.limit);
	cdp_depth_ended(&d, 1, RUN, RUN, 2 * RUN, true);
	must(d.limit == RUN, "what was allowed and not used does not count: %u", d.limit);
	for (i = 0; i < 9; i++)
		cdp_depth_ended(&d, d.turn, RUN, RUN, RUN, true);
	must(d.limit == CDP_DEPTH_LEAST, "something always goes: %u", d.limit);
	cdp_depth_ended(&d, d.turn, 64, 64, CDP_DEPTH_LEAST, false);
	must(d.limit == CDP_DEPTH_LEAST + 64, "it grows again");
	d.limit = 8 * RUN;
	cdp_depth_ended(&d, d.turn, RUN, RUN, 3 * RUN, false);
	must(d.limit == 8 * RUN, "but not what is not used");
}

/* An empty disk opens it for what comes then, which is slow on a slow link. */
TEST(zeroes_tell_nothing_of_the_link)
{
	struct cdp_depth d;
	u32 i;

	cdp_depth_start(&d);
	for (i = 0; i < 1000; i++)
		cdp_depth_ended(&d, 0, RUN, 0, d.limit, false);
	must(d.limit == CDP_DEPTH_BLIND, "%u", d.limit);
	cdp_depth_ended(&d, 0, RUN, 64, d.limit, false);
	must(d.limit == CDP_DEPTH_BLIND + 64, "by what was sent: %u", d.limit);
	cdp_depth_ended(&d, 0, RUN, 0, d.limit, true);
	must(d.limit < CDP_DEPTH_BLIND, "what is slow is, sent or not: %u", d.limit);
}

UNIT_MAIN("depth", zeroes_tell_nothing_of_the_link, a_fast_leg_is_kept_busy,
	  no_round_on_a_slow_link_takes_long, halved_once_a_round)
