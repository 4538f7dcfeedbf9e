// SPDX-License-Identifier: GPL-2.0
/* intent.c: bits set and cleared, pages written and read, recovery. */
#include "unit.h"
#include "small_set.h"

TEST(pages)
{
	struct cdp_page_disk d;
	struct small m, n;
	const char *why;

	small_init(&m, 2);
	small_mark(&m, 0);
	small_mark(&m, 2);
	must(cdp_dirty_page(m.intent_dirty, 1, 0) == 0, "to be written");
	cdp_encode_intent(&m.s, 0, &d);
	must(cdp_dirty_page(m.intent_dirty, 1, 0) == -1, "written");
	must(!cdp_page_check(&d, &m.s.super.set_uuid, cdp_block_intent(&m.s.g, 0), BLOCK_INTENT, 0,
			     &why), "%s", why);
	small_init(&n, 2);
	cdp_load_intent(&n.s, 0, &d);
	must(n.intent[0] == 5, "read back: %lx", n.intent[0]);
	cdp_load_intent(&n.s, 0, NULL);
	must(n.intent[0] == 7 && n.intent_dirty[0] == 1, "lost: every extent there is, no more");

	cdp_track(&m.s, 1, 1, 0xf0f);
	cdp_encode_tracker(&m.s, 1, 0, &d);
	must(!cdp_page_check(&d, &m.s.super.set_uuid, cdp_block_tracker(&m.s.g, 1, 0),
			     BLOCK_TRACKER, 1, &why), "%s", why);
	cdp_load_tracker(&n.s, 1, 0, &d);
	must(n.tracker[1][1] == 0xf0f && n.s.legs[1].tracked == 8, "read back");
	must(n.tracker_dirty[1][0], "to be written to all: one leg alone may have had it");
	cdp_load_tracker(&n.s, 0, 0, NULL);
	must(n.s.legs[0].tracked == SMALL_REGIONS && n.tracker_dirty[0][0], "lost: every region there is");
}

TEST(only_idle_extents_are_picked)
{
	struct cdp_io io = small_io(1, 1);
	struct small m;
	u64 out[4], cursor = 0;

	small_init(&m, 2);
	small_mark(&m, 0);
	small_mark(&m, 1);
	must(cdp_clean_pick(&m.s, &cursor, PICK_IDLE, out, 4) == 0 && cursor >= SMALL_EXTENTS, "just written");
	must(cdp_write_begin(&m.s, &io) == VERDICT_GO, "go");
	cursor = 0;
	must(cdp_clean_pick(&m.s, &cursor, PICK_IDLE, out, 4) == 1 && out[0] == 0, "idle since the last look");
	cursor = 0;
	must(cdp_clean_pick(&m.s, &cursor, PICK_ALL, out, 4) == 1 && out[0] == 0, "not even by force");
	cdp_write_done(&m.s, &io);
	cursor = 0;
	must(cdp_clean_pick(&m.s, &cursor, PICK_ALL, out, 4) == 2, "by force");
	cursor = 0;
	must(cdp_clean_pick(&m.s, &cursor, PICK_ALL, out, 1) == 1 && cursor == 1, "as many as asked for");
}

TEST(cleaning)
{
	struct cdp_io io = small_io(0, 2);
	struct small m;
	u64 out[4], cursor = 0;

	small_init(&m, 2);
	small_mark(&m, 0);
	must(small_write(&m, 0, 1, 0) == VERDICT_ACK, "ack");
	must(cdp_clean_pick(&m.s, &cursor, PICK_ALL, out, 4) == 1, "picked");
	must(cdp_write_begin(&m.s, &io) == VERDICT_GO && !cdp_clean(&m.s, 0, PICK_IDLE), "written again");
	cdp_write_done(&m.s, &io);
	must(!cdp_clean(&m.s, 0, PICK_IDLE) && m.recent[0] == 3, "that counts after its end, too");
	cursor = 0;
	must(cdp_clean_pick(&m.s, &cursor, PICK_ALL, out, 4) == 1, "picked");
	cdp_set_leg_error(&m.s, 1, false);
	must(!cdp_clean(&m.s, 0, PICK_IDLE), "a lost leg's regions are known here only");
	must(cdp_merge(&m.s, 1, 0, 1) == 1 && m.tracker[1][0] == 3 && m.s.legs[1].merge, "a portion");
	must(cdp_merge(&m.s, 1, 1, 9) == SMALL_EXTENTS && !m.s.legs[1].merge, "all");
	must(!cdp_clean(&m.s, 0, PICK_IDLE), "the disk may still call it in-sync: the bit alone tells");
	small_commit(&m);
	must(cdp_clean(&m.s, 0, PICK_IDLE) && !m.recent[0] && !m.extents[0] && !m.intent[0], "clean");
	must(cdp_write_begin(&m.s, &io) == VERDICT_PARK_INTENT, "the next write marks it again");
}

