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
	u32 i;

	memset(md, 0, sizeof(*md));
	md->start = start;
	if (r)
		return r;
	for (i = 0; i < 2; i++) {
		struct cdp_md_copy *c = &md->copies[i];

		c->kind = cdp_super_decode(&pair[i], i, &md->super, &c->why);
		if (c->kind == SUPER_VALID) {
			c->sequence = md->super.sequence;
			c->updated = md->super.updated;
		}
	}
	md->kind = cdp_super_choose(&pair[0], &pair[1], &md->super, &md->why);
	return 0;
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

static bool read_remains(int fd, const char *path, u64 start, struct cdp_page_disk *page,
			 struct cdp_uuid *set)
{
	const u64 first = 2;		/* an area's first intent page */
	const char *why;

	if (read_blocks(fd, path, start + first * CDP_BLOCK_SECTORS, page, 1)) {
		cdp_why_clear();
		return false;
	}
	memcpy(set->b, page->header.set_uuid, sizeof(set->b));
	return !cdp_page_check(page, set, first, BLOCK_INTENT, 0, &why);
}

bool cdp_md_has_pages(const char *path, u64 start, struct cdp_uuid *set)
{
	struct cdp_page_disk *page = blocks_alloc(1);
	int fd = open_direct(path, O_RDONLY);
	bool has = fd >= 0 && page && read_remains(fd, path, start, page, set);

	if (fd >= 0)
		close(fd);
	free(page);
	return has;
}

static int read_either(int fd, const char *path, u64 start, struct cdp_super_disk *pair,
		       struct cdp_md *md, struct cdp_uuid *remains)
{
	int r = read_pair(fd, path, start, pair, md);

	if (!r && remains && !ours(md) &&
	    read_remains(fd, path, start, (struct cdp_page_disk *)pair, remains)) {
		md->kind = SUPER_DAMAGED;
		md->why = "both superblocks are gone";
	}
	return r;
}

int cdp_md_find(const char *path, u64 sectors, struct cdp_md *md, struct cdp_uuid *remains)
{
	const u64 pair_sectors = 2 * CDP_BLOCK_SECTORS;
	u64 largest = cdp_md_largest_area(sectors), at;
	struct cdp_super_disk *pair = blocks_alloc(2);
	int fd = open_direct(path, O_RDONLY);
	int r = fd < 0 ? fd : pair ? 0 : -ENOMEM;

	memset(md, 0, sizeof(*md));
	if (!r && sectors >= pair_sectors)
		r = read_either(fd, path, 0, pair, md, remains);
	at = sectors >= pair_sectors ? (sectors - pair_sectors) / STEP_SECTORS * STEP_SECTORS : 0;
	for (; !r && !ours(md) && at && sectors - at <= largest + STEP_SECTORS; at -= STEP_SECTORS)
		r = read_either(fd, path, at, pair, md, remains);
	if (!r && !ours(md)) {
		memset(md, 0, sizeof(*md));
		md->why = "no dm-cdp metadata was found";
	}
	if (fd >= 0)
		close(fd);
	free(pair);
	return r;
}

int cdp_md_await(const char *path, u32 ms)
{
	double end = cdp_seconds() + ms / 1000.0;
	int fd;

	while ((fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC)) < 0 && errno == EBUSY) {
		if (cdp_seconds() >= end || cdp_interrupted())
			return cdp_why(-EBUSY, "%s is in use, or has still to answer to the set",
				       path);
		cdp_sleep_ms(100);
	}
	if (fd >= 0)
		close(fd);
	return 0;
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

int cdp_md_open(struct cdp_md_file *f, const char *path, u64 start, bool write)
{
	*f = (struct cdp_md_file) { .path = path, .start = start };
	f->buffer = blocks_alloc(1);
	f->fd = open_direct(path, write ? O_RDWR | O_DSYNC | O_EXCL : O_RDONLY);
	f->open = f->fd >= 0;
	if (f->fd == -EBUSY)
		return cdp_why(-EBUSY, "%s is in use", path);
	return f->fd < 0 ? f->fd : f->buffer ? 0 : -ENOMEM;
}

