// SPDX-License-Identifier: GPL-2.0
/*
 * Metadata blocks and flushes: a round is sent to several legs at once, by a worker
 * of each, and waited for together, but not longer than the deadline for a leg that
 * others can do without. A round owns its pages, and stays behind with them for a
 * late answer.
 */
#include <linux/slab.h>

#include "cdp.h"

#define LOOK	(HZ / 20)	/* who waits looks so often */

struct cdp_round {
	struct cdp_sent sent;
	struct cdp *c;
	u32 outside;			/* legs that were not in the set when it was sent */
	bool late;			/* nobody waits any more; under queue_lock */
	unsigned long failed;		/* one bit a leg */
	struct round_leg {
		struct cdp_round *round;
		u32 leg;
		struct block_device *bdev;	/* the table may be gone before it is sent */
		atomic_t left;		/* bios that are out */
		struct work_struct work;
	} legs[CDP_MAX_LEGS];
	blk_opf_t op;
	bool own_page;			/* each leg has the page of its number */
	u32 nr_blocks;			/* to each leg; 0: a flush of its data */
	u64 blocks[CDP_PAGES];
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
	r->late = r->own_page = false;
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

static struct bio *block_bio(struct round_leg *rl, u32 page, u64 block)
{
	struct cdp_round *r = rl->round;
	struct cdp *c = r->c;
	struct bio *bio = bio_alloc_bioset(rl->bdev, 1, r->op | REQ_META, GFP_NOIO,
					   &c->meta_bios);

	bio->bi_iter.bi_sector = c->devs[rl->leg].meta_start + block * CDP_BLOCK_SECTORS;
	__bio_add_page(bio, r->pages[page], CDP_BLOCK_BYTES, 0);
	return bio;
}

static void send_bio(struct round_leg *rl, struct bio *bio)
{
	bio->bi_private = rl;
	bio->bi_end_io = round_ended;
	submit_bio(bio);
}

/* The worker of a leg: sends what the round has for it. */
static void send_work(struct work_struct *work)
{
	struct round_leg *rl = container_of(work, struct round_leg, work);
	struct cdp_round *r = rl->round;
	u32 i, leg = rl->leg, n = r->nr_blocks;
	struct cdp *c = r->c;
	struct blk_plug plug;

	if (READ_ONCE(r->late)) {	/* it waited behind what the leg has not taken */
		leg_answered(r, leg);
		return;
	}
	/* the round may be gone after the last */
	blk_start_plug(&plug);
	for (i = 0; i < n; i++)
		send_bio(rl, block_bio(rl, r->own_page ? leg : i, r->blocks[i]));
	if (!n)
		send_bio(rl, bio_alloc_bioset(rl->bdev, 0, r->op, GFP_NOIO, &c->meta_bios));
	blk_finish_plug(&plug);
}

/* Have @n blocks sent to each of @legs, or a flush if @blocks is NULL. */
static void round_send(struct cdp_round *r, u32 legs, blk_opf_t op, const u64 *blocks, u32 n)
{
	struct cdp *c = r->c;
	u32 leg;

	r->op = op;
	r->nr_blocks = blocks ? n : 0;
	if (blocks)
		memcpy(r->blocks, blocks, n * sizeof(*blocks));
	spin_lock(&c->lock);
	r->outside = legs & ~cdp_set_joined(&c->set);
	spin_unlock(&c->lock);
	r->sent.since = jiffies;
	atomic_set(&r->sent.pending, (int)legs);
	for (leg = 0; leg < c->nr_legs; leg++) {
		struct cdp_dev *d = &c->devs[leg];

		if (!(legs & 1u << leg))
			continue;
		r->legs[leg].bdev = (blocks ? d->meta : d->data)->bdev;
		atomic_set(&r->legs[leg].left, (int)n);
		INIT_WORK(&r->legs[leg].work, send_work);
		queue_work(blocks ? d->meta_wq : d->data_wq, &r->legs[leg].work);
	}
}

/* Legs that need not be waited for any more. */
static u32 to_give_up(struct cdp_round *r, unsigned long now)
{
	struct cdp *c = r->c;
	u32 late;

	spin_lock(&c->lock);
	/* one that has left meanwhile is late at once, one that comes back is not */
	late = cdp_too_late(c, &r->sent, now, r->outside, (u32)r->failed);
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
		WRITE_ONCE(r->late, true);
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
	struct cdp_look look = { r->sent.since };
	u32 ok;

	do {
		unsigned long due = look.now + LOOK;

		wait_event_timeout(c->wait, !cdp_pending(&r->sent), LOOK);
		look = cdp_look(due, LOOK);
		cdp_add_missed(&r->sent, look);
	} while (cdp_pending(&r->sent) && !to_give_up(r, look.now) &&
		 !cdp_leave_behind(c, &r->sent, look.now));
	ok = legs & ~cdp_pending(&r->sent);
	ok &= ~(u32)r->failed;
	return ok & ~round_put(r);
}

/* The same for one leg, with a bound of the caller's; the round is still to be put. */
static int round_wait_within(struct cdp_round *r, unsigned long timeout)
{
	struct cdp *c = r->c;

	wait_event_timeout(c->wait, !cdp_pending(&r->sent), timeout);
	/* once more: the machine may have stood still */
	wait_event_timeout(c->wait, !cdp_pending(&r->sent), LOOK);
	if (cdp_pending(&r->sent))
		return -ETIMEDOUT;
	return r->failed ? -EIO : 0;
}

/*----------------------------------------------------------------
 * Blocks
 *--------------------------------------------------------------*/

/* idle: not held back behind the data (writeback throttling) of a leg that hangs */
#define WRITE_BLOCK	(REQ_OP_WRITE | REQ_FUA | REQ_SYNC | REQ_IDLE)

u32 cdp_store_write(struct cdp_round *r, u32 legs, const u64 *blocks, u32 n)
{
	struct cdp *c = r->c;

	if (!c->has_meta) {
		round_put(r);
		return legs;
	}
	if (READ_ONCE(c->left_behind)) {
		round_put(r);
		return 0;
	}
	round_send(r, legs, WRITE_BLOCK, blocks, n);
	cdp_count(c, STAT_ROUNDS, 1);
	return round_wait(r, legs);
}

u32 cdp_store_write_each(struct cdp_round *r, u32 legs, u64 block)
{
	r->own_page = true;
	return cdp_store_write(r, legs, &block, 1);
}

int cdp_store_read(struct cdp *c, u32 leg, u64 block, void *to)
{
	struct cdp_round *r = cdp_round_get(c, 1);
	unsigned int ms = READ_ONCE(c->features.leg_timeout_ms);
	int ret;

	round_send(r, 1u << leg, REQ_OP_READ, &block, 1);
	ret = round_wait_within(r, msecs_to_jiffies(ms ?: CDP_PATIENCE_MS));
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

	round_send(r, legs, REQ_OP_WRITE | REQ_PREFLUSH, NULL, 1);
	return r;
}

u32 cdp_store_flush(struct cdp *c, u32 legs)
{
	unsigned long since = jiffies;
	u32 leg, ok;

	if (READ_ONCE(c->left_behind))
		return 0;
	ok = round_wait(flush_begin(c, legs), legs);
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

	/* at the end of the set nothing is known of those that were not waited for */
	if (READ_ONCE(c->left_behind))
		return;
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
 * Two rounds are under way at most (commit's and the keeper's), and each leg that is
 * given up can keep two more, and one that is read or flushed with a bound.
 */
int cdp_store_init(struct cdp *c)
{
	int n = (int)(3 * c->nr_legs);
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
