// SPDX-License-Identifier: GPL-2.0
/*
 * Verify: runs of regions are read from all legs that hold them and compared, while the
 * set is in use. The core says which, keeps writes away from them meanwhile, and says what
 * a difference is worth; this side reads, and compares the bytes.
 *
 * It is all done on the queue that waits for nothing (copy_wq): a run that is claimed
 * holds back writes of the guest. Where memory is short it is given up, and read later.
 */
#include <linux/slab.h>

#include "cdp.h"

#define RUN_IDLE	1024u	/* largest run, and largest piece of one, in sectors, while */
#define RUN_BUSY	256u	/* the guest is quiet; while it is not; while it waits for */
#define RUN_SMALL	128u	/* processors */
#define WINDOW_BUSY	1u	/* runs under way, likewise */
#define SCAN_BUDGET	8192	/* runs under the lock at a time */
#define RETRY_MS	20	/* where nothing can be claimed */

/* A run that is read, a piece at a time. */
struct cdp_reading {
	struct cdp_sent sent;
	struct cdp *c;
	u32 slot, claim;
	u32 legs;			/* read; 0: not yet */
	u32 against;			/* of these, the one that the others are compared with */
	sector_t sector;		/* of the piece, in the set */
	u32 left, piece;		/* sectors */
	bool abandoned, unreadable;
	unsigned long failed;		/* one bit a leg */
	u32 failed_before;		/* in the reading before */
	u8 differs[RUN_IDLE];		/* the sectors in that reading: one bit a leg */
	u8 twice[RUN_IDLE];		/* in this one as well */
	struct look_leg {
		struct cdp_reading *look;
		u32 leg;
		struct bio *bio;
		struct work_struct work;
	} from[CDP_MAX_LEGS];
	u32 leg_pages, nr_pages;	/* for the data of one leg, and of all */
	struct page *pages[];
};

void cdp_kick_verify(struct cdp *c)
{
	if (!READ_ONCE(c->dead))
		mod_delayed_work(c->copy_wq, &c->verify_work, 0);
}

/*----------------------------------------------------------------
 * Memory
 *--------------------------------------------------------------*/

static void look_free(struct cdp *c, struct cdp_reading *look)
{
	while (look->nr_pages)
		mempool_free(look->pages[--look->nr_pages], &c->look_pages);
	kfree(look);
}

static void look_release(struct cdp *c, struct cdp_sent *sent)
{
	look_free(c, container_of(sent, struct cdp_reading, sent));
}

/* For pieces of @sectors, for smaller ones where memory is short; NULL: for none. */
static struct cdp_reading *look_alloc(struct cdp *c, u32 sectors)
{
	u32 want = c->nr_legs * DIV_ROUND_UP(sectors, PAGE_SIZE >> SECTOR_SHIFT), i;
	struct cdp_reading *look = kzalloc(sizeof(*look) + want * sizeof(look->pages[0]),
					GFP_NOWAIT | __GFP_NOWARN);

	if (!look)
		return NULL;
	for (i = 0; i < CDP_MAX_LEGS; i++) {
		look->from[i].look = look;
		look->from[i].leg = i;
	}
	look->c = c;
	while (look->nr_pages < want) {
		struct page *page = mempool_alloc(&c->look_pages, GFP_NOWAIT | __GFP_NOWARN);

		if (!page)
			break;
		look->pages[look->nr_pages++] = page;
	}
	look->leg_pages = look->nr_pages / c->nr_legs;
	if (look->leg_pages)
		return look;
	look_free(c, look);
	return NULL;
}

/* Sectors that fit in. */
static u32 room(const struct cdp_reading *look)
{
	return look->leg_pages << (PAGE_SHIFT - SECTOR_SHIFT);
}

/*----------------------------------------------------------------
 * Reading
 *--------------------------------------------------------------*/

/* A leg has answered; any context. */
static void leg_answered(struct cdp_reading *look, u32 leg)
{
	struct cdp *c = look->c;
	unsigned long flags;
	bool last, abandoned;

	spin_lock_irqsave(&c->queue_lock, flags);
	last = !atomic_sub_return(1 << leg, &look->sent.pending);
	abandoned = look->abandoned;
	if (last && !abandoned) {
		list_add_tail(&look->sent.node, &c->looked);
		cdp_kick_verify(c);
	}
	spin_unlock_irqrestore(&c->queue_lock, flags);
	if (last && abandoned)
		cdp_late_ended(c, &look->sent, look_release);
}

