// SPDX-License-Identifier: GPL-2.0
/* What goes on without the lock, and what others do meanwhile, at every point of it. */
#include "unit.h"
#include "between.h"
#include "small_set.h"

/* A set with a write of the fast path, and who comes between. */
struct scene {
	struct small m;
	struct cdp_io io;
	bool went, drained, clean;
	int claim;
	u32 flaps;
};

static void set_scene(struct scene *c)
{
	small_init(&c->m, 2);
	small_mark(&c->m, 1);
	c->io = small_io(1, 0xf0);
	c->went = c->drained = c->clean = false;
	c->claim = -1;
}

/* Recorded, and what the leg may lack is tracked. */
static void lose(void *arg)
{
	struct scene *c = arg;

	cdp_set_leg_error(&c->m.s, 1, true);
	small_commit(&c->m);
	must(cdp_merge(&c->m.s, 1, 0, 100) == SMALL_EXTENTS, "merged at once");
}

static void claim(void *arg)
{
	struct scene *c = arg;

	c->claim = cdp_claim(&c->m.s, 0, CDP_COPIES, c->io.span);
	must(c->claim >= 0, "the first");
	c->drained = cdp_claim_drained(&c->m.s, (u32)c->claim);
}

static void begin(void *arg)
{
	struct scene *c = arg;

	c->went = cdp_write_begin_fast(&c->m.s, &c->io);
}

/* The leg may have it in its cache only, and be lost with that. */
TEST(a_write_is_known_to_who_loses_its_leg)
{
	struct scene c;
	u32 at = 0, gone = 0;
	bool more;

	do {
		set_scene(&c);
		between(at++, lose, &c);
		c.went = cdp_write_begin_fast(&c.m.s, &c.io);
		more = between_end();
		must(!c.went || (c.m.tracker[1][1] & 0xf0) == 0xf0,
		     "leg 1 got it, but not who looked after %u points", at - 1);
		must(c.went == (bool)(c.m.extents[1] & EXT_COUNT), "counted while under way");
		gone += c.went;
	} while (more);
	must(at > 4 && gone > 0 && gone < at, "%u of %u went", gone, at);
}

TEST(who_loses_a_leg_knows_the_writes_to_it)
{
	struct scene c;
	bool more;
	u32 at = 0;

	do {
		set_scene(&c);
		between(at++, begin, &c);
		lose(&c);
		more = between_end();
		must(!c.went || (c.m.tracker[1][1] & 0xf0) == 0xf0,
		     "written after %u points", at - 1);
	} while (more);
	must(at > 3, "%u points", at);
}

TEST(a_write_is_known_to_who_claims_its_regions)
{
	struct scene c;
	u32 at = 0, gone = 0;
	bool more;

	do {
		set_scene(&c);
		between(at++, claim, &c);
		c.went = cdp_write_begin_fast(&c.m.s, &c.io);
		more = between_end();
		must(!(c.went && c.drained), "both go on after %u points", at - 1);
		gone += c.went;
	} while (more);
	must(at > 4 && gone > 0 && gone < at, "%u of %u went", gone, at);
}

TEST(who_waits_for_a_write_is_woken)
{
	struct scene c;
	bool more, wakes;
	u32 at = 0;

	do {
		set_scene(&c);
		must(cdp_write_begin_fast(&c.m.s, &c.io), "goes");
		between(at++, claim, &c);
		wakes = cdp_write_done(&c.m.s, &c.io);
		more = between_end();
		must(c.drained || wakes, "waits for ever, claimed after %u points", at - 1);
	} while (more);
}

/* Begun while its extent is picked, it reaches a leg after the flush. */
static void begun_at_pick(enum cdp_pick pick)
{
	u64 cursor, out[1];
	struct scene c;
	bool more;
	u32 at = 0, n;

	do {
		set_scene(&c);
		/* the mark itself touches it */
		cursor = 0;
		n = pick == PICK_IDLE ? cdp_clean_pick(&c.m.s, &cursor, pick, out, 1) : 0;
		cursor = 0;
		between(at++, begin, &c);
		n += cdp_clean_pick(&c.m.s, &cursor, pick, out, 1);
		more = between_end();
		if (c.went)
			cdp_write_done(&c.m.s, &c.io);
		must(!n || !cdp_clean(&c.m.s, 1, pick), "cleaned, written after %u points", at - 1);
	} while (more);
}

TEST(what_is_written_when_it_is_picked_stays)
{
	begun_at_pick(PICK_IDLE);
	begun_at_pick(PICK_ALL);
}

/* ... while it is told that the legs were flushed. */
TEST(what_is_written_after_the_flush_stays)
{
	u64 cursor, out[1];
	struct scene c;
	bool more;
	u32 at = 0;

	do {
		set_scene(&c);
		c.m.extents[1] = EXT_DIRTY;
		between(at++, begin, &c);
		cdp_flushed(&c.m.s, 1);
		more = between_end();
		must(c.went, "marked");
		cdp_write_done(&c.m.s, &c.io);
		cursor = 0;
		must(!cdp_clean_pick(&c.m.s, &cursor, PICK_IDLE, out, 1), "looked at");
		must(!cdp_clean(&c.m.s, 1, PICK_FLUSHED), "written after %u points", at - 1);
	} while (more);
}

static void clean(void *arg)
{
	struct scene *c = arg;

	c->clean = cdp_clean(&c->m.s, 1, PICK_ALL);
}

/* ... while it is cleaned: one of the two gives way. */
static void write_and_clean(void (*one)(void *arg), void (*other)(void *arg))
{
	struct scene c;
	u32 at = 0, gone = 0;
	bool more;

	do {
		set_scene(&c);
		c.m.extents[1] = EXT_DIRTY;
		between(at++, other, &c);
		one(&c);
		more = between_end();
		must(c.went != c.clean, "after %u points", at - 1);
		must(!c.went || (c.m.recent[1] == 0xf0 && c.m.intent[0] & 2), "it is remembered");
		gone += c.went;
	} while (more);
	must(gone > 0 && gone < at, "%u of %u went", gone, at);
}

TEST(an_extent_is_written_or_cleaned)
{
	write_and_clean(begin, clean);
	write_and_clean(clean, begin);
}

/* A leg that left, and may have lost its cache, is not believed. */
static void leave(void *arg)
{
	struct scene *c = arg;

	cdp_set_leg_error(&c->m.s, 1, false);
}

static void see(void *arg)
{
	struct scene *c = arg;

	c->went = cdp_read_seen(&c->m.s, 1, &c->flaps);
}

static void see_and_lose(void (*one)(void *arg), void (*other)(void *arg))
{
	struct scene c;
	bool more;
	u32 at = 0;

	do {
		set_scene(&c);
		between(at++, other, &c);
		one(&c);
		more = between_end();
		must(!c.went || c.flaps != c.m.s.legs[1].flaps, "believed after %u points", at - 1);
	} while (more);
	must(at > 2, "%u points", at);
}

TEST(a_read_is_not_believed_that_saw_its_leg_leave)
{
	see_and_lose(see, leave);
	see_and_lose(leave, see);
}

UNIT_MAIN("race", a_write_is_known_to_who_loses_its_leg, who_loses_a_leg_knows_the_writes_to_it,
	  a_write_is_known_to_who_claims_its_regions, who_waits_for_a_write_is_woken,
	  what_is_written_when_it_is_picked_stays, what_is_written_after_the_flush_stays,
	  an_extent_is_written_or_cleaned, a_read_is_not_believed_that_saw_its_leg_leave)
