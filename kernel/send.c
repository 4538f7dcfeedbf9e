// SPDX-License-Identifier: GPL-2.0
/*
 * Sending to a leg whose queue is full waits until the leg takes it: in a leg that
 * hangs, as long as it hangs. So nobody sends to a leg in a way that may wait, unless
 * he waits for that leg alone. What has a deadline is sent with REQ_NOWAIT; what comes
 * back, and what cannot be sent like that, is left to a worker of the leg, which waits.
 * The deadline has begun before.
 *
 * Data and metadata have a worker each, so that a commit need not stand in line with
 * all that a busy leg has not taken yet.
 */
#include "cdp.h"

/*
 * Writes without these wait for a turn among the leg's others (writeback throttling),
 * REQ_NOWAIT or not.
 */
#define UNTHROTTLED	(REQ_SYNC | REQ_IDLE)

bool cdp_sends_at_once(struct cdp *c, u32 leg, blk_opf_t op)
{
	struct block_device *bdev = c->devs[leg].bdev;

	if (!bdev_nowait(bdev))
		return false;
	/* stacked devices do not pass it on with a flush; without a cache that ends at once */
	if (op & REQ_PREFLUSH)
		return queue_is_mq(bdev_get_queue(bdev)) || !bdev_write_cache(bdev);
	if ((op & REQ_OP_MASK) == REQ_OP_READ)
		return true;
	return (op & REQ_OP_MASK) == REQ_OP_WRITE && (op & UNTHROTTLED) == UNTHROTTLED;
}

int cdp_senders_init(struct cdp *c)
{
	const char *name = cdp_name(c);
	u32 i;

	for (i = 0; i < c->nr_legs; i++) {
		struct cdp_dev *d = &c->devs[i];

		if (!d->data)
			continue;
		d->data_wq = alloc_ordered_workqueue("cdp_data%u/%s", WQ_MEM_RECLAIM, i, name);
		d->meta_wq = alloc_ordered_workqueue("cdp_meta%u/%s", WQ_MEM_RECLAIM, i, name);
		if (!d->data_wq || !d->meta_wq)
			return -ENOMEM;
	}
	return 0;
}

void cdp_senders_exit(struct cdp *c)
{
	u32 i;

	for (i = 0; i < c->nr_legs; i++) {
		if (c->devs[i].data_wq)
			destroy_workqueue(c->devs[i].data_wq);
		if (c->devs[i].meta_wq)
			destroy_workqueue(c->devs[i].meta_wq);
	}
}
