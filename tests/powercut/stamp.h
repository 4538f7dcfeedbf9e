/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the writer puts into every sector, so that anyone can say which write it is from. */
#ifndef POWERCUT_STAMP_H
#define POWERCUT_STAMP_H

#include "port.h"

#define SECTOR		512u
#define STAMP_MAGIC	0x706d617473706463ull	/* "cdpstamp" */

struct stamp {
	u64 magic;
	u64 sector;	/* of the set */
	u64 seq;		/* of the write; 0: was there from the beginning */
	u64 fill[61];	/* follows from the two */
};

/* Of one sector after a cut: the oldest and the newest write it may show. */
struct bounds {
	u32 min, max;
};

static inline void stamp_make(struct stamp *s, u64 sector, u64 seq)
{
	u64 x = sector * 0x9e3779b97f4a7c15ull ^ seq;
	unsigned int i;

	s->magic = STAMP_MAGIC;
	s->sector = sector;
	s->seq = seq;
	for (i = 0; i < 61; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		s->fill[i] = x;
	}
}

/* The write that @s is from, or -1: not a stamp of this sector. */
static inline long long stamp_read(const struct stamp *s, u64 sector)
{
	if (s->magic != STAMP_MAGIC || s->sector != sector || s->seq > UINT32_MAX)
		return -1;
	return (long long)s->seq;
}

#endif
