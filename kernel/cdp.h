/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The shell around the core: what one "cdp" target is made of in the kernel.
 *
 * Rules of the house
 *
 *  - The core (core/) decides, this side carries out. Nothing here looks at
 *    the state of a leg to find out what to do with a request.
 *  - Workers, each an ordered workqueue with a rescuer:
 *      commit  (worker.c)  everything that must be durable before something
 *                          goes on: intent pages, superblocks; and the ends of
 *                          writes that are not plain successes
 *      issue   (io.c)      sends parked writes, and those that found no memory
 *                          without waiting
 *      keeper  (keeper.c)  everything that may take long: flushes, cleaning
 *                          intent, tracker pages, resync
 *      copy    (copy.c)    the next piece of a resync's copy, and all of a verify
 *                          (verify.c); waits for nothing
 *      legs    (send.c)    two for each leg: what is sent to its data, and to its
 *                          metadata, where that may wait until the leg takes it
 *    A worker waits for I/O, but no longer than the deadline for a leg that others can
 *    do without; commit waits for nobody, issue for nobody but the pools, keeper for
 *    commit, and a leg's for that leg without a bound. The watch (flight.c) never waits:
 *    it sees the deadlines pass.
 *    What copies and compares rests where the guest needs the processors (rest.c).
 *    Events go out from a queue that may block on memory and that nobody waits for
 *    (event.c).
 *  - Locks, outermost first: answer_mutex (around lock only), keeper_mutex (a pass of
 *    the keeper, or a message that changes what it works on), commit_mutex (a round of
 *    the commit worker, or of suspend and resume in its place), lock (the core's state;
 *    process context), a CPU's list of flights, queue_lock (the lists of requests, and
 *    of what is late; both any context, interrupts off); pace_lock by itself.
 */
#ifndef CDP_H
#define CDP_H

#include <linux/bio.h>
#include <linux/device-mapper.h>
#include <linux/mempool.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/percpu_counter.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "depth.h"
#include "map.h"
#include "pace.h"
#include "plan.h"

#define DM_MSG_PREFIX "cdp"

struct cdp_dev {
	struct dm_dev *data;		/* NULL: the leg is missing */
	struct dm_dev *meta;		/* NULL: no metadata */
	struct block_device *bdev;	/* of data; the table may be gone before it is used */
	sector_t data_start, meta_start;
	struct workqueue_struct *data_wq, *meta_wq;	/* see send.c */
};

struct cdp_event {
	u64 seq;
	time64_t when;
	int leg;			/* -1: the set */
	struct cdp_uuid leg_uuid;
	const char *name;
	char detail[64];
};

#define CDP_EVENTS	256		/* kept for "events" */
#define CDP_PAGES	32u		/* metadata blocks written in one round */
#define CDP_SAMPLE	16u		/* one request in so many is timed to the microsecond */
#define CDP_GAUGE_STEPS	96u
#define CDP_LONG	2		/* ticks of the clock; what takes so long is always timed */
#define CDP_BAD		16u		/* ranges kept that could not be read */
#define CDP_RIPE_MS	2000		/* word of a lost cache may come so late */
#define CDP_PATIENCE_MS	30000u		/* for a leg without a deadline, where others wait */
#define CDP_CLEAN_BATCH	512		/* extents cleaned after one flush */

enum cdp_stat {
	STAT_READS, STAT_WRITES, STAT_FLUSHES, STAT_ZEROES,
	STAT_READ_BYTES, STAT_WRITE_BYTES,
	STAT_INTENT_PAGES, STAT_TRACKER_PAGES, STAT_COMMITS, STAT_ROUNDS,
	STAT_PARKED, STAT_CLEANED, STAT_RETRIED_READS, STAT_VERIFY_READS, STAT_RESTS,
	STATS
};

struct cdp_stats {
	u64 n[STATS];
	u32 sample;
};

/* Something that was sent to legs and may be answered after nobody waits any more. */
struct cdp_sent {
	struct list_head node;
	atomic_t pending;		/* one bit a leg */
	unsigned long since;		/* jiffies */
};

/*
 * A machine that stood still finds everything overdue at once, with the answers yet to
 * be taken in. So time in which nobody looked does not count: who looks every @period,
 * and was due at @due, adds what he has missed to what he waits for, and judges by the
 * time of the look.
 */
