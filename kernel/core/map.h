/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The set as a picture: many regions condensed to one character. */
#ifndef CDP_CORE_MAP_H
#define CDP_CORE_MAP_H

#include "set.h"

#define CDP_MAP_CELLS	4096u	/* most that one answer has */

/*
 * What may be said of a cell, and its letter; the first that holds for a region in it
 * counts. A region lacks nothing when every leg has it.
 */
#define CDP_MAP_MARKS(x) \
	x(COPYING,	'c', "being copied now") \
	x(ABSENT,	'S', "stale from end to end: a leg lacks every region of it") \
	x(STALE,	's', "stale: a leg lacks a region of it") \
	x(HOT,		'h', "hot: written within the last second or two, or just now") \
	x(DIRTY,	'd', "dirty: written lately, its intent is not cleared yet") \
	x(IN_SYNC,	'.', "in-sync: alike on all legs")

enum cdp_map_mark {
#define x(id, letter, meaning) MAP_##id,
	CDP_MAP_MARKS(x)
#undef x
	MAP_MARKS
};

/* A cell while it is looked at; begins as zeroes. */
struct cdp_map_cell {
	bool copying, stale, hot, dirty;
	bool some;		/* a region that no leg lacks */
};

/**
 * cdp_map_scan() - look at the regions of a cell.
 * @region: the first
 * @end:    behind the last
 * @budget: extents to look at before giving the lock away
 *
 * [lock] Where no leg lacks anything and nothing is marked it costs nothing.
 *
 * Return: the region to go on with; @end when done.
 */
u64 cdp_map_scan(const struct cdp_set *s, u64 region, u64 end, u64 budget,
		 struct cdp_map_cell *cell);

/* The letter of a cell. */
char cdp_map_letter(const struct cdp_map_cell *cell);

#endif
