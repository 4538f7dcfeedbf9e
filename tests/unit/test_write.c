// SPDX-License-Identifier: GPL-2.0
/* write.c, and commits: where a write goes, what it waits for, when it is acknowledged. */
#include "unit.h"
#include "small_set.h"

TEST(intent_comes_first)
{
	struct cdp_io io = small_io(1, 0xf0);
	struct small m;

	small_init(&m, 2);
	must(!cdp_write_begin_fast(&m.s, &io), "no intent yet");
	must(cdp_write_begin(&m.s, &io) == VERDICT_PARK_INTENT, "no intent yet");
	must(!m.extents[1] && !m.recent[1], "a parked write leaves nothing behind");
	small_mark(&m, 1);
	must(cdp_is_marked(&m.s, 1) && !cdp_is_marked(&m.s, 0), "marks");
	must(cdp_write_begin_fast(&m.s, &io) && io.legs == 3 && io.required == 3, "goes to both");
	must((m.extents[1] & EXT_COUNT) == 1 && m.recent[1] == 0xf0, "is remembered");
	must(cdp_write_end_fast(&m.s, &io), "both took it");
	must(!cdp_write_done(&m.s, &io) && !(m.extents[1] & EXT_COUNT), "nobody waits");
	must(small_write(&m, 1, 1, 0) == VERDICT_ACK, "the slow way is the same");
	must(small_write(&m, 0, 1, 0) == VERDICT_PARK_INTENT, "extent by extent");
}

TEST(loss_is_recorded_before_the_answer)
{
	struct cdp_io io = small_io(0, 0x3);
	struct small m;
	u64 generation;

	small_init(&m, 2);
	small_mark(&m, 0);
	generation = m.s.super.generation;
	must(cdp_write_begin(&m.s, &io) == VERDICT_GO, "go");
	io.failed = 2;
	must(!cdp_write_end_fast(&m.s, &io), "not a plain success");
	must(cdp_write_end(&m.s, &io) == VERDICT_HOLD && cdp_is_held(&m.s, &io), "held");
	must(m.s.legs[1].state == LEG_FAULTY && m.tracker[1][0] == 0x3 && m.s.legs[1].tracked == 2,
	     "leg 1 is out, and what it lacks is known");
	must(m.s.legs[1].merge && m.s.legs[1].write_errors == 1, "merge");
	must(!small_commit_once(&m, 0) && cdp_is_held(&m.s, &io), "a commit that leg 0 did not take");
	must(small_commit_once(&m, 1) && cdp_is_held(&m.s, &io), "the loss in one superblock");
	must(small_commit_once(&m, 1) && !cdp_is_held(&m.s, &io), "the loss in both");
	must(m.s.super.generation != generation && m.s.super.ancestors[0] == generation, "minted");
	must(m.s.super.legs[1].state == DISK_LEG_FAULTY &&
	     m.s.super.legs[1].generation == generation, "leg 1's entry is of before");
	must(m.s.durable == 1 && m.s.in_sync == 1, "nobody calls it in-sync");
	must(small_write(&m, 0, 0x8, 0) == VERDICT_ACK && m.tracker[1][0] == 0xb, "degraded writes");
	must(cdp_merge(&m.s, 1, 0, 100) == SMALL_EXTENTS && !m.s.legs[1].merge, "merged");
}

TEST(retried_commits_spare_the_good_block)
{
	struct small m;
	u64 sequence;

	small_init(&m, 1);
	sequence = m.s.super.sequence;
	must(!small_commit_once(&m, 0) && m.s.super.sequence == sequence + 1, "fails");
	must(!small_commit_once(&m, 0) && m.s.super.sequence == sequence + 3, "again, same block");
	must(small_commit_once(&m, 1) && m.s.super.sequence == sequence + 5, "again, same block");
	must(small_commit_once(&m, 1) && m.s.super.sequence == sequence + 6, "the other block");
}

