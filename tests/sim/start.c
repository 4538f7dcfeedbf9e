// SPDX-License-Identifier: GPL-2.0
/*
 * Starts of the set: from which legs, what was done to them before, and whether
 * what came of it is right.
 */
#include "sim.h"
#include "cdp.h"

static u32 nr_disks;
static u64 sectors;		/* the largest size ever asked for */
static struct features { char text[120]; u32 n; } features, deadlines;	/* those only in trouble */
static struct disk foreign_data, foreign_meta;

void dm_set_foreign(struct disk *data, struct disk *meta);

static void add_to(struct features *f, const char *text)
{
	size_t n = strlen(f->text);

	snprintf(f->text + n, sizeof(f->text) - n, " %s", text);
	for (f->n++; *text; text++)
		f->n += *text == ' ';
}

static void add_feature(const char *text)
{
	add_to(&features, text);
}

static void add_number(const char *name, u32 n)
{
	char text[48];

	snprintf(text, sizeof(text), "%s %u", name, n);
	add_to(&deadlines, text);
}

static void add_deadlines(void)
{
	if (!one_in(4))
		add_number("leg_timeout_ms", one_in(6) ? 0 : 1u << below(12));
	if (one_in(4))
		add_to(&deadlines, one_in(2) ? "read_copy always" : "read_copy never");
	if (one_in(4))
		add_number("read_error_limit", below(3));
	if (one_in(6))
		add_number("on_protect_slow detach", 1 + below(200));
}

/* A leg that is well, but of another set. */
static void make_foreign(void)
{
	struct cdp_super s = { .sequence = 4, .data_sectors = sectors, .region_sectors = REGION_SECTORS,
			       .trackers = 4, .logical_block_bytes = 512, .generation = 7 };

	memset(&foreign_meta, 0, sizeof(foreign_meta));
	generate_random_uuid(s.set_uuid.b);
	generate_random_uuid(s.leg_uuid.b);
	s.legs[0] = (struct cdp_leg_entry) { .uuid = s.leg_uuid, .generation = 7, .sequence = 4,
					     .state = DISK_LEG_IN_SYNC };
	cdp_super_encode(&s, (struct cdp_super_disk *)foreign_meta.area);
	foreign_data.leg = foreign_meta.leg = LEGS;
	foreign_meta.meta = true;
	foreign_data.bdev.disk = &foreign_data;
	foreign_meta.bdev.disk = &foreign_meta;
	foreign_data.bdev.bd_holders = foreign_meta.bdev.bd_holders = 2;
	snprintf(foreign_data.name, sizeof(foreign_data.name), "dX");
	snprintf(foreign_meta.name, sizeof(foreign_meta.name), "mX");
	dm_set_foreign(&foreign_data, &foreign_meta);
}

void start_history(void)
{
	static const u32 disks[] = { 1, 2, 2, 2, 2, 3, 3, 3, 4 };
	u32 i;

	nr_disks = disks[below(ARRAY_SIZE(disks))];
	sectors = 1 + below(3 * EXTENT_SECTORS);
	memset(&features, 0, sizeof(features));
	memset(&deadlines, 0, sizeof(deadlines));
	sim.alike = false;
	for (i = 0; i < LEGS; i++)
		disk_init(i);
	if (one_in(3))
		add_feature("read_policy balance");
	if (one_in(4) && !has_class(C_BUFFERS))
		add_feature("no_copy");
	if (one_in(3))
		add_feature(one_in(2) ? "resync_window 1" : "resync_window 60");
	if (has_class(C_DEADLINE))
		add_deadlines();
	if (has_class(C_POLICY) && one_in(6))
		add_feature("on_protect_error block");
	if (has_class(C_POLICY) && one_in(strstr(features.text, "block") ? 2 : 6))
		add_feature("on_last_error queue");
	if (one_in(4)) {
		add_feature("assume_clean");
		sim.alike = true;
		for (i = 1; i < LEGS; i++)
			disk_fill(i);
	}
	make_foreign();
}

/*----------------------------------------------------------------
 * Which legs
 *--------------------------------------------------------------*/

/* Can it be told by this leg what the others lack? */
static bool is_witness(u32 l)
{
	return legs[l].branch && !legs[l].lacks && !legs[l].restored && !legs[l].damaged &&
	       !legs[l].blank;
}

static bool is_first(void)
{
	u32 i;

	for (i = 0; i < LEGS; i++)
		if (legs[i].branch)
			return false;
	return true;
}

