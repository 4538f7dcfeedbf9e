// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A set is started from the disks' images by the core itself, as kernel/load.c does
 * it, and then:
 *   refused     it must start
 *   lost        each leg that is in-sync by record has every write that was flushed,
 *               and nothing that was never written; so has the source
 *   uncovered   a region in which a leg differs from the source is going to be copied
 *   wide        a leg whose metadata was there is not copied wholly
 */
#include <stdlib.h>

#include "cut.h"

#define FAIL(r, kind, ...) (snprintf((r)->what, sizeof((r)->what), kind), \
			    snprintf((r)->text, sizeof((r)->text), __VA_ARGS__))

static u64 words(u64 bits)
{
	return (bits + 63) / 64;
}

static void alloc_set(struct cdp_set *s, u32 nr_legs)
{
	struct cdp_geometry *g = &s->g;
	u32 i;

	s->extents = xcalloc(g->extents, sizeof(*s->extents));
	s->recent = xcalloc(g->extents, sizeof(*s->recent));
	s->copied = xcalloc(g->extents, sizeof(*s->copied));
	s->intent = xcalloc((u64)g->intent_pages * CDP_PAGE_WORDS, sizeof(u64));
	s->intent_dirty = xcalloc(words(g->intent_pages), sizeof(u64));
	for (i = 0; i < nr_legs; i++) {
		s->legs[i].tracker = xcalloc(g->extents, sizeof(u64));
		s->legs[i].tracker_dirty = xcalloc(words(g->tracker_pages), sizeof(u64));
	}
}

static void free_set(struct cdp_set *s, u32 nr_legs)
{
	u32 i;

	free(s->extents);
	free(s->recent);
	free(s->copied);
	free(s->intent);
	free(s->intent_dirty);
	for (i = 0; i < nr_legs; i++) {
		free(s->legs[i].tracker);
		free(s->legs[i].tracker_dirty);
	}
}

static const struct cdp_page_disk *page_of(const struct cut *c, const struct cdp_set *s, u32 leg,
					   u64 block, enum cdp_block_kind kind, u32 slot)
{
	const struct cdp_page_disk *d = (const void *)(c->meta[leg] + block * CDP_BLOCK_BYTES);
	const char *why;

	return cdp_page_check(d, &s->super.set_uuid, block, kind, slot, &why) ? NULL : d;
}

static void load_intent(const struct cut *c, struct cdp_set *s)
{
	u32 page, leg;

	for (page = 0; page < s->g.intent_pages; page++) {
		bool good = false;

		for (leg = 0; leg < c->nr_legs; leg++) {
			const struct cdp_page_disk *d;

			if (!(s->in_sync & 1u << leg))
				continue;
			d = page_of(c, s, leg, cdp_block_intent(&s->g, page), BLOCK_INTENT, 0);
			if (d)
				cdp_load_intent(s, page, d);
			good |= !!d;
		}
		if (!good)
			cdp_load_intent(s, page, NULL);
	}
}

static void load_tracker(const struct cut *c, struct cdp_set *s, u32 of, u32 authority)
{
	u32 page, leg, slot = s->legs[of].slot;

	for (page = 0; page < s->g.tracker_pages; page++) {
		u64 block = cdp_block_tracker(&s->g, slot, page);
		const struct cdp_page_disk *d;

		d = page_of(c, s, authority, block, BLOCK_TRACKER, slot);
		for (leg = 0; !d && leg < c->nr_legs; leg++)
			if (leg != authority && s->in_sync & 1u << leg)
				d = page_of(c, s, leg, block, BLOCK_TRACKER, slot);
		cdp_load_tracker(s, of, page, d);
	}
}

/*
 * Torn in the first commit of its life: the other superblock is blank yet, so no write
 * was ever let through. The set may refuse the leg, and wants it zeroed again.
 */
static bool is_unborn(const struct cut *c, u32 leg)
{
	const u8 *a = c->meta[leg], *b = a + CDP_BLOCK_BYTES;

	return cdp_is_zero(a, CDP_BLOCK_BYTES) != cdp_is_zero(b, CDP_BLOCK_BYTES);
}

