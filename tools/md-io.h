/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads, writes and wipes metadata areas on devices; what the bytes mean is kernel/core's. */
#ifndef CDP_TOOLS_MD_IO_H
#define CDP_TOOLS_MD_IO_H

#include "super.h"

/* One of the two superblocks. */
struct cdp_md_copy {
	enum cdp_super_kind kind;
	const char *why;
	u64 sequence, updated;		/* when it is valid */
};

struct cdp_md {
	enum cdp_super_kind kind;
	const char *why;		/* for everything but SUPER_VALID */
	u64 start;			/* of the area, in sectors */
	struct cdp_super super;
	struct cdp_md_copy copies[2];	/* A and B */
};

/* What the two superblocks at @start say. 0 even when they are not valid;
 * an error only when the device cannot be read.
 */
int __must_check cdp_md_read(const char *path, u64 start, struct cdp_md *md);

/* Is there a bitmap page where an area at @start has its first one? Then
 * there was an area; @set gets the UUID of its set.
 */
bool cdp_md_has_pages(const char *path, u64 start, struct cdp_uuid *set);

/* Find an area on a device of @sectors: at sector 0, or backwards from the
 * end where cdpctl places them. md->kind is SUPER_BLANK when there is none.
 * Finding is by a valid superblock, or one that is ours and damaged. With
 * @remains (or NULL) also by what is left when both superblocks are gone: the
 * set's UUID is in it then, md->start is set, and md->kind is SUPER_DAMAGED.
 */
int __must_check cdp_md_find(const char *path, u64 sectors, struct cdp_md *md,
			     struct cdp_uuid *remains);

/* Wait, @ms at most, until nobody holds the device. What a set has left behind on a leg that
 * does not answer holds it, and who read there would wait for that as well.
 * Return: 0 also where @path cannot be opened at all, else -EBUSY (see cdp_why()).
 */
int __must_check cdp_md_await(const char *path, u32 ms);

/* Write zeroes over both superblocks, and wait until they are on the device.
 * The device must not be part of a running set.
 */
int __must_check cdp_md_wipe(const char *path, u64 start);

/* An area that is read and written by blocks: functions for struct cdp_area. */
struct cdp_md_file {
	int fd;
	bool open;
	const char *path;
	u64 start;
	void *buffer;
};

/* To write claims the device, so that nobody starts the set meanwhile. Writes are
 * durable when they return. Close also after a failure.
 */
int __must_check cdp_md_open(struct cdp_md_file *f, const char *path, u64 start, bool write);
void cdp_md_close(struct cdp_md_file *f);
int __must_check cdp_md_block_read(void *file, u64 block, void *data);
int __must_check cdp_md_block_write(void *file, u64 block, const void *data);

/* A bitmap page that is not what belongs at its place. */
struct cdp_md_bad {
	u64 block;
	enum cdp_block_kind kind;
	u32 slot, page;
	const char *why;
};

#define CDP_MD_BAD	16u	/* as many are kept */

/* What the bitmaps of a valid area hold. */
struct cdp_md_bitmaps {
	u64 pages, damaged_pages;
	u64 intent_extents;
	u64 tracked_regions[CDP_MAX_LEGS];	/* by slot */
	struct cdp_md_bad bad[CDP_MD_BAD];
};

int __must_check cdp_md_bitmaps(const char *path, const struct cdp_md *md,
				struct cdp_md_bitmaps *b);

/* Sectors of the largest area that a device of @sectors can have. Pure. */
u64 cdp_md_largest_area(u64 sectors);

#endif
