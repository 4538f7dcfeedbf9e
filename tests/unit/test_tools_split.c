// SPDX-License-Identifier: GPL-2.0
/*
 * The end of a split brain, on areas in memory, with the kernel's own plan as
 * the judge: before, after every write, after each write torn in the middle.
 */
#include "unit.h"
#include "plan.h"
#include "sample.h"
#include "split.h"

#define LEGS		3u
#define REGION		8u
#define SECTORS		(REGION * 64 * (504 + 6) - 100)	/* two tracker pages */
#define BLOCKS		16u

#define G_OLD		0x01ull
#define G_JOINT		0x11ull
#define G_A		0xaaull
#define G_B		0xbbull
#define G_NEW		0x99ull

static u8 areas[LEGS][BLOCKS][CDP_BLOCK_BYTES];
static struct cdp_geometry g;
static bool twin_is_joint;
static u32 again;			/* resolved before in this test */
static int writes_left;			/* -1: as many as you like */
static bool torn;			/* of the one that fails, the first half is written */
static u32 written;

static int rd(void *ctx, u64 block, void *data)
{
	u8 (*area)[CDP_BLOCK_BYTES] = ctx;

	ck_assert_uint_lt(block, BLOCKS);
	memcpy(data, area[block], CDP_BLOCK_BYTES);
	return 0;
}

static int wr(void *ctx, u64 block, const void *data)
{
	u8 (*area)[CDP_BLOCK_BYTES] = ctx;

	ck_assert_uint_lt(block, BLOCKS);
	if (!writes_left) {
		if (torn)
			memcpy(area[block], data, 512);
		return -EIO;
	}
	writes_left--;
	written++;
	memcpy(area[block], data, CDP_BLOCK_BYTES);
	return 0;
}

static void put_super(u32 leg, struct cdp_super s, u64 sequence)
{
	s.slot = leg;
	s.leg_uuid = s.legs[leg].uuid;
	s.sequence = sequence;
	s.legs[leg].sequence = sequence;
	cdp_super_encode(&s, (void *)areas[leg][cdp_super_block(sequence)]);
}

static void put_page(u32 leg, u64 block, enum cdp_block_kind kind, u32 slot, u32 word, u64 v)
{
	struct cdp_page_disk *d = (void *)areas[leg][block];
	struct cdp_uuid set = sample_uuid(9);

	if (word < CDP_PAGE_WORDS)
		cdp_page_put(d, word, cdp_page_get(d, word) | v);
	cdp_page_seal(d, &set, block, kind, slot, 1);
}

static void track(u32 leg, u32 of, u64 extent, u64 mask)
{
	put_page(leg, cdp_block_tracker(&g, of, (u32)extent / 504), BLOCK_TRACKER, of,
		 (u32)extent % 504, mask);
}

static void intend(u32 leg, u64 extent)
{
	put_page(leg, cdp_block_intent(&g, 0), BLOCK_INTENT, 0, (u32)extent / 64,
		 1ull << extent % 64);
}

/* @leg alone in its own line, the others left at commit 20. */
static void put_side(u32 leg, u32 nr, u64 generation, u64 sequence)
{
	struct cdp_super s;
	u32 i;

	sample_super(&s);
	memset(s.legs, 0, sizeof(s.legs));
	memset(s.ancestors, 0, sizeof(s.ancestors));
	s.region_sectors = REGION;
	s.data_sectors = SECTORS;
	s.data_start = leg * 8;
	s.flags = 0;
	s.generation = generation;
	s.ancestors[0] = G_JOINT;
	s.ancestors[1] = G_OLD;
	for (i = 0; i < nr; i++) {
		s.legs[i].uuid = sample_uuid((u8)i + 1);
		s.legs[i].order = i;
		s.legs[i].generation = i == leg ? generation : G_JOINT;
		s.legs[i].sequence = 20;
		s.legs[i].state = i == leg ? DISK_LEG_IN_SYNC : DISK_LEG_FAULTY;
	}
	put_super(leg, s, sequence);
	if (twin_is_joint) {
		/* before the others left: what the kernel leaves if nothing was acknowledged yet */
		s.generation = G_JOINT;
		s.ancestors[0] = G_OLD;
		s.ancestors[1] = 0;
		for (i = 0; i < nr; i++) {
			s.legs[i].state = DISK_LEG_IN_SYNC;
			s.legs[i].generation = G_JOINT;
		}
	}
	put_super(leg, s, sequence - 1);
}