static void shuffle(struct table *t)
{
	u32 i;

	for (i = t->nr; i > 1; i--) {
		u32 k = below(i), was = t->leg[i - 1];

		t->leg[i - 1] = t->leg[k];
		t->leg[k] = was;
	}
}

/* Copies of the past only beside a leg that knows better; nothing if only new disks. */
static bool is_sensible(const struct table *t)
{
	bool old = false, witness = false, any = false;
	u32 i;

	for (i = 0; i < t->nr; i++)
		if (t->leg[i] < LEGS) {
			old |= legs[t->leg[i]].restored;
			witness |= is_witness(t->leg[i]);
			any |= !legs[t->leg[i]].blank;
		}
	return any && (!old || witness);
}

/* A leg that was to be renewed may have superblocks of two names: it is none. */
static bool any_witness(const struct table *t)
{
	struct cdp_super s;
	u32 i;

	for (i = 0; i < t->nr; i++)
		if (t->leg[i] < LEGS && is_witness(t->leg[i]) &&
		    leg_super(t->leg[i], &s) == SUPER_VALID)
			return true;
	return false;
}

/* When all is well, nobody is too slow. */
void start_features(struct table *t)
{
	bool hurry = !sim.settling;

	snprintf(t->features, sizeof(t->features), "%s%s", features.text, hurry ? deadlines.text : "");
	t->nr_features = features.n + (hurry ? deadlines.n : 0);
}

bool start_is_calm(void)
{
	return !deadlines.n || !strstr(dm.table.features, deadlines.text);
}

/* Who is left out: by chance; all but those that left before, who may know nothing of it; none. */
enum choice { BY_CHANCE, THE_LOST, ALL };

static bool is_absent(enum choice who, u32 leg)
{
	if (!has_class(C_SUBSETS) || who == ALL)
		return false;
	return who == THE_LOST ? !legs[leg].left : one_in(sim.absent);
}

/* No legs: there is nothing to start the set from. */
void start_choose(struct table *t)
{
	enum choice who = (enum choice)below(4);
	u32 i, tries = 0;

	memset(t, 0, sizeof(*t));
	if (has_class(C_GROW) && !is_first() && one_in(12)) {
		sectors += below(EXTENT_SECTORS);
		sectors = min(sectors, (u64)MAX_SECTORS);
	}
	do {
		t->nr = 0;
		for (i = 0; i < nr_disks; i++) {
			bool absent = tries < 20 && is_absent(tries ? BY_CHANCE : who, i);

			if (absent && one_in(2))
				continue;	/* dropped from the set */
			t->leg[t->nr++] = absent ? LEGS : i;
		}
	} while (!is_first() && !is_sensible(t) && tries++ < 40);
	if (!is_first() && !is_sensible(t)) {
		t->nr = 0;
		return;
	}
	if (is_first())
		for (t->nr = 0; t->nr < nr_disks; t->nr++)
			t->leg[t->nr] = t->nr;
	if (!is_first() && one_in(4))
		shuffle(t);
	if (has_class(C_FOREIGN) && any_witness(t) && one_in(24) && t->nr < 4)
		t->leg[t->nr++] = LEGS + 1;
	t->sectors = sectors;
	start_features(t);
}

/*----------------------------------------------------------------
 * What came of it
 *--------------------------------------------------------------*/

static struct before {
	const struct table *table;
	bool in_sync[LEGS];
	bool given_up[LEGS];	/* by the table before, and may not know it */
	bool busy[LEGS];	/* owes answers to the table before */
	struct cdp_super super[LEGS];
	u64 clock;
} before;

u64 start_sectors(void)
{
	return sectors;
}

static bool is_in(const struct table *t, u32 leg)
{
	u32 i;

	for (i = 0; i < t->nr; i++)
		if (t->leg[i] == leg)
			return true;
	return false;
}

static bool had_errors(const struct table *t, u64 since)
{
	u32 i;

	for (i = 0; i < LEGS; i++)
		if (is_in(t, i) && (legs[i].data.hung || legs[i].meta.hung ||
				    legs[i].data.error_at > since || legs[i].meta.error_at > since ||
				    legs[i].data.bad_to))
			return true;
	return false;
}

/* A leg that calls itself in-sync, and is, and that could be read. */
static bool is_good(const struct table *t, const struct before *b, u32 leg)
{
	return is_in(t, leg) && b->in_sync[leg] && !b->given_up[leg] && is_witness(leg) &&
	       legs[leg].meta.error_at <= b->clock;
}

