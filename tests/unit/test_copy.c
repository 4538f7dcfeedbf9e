// SPDX-License-Identifier: GPL-2.0
/* copy.c: what is copied next, what waits for whom, and what is still stale afterwards. */
#include "unit.h"
#include "small_set.h"

/* Leg 1 lacks regions 4 to 11 of extent 0 and the first of extent 2. */
static void stale(struct small *m)
{
	small_init(m, 2);
	small_mark(m, 0);
	m->s.legs[1].state = LEG_STALE;
	m->s.durable = 1;
	cdp_track(&m->s, 1, 0, 0xff0);
	cdp_track(&m->s, 1, 2, 1);
	cdp_set_update(&m->s);
	must(cdp_copy_start(&m->s) && m->s.copy_leg == 1 && m->s.legs[1].tracked == 9, "starts");
	must(cdp_set_health(&m->s) == HEALTH_RESYNC, "health");
}

TEST(runs)
{
	struct small m;

	stale(&m);
	must(cdp_copy_next(&m.s, 5, 10) == 0 && m.s.claims[0].span.mask == 0x1f0, "first run");
	must(cdp_copy_next(&m.s, 5, 10) == 1 && m.s.claims[1].span.mask == 0xe00, "its rest");
	must(cdp_copy_next(&m.s, 5, 0) == -EAGAIN, "the lock is given away");
	must(cdp_copy_next(&m.s, 5, 10) == 2 && m.s.claims[2].span.extent == 2, "another extent");
	must(cdp_copy_next(&m.s, 5, 10) == -ENOENT && m.s.nr_claims == 3, "end of the pass");
	m.s.copy_cursor = 0;
	must(cdp_copy_next(&m.s, 5, 10) == -ENOENT, "what is claimed is not claimed twice");
	cdp_copy_end(&m.s, 1, true);
	m.s.copy_cursor = 0;
	must(cdp_copy_next(&m.s, 64, 10) == -ENOENT, "what is copied is not copied twice");
	cdp_copy_end(&m.s, 0, false);
	must(m.s.copy_errors == 5 && m.s.copy_done == 3 && m.s.copied_count == 3, "counts");
	must(cdp_set_stale_count(&m.s, 1) == 6 && m.s.legs[1].tracked == 9, "still in the tracker");
	m.s.copy_cursor = 0;
	must(cdp_copy_next(&m.s, 64, 10) == 0 && m.s.claims[0].span.mask == 0x1f0, "what failed comes again");
}

TEST(claims_run_out)
{
	struct small m;
	u32 i;

	small_init(&m, 2);
	m.s.legs[1].state = LEG_STALE;
	cdp_track_from(&m.s, 1, 0);
	must(m.s.legs[1].tracked == SMALL_REGIONS, "everything, and nothing behind the end");
	must(cdp_copy_start(&m.s), "starts");
	for (i = 0; i < CDP_COPIES; i++)
		must(cdp_copy_next(&m.s, 1, 10) == (int)i, "claim %u", i);
	must(cdp_copy_next(&m.s, 1, 10) == -EBUSY, "no more");
}

TEST(writes_and_copies_wait_for_each_other)
{
	struct cdp_io io = small_io(0, 0x1);
	struct small m;

	stale(&m);
	must(cdp_write_begin(&m.s, &io) == VERDICT_GO && io.legs == 3, "a write is under way");
	must(cdp_copy_next(&m.s, 64, 10) == 0 && !cdp_claim_drained(&m.s, 0), "the copy waits");
	must(small_write(&m, 0, 1, 0) == VERDICT_PARK_COPY, "and new writes wait for the copy");
	must(cdp_write_end(&m.s, &io) == VERDICT_ACK && cdp_write_done(&m.s, &io), "somebody may wait");
	must(cdp_claim_drained(&m.s, 0), "goes");
	must(small_write(&m, 0, 0x10, 0) == VERDICT_PARK_COPY, "in its regions");
	must(small_write(&m, 0, 1, 0) == VERDICT_ACK, "not elsewhere");
	cdp_copy_end(&m.s, 0, true);
	must(small_write(&m, 0, 0x10, 0) == VERDICT_ACK, "over");
}

