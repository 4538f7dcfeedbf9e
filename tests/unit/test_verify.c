// SPDX-License-Identifier: GPL-2.0
/* verify.c: what is compared, what a difference is worth, and what a repair makes stale. */
#include "unit.h"
#include "small_set.h"

/* A pass over everything, in legs that are alike. */
static void begun(struct small *m, u32 legs)
{
	small_init(m, legs);
	must(!cdp_verify_start(&m->s, 0, m->s.g.data_sectors), "starts");
}

static u32 next(struct small *m, u32 max)
{
	int c = cdp_verify_next(&m->s, max, 10);

	must(c >= 0 && cdp_claim_drained(&m->s, (u32)c), "a run");
	must(cdp_verify_legs(&m->s, (u32)c), "to be read");
	return (u32)c;
}

TEST(starts)
{
	struct small m;

	small_init(&m, 2);
	must(cdp_verify_start(&m.s, 5, 5) == -EINVAL, "nothing");
	must(cdp_verify_start(&m.s, 0, m.s.g.data_sectors + 1) == -EINVAL, "too much");
	must(!cdp_verify_start(&m.s, 1, 2) && !m.s.verify.from && m.s.verify.to == 1, "whole regions");
	must(cdp_verify_start(&m.s, 0, 1) == -EBUSY, "one at a time");
	cdp_verify_stop(&m.s);
	cdp_set_leg_error(&m.s, 1, false);
	must(cdp_verify_start(&m.s, 0, 1) == -EBUSY, "nothing to compare with");
}

TEST(runs)
{
	struct small m;
	u32 a, b;

	begun(&m, 2);
	a = next(&m, 8);
	b = next(&m, 64);
	must(a == CDP_COPIES && m.s.claims[a].span.mask == 0xff && m.s.claims[a].legs == 3, "first");
	must(m.s.claims[b].span.mask == ~0xffull && m.s.nr_verifies == 2 && !m.s.nr_copies, "second");
	cdp_verify_end(&m.s, b, VERIFY_COMPARED);
	must(!cdp_verify_position(&m.s) && m.s.verify.compared == 56, "the first is not done");
	cdp_verify_end(&m.s, a, VERIFY_VOID);
	must(!m.s.verify.cursor && m.s.verify.compared == 56, "it is read anew");
	must(!cdp_verify_over(&m.s), "not over");
	m.s.verify.cursor = m.s.verify.to;
	must(cdp_verify_next(&m.s, 8, 10) == -ENOENT && cdp_verify_over(&m.s), "over");
	must(!cdp_verify_over(&m.s) && m.s.verify.state == VERIFY_FINISHED, "once");
}

TEST(writes_wait)
{
	struct cdp_io io = small_io(0, 1), fast = small_io(0, 1);
	struct small m;
	int c;

	begun(&m, 2);
	small_mark(&m, 0);
	must(cdp_write_begin_fast(&m.s, &io), "a write is under way");
	c = cdp_verify_next(&m.s, 1, 10);
	must(c >= 0 && !cdp_claim_drained(&m.s, (u32)c), "it is waited for");
	must(!cdp_write_begin_fast(&m.s, &fast), "no other without the lock");
	must(small_write(&m, 0, 1, 0) == VERDICT_PARK_COPY, "nor with it");
	must(cdp_write_done(&m.s, &io) && cdp_claim_drained(&m.s, (u32)c), "goes");
	must(small_write(&m, 0, 2, 0) == VERDICT_ACK, "others go elsewhere");
	cdp_verify_end(&m.s, (u32)c, VERIFY_COMPARED);
	must(cdp_write_begin_fast(&m.s, &fast), "as before");
}

TEST(stale_regions_are_skipped)
{
	struct small m;
	u32 c;

	begun(&m, 3);
	m.s.legs[1].state = LEG_STALE;
	m.s.legs[2].state = LEG_FAULTY;
	cdp_track(&m.s, 1, 0, 0xf0);
	cdp_set_update(&m.s);
	c = next(&m, 64);
	must(m.s.claims[c].span.mask == 0xf && m.s.claims[c].legs == 3, "up to them");
	must(cdp_verify_judge(&m.s, c, SEEN_ALIKE) == VERIFY_NEXT, "alike");
	c = next(&m, 64);
	must(m.s.claims[c].span.mask == ~0xffull && m.s.verify.skipped == 4, "behind them");
	cdp_track(&m.s, 1, 0, 1ull << 40);
	must(cdp_verify_judge(&m.s, c, SEEN_TWICE) == VERIFY_LAPSED, "stale now");
}

