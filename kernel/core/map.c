// SPDX-License-Identifier: GPL-2.0-or-later
#include "map.h"

#define REGIONS		CDP_EXTENT_REGIONS

static const char letters[MAP_MARKS] = {
#define x(id, letter, meaning) [MAP_##id] = letter,
	CDP_MAP_MARKS(x)
#undef x
};

/* The regions of @extent that lie in [first, end). */
static u64 mask_of(u64 extent, u64 first, u64 end)
{
	u64 start = extent * REGIONS, mask = ~0ull;

	if (first > start)
		mask &= ~0ull << (first - start);
	if (end < start + REGIONS)
		mask &= ~0ull >> (start + REGIONS - end);
	return mask;
}

/* Is there anything that a look at the extents could find? */
static bool is_plain(const struct cdp_set *s)
{
	u32 i;

	if (cdp_load(s->marked))
		return false;
	for (i = 0; i < s->nr_legs; i++)
		if (s->legs[i].tracked)
			return false;
	return true;
}

static void look_at_stale(const struct cdp_set *s, u64 extent, u64 mask, struct cdp_map_cell *cell)
{
	u64 lacking = 0;
	u32 i;

	for (i = 0; i < s->nr_legs; i++)
		if (s->legs[i].tracked)
			lacking |= cdp_set_stale(s, i, extent);
	cell->stale |= lacking & mask;
	cell->some |= mask & ~lacking;
}

static void look_at_writes(const struct cdp_set *s, u64 extent, u64 mask, struct cdp_map_cell *cell)
{
	u32 word = cdp_atomic_get(&s->extents[extent]);

	if (!(word & EXT_DIRTY) || !(cdp_word_get(&s->recent[extent]) & mask))
		return;
	cell->dirty = true;
	cell->hot |= word & (EXT_TOUCHED | EXT_COUNT);
}

/* Few copies are under way, so they are not looked for at each extent. */
static void look_at_copies(const struct cdp_set *s, u64 first, u64 end, struct cdp_map_cell *cell)
{
	u32 i;

	for (i = 0; i < CDP_COPIES && !cell->copying; i++) {
		const struct cdp_claim *c = &s->claims[i];
		u64 extent = c->span.extent;

		if (c->used && extent * REGIONS < end && (extent + 1) * REGIONS > first)
			cell->copying = c->span.mask & mask_of(extent, first, end);
	}
}

u64 cdp_map_scan(const struct cdp_set *s, u64 region, u64 end, u64 budget,
		 struct cdp_map_cell *cell)
{
	u64 extent = region / REGIONS, stop = end, mask;

	if (is_plain(s)) {
		cell->some = true;
		budget = 0;
	} else if ((extent + budget) * REGIONS < end) {
		stop = (extent + budget) * REGIONS;
	}
	look_at_copies(s, region, stop, cell);
	for (; budget && extent * REGIONS < stop; extent++) {
		mask = mask_of(extent, region, stop);
		look_at_stale(s, extent, mask, cell);
		look_at_writes(s, extent, mask, cell);
	}
	return stop;
}

static enum cdp_map_mark mark_of(const struct cdp_map_cell *cell)
{
	if (cell->copying)
		return MAP_COPYING;
	if (cell->stale)
		return cell->some ? MAP_STALE : MAP_ABSENT;
	if (cell->hot)
		return MAP_HOT;
	return cell->dirty ? MAP_DIRTY : MAP_IN_SYNC;
}

char cdp_map_letter(const struct cdp_map_cell *cell)
{
	return letters[mark_of(cell)];
}
