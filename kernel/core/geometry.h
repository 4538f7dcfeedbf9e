/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where things are: data sector -> extent and region mask, bitmap page ->
 * block of the metadata area. Sizes are in 512-byte sectors unless named.
 */
#ifndef CDP_CORE_GEOMETRY_H
#define CDP_CORE_GEOMETRY_H

#include "format.h"

struct cdp_geometry {
	u64 data_sectors;
	u64 regions;
	u64 extents;
	u32 region_shift;	/* log2 of sectors */
	u32 extent_shift;
	u32 trackers;		/* slots an area has room for */
	u32 tracker_pages;	/* per slot */
	u32 intent_pages;
};

/* A run of regions inside one extent. */
struct cdp_span {
	u64 extent;
	u64 mask;
};

/**
 * cdp_geometry_set() - fill in everything from the three free numbers.
 * @why: set to a sentence when a number is out of range
 *
 * Return: 0 or -EINVAL.
 */
int __must_check cdp_geometry_set(struct cdp_geometry *g, u64 data_sectors,
				  u32 region_sectors, u32 trackers, const char **why);

/* Trackers that a new set of @legs legs is given. */
u32 cdp_geometry_trackers(u32 legs);

static inline u32 cdp_region_sectors(const struct cdp_geometry *g)
{
	return 1u << g->region_shift;
}

static inline u32 cdp_extent_sectors(const struct cdp_geometry *g)
{
	return 1u << g->extent_shift;
}

/* The regions that [sector, sector + nr) touches; it must lie in one extent, nr > 0. */
struct cdp_span cdp_span_of(const struct cdp_geometry *g, u64 sector, u64 nr);

/* All regions of an extent (the last one may have fewer than 64). */
u64 cdp_extent_mask(const struct cdp_geometry *g, u64 extent);

/* First sector and length of the lowest run of set bits in @mask. */
u64 cdp_run_start(const struct cdp_geometry *g, u64 extent, u64 mask);
u64 cdp_run_sectors(const struct cdp_geometry *g, u64 extent, u64 mask);

/* The lowest run of set bits of @mask, at most @max of them. */
u64 cdp_first_run(u64 mask, u32 max);

/* Block numbers in a metadata area. */
u64 cdp_block_intent(const struct cdp_geometry *g, u32 page);
u64 cdp_block_tracker(const struct cdp_geometry *g, u32 slot, u32 page);

/* Size of a metadata area, in blocks. */
u64 cdp_area_blocks(const struct cdp_geometry *g);

#endif
