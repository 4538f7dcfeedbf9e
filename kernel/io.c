// SPDX-License-Identifier: GPL-2.0
/*
 * The walk of a request: classified, begun, sent to its legs, ended.
 *
 * A write that the core lets go at once is sent from the caller's context. Where
 * that finds no memory without waiting, the issue worker sends it: waiting
 * inside submit_bio() could wait for requests that our own caller still holds.
 */
#include "cdp.h"

#define COPY_RESERVE	512	/* pages; a request needs 256 at most */
#define BIO_RESERVE	64

struct leg_bio {
	struct cdp_bio *b;
	u32 leg;
	struct bio bio;		/* last: biosets put the struct in front of it */
};

static struct bio *bio_of(struct cdp_bio *b)
{
	return dm_bio_from_per_bio_data(b, sizeof(*b));
}

/*----------------------------------------------------------------
 * Lists of requests
 *--------------------------------------------------------------*/

/*
 * A list's worker is woken under the lock: once that is released the last
 * request may end, and the set with it.
 */
static void put_on(struct list_head *list, struct cdp_bio *b)
{
	struct cdp *c = b->c;
	unsigned long flags;

	spin_lock_irqsave(&c->queue_lock, flags);
	list_add_tail(&b->node, list);
	if (list == &c->issue)
		queue_work(c->issue_wq, &c->issue_work);
	else if (list != &c->copying)	/* a copy's end looks at that one */
		cdp_kick_commit(c);
	spin_unlock_irqrestore(&c->queue_lock, flags);
}

void cdp_reissue(struct cdp *c, struct list_head *from)
{
	unsigned long flags;

	spin_lock_irqsave(&c->queue_lock, flags);
	if (!list_empty(from))
		queue_work(c->issue_wq, &c->issue_work);
	list_splice_tail_init(from, &c->issue);
	spin_unlock_irqrestore(&c->queue_lock, flags);
}

/*----------------------------------------------------------------
 * Ends
 *--------------------------------------------------------------*/

/* Let go of the extent. */
static void leave(struct cdp_bio *b)
{
	if (b->io.legs && b->io.span.mask && cdp_write_done(&b->c->set, &b->io))
		cdp_kick_keeper(b->c);
	b->io.legs = 0;
}

void cdp_bio_done(struct cdp_bio *b, blk_status_t status)
{
	struct bio *bio = bio_of(b);

	if (b->kind == BIO_READ)
		b->leg = -1;
	else
		leave(b);
	bio->bi_status = status;
	bio_endio(bio);
}

void cdp_bio_park(struct cdp_bio *b, struct list_head *list)
{
	cdp_count(b->c, STAT_PARKED, 1);
	if (b->kind != BIO_READ)
		leave(b);
	b->emulate = false;
	put_on(list, b);
}

static void free_copy(struct cdp *c, struct bio *copy)
{
	struct bvec_iter_all iter;
	struct bio_vec *bv;

	bio_for_each_segment_all(bv, copy, iter)
		mempool_free(bv->bv_page, &c->copy_pages);
	bio_put(copy);
}

/* All legs have answered; any context. */
static void write_ended(struct cdp_bio *b)
{
	struct cdp *c = b->c;

	if (b->copy) {
		free_copy(c, b->copy);
		b->copy = NULL;
	}
	b->io.failed = (u32)b->failed;
	b->io.refused = (u32)b->refused;
	if (b->kind == BIO_ZERO && (b->failed | b->refused) && !b->emulate) {
		b->emulate = true;
		put_on(&b->c->issue, b);
	} else if (cdp_write_end_fast(&c->set, &b->io)) {
		cdp_bio_done(b, BLK_STS_OK);
	} else {
		put_on(&c->ended, b);
	}
}

static void leg_ended(struct bio *bio)
{
	struct leg_bio *lb = container_of(bio, struct leg_bio, bio);
	struct cdp_bio *b = lb->b;

	if (unlikely(bio->bi_status)) {
		set_bit(lb->leg, cdp_is_refusal(bio->bi_status) ? &b->refused : &b->failed);
		b->status = bio->bi_status;
	}
	bio_put(bio);
	if (atomic_dec_and_test(&b->pending))
		write_ended(b);
}

