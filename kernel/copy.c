// SPDX-License-Identifier: GPL-2.0
/*
 * One copy of a run of regions: read from the source, written to the target, a
 * piece at a time. A copy that a leg does not answer in time is abandoned: its run
 * is given free, and it ends with the answer, without writing anything more. What is
 * read as zeroes is not sent where the target can be told to write zeroes.
 */
#include <linux/string.h>

#include "cdp.h"

#define PIECE_PAGES	256u	/* largest piece */
#define FINE_SECTORS	8u	/* a piece where something could not be read */
#define RUN_RESERVE	16u

static void release_copy(struct cdp *c, struct cdp_sent *sent)
{
	struct bio *bio = &container_of(sent, struct cdp_copy, sent)->bio;

	cdp_pages_put(&c->run_pages, bio);
	bio_put(bio);
}

void cdp_copy_free(struct cdp *c, struct cdp_copy *copy)
{
	release_copy(c, &copy->sent);
}

/* A piece was read or written, or is not sent any more; any context. */
static void piece_ended(struct cdp_copy *copy)
{
	struct cdp *c = copy->c;
	unsigned long flags;
	bool abandoned;

	spin_lock_irqsave(&c->queue_lock, flags);
	copy->slowest = max(copy->slowest, jiffies - copy->sent.since);
	atomic_set(&copy->sent.pending, 0);
	abandoned = copy->abandoned;
	if (!abandoned) {
		list_add_tail(&copy->sent.node, &c->pieces);
		queue_work(c->copy_wq, &c->copy_work);
	}
	spin_unlock_irqrestore(&c->queue_lock, flags);
	if (abandoned)
		cdp_late_ended(c, &copy->sent, release_copy);
}

static void bio_ended(struct bio *bio)
{
	struct cdp_copy *copy = bio->bi_private;

	copy->status = bio->bi_status;
	bio_put(bio);
	piece_ended(copy);
}

static void send(struct cdp *c, struct cdp_copy *copy)
{
	struct cdp_dev *d = &c->devs[copy->writing ? copy->target : copy->source];
	blk_opf_t op = copy->zeroes ? REQ_OP_WRITE_ZEROES :
		       copy->writing ? REQ_OP_WRITE : REQ_OP_READ;
	struct bio *bio;

	if (READ_ONCE(copy->abandoned)) {
		piece_ended(copy);
		return;
	}
	if (copy->zeroes)
		bio = bio_alloc_bioset(d->bdev, 0, op, GFP_NOIO, &c->meta_bios);
	else
		bio = bio_alloc_clone(d->bdev, &copy->bio, GFP_NOIO, &c->meta_bios);
	bio->bi_opf = op;
	bio->bi_iter.bi_sector = d->data_start + copy->sector;
	bio->bi_iter.bi_size = copy->piece << SECTOR_SHIFT;
	bio->bi_end_io = bio_ended;
	bio->bi_private = copy;
	submit_bio_noacct(bio);
}

/* The worker of the leg that it goes to; the copy may be gone after it. */
static void send_work(struct work_struct *work)
{
	struct cdp_copy *copy = container_of(work, struct cdp_copy, work);
	struct cdp_stint stint = cdp_stint_begin();
	struct cdp *c = copy->c;

	send(c, copy);
	cdp_stint_end(c, stint);
}

/* To the target if @writing, else from the source. */
static void send_piece(struct cdp_copy *copy, bool writing)
{
	u32 leg = writing ? copy->target : copy->source;

	copy->writing = writing;
	copy->sent.since = jiffies;
	atomic_set(&copy->sent.pending, 1 << leg);
	INIT_WORK(&copy->work, send_work);
	queue_work(copy->c->devs[leg].data_wq, &copy->work);
}

static void read_piece(struct cdp_copy *copy)
{
	u32 most = copy->fine ? FINE_SECTORS : copy->pages << (PAGE_SHIFT - SECTOR_SHIFT);

	if (cdp_begins_small(copy->c))
		most = min(most, CDP_SMALL_COPY);
	copy->piece = min_t(u32, copy->left, most);
	copy->zeroes = false;
	send_piece(copy, false);
}

static void ended(struct cdp_copy *copy)
{
	struct cdp *c = copy->c;

	spin_lock_irq(&c->queue_lock);
	list_add_tail(&copy->sent.node, &c->copied);
	spin_unlock_irq(&c->queue_lock);
	cdp_kick_keeper(c);
	wake_up_all(&c->wait);
}

static void next_piece(struct cdp_copy *copy)
{
	copy->sector += copy->piece;
	copy->left -= copy->piece;
	if (copy->left)
		read_piece(copy);
	else
		ended(copy);
}

/* What cannot be read is named, and the rest is copied. */
static void unreadable(struct cdp_copy *copy)
{
	copy->read_failed = true;
	if (!copy->fine) {
		ended(copy);
		return;
	}
	cdp_note_unreadable(copy->c, copy->source, copy->sector, copy->piece);
	next_piece(copy);
}