TEST(seen_twice)
{
	struct small m;
	u32 c, i;

	begun(&m, 3);
	c = next(&m, 8);
	must(cdp_verify_judge(&m.s, c, SEEN_CHANGED) == VERIFY_AGAIN, "once is not enough");
	must(cdp_verify_judge(&m.s, c, SEEN_TWICE) == VERIFY_TELL, "twice");
	for (i = 1; i < CDP_LOOKS; i++)
		must(cdp_verify_judge(&m.s, c, SEEN_CHANGED) == VERIFY_AGAIN, "again");
	must(cdp_verify_judge(&m.s, c, SEEN_CHANGED) == VERIFY_UNSTABLE, "not for ever");
	must(cdp_verify_against(&m.s, 6) == 1 && !cdp_verify_against(&m.s, 7), "the primary, if it can");
	cdp_set_leg_lag(&m.s, 1);
	m.s.legs[1].state = LEG_IN_SYNC;
	cdp_set_update(&m.s);
	must(cdp_verify_judge(&m.s, c, SEEN_TWICE) == VERIFY_LAPSED, "away and back");
}

static enum cdp_verify_news found(struct small *m, u64 first, u64 sectors, u32 leg)
{
	struct cdp_diff d = { first, sectors, leg, 0 };

	return cdp_verify_found(&m->s, &d);
}

TEST(ranges)
{
	struct small m;
	u32 i;

	begun(&m, 3);
	must(found(&m, 10, 2, 1) == FOUND_NEW && found(&m, 12, 3, 1) == FOUND_MORE, "goes on");
	must(found(&m, 8, 2, 1) == FOUND_MORE && found(&m, 9, 1, 1) == FOUND_MORE, "before, within");
	must(m.s.verify.nr_diffs == 1 && m.s.verify.diffs[0].first == 8 &&
	     m.s.verify.diffs[0].sectors == 7, "one range");
	must(found(&m, 8, 1, 2) == FOUND_NEW && found(&m, 16, 1, 1) == FOUND_NEW, "others");
	for (i = 3; i < CDP_DIFFS; i++)
		must(found(&m, 2 * i + 100, 1, 1) == FOUND_NEW, "range %u", i);
	must(found(&m, 0, 1, 1) == FOUND_TOO_MANY && found(&m, 17, 1, 1) == FOUND_MORE, "full");
}

TEST(repair)
{
	struct small m;
	u32 region;

	begun(&m, 3);
	region = cdp_region_sectors(&m.s.g);
	found(&m, 2 * region, region, 1);
	found(&m, 9 * region + 3, 2, 1);
	must(cdp_verify_repair(&m.s, 0, 3 * region, 1) == -EINVAL, "nothing was found there");
	must(cdp_verify_repair(&m.s, 0, 2 * region, region + 1) == -EINVAL, "nor behind it");
	must(cdp_verify_repair(&m.s, 0, 2 * region, 0) == -EINVAL, "nothing");
	must(!cdp_verify_repair(&m.s, 2, 9 * region + 3, 2), "from one that is like the primary");
	must(m.s.legs[1].state == LEG_STALE && m.tracker[1][0] == 0x200 && !m.tracker[0][0] &&
	     !m.tracker[2][0] && m.s.in_sync == 5, "the odd one is copied to");
	must(m.s.verify.nr_diffs == 1, "and not reported any more");
	must(cdp_verify_repair(&m.s, 1, 2 * region, region) == -EBUSY, "from a stale leg");
	m.s.legs[1].state = LEG_IN_SYNC;
	cdp_set_update(&m.s);
	cdp_set_leg_error(&m.s, 2, false);
	must(!cdp_verify_repair(&m.s, 1, 2 * region, region), "from the odd one");
	must(m.s.in_sync == 2 && m.s.read_leg == 1 && m.tracker[0][0] == 4 && m.tracker[2][0] == 4,
	     "all others are copied to, also one that has left");
	must(m.s.mint && m.s.need > m.s.done, "and that is recorded");
}

/* The last commit of its resync calls it in-sync: not if it lacks something meanwhile. */
TEST(repair_of_a_leg_that_becomes_in_sync)
{
	u32 region, legs;
	struct small m;
	u64 covers;

	begun(&m, 2);
	region = cdp_region_sectors(&m.s.g);
	found(&m, 2 * region, region, 1);
	cdp_set_leg_lag(&m.s, 1);
	small_commit(&m);
	m.s.legs[1].gain = true;
	m.s.need++;
	legs = cdp_commit_begin(&m.s, 1, 7, false, &covers);
	must(!cdp_verify_repair(&m.s, 0, 2 * region, region) && m.tracker[1][0] == 4, "it lacks that");
	must(cdp_commit_end(&m.s, covers, legs) && m.s.legs[1].state == LEG_STALE, "stale");
	small_commit(&m);
	must(m.s.super.legs[1].state == DISK_LEG_STALE && !cdp_set_owes_loss(&m.s), "also on disk");
}

UNIT_MAIN("verify", starts, runs, writes_wait, stale_regions_are_skipped, seen_twice, ranges,
	  repair, repair_of_a_leg_that_becomes_in_sync)