static int plan(const struct cut *c, struct cdp_plan *p, struct checked *r)
{
	u32 i;

	memset(p, 0, sizeof(*p));
	p->nr_legs = c->nr_legs;
	p->has_meta = true;
	p->assume_clean = c->assume_clean;
	p->data_sectors = c->sectors;
	p->region_sectors = c->region;
	p->now = 1;
	p->new_generation = 1;
	p->new_set.b[0] = 1;
	for (i = 0; i < c->nr_legs; i++) {
		struct cdp_plan_leg *l = &p->legs[i];

		p->new_legs[i].b[0] = (u8)(i + 1);
		l->present = true;
		l->logical_block_bytes = SECTOR;
		l->kind = cdp_super_choose((const void *)c->meta[i],
					   (const void *)(c->meta[i] + CDP_BLOCK_BYTES),
					   &l->super, &l->why);
		r->unborn |= is_unborn(c, i) && l->kind != SUPER_VALID;
	}
	return cdp_plan_make(p);
}

static bool content_ok(const struct cut *c, u32 leg, struct checked *r)
{
	u64 s;

	for (s = 0; c->bounds && s < c->sectors; s++) {
		long long seq = stamp_read((const void *)(c->data[leg] + s * SECTOR), s);

		if (seq >= c->bounds[s].min && seq <= c->bounds[s].max)
			continue;
		FAIL(r, "lost", "leg %u is in-sync by record, but sector %llu has write %lld, flushed was %u",
		     leg, (unsigned long long)s, seq, c->bounds[s].min);
		return false;
	}
	return true;
}

static bool covered(const struct cut *c, const struct cdp_set *s, u32 leg, struct checked *r)
{
	const u8 *a = c->data[s->read_leg], *b = c->data[leg];
	u64 region, bytes = (u64)c->region * SECTOR;

	for (region = 0; region < s->g.regions; region++) {
		u64 at = region * bytes, e = region / CDP_EXTENT_REGIONS;
		u64 n = c->sectors * SECTOR - at;

		if (!memcmp(a + at, b + at, n < bytes ? n : bytes) ||
		    s->legs[leg].tracker[e] & 1ull << region % CDP_EXTENT_REGIONS)
			continue;
		FAIL(r, "uncovered", "leg %u differs from leg %d in region %llu (sector %llu), which is not going to be copied",
		     leg, s->read_leg, (unsigned long long)region,
		     (unsigned long long)(region * c->region));
		return false;
	}
	return true;
}

static void check_set(const struct cut *c, const struct cdp_plan *p, struct cdp_set *s,
		      struct checked *r)
{
	u32 i;

	r->source = (u32)s->read_leg;
	r->regions = s->g.regions;
	for (i = 0; i < c->nr_legs; i++) {
		r->tracked += s->legs[i].tracked;
		if (p->tracker[i] == TRACKER_FULL && !p->format[i] && !r->unborn)
			FAIL(r, "wide", "leg %u is copied wholly: %s", i, p->reason[i]);
	}
	for (i = 0; i < c->nr_legs; i++)
		if (p->state[i] == LEG_IN_SYNC && !content_ok(c, i, r))
			return;
	if (!content_ok(c, r->source, r))
		return;
	for (i = 0; i < c->nr_legs; i++)
		if ((int)i != s->read_leg && !covered(c, s, i, r))
			return;
}

void check(const struct cut *c, struct checked *r)
{
	static struct cdp_plan p;
	struct cdp_set s = { 0 };
	const char *why;
	u32 i;

	memset(r, 0, sizeof(*r));
	if (plan(c, &p, r)) {
		if (!r->unborn)
			FAIL(r, "refused", "%s", p.why);
		return;
	}
	if (cdp_geometry_set(&s.g, p.data_sectors, p.region_sectors, p.super.trackers, &why))
		die("%s", why);
	alloc_set(&s, c->nr_legs);
	cdp_plan_apply(&p, &s);
	if (!p.is_new && !p.clean)
		load_intent(c, &s);
	for (i = 0; !p.is_new && i < c->nr_legs; i++)
		if (p.tracker[i] == TRACKER_LOAD)
			load_tracker(c, &s, i, p.authority);
	cdp_recover(&s);
	check_set(c, &p, &s, r);
	free_set(&s, c->nr_legs);
}