/* A leg that is lost while the first of two commits for another is under way is in both as well. */
TEST(a_loss_meanwhile_is_recorded_twice_too)
{
	struct cdp_io a = small_io(0, 1), b = small_io(0, 2);
	struct cdp_super block[2];
	struct small m;
	u64 covers;

	small_init(&m, 3);
	small_mark(&m, 0);
	must(cdp_write_begin(&m.s, &a) == VERDICT_GO && cdp_write_begin(&m.s, &b) == VERDICT_GO, "begun");
	a.failed = 2;
	must(cdp_write_end(&m.s, &a) == VERDICT_HOLD, "leg 1 is lost");
	cdp_commit_begin(&m.s, 1, ++m.generation, false, &covers);
	block[m.s.super.sequence & 1] = m.s.super;
	b.failed = 4;
	must(cdp_write_end(&m.s, &b) == VERDICT_HOLD, "leg 2, meanwhile");
	must(cdp_commit_end(&m.s, covers, 1), "taken");
	while (cdp_is_held(&m.s, &b)) {
		must(small_commit_once(&m, 1), "taken");
		block[m.s.super.sequence & 1] = m.s.super;
	}
	must(block[0].legs[2].state == DISK_LEG_FAULTY, "here");
	must(block[1].legs[2].state == DISK_LEG_FAULTY, "and there");
}

/* The same where the first of the two was a generation's, and failed on the way. */
TEST(a_commit_that_failed_is_still_the_first_of_two)
{
	struct small m;
	u64 sequence;

	small_init(&m, 2);
	cdp_set_leg_error(&m.s, 1, true);
	must(!small_commit_once(&m, 0), "failed");
	sequence = m.s.super.sequence;
	small_commit(&m);
	must(m.s.super.sequence == sequence + 3, "the same block again, and the other");
}

/* A leg that returns must not know a history that no whole leg has recorded. */
TEST(what_a_leg_that_returns_is_told)
{
	struct cdp_super super;
	struct small m;
	u64 covers;

	small_init(&m, 2);
	cdp_set_leg_error(&m.s, 1, true);
	cdp_commit_begin(&m.s, 1, 7, false, &covers);
	must(cdp_commit_last(&m.s, &super) == -EAGAIN, "under way");
	must(!cdp_commit_end(&m.s, covers, 0) && cdp_commit_last(&m.s, &super) == -EAGAIN, "failed");
	small_commit(&m);
	must(!cdp_commit_last(&m.s, &super) && super.sequence == m.s.super.sequence, "recorded");
}

/* Two by now, alone, it may have made itself: not to be taken for those that it was to get here. */
TEST(a_leg_takes_part_once_it_was_told)
{
	struct cdp_io io = small_io(0, 1);
	const u64 left = 5;
	struct small m;

	small_init(&m, 2);
	m.s.legs[1].state = LEG_STALE;
	m.s.legs[1].commits = 0;
	m.s.super.legs[1].sequence = left;
	cdp_set_update(&m.s);
	must(small_commit_once(&m, 1) && m.s.super.legs[1].sequence == left, "it did not get the first");
	must(small_commit_once(&m, 3) && m.s.super.legs[1].sequence == left, "nor was known to get this");
	must(small_commit_once(&m, 3) && m.s.super.legs[1].sequence == m.s.super.sequence, "now it is");
	small_mark(&m, 0);
	must(cdp_write_begin(&m.s, &io) == VERDICT_GO && io.legs == 1 && m.s.need > m.s.done, "once");
	cdp_write_done(&m.s, &io);
	must(small_commit_once(&m, 3) && cdp_takes_part(&m.s.legs[1]), "twice");
	io = small_io(0, 2);
	must(cdp_write_begin(&m.s, &io) == VERDICT_GO && io.legs == 3, "gets data");
	cdp_set_leg_error(&m.s, 1, false);
	cdp_set_leg_return(&m.s, 1);
	must(small_commit_once(&m, 3) && m.s.super.legs[1].sequence < m.s.super.sequence, "anew");
}

