// SPDX-License-Identifier: GPL-2.0
/* plan.c: who is who, who is in-sync, what is copied, and what is refused, at activation. */
#include "unit.h"
#include "small_set.h"
#include "plan.h"

#define SECTORS		40001u		/* of sample_super() */
#define GENERATION	0x1122334455667788ull

static struct cdp_plan p;

/* A leg of the sample set as it was written by a commit that all took; slot as place. */
static void leg(u32 i)
{
	struct cdp_plan_leg *l = &p.legs[i];
	u32 k;

	memset(l, 0, sizeof(*l));
	l->present = true;
	l->kind = SUPER_VALID;
	l->data_start = 2048;
	l->logical_block_bytes = 512;
	sample_super(&l->super);
	for (k = 0; k < CDP_MAX_LEGS; k++)
		l->super.legs[k] = k >= p.nr_legs ? (struct cdp_leg_entry) { 0 } :
			(struct cdp_leg_entry) {
				.uuid = sample_uuid((u8)k + 1),
				.generation = GENERATION,
				.sequence = l->super.sequence,
				.state = DISK_LEG_IN_SYNC,
				.order = k,
			};
	l->super.slot = i;
	l->super.leg_uuid = l->super.legs[i].uuid;
}

/* A table line of @n legs that were stopped in order. */
static void begin(u32 n)
{
	u32 i;

	memset(&p, 0, sizeof(p));
	p.nr_legs = n;
	p.has_meta = true;
	p.data_sectors = SECTORS;
	p.region_sectors = 128;
	p.now = 1800000000;
	p.new_generation = 77;
	p.new_set = sample_uuid(12);
	for (i = 0; i < CDP_MAX_LEGS; i++)
		p.new_legs[i] = sample_uuid((u8)(20 + i));
	for (i = 0; i < n; i++)
		leg(i);
}

static void blank(u32 i)
{
	p.legs[i] = (struct cdp_plan_leg) {
		.present = true, .kind = SUPER_BLANK, .why = "blank",
		.data_start = 2048, .logical_block_bytes = 512,
	};
}

static void kind(u32 i, enum cdp_super_kind k)
{
	blank(i);
	p.legs[i].kind = k;
}

/* Leg @i did not take the last @n commits; all others call it faulty. */
static void left(u32 i, u64 n)
{
	u32 k;

	for (k = 0; k < p.nr_legs; k++)
		if (k == i) {
			p.legs[i].super.sequence -= n;
			for (u32 s = 0; s < p.nr_legs; s++)
				p.legs[i].super.legs[s].sequence -= n;
		} else {
			p.legs[k].super.legs[i].state = DISK_LEG_FAULTY;
			p.legs[k].super.legs[i].sequence -= n;
		}
}

/* All legs but @i began a new generation. */
static void begin_generation(u32 i, u64 generation)
{
	u32 k, s;

	for (k = 0; k < p.nr_legs; k++) {
		if (k == i)
			continue;
		cdp_super_mint(&p.legs[k].super, generation);
		for (s = 0; s < p.nr_legs; s++)
			if (s != i)
				p.legs[k].super.legs[s].generation = generation;
	}
}

static void minted_without(u32 i)
{
	begin_generation(i, 4711);
}

static void expect(u32 i, enum cdp_leg_state state, enum cdp_plan_tracker tracker)
{
	must(p.state[i] == state && p.tracker[i] == tracker, "leg %u: state %u, tracker %u (%s)", i,
	     p.state[i], p.tracker[i], p.reason[i]);
	must((state == LEG_IN_SYNC) == !p.reason[i][0], "leg %u: '%s'", i, p.reason[i]);
}

static void good(void)
{
	int r = cdp_plan_make(&p);

	must(!r && !p.why[0], "%d: %s", r, p.why);
}

static void refused(int err, const char *word)
{
	int r = cdp_plan_make(&p);

	must(r == err && strstr(p.why, word), "%d: %s", r, p.why);
}