int cdp_end_bio(struct cdp *c, struct bio *bio, blk_status_t *error)
{
	struct cdp_bio *b = dm_per_bio_data(bio, sizeof(*b));

	if (b->requeue)
		return DM_ENDIO_REQUEUE;
	if (likely(!*error) || b->kind != BIO_READ || b->leg < 0 || cdp_is_refusal(*error))
		return DM_ENDIO_DONE;
	b->status = *error;
	put_on(&c->unread, b);
	return DM_ENDIO_INCOMPLETE;
}

/*----------------------------------------------------------------
 * Sending
 *--------------------------------------------------------------*/

static struct bio *copy_of(struct cdp *c, struct bio *bio, gfp_t gfp)
{
	unsigned int left = bio->bi_iter.bi_size;
	struct bio *copy = bio_alloc_bioset(NULL, DIV_ROUND_UP(left, PAGE_SIZE), bio->bi_opf,
					    gfp, &c->copy_bios);

	if (!copy)
		return NULL;
	while (left) {
		unsigned int len = min_t(unsigned int, left, PAGE_SIZE);
		struct page *page = mempool_alloc(&c->copy_pages, gfp);

		if (!page) {
			free_copy(c, copy);
			return NULL;
		}
		__bio_add_page(copy, page, len, 0);
		left -= len;
	}
	bio_copy_data(copy, bio);
	return copy;
}

/* What goes to one leg: a clone of the data, or a request without data. */
static struct bio *leg_bio_alloc(struct cdp_bio *b, u32 leg, struct bio *data, gfp_t gfp)
{
	struct cdp *c = b->c;
	struct block_device *bdev = c->devs[leg].data->bdev;
	struct leg_bio *lb;
	struct bio *bio;

	if (b->kind == BIO_WRITE) {
		bio = bio_alloc_clone(bdev, data, gfp, &c->leg_bios);
	} else {
		/* a discard is sent as write-zeroes, so that legs stay alike */
		blk_opf_t op = b->kind == BIO_FLUSH ? REQ_OP_WRITE | REQ_PREFLUSH :
						      REQ_OP_WRITE_ZEROES;
		blk_opf_t keep = REQ_SYNC | REQ_IDLE | REQ_FUA | REQ_META | REQ_PRIO | REQ_NOUNMAP;

		if (b->kind == BIO_FLUSH)
			keep = 0;
		bio = bio_alloc_bioset(bdev, 0, op | (data->bi_opf & keep), gfp, &c->leg_bios);
		if (bio)
			bio->bi_iter.bi_size = b->sectors << SECTOR_SHIFT;
	}
	if (!bio)
		return NULL;
	bio->bi_opf &= ~REQ_POLLED;	/* nobody would poll for it */
	bio->bi_iter.bi_sector = c->devs[leg].data_start + b->sector;
	bio->bi_end_io = leg_ended;
	lb = container_of(bio, struct leg_bio, bio);
	lb->b = b;
	lb->leg = leg;
	return bio;
}

/*
 * Send a begun request to its legs. False if that needs memory that is not
 * there without waiting (@gfp may not wait): nothing was sent then.
 */
static bool send(struct cdp_bio *b, gfp_t gfp)
{
	struct bio *bios[CDP_MAX_LEGS], *data = bio_of(b);
	u32 leg, n = 0, legs = b->io.legs;

	b->failed = b->refused = 0;
	b->status = BLK_STS_OK;
	b->emulate = false;
	if (b->kind == BIO_WRITE && hweight32(legs) > 1 && !b->c->features.no_copy) {
		b->copy = copy_of(b->c, data, gfp);
		if (!b->copy)
			return false;
		data = b->copy;
	}
	for (leg = 0; leg < b->c->nr_legs; leg++) {
		if (!(legs & 1u << leg))
			continue;
		bios[n] = leg_bio_alloc(b, leg, data, gfp);
		if (!bios[n])
			goto out_bios;
		n++;
	}
	atomic_set(&b->pending, n);
	for (leg = 0; leg < n; leg++)	/* b may be gone after the last */
		submit_bio_noacct(bios[leg]);
	return true;

out_bios:
	while (n)
		bio_put(bios[--n]);
	if (b->copy)
		free_copy(b->c, b->copy);
	b->copy = NULL;
	return false;
}

