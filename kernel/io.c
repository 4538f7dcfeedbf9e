// SPDX-License-Identifier: GPL-2.0
/*
 * The walk of a request: classified, begun, sent to its legs, ended.
 *
 * A write that the core lets go at once is sent from the caller's context. Where
 * that finds no memory without waiting, the issue worker sends it: waiting
 * inside submit_bio() could wait for requests that our own caller still holds.
 */
#include "cdp.h"

#define COPY_WORTH_NS	20000	/* a read from a faster leg is not copied by itself */
/* A leg that drops a readahead, or gives up at once where it was asked to, has not failed. */
#define MAY_FAIL	(REQ_RAHEAD | REQ_FAILFAST_MASK)

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
	if (list == &c->issue) {
		queue_work(c->issue_wq, &c->issue_work);
	} else if (list == &c->unmarked) {
		WRITE_ONCE(c->nr_unmarked, c->nr_unmarked + 1);
		/* the worker takes them together, and may wait for more */
		if (c->nr_unmarked == 1)
			cdp_kick_commit(c);
		else if (c->nr_unmarked == READ_ONCE(c->crowd))
			wake_up_all(&c->gathered);
	} else if (list != &c->copying) {	/* a copy's end looks at that one */
		cdp_kick_commit(c);
	}
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

/* A copy, or a verify, may have waited for an extent. */
static void kick_claims(struct cdp *c)
{
	cdp_kick_keeper(c);
	if (cdp_load(c->set.nr_verifies))
		cdp_kick_verify(c);
}

/* Let go of the extent. */
static void leave(struct cdp_bio *b)
{
	if (b->io.legs && b->io.span.mask && cdp_write_done(&b->c->set, &b->io))
		kick_claims(b->c);
	b->io.legs = 0;
}

