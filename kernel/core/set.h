/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set at run time: every decision about a request is made here.
 *
 * The core takes events and returns verdicts and masks; it does no I/O,
 * allocates nothing and has no lock. Functions marked [lock] want the set's
 * lock held by the caller; [any] may run at any time, in any context; [one]
 * belong to the one worker that writes bitmap pages of that kind.
 *
 * The life of a write, seen from here:
 *
 *   cdp_write_begin_fast()  [any]   all legs in-sync and the extent's intent
 *        | no                       durable: go
 *   cdp_write_begin()       [lock]  GO, or why it has to wait
 *        | GO: send to io->legs
 *   cdp_write_end_fast()    [any]   every leg took it: acknowledge
 *        | no
 *   cdp_write_end()         [lock]  legs fail, trackers are set; ACK, HOLD
 *        |                          until io->hold is committed, FAIL, REFUSE
 *   cdp_write_done()        [any]   the extent is let go
 */
#ifndef CDP_CORE_SET_H
#define CDP_CORE_SET_H

#include "leg.h"
#include "verify.h"

#define CDP_COPIES	64u	/* most copies under way at once */
#define CDP_CLAIMS	68u	/* ... and runs that are compared, behind them */

/* An extent's word: writes under way, and flags. */
#define EXT_DIRTY	0x80000000u	/* its intent bit is durable */
#define EXT_TOUCHED	0x40000000u	/* written since the cleaner last looked */
#define EXT_FLUSHED	0x20000000u	/* flushed, and not written since */
#define EXT_HELD	0x10000000u	/* claimed: not entered without the lock */
#define EXT_COUNT	0x0fffffffu

/*
 * Commits that a leg takes before data: one by which it is told where it stands, and
 * then, in each of its superblocks, that it took part. Started with others it must not
 * pass for the leg that left them, even with a damaged block.
 */
#define CDP_TAKES_PART	3u

struct cdp_set_leg {
	enum cdp_leg_state state;
	u32 slot;		/* in the leg table; number of its tracker */
	u64 *tracker;		/* one word an extent; on disk the same, later */
	u64 *tracker_dirty;	/* one bit a page that differs from the disk */
	u64 tracked;		/* bits set in tracker */
	u64 write_errors, read_errors, repairs;
	u64 missed_bytes;	/* acknowledged without the leg */
	u32 flaps;		/* times the leg left */
	struct cdp_span repaired; /* what was last to be repaired */
	u32 commits;		/* taken since it is here, up to CDP_TAKES_PART */
	bool merge;		/* unflushed regions are still to be tracked */
	bool gain;		/* to be recorded in-sync by the next commit */
	bool blocks;		/* failed as a protect leg under "block" */
};

/* A run of regions that is being copied or compared, or waits for writes to drain. */
struct cdp_claim {
	struct cdp_span span;
	bool used;
	bool copying;		/* or compared; else draining: all writes to the extent wait */
	bool lapsed;		/* the target lost its cache meanwhile: copied in vain */
	u32 source, flaps;	/* copied from, and how often that had left before */
	u32 legs;		/* compared */
	u32 looks;		/* readings of this piece that were in vain */
	u32 left;		/* how often these legs had left the set before */
};

struct cdp_set {
	struct cdp_geometry g;
	struct cdp_super super;		/* as last composed for a commit */
	u32 nr_legs;
	struct cdp_set_leg legs[CDP_MAX_LEGS];
	cdp_atomic *extents;
	cdp_word *recent;	/* regions written since the extent was last clean */
	u64 *intent;		/* one bit an extent, in pages of CDP_PAGE_WORDS words */
	u64 *intent_dirty;	/* one bit a page */
	u64 marked;		/* bits set in intent */
	bool has_meta;		/* else nothing is recorded, and nothing waits for it */

	u32 in_sync;		/* masks by place in the table */
	u32 durable;		/* legs that the disk may call in-sync */
	u32 fast;		/* the fast path may be taken */
	int read_leg;		/* the primary */
	bool failing;		/* the last write failed on the last leg */
	u32 blocked;		/* writes wait for a protect leg */
	bool block_policy;

	u64 need, done;		/* commits wanted and made; equal: nothing to record */
	u64 mint_at;		/* writes are not acknowledged before this commit */
	bool mint, mint_on_write;
	bool again;		/* the last commit has not counted (yet) */
	bool twice;		/* record in both superblocks before it counts: a loss or a new
				 * generation is not forgotten with one damaged block
				 */
	bool first;		/* the commit under way is the first of such two */

