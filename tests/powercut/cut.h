/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a recording holds, and what is made of it at one cut. */
#ifndef POWERCUT_CUT_H
#define POWERCUT_CUT_H

#include <stdio.h>

#include "plan.h"
#include "stamp.h"

#define MAX_DISKS	8u	/* data 0, metadata 0, data 1, ... */
#define META_BYTES	131072u

__attribute__((noreturn, format(printf, 1, 2)))
void die(const char *fmt, ...);
void *xcalloc(size_t n, size_t size);

/* A generator for each purpose, so that one cut can be made again alone. */
u64 rnd_seed(u64 a, u64 b, u64 c);
u32 rnd(u64 *state, u32 below);

/* log.c: what reached a disk, in order; and the disk after a cut */
#define ENTRY_FLUSH	1u
#define ENTRY_FUA	2u
#define ENTRY_DISCARD	4u

struct entry {
	u64 sector, sectors, data;	/* data: where in the log; 0: zeroes */
	u64 end;			/* of the entry, in the log */
	u32 flags;
};

struct disk {
	u8 *base, *image;		/* what is durable up to @durable; after the cut */
	u64 bytes;
	const u8 *log;
	u64 log_bytes;
	struct entry *entries;
	u32 nr, durable;
};

void disk_open(struct disk *d, const char *base, const char *log);
/* Entries that were in the log when it was @log_bytes long. */
u32 disk_written(const struct disk *d, u64 log_bytes);
/* Make d->image, as of an instant not before that of the last call; entries lost. */
u32 disk_cut(struct disk *d, u64 log_bytes, u64 *random);

/* oracle.c: what was promised when the stream was so long */
struct oracle {
	const char *text;
	u64 bytes, at;			/* at: read so far */
	u64 sectors;
	struct bounds *bounds;		/* min: durable by the stream so far; max: ever issued */
	struct op *ops;			/* by number */
	struct ack *acks;
	u32 nr_acks, max_ops;
	u64 *flushes;			/* acks that a flush covers, by its number */
	u32 last_ack, errors;
	char table[16];			/* legs of the table line, "0 1" */
	bool stopped;			/* in order */
};

void oracle_open(struct oracle *o, const char *file, u64 sectors);
void oracle_advance(struct oracle *o, u64 bytes);

/* check.c: the core starts the set from the images and is held to its promises */
struct checked {
	char what[16];			/* "" or the kind of failure */
	char text[256];
	u32 source;
	u64 tracked, regions;
	bool unborn;			/* a leg's first commit ever was torn */
};

struct cut {
	u64 sectors;
	u32 region, nr_legs;
	bool assume_clean, stopped;
	const u8 *data[CDP_MAX_LEGS], *meta[CDP_MAX_LEGS];
	const struct bounds *bounds;	/* NULL: not stamped */
};

void check(const struct cut *c, struct checked *r);

#endif