void cdp_bio_done(struct cdp_bio *b, blk_status_t status)
{
	struct bio *bio = cdp_bio_data(b);

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

/* Legs that did not take write-zeroes, but may take zeroes. */
static u32 to_write_by_hand(const struct cdp_bio *b)
{
	return (b->io.failed | b->io.refused) & ~b->late;
}

/* All legs have answered, or are not waited for any more; any context. */
static void write_ended(struct cdp_bio *b)
{
	struct cdp *c = b->c;

	if (b->kind == BIO_ZERO && !b->emulate && to_write_by_hand(b)) {
		b->emulate = true;
		put_on(&c->issue, b);
	} else if (cdp_write_end_fast(&c->set, &b->io)) {
		cdp_bio_done(b, BLK_STS_OK);
	} else {
		put_on(&c->ended, b);
	}
}

/* Has the leg left since it was sent this read? See cdp_read_seen(). */
static bool is_of_the_past(struct cdp_bio *b)
{
	return cdp_load(b->c->set.legs[b->leg].flaps) != b->flaps;
}

/* The same for a read that went out on private pages. */
static void read_ended(struct cdp_bio *b)
{
	if (!b->status && is_of_the_past(b))
		put_on(&b->c->issue, b);
	else if (!b->status || cdp_is_refusal(b->status))
		cdp_bio_done(b, b->status);
	else
		put_on(&b->c->unread, b);
}

void cdp_flight_parted(struct cdp_bio *b)
{
	if (b->kind == BIO_READ)
		read_ended(b);
	else
		write_ended(b);
}

/* The range of @parent in plain writes, on which its end depends; waits for memory only. */
static void write_zeroes(struct bio *parent)
{
	struct bio *bio = NULL;

	if (__blkdev_issue_zeroout(parent->bi_bdev, parent->bi_iter.bi_sector,
				   bio_sectors(parent), GFP_NOIO, &bio, 0))
		parent->bi_status = BLK_STS_IOERR;
	if (bio) {
		bio_chain(bio, parent);
		submit_bio(bio);
	}
	bio_endio(parent);
}

/* The worker of a leg: waits until the leg takes the request. */
static void leg_work(struct work_struct *work)
{
	struct cdp_leg_bio *lb = container_of(work, struct cdp_leg_bio, work);
	struct bio *bio = &lb->bio;

	/* as before it was first sent; a split may have counted it down */
	bio_set_dev(bio, bio->bi_bdev);
	bio->bi_status = BLK_STS_OK;
	bio->bi_iter = lb->iter;
	atomic_set(&bio->__bi_remaining, 1);
	if (!READ_ONCE(lb->f->b))	/* it has gone on without the leg meanwhile */
		bio_io_error(bio);
	else if (lb->by_hand)
		write_zeroes(bio);
	else
		submit_bio_noacct(bio);
}

/* Any context. */
static void leave_to_worker(struct cdp_leg_bio *lb)
{
	lb->bio.bi_opf &= ~REQ_NOWAIT;
	INIT_WORK(&lb->work, leg_work);
	queue_work(lb->f->c->devs[lb->leg].data_wq, &lb->work);
}

/* Zeroes written by hand go without FUA: a flush follows. */
static bool is_to_be_flushed(struct cdp_leg_bio *lb)
{
	struct bio *bio = &lb->bio;

	if (!lb->by_hand || bio->bi_status || !(bio->bi_opf & REQ_FUA))
		return false;
	lb->by_hand = false;
	bio->bi_opf = REQ_OP_WRITE | REQ_PREFLUSH;
	lb->iter.bi_size = 0;
	return true;
}

/* Who has nobody else to answer for the leg waits for it; the others must not. */
static void send_leg_bio(struct cdp_leg_bio *lb)
{
	struct bio *bio = &lb->bio;

	if (!lb->f->lasts) {
		submit_bio_noacct(bio);
	} else if (!lb->by_hand && cdp_sends_at_once(lb->f->c, lb->leg, bio->bi_opf)) {
		lb->iter = bio->bi_iter;
		bio->bi_opf |= REQ_NOWAIT;
		submit_bio_noacct(bio);
	} else {
		lb->iter = bio->bi_iter;
		leave_to_worker(lb);
	}
}

static void leg_ended(struct bio *bio)
{
	struct cdp_leg_bio *lb = container_of(bio, struct cdp_leg_bio, bio);
	struct cdp_bio *b;

	if (cdp_would_wait(bio) || is_to_be_flushed(lb)) {
		leave_to_worker(lb);
		return;
	}
	b = cdp_flight_answered(lb->f, lb->leg, bio->bi_status);
	if (b)
		cdp_flight_parted(b);
}

int cdp_end_bio(struct cdp *c, struct bio *bio, blk_status_t *error)
{
	struct cdp_bio *b = dm_per_bio_data(bio, sizeof(*b));

	if (b->requeue)
		return DM_ENDIO_REQUEUE;
	if (b->kind != BIO_READ || b->leg < 0)
		return DM_ENDIO_DONE;
	cdp_gauge(c, (u32)b->leg, b->ns, b->since);
	if (likely(!*error)) {
		if (likely(!is_of_the_past(b)))
			return DM_ENDIO_DONE;
		put_on(&c->issue, b);
		return DM_ENDIO_INCOMPLETE;
	}
	if (cdp_is_refusal(*error))
		return DM_ENDIO_DONE;
	b->status = *error;
	put_on(&c->unread, b);
	return DM_ENDIO_INCOMPLETE;
}

/*----------------------------------------------------------------
 * Sending
 *--------------------------------------------------------------*/

/* What goes to one leg: a clone of the data, or a request without data. */
static bool leg_bio_init(struct cdp_bio *b, struct cdp_flight *f, u32 leg, struct bio *data,
			 gfp_t gfp)
{
	struct cdp_leg_bio *lb = cdp_leg_bio(f, leg);
	struct cdp_dev *d = &b->c->devs[leg];
	struct bio *bio = &lb->bio;

	if (cdp_has_data(b)) {
		if (bio_init_clone(d->bdev, bio, data, gfp))
			return false;
	} else {
		/* a discard is sent as write-zeroes, so that legs stay alike */
		blk_opf_t op = b->kind == BIO_FLUSH ? REQ_OP_WRITE | REQ_PREFLUSH :
						      REQ_OP_WRITE_ZEROES;
		blk_opf_t keep = REQ_SYNC | REQ_IDLE | REQ_FUA | REQ_META | REQ_PRIO | REQ_NOUNMAP;

		if (b->kind == BIO_FLUSH)
			keep = 0;
		bio_init(bio, d->bdev, NULL, 0, op | (data->bi_opf & keep));
		bio->bi_iter.bi_size = b->sectors << SECTOR_SHIFT;
	}
	bio->bi_opf &= ~(REQ_POLLED | MAY_FAIL);	/* nobody would poll for it */
	bio->bi_iter.bi_sector = d->data_start + b->sector;
	bio->bi_end_io = leg_ended;
	lb->f = f;
	lb->leg = leg;
	lb->by_hand = false;
	return true;
}

static u32 next_leg(u32 *legs)
{
	u32 leg = cdp_ctz(*legs);

	*legs &= *legs - 1;
	return leg;
}

/* Does the request get a flight that may outlive it? Always, unless its pages are lent. */
static bool may_last(struct cdp_bio *b, u32 legs)
{
	const struct cdp_features *f = &b->c->features;

	if (b->kind == BIO_READ)
		return true;
	if (hweight32(legs) < 2)	/* nobody else could answer for it */
		return false;
	return b->kind != BIO_WRITE || !f->no_copy;
}

/* Nothing is sent, not even to those of @legs that are prepared. */
static void forget(struct cdp_flight *f, u32 legs)
{
	while (legs)
		bio_uninit(&cdp_leg_bio(f, next_leg(&legs))->bio);
	cdp_flight_free(f->c, f);
}

/*
 * Send a begun request to its legs. False if that needs memory that is not
 * there without waiting (@gfp may not wait): nothing was sent then.
 */
static bool send(struct cdp_bio *b, u32 legs, gfp_t gfp)
{
	bool lasts = may_last(b, legs);
	struct cdp_flight *f = cdp_flight_alloc(b, lasts, gfp);
	struct bio *data;
	u32 left;

	if (!f)
		return false;
	data = lasts && cdp_has_data(b) ? cdp_flight_pages(f) : cdp_bio_data(b);
	b->late = 0;
	b->status = BLK_STS_OK;
	b->emulate = false;
	for (left = legs; left;) {
		u32 leg = next_leg(&left);

		if (!leg_bio_init(b, f, leg, data, gfp)) {
			forget(f, legs & ((1u << leg) - 1));
			return false;
		}
	}
	cdp_flight_start(b, f, legs);
	while (legs)	/* f and b may be gone after the last */
		send_leg_bio(cdp_leg_bio(f, next_leg(&legs)));
	return true;
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
	if (park) {
		cdp_count(c, STAT_PARKED, 1);
		put_on(park, b);
	}
	spin_unlock(&c->lock);

	if (park)
		return;
	if (v != VERDICT_GO)
		cdp_bio_done(b, BLK_STS_IOERR);
	else if (!send(b, b->io.legs, gfp))
		put_on(&c->issue, b);
}

/* Legs that refused or failed write-zeroes get zeroes written, with a new deadline. */
static void emulate_zeroes(struct cdp_bio *b)
{
	u32 left, legs = to_write_by_hand(b);
	struct cdp_flight *f = cdp_flight_alloc(b, true, GFP_NOIO);

	for (left = legs; left;) {
		u32 leg = next_leg(&left);

		leg_bio_init(b, f, leg, cdp_bio_data(b), GFP_NOIO);
		cdp_leg_bio(f, leg)->by_hand = true;
	}
	cdp_flight_start(b, f, legs);
	while (legs)	/* f and b may be gone after the last */
		send_leg_bio(cdp_leg_bio(f, next_leg(&legs)));
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
			send(b, b->io.legs, GFP_NOIO);
		else
			begin(b, GFP_NOIO);
		cond_resched();
	}
}