TEST(new_sets)
{
	begin(3);
	blank(0);
	blank(1);
	p.legs[2].present = false;
	good();
	must(p.is_new && p.clean && p.format[0] && p.format[1] && !p.format[2], "format");
	expect(0, LEG_IN_SYNC, TRACKER_NONE);
	expect(1, LEG_STALE, TRACKER_FULL);
	must(p.state[2] == LEG_MISSING && p.super.generation == 77, "missing");
	must(cdp_uuid_equal(&p.super.preferred, &p.new_legs[0]), "the first is preferred");
	p.assume_clean = true;
	good();
	expect(1, LEG_IN_SYNC, TRACKER_NONE);
	p.legs[0].present = false;
	refused(-ENODATA, "cannot be missing");
	blank(0);
	kind(1, SUPER_FOREIGN);
	p.legs[1].why = "something else";
	refused(-EUCLEAN, "something else");
	kind(1, SUPER_DAMAGED);
	p.legs[1].why = "damaged";
	refused(-EUCLEAN, "damaged");
	blank(1);
	p.legs[1].unreadable = true;
	refused(-EUCLEAN, "cannot be read");
	blank(1);
	p.legs[1].logical_block_bytes = 4096;
	refused(-EINVAL, "logical blocks");
}

TEST(stopped_in_order)
{
	begin(2);
	good();
	must(!p.is_new && p.clean && !p.mint && !p.mint_now && !p.grown, "as it was");
	expect(0, LEG_IN_SYNC, TRACKER_NONE);
	expect(1, LEG_IN_SYNC, TRACKER_NONE);
	p.legs[1].super.flags = 0;
	good();
	must(!p.clean, "one was not stopped");
}

TEST(reordered)
{
	struct cdp_plan_leg was;

	begin(3);
	was = p.legs[0];
	p.legs[0] = p.legs[2];
	p.legs[2] = was;
	good();
	must(p.slot[0] == 2 && p.slot[1] == 1 && p.slot[2] == 0, "slots follow the legs");
	must(cdp_uuid_equal(&p.super.preferred, &p.legs[2].super.leg_uuid), "so does the preference");
}

TEST(stale_legs)
{
	begin(2);
	left(0, 2);
	good();
	must(p.authority == 1, "the other one is believed");
	expect(0, LEG_STALE, TRACKER_LOAD);
	expect(1, LEG_IN_SYNC, TRACKER_NONE);
	begin(2);
	left(0, 2);
	minted_without(0);
	good();
	must(p.authority == 1 && !p.mint, "it is here and is told");
	expect(0, LEG_STALE, TRACKER_LOAD);
	/* its own word does not count, the record's does */
	begin(2);
	p.legs[1].super.sequence++;
	p.legs[1].super.legs[0].state = DISK_LEG_STALE;
	good();
	must(p.authority == 1, "newest commit");
	expect(0, LEG_STALE, TRACKER_LOAD);
	/* one commit behind is a crash between two legs */
	begin(2);
	p.legs[1].super.sequence++;
	p.legs[1].super.legs[0].sequence++;
	p.legs[1].super.legs[1].sequence++;
	good();
	expect(0, LEG_IN_SYNC, TRACKER_NONE);
}

TEST(copies_of_the_past)
{
	begin(2);
	p.legs[0].super.sequence -= 2;		/* nobody saw it leave */
	good();
	must(p.authority == 1, "authority");
	expect(0, LEG_STALE, TRACKER_FULL);
	must(strstr(p.reason[0], "older copy"), "%s", p.reason[0]);
	/* one that was started without the others */
	begin(2);
	left(0, 2);
	minted_without(0);
	p.legs[0].super.sequence += 2;
	p.legs[0].super.legs[0].sequence += 2;
	good();
	expect(0, LEG_STALE, TRACKER_FULL);
	/* or that went one commit further with others */
	begin(3);
	left(2, 1);
	p.legs[0].present = false;
	p.legs[1].super.legs[1].state = DISK_LEG_STALE;
	p.legs[2].super.legs[1].state = DISK_LEG_STALE;
	good();
	must(p.authority == 2, "the only one");
	expect(1, LEG_STALE, TRACKER_FULL);
	/* one that is on its way back was told commits that it took no part in */
	begin(2);
	left(0, 4);
	p.legs[0].super.sequence += 4;
	p.legs[0].super.legs[0].state = DISK_LEG_FAULTY;
	good();
	expect(0, LEG_STALE, TRACKER_LOAD);
	/* a stale leg of another line */
	begin(2);
	p.legs[0].super.legs[0].state = DISK_LEG_STALE;
	p.legs[0].super.generation = p.legs[0].super.legs[0].generation = 99;
	p.legs[0].super.legs[1].generation = 98;
	good();
	expect(0, LEG_STALE, TRACKER_FULL);
}