/* Legs 0 to nr-1, of which 0 is in line A, and 1 (and 2) each in another one. */
static void make(u32 nr)
{
	const char *why;
	u32 leg, i, page;

	memset(areas, 0, sizeof(areas));
	ck_assert_int_eq(cdp_geometry_set(&g, SECTORS, REGION, 4, &why), 0);
	ck_assert_uint_eq(g.tracker_pages, 2);
	ck_assert_uint_le(cdp_area_blocks(&g), BLOCKS);
	for (leg = 0; leg < nr; leg++) {
		put_page(leg, cdp_block_intent(&g, 0), BLOCK_INTENT, 0, CDP_PAGE_WORDS, 0);
		for (i = 0; i < 4; i++)
			for (page = 0; page < 2; page++)
				put_page(leg, cdp_block_tracker(&g, i, page), BLOCK_TRACKER, i,
					 CDP_PAGE_WORDS, 0);
	}
	put_side(0, nr, G_A, 25);
	put_side(1, nr, G_B, 30);
	if (nr > 2)
		put_side(2, nr, 0xcc, 23);
	track(0, 1, 3, 0xf0);
	track(1, 0, 3, 0x3c);
	track(1, 0, 505, 1);
	writes_left = -1;
	again = 0;
	written = 0;
	torn = false;
}

static enum cdp_super_kind read_super(u32 leg, struct cdp_super *s)
{
	const char *why;

	return cdp_super_choose((void *)areas[leg][0], (void *)areas[leg][1], s, &why);
}

static struct cdp_plan plan;

/* What the kernel decides with the legs of @mask there. */
static int judge(u32 nr, u32 mask)
{
	u32 i;

	memset(&plan, 0, sizeof(plan));
	plan.nr_legs = nr;
	plan.has_meta = true;
	plan.data_sectors = SECTORS;
	plan.region_sectors = REGION;
	plan.now = 1800000000;
	plan.new_generation = 0x77;
	for (i = 0; i < nr; i++) {
		struct cdp_plan_leg *l = &plan.legs[i];

		plan.new_legs[i] = sample_uuid((u8)(10 + i));
		l->present = mask & 1u << i;
		l->data_start = i * 8;
		l->logical_block_bytes = 512;
		if (l->present)
			l->kind = cdp_super_choose((void *)areas[i][0], (void *)areas[i][1],
						   &l->super, &l->why);
	}
	return cdp_plan_make(&plan);
}

static struct cdp_area area_of(u32 leg)
{
	struct cdp_area a = { .read = rd, .write = wr, .ctx = areas[leg] };

	ck_assert_int_eq(read_super(leg, &a.super), SUPER_VALID);
	return a;
}

static struct cdp_resolve resolve;

static void prepare(u32 keep, u32 nr)
{
	u32 i;

	memset(&resolve, 0, sizeof(resolve));
	resolve.keep = area_of(keep);
	resolve.now = 1800000000;
	resolve.new_generation = G_NEW + 2 * again++;
	for (i = 0; i < nr; i++)
		if (i != keep)
			resolve.losers[resolve.nr_losers++].area = area_of(i);
	ck_assert_int_eq(cdp_resolve_plan(&resolve), 0);
}

static int carry_out(void)
{
	struct cdp_resolve_step steps[CDP_RESOLVE_STEPS];
	u32 i, n = cdp_resolve_steps(&resolve, steps);
	int r = 0;

	for (i = 0; i < n && !r; i++)
		r = cdp_resolve_run(&resolve, &steps[i]);
	return r;
}

