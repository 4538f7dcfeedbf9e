// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "md-io.h"
#include "msg.h"
#include "size.h"

#define STEP_SECTORS	2048u	/* areas start at whole MiB */

/* The kernel writes areas of a running set below the page cache, so read past it. */
static int open_direct(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT | O_CLOEXEC);

	if (fd < 0)
		return cdp_why(-errno, "%s: cannot be opened: %s", path, strerror(errno));
	return fd;
}

static void *blocks_alloc(u32 nr)
{
	void *p;

	return posix_memalign(&p, CDP_BLOCK_BYTES, (size_t)nr * CDP_BLOCK_BYTES) ? NULL : p;
}

static int read_blocks(int fd, const char *path, u64 sector, void *data, u32 nr)
{
	size_t want = (size_t)nr * CDP_BLOCK_BYTES;
	ssize_t n = pread(fd, data, want, (off_t)(sector * CDP_SECTOR_BYTES));

	if (n == (ssize_t)want)
		return 0;
	return cdp_why(n < 0 ? -errno : -ENODATA, "%s: cannot read the metadata at sector %llu: %s",
		       path, (unsigned long long)sector,
		       n < 0 ? strerror(errno) : "the device ends before");
}

static int read_pair(int fd, const char *path, u64 start, struct cdp_super_disk *pair,
		     struct cdp_md *md)
{
	int r = read_blocks(fd, path, start, pair, 2);

	memset(md, 0, sizeof(*md));
	md->start = start;
	if (!r)
		md->kind = cdp_super_choose(&pair[0], &pair[1], &md->super, &md->why);
	return r;
}

int cdp_md_read(const char *path, u64 start, struct cdp_md *md)
{
	struct cdp_super_disk *pair;
	int fd = open_direct(path, O_RDONLY), r;

	if (fd < 0)
		return fd;
	pair = blocks_alloc(2);
	r = pair ? read_pair(fd, path, start, pair, md) : -ENOMEM;
	free(pair);
	close(fd);
	return r;
}

/* The smallest regions, and as many trackers as there can be, make the largest area. */
u64 cdp_md_largest_area(u64 sectors)
{
	struct cdp_geometry g;
	const char *why;
	u32 region;

	if (sectors > CDP_MAX_DATA_SECTORS)
		sectors = CDP_MAX_DATA_SECTORS;
	for (region = CDP_MIN_REGION_SECTORS; region <= CDP_MAX_REGION_SECTORS; region <<= 1)
		if (!cdp_geometry_set(&g, sectors, region, CDP_MAX_LEGS, &why))
			return cdp_area_blocks(&g) * CDP_BLOCK_SECTORS;
	return 0;
}

static bool ours(const struct cdp_md *md)
{
	return md->kind == SUPER_VALID || md->kind == SUPER_DAMAGED ||
	       md->kind == SUPER_UNSUPPORTED;
}

int cdp_md_find(const char *path, u64 sectors, struct cdp_md *md)
{
	const u64 pair_sectors = 2 * CDP_BLOCK_SECTORS;
	u64 largest = cdp_md_largest_area(sectors), at;
	struct cdp_super_disk *pair = blocks_alloc(2);
	int fd = open_direct(path, O_RDONLY);
	int r = fd < 0 ? fd : pair ? 0 : -ENOMEM;

	memset(md, 0, sizeof(*md));
	if (!r && sectors >= pair_sectors)
		r = read_pair(fd, path, 0, pair, md);
	at = sectors >= pair_sectors ? (sectors - pair_sectors) / STEP_SECTORS * STEP_SECTORS : 0;
	for (; !r && !ours(md) && at && sectors - at <= largest + STEP_SECTORS; at -= STEP_SECTORS)
		r = read_pair(fd, path, at, pair, md);
	if (!r && !ours(md)) {
		memset(md, 0, sizeof(*md));
		md->why = "no dm-cdp metadata was found";
	}
	if (fd >= 0)
		close(fd);
	free(pair);
	return r;
}

int cdp_md_wipe(const char *path, u64 start)
{
	const size_t len = 2 * CDP_BLOCK_BYTES;
	void *zero = blocks_alloc(2);
	int fd = open_direct(path, O_WRONLY | O_EXCL);
	int r = fd < 0 ? fd : zero ? 0 : -ENOMEM;

	if (!r) {
		memset(zero, 0, len);
		errno = ENOSPC;
		if (pwrite(fd, zero, len, (off_t)(start * CDP_SECTOR_BYTES)) != (ssize_t)len ||
		    fsync(fd))
			r = cdp_why(-errno, "%s: cannot clear the superblocks at sector %llu: %s",
				    path, (unsigned long long)start, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	free(zero);
	return r;
}

/*----------------------------------------------------------------*/

struct page_walk {
	int fd;
	const char *path;
	const struct cdp_md *md;
	struct cdp_page_disk *page;
	struct cdp_md_bitmaps *b;
};

/* Set bits of one page; damaged and never written ones are counted as such. */
static int count_page(struct page_walk *w, u64 block, enum cdp_block_kind kind, u32 slot, u64 *bits)
{
	const char *why;
	u32 i;
	int r = read_blocks(w->fd, w->path, w->md->start + block * CDP_BLOCK_SECTORS, w->page, 1);

	if (r)
		return r;
	w->b->pages++;
	if (cdp_is_zero(w->page, sizeof(*w->page))) {
		w->b->blank_pages++;
	} else if (cdp_page_check(w->page, &w->md->super.set_uuid, block, kind, slot, &why)) {
		w->b->damaged_pages++;
	} else {
		for (i = 0; i < CDP_PAGE_WORDS; i++)
			*bits += cdp_popcount(cdp_page_get(w->page, i));
	}
	return 0;
}

static int count_all(struct page_walk *w, const struct cdp_geometry *g)
{
	u32 page, slot;
	int r = 0;

	for (page = 0; !r && page < g->intent_pages; page++)
		r = count_page(w, cdp_block_intent(g, page), BLOCK_INTENT, 0,
			       &w->b->intent_extents);
	for (slot = 0; slot < g->trackers; slot++) {
		if (w->md->super.legs[slot].state == DISK_LEG_UNUSED)
			continue;
		for (page = 0; !r && page < g->tracker_pages; page++)
			r = count_page(w, cdp_block_tracker(g, slot, page), BLOCK_TRACKER, slot,
				       &w->b->tracked_regions[slot]);
	}
	return r;
}

int cdp_md_bitmaps(const char *path, const struct cdp_md *md, struct cdp_md_bitmaps *b)
{
	struct page_walk w = { .path = path, .md = md, .b = b };
	struct cdp_geometry g;
	const char *why;
	int r;

	memset(b, 0, sizeof(*b));
	r = cdp_geometry_set(&g, md->super.data_sectors, md->super.region_sectors,
			     md->super.trackers, &why);
	if (r)
		return cdp_why(r, "%s: %s", path, why);
	w.page = blocks_alloc(1);
	w.fd = open_direct(path, O_RDONLY);
	r = w.fd < 0 ? w.fd : w.page ? count_all(&w, &g) : -ENOMEM;
	if (w.fd >= 0)
		close(w.fd);
	free(w.page);
	return r;
}