struct cdp_look {
	unsigned long now, missed;	/* jiffies */
};

static inline struct cdp_look cdp_look(unsigned long due, unsigned long period)
{
	unsigned long now = jiffies;

	return (struct cdp_look) { now, time_after(now, due + period) ? now - due : 0 };
}

static inline void cdp_add_missed(struct cdp_sent *sent, struct cdp_look look)
{
	if (time_before(sent->since, look.now))
		sent->since += min(look.missed, look.now - sent->since);
}

/* Legs that have not answered. Of the others what they said is seen after this. */
static inline u32 cdp_pending(const struct cdp_sent *sent)
{
	return (u32)atomic_read_acquire(&sent->pending);
}

struct cdp_bio;

/* A request on its way to its legs, which may outlive it (flight.c). */
struct cdp_flight {
	struct cdp_sent sent;
	struct cdp *c;
	struct cdp_bio *b;		/* NULL: it went on without the legs that are late */
	bool lasts;			/* it has pages of its own, and a deadline */
	int cpu;			/* whose list it is on, or -1 */
	blk_status_t status;		/* what one of the legs said */
	u64 ns;				/* time of sending, of a sample */
	unsigned long failed, refused;	/* one bit a leg */
};

/* What goes to one leg. Those of a flight lie in front of it, the first leg's last. */
struct cdp_leg_bio {
	struct cdp_flight *f;
	u32 leg;
	bool by_hand;			/* zeroes are written, because write-zeroes was refused */
	struct bvec_iter iter;		/* to send it again */
	struct work_struct work;
	struct bio bio;
};

static inline struct cdp_leg_bio *cdp_leg_bio(struct cdp_flight *f, u32 leg)
{
	return (struct cdp_leg_bio *)f - 1 - leg;
}

/* The flights with a deadline that a CPU has sent, oldest first. */
struct cdp_flights {
	spinlock_t lock;		/* the list; innermost but queue_lock */
	struct list_head list;
};

/* How long a leg took to answer; per CPU. Steps: see gauge.c. */
struct cdp_gauge {
	u64 answers, weight, sum_us;
	u32 steps[CDP_GAUGE_STEPS];
};

struct cdp_latency {
	u64 count, weight, sum_us, mean_us, p99_us, worst_us;
};

struct cdp_outstanding {
	u32 waiting, late;
	unsigned long oldest;		/* jiffies */
};

/* A copy of a run of regions, a piece at a time (copy.c). */
struct cdp_copy {
	struct cdp_sent sent;
	struct cdp *c;
	u32 claim, source, target;
	sector_t sector;		/* of the piece, in the set */
	u32 left, piece;		/* sectors */
	u32 pages;
	u32 turn, dense;		/* see depth.h; sectors sent, the others were zeroes */
	unsigned long slowest;		/* jiffies that a piece took */
	bool fine;			/* piece by small piece, past what cannot be read */
	bool writing, zeroes, abandoned, read_failed, write_failed;
	blk_status_t status;
	struct work_struct work;	/* of the leg that it is sent to */
	struct bio bio;			/* the pages; last: biosets put the struct in front */
};

/* A device that is used beyond the table (end.c). */
struct cdp_kept {
	struct cdp_hold *hold;
	void *claim;
};

struct cdp_round;

/* Pages that are taken many at a time (pages.c). */
struct cdp_pool {
	mempool_t reserve;
	struct percpu_counter used;	/* by requests, and as the reserve */
	s64 beyond;			/* the reserve, at most; 0: no bound */
};

struct cdp_bad {
	sector_t first, last;
	u32 leg;
};

/* A ceiling for what is copied, or compared. */
struct cdp_rate {
	u32 mbps;			/* MiB/s, 0: none */
	s64 budget;			/* sectors that may go now; below 0: owed */
	unsigned long next;
};

/* Somebody who copies or compares, and rests before he begins more (rest.c). */
struct cdp_rest {
	struct work_struct work;
	struct cdp *c;
	void (*go_on)(struct cdp *c);
	enum { REST_NONE, RESTING, REST_OVER } state;
	u64 ns;
};

/* Work of theirs, while it holds a processor. */
struct cdp_stint {
	u64 since;
	unsigned long waits, turns;	/* how often the worker had let others run, or had to */
};

/* What happens to requests that wait without a bound: while a table goes, or now. */
enum cdp_evict { EVICT_NONE, EVICT_REQUEUE, EVICT_FAIL, EVICT_ONCE };

