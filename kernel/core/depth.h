/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much a resync has under way at once: so much that no piece of it takes long. A fast
 * leg is kept busy; behind a slow one neither the guest's requests nor the copy's own wait
 * until they are overdue. It begins with little, is doubled while all goes fast, and halved
 * when a piece took too long.
 */
#ifndef CDP_CORE_DEPTH_H
#define CDP_CORE_DEPTH_H

#include "port.h"

#define CDP_DEPTH_LEAST	256u		/* sectors */
#define CDP_DEPTH_FIRST	512u
#define CDP_DEPTH_BLIND	(1u << 12)	/* zeroes, which are not sent, open it so far */
#define CDP_DEPTH_MOST	(1u << 17)	/* 64 copies of 1 MiB */

struct cdp_depth {
	u32 limit;		/* sectors that may be under way */
	u32 turn;		/* of being halved: what began before the last does not count */
};

/* A resync begins. */
void cdp_depth_start(struct cdp_depth *d);
/* May more begin while @used sectors are under way? */
static inline bool cdp_depth_allows(const struct cdp_depth *d, u32 used)
{
	return used < d->limit;
}

/**
 * cdp_depth_ended() - a copy has ended.
 * @turn:    d->turn when it began
 * @sectors: its size
 * @dense:   what was sent of that; the rest was zeroes, and tells nothing of the link
 * @used:    what was under way, with it
 * @slow:    one of its pieces took too long
 */
void cdp_depth_ended(struct cdp_depth *d, u32 turn, u32 sectors, u32 dense, u32 used,
		     bool slow);

#endif
