// SPDX-License-Identifier: GPL-2.0-or-later
#include "geometry.h"

#define GROUP_BLOCKS(g)	(1u + CDP_GROUP_PAGES * (g)->trackers)
#define FIRST_GROUP	2u	/* behind superblocks A and B */

u32 cdp_geometry_trackers(u32 legs)
{
	return legs <= CDP_MIN_TRACKERS ? CDP_MIN_TRACKERS : CDP_MAX_LEGS;
}

static u64 pages_for(u64 extents, u32 per_page)
{
	u64 n = extents + per_page - 1;

	return n / per_page;
}

int cdp_geometry_set(struct cdp_geometry *g, u64 data_sectors,
		     u32 region_sectors, u32 trackers, const char **why)
{
	*why = NULL;
	if (region_sectors < CDP_MIN_REGION_SECTORS || region_sectors > CDP_MAX_REGION_SECTORS ||
	    (region_sectors & (region_sectors - 1)))
		*why = "region size must be a power of two from 8 to 32768 sectors";
	else if (!data_sectors || data_sectors > CDP_MAX_DATA_SECTORS)
		*why = "size of the set must be from 1 sector to 1 PiB";
	else if (trackers < CDP_MIN_TRACKERS || trackers > CDP_MAX_LEGS)
		*why = "number of trackers is out of range";
	if (*why)
		return -EINVAL;

	g->data_sectors = data_sectors;
	g->region_shift = cdp_ctz(region_sectors);
	g->extent_shift = g->region_shift + cdp_ctz(CDP_EXTENT_REGIONS);
	g->regions = (data_sectors + region_sectors - 1) >> g->region_shift;
	g->extents = (g->regions + CDP_EXTENT_REGIONS - 1) / CDP_EXTENT_REGIONS;
	if (g->extents > 1ull << 27) {
		*why = "region size is too small for a set of this size";
		return -EINVAL;
	}
	g->trackers = trackers;
	g->tracker_pages = (u32)pages_for(g->extents, CDP_TRACKER_EXTENTS);
	g->intent_pages = (u32)pages_for(g->extents, CDP_INTENT_EXTENTS);
	return 0;
}

/* Bits first..last, both counted. */
static u64 bits(u32 first, u32 last)
{
	return (~0ull >> (63 - (last - first))) << first;
}

struct cdp_span cdp_span_of(const struct cdp_geometry *g, u64 sector, u64 nr)
{
	u64 first = sector >> g->region_shift;
	u64 last = (sector + nr - 1) >> g->region_shift;

	return (struct cdp_span) {
		.extent = first / CDP_EXTENT_REGIONS,
		.mask = bits(first % CDP_EXTENT_REGIONS, last % CDP_EXTENT_REGIONS),
	};
}

u64 cdp_extent_mask(const struct cdp_geometry *g, u64 extent)
{
	u64 left = g->regions - extent * CDP_EXTENT_REGIONS;

	return bits(0, left < CDP_EXTENT_REGIONS ? (u32)left - 1 : 63);
}

u64 cdp_first_run(u64 mask, u32 max)
{
	u32 first = cdp_ctz(mask);
	u64 rest = ~(mask >> first);
	u32 len = rest ? cdp_ctz(rest) : 64;

	if (len > 64 - first)
		len = 64 - first;
	if (len > max)
		len = max;
	return bits(first, first + len - 1);
}

u64 cdp_run_start(const struct cdp_geometry *g, u64 extent, u64 mask)
{
	return (extent << g->extent_shift) + ((u64)cdp_ctz(mask) << g->region_shift);
}

u64 cdp_run_sectors(const struct cdp_geometry *g, u64 extent, u64 mask)
{
	u64 start = cdp_run_start(g, extent, mask);
	u64 len = (u64)cdp_popcount(cdp_first_run(mask, 64)) << g->region_shift;

	return start + len > g->data_sectors ? g->data_sectors - start : len;
}

u64 cdp_block_intent(const struct cdp_geometry *g, u32 page)
{
	return FIRST_GROUP + (u64)page * GROUP_BLOCKS(g);
}

u64 cdp_block_tracker(const struct cdp_geometry *g, u32 slot, u32 page)
{
	return cdp_block_intent(g, page / CDP_GROUP_PAGES) + 1 +
		(page % CDP_GROUP_PAGES) * g->trackers + slot;
}

u64 cdp_area_blocks(const struct cdp_geometry *g)
{
	return cdp_block_tracker(g, g->trackers - 1, g->tracker_pages - 1) + 1;
}
