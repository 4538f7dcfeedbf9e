// SPDX-License-Identifier: GPL-2.0
/*
 * Copying what a stale leg lacks. The core says which regions and keeps writes away
 * from them; this side keeps a window of copies (copy.c) under way.
 */
#include "cdp.h"

#define RUN_IDLE	2048u	/* largest copy, in sectors, while the guest is quiet, */
#define RUN_BUSY	512u	/* and while it is not: its requests wait behind it */
#define WINDOW_IDLE	16u	/* copies under way, while it is quiet, and while not */
#define WINDOW_BUSY	2u
#define SLOW_PART	8u	/* of the deadline: a piece that took longer was slow */
#define BUSY_MS		200	/* it is not quiet so long after a request */
#define SETTLE_MS	2500	/* a crash repeats twice this much copying at most */
#define RETRY_S		30	/* after a pass that could not read everything */
#define SCAN_BUDGET	8192	/* extents under the lock at a time */

static bool start(struct cdp *c, u32 claim)
{
	struct cdp_set *s = &c->set;
	struct cdp_span span = s->claims[claim].span;
	sector_t sectors = cdp_run_sectors(&s->g, span.extent, span.mask);
	struct cdp_copy *copy = cdp_copy_alloc(c, min_t(sector_t, sectors, c->depth.limit));

	if (!copy)
		return false;
	copy->c = c;
	copy->claim = claim;
	copy->sector = cdp_run_start(&s->g, span.extent, span.mask);
	copy->left = (u32)sectors;
	copy->fine = c->one_by_one;
	atomic_set(&copy->sent.pending, 0);
	spin_lock(&c->lock);
	copy->source = cdp_copy_source(s, claim);
	copy->target = (u32)s->copy_leg;
	copy->turn = c->depth.turn;
	c->copies[claim] = copy;
	spin_unlock(&c->lock);
	cdp_copy_send(copy);
	return true;
}

void cdp_note_unreadable(struct cdp *c, u32 leg, sector_t first, u32 sectors)
{
	sector_t last = first + sectors - 1;
	u32 i;

	spin_lock(&c->lock);
	for (i = 0; i < c->nr_bad; i++) {
		struct cdp_bad *bad = &c->bad[i];

		if (bad->leg == leg && bad->first <= last + 1 && first <= bad->last + 1) {
			bad->first = min(bad->first, first);
			bad->last = max(bad->last, last);
			break;
		}
	}
	if (i == c->nr_bad && i < CDP_BAD)
		c->bad[c->nr_bad++] = (struct cdp_bad) { first, last, leg };
	spin_unlock(&c->lock);
}

/* One event a range, when all that belongs to it is known. Lock held. */
static void tell_unreadable(struct cdp *c)
{
	u32 i;

	for (i = 0; i < c->nr_bad; i++)
		cdp_event(c, "unreadable", (int)c->bad[i].leg, "sectors %llu-%llu%s",
			  (u64)c->bad[i].first, (u64)c->bad[i].last,
			  i == CDP_BAD - 1 ? ", and perhaps more" : "");
}

/* So many pieces at a time that none of them comes near the deadline, or the usual one. */
static void judge_depth(struct cdp *c, const struct cdp_copy *copy, u32 sectors)
{
	u32 ms = (READ_ONCE(c->features.leg_timeout_ms) ?: CDP_USUAL_TIMEOUT_MS) / SLOW_PART;

	cdp_depth_ended(&c->depth, copy->turn, sectors, copy->dense,
			cdp_copy_load(&c->set), copy->slowest > msecs_to_jiffies(ms));
}

static void take_in(struct cdp *c, struct cdp_copy *copy)
{
	struct cdp_set *s = &c->set;
	struct cdp_span span = s->claims[copy->claim].span;
	u32 sectors = (u32)cdp_run_sectors(&s->g, span.extent, span.mask);
	bool good = !copy->read_failed && !copy->write_failed;

	if (copy->write_failed) {
		s->legs[copy->target].write_errors++;
		cdp_set_leg_error(s, copy->target, false);
	}
	if (copy->read_failed) {
		cdp_event(c, "read-error", (int)copy->source, "while copying");
		cdp_read_failed(s, copy->source, span, c->features.read_error_limit);
	}
	if (good)
		c->copied_bytes[copy->target] += (u64)sectors << SECTOR_SHIFT;
	judge_depth(c, copy, sectors);
	cdp_copy_end(s, copy->claim, good);
	c->copies[copy->claim] = NULL;
}

/* Take in the copies that ended. */
static void reap(struct cdp *c)
{
	struct cdp_copy *copy, *next;
	LIST_HEAD(list);

	spin_lock_irq(&c->queue_lock);
	list_splice_init(&c->copied, &list);
	spin_unlock_irq(&c->queue_lock);
	if (list_empty(&list))
		return;
	spin_lock(&c->lock);
	list_for_each_entry_safe(copy, next, &list, sent.node) {
		take_in(c, copy);
		cdp_copy_free(c, copy);
	}
	cdp_tell(c);
	spin_unlock(&c->lock);
	cdp_reissue(c, &c->copying);
	wake_up_all(&c->wait);
	cdp_kick_commit(c);
}

