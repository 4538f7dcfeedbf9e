// SPDX-License-Identifier: GPL-2.0-or-later
#include "grow.h"

static bool area_fits(const struct cdp_grow_leg *l, u64 sectors, u32 region_sectors, u32 trackers)
{
	struct cdp_geometry g;
	const char *why;

	return !cdp_geometry_set(&g, sectors, region_sectors, trackers, &why) &&
	       (!l->meta_sectors || cdp_area_blocks(&g) * CDP_BLOCK_SECTORS <= l->meta_sectors);
}

/* An area grows with the set, so what fits is found by halving. */
u64 cdp_grow_room(const struct cdp_grow_leg *l, u32 region_sectors, u32 trackers,
		  enum cdp_grow_limit *limit)
{
	u64 most = l->data_sectors, least = 0;

	*limit = GROW_DATA;
	if (l->meta_behind && l->meta_behind < most) {
		*limit = GROW_META_BEHIND;
		most = l->meta_behind;
	}
	if (!most || area_fits(l, most, region_sectors, trackers))
		return most;
	*limit = GROW_META_AREA;
	while (least + 1 < most) {
		u64 middle = least + (most - least) / 2;

		if (area_fits(l, middle, region_sectors, trackers))
			least = middle;
		else
			most = middle;
	}
	return least;
}
