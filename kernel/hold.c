// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that may be needed longer than a table is there. Each is open once, whatever sets
 * hold it: a table that names a leg of the one before it opens nothing, and one that does
 * not answer, or is offline, cannot be opened any more.
 */
#include <linux/slab.h>

#include "cdp.h"

struct cdp_hold {
	struct list_head node;
	struct block_device *bdev;
	void *open;
	unsigned int users;
};

static DEFINE_MUTEX(holds_mutex);
static LIST_HEAD(holds);

static struct cdp_hold *find(struct block_device *bdev)
{
	struct cdp_hold *h;

	list_for_each_entry(h, &holds, node)
		if (h->bdev == bdev)
			return h;
	return NULL;
}

static struct cdp_hold *share(struct block_device *bdev)
{
	struct cdp_hold *h;

	mutex_lock(&holds_mutex);
	h = find(bdev);
	if (h)
		h->users++;
	mutex_unlock(&holds_mutex);
	return h;
}

struct cdp_hold *cdp_hold_get(struct block_device *bdev)
{
	struct cdp_hold *h = share(bdev);

	if (h)
		return h;
	h = kzalloc(sizeof(*h), GFP_KERNEL);
	if (!h)
		return NULL;
	/* not under the mutex: "sd" waits here while the kernel recovers the disk */
	h->open = cdp_bdev_open(bdev, NULL);
	if (!h->open) {
		kfree(h);
		return NULL;
	}
	h->bdev = bdev;
	h->users = 1;
	mutex_lock(&holds_mutex);
	list_add_tail(&h->node, &holds);
	mutex_unlock(&holds_mutex);
	return h;
}

void cdp_hold_put(struct cdp_hold *h)
{
	bool last;

	mutex_lock(&holds_mutex);
	last = !--h->users;
	if (last)
		list_del(&h->node);
	mutex_unlock(&holds_mutex);
	if (!last)
		return;
	cdp_bdev_release(h->open, NULL);
	kfree(h);
}

void *cdp_hold_claim(struct cdp_hold *h, void *holder)
{
	return cdp_bdev_open(h->bdev, holder);
}