/*----------------------------------------------------------------
 * Reads
 *--------------------------------------------------------------*/

/* A read that is not copied is answered by the leg itself, into the caller's pages. */
static inline void aim(struct cdp_bio *b, struct bio *bio)
{
	struct cdp_dev *d = &b->c->devs[b->leg];

	b->late = 0;
	b->ns = cdp_stamp(b->c, &b->since);
	bio_set_dev(bio, d->bdev);
	bio->bi_opf &= ~MAY_FAIL;
	bio->bi_iter.bi_sector = d->data_start + b->sector;
}

/*
 * Private pages for a read let another leg answer it when this one hangs; the caller's
 * own cannot be taken back from a disk. That is worth a copy, except from a leg that
 * is as fast as memory, or where nobody else could answer.
 */
static bool copies_read(struct cdp *c, int leg, u64 worth_ns)
{
	const struct cdp_features *f = &c->features;

	if (f->read_copy == READ_COPY_ALWAYS)
		return true;
	return f->read_copy == READ_COPY_AUTO && READ_ONCE(c->mean_ns[leg]) > worth_ns &&
	       !f->no_copy && READ_ONCE(f->leg_timeout_ms) &&
	       cdp_load(c->set.in_sync) & ~(1u << leg);
}

/* To the leg b->leg; @gfp may not wait: false if memory is short. */
static bool send_read(struct cdp_bio *b, gfp_t gfp)
{
	return send(b, 1u << b->leg, gfp);
}