/* Must this start be refused: two lines of history? */
static bool is_split(const struct table *t, const struct before *b)
{
	u32 i, k;

	for (i = 0; i < LEGS; i++)
		for (k = 0; k < i; k++)
			if (is_good(t, b, i) && is_good(t, b, k) && model_split(legs[i].branch, legs[k].branch))
				return true;
	return false;
}

/*
 * Has it no superblock to go by, or one of later or other times than @good's? It
 * may have got no further than to mint: then it is refused out of caution.
 */
static bool is_odd(u32 leg, u32 good)
{
	struct cdp_super s, g;
	enum cdp_super_kind k = leg_super(leg, &s);

	if (k != SUPER_VALID || leg_super(good, &g) != SUPER_VALID)
		return k != SUPER_BLANK;
	/* a new disk that came back as it got its identity, and it too */
	if (leg != good && cdp_uuid_equal(&s.leg_uuid, &g.leg_uuid))
		return true;
	return s.generation != g.generation && !cdp_super_descends(&g, s.generation);
}

static void judge_refusal(const struct table *t, const struct before *b, int r)
{
	bool good = false, excuse = had_errors(t, b->clock) || is_in(t, LEGS + 1);
	struct branch *branch = NULL;
	u32 i, k;

	for (i = 0; i < LEGS; i++)
		for (k = 0; is_in(t, i) && is_good(t, b, i) && k < LEGS; k++)
			excuse |= is_in(t, k) && is_odd(k, i);
	for (i = 0; i < LEGS; i++) {
		if (!is_in(t, i))
			continue;
		good |= is_good(t, b, i) && !b->busy[i];
		excuse |= legs[i].damaged || legs[i].restored;
		if (b->in_sync[i]) {
			excuse |= branch && branch != legs[i].branch;
			branch = legs[i].branch;
		}
	}
	check(!good || excuse, "a start is refused (%d) though a good leg is there", r);
}

/* Is somebody not here who has what @leg lacks, be it only on its medium? */
static bool is_left_behind(const struct cdp *c, const struct table *t, u32 leg)
{
	u32 i, k;

	for (i = 0; i < LEGS; i++) {
		bool joined = false;

		for (k = 0; k < t->nr; k++)
			joined |= t->leg[k] == i && c->set.legs[k].state >= LEG_STALE;
		if (i != leg && !joined && legs[i].branch == legs[leg].branch && !legs[i].lacks)
			return true;
	}
	return false;
}

/* Did @by see @leg leave, before it was left itself? Then it cannot know that @leg has more. */
static bool is_given_up(const struct before *b, u32 by, u32 leg)
{
	const struct cdp_super *s = &b->super[by], *other = &b->super[leg];
	int slot = cdp_super_find(s, &other->leg_uuid);

	return slot >= 0 && s->legs[slot].state != DISK_LEG_IN_SYNC &&
	       s->generation == other->generation && s->sequence > other->sequence;
}

/* Was @by part of what went on without @leg? */
static bool knows_left(const struct before *b, u32 by, u32 leg)
{
	const struct cdp_super *s = &b->super[by], *other = &b->super[leg];
	int slot = cdp_super_find(s, &other->leg_uuid);

	return slot >= 0 && s->legs[slot].state != DISK_LEG_IN_SYNC &&
	       (s->generation == other->generation ? s->sequence > other->sequence :
						     cdp_super_descends(s, other->generation));
}

/*
 * Must @leg not be the source because @other is there? Not if both are left behind by
 * somebody who is not, and neither was part of what left the other: who of them has
 * more of the last writes is known to nobody here.
 */
static bool is_preferable(const struct table *t, const struct before *b, u32 other, u32 leg)
{
	if (other == leg || legs[other].branch != legs[leg].branch || !is_good(t, b, other))
		return false;
	/* one that lost its cache took the last commits all the same */
	if (legs[leg].lost_cache || is_given_up(b, leg, other))
		return false;
	return !legs[other].left || knows_left(b, other, leg);
}

