/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels from 6.1 to 7.3, included by cdp.h only.
 * Presence is probed (Kbuild, or a macro's own #ifdef), never a version.
 */
#ifndef CDP_COMPAT_H
#define CDP_COMPAT_H

#include <linux/blk_types.h>
#include <linux/blkdev.h>
#include <linux/device-mapper.h>

/* 6.12 moved the flag for stable pages to the queue limits; 6.1 has it in the
 * target, from some stable release on. Goes with 6.1.
 */
static inline void cdp_want_stable_pages(struct dm_target *ti, struct queue_limits *limits)
{
#ifdef BLK_FEAT_STABLE_WRITES
	limits->features |= BLK_FEAT_STABLE_WRITES;
#endif
}

static inline void cdp_target_want_stable_pages(struct dm_target *ti)
{
#ifdef CDP_HAVE_NEEDS_STABLE_WRITES
	ti->needs_stable_writes = true;
#endif
}

/* fmode_t became blk_mode_t; both are what dm_table_get_mode() returns. */
#ifdef BLK_OPEN_WRITE
#define CDP_MODE_WRITE	BLK_OPEN_WRITE
#else
#define CDP_MODE_WRITE	FMODE_WRITE
#endif

/* An answer that is about the request and not about the leg. */
static inline bool cdp_is_refusal(blk_status_t status)
{
#ifdef BLK_STS_INVAL
	if (status == BLK_STS_INVAL)
		return true;
#endif
	return status == BLK_STS_NOTSUPP;
}

/* Discards are limited by another field from 6.12 on. */
static inline void cdp_limit_discard(struct queue_limits *limits, unsigned int sectors,
				     unsigned int granularity)
{
	limits->max_discard_sectors = sectors;
	limits->max_hw_discard_sectors = sectors;
	limits->discard_granularity = granularity;
}

#endif
