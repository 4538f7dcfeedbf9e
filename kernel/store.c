// SPDX-License-Identifier: GPL-2.0
/* Metadata blocks and flushes: sent to several legs at once, waited for together. */
#include <linux/refcount.h>
#include <linux/slab.h>

#include "cdp.h"

struct round {
	struct completion done;
	atomic_t pending;
	unsigned long failed;		/* one bit a leg */
	struct round_leg {
		struct round *round;
		u32 leg;
	} legs[CDP_MAX_LEGS];
};

static void round_init(struct round *r)
{
	u32 i;

	init_completion(&r->done);
	atomic_set(&r->pending, 1);
	r->failed = 0;
	for (i = 0; i < CDP_MAX_LEGS; i++)
		r->legs[i] = (struct round_leg) { .round = r, .leg = i };
}

static void round_put(struct round *r)
{
	if (atomic_dec_and_test(&r->pending))
		complete(&r->done);
}

static void round_ended(struct bio *bio)
{
	struct round_leg *rl = bio->bi_private;

	if (bio->bi_status)
		set_bit(rl->leg, &rl->round->failed);
	bio_put(bio);
	round_put(rl->round);
}

/* Drop the caller's reference and wait; the mask of legs without an error. */
static u32 round_wait(struct round *r, u32 legs)
{
	round_put(r);
	wait_for_completion_io(&r->done);
	return legs & ~(u32)r->failed;
}

static void send_block(struct cdp *c, struct round *r, u32 leg, struct page *page, u64 block)
{
	struct cdp_dev *d = &c->devs[leg];
	struct bio *bio = bio_alloc_bioset(d->meta->bdev, 1,
					   REQ_OP_WRITE | REQ_FUA | REQ_SYNC | REQ_META,
					   GFP_NOIO, &c->meta_bios);

	bio->bi_iter.bi_sector = d->meta_start + block * CDP_BLOCK_SECTORS;
	bio->bi_private = &r->legs[leg];
	bio->bi_end_io = round_ended;
	__bio_add_page(bio, page, CDP_BLOCK_BYTES, 0);
	atomic_inc(&r->pending);
	submit_bio(bio);
}

u32 cdp_store_write(struct cdp *c, u32 legs, struct page **pages, const u64 *blocks, u32 n)
{
	struct blk_plug plug;
	struct round r;
	u32 i, leg;

	if (!c->has_meta)
		return legs;
	round_init(&r);
	blk_start_plug(&plug);
	for (leg = 0; leg < c->nr_legs; leg++)
		for (i = 0; legs & 1u << leg && i < n; i++)
			send_block(c, &r, leg, pages[i], blocks[i]);
	blk_finish_plug(&plug);
	cdp_count(c, STAT_ROUNDS, 1);
	return round_wait(&r, legs);
}

u32 cdp_store_write_each(struct cdp *c, u32 legs, struct page **pages, u64 block)
{
	struct round r;
	u32 leg;

	if (!c->has_meta)
		return legs;
	round_init(&r);
	for (leg = 0; leg < c->nr_legs; leg++)
		if (legs & 1u << leg)
			send_block(c, &r, leg, pages[leg], block);
	cdp_count(c, STAT_ROUNDS, 1);
	return round_wait(&r, legs);
}

int cdp_store_read(struct cdp *c, u32 leg, u64 block, struct page *page)
{
	struct cdp_dev *d = &c->devs[leg];
	struct bio_vec vec;
	struct bio bio;
	int r;

	bio_init(&bio, d->meta->bdev, &vec, 1, REQ_OP_READ | REQ_META);
	bio.bi_iter.bi_sector = d->meta_start + block * CDP_BLOCK_SECTORS;
	__bio_add_page(&bio, page, CDP_BLOCK_BYTES, 0);
	r = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return r;
}

u32 cdp_store_flush(struct cdp *c, u32 legs)
{
	struct round r;
	u32 leg;

	round_init(&r);
	for (leg = 0; leg < c->nr_legs; leg++) {
		struct bio *bio;

		if (!(legs & 1u << leg))
			continue;
		bio = bio_alloc_bioset(c->devs[leg].data->bdev, 0, REQ_OP_WRITE | REQ_PREFLUSH,
				       GFP_NOIO, &c->meta_bios);
		bio->bi_private = &r.legs[leg];
		bio->bi_end_io = round_ended;
		atomic_inc(&r.pending);
		submit_bio(bio);
	}
	return round_wait(&r, legs);
}

struct lone_flush {
	struct completion done;
	struct cdp *c;
	refcount_t refs;		/* the flush and who waits for it */
	blk_status_t status;
	struct bio bio;
};

static void lone_flush_put(struct lone_flush *f)
{
	if (refcount_dec_and_test(&f->refs))
		kfree(f);
}

static void lone_flush_ended(struct bio *bio)
{
	struct lone_flush *f = container_of(bio, struct lone_flush, bio);
	struct cdp *c = f->c;
	unsigned long flags;

	f->status = bio->bi_status;
	bio_uninit(bio);
	complete(&f->done);
	lone_flush_put(f);
	/* under the lock: with the last one the set may go */
	spin_lock_irqsave(&c->queue_lock, flags);
	c->late--;
	wake_up_all(&c->wait);
	spin_unlock_irqrestore(&c->queue_lock, flags);
}

int cdp_store_flush_within(struct cdp *c, u32 leg, unsigned long timeout)
{
	struct lone_flush *f = kzalloc(sizeof(*f), GFP_KERNEL);
	int r = -ETIMEDOUT;

	if (!f)
		return -ENOMEM;
	init_completion(&f->done);
	refcount_set(&f->refs, 2);
	f->c = c;
	spin_lock_irq(&c->queue_lock);
	c->late++;
	spin_unlock_irq(&c->queue_lock);
	bio_init(&f->bio, c->devs[leg].data->bdev, NULL, 0, REQ_OP_WRITE | REQ_PREFLUSH);
	f->bio.bi_end_io = lone_flush_ended;
	submit_bio(&f->bio);
	if (wait_for_completion_timeout(&f->done, timeout))
		r = f->status ? -EIO : 0;
	lone_flush_put(f);
	return r;
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