void cdp_read_again(struct cdp_bio *b)
{
	struct bio *bio = cdp_bio_data(b);
	struct cdp *c = b->c;

	spin_lock(&c->lock);
	b->leg = cdp_read_pick(&c->set, cdp_bio_span(b), b->tried);
	if (b->leg >= 0)
		cdp_read_seen(&c->set, (u32)b->leg, &b->flaps);
	spin_unlock(&c->lock);
	if (b->leg < 0) {
		b->tried = 0;
		if (c->features.on_last_error == ON_LAST_ERROR_QUEUE)
			cdp_bio_park(b, &c->blocked);
		else
			cdp_bio_done(b, b->status ?: BLK_STS_IOERR);
		return;
	}
	if (b->tried)
		cdp_count(c, STAT_RETRIED_READS, 1);
	bio->bi_iter = b->iter;
	bio->bi_status = BLK_STS_OK;
	/* always, where it can be: the issue worker must not wait for one leg */
	if (copies_read(c, b->leg, 0)) {
		send_read(b, GFP_NOIO);
		return;
	}
	/* as before it was first sent: a split may have counted it down */
	atomic_set(&bio->__bi_remaining, 1);
	aim(b, bio);
	submit_bio_noacct(bio);
}

static int map_read(struct cdp_bio *b, struct bio *bio)
{
	struct cdp *c = b->c;
	int leg = cdp_load(c->set.read_leg);

	if (c->features.read_policy == READ_POLICY_BALANCE && cdp_load(c->set.fast))
		leg = (int)(cdp_bio_span(b).extent % c->nr_legs);
	if (unlikely(leg < 0))
		return DM_MAPIO_KILL;
	b->kind = BIO_READ;
	b->leg = leg;
	b->iter = bio->bi_iter;
	b->tried = 0;
	b->status = BLK_STS_OK;
	cdp_count(c, STAT_READS, 1);
	cdp_count(c, STAT_READ_BYTES, bio->bi_iter.bi_size);
	if (!cdp_read_seen(&c->set, (u32)leg, &b->flaps)) {
		put_on(&c->issue, b);
		return DM_MAPIO_SUBMITTED;
	}
	if (copies_read(c, leg, COPY_WORTH_NS)) {
		if (!send_read(b, GFP_NOWAIT))
			put_on(&c->issue, b);
		return DM_MAPIO_SUBMITTED;
	}
	aim(b, bio);
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
			kick_claims(b->c);
		begin(b, GFP_NOWAIT);
	} else if (!send(b, b->io.legs, GFP_NOWAIT)) {
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
	b->sector = dm_target_offset(c->ti, bio->bi_iter.bi_sector);
	b->sectors = bio_sectors(bio);
	now = jiffies;
	if (READ_ONCE(c->last_request) != now)	/* written once a tick, by all CPUs */
		WRITE_ONCE(c->last_request, now);
	if (bio_data_dir(bio) == READ)
		return map_read(b, bio);

	b->io.legs = 0;
	b->emulate = false;
	if (bio->bi_opf & REQ_PREFLUSH) {
		b->kind = BIO_FLUSH;
		b->sectors = 0;
		b->io.span = (struct cdp_span) { 0, 0 };
		b->io.bytes = 0;
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
		b->kind = BIO_WRITE;
	}
	b->io.span = cdp_bio_span(b);
	b->io.bytes = b->sectors << SECTOR_SHIFT;
	cdp_count(c, STAT_WRITES, 1);
	cdp_count(c, STAT_WRITE_BYTES, (u64)b->sectors << SECTOR_SHIFT);
	return map_write(b);
}
