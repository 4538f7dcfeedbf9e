// SPDX-License-Identifier: GPL-2.0-or-later
#include "split.h"

static bool knows(const struct cdp_super *s, u64 generation)
{
	return s->generation == generation || cdp_super_descends(s, generation);
}

bool cdp_split_diverged(const struct cdp_super *a, const struct cdp_super *b)
{
	return !knows(a, b->generation) && !knows(b, a->generation);
}

u64 cdp_split_ancestor(const struct cdp_super *a, const struct cdp_super *b)
{
	u32 i;

	if (knows(b, a->generation))
		return a->generation;
	for (i = 0; i < CDP_ANCESTORS && a->ancestors[i]; i++)
		if (knows(b, a->ancestors[i]))
			return a->ancestors[i];
	return 0;
}

static bool same_shape(const struct cdp_super *a, const struct cdp_super *b)
{
	return a->data_sectors == b->data_sectors && a->region_sectors == b->region_sectors &&
	       a->trackers == b->trackers;
}

const char *cdp_split_why_full(const struct cdp_super *keep, const struct cdp_super *lose)
{
	int slot = cdp_super_find(keep, &lose->leg_uuid);
	int back = cdp_super_find(lose, &keep->leg_uuid);
	const struct cdp_leg_entry *l, *k;

	if (slot < 0)
		return "the survivor has no tracker for it";
	if (back < 0)
		return "it has no tracker for the survivor";
	if (!cdp_split_ancestor(keep, lose))
		return "no common ancestor is remembered";
	if (!same_shape(keep, lose))
		return "the size of the set was changed on one side only";
	l = &keep->legs[slot];
	k = &lose->legs[back];
	if (!knows(lose, l->generation) || !knows(keep, k->generation))
		return "a tracker does not reach back to the common ancestor";
	/*
	 * Each entry holds the last commit that was written to both. The last one may
	 * have come to one leg only; more than that, and one is an older copy.
	 */
	if (l->sequence > k->sequence + 1 || k->sequence > l->sequence + 1)
		return "they do not agree on when they parted: one may be an older copy of its leg";
	return NULL;
}

/*----------------------------------------------------------------
 * Bitmaps, a tracker page at a time
 *--------------------------------------------------------------*/

struct side {
	const struct cdp_area *area;
	struct cdp_geometry g;
	u32 slot;			/* of the tracker that is read */
	u32 intent_page;
	bool has_intent;		/* intent holds intent_page */
	bool intent_is_good;
	struct cdp_page_disk intent, tracker;
	struct cdp_split_amount amount;
};

static int side_open(struct side *s, const struct cdp_area *area, const struct cdp_uuid *other)
{
	const struct cdp_super *super = &area->super;
	int slot = cdp_super_find(super, other);
	const char *why;

	memset(s, 0, sizeof(*s));
	if (slot < 0)
		return -ENOENT;
	s->area = area;
	s->slot = (u32)slot;
	return cdp_geometry_set(&s->g, super->data_sectors, super->region_sectors,
				super->trackers, &why);
}

static bool read_page(struct side *s, u64 block, enum cdp_block_kind kind, u32 slot,
		      struct cdp_page_disk *d)
{
	const char *why;

	if (!s->area->read(s->area->ctx, block, d) &&
	    !cdp_page_check(d, &s->area->super.set_uuid, block, kind, slot, &why))
		return true;
	s->amount.damaged_pages++;
	return false;
}

static void load_intent(struct side *s, u32 page)
{
	if (s->has_intent && s->intent_page == page)
		return;
	s->intent_page = page;
	s->has_intent = true;
	s->intent_is_good = read_page(s, cdp_block_intent(&s->g, page), BLOCK_INTENT, 0,
				      &s->intent);
}

/* @bit: of the extent in its intent page */
static bool has_intent(struct side *s, u32 bit)
{
	return !s->intent_is_good || cdp_page_get(&s->intent, bit / 64) >> bit % 64 & 1;
}