TEST(settling)
{
	struct cdp_io io = small_io(0, 0x10);
	struct small m;

	stale(&m);
	must(cdp_copy_next(&m.s, 64, 10) == 0 && cdp_claim_drained(&m.s, 0), "copy");
	cdp_copy_end(&m.s, 0, true);
	must(cdp_write_begin(&m.s, &io) == VERDICT_GO && io.legs == 3, "copied: gets writes");
	io.failed = 0;
	io.refused = 2;
	must(cdp_write_end(&m.s, &io) == VERDICT_ACK, "which it refuses");
	cdp_write_done(&m.s, &io);
	must(m.copied[0] == 0xfe0 && m.s.copied_count == 7, "stale again there");
	memset(m.tracker_dirty, 0, sizeof(m.tracker_dirty));
	must(cdp_copy_settle(&m.s, 0, 1, true) == 1 && m.tracker[1][0] == 0x10, "the flushed ones go");
	must(m.tracker_dirty[1][0] == 1 && !m.s.copied_count && m.s.legs[1].tracked == 2, "to be written");
	must(cdp_copy_settle(&m.s, 1, 10, true) == SMALL_EXTENTS && m.tracker[1][2] == 1, "the others stay");
}

TEST(a_cache_may_yet_be_lost)
{
	struct small m;

	stale(&m);
	must(cdp_copy_next(&m.s, 64, 10) == 0 && cdp_claim_drained(&m.s, 0), "copy");
	cdp_copy_end(&m.s, 0, true);
	cdp_copy_settle(&m.s, 0, 10, false);
	must(m.tracker[1][0] == 0xff0 && cdp_set_stale_count(&m.s, 1) == 1, "flushed once: tracked");
	cdp_track(&m.s, 1, 0, 0x10);
	m.s.copy_cursor = 0;
	must(cdp_copy_next(&m.s, 1, 10) == 0 && cdp_claim_drained(&m.s, 0), "copied again");
	cdp_copy_end(&m.s, 0, true);
	cdp_copy_settle(&m.s, 0, 10, false);
	must(m.tracker[1][0] == 0xff0, "nor is the extent flushed twice");
	cdp_copy_settle(&m.s, 0, 10, false);
	must(!m.tracker[1][0] && m.s.legs[1].tracked == 1, "flushed twice: not tracked");
	must(cdp_copy_next(&m.s, 1, 10) == 0 && cdp_claim_drained(&m.s, 0), "the next extent");
	cdp_copy_end(&m.s, 0, true);
	must(!cdp_set_leg_doubt(&m.s, 1), "doubt");
	cdp_copy_settle(&m.s, 0, 10, false);
	must(m.tracker[1][2] == 1 && cdp_set_stale_count(&m.s, 1) == 1, "to be copied once more");
}

TEST(a_target_that_left_is_not_settled)
{
	struct small m;

	stale(&m);
	must(cdp_copy_next(&m.s, 64, 10) == 0 && cdp_claim_drained(&m.s, 0), "copy");
	cdp_copy_end(&m.s, 0, true);
	cdp_set_leg_error(&m.s, 1, false);
	must(cdp_copy_settle(&m.s, 0, 10, true) == SMALL_EXTENTS && m.tracker[1][0] == 0xff0, "all stays");
	cdp_copy_stop(&m.s);
	must(m.s.copy_leg == -1 && !cdp_copy_start(&m.s), "not copied to");
}

/* What was copied in vain is copied again before it is settled: not two regions, but one. */
TEST(counted_once)
{
	struct small m;

	stale(&m);
	must(cdp_copy_next(&m.s, 64, 10) == 0 && cdp_claim_drained(&m.s, 0), "goes");
	cdp_copy_end(&m.s, 0, true);
	must(!cdp_set_leg_doubt(&m.s, 1), "it may have lost that");
	m.s.copy_cursor = 0;
	must(cdp_copy_next(&m.s, 64, 10) == 0 && cdp_claim_drained(&m.s, 0), "once more");
	cdp_copy_end(&m.s, 0, true);
	must(m.s.copied_count == 8, "%llu are copied", (unsigned long long)m.s.copied_count);
	must(cdp_copy_settle(&m.s, 0, 100, true) == m.s.g.extents && !m.s.copied_count, "settled");
	must(cdp_set_stale_count(&m.s, 1) == 9, "nothing was");
}