/* The others went on for more generations than are remembered: that is no split brain. */
TEST(away_for_long)
{
	u64 g;

	begin(3);
	left(2, 2);
	for (g = 1000; g < 1000 + 2 * CDP_ANCESTORS; g++)
		begin_generation(2, g);
	good();
	expect(0, LEG_IN_SYNC, TRACKER_NONE);
	expect(2, LEG_STALE, TRACKER_LOAD);
	/* unless it went on, too */
	cdp_super_mint(&p.legs[2].super, 4712);
	refused(-ENOTUNIQ, "diverged");
}

TEST(split_brain)
{
	begin(2);
	left(0, 1);
	minted_without(0);
	cdp_super_mint(&p.legs[0].super, 4712);
	refused(-ENOTUNIQ, "diverged");
	/* with both in one line there is none: a crash came between the two legs' writes */
	begin(2);
	cdp_super_mint(&p.legs[0].super, 4712);
	p.legs[0].super.sequence++;
	p.legs[0].super.legs[0].sequence++;
	p.legs[0].super.legs[1].sequence++;
	good();
	must(p.authority == 0, "the later one");
	expect(1, LEG_IN_SYNC, TRACKER_NONE);
}

TEST(nobody_to_believe)
{
	begin(2);
	p.legs[0].super.legs[0].state = DISK_LEG_STALE;
	p.legs[1].super.legs[1].state = DISK_LEG_FAULTY;
	refused(-ENODATA, "no leg that is in-sync");
	/* a stale leg has seen a history that the one in-sync has not */
	begin(2);
	p.legs[1].super.legs[1].state = DISK_LEG_STALE;
	cdp_super_mint(&p.legs[1].super, 4711);
	refused(-ENODATA, "later history");
}

/* A late write of the table before may still get there: no leg, known or new, gets I/O. */
TEST(busy_legs)
{
	begin(2);
	p.legs[1].busy = true;
	good();
	expect(1, LEG_FAULTY, TRACKER_LOAD);
	p.legs[1].super.leg_uuid = p.legs[1].super.legs[1].uuid = sample_uuid(99);
	good();
	expect(1, LEG_FAULTY, TRACKER_FULL);
	must(!p.format[1], "nor a name");
	blank(1);
	p.legs[1].busy = true;
	good();
	expect(1, LEG_FAULTY, TRACKER_FULL);
	blank(0);
	refused(-EBUSY, "to answer");
}

/* The set runs, and only this leg is in-sync. */
static void runs(u32 leg)
{
	p.last_set = p.legs[leg].super.set_uuid;
	p.last_sequence = p.legs[leg].super.sequence;
	p.last_legs[0] = p.legs[leg].super.leg_uuid;
	p.nr_last_legs = 1;
}

/* Its own record calls it in-sync: nobody has told it. */
TEST(given_up_by_the_set_that_runs)
{
	begin(3);
	runs(2);
	good();
	must(p.authority == 2, "the one that is in-sync there");
	expect(0, LEG_STALE, TRACKER_LOAD);
	expect(1, LEG_STALE, TRACKER_LOAD);
	expect(2, LEG_IN_SYNC, TRACKER_NONE);
	p.legs[2].present = false;
	refused(-ENODATA, "has left the set that runs");
	p.legs[2].present = p.legs[2].unreadable = true;
	refused(-ENODATA, "has left the set that runs");
	p.last_set.b[0]++;
	good();
	p.last_set.b[0]--;
	p.last_sequence = 0;
	good();
}