static u64 tracked(u32 leg, u32 slot, u64 extent)
{
	u64 block = cdp_block_tracker(&g, slot, (u32)extent / 504);
	struct cdp_page_disk *d = (void *)areas[leg][block];
	struct cdp_uuid set = sample_uuid(9);
	const char *why;

	must(!cdp_page_check(d, &set, block, BLOCK_TRACKER, slot, &why), "%s", why);
	return cdp_page_get(d, (u32)extent % 504);
}

/* All that @slot lacks by the tracker on @leg. */
static u64 tracked_all(u32 leg, u32 slot)
{
	u64 e, n = 0;

	for (e = 0; e < g.extents; e++)
		n += cdp_popcount(tracked(leg, slot, e));
	return n;
}

/*----------------------------------------------------------------*/

TEST(refused_before)
{
	make(2);
	ck_assert_int_eq(judge(2, 3), -ENOTUNIQ);
}

TEST(ancestor)
{
	struct cdp_super a, b;

	make(2);
	read_super(0, &a);
	read_super(1, &b);
	must(cdp_split_diverged(&a, &b), "not diverged");
	ck_assert_uint_eq(cdp_split_ancestor(&a, &b), G_JOINT);
	b.ancestors[0] = a.generation;
	must(!cdp_split_diverged(&a, &b) && !cdp_split_diverged(&b, &a), "b contains a");
	ck_assert_uint_eq(cdp_split_ancestor(&a, &b), G_A);
	ck_assert_uint_eq(cdp_split_ancestor(&b, &a), G_A);
	b.ancestors[0] = 0;
	ck_assert_uint_eq(cdp_split_ancestor(&a, &b), G_JOINT); /* by its leg table */
	b.legs[a.slot].generation = 0;
	ck_assert_uint_eq(cdp_split_ancestor(&a, &b), 0);
}

TEST(amounts)
{
	struct cdp_split_amount a;
	struct cdp_area area;
	struct cdp_uuid other = sample_uuid(1), nobody = sample_uuid(8);

	make(2);
	intend(1, 5);
	area = area_of(1);
	ck_assert_int_eq(cdp_split_amount(&area, &other, &a), 0);
	ck_assert_uint_eq(a.regions, 4 + 1 + 64);
	ck_assert_uint_eq(a.intent_extents, 1);
	ck_assert_uint_eq(a.damaged_pages, 0);
	ck_assert_int_eq(cdp_split_amount(&area, &nobody, &a), -ENOENT);
	areas[1][cdp_block_tracker(&g, 0, 1)][100] ^= 1;
	ck_assert_int_eq(cdp_split_amount(&area, &other, &a), 0);
	ck_assert_uint_eq(a.damaged_pages, 1);
	ck_assert_uint_eq(a.regions, 4 + 64 + g.regions - 504 * 64);
}

/* Survivor authority, loser stale by its tracker, and that is the union. */
static void check_done(u32 keep, u32 lose)
{
	ck_assert_int_eq(judge(2, 3), 0);
	ck_assert_uint_eq(plan.authority, keep);
	ck_assert_int_eq(plan.state[keep], LEG_IN_SYNC);
	ck_assert_int_eq(plan.state[lose], LEG_STALE);
	ck_assert_int_eq(plan.tracker[lose], TRACKER_LOAD);
	ck_assert_uint_eq(tracked_all(keep, lose), resolve.losers[0].to_copy);
	ck_assert_int_eq(judge(2, 1u << lose), -ENODATA);
	ck_assert_int_eq(judge(2, 1u << keep), 0);
	ck_assert_uint_eq(plan.authority, keep);
}