struct cdp {
	struct dm_target *ti;		/* NULL: the table is gone */
	struct list_head node;		/* among all sets */
	struct cdp_features features;
	u32 region_sectors, nr_legs;
	u32 trackers;			/* for which the metadata areas were found large enough */
	bool has_meta;
	struct cdp_dev devs[CDP_MAX_LEGS];
	char reason[CDP_MAX_LEGS][48];	/* why a leg was not in-sync at activation */

	spinlock_t lock;		/* set, events, and what is told of them */
	struct cdp_set set;		/* under lock, but see set.h */
	bool active;			/* metadata is loaded, I/O may come */
	bool ending;			/* the mapping is removed: nobody is waited for long */
	bool left_behind;		/* something was, then: nothing is sent after it */
	bool dead;			/* being destroyed: no worker is woken */
	bool dormant;			/* suspended: another table may own the metadata */
	bool suspended;			/* nothing new is begun in the background */
	bool told_stale;		/* stale legs know that they are: they get pages, too */
	bool refresh_intent;		/* all intent pages are to be written */
	bool stuck;			/* the last leg takes no metadata */
	enum cdp_evict evict;

	spinlock_t queue_lock;		/* the lists below, but held */
	struct list_head ended;		/* writes whose end the core has to judge */
	struct list_head held;		/* acknowledged after a commit; commit worker's own */
	u32 nr_held;			/* those, and what waits for the intent pages under way */
	bool committing;		/* the commit worker is at it */
	unsigned long commit_since;	/* jiffies */
	struct list_head unmarked;	/* wait for an intent bit */
	u32 nr_unmarked;
	u32 crowd;			/* so many did lately; commit worker's own, like */
	u64 round_ns, round_end;	/* the last round of pages that they waited for */
	wait_queue_head_t gathered;	/* they are so many, or more is to be done */
	struct list_head copying;	/* wait for a copy */
	struct list_head blocked;	/* wait for a leg, or a table */
	struct list_head issue;		/* to be begun, or begun again */
	struct list_head unread;	/* reads that failed on a leg */
	struct list_head copied;	/* copies that ended */
	struct list_head pieces;	/* of copies, answered */
	struct list_head late;		/* struct cdp_sent: out to legs that were given up */
	u64 *clean;			/* extents the keeper has flushed, */
	u32 nr_clean;			/* for commit to clear; 0 when done */
	enum cdp_pick clean_pick;

	struct workqueue_struct *commit_wq, *issue_wq, *keeper_wq, *copy_wq;
	struct delayed_work commit_work;
	struct work_struct issue_work, copy_work;
	struct delayed_work keeper_work;
	struct delayed_work watch_work;
	bool watching;			/* the watch will look again, */
	unsigned long look_due;		/* then (jiffies) */
	u32 told_late;			/* legs whose lateness is known to the events */
	struct mutex keeper_mutex;	/* resync, cleaning, tracker pages, scratch */
	struct mutex commit_mutex;	/* intent pages, superblocks */
	struct cdp_kept kept[2 * CDP_MAX_LEGS];
	struct work_struct end_work;
	atomic_t end_refs;
	bool claimed;			/* or tried to */
	wait_queue_head_t wait;		/* commit made progress, or a copy ended */
	struct cdp_page_disk *scratch;	/* two blocks that were read */
	struct cdp_plan *plan;		/* until it is active; a resume may find no memory */
	struct mutex answer_mutex;	/* status and table line, while they are composed */
	union {
		struct cdp_status status;
		struct cdp_table table;
	} answer;

	struct bio_set flight_bios;	/* flights: a private copy, what goes to each leg */
	struct cdp_pool copy_pages;
	struct cdp_flights __percpu *flights;
	struct bio_set meta_bios;
	mempool_t meta_pages, rounds;

	struct cdp_gauge __percpu *gauges;	/* CDP_MAX_LEGS each */
	u64 mean_ns[CDP_MAX_LEGS], worst_us[CDP_MAX_LEGS];	/* roughly, of late; ever */
	u32 caches;			/* legs with a volatile write cache */
	struct cdp_latency window[CDP_MAX_LEGS];
	u32 slow[CDP_MAX_LEGS];		/* windows in a row that were slow */
	unsigned long window_next;