/* Told the last commit, it returns after another one: a crash must not leave it two behind. */
TEST(a_leg_that_returns_may_miss_the_last_commit)
{
	struct small m;
	u64 told;

	small_init(&m, 2);
	cdp_set_leg_error(&m.s, 1, false);
	small_commit(&m);
	told = m.s.super.sequence;
	must(small_commit_once(&m, 1), "a generation, say");
	cdp_set_leg_return(&m.s, 1);
	must(small_commit_once(&m, 1) && m.s.super.legs[1].sequence <= told + 1, "it did not get that one");
}

/* What was written before the loss is promised to be durable by a leg that is left. */
TEST(a_flush_after_a_loss_mints_too)
{
	struct cdp_io io = { 0 };
	struct small m;
	u64 generation;

	small_init(&m, 2);
	generation = m.s.super.generation;
	cdp_set_leg_error(&m.s, 1, false);
	small_commit(&m);
	must(cdp_flush_begin(&m.s, &io) == VERDICT_GO && cdp_write_end(&m.s, &io) == VERDICT_HOLD, "held");
	small_commit(&m);
	must(m.s.super.generation != generation && !cdp_is_held(&m.s, &io), "minted");
}

TEST(loss_without_a_write_mints_on_the_next_one)
{
	struct small m;
	u64 generation, sequence;

	small_init(&m, 2);
	small_mark(&m, 0);
	generation = m.s.super.generation;
	cdp_set_leg_error(&m.s, 1, false);
	small_commit(&m);
	must(m.s.super.generation == generation && m.s.super.legs[1].state == DISK_LEG_FAULTY, "not yet");
	sequence = m.s.super.sequence;
	must(small_write(&m, 0, 1, 0) == VERDICT_HOLD, "the first write waits for it");
	small_commit(&m);
	must(m.s.super.generation != generation, "minted");
	must(m.s.super.sequence == sequence + 2, "in both superblocks");
	generation = m.s.super.generation;
	must(small_write(&m, 0, 1, 0) == VERDICT_ACK, "the second does not");
	small_commit(&m);
	must(m.s.super.generation == generation, "once");
}

TEST(last_leg_stays)
{
	struct small m;

	small_init(&m, 2);
	small_mark(&m, 0);
	must(small_write(&m, 0, 1, 3) == VERDICT_FAIL, "nobody took it");
	must(m.s.legs[1].state == LEG_FAULTY && m.s.legs[0].state == LEG_IN_SYNC, "the primary is kept");
	must(m.s.failing && cdp_set_health(&m.s) == HEALTH_FAILED && !m.s.fast, "failed");
	must(cdp_set_may_fail(&m.s, 0) == -EBUSY, "cannot be given up");
	must(small_write(&m, 0, 1, 0) == VERDICT_HOLD && !m.s.failing, "well again");
	small_commit(&m);
	must(cdp_set_health(&m.s) == HEALTH_DEGRADED, "degraded");
}

TEST(stale_legs_get_what_they_do_not_lack)
{
	struct cdp_io io = small_io(0, 0x30);
	struct small m;

	small_init(&m, 3);
	small_mark(&m, 0);
	m.s.legs[2].state = LEG_STALE;
	cdp_track(&m.s, 2, 0, 0xf0);
	cdp_set_update(&m.s);
	must(cdp_write_begin(&m.s, &io) == VERDICT_GO && io.legs == 3, "stale there");
	cdp_write_done(&m.s, &io);
	io = small_io(0, 0x3);
	must(cdp_write_begin(&m.s, &io) == VERDICT_GO && io.legs == 7, "not stale there");
	io.failed = 4;
	must(cdp_write_end(&m.s, &io) == VERDICT_HOLD, "it may be called in-sync on the disk");
	must(m.s.legs[2].state == LEG_FAULTY && m.tracker[2][0] == 0xf3, "tracked");
	cdp_write_done(&m.s, &io);
}

