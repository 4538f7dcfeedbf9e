// SPDX-License-Identifier: GPL-2.0
/*
 * Metadata blocks and flushes: a round is sent to several legs at once and waited
 * for together, but not longer than the deadline for a leg that others can do
 * without. A round owns its pages, and stays behind with them for a late answer.
 */
#include <linux/slab.h>

#include "cdp.h"

struct cdp_round {
	struct cdp_sent sent;
	struct cdp *c;
	u32 outside;			/* legs that were not in the set when it was sent */
	bool late;			/* nobody waits any more; under queue_lock */
	unsigned long failed;		/* one bit a leg */
	struct round_leg {
		struct cdp_round *round;
		u32 leg;
		atomic_t left;		/* bios that are out */
	} legs[CDP_MAX_LEGS];
	u32 nr_pages;
	struct page *pages[CDP_PAGES];
};

/*----------------------------------------------------------------
 * Rounds
 *--------------------------------------------------------------*/

struct cdp_round *cdp_round_get(struct cdp *c, u32 pages)
{
	struct cdp_round *r = mempool_alloc(&c->rounds, GFP_NOIO);
	u32 i;

	INIT_LIST_HEAD(&r->sent.node);
	r->c = c;
	r->late = false;
	r->failed = 0;
	atomic_set(&r->sent.pending, 0);
	for (i = 0; i < CDP_MAX_LEGS; i++) {
		r->legs[i].round = r;
		r->legs[i].leg = i;
		atomic_set(&r->legs[i].left, 0);
	}
	for (r->nr_pages = 0; r->nr_pages < pages; r->nr_pages++)
		r->pages[r->nr_pages] = mempool_alloc(&c->meta_pages, GFP_NOIO);
	return r;
}

void *cdp_round_page(struct cdp_round *r, u32 i)
{
	return page_address(r->pages[i]);
}

static void round_free(struct cdp *c, struct cdp_sent *sent)
{
	struct cdp_round *r = container_of(sent, struct cdp_round, sent);

	while (r->nr_pages)
		mempool_free(r->pages[--r->nr_pages], &c->meta_pages);
	mempool_free(r, &c->rounds);
}

/* All that was sent to a leg is answered. */
static void leg_answered(struct cdp_round *r, u32 leg)
{
	struct cdp *c = r->c;
	unsigned long flags;
	bool over;

	spin_lock_irqsave(&c->queue_lock, flags);
	over = !atomic_sub_return(1 << leg, &r->sent.pending) && r->late;
	if (!over)
		wake_up_all(&c->wait);
	spin_unlock_irqrestore(&c->queue_lock, flags);
	if (over)
		cdp_late_ended(c, &r->sent, round_free);
}

static void round_ended(struct bio *bio)
{
	struct round_leg *rl = bio->bi_private;

	if (bio->bi_status)
		set_bit(rl->leg, &rl->round->failed);
	bio_put(bio);
	if (atomic_dec_and_test(&rl->left))
		leg_answered(rl->round, rl->leg);
}

/* @n bios follow to each of @legs. */
static void round_open(struct cdp_round *r, u32 legs, u32 n)
{
	struct cdp *c = r->c;
	u32 leg;

	spin_lock(&c->lock);
	r->outside = legs & ~cdp_set_joined(&c->set);
	spin_unlock(&c->lock);
	r->sent.since = jiffies;
	atomic_set(&r->sent.pending, (int)legs);
	for (leg = 0; leg < c->nr_legs; leg++)
		if (legs & 1u << leg)
			atomic_set(&r->legs[leg].left, (int)n);
}

/* Legs that need not be waited for any more. */
static u32 to_give_up(struct cdp_round *r)
{
	struct cdp *c = r->c;
	u32 late;

	spin_lock(&c->lock);
	/* one that has left meanwhile is late at once, one that comes back is not */
	late = cdp_too_late(c, &r->sent, r->outside, (u32)r->failed);
	cdp_give_up(c, late, r->sent.since);
	spin_unlock(&c->lock);
	return late;
}

/* Done with @r: free it, or leave it to the last answer. Return: legs that are late. */
static u32 round_put(struct cdp_round *r)
{
	struct cdp *c = r->c;
	u32 pending;

	spin_lock_irq(&c->queue_lock);
	pending = cdp_pending(&r->sent);
	if (pending) {
		r->late = true;
		list_add_tail(&r->sent.node, &c->late);
	}
	spin_unlock_irq(&c->queue_lock);
	if (!pending)
		round_free(c, &r->sent);
	return pending;
}

/* Wait for the answers; the mask of legs that answered without an error. */
static u32 round_wait(struct cdp_round *r, u32 legs)
{
	struct cdp *c = r->c;
	u32 ok;

	do {
		wait_event_timeout(c->wait, !cdp_pending(&r->sent), HZ / 20);
	} while (cdp_pending(&r->sent) && !to_give_up(r));
	ok = legs & ~cdp_pending(&r->sent);
	ok &= ~(u32)r->failed;
	return ok & ~round_put(r);
}

/* The same for one leg, with a bound of the caller's; the round is still to be put. */
static int round_wait_within(struct cdp_round *r, unsigned long timeout)
{
	struct cdp *c = r->c;

	wait_event_timeout(c->wait, !cdp_pending(&r->sent), timeout);
	if (cdp_pending(&r->sent))
		return -ETIMEDOUT;
	return r->failed ? -EIO : 0;
}

/*----------------------------------------------------------------
 * Blocks
 *--------------------------------------------------------------*/

