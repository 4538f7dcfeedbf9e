// SPDX-License-Identifier: GPL-2.0
/*
 * The commit worker: what has to be durable before something goes on. One
 * round of page writes serves all requests that wait for it.
 */
#include <linux/hrtimer.h>

#include "cdp.h"

#define RETRY_MS	1000	/* after the last leg took no metadata */
#define GATHER_LEAST	60000ull	/* ns: less is not worth a sleep */
#define GATHER_MOST	1000000ull
#define GATHER_LATELY	10000000ull
#define CROWD_MOST	64u	/* so many make one round cheap enough */

static void take(struct cdp *c, struct list_head *from, struct list_head *to)
{
	spin_lock_irq(&c->queue_lock);
	list_splice_tail_init(from, to);
	spin_unlock_irq(&c->queue_lock);
}

void cdp_kick_commit(struct cdp *c)
{
	if (!READ_ONCE(c->dead))
		mod_delayed_work(c->commit_wq, &c->commit_work, 0);
	wake_up_all(&c->gathered);
}

/* No leg is left for @b: answer, or keep it for better times. */
static void fail(struct cdp *c, struct cdp_bio *b, blk_status_t status)
{
	if (c->features.on_last_error == ON_LAST_ERROR_QUEUE)
		cdp_bio_park(b, &c->blocked);
	else
		cdp_bio_done(b, status ?: BLK_STS_IOERR);
}

static void judge(struct cdp *c, struct cdp_bio *b)
{
	enum cdp_verdict v;

	spin_lock(&c->lock);
	v = cdp_write_end(&c->set, &b->io);
	cdp_tell(c);
	spin_unlock(&c->lock);
	switch (v) {
	case VERDICT_HOLD:
		list_add_tail(&b->node, &c->held);
		WRITE_ONCE(c->nr_held, c->nr_held + 1);
		break;
	case VERDICT_REFUSE:
		cdp_bio_done(b, b->status);
		break;
	case VERDICT_PARK_BLOCK:
		cdp_bio_park(b, &c->blocked);
		break;
	case VERDICT_FAIL:
		fail(c, b, b->status);
		break;
	default:
		cdp_bio_done(b, BLK_STS_OK);
	}
}

static bool judge_ended(struct cdp *c)
{
	struct cdp_bio *b, *next;
	LIST_HEAD(list);

	take(c, &c->ended, &list);
	if (list_empty(&list))
		return false;
	list_for_each_entry_safe(b, next, &list, node)
		judge(c, b);
	cdp_kick_keeper(c);
	return true;
}

/* A leg did not give what was read from it. */
static void unread(struct cdp *c, struct cdp_bio *b)
{
	u32 leg = (u32)b->leg;

	if (b->late) {
		c->set.legs[leg].read_errors++;
		if (!cdp_set_may_fail(&c->set, leg))
			cdp_set_leg_error(&c->set, leg, false);
	} else {
		if (c->set.legs[leg].state >= LEG_STALE)	/* else more of the same */
			cdp_event(c, "read-error", (int)leg, "sectors %llu-%llu", (u64)b->sector,
				  (u64)b->sector + b->sectors - 1);
		if (cdp_read_failed(&c->set, leg, cdp_bio_span(b), c->features.read_error_limit))
			cdp_event(c, "repair", (int)leg, "sectors %llu-%llu", (u64)b->sector,
				  (u64)b->sector + b->sectors - 1);
	}
}

static bool read_again(struct cdp *c)
{
	struct cdp_bio *b;
	LIST_HEAD(list);

	take(c, &c->unread, &list);
	if (list_empty(&list))
		return false;
	spin_lock(&c->lock);
	list_for_each_entry(b, &list, node) {
		unread(c, b);
		b->tried |= 1u << b->leg;
	}
	cdp_tell(c);
	spin_unlock(&c->lock);
	/* not from here: that may wait for a pool */
	cdp_reissue(c, &list);
	cdp_kick_keeper(c);
	return true;
}

/*
 * A leg that still calls itself in-sync must not have its pages replaced: started
 * without the others it would read them.
 */