TEST(done)
{
	u32 keep;

	for (keep = 0; keep < 2; keep++) {
		u32 lose = !keep;
		struct cdp_super s;

		make(2);
		intend(0, 7);
		intend(1, 506);
		prepare(keep, 2);
		must(!resolve.losers[0].why_full, "%s", resolve.losers[0].why_full);
		ck_assert_uint_gt(resolve.record.sequence, 30);
		ck_assert_int_eq(carry_out(), 0);
		check_done(keep, lose);
		ck_assert_uint_eq(tracked(keep, lose, 3), 0xfc);
		ck_assert_uint_eq(tracked(keep, lose, 7), ~0ull);
		ck_assert_uint_eq(tracked(keep, lose, 505), 1);
		ck_assert_uint_eq(tracked(keep, lose, 506), ~0ull);
		ck_assert_uint_eq(resolve.losers[0].to_copy, 6 + 64 + 1 + 64);
		read_super(keep, &s);
		ck_assert_uint_eq(s.legs[lose].state, DISK_LEG_STALE);
		ck_assert_uint_eq(s.legs[lose].changed, 1800000000);
		ck_assert_uint_eq(s.updated, 1800000000);
		ck_assert_uint_eq(s.legs[lose].generation, G_JOINT);
		ck_assert_uint_eq(s.generation, G_NEW);
		ck_assert_uint_eq(s.ancestors[0], keep ? G_B : G_A);
		ck_assert_uint_eq(s.legs[keep].generation, G_NEW);
		ck_assert_uint_eq(s.legs[keep].sequence, s.sequence);
		/* by which the two can be compared again */
		ck_assert_uint_eq(s.legs[lose].sequence, 20);
		read_super(lose, &s);
		ck_assert_uint_eq(s.slot, lose);
		ck_assert_uint_eq(s.data_start, lose * 8);
		ck_assert_uint_eq(s.legs[lose].state, DISK_LEG_STALE);
	}
}

/* One damaged superblock of either changes nothing. */
TEST(twins)
{
	u32 leg, block;

	for (leg = 0; leg < 2; leg++)
		for (block = 0; block < 2; block++) {
			make(2);
			prepare(0, 2);
			ck_assert_int_eq(carry_out(), 0);
			areas[leg][block][600] ^= 4;
			check_done(0, 1);
		}
}

/* The loser lacks at least what either wrote, or everything. */
static void check_prefix(u32 keep, u32 lose, u32 n)
{
	int r = judge(2, 3);

	if (r == -ENOTUNIQ)
		return;
	must(!r, "after %u writes: %s", n, plan.why);
	must(plan.authority == keep, "after %u writes: the loser is the authority", n);
	must(plan.state[keep] == LEG_IN_SYNC, "after %u writes: the survivor is lost", n);
	must(plan.state[lose] == LEG_STALE, "after %u writes: the loser is not stale", n);
	if (plan.tracker[lose] == TRACKER_LOAD)
		must(tracked(keep, lose, 3) == 0xfc && tracked(keep, lose, 505) == 1 &&
		     tracked(keep, lose, 7) == ~0ull, "after %u writes: too little is copied", n);
	/* it can go on alone for as long as the survivor has not won, not later */
	must(judge(2, 1u << lose) == -ENODATA, "after %u writes: the loser starts", n);
	must(!judge(2, 1u << keep), "after %u writes: the survivor does not start", n);
}

static void cut_everywhere_once(u32 keep, bool tear)
{
	u32 n, total = 2 + 2 + 2;
	u64 more;

	/* sequences of the two even and odd: which block is the older one */
	for (more = 0; more < 4; more++)
		for (n = 0; n <= total; n++) {
			make(2);
			put_side(0, 2, G_A, 25 + more % 2);
			put_side(1, 2, G_B, 30 + more / 2);
			intend(1, 7);
			prepare(keep, 2);
			writes_left = (int)n;
			torn = tear;
			ck_assert_int_eq(carry_out(), n < total ? -EIO : 0);
			check_prefix(keep, !keep, n);
			if (tear)
				continue;
			ck_assert_uint_eq(written, n);
			/* and again, to the end */
			writes_left = -1;
			if (judge(2, 3) != -ENOTUNIQ)
				continue;
			prepare(keep, 2);
			must(!resolve.losers[0].why_full, "%s", resolve.losers[0].why_full);
			ck_assert_int_eq(carry_out(), 0);
			check_done(keep, !keep);
		}
}