/* Add what the side wrote in the extents of tracker page @page to @words. */
static void add_words(struct side *s, u32 page, u64 words[CDP_PAGE_WORDS])
{
	u64 e = (u64)page * CDP_TRACKER_EXTENTS;
	u32 bit = page % CDP_GROUP_PAGES * CDP_TRACKER_EXTENTS, i;
	bool good = read_page(s, cdp_block_tracker(&s->g, s->slot, page), BLOCK_TRACKER, s->slot,
			      &s->tracker);

	load_intent(s, page / CDP_GROUP_PAGES);
	for (i = 0; i < CDP_PAGE_WORDS && e < s->g.extents; i++, e++, bit++) {
		u64 w = good ? cdp_page_get(&s->tracker, i) : ~0ull;

		if (has_intent(s, bit)) {
			s->amount.intent_extents++;
			w = ~0ull;
		}
		w &= cdp_extent_mask(&s->g, e);
		s->amount.regions += cdp_popcount(w);
		words[i] |= w;
	}
}

int cdp_split_amount(const struct cdp_area *area, const struct cdp_uuid *other,
		     struct cdp_split_amount *a)
{
	u64 words[CDP_PAGE_WORDS] = { 0 };
	struct side s;
	u32 page;
	int r = side_open(&s, area, other);

	for (page = 0; !r && page < s.g.tracker_pages; page++)
		add_words(&s, page, words);
	*a = s.amount;
	return r;
}

/*----------------------------------------------------------------
 * The survivor's tracker of a loser
 *--------------------------------------------------------------*/

struct both {
	struct side keep, lose;
	const struct cdp_loser *loser;
};

static int both_open(struct both *b, const struct cdp_resolve *r, const struct cdp_loser *l)
{
	int err = side_open(&b->keep, &r->keep, &l->area.super.leg_uuid);

	b->loser = l;
	if (!err && !l->why_full)
		err = side_open(&b->lose, &l->area, &r->keep.super.leg_uuid);
	return err;
}

static u64 make_words(struct both *b, u32 page, u64 words[CDP_PAGE_WORDS])
{
	u64 e = (u64)page * CDP_TRACKER_EXTENTS, n = 0;
	u32 i;

	memset(words, 0, CDP_PAGE_WORDS * sizeof(*words));
	if (!b->loser->why_full) {
		add_words(&b->keep, page, words);
		add_words(&b->lose, page, words);
	}
	for (i = 0; i < CDP_PAGE_WORDS && e < b->keep.g.extents; i++, e++) {
		if (b->loser->why_full)
			words[i] = cdp_extent_mask(&b->keep.g, e);
		n += cdp_popcount(words[i]);
	}
	return n;
}

static int count_to_copy(const struct cdp_resolve *r, struct cdp_loser *l)
{
	u64 words[CDP_PAGE_WORDS];
	struct both b;
	u32 page;
	int err = both_open(&b, r, l);

	l->to_copy = 0;
	for (page = 0; !err && page < b.keep.g.tracker_pages; page++)
		l->to_copy += make_words(&b, page, words);
	return err;
}

static int write_page(const struct cdp_resolve *r, const struct both *b, u32 page,
		      const u64 words[CDP_PAGE_WORDS])
{
	u64 block = cdp_block_tracker(&b->keep.g, b->keep.slot, page);
	struct cdp_page_disk d;
	u32 i;

	for (i = 0; i < CDP_PAGE_WORDS; i++)
		cdp_page_put(&d, i, words[i]);
	cdp_page_seal(&d, &r->record.set_uuid, block, BLOCK_TRACKER, b->keep.slot,
		      r->record.sequence);
	return r->keep.write(r->keep.ctx, block, &d);
}

static int write_tracker(const struct cdp_resolve *r, const struct cdp_loser *l)
{
	u64 words[CDP_PAGE_WORDS];
	struct both b;
	u32 page;
	int err = both_open(&b, r, l);

	for (page = 0; !err && page < b.keep.g.tracker_pages; page++) {
		make_words(&b, page, words);
		err = write_page(r, &b, page, words);
	}
	return err;
}

/*----------------------------------------------------------------
 * Superblocks
 *--------------------------------------------------------------*/

static bool is_loser(const struct cdp_resolve *r, const struct cdp_uuid *leg)
{
	u32 i;

	for (i = 0; i < r->nr_losers; i++)
		if (cdp_uuid_equal(&r->losers[i].area.super.leg_uuid, leg))
			return true;
	return false;
}