TEST(refusals_are_not_errors)
{
	struct cdp_io io = small_io(0, 1);
	struct small m;

	small_init(&m, 2);
	small_mark(&m, 0);
	must(cdp_write_begin(&m.s, &io) == VERDICT_GO, "go");
	io.refused = 3;
	must(cdp_write_end(&m.s, &io) == VERDICT_REFUSE && m.s.in_sync == 3, "all refused");
	io.refused = 2;
	must(cdp_write_end(&m.s, &io) == VERDICT_HOLD && m.s.legs[1].state == LEG_STALE &&
	     m.tracker[1][0] == 1, "one lags");
	cdp_write_done(&m.s, &io);
}

TEST(a_protect_leg_may_block)
{
	struct cdp_io io = small_io(0, 1);
	struct small m;

	small_init(&m, 2);
	small_mark(&m, 0);
	m.s.block_policy = true;
	must(small_write(&m, 0, 1, 2) == VERDICT_PARK_BLOCK, "the one that saw it");
	must(small_write(&m, 0, 1, 0) == VERDICT_PARK_BLOCK, "the next");
	must(cdp_flush_begin(&m.s, &io) == VERDICT_PARK_BLOCK, "a flush");
	must(!m.s.fast && m.s.blocked == 2, "blocked");
}

TEST(flushes)
{
	struct cdp_io io = small_io(0, 0);
	struct small m;

	small_init(&m, 3);
	m.s.legs[1].state = LEG_STALE;
	m.s.legs[2].state = LEG_FAULTY;
	m.s.durable = 1;
	cdp_set_update(&m.s);
	must(cdp_flush_begin(&m.s, &io) == VERDICT_GO && io.legs == 3 && !io.span.mask, "joined legs");
	must(cdp_write_end_fast(&m.s, &io) && cdp_write_end(&m.s, &io) == VERDICT_ACK, "done");
	m.s.durable = 5;	/* leg 2 left just now */
	must(cdp_flush_begin(&m.s, &io) == VERDICT_GO && io.required == 7, "the disk's view counts");
	cdp_set_leg_error(&m.s, 1, false);
	must(!cdp_write_end_fast(&m.s, &io) && cdp_write_end(&m.s, &io) == VERDICT_HOLD, "recorded first");
}

TEST(reads)
{
	struct cdp_span there = { 0, 0x1 }, lacking = { 0, 0x10 };
	struct small m;

	small_init(&m, 3);
	must(!cdp_set_prefer(&m.s, 1) && cdp_read_pick(&m.s, there, 0) == 1, "the preferred one");
	must(cdp_read_pick(&m.s, there, 2) == 0 && cdp_read_pick(&m.s, there, 3) == 2, "then the others");
	must(cdp_read_pick(&m.s, there, 7) == -1, "then none");
	m.s.legs[2].state = LEG_STALE;
	cdp_track(&m.s, 2, 0, 0xf0);
	cdp_set_update(&m.s);
	must(cdp_read_pick(&m.s, there, 3) == 2 && cdp_read_pick(&m.s, lacking, 3) == -1,
	     "a stale leg where it is not stale");
	must(cdp_set_prefer(&m.s, 2) == -EBUSY, "a stale leg is not preferred");
	must(cdp_read_failed(&m.s, 1, there, 1), "to be repaired");
	must(m.s.legs[1].state == LEG_STALE && m.tracker[1][0] == 1 && m.s.read_leg == 0, "next");
	must(cdp_read_pick(&m.s, there, 5) == -1, "what could not be read is lacking");
	must(!cdp_read_failed(&m.s, 1, there, 1) && m.s.legs[1].state == LEG_FAULTY, "too many");
	must(m.s.legs[1].read_errors == 2 && m.s.legs[1].repairs == 1 && m.s.legs[1].flaps == 2, "counted");
	must(!cdp_read_failed(&m.s, 0, there, 0) && m.s.legs[0].state == LEG_IN_SYNC, "the last is kept");
}

