// SPDX-License-Identifier: GPL-2.0
/*
 * Flights: requests on their way to their legs, and what becomes of those that a
 * leg does not answer in time.
 *
 * A flight with a deadline owns its pages and is on the list of the CPU that sent
 * it, oldest first. The watch looks at the heads of these lists. Legs that are past
 * the deadline are given up if an in-sync leg has answered (the core says so): the
 * request goes on without them, as after an error of theirs, and the flight stays
 * behind on the list of what is late. No leg that something late is out to
 * comes back, and no table goes (cdp_late_legs()), before the answers are in.
 */
#include "cdp.h"

#define TICKS		8	/* looks in the time of a deadline */

/* In front of it lies what goes to each leg: one allocation for the whole request. */
struct flight {
	struct cdp_flight f;	/* first: see cdp_leg_bio() */
	struct bio bio;		/* private pages; last: biosets put the struct in front of it */
};

static struct workqueue_struct *watch_wq;

int __init cdp_flight_init(void)
{
	watch_wq = alloc_workqueue("cdp_watch", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return watch_wq ? 0 : -ENOMEM;
}

void cdp_flight_exit(void)
{
	destroy_workqueue(watch_wq);
}

/*----------------------------------------------------------------
 * The private copy
 *--------------------------------------------------------------*/

#define RESERVE		512u	/* pages; a request needs 256 at most */

static void put(struct cdp *c, struct bio *bio)
{
	cdp_pages_put(&c->copy_pages, bio);
	bio_put(bio);
}

struct cdp_flight *cdp_flight_alloc(struct cdp_bio *b, bool lasts, gfp_t gfp)
{
	struct bio *data = cdp_bio_data(b), *bio;
	struct cdp *c = b->c;
	unsigned int bytes = lasts && cdp_has_data(b) ? data->bi_iter.bi_size : 0;
	struct cdp_flight *f;

	bio = bio_alloc_bioset(NULL, DIV_ROUND_UP(bytes, PAGE_SIZE), data->bi_opf, gfp,
			       &c->flight_bios);
	if (!bio)
		return NULL;
	if (cdp_pages_add(&c->copy_pages, bio, bytes, gfp) < bytes) {
		put(c, bio);
		return NULL;
	}
	if (b->kind == BIO_WRITE && lasts)
		bio_copy_data(bio, data);
	f = &container_of(bio, struct flight, bio)->f;
	f->c = c;
	f->b = b;
	f->lasts = lasts;
	return f;
}

struct bio *cdp_flight_pages(struct cdp_flight *f)
{
	return &container_of(f, struct flight, f)->bio;
}

void cdp_flight_free(struct cdp *c, struct cdp_flight *f)
{
	put(c, cdp_flight_pages(f));
}

/*----------------------------------------------------------------
 * Off and back
 *--------------------------------------------------------------*/

static unsigned long period(struct cdp *c)
{
	/* without a deadline as well: a leg may be taken out by hand */
	unsigned int ms = READ_ONCE(c->features.leg_timeout_ms) ?: UINT_MAX;

	return max(1ul, msecs_to_jiffies(clamp(ms / TICKS, 10u, 1000u)));
}

void cdp_watch(struct cdp *c)
{
	if (READ_ONCE(c->watching) || READ_ONCE(c->dead))
		return;
	WRITE_ONCE(c->look_due, jiffies + period(c));
	WRITE_ONCE(c->watching, true);
	queue_delayed_work(watch_wq, &c->watch_work, period(c));
}

void cdp_flight_start(struct cdp_bio *b, struct cdp_flight *f, u32 legs)
{
	struct cdp *c = b->c;
	struct cdp_flights *q;

	f->failed = f->refused = 0;
	f->cpu = -1;
	f->ns = cdp_stamp(c, &f->sent.since);
	atomic_set(&f->sent.pending, (int)legs);
	if (!f->lasts)
		return;
	f->cpu = (int)raw_smp_processor_id();
	q = per_cpu_ptr(c->flights, f->cpu);
	spin_lock_irq(&q->lock);
	list_add_tail(&f->sent.node, &q->list);
	spin_unlock_irq(&q->lock);
	/* pairs with cdp_watch_work(), which looks under the same lock */
	cdp_watch(c);
}

/* The last answer is in. Return: the request that waits for it, if one still does. */
static struct cdp_bio *land(struct cdp_flight *f)
{
	struct cdp *c = f->c;
	struct cdp_flights *q;
	unsigned long flags;
	struct cdp_bio *b;

	if (f->cpu < 0)
		return f->b;
	q = per_cpu_ptr(c->flights, f->cpu);
	spin_lock_irqsave(&q->lock, flags);
	b = f->b;
	if (b)
		list_del(&f->sent.node);
	spin_unlock_irqrestore(&q->lock, flags);
	return b;
}

/* With the last of what is late the set may go: free first, under the lock. */
void cdp_late_ended(struct cdp *c, struct cdp_sent *sent, cdp_release release)
{
	unsigned long flags;

	spin_lock_irqsave(&c->queue_lock, flags);
	list_del(&sent->node);
	release(c, sent);
	cdp_kick_keeper(c);
	wake_up_all(&c->wait);
	spin_unlock_irqrestore(&c->queue_lock, flags);
}

/*
 * What is late is no more than was out when its legs were given up, and does not count
 * to the bound of the pool: those that go on must not wait for the leg all the same.
 */
static void discount(struct cdp *c, struct cdp_flight *f, int sign)
{
	cdp_pool_count(&c->copy_pages, sign * (s64)cdp_flight_pages(f)->bi_vcnt);
}

static void release_flight(struct cdp *c, struct cdp_sent *sent)
{
	struct cdp_flight *f = container_of(sent, struct cdp_flight, sent);

	discount(c, f, 1);
	cdp_flight_free(c, f);
}

struct cdp_bio *cdp_flight_answered(struct cdp_flight *f, u32 leg, blk_status_t status)
{
	struct cdp *c = f->c;
	struct cdp_bio *b;

	cdp_gauge(c, leg, f->ns, f->sent.since);
	if (unlikely(status)) {
		set_bit(leg, cdp_is_refusal(status) ? &f->refused : &f->failed);
		f->status = status;
	}
	if (atomic_sub_return(1 << leg, &f->sent.pending))
		return NULL;
	b = land(f);
	if (!b) {
		cdp_late_ended(c, &f->sent, release_flight);
		return NULL;
	}
	b->io.failed = (u32)f->failed | b->late;
	b->io.refused = (u32)f->refused;
	b->status = f->failed | f->refused ? f->status : BLK_STS_OK;
	if (b->kind == BIO_READ && !b->status)
		bio_copy_data(cdp_bio_data(b), cdp_flight_pages(f));
	cdp_flight_free(c, f);
	return b;
}

/*----------------------------------------------------------------
 * The watch
 *--------------------------------------------------------------*/

void cdp_give_up(struct cdp *c, u32 legs, unsigned long since)
{
	u32 leg;

	lockdep_assert_held(&c->lock);
	for (leg = 0; leg < c->nr_legs; leg++) {
		if (!(legs & cdp_set_joined(&c->set) & 1u << leg))
			continue;
		c->told_late |= 1u << leg;
		cdp_event(c, "leg-timeout", (int)leg, "%u ms without an answer",
			  jiffies_to_msecs(jiffies - since));
		cdp_set_leg_error(&c->set, leg, false);
	}
	cdp_tell(c);
}

static bool is_overdue(struct cdp *c, unsigned long since, unsigned long now)
{
	unsigned int ms = READ_ONCE(c->features.leg_timeout_ms);

	return ms && time_after_eq(now, since + msecs_to_jiffies(ms));
}

u32 cdp_too_late(struct cdp *c, const struct cdp_sent *sent, unsigned long now, u32 outside,
		 u32 without)
{
	u32 pending = cdp_pending(sent);

	lockdep_assert_held(&c->lock);
	if (!is_overdue(c, sent->since, now) && pending & (cdp_set_joined(&c->set) | outside))
		return 0;
	return cdp_may_give_up(&c->set, pending, without);
}

/*
 * What is left behind is the last that was sent: it may still get to the leg or not, in
 * part or whole, as in a crash.
 */
u32 cdp_leave_behind(struct cdp *c, const struct cdp_sent *sent, unsigned long now)
{
	unsigned int ms = READ_ONCE(c->features.leg_timeout_ms) ?: CDP_PATIENCE_MS;

	if (!READ_ONCE(c->ending) || !cdp_pending(sent))
		return 0;
	if (time_after_eq(now, sent->since + msecs_to_jiffies(ms)))
		WRITE_ONCE(c->left_behind, true);
	return READ_ONCE(c->left_behind) ? cdp_pending(sent) : 0;
}

/* Legs that this flight goes on without; c->lock held. */
static u32 too_late(struct cdp *c, const struct cdp_flight *f, unsigned long now)
{
	u32 without = (u32)f->failed | (u32)f->refused;

	/* who refuses write-zeroes is alive, and gets them written afterwards */
	if (f->b->kind == BIO_ZERO && !f->b->emulate)
		without = 0;
	if (f->b->kind != BIO_READ)
		without |= ~f->b->io.legs;
	return cdp_too_late(c, &f->sent, now, 0, without);
}

/* Take flights that have waited long enough from their requests. c->lock held. */
static void part(struct cdp *c, struct cdp_flights *q, unsigned long now,
		 struct list_head *requests)
{
	u32 gone = ((1u << c->nr_legs) - 1) & ~cdp_set_joined(&c->set);
	struct cdp_flight *f, *next;

	spin_lock_irq(&q->lock);
	list_for_each_entry_safe(f, next, &q->list, sent.node) {
		u32 late;

		if (!gone && !is_overdue(c, f->sent.since, now))
			break;
		late = too_late(c, f, now);
		if (!late)
			continue;
		/* at once: the next decision must not count on these legs */
		cdp_give_up(c, late, f->sent.since);
		f->b->late |= late;
		f->b->io.failed = (u32)f->failed | f->b->late;
		f->b->io.refused = (u32)f->refused & ~late;
		f->b->status = f->failed ? f->status : BLK_STS_TIMEOUT;
		list_add_tail(&f->b->node, requests);
		WRITE_ONCE(f->b, NULL);	/* its unsent rest is not sent any more */
		discount(c, f, -1);
		spin_lock(&c->queue_lock);
		list_move_tail(&f->sent.node, &c->late);
		spin_unlock(&c->queue_lock);
	}
	spin_unlock_irq(&q->lock);
}

/* What was not waited, though time went by; see cdp_look(). */
static void add_missed(struct cdp_flights *q, struct cdp_look look)
{
	struct cdp_flight *f;

	spin_lock_irq(&q->lock);
	list_for_each_entry(f, &q->list, sent.node)
		cdp_add_missed(&f->sent, look);
	spin_unlock_irq(&q->lock);
}

static bool any_flights(struct cdp *c)
{
	bool any = false;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct cdp_flights *q = per_cpu_ptr(c->flights, cpu);

		spin_lock_irq(&q->lock);
		any |= !list_empty(&q->list);
		spin_unlock_irq(&q->lock);
	}
	return any;
}