	struct bio_set run_bios;
	struct cdp_copy *copies[CDP_COPIES];	/* under lock: by claim */
	struct cdp_depth depth;		/* the keeper's own */
	struct cdp_pool run_pages;
	u32 no_zeroes;			/* refused it in this resync; copy worker's own, as */
	u64 zeroed_bytes[CDP_MAX_LEGS];	/* what was not sent to them, of these: */
	u64 copied_bytes[CDP_MAX_LEGS];
	struct cdp_bad bad[CDP_BAD];	/* under lock: could not be read in this resync */
	u32 nr_bad;
	struct bio_set look_bios;	/* verify */
	mempool_t look_pages;
	struct delayed_work verify_work;
	struct list_head looked;	/* under queue_lock: runs that were read */
	struct cdp_reading *readings[CDP_CLAIMS - CDP_COPIES];	/* under lock: by claim */
	bool resync_paused;
	struct cdp_rate resync_rate, verify_rate;
	struct cdp_rest copy_rest, verify_rest;
	spinlock_t pace_lock;		/* pace; innermost */
	struct cdp_pace pace;
	bool one_by_one;		/* single regions are copied: a run could not be read */
	unsigned long settle_next, clean_next, ripe_next, retry_next;
	unsigned long settled;		/* jiffies at the last settle */
	u64 copied_last;		/* regions that the last resync copied */
	unsigned long last_request;	/* jiffies; for the resync, which gives way */

	struct work_struct event_work;
	struct cdp_event events[CDP_EVENTS];	/* under lock */
	u64 event_seq, event_sent;
	enum cdp_health health;		/* as last told */
	enum cdp_leg_state told[CDP_MAX_LEGS];
	int told_leg;

	struct cdp_stats __percpu *stats;
};

enum cdp_bio_kind { BIO_READ, BIO_WRITE, BIO_ZERO, BIO_FLUSH };

/* Per request; lives in device-mapper's per-bio data. */
struct cdp_bio {
	struct cdp *c;
	struct cdp_io io;
	struct list_head node;		/* on one of the lists above */
	sector_t sector;		/* in the set */
	u32 sectors;
	enum cdp_bio_kind kind;
	u64 ns;				/* when a read was sent to its leg, of a sample; */
	unsigned long since;		/* the same in jiffies */
	u32 late;			/* legs it went on without */
	blk_status_t status;		/* what one of the legs said */
	struct bvec_iter iter;		/* of a read, to send it again */
	u32 tried;			/* legs a read failed on */
	int leg;			/* that a read went to, */
	u32 flaps;			/* and how often it had left before */
	bool requeue;
	bool emulate;			/* write zeroes by hand where they were refused */
};

static inline struct bio *cdp_bio_data(struct cdp_bio *b)
{
	return dm_bio_from_per_bio_data(b, sizeof(*b));
}

/* Regions that it touches; b->io.span is a write's. */
static inline struct cdp_span cdp_bio_span(const struct cdp_bio *b)
{
	return cdp_span_of(&b->c->set.g, b->sector, b->sectors);
}

static inline bool cdp_has_data(const struct cdp_bio *b)
{
	return b->kind == BIO_READ || b->kind == BIO_WRITE;
}

static inline void cdp_count(struct cdp *c, enum cdp_stat stat, u64 n)
{
	this_cpu_add(c->stats->n[stat], n);
}

/* target.c */
const char *cdp_name(const struct cdp *c);
/* Take over from the table that is being replaced what is not in the metadata. */
void cdp_inherit(struct cdp *c);
/* For the plan: which set that table runs, what it has recorded last, its in-sync legs. */
void cdp_ask_predecessor(struct cdp *c, struct cdp_plan *p);
/* Legs whose devices still hold requests of this table, or of one that it replaced. */
u32 cdp_busy_legs(struct cdp *c);
/* Its table goes; its legs stay busy. */
void cdp_outlive(struct cdp *c);
/* It is gone for all others. */
void cdp_unlist(struct cdp *c);

/* hold.c: any process context */
/* May wait as long as the disk, if nobody holds it yet; NULL: it cannot be opened. */
struct cdp_hold *cdp_hold_get(struct block_device *bdev);
void cdp_hold_put(struct cdp_hold *h);
/* For nobody else to have; may wait likewise. NULL, or for cdp_bdev_release(). */
void *cdp_hold_claim(struct cdp_hold *h, void *holder);