TEST(absent_legs)
{
	begin(2);
	p.legs[1].present = false;
	good();
	must(p.mint && !p.mint_now && p.slot[1] == 1, "could go on alone, and stays in the table");
	expect(1, LEG_MISSING, TRACKER_LOAD);
	begin(2);
	p.legs[1].unreadable = true;
	good();
	must(p.mint, "may go on elsewhere");
	expect(1, LEG_FAULTY, TRACKER_FULL);
	/* what cannot be read for being slow may be what went on alone */
	p.legs[1].silent = true;
	refused(-ETIMEDOUT, "leg 1 does not answer");
	runs(0);
	p.last_sequence = p.legs[0].super.sequence + 1;
	refused(-ETIMEDOUT, "leg 1 does not answer");
	p.last_sequence--;
	good();
	expect(1, LEG_FAULTY, TRACKER_FULL);
	p.last_set.b[0]++;
	refused(-ETIMEDOUT, "leg 1 does not answer");
	p.legs[0].super.legs[1].state = DISK_LEG_FAULTY;
	good();
	expect(1, LEG_FAULTY, TRACKER_FULL);
	begin(2);
	kind(1, SUPER_DAMAGED);
	good();
	expect(1, LEG_FAULTY, TRACKER_FULL);
	begin(2);
	kind(1, SUPER_FOREIGN);
	p.legs[1].why = "something else";
	refused(-EUCLEAN, "something else");
	/* one that left before cannot go on in this generation */
	begin(2);
	left(1, 1);
	minted_without(1);
	p.legs[1].present = false;
	good();
	must(!p.mint && !p.mint_now, "it left an older one");
	/* one that was copied to may have been called in-sync by a commit that nobody else has */
	begin(2);
	p.legs[0].super.legs[1].state = DISK_LEG_STALE;
	p.legs[0].super.legs[1].generation = 0;
	p.legs[1].present = false;
	good();
	must(p.mint_now, "at once");
}

TEST(dropped_and_added_legs)
{
	begin(3);
	p.nr_legs = 2;
	good();
	must(p.mint_now && p.super.legs[2].state == DISK_LEG_UNUSED, "struck off: a new generation at once");
	must(cdp_super_find(&p.super, &p.legs[2].super.leg_uuid) < 0, "forgotten");
	begin(3);
	blank(2);
	p.legs[0].super.legs[2].state = p.legs[1].super.legs[2].state = DISK_LEG_UNUSED;
	good();
	must(p.slot[2] == 2 && p.format[2] && !p.format[0], "added");
	must(cdp_uuid_equal(&p.super.legs[2].uuid, &p.new_legs[2]), "with a name of its own");
	expect(2, LEG_STALE, TRACKER_FULL);
	/* one in another's place takes a free slot while there is one */
	begin(3);
	blank(1);
	good();
	must(p.slot[1] == 3 && p.mint_now, "slot %u", p.slot[1]);
	/* one that was struck off comes back as a new one */
	begin(2);
	p.legs[0].super.legs[1].state = DISK_LEG_UNUSED;
	p.legs[1].super.sequence -= 3;
	good();
	must(p.format[1], "as new");
	expect(1, LEG_STALE, TRACKER_FULL);
}

TEST(sizes)
{
	begin(2);
	p.data_sectors = SECTORS + 1000;
	good();
	must(p.grown && p.grown_from == SECTORS / 128 && p.super.data_sectors == SECTORS + 1000, "grown");
	p.data_sectors = SECTORS - 1;
	refused(-EINVAL, "cannot shrink");
	begin(2);
	p.region_sectors = 256;
	refused(-EINVAL, "regions");
	begin(2);
	p.legs[1].data_start = 0;
	refused(-EINVAL, "data starts");
	begin(2);
	p.legs[1].logical_block_bytes = 4096;
	refused(-EINVAL, "logical blocks");
	begin(2);
	p.legs[0].super.ro_compat = 1;
	refused(-EUCLEAN, "later format");
}

TEST(strangers)
{
	begin(2);
	p.legs[1].super.set_uuid = sample_uuid(3);
	refused(-EUCLEAN, "another set");
	begin(2);
	p.legs[1] = p.legs[0];
	refused(-EUCLEAN, "copies of one leg");
}