void cdp_watch_work(struct work_struct *work)
{
	struct cdp *c = container_of(to_delayed_work(work), struct cdp, watch_work);
	struct cdp_look look = cdp_look(READ_ONCE(c->look_due), period(c));
	struct cdp_bio *b, *next;
	LIST_HEAD(requests);
	bool copies;
	int cpu;

	if (look.missed)
		for_each_possible_cpu(cpu)
			add_missed(per_cpu_ptr(c->flights, cpu), look);
	/* before the look: what it does not see any more, flight or copy, starts it again */
	WRITE_ONCE(c->watching, false);
	spin_lock(&c->lock);
	for_each_possible_cpu(cpu)
		part(c, per_cpu_ptr(c->flights, cpu), look.now, &requests);
	copies = cdp_copies_overdue(c, look);
	copies |= cdp_looks_overdue(c, look);
	spin_unlock(&c->lock);
	/* who waits for pages to be given back may have them now */
	if (!list_empty(&requests))
		wake_up_all(&c->copy_pages.reserve.wait);
	list_for_each_entry_safe(b, next, &requests, node)
		cdp_flight_parted(b);
	cdp_slow_legs(c);
	if (any_flights(c) || copies)
		cdp_watch(c);
}

/* Look at once: a leg was given up, or the deadline changed. */
void cdp_watch_now(struct cdp *c)
{
	if (!READ_ONCE(c->dead))
		mod_delayed_work(watch_wq, &c->watch_work, 0);
}

