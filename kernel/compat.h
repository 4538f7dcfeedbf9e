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
#include <linux/file.h>
#include <linux/sched.h>

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

/*
 * A device is opened beside what device-mapper has open, and claimed if there is a @holder.
 * Opening has changed three times: 6.5, 6.7, 6.9. NULL: it cannot be.
 */
static inline void *cdp_bdev_open(struct block_device *bdev, void *holder)
{
#if defined(CDP_HAVE_BDEV_FILE_OPEN_BY_DEV)
	void *open = bdev_file_open_by_dev(bdev->bd_dev, BLK_OPEN_READ, holder, NULL);
#elif defined(CDP_HAVE_BDEV_OPEN_BY_DEV)
	void *open = bdev_open_by_dev(bdev->bd_dev, BLK_OPEN_READ, holder, NULL);
#elif defined(CDP_HAVE_BLK_HOLDER_OPS)
	void *open = blkdev_get_by_dev(bdev->bd_dev, BLK_OPEN_READ, holder, NULL);
#else
	void *open = blkdev_get_by_dev(bdev->bd_dev, FMODE_READ | (holder ? FMODE_EXCL : 0),
				       holder);
#endif

	return IS_ERR(open) ? NULL : open;
}

static inline void cdp_bdev_release(void *open, void *holder)
{
#if defined(CDP_HAVE_BDEV_FILE_OPEN_BY_DEV)
	__fput_sync(open);	/* now, and not when a worker comes to it */
#elif defined(CDP_HAVE_BDEV_OPEN_BY_DEV)
	bdev_release(open);
#elif defined(CDP_HAVE_BLK_HOLDER_OPS)
	blkdev_put(open, holder);
#else
	blkdev_put(open, FMODE_READ | (holder ? FMODE_EXCL : 0));
#endif
}

/* Does somebody wait for this processor? 7.0 has a wish that is not urgent. */
static inline bool cdp_is_wanted(void)
{
#ifdef TIF_NEED_RESCHED_LAZY
	if (test_thread_flag(TIF_NEED_RESCHED_LAZY))
		return true;
#endif
	return need_resched();
}

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