/* Start the claims whose extents have come to rest. */
static void start_drained(struct cdp *c)
{
	struct cdp_set *s = &c->set;
	u32 i;

	for (i = 0; i < CDP_COPIES; i++) {
		bool go, left;

		spin_lock(&c->lock);
		go = s->claims[i].used && !c->copies[i];
		left = go && s->legs[s->copy_leg].state != LEG_STALE;
		if (left)	/* nothing is sent to it any more */
			cdp_copy_end(s, i, false);
		else
			go = go && cdp_claim_drained(s, i);
		spin_unlock(&c->lock);
		/* writes that waited for the drain may be outside of the copy */
		if (left || (go && start(c, i)))
			cdp_reissue(c, &c->copying);
	}
}

bool cdp_is_busy(struct cdp *c)
{
	return time_before(jiffies, READ_ONCE(c->last_request) + msecs_to_jiffies(BUSY_MS));
}

static u32 window(struct cdp *c)
{
	if (c->features.resync_window)
		return min_t(u32, c->features.resync_window, CDP_COPIES);
	return cdp_is_busy(c) ? WINDOW_BUSY : WINDOW_IDLE;
}

/* Regions in one copy. */
static u32 longest_run(struct cdp *c)
{
	u32 sectors = min(cdp_is_busy(c) ? RUN_BUSY : RUN_IDLE, READ_ONCE(c->depth.limit) / 2);

	if (cdp_begins_small(c))
		sectors = min(sectors, CDP_SMALL_COPY);
	return c->one_by_one ? 1 : max(1u, sectors >> c->set.g.region_shift);
}

bool cdp_rate_allows(struct cdp_rate *r)
{
	u32 mbps = READ_ONCE(r->mbps);

	if (!mbps)
		return true;
	if (time_after_eq(jiffies, r->next)) {
		s64 portion = (s64)mbps * 2048 / 10;

		r->budget = min(r->budget + portion, portion);
		r->next = jiffies + HZ / 10;
	}
	return r->budget > 0;
}

/* May more be under way? It may be less by the time that it is begun. */
static bool has_room(struct cdp *c)
{
	u32 load, nr;

	spin_lock(&c->lock);
	load = cdp_copy_load(&c->set);
	nr = c->set.nr_copies;
	spin_unlock(&c->lock);
	if (load >= CDP_SMALL_COPY && cdp_begins_small(c))
		return false;
	return nr < window(c) && cdp_depth_allows(&c->depth, load);
}

/* Claim up to a window. Return: what cdp_copy_next() said last. */
static int claim_more(struct cdp *c)
{
	struct cdp_set *s = &c->set;
	int r = 0;

	while (r >= 0 || r == -EAGAIN) {
		u32 max;

		if (!has_room(c) || !cdp_rate_allows(&c->resync_rate) ||
		    !cdp_may_begin(c, &c->copy_rest))
			return -EBUSY;
		max = longest_run(c);
		spin_lock(&c->lock);
		r = cdp_copy_next(s, max, SCAN_BUDGET);
		if (r >= 0)
			cdp_rate_spend(&c->resync_rate, (u64)hweight64(s->claims[r].span.mask) <<
							s->g.region_shift);
		spin_unlock(&c->lock);
		cond_resched();
	}
	return r;
}

/* May the leg still be found to have lost its cache before it was last flushed? */
static bool in_doubt(struct cdp *c, u32 leg)
{
	unsigned long hold = msecs_to_jiffies(CDP_RIPE_MS);

	/* longer after a stall: see cdp_gauge_timed() */
	return c->caches & 1u << leg && (time_before(jiffies, c->settled + hold) ||
					 time_after(READ_ONCE(c->ripe_next), jiffies + hold));
}

/*
 * Flush the target and take what is on it out of its tracker; of a leg with a volatile
 * cache what had been flushed the time before. Copies that end meanwhile are reaped
 * later, by us.
 */
static int settle(struct cdp *c, bool all)
{
	u32 leg = (u32)c->set.copy_leg;
	u64 extent = 0;

	all |= !(c->caches & 1u << leg);
	c->settle_next = jiffies + msecs_to_jiffies(SETTLE_MS);
	if ((!c->set.copied_count || (!all && in_doubt(c, leg))) && !c->set.copy_void)
		return 0;
	if (!cdp_store_flush(c, 1u << leg)) {
		cdp_store_failed(c, 1u << leg);
		return -EIO;
	}
	c->settled = jiffies;
	while (extent < c->set.g.extents) {
		spin_lock(&c->lock);
		extent = cdp_copy_settle(&c->set, extent, SCAN_BUDGET, all);
		spin_unlock(&c->lock);
		cond_resched();
	}
	return cdp_write_trackers(c);
}

/* The target is in-sync, and that is recorded. */
static void report_finished(struct cdp *c)
{
	struct cdp_set *s = &c->set;

	spin_lock(&c->lock);
	c->copied_last = s->copy_done;
	c->reason[s->copy_leg][0] = '\0';
	cdp_event(c, "resync-finished", s->copy_leg, "%llu regions copied", s->copy_done);
	cdp_copy_stop(s);
	cdp_tell(c);
	spin_unlock(&c->lock);
}