static void cut_everywhere(u32 keep, bool tear)
{
	twin_is_joint = false;
	cut_everywhere_once(keep, tear);
	twin_is_joint = true;
	cut_everywhere_once(keep, tear);
	twin_is_joint = false;
}

TEST(killed_between)
{
	cut_everywhere(0, false);
	cut_everywhere(1, false);
}

TEST(killed_within)
{
	cut_everywhere(0, true);
	cut_everywhere(1, true);
}

/* Everything that a damaged page covers is copied; one of no interest does not count. */
TEST(damaged_pages)
{
	u32 i;

	for (i = 0; i < 6; i++) {
		struct {
			u32 leg;
			u64 block, want;
		} c;

		make(2);
		switch (i) {
		case 0:
			c.leg = 0, c.block = cdp_block_tracker(&g, 1, 0), c.want = 504 * 64 + 1;
			break;
		case 1:
			c.leg = 1, c.block = cdp_block_tracker(&g, 0, 0), c.want = 504 * 64 + 1;
			break;
		case 2:
			c.leg = 1, c.block = cdp_block_tracker(&g, 0, 1);
			c.want = 6 + g.regions - 504 * 64;
			break;
		case 3:
		case 4:
			c.leg = i - 3, c.block = cdp_block_intent(&g, 0), c.want = g.regions;
			break;
		default:
			c.leg = 0, c.block = cdp_block_tracker(&g, 0, 0), c.want = 7;
		}
		areas[c.leg][c.block][200] ^= 1;
		prepare(0, 2);
		must(resolve.losers[0].to_copy == c.want, "case %u: %llu", i,
		     (unsigned long long)resolve.losers[0].to_copy);
		ck_assert_int_eq(carry_out(), 0);
		check_done(0, 1);
	}
}

/* What makes a whole copy; the plan then loads a tracker that is full. */
static void check_full(const char *why)
{
	prepare(0, 2);
	must(resolve.losers[0].why_full && strstr(resolve.losers[0].why_full, why), "%s: %s", why,
	     resolve.losers[0].why_full ? resolve.losers[0].why_full : "only the union");
	ck_assert_uint_eq(resolve.losers[0].to_copy, g.regions);
	ck_assert_int_eq(carry_out(), 0);
	check_done(0, 1);
}

static void alter(u32 leg, void (*change)(struct cdp_super *s))
{
	struct cdp_super s;

	read_super(leg, &s);
	change(&s);
	put_super(leg, s, s.sequence + 1);
	put_super(leg, s, s.sequence + 2);
}

static void older(struct cdp_super *s)
{
	s->legs[!s->slot].sequence = 18;
}

static void by_one(struct cdp_super *s)
{
	s->legs[!s->slot].sequence = 19;
}

static void orphan(struct cdp_super *s)
{
	memset(s->ancestors, 0, sizeof(s->ancestors));
	s->legs[!s->slot].generation = 0x5555;
}

static void elsewhere(struct cdp_super *s)
{
	s->legs[!s->slot].generation = 0x5555;
}

static void shorter(struct cdp_super *s)
{
	s->data_sectors -= 8;
}

static void forget(struct cdp_super *s)
{
	memset(&s->legs[!s->slot], 0, sizeof(s->legs[0]));
}

TEST(wholly)
{
	u32 leg;

	for (leg = 0; leg < 2; leg++) {
		make(2);
		alter(leg, older);
		check_full("do not agree");
		make(2);
		alter(leg, orphan);
		check_full("no common ancestor");
		make(2);
		alter(leg, elsewhere);
		check_full("does not reach back");
		make(2);
		alter(leg, by_one);
		prepare(0, 2);
		must(!resolve.losers[0].why_full, "%s", resolve.losers[0].why_full);
	}
	make(2);
	alter(1, shorter);
	check_full("size");
	make(2);
	alter(1, forget);
	check_full("no tracker for the survivor");
}