/*----------------------------------------------------------------
 * What is late
 *--------------------------------------------------------------*/

u32 cdp_late_legs(struct cdp *c)
{
	struct cdp_sent *sent;
	u32 legs = 0;

	spin_lock_irq(&c->queue_lock);
	list_for_each_entry(sent, &c->late, node)
		legs |= cdp_pending(sent);
	spin_unlock_irq(&c->queue_lock);
	return legs;
}

/* Say which legs have answered everything by now; the keeper. */
bool cdp_tell_answered(struct cdp *c)
{
	u32 leg, late = cdp_late_legs(c);

	spin_lock(&c->lock);
	for (leg = 0; leg < c->nr_legs; leg++)
		if (c->told_late & ~late & 1u << leg &&
		    !(cdp_set_joined(&c->set) & 1u << leg)) {
			c->told_late &= ~(1u << leg);
			cdp_event(c, "leg-answered", (int)leg, "%s", "");
		}
	spin_unlock(&c->lock);
	return late;
}

/* One more that is out to @leg, if it is. */
static void count(const struct cdp_sent *sent, u32 leg, u32 *n, unsigned long *oldest)
{
	if (!(cdp_pending(sent) & 1u << leg))
		return;
	++*n;
	*oldest = max(*oldest, jiffies - sent->since);
}