/* Everything is copied: flush, record, and have it in-sync. */
static void finish(struct cdp *c)
{
	struct cdp_set *s = &c->set;
	u32 leg = (u32)s->copy_leg;
	bool whole;

	if (settle(c, false) || cdp_write_trackers(c))
		return;
	spin_lock(&c->lock);
	whole = cdp_is_whole(&s->legs[leg]);
	if (whole) {
		s->legs[leg].gain = true;
		s->need++;
	}
	spin_unlock(&c->lock);
	if (whole && !cdp_commit_wait(c) && READ_ONCE(s->legs[leg].state) == LEG_IN_SYNC)
		report_finished(c);
}

static void give_up(struct cdp *c, const char *why)
{
	spin_lock(&c->lock);
	c->copied_last = c->set.copy_done;
	tell_unreadable(c);
	cdp_event(c, "resync-failed", c->set.copy_leg, "%s", why);
	cdp_copy_stop(&c->set);
	cdp_tell(c);
	spin_unlock(&c->lock);
}

/* The end of a pass over the set: done, once more, or not now. */
static void end_pass(struct cdp *c)
{
	struct cdp_set *s = &c->set;
	u64 left, errors;

	spin_lock(&c->lock);
	left = cdp_set_stale_count(s, (u32)s->copy_leg);
	errors = s->copy_errors;
	s->copy_cursor = 0;
	s->copy_errors = 0;
	spin_unlock(&c->lock);
	if (!left) {
		finish(c);
	} else if (READ_ONCE(s->copy_void)) {
		settle(c, false);	/* then it is copied once more */
	} else if (errors && !c->one_by_one) {
		c->one_by_one = true;
	} else if (errors) {
		settle(c, true);	/* or all of it would be copied with every try */
		c->retry_next = jiffies + RETRY_S * HZ;
		give_up(c, "regions could not be read");
	}
}

static bool begin(struct cdp *c)
{
	struct cdp_set *s = &c->set;
	bool go;

	if (c->resync_paused || time_before(jiffies, c->retry_next))
		return false;
	if (cdp_copy_arrays_clear(c)) {
		DMWARN_LIMIT("%s: no memory for a resync now; it is tried again", cdp_name(c));
		return false;
	}
	spin_lock(&c->lock);
	go = cdp_copy_start(s);
	if (go) {
		cdp_depth_start(&c->depth);
		c->no_zeroes &= ~(1u << s->copy_leg);	/* it may have been ill */
		cdp_event(c, "resync-started", s->copy_leg, "%llu regions to copy",
			  s->legs[s->copy_leg].tracked);
		cdp_tell(c);
	}
	spin_unlock(&c->lock);
	c->one_by_one = false;
	c->nr_bad = 0;
	c->settled = jiffies - msecs_to_jiffies(CDP_RIPE_MS);
	c->settle_next = jiffies + msecs_to_jiffies(SETTLE_MS);
	return go;
}

static bool anything_stale(struct cdp *c)
{
	u32 i;

	for (i = 0; i < c->nr_legs; i++)
		if (READ_ONCE(c->set.legs[i].state) == LEG_STALE)
			return true;
	return false;
}

unsigned long cdp_resync(struct cdp *c)
{
	struct cdp_set *s = &c->set;
	int r = -EBUSY;

	reap(c);
	if (s->copy_leg < 0 && !anything_stale(c)) {
		cdp_copy_arrays_free(c);
		return MAX_SCHEDULE_TIMEOUT;
	}
	if (s->copy_leg < 0 && !begin(c))
		return HZ;
	if (s->legs[s->copy_leg].state == LEG_IN_SYNC) {
		report_finished(c);
		return 1;	/* another one may be stale */
	}
	if (s->legs[s->copy_leg].state != LEG_STALE) {
		start_drained(c);	/* ends those that have not begun */
		if (!READ_ONCE(s->nr_copies))
			give_up(c, "the leg failed");
		return HZ;
	}
	if (!c->resync_paused)
		r = claim_more(c);
	start_drained(c);
	if (r == -ENOENT && !READ_ONCE(s->nr_copies))
		end_pass(c);
	else if (time_after_eq(jiffies, c->settle_next))
		settle(c, false);
	return c->resync_paused ? HZ : max(1, HZ / 20);
}

void cdp_resync_quiesce(struct cdp *c)
{
	while (READ_ONCE(c->set.nr_copies)) {
		start_drained(c);
		wait_event_timeout(c->wait, !list_empty_careful(&c->copied) ||
				   !READ_ONCE(c->set.nr_copies), HZ / 10);
		reap(c);
	}
	if (c->set.copy_leg >= 0 && c->set.legs[c->set.copy_leg].state == LEG_STALE)
		settle(c, true);	/* as intent is: no word would come */
	spin_lock(&c->lock);
	cdp_copy_stop(&c->set);
	spin_unlock(&c->lock);
}