u32 cdp_page_legs(struct cdp *c)
{
	u32 legs;

	spin_lock(&c->lock);
	legs = c->told_stale ? cdp_set_joined(&c->set) : c->set.in_sync;
	spin_unlock(&c->lock);
	return legs;
}

/* Did every leg that is in-sync (still) take it? */
static bool counts(struct cdp *c, u32 legs, u32 ok)
{
	bool r;

	cdp_store_failed(c, legs & ~ok);
	spin_lock(&c->lock);
	r = !(c->set.in_sync & ~ok);
	spin_unlock(&c->lock);
	return r;
}

/* Write all intent pages that differ from the disk. */
bool cdp_write_intent(struct cdp *c)
{
	struct cdp_set *s = &c->set;
	u64 blocks[CDP_PAGES];
	u32 numbers[CDP_PAGES];
	struct cdp_round *r;
	int page = -1;
	u32 n, i, legs;

	lockdep_assert_held(&c->commit_mutex);
	if (xchg(&c->refresh_intent, false))
		for (i = 0; i < s->g.intent_pages; i++)
			s->intent_dirty[i / 64] |= 1ull << i % 64;
	do {
		for (n = 0; n < CDP_PAGES; n++) {
			page = cdp_dirty_page(s->intent_dirty, s->g.intent_pages, (u32)(page + 1));
			if (page < 0)
				break;
			numbers[n] = (u32)page;
			blocks[n] = cdp_block_intent(&s->g, (u32)page);
		}
		if (!n)
			break;
		r = cdp_round_get(c, n);
		for (i = 0; i < n; i++)
			cdp_encode_intent(s, numbers[i], cdp_round_page(r, i));
		cdp_count(c, STAT_INTENT_PAGES, n);
		legs = cdp_page_legs(c);
		if (!counts(c, legs, cdp_store_write(r, legs, blocks, n))) {
			for (i = 0; i < n; i++)
				s->intent_dirty[numbers[i] / 64] |= 1ull << numbers[i] % 64;
			return false;
		}
	} while (page >= 0);
	return true;
}

static u32 clear_clean(struct cdp *c)
{
	/* pairs with clean_batch() */
	u32 i, n = smp_load_acquire(&c->nr_clean);

	spin_lock(&c->lock);
	for (i = 0; i < n; i++)
		if (cdp_clean(&c->set, c->clean[i], c->clean_pick))
			cdp_count(c, STAT_CLEANED, 1);
	spin_unlock(&c->lock);
	return n;
}

/* Write the superblocks of @legs; those that did not take it are reported. */
static u32 write_supers(struct cdp *c, struct cdp_super *super, u32 legs)
{
	struct cdp_round *r = cdp_round_get(c, c->nr_legs);
	u32 leg, ok;

	for (leg = 0; leg < c->nr_legs; leg++) {
		super->slot = c->set.legs[leg].slot;
		super->leg_uuid = super->legs[super->slot].uuid;
		super->data_start = c->devs[leg].data_start;
		cdp_super_encode(super, cdp_round_page(r, leg));
	}
	ok = cdp_store_write_each(r, legs, cdp_super_block(super->sequence));
	cdp_store_failed(c, legs & ~ok);
	return ok;
}

bool cdp_commit_once(struct cdp *c, bool clean)
{
	struct cdp_super super;
	u64 covers;
	u32 legs, whole, ok;
	bool r;

	lockdep_assert_held(&c->commit_mutex);
	spin_lock(&c->lock);
	legs = cdp_commit_begin(&c->set, (u64)ktime_get_real_seconds(), get_random_u64() | 1,
				clean, &covers);
	whole = legs & c->set.in_sync;
	super = c->set.super;
	spin_unlock(&c->lock);
	cdp_count(c, STAT_COMMITS, 1);
	ok = write_supers(c, &super, whole);
	spin_lock(&c->lock);
	r = !(c->set.in_sync & ~ok);
	spin_unlock(&c->lock);
	/* a stale leg never knows a history that no whole leg has recorded */
	if (r && legs != whole)
		ok |= write_supers(c, &super, legs & ~whole);
	spin_lock(&c->lock);
	r = cdp_commit_end(&c->set, covers, ok);
	cdp_tell(c);
	spin_unlock(&c->lock);
	return r;
}

