// SPDX-License-Identifier: GPL-2.0
/*
 * The keeper: work that may take long and that no request waits for. Each pass
 * is: regions of lost legs tracked, idle intent cleaned, resync moved on.
 */
#include "cdp.h"

#define CLEAN_MS	1000		/* an extent idle for one to two of these is cleaned */
#define MERGE_BUDGET	4096		/* extents under the lock at a time */

void cdp_kick_keeper(struct cdp *c)
{
	if (!READ_ONCE(c->dead))
		mod_delayed_work(c->keeper_wq, &c->keeper_work, 0);
}

static void merge_lost(struct cdp *c)
{
	u32 leg;

	for (leg = 0; leg < c->nr_legs; leg++) {
		u64 extent = 0;

		while (READ_ONCE(c->set.legs[leg].merge)) {
			spin_lock(&c->lock);
			extent = cdp_merge(&c->set, leg, extent, MERGE_BUDGET);
			spin_unlock(&c->lock);
			cond_resched();
		}
	}
}

/*----------------------------------------------------------------
 * Trackers
 *--------------------------------------------------------------*/

struct tracker_page {
	u32 leg, page;
};

/* Find dirty tracker pages, up to a round of them, from @at on. */
static u32 gather(struct cdp *c, struct tracker_page *at, struct tracker_page *what, u64 *blocks)
{
	struct cdp_set *s = &c->set;
	u32 n = 0;

	spin_lock(&c->lock);
	for (; at->leg < c->nr_legs && n < CDP_PAGES; at->leg++, at->page = 0) {
		struct cdp_set_leg *l = &s->legs[at->leg];
		int page;

		while (n < CDP_PAGES && (page = cdp_dirty_page(l->tracker_dirty, s->g.tracker_pages,
							       at->page)) >= 0) {
			blocks[n] = cdp_block_tracker(&s->g, l->slot, (u32)page);
			what[n++] = (struct tracker_page) { at->leg, (u32)page };
			at->page = (u32)page + 1;
		}
		if (n == CDP_PAGES)
			break;
	}
	spin_unlock(&c->lock);
	return n;
}

static struct cdp_round *encode(struct cdp *c, const struct tracker_page *what, u32 n)
{
	struct cdp_round *r = cdp_round_get(c, n);
	u32 i;

	spin_lock(&c->lock);
	for (i = 0; i < n; i++)
		cdp_encode_tracker(&c->set, what[i].leg, what[i].page, cdp_round_page(r, i));
	spin_unlock(&c->lock);
	return r;
}

int cdp_write_trackers(struct cdp *c)
{
	struct tracker_page what[CDP_PAGES], at = { 0, 0 };
	u64 blocks[CDP_PAGES];
	struct cdp_round *r;
	u32 n, i, legs, ok;
	bool counts = true;

	while (counts && (n = gather(c, &at, what, blocks))) {
		r = encode(c, what, n);
		legs = cdp_page_legs(c);
		cdp_count(c, STAT_TRACKER_PAGES, n);
		ok = cdp_store_write(r, legs, blocks, n);
		cdp_store_failed(c, legs & ~ok);
		spin_lock(&c->lock);
		counts = !(c->set.in_sync & ~ok);
		for (i = 0; !counts && i < n; i++)
			c->set.legs[what[i].leg].tracker_dirty[what[i].page / 64] |=
				1ull << what[i].page % 64;
		spin_unlock(&c->lock);
		cond_resched();
	}
	return counts ? 0 : -EIO;
}

/*----------------------------------------------------------------
 * Cleaning
 *--------------------------------------------------------------*/

/* Flush what was written to the picked extents, and record what the lost legs lack of it. */
static int flush_batch(struct cdp *c)
{
	u32 legs, ok;

	spin_lock(&c->lock);
	legs = cdp_set_joined(&c->set);
	spin_unlock(&c->lock);
	ok = cdp_store_flush(c, legs);
	cdp_store_failed(c, legs & ~ok);
	return legs & ~ok ? -EIO : cdp_write_trackers(c);
}

static void mark_flushed(struct cdp *c, u32 n)
{
	u32 i;

	spin_lock(&c->lock);
	for (i = 0; i < n; i++)
		cdp_flushed(&c->set, c->clean[i]);
	spin_unlock(&c->lock);
}

/* Have commit clear them. */
static void clear_batch(struct cdp *c, u32 n, enum cdp_pick pick)
{
	c->clean_pick = pick;
	/* the list before its length; pairs with clear_clean() */
	smp_store_release(&c->nr_clean, n);
	cdp_kick_commit(c);
	/* pairs with the end of mark(): the list is ours again */
	wait_event(c->wait, !smp_load_acquire(&c->nr_clean));
}

static int clean_pass(struct cdp *c, enum cdp_pick pick)
{
	bool keep = pick == PICK_IDLE && c->caches;
	u64 cursor = 0;
	int r = 0;

	while (!r && cursor < c->set.g.extents) {
		u32 n = cdp_clean_pick(&c->set, &cursor, pick, c->clean, CDP_CLEAN_BATCH);

		/* flushed ones: a doubt since then has come into the trackers only */
		if (n)
			r = pick == PICK_FLUSHED ? cdp_write_trackers(c) : flush_batch(c);
		if (n && !r && keep)
			mark_flushed(c, n);
		else if (n && !r)
			clear_batch(c, n, pick);
		cond_resched();
	}
	return r;
}

/*
 * Intent is cleared at once after a flush where no leg has a volatile cache. Else it is
 * kept for two seconds more, and longer after a stall: a server that has lost its cache
 * and returned answers a flush like any other, and word of it comes later ("leg doubt").
 */
int cdp_clean_all(struct cdp *c, bool force)
{
	unsigned long ripe = READ_ONCE(c->ripe_next);
	int r;

	merge_lost(c);
	if (force || !c->caches)
		return clean_pass(c, force ? PICK_ALL : PICK_IDLE);
	if (time_before(jiffies, ripe))
		return 0;	/* what is flushed by now has to ripen */
	clean_pass(c, PICK_FLUSHED);
	r = clean_pass(c, PICK_IDLE);
	/* it may have been put off meanwhile: see cdp_gauge_timed() */
	cmpxchg(&c->ripe_next, ripe, jiffies + msecs_to_jiffies(CDP_RIPE_MS));
	return r;
}

/*----------------------------------------------------------------
 * The pass
 *--------------------------------------------------------------*/

void cdp_keeper_work(struct work_struct *work)
{
	struct cdp *c = container_of(to_delayed_work(work), struct cdp, keeper_work);
	unsigned long again;

	mutex_lock(&c->keeper_mutex);
	if (!c->active || c->suspended) {
		mutex_unlock(&c->keeper_mutex);
		return;
	}
	merge_lost(c);
	/* a leg that no request lost */
	if (cdp_load(c->set.done) < cdp_load(c->set.need) && !READ_ONCE(c->stuck))
		cdp_kick_commit(c);
	if (time_after_eq(jiffies, c->clean_next)) {
		cdp_clean_all(c, false);
		c->clean_next = jiffies + msecs_to_jiffies(CLEAN_MS);
	}
	again = cdp_resync(c);
	if (cdp_tell_answered(c))
		again = min_t(unsigned long, again, HZ);
	/* with nothing marked and nothing stale it sleeps until it is kicked */
	if (cdp_load(c->set.marked))
		again = min_t(unsigned long, again, msecs_to_jiffies(CLEAN_MS));
	mutex_unlock(&c->keeper_mutex);
	if (again != MAX_SCHEDULE_TIMEOUT)
		queue_delayed_work(c->keeper_wq, &c->keeper_work, again);
}
