/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How large a set can become on the legs that it has. */
#ifndef CDP_TOOLS_GROW_H
#define CDP_TOOLS_GROW_H

#include "geometry.h"

struct cdp_grow_leg {
	u64 data_sectors;	/* from the first sector of its data to the end of the device */
	u64 meta_sectors;	/* likewise of its metadata; 0: it has none */
	u64 meta_behind;	/* sectors from its data to its metadata on the same device, or 0 */
};

enum cdp_grow_limit { GROW_DATA, GROW_META_BEHIND, GROW_META_AREA };

/**
 * cdp_grow_room() - the most sectors that a set can have on this leg. Pure.
 * @limit: set to what keeps it from having more
 */
u64 cdp_grow_room(const struct cdp_grow_leg *l, u32 region_sectors, u32 trackers,
		  enum cdp_grow_limit *limit);

#endif