/* end.c */
int __init cdp_end_init(void);
void cdp_end_exit(void);
/*
 * Hold the leg's devices open, as late answers may need them longer than the table is there.
 * In time: one that does not answer may not be opened any more. What cannot be is not held,
 * and the end of the set waits for it.
 */
void cdp_hold_leg(struct cdp *c, u32 leg);
/* Accepts any half-built state. Late answers are awaited, but not by the caller. */
void cdp_destroy(struct cdp *c);

/* When it is sent: to the microsecond for a sample only. */
static inline u64 cdp_stamp(struct cdp *c, unsigned long *since)
{
	*since = jiffies;
	return this_cpu_inc_return(c->stats->sample) % CDP_SAMPLE ? 0 : ktime_get_ns();
}

/* io.c: the walk of a request */
int cdp_map_bio(struct cdp *c, struct bio *bio);
int cdp_end_bio(struct cdp *c, struct bio *bio, blk_status_t *error);
/* Complete a request; process or interrupt context, no lock held. */
void cdp_bio_done(struct cdp_bio *b, blk_status_t status);
/* Let go of the extent and wait on @list; any context. */
void cdp_bio_park(struct cdp_bio *b, struct list_head *list);
/* Send a read to the next leg, or fail it; process context. */
void cdp_read_again(struct cdp_bio *b);
/* Have requests of @from (emptied) begun again; any context. */
void cdp_reissue(struct cdp *c, struct list_head *from);
void cdp_issue_work(struct work_struct *work);
/* A flight was taken from it: it goes on without the legs b->late; process context. */
void cdp_flight_parted(struct cdp_bio *b);

/* send.c: legs whose queue is full */
int cdp_senders_init(struct cdp *c);
void cdp_senders_exit(struct cdp *c);
/* May a request with these flags be sent without waiting, as cdp_nowait() makes it? */
bool cdp_sends_at_once(struct cdp *c, u32 leg, blk_opf_t op);
/* Has the leg refused to take it without waiting? Any context. */
static inline bool cdp_would_wait(const struct bio *bio)
{
	return unlikely(bio->bi_status) && bio->bi_opf & REQ_NOWAIT &&
	       (bio->bi_status == BLK_STS_AGAIN || bio->bi_status == BLK_STS_NOTSUPP);
}

/* flight.c: requests out to legs, deadlines, and late answers */
int __init cdp_flight_init(void);
void cdp_flight_exit(void);
int cdp_flights_init(struct cdp *c);
void cdp_flights_exit(struct cdp *c);
/*
 * A flight for @b. One that @lasts has pages for its data, and the data of a write is
 * copied. NULL: no memory (@gfp).
 */
struct cdp_flight *cdp_flight_alloc(struct cdp_bio *b, bool lasts, gfp_t gfp);
/* Its private pages. */
struct bio *cdp_flight_pages(struct cdp_flight *f);
void cdp_flight_free(struct cdp *c, struct cdp_flight *f);
/* Before the first bio is sent; @b may be gone after the last. Process context. */
void cdp_flight_start(struct cdp_bio *b, struct cdp_flight *f, u32 legs);
/* Any context. Return: the request, if that was the last answer and it still waits. */
struct cdp_bio *cdp_flight_answered(struct cdp_flight *f, u32 leg, blk_status_t status);
/*
 * Legs that @sent need not be waited for any more: all that are out, once it is overdue
 * or they have left the set (but those of @outside were not in it before), if an in-sync
 * leg that is not among @without has answered. Lock held.
 */
u32 cdp_too_late(struct cdp *c, const struct cdp_sent *sent, unsigned long now, u32 outside,
		 u32 without);
/*
 * The same at the end of the set, for what the last in-sync leg has not answered: it is not
 * given up, but the end goes on. Any context.
 */
u32 cdp_leave_behind(struct cdp *c, const struct cdp_sent *sent, unsigned long now);
/* @legs did not answer what was sent at @since: go on without them; lock held. */
void cdp_give_up(struct cdp *c, u32 legs, unsigned long since);
/* The last answer to something on c->late; any context. */
typedef void (*cdp_release)(struct cdp *c, struct cdp_sent *sent);
void cdp_late_ended(struct cdp *c, struct cdp_sent *sent, cdp_release release);
/* Legs that answers are awaited from, of this table. */
u32 cdp_late_legs(struct cdp *c);
bool cdp_tell_answered(struct cdp *c);
void cdp_flight_count(struct cdp *c, u32 leg, struct cdp_outstanding *o);
/* Have the watch look again, if it would not by itself. */
void cdp_watch(struct cdp *c);
void cdp_watch_now(struct cdp *c);
void cdp_watch_work(struct work_struct *work);