/* The set goes on with a leg that lacks what others have: none of them was there? */
static void judge_fork(const struct table *t, const struct before *b, u32 leg, int misfit)
{
	u32 i;

	check(legs[leg].lacks, "leg %u is the source, but its sector %d is not what it should be", leg,
	      misfit);
	for (i = 0; i < LEGS; i++)
		check(!is_preferable(t, b, i, leg), "leg %u is the source, though it lacks what leg %u has", leg, i);
	say("  leg %u goes on from the past: a new branch", leg);
	/* an old copy may not know of the others at all, so nothing can be split from it */
	model_fork(&legs[leg].data, t->sectors, legs[leg].restored ? NULL : legs[leg].branch,
		   legs[leg].had_acks);
	legs[leg].branch = model_current();
}

/*
 * Does what @leg has recorded go on from @other's history, on which nothing was ever
 * acknowledged? Then it left without another generation, or was left, and neither has more.
 */
static bool goes_on_from(const struct before *b, u32 leg, u32 other)
{
	return (cdp_super_descends(&b->super[leg], b->super[other].generation) ||
		is_given_up(b, leg, other)) &&
	       legs[other].branch == model_current() && !model_acks();
}

/* A leg of a first start that did not come to its end, and was not heard of since. */
static void judge_unknown(const struct table *t, const struct before *b, u32 leg)
{
	u32 i;

	check(b->in_sync[leg], "a new disk is the source");
	for (i = 0; i < LEGS; i++)
		check(i == leg || !is_good(t, b, i) || goes_on_from(b, leg, i),
		      "leg %u is the source, though leg %u was there", leg, i);
	model_fork(&legs[leg].data, t->sectors, NULL, 0);
}

/*
 * An old copy, alone: what it was believed with cannot be known, and is no story to go on
 * with. It may know more than one whose history it continues.
 */
static void judge_old(const struct table *t, const struct before *b, u32 leg)
{
	u32 i;

	for (i = 0; i < LEGS; i++)
		check(!is_good(t, b, i) || b->super[i].sequence <= b->super[leg].sequence + 1 ||
		      cdp_super_descends(&b->super[leg], b->super[i].generation),
		      "leg %u, an old copy, is the source, though leg %u was there", leg, i);
	sim_escape();
}

/*
 * An old copy whose commits the source did not see two more of: format.h does not
 * promise that it is told from the leg. (Who could tell was not read, or is not there.)
 */
static bool is_undetected(const struct before *b, u32 leg, u32 source)
{
	const struct cdp_super *s = &b->super[source], *own = &b->super[leg];
	int slot = cdp_super_find(s, &own->leg_uuid);

	return legs[leg].restored && slot >= 0 && s->legs[slot].sequence < own->sequence + 2;
}

/* A new leg that failed with the last page of its first start: it is in-sync by all superblocks. */
static bool is_lost_at_the_end(const struct leg *l, u32 source)
{
	struct cdp_super s, own;

	return !l->branch && leg_super(source, &s) == SUPER_VALID &&
	       leg_super(l->data.leg, &own) == SUPER_VALID && own.sequence == s.sequence &&
	       own.legs[own.slot].state == DISK_LEG_IN_SYNC;
}

/* Everybody who takes part is on the source's branch now. */
static void join(const struct cdp *c, const struct table *t)
{
	u32 i;

	for (i = 0; i < LEGS; i++)
		legs[i].left |= legs[i].branch == model_current();
	for (i = 0; i < t->nr; i++) {
		struct leg *l = t->leg[i] < LEGS ? &legs[t->leg[i]] : NULL;

		if (l && is_lost_at_the_end(l, t->leg[c->set.read_leg])) {
			l->branch = model_current();
			l->gaining = true;
		}
		if (!l || c->set.legs[i].state < LEG_STALE)
			continue;
		l->branch = model_current();
		l->lacks = l->left = c->set.legs[i].state != LEG_IN_SYNC;
		l->had_acks = model_acks();
		l->blank = l->restored = l->damaged = false;
	}
}