/* How many requests are out to @leg, late or not, and for how long. */
void cdp_flight_count(struct cdp *c, u32 leg, struct cdp_outstanding *o)
{
	struct cdp_sent *sent;
	int cpu;

	memset(o, 0, sizeof(*o));
	spin_lock_irq(&c->queue_lock);
	list_for_each_entry(sent, &c->late, node)
		count(sent, leg, &o->late, &o->oldest);
	spin_unlock_irq(&c->queue_lock);
	for_each_possible_cpu(cpu) {
		struct cdp_flights *q = per_cpu_ptr(c->flights, cpu);

		spin_lock_irq(&q->lock);
		list_for_each_entry(sent, &q->list, node)
			count(sent, leg, &o->waiting, &o->oldest);
		spin_unlock_irq(&q->lock);
	}
}

/*----------------------------------------------------------------
 * Pools
 *--------------------------------------------------------------*/

#define BIO_RESERVE	64

int cdp_flights_init(struct cdp *c)
{
	size_t front = c->nr_legs * sizeof(struct cdp_leg_bio) + offsetof(struct flight, bio);
	int cpu, r = bioset_init(&c->flight_bios, BIO_RESERVE, (unsigned int)front,
				 BIOSET_NEED_BVECS);

	if (!r)
		r = cdp_pool_init(&c->copy_pages, RESERVE,
				  c->features.copy_pool_mb << (20 - PAGE_SHIFT) ?: UINT_MAX);
	if (r)
		return r;
	c->flights = alloc_percpu(struct cdp_flights);
	if (!c->flights)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct cdp_flights *q = per_cpu_ptr(c->flights, cpu);

		spin_lock_init(&q->lock);
		INIT_LIST_HEAD(&q->list);
	}
	return 0;
}

void cdp_flights_exit(struct cdp *c)
{
	free_percpu(c->flights);
	cdp_pool_exit(&c->copy_pages);
	bioset_exit(&c->flight_bios);
}