void cdp_md_close(struct cdp_md_file *f)
{
	if (f->open)
		close(f->fd);
	free(f->buffer);
	memset(f, 0, sizeof(*f));
}

int cdp_md_block_read(void *file, u64 block, void *data)
{
	struct cdp_md_file *f = file;
	int r = read_blocks(f->fd, f->path, f->start + block * CDP_BLOCK_SECTORS, f->buffer, 1);

	if (!r)
		memcpy(data, f->buffer, CDP_BLOCK_BYTES);
	return r;
}

int cdp_md_block_write(void *file, u64 block, const void *data)
{
	struct cdp_md_file *f = file;
	u64 sector = f->start + block * CDP_BLOCK_SECTORS;

	memcpy(f->buffer, data, CDP_BLOCK_BYTES);
	errno = ENOSPC;
	if (pwrite(f->fd, f->buffer, CDP_BLOCK_BYTES, (off_t)(sector * CDP_SECTOR_BYTES)) ==
	    CDP_BLOCK_BYTES)
		return 0;
	return cdp_why(-errno, "%s: cannot write metadata at sector %llu: %s", f->path,
		       (unsigned long long)sector, strerror(errno));
}

/*----------------------------------------------------------------*/

struct page_walk {
	int fd;
	const char *path;
	const struct cdp_md *md;
	struct cdp_page_disk *page;
	struct cdp_md_bitmaps *b;
};

static void note_bad(struct cdp_md_bitmaps *b, const struct cdp_md_bad *bad)
{
	if (b->damaged_pages < CDP_MD_BAD)
		b->bad[b->damaged_pages] = *bad;
	b->damaged_pages++;
}

/* Set bits of one page; damaged ones are noted. */
static void count_page(struct page_walk *w, struct cdp_md_bad *at, u64 *bits)
{
	u64 sector = w->md->start + at->block * CDP_BLOCK_SECTORS;
	u32 i;

	w->b->pages++;
	if (read_blocks(w->fd, w->path, sector, w->page, 1)) {
		at->why = "bitmap page cannot be read";
		cdp_why_clear();
		note_bad(w->b, at);
	} else if (cdp_is_zero(w->page, sizeof(*w->page))) {
		at->why = "bitmap page is blank";
		note_bad(w->b, at);
	} else if (cdp_page_check(w->page, &w->md->super.set_uuid, at->block, at->kind, at->slot,
				  &at->why)) {
		note_bad(w->b, at);
	} else {
		for (i = 0; i < CDP_PAGE_WORDS; i++)
			*bits += cdp_popcount(cdp_page_get(w->page, i));
	}
}

static void count_all(struct page_walk *w, const struct cdp_geometry *g)
{
	u32 page, slot;

	for (page = 0; page < g->intent_pages; page++) {
		struct cdp_md_bad at = {
			.block = cdp_block_intent(g, page), .kind = BLOCK_INTENT, .page = page,
		};

		count_page(w, &at, &w->b->intent_extents);
	}
	for (slot = 0; slot < g->trackers; slot++) {
		if (w->md->super.legs[slot].state == DISK_LEG_UNUSED)
			continue;
		for (page = 0; page < g->tracker_pages; page++) {
			struct cdp_md_bad at = {
				.block = cdp_block_tracker(g, slot, page), .kind = BLOCK_TRACKER,
				.slot = slot, .page = page,
			};

			count_page(w, &at, &w->b->tracked_regions[slot]);
		}
	}
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
	r = w.fd < 0 ? w.fd : w.page ? 0 : -ENOMEM;
	if (!r)
		count_all(&w, &g);
	if (w.fd >= 0)
		close(w.fd);
	free(w.page);
	return r;
}