/* Later than every commit of either side. */
static u64 next_sequence(const struct cdp_resolve *r)
{
	u64 top = r->keep.super.sequence;
	u32 i;

	for (i = 0; i < r->nr_losers; i++)
		if (r->losers[i].area.super.sequence > top)
			top = r->losers[i].area.super.sequence;
	return top + 1;
}

static void make_record(struct cdp_resolve *r)
{
	struct cdp_super *s = &r->record;
	u32 i;

	*s = r->keep.super;
	s->sequence = next_sequence(r);
	s->updated = r->now;
	cdp_super_mint(s, r->new_generation);
	s->legs[s->slot].generation = s->generation;
	for (i = 0; i < CDP_MAX_LEGS; i++) {
		struct cdp_leg_entry *e = &s->legs[i];
		u32 state = e->state;

		if (state == DISK_LEG_UNUSED || cdp_uuid_equal(&e->uuid, &s->leg_uuid))
			continue;
		if (is_loser(r, &e->uuid))
			state = DISK_LEG_STALE;
		else if (state == DISK_LEG_IN_SYNC)
			/* it is not told, so it has left, with nothing to copy */
			state = DISK_LEG_FAULTY;
		if (e->state != state)
			e->changed = r->now;
		e->state = state;
	}
}

int cdp_resolve_plan(struct cdp_resolve *r)
{
	u32 i;
	int err = 0;

	make_record(r);
	for (i = 0; i < r->nr_losers && !err; i++) {
		struct cdp_loser *l = &r->losers[i];

		l->why_full = cdp_split_why_full(&r->keep.super, &l->area.super);
		l->unknown = cdp_super_find(&r->keep.super, &l->area.super.leg_uuid) < 0;
		if (!l->unknown)
			err = count_to_copy(r, l);
	}
	return err;
}

/* The record, as commit @sequence, in the superblock of the leg of @area. */
static int write_super(const struct cdp_resolve *r, const struct cdp_area *area, u64 sequence)
{
	struct cdp_super s = r->record;
	struct cdp_super_disk d;

	s.sequence = sequence;
	/* the losers' stay, by which they are compared when this has to be done again */
	s.legs[s.slot].sequence = sequence;
	s.leg_uuid = area->super.leg_uuid;
	s.slot = (u32)cdp_super_find(&s, &s.leg_uuid);
	s.data_start = area->super.data_start;
	cdp_super_encode(&s, &d);
	return area->write(area->ctx, cdp_super_block(sequence), &d);
}

/* Not in the record, it cannot be told that it is stale: blank, it is a new leg. */
static int blank(const struct cdp_area *area)
{
	const struct cdp_super_disk zero = { 0 };
	u64 newest = cdp_super_block(area->super.sequence);
	int err = area->write(area->ctx, !newest, &zero);

	return err ? err : area->write(area->ctx, newest, &zero);
}

/* The older block first: a torn write leaves what counted before. */
static int write_both(const struct cdp_resolve *r, const struct cdp_area *area)
{
	u64 first = r->record.sequence, second = first + 1;
	int err;

	if (cdp_super_block(first) == cdp_super_block(area->super.sequence)) {
		first++;
		second--;
	}
	err = write_super(r, area, first);
	return err ? err : write_super(r, area, second);
}

/*----------------------------------------------------------------*/

u32 cdp_resolve_steps(const struct cdp_resolve *r, struct cdp_resolve_step *steps)
{
	u32 i, n = 0;

	for (i = 0; i < r->nr_losers; i++)
		if (!r->losers[i].unknown)
			steps[n++] = (struct cdp_resolve_step) { RESOLVE_TRACKER, i };
	steps[n++] = (struct cdp_resolve_step) { RESOLVE_RECORD, 0 };
	for (i = 0; i < r->nr_losers; i++)
		steps[n++] = (struct cdp_resolve_step) {
			r->losers[i].unknown ? RESOLVE_BLANK : RESOLVE_DEMOTE, i,
		};
	return n;
}

int cdp_resolve_run(struct cdp_resolve *r, const struct cdp_resolve_step *s)
{
	const struct cdp_loser *l = &r->losers[s->loser];

	switch (s->what) {
	case RESOLVE_TRACKER:
		return write_tracker(r, l);
	case RESOLVE_DEMOTE:
		return write_both(r, &l->area);
	case RESOLVE_BLANK:
		return blank(&l->area);
	default:
		return write_both(r, &r->keep);
	}
}
