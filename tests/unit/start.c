// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "start.h"

static u64 words(u64 bits)
{
	return (bits + 63) / 64;
}

static int alloc_set(struct cdp_set *s, u32 nr_legs)
{
	struct cdp_geometry *g = &s->g;
	bool ok;
	u32 i;

	s->extents = calloc(g->extents, sizeof(*s->extents));
	s->recent = calloc(g->extents, sizeof(*s->recent));
	s->copied = calloc(g->extents, sizeof(*s->copied));
	s->fresh = calloc(words(g->extents), sizeof(*s->fresh));
	s->intent = calloc((u64)g->intent_pages * CDP_PAGE_WORDS, sizeof(u64));
	s->intent_dirty = calloc(words(g->intent_pages), sizeof(u64));
	ok = s->extents && s->recent && s->copied && s->fresh && s->intent && s->intent_dirty;
	for (i = 0; i < nr_legs; i++) {
		s->legs[i].tracker = calloc(g->extents, sizeof(u64));
		s->legs[i].tracker_dirty = calloc(words(g->tracker_pages), sizeof(u64));
		ok &= s->legs[i].tracker && s->legs[i].tracker_dirty;
	}
	return ok ? 0 : -ENOMEM;
}

void start_free(struct cdp_set *s, u32 nr_legs)
{
	u32 i;

	free(s->extents);
	free(s->recent);
	free(s->copied);
	free(s->fresh);
	free(s->intent);
	free(s->intent_dirty);
	for (i = 0; i < nr_legs; i++) {
		free(s->legs[i].tracker);
		free(s->legs[i].tracker_dirty);
	}
}

static const struct cdp_page_disk *page_of(const struct start *in, const struct cdp_set *s, u32 leg,
					   u64 block, enum cdp_block_kind kind, u32 slot)
{
	const struct cdp_page_disk *d = (const void *)(in->areas[leg] + block * CDP_BLOCK_BYTES);
	const char *why;

	return cdp_page_check(d, &s->super.set_uuid, block, kind, slot, &why) ? NULL : d;
}

static void load_intent(const struct start *in, struct cdp_set *s)
{
	u32 page, leg;

	for (page = 0; page < s->g.intent_pages; page++) {
		bool good = false;

		for (leg = 0; leg < in->nr_legs; leg++) {
			const struct cdp_page_disk *d;

			if (!(s->in_sync & 1u << leg))
				continue;
			d = page_of(in, s, leg, cdp_block_intent(&s->g, page), BLOCK_INTENT, 0);
			if (d)
				cdp_load_intent(s, page, d);
			good |= !!d;
		}
		if (!good)
			cdp_load_intent(s, page, NULL);
	}
}

static void load_tracker(const struct start *in, struct cdp_set *s, u32 of, u32 authority)
{
	u32 page, leg, slot = s->legs[of].slot;

	for (page = 0; page < s->g.tracker_pages; page++) {
		u64 block = cdp_block_tracker(&s->g, slot, page);
		const struct cdp_page_disk *d;

		d = page_of(in, s, authority, block, BLOCK_TRACKER, slot);
		for (leg = 0; !d && leg < in->nr_legs; leg++)
			if (leg != authority && s->in_sync & 1u << leg)
				d = page_of(in, s, leg, block, BLOCK_TRACKER, slot);
		cdp_load_tracker(s, of, page, d);
	}
}

int start_plan(const struct start *in, struct cdp_plan *p)
{
	u32 i;

	memset(p, 0, sizeof(*p));
	p->nr_legs = in->nr_legs;
	p->has_meta = true;
	p->assume_clean = in->assume_clean;
	p->data_sectors = in->data_sectors;
	p->region_sectors = in->region_sectors;
	p->now = 1;
	p->new_generation = 1;
	p->new_set.b[0] = 1;
	for (i = 0; i < in->nr_legs; i++) {
		struct cdp_plan_leg *l = &p->legs[i];

		p->new_legs[i].b[0] = (u8)(i + 1);
		l->present = in->areas[i];
		l->data_start = in->data_start;
		l->logical_block_bytes = 512;
		if (l->present)
			l->kind = cdp_super_choose((const void *)in->areas[i],
						   (const void *)(in->areas[i] + CDP_BLOCK_BYTES),
						   &l->super, &l->why);
	}
	return cdp_plan_make(p);
}

int start_load(const struct start *in, const struct cdp_plan *p, struct cdp_set *s)
{
	const char *why;
	u32 i;
	int r;

	memset(s, 0, sizeof(*s));
	r = cdp_geometry_set(&s->g, p->data_sectors, p->region_sectors, p->super.trackers, &why);
	if (!r)
		r = alloc_set(s, in->nr_legs);
	if (r)
		return r;
	cdp_plan_apply(p, s);
	if (!p->is_new && !p->clean)
		load_intent(in, s);
	for (i = 0; !p->is_new && i < in->nr_legs; i++)
		if (p->tracker[i] == TRACKER_LOAD)
			load_tracker(in, s, i, p->authority);
	cdp_recover(s);
	return 0;
}
