/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the metadata of each leg goes, and how long the set becomes. Pure. */
#ifndef CDP_TOOLS_PLACE_H
#define CDP_TOOLS_PLACE_H

#include "geometry.h"

#define CDP_PLACE_ALIGN	2048u	/* areas of internal metadata start at whole MiB */

struct cdp_place_leg {
	const char *name;	/* for sentences */
	u64 sectors;		/* of the data device; 0: not known yet, taken for large enough */
	bool internal;		/* metadata behind the data on the same device */
	u64 meta_sectors;	/* of the other device, when not internal */
	u64 meta_start;		/* result */
};

struct cdp_place {
	u32 region_sectors;
	u32 trackers;
	u64 want_sectors;	/* --size, or length of an existing set; 0: the most */
	bool whole_first;	/* leg 0 holds data up to its end: cover all of it */
	u32 nr_legs;
	struct cdp_place_leg legs[CDP_MAX_LEGS];
	u64 length;		/* result */
	u64 area_sectors;	/* result: of each metadata area */
};

/**
 * cdp_place() - fill in the results.
 * @why: set to a sentence on error
 * @leg: set to the leg that the sentence is about, or NULL
 *
 * Return: 0, -EINVAL for sizes out of range, -ENOSPC when a leg is too small.
 */
int __must_check cdp_place(struct cdp_place *p, const char **why, const char **leg);

#endif