static bool commit(struct cdp *c)
{
	bool wanted;

	spin_lock(&c->lock);
	wanted = c->set.need > c->set.done;
	spin_unlock(&c->lock);
	if (!wanted || c->dormant)
		return false;
	WRITE_ONCE(c->stuck, !cdp_commit_once(c, false));
	wake_up_all(&c->wait);
	cdp_kick_keeper(c);
	return !c->stuck;
}

/* A leg that was lost before it got these pages; see cdp_set_owes_loss(). */
static bool record_losses(struct cdp *c)
{
	bool owes;

	do {
		spin_lock(&c->lock);
		owes = cdp_set_owes_loss(&c->set);
		spin_unlock(&c->lock);
	} while (owes && commit(c));
	return !owes;
}

/* Is there more to do than to mark? */
static bool has_more(struct cdp *c)
{
	return !list_empty_careful(&c->ended) || !list_empty_careful(&c->unread) ||
	       cdp_load(c->set.need) > cdp_load(c->set.done);
}

/*
 * Who was let go by the round before comes back: when the next one ends, where a leg takes
 * as long for data as for a page, and one by one as soon as it is answered where they take
 * no time. One that misses the round by a hair waits for a whole one more: so a round waits
 * until they are as many as they were lately, while more come.
 */
static void gather(struct cdp *c)
{
	u64 now = ktime_get_ns(), end = now + GATHER_MOST;
	u64 ns = clamp(c->round_ns / 8, GATHER_LEAST, GATHER_MOST);
	u32 n, seen = 0;

	if (!c->has_meta)	/* a round takes no time */
		return;
	if (now - c->round_end > GATHER_LATELY)
		WRITE_ONCE(c->crowd, 0);
	while (now < end) {
		n = READ_ONCE(c->nr_unmarked);
		if (n <= seen || n >= c->crowd || has_more(c))
			break;
		seen = n;
		wait_event_hrtimeout(c->gathered,
				     READ_ONCE(c->nr_unmarked) >= c->crowd || has_more(c),
				     min(ns, end - now));
		ns *= 2;
		now = ktime_get_ns();
	}
}

/* Add to @list who came to wait for an extent that has been marked meanwhile. */
static void take_marked(struct cdp *c, struct list_head *list)
{
	struct cdp_bio *b, *next;

	spin_lock_irq(&c->queue_lock);
	list_for_each_entry_safe(b, next, &c->unmarked, node)
		if (cdp_is_marked(&c->set, b->io.span.extent)) {
			list_move_tail(&b->node, list);
			WRITE_ONCE(c->nr_unmarked, c->nr_unmarked - 1);
		}
	spin_unlock_irq(&c->queue_lock);
}

/* Set and clear intent bits: one round of pages for all who wait. */
static bool mark(struct cdp *c)
{
	struct cdp_bio *b, *next;
	LIST_HEAD(list);
	u32 cleaned, n = 0;
	u64 since;
	bool ok;

	spin_lock_irq(&c->queue_lock);
	list_splice_init(&c->unmarked, &list);
	WRITE_ONCE(c->nr_unmarked, 0);
	spin_unlock_irq(&c->queue_lock);
	cleaned = clear_clean(c);
	if (list_empty(&list) && !cleaned && !READ_ONCE(c->refresh_intent))
		return false;
	list_for_each_entry(b, &list, node) {
		cdp_mark(&c->set, b->io.span.extent);
		n++;
	}
	WRITE_ONCE(c->nr_held, c->nr_held + n);
	since = ktime_get_ns();
	ok = cdp_write_intent(c) && record_losses(c);
	if (n) {
		c->round_end = ktime_get_ns();
		c->round_ns = c->round_end - since;
		WRITE_ONCE(c->crowd, min(max(n, c->crowd * 7 / 8), CROWD_MOST));
	}
	WRITE_ONCE(c->nr_held, c->nr_held - n);
	if (cleaned) {
		/* pairs with clean_batch(): its list may be used again */
		smp_store_release(&c->nr_clean, 0);
		wake_up_all(&c->wait);
	}
	list_for_each_entry_safe(b, next, &list, node) {
		if (ok)
			cdp_marked(&c->set, b->io.span.extent);
		else
			fail(c, b, BLK_STS_IOERR);
	}
	if (ok) {
		take_marked(c, &list);
		cdp_reissue(c, &list);
	}
	/* somebody has to clean them one day */
	if (!delayed_work_pending(&c->keeper_work))
		queue_delayed_work(c->keeper_wq, &c->keeper_work, HZ);
	return true;
}