TEST(applied)
{
	struct small m;

	begin(2);
	left(1, 1);
	p.data_sectors = SECTORS + 5000;
	good();
	small_init(&m, 2);
	m.s.durable = 0;
	must(!cdp_geometry_set(&m.s.g, p.data_sectors, 128, 4, &(const char *) { NULL }), "geometry");
	cdp_plan_apply(&p, &m.s);
	must(m.s.in_sync == 1 && m.s.read_leg == 0 && m.s.legs[1].state == LEG_STALE, "states");
	must(m.s.durable == 3, "leg 1 still calls itself in-sync");
	must(m.s.legs[1].tracked == m.s.g.regions - SECTORS / 128, "the new part, and the region it begins in");
	cdp_set_leg_error(&m.s, 1, false);
	must(m.s.mint_on_write, "it was not told: it could go on alone");
}

/*
 * Leg 2 ran with leg 0, and now it is to run with leg 1, which saw none of that: in both
 * lines its commits would have the same numbers.
 */
TEST(numbers_go_on)
{
	u64 old;
	u32 n;

	for (n = 1; n < 5; n++) {
		begin(3);
		left(1, n);
		p.legs[0].present = false;
		p.legs[0].kind = SUPER_BLANK;
		p.legs[2].super.legs[2].state = DISK_LEG_STALE;
		old = p.legs[1].super.sequence;
		good();
		expect(2, LEG_STALE, TRACKER_FULL);
		must(p.super.sequence >= p.legs[2].super.sequence, "leg 2 has seen later ones");
		must(p.super.sequence - old <= n + 1 && !((p.super.sequence - old) & 1),
		     "leg 1's older superblock goes first");
	}
}

/* What has grown is copied from the primary, or taken for equal, but never on a stale leg. */
TEST(growth_applied)
{
	struct small m;
	u32 clean;

	for (clean = 0; clean < 2; clean++) {
		begin(3);
		left(2, 1);
		p.data_sectors = SECTORS + 5000;
		p.assume_clean = clean;
		good();
		small_init(&m, 3);
		must(!cdp_geometry_set(&m.s.g, p.data_sectors, 128, 4, &(const char *) { NULL }),
		     "geometry");
		cdp_plan_apply(&p, &m.s);
		must(!m.s.legs[0].tracked, "the primary lacks nothing");
		must(m.s.legs[1].tracked == (clean ? 0 : m.s.g.regions - SECTORS / 128), "leg 1: %llu",
		     (unsigned long long)m.s.legs[1].tracked);
		must(m.s.legs[2].tracked == m.s.g.regions - SECTORS / 128, "leg 2: %llu",
		     (unsigned long long)m.s.legs[2].tracked);
	}
}

static char why[CDP_WHY_TEXT];
static bool full, anew;

static int rejoin(struct small *m, const struct cdp_plan_leg *l)
{
	return cdp_plan_rejoin(&m->s, 1, l, &full, &anew, why);
}

TEST(rejoins)
{
	struct small m;
	struct cdp_plan_leg *l = &p.legs[1];

	begin(2);
	left(1, 1);
	minted_without(1);
	small_init(&m, 2);
	m.s.super = p.legs[0].super;
	must(!rejoin(&m, l) && !full && !anew, "by its tracker");
	l->super.sequence--;
	l->super.legs[1].sequence--;
	must(!rejoin(&m, l) && !full, "it missed the last of its commits");
	l->super.sequence--;
	must(!rejoin(&m, l) && full, "an older copy");
	cdp_super_mint(&l->super, 99);
	must(rejoin(&m, l) == -ENOTUNIQ && strstr(why, "diverged"), "%s", why);
	blank(1);
	must(!rejoin(&m, l) && full && anew, "a new disk");
	l->unreadable = true;
	must(rejoin(&m, l) == -EUCLEAN, "unreadable");
	kind(1, SUPER_FOREIGN);
	l->why = "something else";
	must(rejoin(&m, l) == -EUCLEAN && strstr(why, "something"), "foreign: %s", why);
	leg(1);
	l->super.set_uuid = sample_uuid(3);
	must(rejoin(&m, l) == -EUCLEAN && strstr(why, "another leg"), "%s", why);
}

UNIT_MAIN("plan", new_sets, stopped_in_order, reordered, stale_legs, copies_of_the_past,
	  away_for_long, split_brain, nobody_to_believe, busy_legs, given_up_by_the_set_that_runs,
	  absent_legs, dropped_and_added_legs, sizes, strangers, applied, growth_applied,
	  numbers_go_on, rejoins)