/* Not in the survivor's table: blank, so that it is a new leg, at no prefix a good one. */
TEST(unknown)
{
	u32 n;

	for (n = 0; n <= 4; n++) {
		struct cdp_super s;
		int r;

		twin_is_joint = true;
		make(2);
		twin_is_joint = false;
		alter(0, forget);
		prepare(0, 2);
		must(resolve.losers[0].unknown && resolve.losers[0].why_full, "known");
		writes_left = (int)n;
		ck_assert_int_eq(carry_out(), n < 4 ? -EIO : 0);
		r = judge(2, 3);
		if (n < 4) {
			ck_assert_int_eq(r, -ENOTUNIQ);
			continue;
		}
		must(!r, "%s", plan.why);
		ck_assert_int_eq(read_super(1, &s), SUPER_BLANK);
		ck_assert_uint_eq(plan.authority, 0);
		ck_assert_int_eq(plan.state[1], LEG_STALE);
		ck_assert_int_eq(plan.tracker[1], TRACKER_FULL);
	}
}

/* Three lines of history, two losers: at every prefix none of them is taken. */
TEST(two_losers)
{
	u32 n, i;

	for (n = 0; n <= 10; n++) {
		int r;

		make(3);
		track(0, 2, 9, 1);
		track(2, 0, 9, 2);
		prepare(0, 3);
		writes_left = (int)n;
		ck_assert_int_eq(carry_out(), n < 10 ? -EIO : 0);
		r = judge(3, 7);
		if (n < 9) {
			ck_assert_int_eq(r, -ENOTUNIQ);
			continue;
		}
		must(!r, "%u: %s", n, plan.why);
		ck_assert_uint_eq(plan.authority, 0);
		for (i = 1; i < 3; i++)
			ck_assert_int_eq(plan.state[i], LEG_STALE);
	}
	ck_assert_int_eq(plan.tracker[1], TRACKER_LOAD);
	ck_assert_int_eq(plan.tracker[2], TRACKER_LOAD);
	ck_assert_uint_eq(tracked_all(0, 1), 7);
	ck_assert_uint_eq(tracked_all(0, 2), 2);
}

/*
 * A leg on the survivor's side that is not touched: its tracker pages know
 * nothing of the loser's writes, so it may not stand in for a damaged page.
 */
TEST(companion)
{
	struct cdp_super s;

	make(3);
	read_super(0, &s);
	s.legs[2].state = DISK_LEG_IN_SYNC;
	s.legs[2].generation = G_A;
	s.legs[2].sequence = 25;
	put_super(0, s, 24);
	put_super(0, s, 25);
	s.legs[0].sequence = 25;
	s.data_start = 16;
	memset(areas[2][0], 0, sizeof(areas[2][0]));
	memset(areas[2][1], 0, sizeof(areas[2][1]));
	put_super(2, s, 25);
	prepare(0, 2);
	ck_assert_int_eq(carry_out(), 0);
	ck_assert_int_eq(judge(3, 7), 0);
	ck_assert_uint_eq(plan.authority, 0);
	ck_assert_int_eq(plan.state[1], LEG_STALE);
	ck_assert_int_eq(plan.state[2], LEG_STALE);
	ck_assert_int_eq(plan.tracker[2], TRACKER_LOAD);
	ck_assert_uint_eq(tracked_all(0, 2), 0);
	/* without the survivor the loser knows more than it */
	ck_assert_int_eq(judge(3, 6), -ENODATA);
	ck_assert_int_eq(judge(3, 4), 0);
	/* and when it went on alone, however long, it copies everything to the loser */
	read_super(2, &s);
	cdp_super_mint(&s, 0xdd);
	s.legs[2].generation = 0xdd;
	put_super(2, s, 100);
	put_super(2, s, 101);
	ck_assert_int_eq(judge(3, 6), 0);
	ck_assert_uint_eq(plan.authority, 2);
	ck_assert_int_eq(plan.tracker[1], TRACKER_FULL);
	ck_assert_int_eq(judge(3, 7), -ENOTUNIQ);
}

UNIT_MAIN("split", refused_before, ancestor, amounts, done, twins, killed_between, killed_within,
	  damaged_pages, wholly, unknown, two_losers, companion)