	int copy_leg;		/* being resynced, or -1 */
	bool copy_void;		/* what was copied may be lost with a cache */
	u64 *copied;		/* regions copied to it, but still in its tracker, */
	u64 *fresh;		/* one bit an extent: copied to since the last flush there */
	u64 copied_count;	/* bits set in copied */
	u64 copy_cursor;	/* next region to look at in this pass */
	u64 copy_done;		/* regions copied by this resync */
	u64 copy_errors;	/* regions that could not be read, this pass */
	u32 nr_claims, nr_copies, nr_verifies;	/* the first is the sum of the others */
	struct cdp_claim claims[CDP_CLAIMS];
	struct cdp_verify verify;
};

/* Per write: what the core keeps beside the caller's own. */
struct cdp_io {
	struct cdp_span span;	/* mask 0: a flush, no data */
	u32 legs;		/* sent to */
	u32 required;		/* was durably in-sync when it began */
	u32 failed, refused;	/* filled in by the caller, from the answers */
	u64 hold;		/* commit that must be made before the answer */
	u32 bytes;
};

enum cdp_verdict {
	VERDICT_GO,
	VERDICT_PARK_INTENT,	/* until the extent's intent is durable */
	VERDICT_PARK_COPY,	/* until a copy in its regions is over */
	VERDICT_PARK_BLOCK,	/* until a protect leg is back */
	VERDICT_ACK,
	VERDICT_HOLD,		/* acknowledge when io->hold is committed */
	VERDICT_FAIL,
	VERDICT_REFUSE,		/* not an error of a leg: tell the caller */
};

/*
 * [lock] Work out masks, primary and fast path after states were set by hand
 * (at activation). Every leg's state, slot, tracker must be filled in.
 */
void cdp_set_update(struct cdp_set *s);

/*
 * [lock] Is a leg lost that the disk may still call in-sync? Started without us it
 * knows by its own intent only what others took meanwhile: until the loss is recorded
 * no extent is marked or cleaned.
 */
static inline bool cdp_set_owes_loss(const struct cdp_set *s)
{
	return s->durable & ~s->in_sync;
}

/* Writes. */
bool cdp_write_begin_fast(struct cdp_set *s, struct cdp_io *io);
enum cdp_verdict cdp_write_begin(struct cdp_set *s, struct cdp_io *io);
bool cdp_write_end_fast(struct cdp_set *s, const struct cdp_io *io);
enum cdp_verdict cdp_write_end(struct cdp_set *s, struct cdp_io *io);
/* [any] Returns true if a copy may have waited for this. */
bool cdp_write_done(struct cdp_set *s, const struct cdp_io *io);
/* [any] Is there a commit that the answer has to wait for? */
static inline bool cdp_is_held(const struct cdp_set *s, const struct cdp_io *io)
{
	return cdp_load(s->done) < io->hold;
}

/* [lock] The same for a flush; it ends like a write. */
enum cdp_verdict cdp_flush_begin(struct cdp_set *s, struct cdp_io *io);

/* [lock] Leg to read @span from, not among @tried; -1: none can. */
int cdp_read_pick(const struct cdp_set *s, struct cdp_span span, u32 tried);
/*
 * [any] Before a read is sent to @leg: is it in-sync? Then @flaps is noted, and what
 * the leg answers is good if that is the same afterwards. One that left meanwhile may
 * have lost its cache, and answer with the past.
 */
static inline bool cdp_read_seen(const struct cdp_set *s, u32 leg, u32 *flaps)
{
	*flaps = cdp_load(s->legs[leg].flaps);
	/* pairs with the barrier in cdp_set_update() */
	cdp_read_barrier();
	return cdp_load(s->in_sync) & 1u << leg;
}

/*
 * [lock] A read of @span failed on @leg. If another leg can serve it, @leg lacks
 * the span from now on, so that the resync writes it anew. After more than @limit
 * errors, or where that was done last, @leg is given up. Returns true if the span
 * is to be repaired.
 */
bool cdp_read_failed(struct cdp_set *s, u32 leg, struct cdp_span span, u32 limit);

/* Legs that get I/O: in-sync and stale ones. [lock] */
u32 cdp_set_joined(const struct cdp_set *s);

/*
 * [lock] Which of the legs @pending, past their deadline, need not be waited for: all
 * if one in-sync leg is neither among them nor in @without, or if all have left the
 * set, so that nothing depends on what they answer; else none.
 */
static inline u32 cdp_may_give_up(const struct cdp_set *s, u32 pending, u32 without)
{
	return s->in_sync & ~(pending | without) || !(pending & cdp_set_joined(s)) ? pending : 0;
}

/* Legs. */

/* [lock] @leg failed; @by_write: a write that others may have taken. */
void cdp_set_leg_error(struct cdp_set *s, u32 leg, bool by_write);
/* [lock] @leg is healthy but did not take a write that others took. */
void cdp_set_leg_lag(struct cdp_set *s, u32 leg);
/*
 * [lock] @leg may have lost what was written to it and not flushed, without an
 * error: it is copied again. -EBUSY: it is the last in-sync one.
 */