/* pages.c: pages for copies; any context but where waiting is said */
int __init cdp_pages_init(void);
void cdp_pages_exit(void);
/* @reserve pages, and at most @beyond more at once (0: no bound). */
int cdp_pool_init(struct cdp_pool *p, u32 reserve, u32 beyond);
void cdp_pool_exit(struct cdp_pool *p);
/* Pages for @bytes to @bio; @gfp may wait. Return: bytes, fewer if memory is short. */
u32 cdp_pages_add(struct cdp_pool *p, struct bio *bio, u32 bytes, gfp_t gfp);
void cdp_pages_put(struct cdp_pool *p, struct bio *bio);
/* So many more count as used, or fewer. */
void cdp_pool_count(struct cdp_pool *p, s64 pages);

/* gauge.c: how long legs take */
int cdp_gauge_init(struct cdp *c);
void cdp_gauge_timed(struct cdp *c, u32 leg, u64 ns, unsigned long ticks);
/* @leg has answered what was sent at @since (jiffies); @ns: the same, or 0. Any context. */
static inline void cdp_gauge(struct cdp *c, u32 leg, u64 ns, unsigned long since)
{
	unsigned long ticks = jiffies - since;

	this_cpu_inc(c->gauges[leg].answers);
	if (ns || ticks >= CDP_LONG)
		cdp_gauge_timed(c, leg, ns, ticks);
}

void cdp_gauge_read(struct cdp *c, u32 leg, struct cdp_latency *l);
/* Give up protect legs that were too slow for too long; the watch. */
void cdp_slow_legs(struct cdp *c);

/* copy.c: copies under way */
int cdp_copies_init(struct cdp *c);
void cdp_copies_exit(struct cdp *c);
struct cdp_copy *cdp_copy_alloc(struct cdp *c, sector_t sectors);
void cdp_copy_free(struct cdp *c, struct cdp_copy *copy);
void cdp_copy_send(struct cdp_copy *copy);
void cdp_copy_work(struct work_struct *work);
/* Abandon copies that legs do not answer. Lock held. Return: are any under way? */
bool cdp_copies_overdue(struct cdp *c, struct cdp_look look);

/* worker.c: the commit worker */
void cdp_commit_work(struct work_struct *work);
void cdp_kick_commit(struct cdp *c);
/* Wait until what was wanted at the call is recorded; -EIO if it cannot be. Process context. */
int cdp_commit_wait(struct cdp *c);
/* Legs that bitmap pages go to. */
u32 cdp_page_legs(struct cdp *c);
/* Write all intent pages that differ from the disk, and compose and write one
 * superblock. commit_mutex held, process context, waits for the I/O.
 */
bool cdp_write_intent(struct cdp *c);
bool cdp_commit_once(struct cdp *c, bool clean);

/*
 * store.c: metadata and flush I/O; process context, waits for it, but not beyond the
 * deadline for legs that others can do without. A round has pages for what is written,
 * and is gone after the call that it is given to.
 */
int cdp_store_init(struct cdp *c);
void cdp_store_exit(struct cdp *c);
struct cdp_round *cdp_round_get(struct cdp *c, u32 pages);
void *cdp_round_page(struct cdp_round *r, u32 i);
/* Return: the legs that took it. */
u32 cdp_store_write(struct cdp_round *r, u32 legs, const u64 *blocks, u32 n);
/* One block per leg, each leg its own page. */
u32 cdp_store_write_each(struct cdp_round *r, u32 legs, u64 block);
/* 0, -EIO, -ETIMEDOUT */
int cdp_store_read(struct cdp *c, u32 leg, u64 block, void *to);
/* Flush the data devices of @legs; returns those that did. */
u32 cdp_store_flush(struct cdp *c, u32 legs);
/* The same for one leg, but does not wait longer than @timeout jiffies: 0, -EIO, -ETIMEDOUT. */
int cdp_store_flush_within(struct cdp *c, u32 leg, unsigned long timeout);
/* Report legs that did not take metadata or a flush. */
void cdp_store_failed(struct cdp *c, u32 legs);