static struct bio *block_bio(struct cdp_round *r, u32 leg, u32 page, u64 block, blk_opf_t op)
{
	struct cdp *c = r->c;
	struct cdp_dev *d = &c->devs[leg];
	struct bio *bio = bio_alloc_bioset(d->meta->bdev, 1, op | REQ_META, GFP_NOIO,
					   &c->meta_bios);

	bio->bi_iter.bi_sector = d->meta_start + block * CDP_BLOCK_SECTORS;
	bio->bi_private = &r->legs[leg];
	bio->bi_end_io = round_ended;
	__bio_add_page(bio, r->pages[page], CDP_BLOCK_BYTES, 0);
	return bio;
}

/* idle: not held back behind the data (writeback throttling) of a leg that hangs */
#define WRITE_BLOCK	(REQ_OP_WRITE | REQ_FUA | REQ_SYNC | REQ_IDLE)

u32 cdp_store_write(struct cdp_round *r, u32 legs, const u64 *blocks, u32 n)
{
	struct cdp *c = r->c;
	struct blk_plug plug;
	u32 i, leg;

	if (!c->has_meta) {
		round_put(r);
		return legs;
	}
	round_open(r, legs, n);
	blk_start_plug(&plug);
	for (leg = 0; leg < c->nr_legs; leg++)
		for (i = 0; legs & 1u << leg && i < n; i++)
			submit_bio(block_bio(r, leg, i, blocks[i], WRITE_BLOCK));
	blk_finish_plug(&plug);
	cdp_count(c, STAT_ROUNDS, 1);
	return round_wait(r, legs);
}

u32 cdp_store_write_each(struct cdp_round *r, u32 legs, u64 block)
{
	struct cdp *c = r->c;
	u32 leg;

	if (!c->has_meta) {
		round_put(r);
		return legs;
	}
	round_open(r, legs, 1);
	for (leg = 0; leg < c->nr_legs; leg++)
		if (legs & 1u << leg)
			submit_bio(block_bio(r, leg, leg, block, WRITE_BLOCK));
	cdp_count(c, STAT_ROUNDS, 1);
	return round_wait(r, legs);
}

int cdp_store_read(struct cdp *c, u32 leg, u64 block, void *to)
{
	struct cdp_round *r = cdp_round_get(c, 1);
	unsigned int ms = READ_ONCE(c->features.leg_timeout_ms);
	int ret;

	round_open(r, 1u << leg, 1);
	submit_bio(block_bio(r, leg, 0, block, REQ_OP_READ));
	ret = round_wait_within(r, ms ? msecs_to_jiffies(ms) : MAX_SCHEDULE_TIMEOUT);
	if (!ret)
		memcpy(to, cdp_round_page(r, 0), CDP_BLOCK_BYTES);
	/* one that has answered since is none too late for its pages, but for us */
	round_put(r);
	return ret;
}

/*----------------------------------------------------------------
 * Flushes
 *--------------------------------------------------------------*/

static struct cdp_round *flush_begin(struct cdp *c, u32 legs)
{
	struct cdp_round *r = cdp_round_get(c, 0);
	u32 leg;

	round_open(r, legs, 1);
	for (leg = 0; leg < c->nr_legs; leg++) {
		struct bio *bio;

		if (!(legs & 1u << leg))
			continue;
		bio = bio_alloc_bioset(c->devs[leg].data->bdev, 0, REQ_OP_WRITE | REQ_PREFLUSH,
				       GFP_NOIO, &c->meta_bios);
		bio->bi_private = &r->legs[leg];
		bio->bi_end_io = round_ended;
		submit_bio(bio);
	}
	return r;
}

u32 cdp_store_flush(struct cdp *c, u32 legs)
{
	unsigned long since = jiffies;
	u32 leg, ok = round_wait(flush_begin(c, legs), legs);

	for (leg = 0; leg < c->nr_legs; leg++)
		if (ok & 1u << leg)
			cdp_gauge(c, leg, 0, since);
	return ok;
}

int cdp_store_flush_within(struct cdp *c, u32 leg, unsigned long timeout)
{
	struct cdp_round *r = flush_begin(c, 1u << leg);
	int ret = round_wait_within(r, timeout);

	round_put(r);
	return ret;
}

void cdp_store_failed(struct cdp *c, u32 legs)
{
	u32 leg;

	spin_lock(&c->lock);
	for (leg = 0; leg < c->nr_legs; leg++)
		if (legs & 1u << leg) {
			c->set.legs[leg].write_errors++;
			cdp_set_leg_error(&c->set, leg, false);
		}
	cdp_tell(c);
	spin_unlock(&c->lock);
	if (legs)
		cdp_kick_keeper(c);
}

/*----------------------------------------------------------------
 * Pools
 *--------------------------------------------------------------*/

/*
 * Two rounds are under way at most (commit's and the keeper's), and each leg that
 * is given up can keep two more.
 */
int cdp_store_init(struct cdp *c)
{
	int n = (int)(2 * c->nr_legs);
	int r = mempool_init_kmalloc_pool(&c->rounds, n, sizeof(struct cdp_round));

	if (!r)
		r = mempool_init_page_pool(&c->meta_pages, n * (int)CDP_PAGES, 0);
	if (!r)
		r = bioset_init(&c->meta_bios, (unsigned int)n * CDP_PAGES, 0, BIOSET_NEED_BVECS);
	return r;
}

void cdp_store_exit(struct cdp *c)
{
	bioset_exit(&c->meta_bios);
	mempool_exit(&c->meta_pages);
	mempool_exit(&c->rounds);
}