int __must_check cdp_set_leg_doubt(struct cdp_set *s, u32 leg);
/*
 * [lock] @leg is attached again, was told so, and its tracker tells all that it lacks. What
 * it was told may not be the last commit any more, so it takes part from the next ones on.
 */
void cdp_set_leg_return(struct cdp_set *s, u32 leg);
/* [lock] Another disk takes the place of the faulty @leg, under the name @uuid. */
void cdp_set_leg_renew(struct cdp_set *s, u32 leg, const struct cdp_uuid *uuid);
/* [lock] May @leg be given up? -EBUSY: it is the last in-sync one. */
int __must_check cdp_set_may_fail(const struct cdp_set *s, u32 leg);
/* [lock] Prefer @leg. -EBUSY unless it is in-sync. */
int __must_check cdp_set_prefer(struct cdp_set *s, u32 leg);
enum cdp_health cdp_set_health(const struct cdp_set *s);

/* May a stale leg get data? [lock] */
static inline bool cdp_takes_part(const struct cdp_set_leg *l)
{
	return l->state == LEG_STALE && l->commits == CDP_TAKES_PART;
}

/* A stale leg: does it lack nothing, nor what is still to be tracked? [lock] */
static inline bool cdp_is_whole(const struct cdp_set_leg *l)
{
	return l->state == LEG_STALE && !l->tracked && !l->merge;
}

/* Regions that @leg lacks. [lock] */
static inline u64 cdp_set_stale(const struct cdp_set *s, u32 leg, u64 extent)
{
	u64 t = s->legs[leg].tracker[extent];

	return (int)leg == s->copy_leg && !s->copy_void ? t & ~s->copied[extent] : t;
}

u64 cdp_set_stale_count(const struct cdp_set *s, u32 leg);

/* [lock] Regions of @mask are stale on @leg. */
void cdp_track(struct cdp_set *s, u32 leg, u64 extent, u64 mask);
/* [lock] All regions from @first on are stale on @leg. */
void cdp_track_from(struct cdp_set *s, u32 leg, u64 first);

/**
 * cdp_merge() - track what was written to a lost leg and not flushed.
 * @extent: where to begin
 * @budget: extents to look at
 *
 * [lock], in portions so that the lock is not held long. Must be finished for
 * all extents before an extent is cleaned or the leg returns.
 *
 * Return: the extent to go on with, or the number of extents when done.
 */
u64 cdp_merge(struct cdp_set *s, u32 leg, u64 extent, u64 budget);

/* Intent. */

/* [one] Set the bit of @extent; its page is to be written. */
void cdp_mark(struct cdp_set *s, u64 extent);
/* [one] The page is durable: writes may go. */
void cdp_marked(struct cdp_set *s, u64 extent);
/* [any] */
static inline bool cdp_is_marked(const struct cdp_set *s, u64 extent)
{
	return cdp_atomic_get(&s->extents[extent]) & EXT_DIRTY;
}

enum cdp_pick {
	PICK_IDLE,	/* not written since the last look */
	PICK_FLUSHED,	/* flushed (cdp_flushed()) and not written since */
	PICK_ALL,	/* whatever has nothing under way */
};

/**
 * cdp_clean_pick() - find extents that may be cleaned.
 * @cursor: extent to begin at; moved on
 *
 * [one] Return: number stored in @out (at most @max).
 */
u32 cdp_clean_pick(struct cdp_set *s, u64 *cursor, enum cdp_pick pick, u64 *out, u32 max);
/*
 * [lock] All legs were flushed since @extent was picked and its tracker words are
 * durable, but a leg might still be found to have lost its cache before the flush.
 */
void cdp_flushed(struct cdp_set *s, u64 extent);
/*
 * [lock] The same, and that is over; or it was picked as flushed earlier
 * (@pick). Clears the bit of @extent unless it was written again.
 */
bool cdp_clean(struct cdp_set *s, u64 extent, enum cdp_pick pick);

/* Bitmap pages. Each takes its page's dirty mark away. */
int cdp_dirty_page(u64 *dirty, u32 pages, u32 from);
void cdp_encode_intent(struct cdp_set *s, u32 page, struct cdp_page_disk *d);
/* [lock] */
void cdp_encode_tracker(struct cdp_set *s, u32 leg, u32 page, struct cdp_page_disk *d);
/* At activation. A page that cannot be read (@d NULL) has all bits set. */
void cdp_load_intent(struct cdp_set *s, u32 page, const struct cdp_page_disk *d);
void cdp_load_tracker(struct cdp_set *s, u32 leg, u32 page, const struct cdp_page_disk *d);
/*
 * After all pages were loaded: every leg but the primary lacks the extents with
 * intent, and a leg that lacks something is stale.
 */