/* load.c: activation */
/* Read superblocks and decide, writing nothing; the sentence goes to @why. */
int cdp_probe(struct cdp *c, struct cdp_plan *p);
/* -errno with a line in the kernel log. */
int cdp_activate(struct cdp *c);
int cdp_rejoin(struct cdp *c, u32 leg);
int cdp_arrays_alloc(struct cdp *c, const struct cdp_geometry *g);
void cdp_arrays_free(struct cdp *c);
/* [keeper] What is needed only while a leg is copied to, allocated or zeroed; -ENOMEM. */
int cdp_copy_arrays_clear(struct cdp *c);
void cdp_copy_arrays_free(struct cdp *c);

/* keeper.c: background work */
void cdp_keeper_work(struct work_struct *work);
void cdp_kick_keeper(struct cdp *c);
/* Clear what intent can be cleared; @force: not only what was idle. keeper_mutex held. */
int cdp_clean_all(struct cdp *c, bool force);
/* Write tracker pages that differ from the disk. keeper_mutex held. */
int cdp_write_trackers(struct cdp *c);

/* resync.c */
/* @sectors could not be read from @leg; process context. */
void cdp_note_unreadable(struct cdp *c, u32 leg, sector_t first, u32 sectors);
/* One pass; keeper_mutex held. Return: jiffies until the next, or MAX_SCHEDULE_TIMEOUT. */
unsigned long cdp_resync(struct cdp *c);
/* End all copies and begin none. keeper_mutex held. */
void cdp_resync_quiesce(struct cdp *c);

/* Has the guest used the set just now? */
bool cdp_is_busy(struct cdp *c);
/* Does the ceiling allow more now? What is begun then may go beyond it, and is paid off. */
bool cdp_rate_allows(struct cdp_rate *r);
static inline void cdp_rate_spend(struct cdp_rate *r, u64 sectors)
{
	if (r->mbps)
		r->budget -= (s64)sectors;
}

/* rest.c: giving way where processors are short; process context */
int __init cdp_rest_init(void);
void cdp_rest_exit(void);
void cdp_rests_init(struct cdp *c);
/* Nobody asks for one any more. */
void cdp_rests_exit(struct cdp *c);
/* May he begin more now? If not he is woken to go on. */
bool cdp_may_begin(struct cdp *c, struct cdp_rest *r);
/* Should it be little, as the guest waits behind it? Then a copy is of so many sectors. */
bool cdp_begins_small(struct cdp *c);
#define CDP_SMALL_COPY	256u

static inline struct cdp_stint cdp_stint_begin(void)
{
	return (struct cdp_stint) { ktime_get_ns(), current->nvcsw, current->nivcsw };
}

void cdp_stint_end(struct cdp *c, struct cdp_stint stint);

/* verify.c: legs are read against each other */
int cdp_verify_init(struct cdp *c);
void cdp_verify_exit(struct cdp *c);
/* Sectors. -EBUSY, -EINVAL */
int cdp_verify_begin(struct cdp *c, u64 from, u64 to);
int cdp_verify_cancel(struct cdp *c);
/* End all runs and begin none; and go on. Process context. */
void cdp_verify_hold(struct cdp *c);
void cdp_verify_resume(struct cdp *c);
void cdp_verify_inherit(struct cdp *c, struct cdp *old, bool same_legs);
void cdp_verify_work(struct work_struct *work);
/* A claimed run may have come to rest, or more may be claimed; any context. */
void cdp_kick_verify(struct cdp *c);
/* Abandon runs that legs do not answer. Lock held. Return: are any under way? */
bool cdp_looks_overdue(struct cdp *c, struct cdp_look look);

/* message.c */
int cdp_message(struct cdp *c, unsigned int argc, char **argv, char *result, unsigned int maxlen);
void cdp_status(struct cdp *c, char *result, unsigned int maxlen);
void cdp_table_line(struct cdp *c, char *result, unsigned int maxlen);

/* event.c */
int __init cdp_event_init(void);
void cdp_event_exit(void);
/* Lock held. */
void cdp_event(struct cdp *c, const char *name, int leg, const char *fmt, ...) __printf(4, 5);
/* Tell what changed since the last call; lock held. */
void cdp_tell(struct cdp *c);
void cdp_event_work(struct work_struct *work);

#endif