static void look_ended(struct bio *bio)
{
	struct look_leg *from = bio->bi_private;

	if (bio->bi_status)
		set_bit(from->leg, &from->look->failed);
	bio_put(bio);
	leg_answered(from->look, from->leg);
}

static struct bio *look_bio(struct cdp_reading *look, u32 leg)
{
	struct cdp *c = look->c;
	struct cdp_dev *d = &c->devs[leg];
	u32 i, left = look->piece << SECTOR_SHIFT;
	struct bio *bio = bio_alloc_bioset(d->bdev, (unsigned short)look->leg_pages,
					   REQ_OP_READ, GFP_NOWAIT, &c->look_bios);

	if (!bio)
		return NULL;
	bio->bi_iter.bi_sector = d->data_start + look->sector;
	bio->bi_end_io = look_ended;
	bio->bi_private = &look->from[leg];
	for (i = leg * look->leg_pages; left; i++) {
		u32 len = min_t(u32, left, PAGE_SIZE);

		__bio_add_page(bio, look->pages[i], len, 0);
		left -= len;
	}
	return bio;
}

/* The worker of the leg, which may wait until that takes it. */
static void look_work(struct work_struct *work)
{
	struct look_leg *from = container_of(work, struct look_leg, work);
	struct cdp_stint stint = cdp_stint_begin();
	struct cdp *c = from->look->c;

	if (!READ_ONCE(from->look->abandoned)) {
		submit_bio_noacct(from->bio);
		cdp_stint_end(c, stint);
		return;
	}
	bio_put(from->bio);
	leg_answered(from->look, from->leg);
}

/* A bio for each leg, or none. */
static bool look_bios(struct cdp_reading *look)
{
	u32 leg;

	for (leg = 0; leg < look->c->nr_legs; leg++) {
		if (!(look->legs & 1u << leg))
			continue;
		look->from[leg].bio = look_bio(look, leg);
		if (!look->from[leg].bio)
			break;
	}
	if (leg == look->c->nr_legs)
		return true;
	while (leg--)
		if (look->legs & 1u << leg)
			bio_put(look->from[leg].bio);
	return false;
}

/* Read the piece. False without memory: nothing was sent. */
static bool look_send(struct cdp_reading *look)
{
	struct cdp *c = look->c;
	u32 leg, legs = look->legs;

	if (!look_bios(look))
		return false;
	look->failed = 0;
	look->sent.since = jiffies;
	atomic_set(&look->sent.pending, (int)legs);
	cdp_count(c, STAT_VERIFY_READS, 1);
	cdp_watch(c);
	for (leg = 0; leg < c->nr_legs; leg++)	/* it may be over after the last */
		if (legs & 1u << leg) {
			INIT_WORK(&look->from[leg].work, look_work);
			queue_work(c->devs[leg].data_wq, &look->from[leg].work);
		}
	return true;
}

/*----------------------------------------------------------------
 * Comparing
 *--------------------------------------------------------------*/

static bool is_alike(const struct cdp_reading *look, u32 a, u32 b, u32 first, u32 sectors)
{
	while (sectors) {
		u32 page = first >> (PAGE_SHIFT - SECTOR_SHIFT);
		u32 at = first & ((PAGE_SIZE >> SECTOR_SHIFT) - 1);
		u32 n = min_t(u32, sectors, (PAGE_SIZE >> SECTOR_SHIFT) - at);
		const char *pa = page_address(look->pages[a * look->leg_pages + page]);
		const char *pb = page_address(look->pages[b * look->leg_pages + page]);

		if (memcmp(pa + (at << SECTOR_SHIFT), pb + (at << SECTOR_SHIFT),
			   n << SECTOR_SHIFT))
			return false;
		first += n;
		sectors -= n;
	}
	return true;
}

static bool is_compared(const struct cdp_reading *look, u32 leg)
{
	return look->legs & ~(u32)look->failed & 1u << leg && leg != look->against;
}

static bool all_alike(const struct cdp_reading *look)
{
	u32 leg;

	if (look->failed)
		return false;
	for (leg = 0; leg < look->c->nr_legs; leg++)
		if (is_compared(look, leg) && !is_alike(look, leg, look->against, 0, look->piece))
			return false;
	return true;
}

/* Note which sectors differ, and which did before. Return: do any for the second time? */
static bool note(struct cdp_reading *look)
{
	u32 leg, s;
	u8 any = 0;

	for (s = 0; s < look->piece; s++) {
		u8 now = 0;

		for (leg = 0; leg < look->c->nr_legs; leg++)
			if (is_compared(look, leg) && !is_alike(look, leg, look->against, s, 1))
				now |= 1u << leg;
		look->twice[s] = look->differs[s] & now;
		look->differs[s] = now;
		any |= look->twice[s];
	}
	return any;
}

