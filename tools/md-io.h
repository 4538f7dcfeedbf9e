/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and wipes metadata areas on devices; what the bytes mean is kernel/core's. */
#ifndef CDP_TOOLS_MD_IO_H
#define CDP_TOOLS_MD_IO_H

#include "super.h"

struct cdp_md {
	enum cdp_super_kind kind;
	const char *why;		/* for everything but SUPER_VALID */
	u64 start;			/* of the area, in sectors */
	struct cdp_super super;
};

/* What the two superblocks at @start say. 0 even when they are not valid;
 * an error only when the device cannot be read.
 */
int __must_check cdp_md_read(const char *path, u64 start, struct cdp_md *md);

/* Find an area on a device of @sectors: at sector 0, or backwards from the
 * end where cdpctl places them. md->kind is SUPER_BLANK when there is none.
 * Finding is by a valid superblock, or one that is ours and damaged.
 */
int __must_check cdp_md_find(const char *path, u64 sectors, struct cdp_md *md);

/* Write zeroes over both superblocks, and wait until they are on the device.
 * The device must not be part of a running set.
 */
int __must_check cdp_md_wipe(const char *path, u64 start);

/* What the bitmaps of a valid area hold. */
struct cdp_md_bitmaps {
	u64 pages, damaged_pages, blank_pages;
	u64 intent_extents;
	u64 tracked_regions[CDP_MAX_LEGS];	/* by slot */
};

int __must_check cdp_md_bitmaps(const char *path, const struct cdp_md *md,
				struct cdp_md_bitmaps *b);

/* Sectors of the largest area that a device of @sectors can have. Pure. */
u64 cdp_md_largest_area(u64 sectors);

#endif