/* Acknowledge what was held for commits that are made now. */
static void release(struct cdp *c)
{
	struct cdp_bio *b, *next;

	list_for_each_entry_safe(b, next, &c->held, node) {
		bool held = cdp_is_held(&c->set, &b->io);

		if (held && !c->stuck)
			continue;
		list_del(&b->node);
		WRITE_ONCE(c->nr_held, c->nr_held - 1);
		if (held)
			fail(c, b, BLK_STS_IOERR);
		else
			cdp_bio_done(b, BLK_STS_OK);
	}
}

/* A table change wants the requests that wait for something without a bound. */
static void evict(struct cdp *c)
{
	enum cdp_evict how = READ_ONCE(c->evict);
	struct cdp_bio *b, *next;
	LIST_HEAD(list);

	if (!how)
		return;
	take(c, &c->blocked, &list);
	if (c->stuck) {
		list_splice_init(&c->held, &list);
		WRITE_ONCE(c->nr_held, 0);
	}
	list_for_each_entry_safe(b, next, &list, node) {
		b->requeue = how == EVICT_REQUEUE;
		cdp_bio_done(b, BLK_STS_IOERR);
	}
	if (how == EVICT_ONCE)
		cmpxchg(&c->evict, EVICT_ONCE, EVICT_NONE);
}

static void unblock(struct cdp *c)
{
	struct cdp_bio *b, *next;
	LIST_HEAD(list);
	bool go;

	spin_lock(&c->lock);
	/* a set that fails is tried again, unless that waits for a table: only a
	 * write that succeeds shows that it does not fail any more
	 */
	go = !c->set.blocked && (!c->set.failing ||
				 c->features.on_last_error != ON_LAST_ERROR_QUEUE);
	spin_unlock(&c->lock);
	if (!go || c->stuck)
		return;
	spin_lock_irq(&c->queue_lock);
	list_for_each_entry_safe(b, next, &c->blocked, node)
		if (b->kind != BIO_READ)	/* these wait for a table */
			list_move_tail(&b->node, &list);
	spin_unlock_irq(&c->queue_lock);
	cdp_reissue(c, &list);
}

void cdp_commit_work(struct work_struct *work)
{
	struct cdp *c = container_of(to_delayed_work(work), struct cdp, commit_work);
	bool more;

	do {
		/* before the writes that have to be recorded are judged: they wait for that */
		gather(c);
		more = judge_ended(c);
		more |= read_again(c);
		mutex_lock(&c->commit_mutex);
		WRITE_ONCE(c->commit_since, jiffies);
		WRITE_ONCE(c->committing, true);
		more |= mark(c);
		more |= commit(c);
		WRITE_ONCE(c->committing, false);
		mutex_unlock(&c->commit_mutex);
		release(c);
		evict(c);
		if (c->features.on_protect_error == ON_PROTECT_ERROR_BLOCK)
			unblock(c);
	} while (more);
	if (c->stuck && !READ_ONCE(c->dormant))
		queue_delayed_work(c->commit_wq, &c->commit_work, msecs_to_jiffies(RETRY_MS));
}

int cdp_commit_wait(struct cdp *c)
{
	u64 want;

	spin_lock(&c->lock);
	want = c->set.need;
	spin_unlock(&c->lock);
	cdp_kick_commit(c);
	wait_event(c->wait, cdp_load(c->set.done) >= want || READ_ONCE(c->stuck) ||
		   READ_ONCE(c->dormant));
	return cdp_load(c->set.done) >= want ? 0 : -EIO;
}