/* That a leg is lost is on the disk, but not yet what it lacks: only the bit tells. */
TEST(unmerged)
{
	struct small m;

	small_init(&m, 2);
	small_mark(&m, 0);
	must(small_write(&m, 0, 1, 0) == VERDICT_ACK, "ack");
	cdp_set_leg_error(&m.s, 1, false);
	small_commit(&m);
	m.extents[0] = EXT_DIRTY;
	must(!cdp_clean(&m.s, 0, PICK_IDLE), "not merged");
	must(cdp_merge(&m.s, 1, 0, 9) == SMALL_EXTENTS, "merged");
	must(cdp_clean(&m.s, 0, PICK_IDLE), "clean");
}

/* With a cache that may be lost unnoticed, an extent is cleaned a while after its flush. */
TEST(flushed)
{
	u64 out[4], cursor = 0;
	struct small m;

	small_init(&m, 2);
	small_mark(&m, 0);
	must(small_write(&m, 0, 1, 0) == VERDICT_ACK, "ack");
	must(!cdp_clean_pick(&m.s, &cursor, PICK_IDLE, out, 4), "just written");
	cdp_flushed(&m.s, 0);
	cursor = 0;
	must(cdp_clean_pick(&m.s, &cursor, PICK_FLUSHED, out, 4) == 1, "flushed");
	must(small_write(&m, 0, 2, 0) == VERDICT_ACK, "ack");
	must(!cdp_clean(&m.s, 0, PICK_FLUSHED), "written again");
	cursor = 0;
	must(!cdp_clean_pick(&m.s, &cursor, PICK_FLUSHED, out, 4), "no longer flushed");
	cursor = 0;
	must(cdp_clean_pick(&m.s, &cursor, PICK_ALL, out, 4) == 1, "to be flushed");
	cdp_flushed(&m.s, 0);
	must(cdp_clean(&m.s, 0, PICK_FLUSHED) && !m.recent[0] && !m.intent[0], "clean");
}

/* Stopped in order, but a bit could not be cleared: it is to be read at the next start. */
TEST(clean_mark)
{
	struct small m;
	u64 covers;

	small_init(&m, 2);
	cdp_commit_begin(&m.s, 1, 2, true, &covers);
	must(m.s.super.flags == CDP_SUPER_CLEAN, "clean");
	small_mark(&m, 0);
	cdp_commit_begin(&m.s, 1, 2, true, &covers);
	must(!m.s.super.flags, "not clean");
}

TEST(recovery)
{
	struct small m;
	u64 need;

	small_init(&m, 3);
	m.s.legs[2].state = LEG_FAULTY;
	m.intent[0] = 4;
	need = m.s.need;
	cdp_recover(&m.s);
	must(!m.tracker[0][2] && m.tracker[1][2] == cdp_extent_mask(&m.s.g, 2) &&
	     m.tracker[2][2] == m.tracker[1][2], "all but the primary lack the extent");
	must(m.s.legs[0].state == LEG_IN_SYNC && m.s.legs[1].state == LEG_STALE &&
	     m.s.legs[2].state == LEG_FAULTY, "and are stale");
	must(m.extents[2] == EXT_DIRTY && m.recent[2] == m.tracker[1][2], "cleaned like any other");
	must(m.s.need > need && m.intent_dirty[0], "recorded on all");
	small_init(&m, 2);
	cdp_recover(&m.s);
	must(m.s.in_sync == 3 && m.s.fast, "nothing was in flight");
}

UNIT_MAIN("intent", pages, only_idle_extents_are_picked, cleaning, unmerged, flushed, clean_mark,
	  recovery)