void start_judge(void)
{
	const struct table *t = before.table;
	struct cdp *c;
	u32 i, source;
	int misfit;

	dm.judged = true;
	c = dm_cdp();
	source = t->leg[c->set.read_leg];
	say("  the set starts, leg %u is the source", source);
	/* without its own legs it is that other set that starts */
	if (is_in(t, LEGS + 1) && had_errors(t, before.clock))
		sim_escape();
	for (i = 0; i < t->nr; i++)
		check(t->leg[i] <= LEGS || c->set.legs[i].state == LEG_FAULTY,
		      "another set's leg is taken");
	check(!is_split(t, &before), "a split brain is not refused");
	if (legs[source].restored)
		judge_old(t, &before, source);
	for (i = 0; i < t->nr; i++)
		if (c->set.legs[i].state >= LEG_STALE && is_undetected(&before, t->leg[i], source))
			sim_escape();
	if (is_first()) {
		model_fork(&legs[source].data, t->sectors, NULL, 0);
		legs[source].branch = model_current();
	}
	if (!legs[source].branch) {
		judge_unknown(t, &before, source);
		legs[source].branch = model_current();
	}
	model_switch(legs[source].branch);
	misfit = model_misfit(&legs[source].data, t->sectors);
	if (misfit >= 0 || (legs[source].lacks && is_left_behind(c, t, source)))
		judge_fork(t, &before, source, misfit);
	model_size(&legs[source].data, t->sectors);
	join(c, t);
	model_adopt(&legs[source].data, t->sectors);
	for (i = 0; i < LEGS; i++)
		if (legs[i].branch == model_current() && !legs[i].lacks &&
		    model_misfit(&legs[i].data, t->sectors) >= 0)
			legs[i].lacks = true;
	audit_reset();
	audit_watch();
	audit_all();
}

/* What the superblocks say, for the story. */
static void describe(u32 leg)
{
	static const char *const state[] = { "-", "in-sync", "stale", "faulty" };
	struct cdp_super s;
	u32 i;

	if (leg_super(leg, &s) != SUPER_VALID) {
		say("    leg %u: no superblock", leg);
		return;
	}
	say("    leg %u: commit %lu, generation %04lx after %04lx, %04lx%s%s%s", leg, s.sequence,
	    s.generation >> 48, s.ancestors[0] >> 48, s.ancestors[1] >> 48,
	    s.flags & CDP_SUPER_CLEAN ? ", clean" : "", legs[leg].lacks ? "; lacks writes" : "",
	    legs[leg].restored ? "; an old copy" : legs[leg].damaged ? "; damaged" : "");
	for (i = 0; i < CDP_MAX_LEGS; i++)
		if (s.legs[i].state)
			say("      slot %u%s: %s, commit %lu, generation %04lx", i,
			    i == s.slot ? " (its own)" : "", state[s.legs[i].state],
			    s.legs[i].sequence, s.legs[i].generation >> 48);
}

/* A leg may be recorded in-sync, and be it, without the core having heard that. */
void start_note_gains(void)
{
	struct leg *l;

	for (l = legs; l < legs + LEGS; l++)
		if (l->gaining && l->branch == model_current() && leg_says_in_sync(l->data.leg)) {
			l->lacks = l->left = false;
			l->whole = sim.clock;
			l->had_acks = model_acks();
		}
}

/* Owes the leg an answer, or is one being taken in just now? */
static bool is_busy(u32 leg)
{
	struct cdp *c = dm_cdp();
	u32 i, late = c ? cdp_late_legs(c) : 0;

	for (i = 0; late && i < c->nr_legs; i++)
		if (late & 1u << i && dm.table.leg[i] == leg)
			return true;
	return disk_has_requests(&legs[leg].data) || disk_has_requests(&legs[leg].meta);
}

static void remember(const struct table *t)
{
	u32 i;

	start_note_gains();
	before.table = t;
	for (i = 0; i < LEGS; i++) {
		before.in_sync[i] = leg_says_in_sync(i);
		before.given_up[i] = leg_is_given_up(i);
		before.busy[i] = is_busy(i);
		leg_super(i, &before.super[i]);
		if (sim.trace && is_in(t, i))
			describe(i);
	}
}

/* Starts are short; what goes wrong in them is chosen, not left to chance. */
static void trouble(const struct table *t)
{
	u32 i;

	if (has_class(C_ERRORS) && !sim.settling)
		for (i = 0; i < t->nr; i++)
			if (t->leg[i] < LEGS && one_in(12))
				nature_one_error(t->leg[i], !one_in(4));
}

/* With a live table: what dmsetup reload and resume do. */
bool start_table(const struct table *t)
{
	bool had = dm.live;
	int r;

	before.clock = ++sim.clock;
	remember(t);
	trouble(t);
	r = dm_load(t);
	if (r && had)
		return false;
	if (!r) {
		if (had && !dm.suspended && dm_suspend_set(one_in(2))) {
			dm_unload();
			return false;
		}
		remember(t);	/* as the old table has left them */
		r = dm_resume_set();
	}
	if (r) {
		judge_refusal(t, &before, r);
		dm_remove();
		return false;
	}
	return true;
}