static enum cdp_verify_seen compare(struct cdp_reading *look)
{
	u32 failed = (u32)look->failed, before = look->failed_before;

	if (all_alike(look))
		return SEEN_ALIKE;
	look->failed_before = failed;
	/* with nothing to compare them with the others have to wait */
	if (failed & 1u << look->against)
		memset(look->differs, 0, look->piece);
	else if (note(look))
		return SEEN_TWICE;
	return failed & before ? SEEN_TWICE : SEEN_CHANGED;
}

/*----------------------------------------------------------------
 * Telling; lock held
 *--------------------------------------------------------------*/

static bool tell_range(struct cdp *c, const struct cdp_diff *d)
{
	enum cdp_verify_news news = cdp_verify_found(&c->set, d);

	if (news == FOUND_NEW)
		cdp_event(c, "verify-difference", (int)d->leg, "to leg %u in sectors %llu-%llu",
			  d->against, d->first, d->first + d->sectors - 1);
	return news != FOUND_TOO_MANY;
}

/* All ranges in which @leg differs. False: too many by now. */
static bool tell_leg(struct cdp_reading *look, u32 leg)
{
	struct cdp_diff d = { .leg = leg, .against = look->against };
	u32 s;

	for (s = 0; s <= look->piece; s++) {
		if (s < look->piece && look->twice[s] & 1u << leg) {
			if (!d.sectors++)
				d.first = look->sector + s;
		} else if (d.sectors) {
			if (!tell_range(look->c, &d))
				return false;
			d.sectors = 0;
		}
	}
	return true;
}

/* A leg that cannot read what others can gets it written anew, as after a guest's read. */
static void tell_unreadable(struct cdp_reading *look)
{
	struct cdp *c = look->c;
	u32 leg;

	for (leg = 0; leg < c->nr_legs; leg++) {
		if (!(look->failed & 1ul << leg))
			continue;
		cdp_event(c, "read-error", (int)leg, "while verifying");
		cdp_read_failed(&c->set, leg,
				cdp_span_of(&c->set.g, look->sector, look->piece),
				c->features.read_error_limit);
	}
	look->unreadable = true;
}

/* What was seen twice. Return: may the run go on? */
static bool tell(struct cdp_reading *look)
{
	struct cdp *c = look->c;
	u32 leg;

	if (look->failed) {
		tell_unreadable(look);
		return true;
	}
	for (leg = 0; leg < c->nr_legs; leg++)
		if (is_compared(look, leg) && !tell_leg(look, leg)) {
			cdp_verify_stop(&c->set);
			cdp_event(c, "verify-stopped", -1, "too many differences");
			return false;
		}
	return true;
}

/*----------------------------------------------------------------
 * The life of a run
 *--------------------------------------------------------------*/

/* It is over. Return: true. */
static bool end(struct cdp_reading *look, enum cdp_verify_how how)
{
	struct cdp *c = look->c;

	spin_lock(&c->lock);
	c->readings[look->slot] = NULL;
	cdp_verify_end(&c->set, look->claim, how);
	cdp_tell(c);
	spin_unlock(&c->lock);
	look_free(c, look);
	return true;
}

/* Writes that waited for a run may go. */
static void let_go(struct cdp *c)
{
	cdp_reissue(c, &c->copying);
	cdp_kick_commit(c);
	cdp_kick_keeper(c);
	wake_up_all(&c->wait);
}

/* Read it, for the first time or again. Return: is the run over instead? */
static bool read_piece(struct cdp_reading *look)
{
	look->piece = min(look->left, room(look));
	return !look_send(look) && end(look, VERIFY_VOID);
}

static bool next_piece(struct cdp_reading *look)
{
	look->sector += look->piece;
	look->left -= look->piece;
	look->failed_before = 0;
	memset(look->differs, 0, sizeof(look->differs));
	if (!look->left)
		return end(look, look->unreadable ? VERIFY_UNREADABLE : VERIFY_COMPARED);
	return read_piece(look);
}