void cdp_recover(struct cdp_set *s);

/* Commits. */

/**
 * cdp_commit_begin() - compose the superblock that records the present state.
 * @now:        seconds since 1970
 * @generation: random, used if a new generation has to begin
 * @clean:      nothing is in flight (and so recorded, if no intent bit is set)
 * @covers:     what the commit is good for, for cdp_commit_end()
 *
 * [lock] Return: mask of the legs to write s->super to.
 */
u32 cdp_commit_begin(struct cdp_set *s, u64 now, u64 generation, bool clean, u64 *covers);
/*
 * [lock] The legs of @ok have it; the others were reported by
 * cdp_set_leg_error() before. Return: true if the commit counts.
 */
bool cdp_commit_end(struct cdp_set *s, u64 covers, u32 ok);
/*
 * [lock] The last commit, for a leg that returns. -EAGAIN: it has not counted (yet), and no
 * leg may know a history that no whole leg has recorded.
 */
int cdp_commit_last(const struct cdp_set *s, struct cdp_super *super);

/* Claims: their regions are written by nobody else. Places from @first to @end - 1. */

/* [lock] Return: its number, or -EBUSY. */
int cdp_claim(struct cdp_set *s, u32 first, u32 end, struct cdp_span span);
void cdp_unclaim(struct cdp_set *s, u32 claim);
/* [lock] Regions of @extent that are claimed. */
u64 cdp_claimed(const struct cdp_set *s, u64 extent);
/* [lock] Have all writes to the claim's extent ended? Then it may be read, and copied. */
bool cdp_claim_drained(struct cdp_set *s, u32 claim);

/* Copying. */

/* [lock] Begin to resync the next stale leg; false: there is none.
 * s->copied and s->fresh must be all zero.
 */
bool cdp_copy_start(struct cdp_set *s);
/* [lock] Give up, or finish. Nothing may be claimed. */
void cdp_copy_stop(struct cdp_set *s);
/**
 * cdp_copy_next() - claim the next run of regions to copy.
 * @max:    longest run, in regions
 * @budget: extents to look at before giving the lock away
 *
 * [lock] Return: number of the claim; -ENOENT: none left in this pass;
 * -EAGAIN: call again; -EBUSY: too many claims.
 */
int cdp_copy_next(struct cdp_set *s, u32 max, u64 budget);
/*
 * [lock] The leg to copy from. If it leaves before the end, it may have lost its cache,
 * and what was read from it is the past.
 */
u32 cdp_copy_source(struct cdp_set *s, u32 claim);
/* [lock] Sectors of what is claimed to be copied. */
u32 cdp_copy_load(const struct cdp_set *s);
/* [lock] */
void cdp_copy_end(struct cdp_set *s, u32 claim, bool copied);
/*
 * [lock] The target was flushed, and no copy has ended since. What was copied is taken out
 * of the tracker: @all, or in those extents that no copy has ended in since the flush
 * before, because it may yet turn out that a cache was lost before this one. In portions
 * like cdp_merge().
 */
u64 cdp_copy_settle(struct cdp_set *s, u64 extent, u64 budget, bool all);

/* Comparing: see verify.h. */

/* [lock] Sectors. -EBUSY: one is under way, or there is nothing to compare with. */
int __must_check cdp_verify_start(struct cdp_set *s, u64 from, u64 to);
/* [lock] What is claimed goes on to its end. */
void cdp_verify_stop(struct cdp_set *s);
/* [lock] The first region that is not done. */
u64 cdp_verify_position(const struct cdp_set *s);
/* [lock] Is this the end of the pass? Says so once. */
bool cdp_verify_over(struct cdp_set *s);
/* [lock] Claim the next run to compare; like cdp_copy_next(). */
int cdp_verify_next(struct cdp_set *s, u32 max, u32 budget);
/* [lock] When it has drained: legs to read, or 0: end it as void. */
u32 cdp_verify_legs(struct cdp_set *s, u32 claim);
/* [lock] A piece was read from all of them. */
enum cdp_verify_step cdp_verify_judge(struct cdp_set *s, u32 claim, enum cdp_verify_seen seen);
/* [lock] Of @legs the one that the others are compared with. */
u32 cdp_verify_against(const struct cdp_set *s, u32 legs);
/* [lock] There is a difference. */
enum cdp_verify_news cdp_verify_found(struct cdp_set *s, const struct cdp_diff *d);
/* [lock] */
void cdp_verify_end(struct cdp_set *s, u32 claim, enum cdp_verify_how how);
/*
 * [lock] Where a difference was found: what @leg holds is right. The others lack these
 * regions from now on, and are resynced. -EINVAL: nothing was found there.
 */
int __must_check cdp_verify_repair(struct cdp_set *s, u32 leg, u64 first, u64 sectors);

#endif