/* Begin a write or flush, or begin it again; process context. */
static void begin(struct cdp_bio *b, gfp_t gfp)
{
	struct cdp *c = b->c;
	struct list_head *park = NULL;
	enum cdp_verdict v;

	spin_lock(&c->lock);
	if (b->kind == BIO_FLUSH)
		v = cdp_flush_begin(&c->set, &b->io);
	else
		v = cdp_write_begin(&c->set, &b->io);
	if (v == VERDICT_PARK_INTENT)
		park = &c->unmarked;
	else if (v == VERDICT_PARK_COPY)
		park = &c->copying;
	else if (v == VERDICT_PARK_BLOCK)
		park = &c->blocked;
	/* under the lock, so that what the request waits for cannot end before
	 * the request is on the list
	 */
	if (park)
		put_on(park, b);
	spin_unlock(&c->lock);

	if (park)
		cdp_count(c, STAT_PARKED, 1);
	else if (v != VERDICT_GO)
		cdp_bio_done(b, BLK_STS_IOERR);
	else if (!send(b, gfp))
		put_on(&c->issue, b);
}

/* Legs that refused or failed write-zeroes get zeroes written. May wait. */
static void emulate_zeroes(struct cdp_bio *b)
{
	struct cdp *c = b->c;
	u32 leg;

	for (leg = 0; leg < c->nr_legs; leg++) {
		if (!((b->failed | b->refused) & 1u << leg))
			continue;
		clear_bit(leg, &b->failed);
		clear_bit(leg, &b->refused);
		if (blkdev_issue_zeroout(c->devs[leg].data->bdev,
					 c->devs[leg].data_start + b->sector, b->sectors,
					 GFP_NOIO, 0))
			set_bit(leg, &b->failed);
	}
	write_ended(b);
}

void cdp_issue_work(struct work_struct *work)
{
	struct cdp *c = container_of(work, struct cdp, issue_work);
	struct cdp_bio *b, *next;
	LIST_HEAD(list);

	spin_lock_irq(&c->queue_lock);
	list_splice_init(&c->issue, &list);
	spin_unlock_irq(&c->queue_lock);
	list_for_each_entry_safe(b, next, &list, node) {
		if (b->kind == BIO_READ)
			cdp_read_again(b);
		else if (b->emulate)
			emulate_zeroes(b);
		else if (b->io.legs)
			send(b, GFP_NOIO);
		else
			begin(b, GFP_NOIO);
		cond_resched();
	}
}

/*----------------------------------------------------------------
 * Reads
 *--------------------------------------------------------------*/

static void aim(struct cdp_bio *b, struct bio *bio, int leg)
{
	b->leg = leg;
	bio_set_dev(bio, b->c->devs[leg].data->bdev);
	bio->bi_iter.bi_sector = b->c->devs[leg].data_start + b->sector;
}

void cdp_read_again(struct cdp_bio *b)
{
	struct bio *bio = bio_of(b);
	struct cdp *c = b->c;
	int leg;

	spin_lock(&c->lock);
	leg = cdp_read_pick(&c->set, b->io.span, b->tried);
	spin_unlock(&c->lock);
	if (leg < 0) {
		b->tried = 0;
		if (c->features.on_last_error == ON_LAST_ERROR_QUEUE)
			cdp_bio_park(b, &c->blocked);
		else
			cdp_bio_done(b, b->status);
		return;
	}
	cdp_count(c, STAT_RETRIED_READS, 1);
	bio->bi_iter = b->iter;
	bio->bi_status = BLK_STS_OK;
	/* as before it was first sent: a split may have counted it down */
	atomic_set(&bio->__bi_remaining, 1);
	aim(b, bio, leg);
	submit_bio_noacct(bio);
}