/* A piece was read. Return: is the run over? */
static bool judge(struct cdp_reading *look)
{
	enum cdp_verify_seen seen = compare(look);
	struct cdp *c = look->c;
	enum cdp_verify_step step;

	spin_lock(&c->lock);
	step = cdp_verify_judge(&c->set, look->claim, seen);
	if (step == VERIFY_TELL)
		step = tell(look) ? VERIFY_NEXT : VERIFY_LAPSED;
	spin_unlock(&c->lock);
	switch (step) {
	case VERIFY_AGAIN:
		return read_piece(look);
	case VERIFY_UNSTABLE:
		return end(look, VERIFY_UNREADABLE);
	case VERIFY_LAPSED:
		return end(look, VERIFY_VOID);
	default:
		return next_piece(look);
	}
}

static bool reap(struct cdp *c)
{
	struct cdp_reading *look, *next;
	bool over = false;
	LIST_HEAD(list);

	spin_lock_irq(&c->queue_lock);
	list_splice_init(&c->looked, &list);
	spin_unlock_irq(&c->queue_lock);
	list_for_each_entry_safe(look, next, &list, sent.node) {
		struct cdp_stint stint = cdp_stint_begin();

		over |= judge(look);
		cdp_stint_end(c, stint);
		cond_resched();
	}
	return over;
}

/* Read what was claimed and has come to rest. Return: is it over instead? */
static bool start_drained(struct cdp *c, u32 slot)
{
	struct cdp_reading *look;
	bool drained;

	spin_lock(&c->lock);
	look = c->readings[slot];
	drained = look && !look->legs && cdp_claim_drained(&c->set, look->claim);
	if (drained) {
		look->legs = cdp_verify_legs(&c->set, look->claim);
		look->against = cdp_verify_against(&c->set, look->legs);
	}
	spin_unlock(&c->lock);
	if (!drained)
		return false;
	/* writes that waited for the drain may be outside of the run */
	cdp_reissue(c, &c->copying);
	return look->legs ? read_piece(look) : end(look, VERIFY_VOID);
}

/*----------------------------------------------------------------
 * The pass
 *--------------------------------------------------------------*/

/* Something to read the claimed run with; without memory it is given up. */
static struct cdp_reading *equip(struct cdp *c, u32 claim, u32 most)
{
	struct cdp_set *s = &c->set;
	struct cdp_span span = s->claims[claim].span;
	u32 sectors = (u32)cdp_run_sectors(&s->g, span.extent, span.mask);
	struct cdp_reading *look = look_alloc(c, min(sectors, most));

	spin_lock(&c->lock);
	if (look) {
		look->claim = claim;
		look->slot = claim - CDP_COPIES;
		look->sector = cdp_run_start(&s->g, span.extent, span.mask);
		look->left = sectors;
		c->readings[look->slot] = look;
	} else {
		cdp_verify_end(s, claim, VERIFY_VOID);
	}
	spin_unlock(&c->lock);
	return look;
}

/* Return: can more be claimed now? */
static bool claim_one(struct cdp *c)
{
	u32 most = cdp_begins_small(c) ? RUN_SMALL : cdp_is_busy(c) ? RUN_BUSY : RUN_IDLE;
	struct cdp_reading *look;
	int r;

	spin_lock(&c->lock);
	r = cdp_verify_next(&c->set, max(most >> c->set.g.region_shift, 1u), SCAN_BUDGET);
	spin_unlock(&c->lock);
	if (r < 0)
		return r == -EAGAIN;
	look = equip(c, (u32)r, most);
	if (!look)
		let_go(c);
	else
		cdp_rate_spend(&c->verify_rate, look->left);
	return look;
}

static bool may_claim(struct cdp *c)
{
	struct cdp_set *s = &c->set;
	u32 window = cdp_is_busy(c) ? WINDOW_BUSY : CDP_CLAIMS - CDP_COPIES;

	return READ_ONCE(s->verify.state) == VERIFY_RUNNING && !READ_ONCE(s->verify.held) &&
	       READ_ONCE(s->nr_verifies) < window && cdp_rate_allows(&c->verify_rate) &&
	       cdp_may_begin(c, &c->verify_rest);
}

static void end_pass(struct cdp *c)
{
	struct cdp_set *s = &c->set;

	spin_lock(&c->lock);
	if (cdp_verify_over(s)) {
		cdp_event(c, "verify-finished", -1, "%u differences", s->verify.nr_diffs);
	} else if (s->verify.state == VERIFY_RUNNING && !cdp_verify_can(cdp_set_joined(s))) {
		cdp_verify_stop(s);
		cdp_event(c, "verify-stopped", -1, "one leg is left");
	}
	spin_unlock(&c->lock);
}