/* What was under way, and what was being read, is of before the cache was lost. */
TEST(what_is_under_way_is_doubted_too)
{
	struct small m;
	u32 flaps;

	stale(&m);
	flaps = m.s.legs[1].flaps;
	must(cdp_copy_next(&m.s, 64, 10) == 0 && cdp_claim_drained(&m.s, 0), "goes");
	must(!cdp_set_leg_doubt(&m.s, 1), "doubt");
	cdp_copy_settle(&m.s, 0, 100, true);
	cdp_copy_end(&m.s, 0, true);
	must(!m.s.copied_count, "it is not copied");
	must(m.s.legs[1].flaps != flaps, "a read that it answers now is not believed");
}

/* One that is read because no other answers, and is given up, may have lost its cache as well. */
TEST(a_stale_leg_that_left_is_not_believed)
{
	struct small m;
	u32 flaps;

	stale(&m);
	must(cdp_read_pick(&m.s, (struct cdp_span) { 1, 1 }, 1) == 1, "it has what it does not lack");
	must(!cdp_read_seen(&m.s, 1, &flaps), "is stale");
	cdp_set_leg_error(&m.s, 1, false);
	must(m.s.legs[1].flaps == flaps + 1, "it has left");
	cdp_set_leg_error(&m.s, 1, false);
	must(m.s.legs[1].flaps == flaps + 1, "once");
}

/* A leg that left while it was read may have answered without its cache. */
TEST(a_source_that_left_is_not_believed)
{
	struct small m;

	small_init(&m, 3);
	m.s.legs[2].state = LEG_STALE;
	cdp_track(&m.s, 2, 0, 0xf);
	cdp_set_update(&m.s);
	must(cdp_copy_start(&m.s), "starts");
	must(cdp_copy_next(&m.s, 64, 10) == 0 && cdp_claim_drained(&m.s, 0), "goes");
	must(cdp_copy_source(&m.s, 0) == 0, "from the primary");
	cdp_set_leg_error(&m.s, 0, false);
	cdp_copy_end(&m.s, 0, true);
	must(!m.s.copied_count && !m.s.copy_errors, "it is not copied");
	m.s.copy_cursor = 0;
	must(cdp_copy_next(&m.s, 64, 10) == 0 && cdp_claim_drained(&m.s, 0), "once more");
	must(cdp_copy_source(&m.s, 0) == 1, "from the next");
	cdp_copy_end(&m.s, 0, true);
	must(m.s.copied_count == 4, "it is copied");
}

TEST(in_sync_at_last)
{
	struct small m;
	u64 covers;

	stale(&m);
	cdp_track(&m.s, 1, 0, ~0ull);
	m.s.legs[1].gain = true;
	m.s.need++;
	must(cdp_commit_begin(&m.s, 1, 7, false, &covers) == 3 &&
	     m.s.super.legs[1].state == DISK_LEG_STALE, "not with regions left");
	m.s.legs[1].merge = true;
	m.s.legs[1].tracked = m.tracker[1][0] = 0;
	cdp_commit_begin(&m.s, 1, 7, false, &covers);
	must(m.s.super.legs[1].state == DISK_LEG_STALE, "nor with some to be tracked");
	m.s.legs[1].merge = false;
	cdp_track(&m.s, 1, 0, ~0ull);
	cdp_commit_end(&m.s, covers, 3);
	memset(m.tracker[1], 0, sizeof(m.tracker[1]));
	m.s.legs[1].tracked = 0;
	m.s.legs[1].gain = true;
	m.s.need++;
	cdp_commit_begin(&m.s, 1, 7, false, &covers);
	must(m.s.super.legs[1].state == DISK_LEG_IN_SYNC && m.s.durable == 3 &&
	     m.s.legs[1].state == LEG_STALE, "recorded, not yet believed");
	must(cdp_commit_end(&m.s, covers, 3) && m.s.legs[1].state == LEG_IN_SYNC && m.s.fast, "in-sync");
}

UNIT_MAIN("copy", runs, claims_run_out, writes_and_copies_wait_for_each_other, settling,
	  a_cache_may_yet_be_lost, a_target_that_left_is_not_settled, counted_once,
	  what_is_under_way_is_doubted_too, a_stale_leg_that_left_is_not_believed,
	  a_source_that_left_is_not_believed, in_sync_at_last)