static bool reads_as_zeroes(struct cdp_copy *copy)
{
	u32 i, left = copy->piece << SECTOR_SHIFT;

	for (i = 0; left; i++) {
		u32 len = min_t(u32, left, PAGE_SIZE);

		if (memchr_inv(page_address(copy->bio.bi_io_vec[i].bv_page), 0, len))
			return false;
		left -= len;
	}
	return true;
}

static bool takes_zeroes(struct cdp *c, u32 leg)
{
	return !(c->no_zeroes & 1u << leg) && bdev_write_zeroes_sectors(c->devs[leg].bdev);
}

static void write_piece(struct cdp_copy *copy)
{
	copy->zeroes = takes_zeroes(copy->c, copy->target) && reads_as_zeroes(copy);
	send_piece(copy, true);
}

static void go_on(struct cdp_copy *copy)
{
	if (copy->status && copy->zeroes) {
		/* it may still take them as data */
		copy->c->no_zeroes |= 1u << copy->target;
		write_piece(copy);
	} else if (copy->status && copy->writing) {
		copy->write_failed = true;
		ended(copy);
	} else if (copy->status) {
		unreadable(copy);
	} else if (copy->writing) {
		if (copy->zeroes)
			copy->c->zeroed_bytes[copy->target] += (u64)copy->piece << SECTOR_SHIFT;
		else
			copy->dense += copy->piece;
		next_piece(copy);
	} else {
		write_piece(copy);
	}
}

void cdp_copy_work(struct work_struct *work)
{
	struct cdp *c = container_of(work, struct cdp, copy_work);
	struct cdp_copy *copy, *next;
	LIST_HEAD(list);

	spin_lock_irq(&c->queue_lock);
	list_splice_init(&c->pieces, &list);
	spin_unlock_irq(&c->queue_lock);
	list_for_each_entry_safe(copy, next, &list, sent.node) {
		struct cdp_stint stint = cdp_stint_begin();

		go_on(copy);
		cdp_stint_end(c, stint);
		cond_resched();
	}
}

/* Pages for a piece, as many as there are without waiting; NULL: none. */
struct cdp_copy *cdp_copy_alloc(struct cdp *c, sector_t sectors)
{
	u32 want = min_t(u32, PIECE_PAGES, DIV_ROUND_UP(sectors, PAGE_SIZE >> SECTOR_SHIFT));
	struct bio *bio = bio_alloc_bioset(NULL, (unsigned short)want, REQ_OP_WRITE, GFP_NOWAIT,
					   &c->run_bios);
	struct cdp_copy *copy;

	if (!bio)
		return NULL;
	copy = container_of(bio, struct cdp_copy, bio);
	copy->pages = cdp_pages_add(&c->run_pages, bio, want << PAGE_SHIFT,
				    GFP_NOWAIT | __GFP_NOWARN) >> PAGE_SHIFT;
	if (copy->pages)
		return copy;
	bio_put(bio);
	return NULL;
}

void cdp_copy_send(struct cdp_copy *copy)
{
	struct cdp *c = copy->c;

	copy->slowest = 0;
	copy->abandoned = copy->read_failed = copy->write_failed = false;
	copy->dense = 0;
	read_piece(copy);
	cdp_watch(c);
}

/*
 * Give free what legs do not answer. c->lock held; the answers of an abandoned
 * copy are awaited like those of late flights.
 */
static bool abandon(struct cdp *c, u32 claim, unsigned long now)
{
	struct cdp_copy *copy = c->copies[claim];
	unsigned long since = copy->sent.since;
	u32 late, pending;

	spin_lock_irq(&c->queue_lock);
	late = cdp_too_late(c, &copy->sent, now, 0, 0);
	pending = late ?: cdp_leave_behind(c, &copy->sent, now);
	if (pending) {
		WRITE_ONCE(copy->abandoned, true);
		list_add_tail(&copy->sent.node, &c->late);
	}
	spin_unlock_irq(&c->queue_lock);
	if (!pending)
		return false;
	/* from here on its last answer frees it */
	c->copies[claim] = NULL;
	cdp_copy_end(&c->set, claim, false);
	cdp_give_up(c, late, since);
	return true;
}

bool cdp_copies_overdue(struct cdp *c, struct cdp_look look)
{
	bool any = false, free = false;
	u32 i;

	lockdep_assert_held(&c->lock);
	for (i = 0; i < CDP_COPIES; i++) {
		if (!c->copies[i])
			continue;
		any = true;
		cdp_add_missed(&c->copies[i]->sent, look);
		free |= abandon(c, i, look.now);
	}
	if (free) {
		cdp_reissue(c, &c->copying);
		cdp_kick_commit(c);
		cdp_kick_keeper(c);
		wake_up_all(&c->wait);
	}
	return any;
}

int cdp_copies_init(struct cdp *c)
{
	int r = bioset_init(&c->run_bios, 4, offsetof(struct cdp_copy, bio), BIOSET_NEED_BVECS);

	return r ?: cdp_pool_init(&c->run_pages, RUN_RESERVE, 0);
}

void cdp_copies_exit(struct cdp *c)
{
	cdp_pool_exit(&c->run_pages);
	bioset_exit(&c->run_bios);
}