void cdp_verify_work(struct work_struct *work)
{
	struct cdp *c = container_of(to_delayed_work(work), struct cdp, verify_work);
	bool over = reap(c);
	u32 slot;

	end_pass(c);
	while (may_claim(c) && claim_one(c))
		cond_resched();
	for (slot = 0; slot < CDP_CLAIMS - CDP_COPIES; slot++)
		over |= start_drained(c, slot);
	if (over)
		let_go(c);
	end_pass(c);
	if (READ_ONCE(c->set.verify.state) == VERIFY_RUNNING && !READ_ONCE(c->set.verify.held))
		queue_delayed_work(c->copy_wq, &c->verify_work, msecs_to_jiffies(RETRY_MS));
}

/*----------------------------------------------------------------
 * Deadlines
 *--------------------------------------------------------------*/

/* The same as for a copy. Lock held. */
static bool abandon(struct cdp *c, u32 slot, unsigned long now)
{
	struct cdp_reading *look = c->readings[slot];
	unsigned long since = look->sent.since;
	u32 late, pending;

	spin_lock_irq(&c->queue_lock);
	late = cdp_too_late(c, &look->sent, now, 0, (u32)look->failed);
	pending = late ?: cdp_leave_behind(c, &look->sent, now);
	if (pending) {
		WRITE_ONCE(look->abandoned, true);
		list_add_tail(&look->sent.node, &c->late);
	}
	spin_unlock_irq(&c->queue_lock);
	if (!pending)
		return false;
	/* from here on its last answer frees it */
	c->readings[slot] = NULL;
	cdp_verify_end(&c->set, CDP_COPIES + slot, VERIFY_VOID);
	cdp_give_up(c, late, since);
	return true;
}

bool cdp_looks_overdue(struct cdp *c, struct cdp_look look)
{
	bool any = false, free = false;
	u32 slot;

	lockdep_assert_held(&c->lock);
	for (slot = 0; slot < CDP_CLAIMS - CDP_COPIES; slot++) {
		if (!c->readings[slot])
			continue;
		any = true;
		cdp_add_missed(&c->readings[slot]->sent, look);
		free |= abandon(c, slot, look.now);
	}
	if (free) {
		let_go(c);
		cdp_kick_verify(c);
	}
	return any;
}

/*----------------------------------------------------------------
 * By command
 *--------------------------------------------------------------*/

int cdp_verify_begin(struct cdp *c, u64 from, u64 to)
{
	int r;

	spin_lock(&c->lock);
	r = cdp_verify_start(&c->set, from, to);
	if (!r)
		cdp_event(c, "verify-started", -1, "sectors %llu-%llu", from, to - 1);
	spin_unlock(&c->lock);
	cdp_kick_verify(c);
	return r;
}

int cdp_verify_cancel(struct cdp *c)
{
	struct cdp_set *s = &c->set;
	int r = -EBUSY;

	spin_lock(&c->lock);
	if (s->verify.state == VERIFY_RUNNING) {
		cdp_verify_stop(s);
		cdp_event(c, "verify-stopped", -1, "by command");
		r = 0;
	}
	spin_unlock(&c->lock);
	return r;
}

/*----------------------------------------------------------------
 * Tables
 *--------------------------------------------------------------*/

void cdp_verify_hold(struct cdp *c)
{
	spin_lock(&c->lock);
	c->set.verify.held = true;
	spin_unlock(&c->lock);
	cdp_kick_verify(c);
	wait_event(c->wait, !READ_ONCE(c->set.nr_verifies));
}

void cdp_verify_resume(struct cdp *c)
{
	spin_lock(&c->lock);
	c->set.verify.held = false;
	spin_unlock(&c->lock);
	cdp_kick_verify(c);
}

/* The pass goes on in the next table, if that has the same legs. @old's lock held. */
void cdp_verify_inherit(struct cdp *c, struct cdp *old, bool same_legs)
{
	struct cdp_verify *v = &c->set.verify;

	if (c->region_sectors != old->region_sectors)
		return;
	*v = old->set.verify;
	c->verify_rate.mbps = old->verify_rate.mbps;
	v->held = true;
	if (same_legs)
		return;
	cdp_verify_stop(&c->set);
	v->nr_diffs = 0;
}

/*----------------------------------------------------------------
 * Pools
 *--------------------------------------------------------------*/

int cdp_verify_init(struct cdp *c)
{
	int r;

	c->set.verify.held = true;
	r = bioset_init(&c->look_bios, 2, 0, BIOSET_NEED_BVECS);
	return r ?: mempool_init_page_pool(&c->look_pages, 1, 0);
}

void cdp_verify_exit(struct cdp *c)
{
	mempool_exit(&c->look_pages);
	bioset_exit(&c->look_bios);
}
