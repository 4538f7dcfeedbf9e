// SPDX-License-Identifier: GPL-2.0-or-later
/* The log of a disk (the format of dm-log-writes), and the disk after a power cut. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cut.h"

#define LOG_MAGIC 0x6a736677736872ull

static u64 get(const u8 *p)
{
	u64 v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static const u8 *map(const char *file, u64 *bytes)
{
	int fd = open(file, O_RDONLY);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) || st.st_size < (off_t)SECTOR)
		die("%s: cannot be read, or empty", file);
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		die("%s: cannot be mapped", file);
	close(fd);
	*bytes = (u64)st.st_size;
	return p;
}

static bool parse_entry(struct disk *d, struct entry *e, u64 pos)
{
	u64 data;

	if (pos + SECTOR > d->log_bytes)
		return false;
	e->sector = get(d->log + pos);
	e->sectors = get(d->log + pos + 8);
	e->flags = (u32)get(d->log + pos + 16);
	if (!e->sectors && !e->flags)
		return false;
	data = e->flags & ENTRY_DISCARD ? 0 : e->sectors * SECTOR;
	e->data = data ? pos + SECTOR : 0;
	e->end = pos + SECTOR + data;
	if ((e->sector + e->sectors) * SECTOR > d->bytes || e->end > d->log_bytes)
		die("log entry at %llu makes no sense", (unsigned long long)pos);
	return true;
}

void disk_open(struct disk *d, const char *base, const char *log)
{
	u64 pos = SECTOR, room = 0;
	const u8 *content = map(base, &d->bytes);

	d->base = xcalloc(1, d->bytes);
	d->image = xcalloc(1, d->bytes);
	memcpy(d->base, content, d->bytes);
	munmap((void *)(uintptr_t)content, d->bytes);
	d->log = map(log, &d->log_bytes);
	if (get(d->log) != LOG_MAGIC)
		die("%s: not a log", log);
	for (;;) {
		if (d->nr == room) {
			room = room ? 2 * room : 1024;
			d->entries = realloc(d->entries, room * sizeof(*d->entries));
			if (!d->entries)
				die("no memory");
		}
		if (!parse_entry(d, &d->entries[d->nr], pos))
			break;
		pos = d->entries[d->nr++].end;
	}
}

u32 disk_written(const struct disk *d, u64 log_bytes)
{
	u32 lo = 0, hi = d->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (d->entries[mid].end <= log_bytes)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void apply(const struct disk *d, const struct entry *e, u8 *image, u64 sector)
{
	u8 *to = image + (e->sector + sector) * SECTOR;

	if (e->data)
		memcpy(to, d->log + e->data + sector * SECTOR, SECTOR);
	else
		memset(to, 0, SECTOR);
}

static void apply_all(const struct disk *d, const struct entry *e, u8 *image)
{
	u64 s;

	for (s = 0; s < e->sectors; s++)
		apply(d, e, image, s);
}

/* Everything up to the last flush before the cut is on the disk for good. */
static void make_durable(struct disk *d, u32 written)
{
	u32 last = written;

	while (last > d->durable && !(d->entries[last - 1].flags & ENTRY_FLUSH))
		last--;
	for (; d->durable < last; d->durable++)
		apply_all(d, &d->entries[d->durable], d->base);
}

u32 disk_cut(struct disk *d, u64 log_bytes, u64 *random)
{
	/* of 256: how probably a sector survives, and a whole request */
	static const u32 sector_odds[] = { 256, 256, 128, 230, 26, 256 };
	static const u32 request_odds[] = { 0, 256, 256, 256, 256, 128 };
	u32 written = disk_written(d, log_bytes), how = rnd(random, ARRAY_SIZE(sector_odds));
	u32 i, lost = 0;
	u64 s;

	make_durable(d, written);
	memcpy(d->image, d->base, d->bytes);
	for (i = d->durable; i < written; i++) {
		const struct entry *e = &d->entries[i];
		bool fua = e->flags & ENTRY_FUA;
		bool whole = fua || rnd(random, 256) < request_odds[how];

		for (s = 0; whole && s < e->sectors; s++)
			if (fua || rnd(random, 256) < sector_odds[how])
				apply(d, e, d->image, s);
		lost += !whole;
	}
	return lost;
}