/* Who may be given up for being late: never the one that all others are given up for. */
TEST(deadlines)
{
	struct small m;

	small_init(&m, 3);
	must(cdp_may_give_up(&m.s, 6, 0) == 6, "leg 0 has answered");
	must(!cdp_may_give_up(&m.s, 6, 1), "leg 0 has failed, or was not asked");
	must(!cdp_may_give_up(&m.s, 7, 0) && !cdp_may_give_up(&m.s, 0, 0), "nobody has; nobody is late");
	cdp_set_leg_error(&m.s, 0, false);
	must(!cdp_may_give_up(&m.s, 6, 0), "what a lost leg has answered does not count");
	must(cdp_may_give_up(&m.s, 3, 0) == 3, "leg 2 is whole");
	must(cdp_may_give_up(&m.s, 1, 6) == 1, "one that left is not waited for, whatever became of it");
	must(!cdp_may_give_up(&m.s, 3, 4), "but one that did not");
}

/* A leg may have lost its cache: all that was written since its extent was clean is lacking. */
TEST(doubt)
{
	struct cdp_span span = { 1, 0x3 };
	struct small m;
	int c;

	small_init(&m, 2);
	small_mark(&m, 1);
	must(small_write(&m, 1, 3, 0) == VERDICT_ACK, "written");
	must(!cdp_set_leg_doubt(&m.s, 1) && m.s.legs[1].state == LEG_STALE && m.s.legs[1].merge, "stale");
	must(cdp_read_pick(&m.s, span, 1) == -1, "nothing is read before that is merged");
	must(cdp_set_leg_doubt(&m.s, 0) == -EBUSY, "the last is believed");
	small_commit(&m);
	must(cdp_merge(&m.s, 1, 0, 9) == SMALL_EXTENTS && m.tracker[1][1] == 3, "merged");

	must(cdp_copy_start(&m.s) && (c = cdp_copy_next(&m.s, 1, 9)) >= 0, "copied");
	must(cdp_claim_drained(&m.s, (u32)c), "drained");
	cdp_copy_end(&m.s, (u32)c, true);
	must(cdp_set_stale_count(&m.s, 1) == 1, "one less");
	c = cdp_copy_next(&m.s, 1, 9);
	must(c >= 0 && !cdp_set_leg_doubt(&m.s, 1) && cdp_set_stale_count(&m.s, 1) == 2, "in vain");
	must(cdp_claim_drained(&m.s, (u32)c), "drained");
	cdp_copy_end(&m.s, (u32)c, true);
	must(cdp_copy_settle(&m.s, 0, 9, true) == SMALL_EXTENTS && m.tracker[1][1] == 3, "still tracked");
	must(!m.copied[1] && !m.s.copied_count && !m.s.copy_void, "from the beginning");
}

TEST(reads_of_the_past)
{
	struct small m;
	u32 was, is;

	small_init(&m, 2);
	must(cdp_read_seen(&m.s, 1, &was), "in-sync");
	must(cdp_read_seen(&m.s, 1, &is) && is == was, "what it answers is good");
	cdp_set_leg_error(&m.s, 1, false);
	must(!cdp_read_seen(&m.s, 1, &is) && is != was, "it left meanwhile");
}

UNIT_MAIN("write", intent_comes_first, loss_is_recorded_before_the_answer,
	  retried_commits_spare_the_good_block, a_loss_meanwhile_is_recorded_twice_too,
	  a_commit_that_failed_is_still_the_first_of_two,
	  what_a_leg_that_returns_is_told, a_leg_takes_part_once_it_was_told,
	  a_leg_that_returns_may_miss_the_last_commit, a_flush_after_a_loss_mints_too,
	  loss_without_a_write_mints_on_the_next_one,
	  last_leg_stays, stale_legs_get_what_they_do_not_lack, refusals_are_not_errors,
	  a_protect_leg_may_block, flushes, reads, reads_of_the_past,
	  deadlines, doubt)