static int map_read(struct cdp_bio *b, struct bio *bio)
{
	struct cdp *c = b->c;
	int leg = cdp_load(c->set.read_leg);

	if (c->features.read_policy == READ_POLICY_BALANCE && cdp_load(c->set.fast))
		leg = (int)(b->io.span.extent % c->nr_legs);
	if (unlikely(leg < 0))
		return DM_MAPIO_KILL;
	b->iter = bio->bi_iter;
	b->tried = 0;
	aim(b, bio, leg);
	cdp_count(c, STAT_READS, 1);
	cdp_count(c, STAT_READ_BYTES, bio->bi_iter.bi_size);
	return DM_MAPIO_REMAPPED;
}

/*----------------------------------------------------------------
 * Writes and zeroes
 *--------------------------------------------------------------*/

static int map_write(struct cdp_bio *b)
{
	if (!cdp_write_begin_fast(&b->c->set, &b->io)) {
		b->io.legs = 0;
		/* the one who left again may be what a copy waited for */
		if (cdp_load(b->c->set.nr_claims))
			cdp_kick_keeper(b->c);
		begin(b, GFP_NOWAIT);
	} else if (!send(b, GFP_NOWAIT)) {
		put_on(&b->c->issue, b);
	}
	return DM_MAPIO_SUBMITTED;
}

int cdp_map_bio(struct cdp *c, struct bio *bio)
{
	struct cdp_bio *b = dm_per_bio_data(bio, sizeof(*b));
	struct cdp_geometry *g = &c->set.g;
	unsigned long now;

	b->c = c;
	b->requeue = false;
	b->copy = NULL;
	b->leg = -1;
	b->io.legs = 0;
	b->io.span = (struct cdp_span) { 0, 0 };
	b->emulate = false;
	b->sector = dm_target_offset(c->ti, bio->bi_iter.bi_sector);
	b->sectors = bio_sectors(bio);
	now = jiffies;
	if (READ_ONCE(c->last_request) != now)	/* written once a tick, by all CPUs */
		WRITE_ONCE(c->last_request, now);

	if (bio->bi_opf & REQ_PREFLUSH) {
		b->kind = BIO_FLUSH;
		b->sectors = 0;
		cdp_count(c, STAT_FLUSHES, 1);
		begin(b, GFP_NOWAIT);
		return DM_MAPIO_SUBMITTED;
	}
	if (bio_op(bio) == REQ_OP_DISCARD || bio_op(bio) == REQ_OP_WRITE_ZEROES) {
		u32 left = cdp_extent_sectors(g) - (b->sector & (cdp_extent_sectors(g) - 1));

		/* device-mapper does not split these at max_io_len */
		if (b->sectors > left) {
			dm_accept_partial_bio(bio, left);
			b->sectors = left;
		}
		b->kind = BIO_ZERO;
		cdp_count(c, STAT_ZEROES, 1);
	} else {
		b->kind = bio_data_dir(bio) == READ ? BIO_READ : BIO_WRITE;
	}
	b->io.span = cdp_span_of(g, b->sector, b->sectors);
	if (b->kind == BIO_READ)
		return map_read(b, bio);
	cdp_count(c, STAT_WRITES, 1);
	cdp_count(c, STAT_WRITE_BYTES, (u64)b->sectors << SECTOR_SHIFT);
	return map_write(b);
}

/*----------------------------------------------------------------
 * Pools
 *--------------------------------------------------------------*/

int cdp_io_init(struct cdp *c)
{
	int r = bioset_init(&c->leg_bios, BIO_RESERVE, offsetof(struct leg_bio, bio), 0);

	if (!r && !c->features.no_copy)
		r = bioset_init(&c->copy_bios, BIO_RESERVE, 0, BIOSET_NEED_BVECS);
	if (!r && !c->features.no_copy)
		r = mempool_init_page_pool(&c->copy_pages, COPY_RESERVE, 0);
	return r;
}

void cdp_io_exit(struct cdp *c)
{
	mempool_exit(&c->copy_pages);
	bioset_exit(&c->copy_bios);
	bioset_exit(&c->leg_bios);
}
