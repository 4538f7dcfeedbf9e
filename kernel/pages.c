// SPDX-License-Identifier: GPL-2.0
/*
 * Pages for private copies and for the resync: pools, and what lies ready for them.
 *
 * A page from the page allocator is zeroed first on most kernels (init_on_alloc), only
 * to be written at once: for a large write that cost more than the copy. So pages that
 * are given back are kept on a shelf of the CPU, for all sets together, and what does
 * not fit there in a store that all CPUs share, for those that only take or only give.
 * What has not been needed for a while goes back to the system.
 */
#include <linux/mm.h>

#include "cdp.h"

#define BATCH		8u	/* pages moved under a lock */
#define SHELF_PAGES	512u	/* two of the largest requests, */
#define STORE_PAGES	2048u	/* and eight; of a small memory's pages one in SHARE, at most */
#define SHARE		512u
#define TRIM_S		2
#define POOLS_PERCENT	2u	/* of memory, as dm-crypt bounds its own */

/* Pages, the last one that came on top. */
struct pile {
	spinlock_t lock;	/* all of it */
	u32 n, most;
	u32 least;		/* n was not below since the last look */
	struct page *pages[];
};

static struct pile * __percpu *shelves;
static struct pile *store;
static struct delayed_work trim_work;
static bool trimming;

/* Move up to @n pages to where @to begins; both locked, or not known to others. */
static u32 pick_up(struct pile *p, struct page **to, u32 n)
{
	n = min(n, p->n);
	p->n -= n;
	memcpy(to, p->pages + p->n, n * sizeof(*to));
	p->least = min(p->least, p->n);
	return n;
}

static u32 put_down(struct pile *p, struct page **from, u32 n)
{
	n = min(n, p->most - p->n);
	memcpy(p->pages + p->n, from, n * sizeof(*from));
	p->n += n;
	return n;
}

/* The same for one that others use. Return: how many. */
static u32 exchange(struct pile *p, u32 (*move)(struct pile *p, struct page **pages, u32 n),
		    struct page **pages, u32 n)
{
	unsigned long flags;

	spin_lock_irqsave(&p->lock, flags);
	n = move(p, pages, n);
	spin_unlock_irqrestore(&p->lock, flags);
	return n;
}

static u32 take(struct page **pages, u32 n)
{
	u32 got = store ? exchange(*raw_cpu_ptr(shelves), pick_up, pages, n) : 0;

	return got || !store ? got : exchange(store, pick_up, pages, n);
}

static void give(struct page **pages, u32 n)
{
	u32 kept = store ? exchange(*raw_cpu_ptr(shelves), put_down, pages, n) : 0;

	if (kept < n && store)
		kept += exchange(store, put_down, pages + kept, n - kept);
	while (n > kept)
		__free_page(pages[--n]);
	if (kept && !READ_ONCE(trimming)) {
		WRITE_ONCE(trimming, true);
		schedule_delayed_work(&trim_work, TRIM_S * HZ);
	}
}

static u32 pick_unused(struct pile *p, struct page **to, u32 n)
{
	u32 left = p->least - min(n, p->least);

	n = pick_up(p, to, p->least - left);
	p->least = left ?: p->n;
	return n;
}

/* Give back what was not needed since the last look. */
static void trim(struct pile *p)
{
	struct page *pages[BATCH];
	u32 n, left = READ_ONCE(p->least);

	while (left && (n = exchange(p, pick_unused, pages, min(left, BATCH)))) {
		left -= n;
		while (n)
			__free_page(pages[--n]);
	}
	if (READ_ONCE(p->n))
		WRITE_ONCE(trimming, true);
}

static void trim_all(struct work_struct *work)
{
	int cpu;

	WRITE_ONCE(trimming, false);
	for_each_possible_cpu(cpu)
		trim(*per_cpu_ptr(shelves, cpu));
	trim(store);
	if (READ_ONCE(trimming))
		schedule_delayed_work(&trim_work, TRIM_S * HZ);
}

static void pile_free(struct pile *p)
{
	while (p && p->n)
		__free_page(p->pages[--p->n]);
	kvfree(p);
}

static struct pile *pile_alloc(u32 most)
{
	struct pile *p = kvzalloc(sizeof(*p) + most * sizeof(*p->pages), GFP_KERNEL);

	if (p) {
		spin_lock_init(&p->lock);
		p->most = most;
	}
	return p;
}

void cdp_pages_exit(void)
{
	int cpu;

	if (!shelves)
		return;
	cancel_delayed_work_sync(&trim_work);
	for_each_possible_cpu(cpu)
		pile_free(*per_cpu_ptr(shelves, cpu));
	pile_free(store);
	free_percpu(shelves);
}

int __init cdp_pages_init(void)
{
	u32 share = (u32)min_t(unsigned long, totalram_pages() / SHARE, STORE_PAGES);
	bool all;
	int cpu;

	if (!share)
		return 0;
	INIT_DELAYED_WORK(&trim_work, trim_all);
	shelves = alloc_percpu(struct pile *);
	if (!shelves)
		return -ENOMEM;
	store = pile_alloc(share);
	all = store;
	for_each_possible_cpu(cpu) {
		struct pile **p = per_cpu_ptr(shelves, cpu);

		*p = pile_alloc(min(share, SHELF_PAGES));
		all &= !!*p;
	}
	if (all)
		return 0;
	cdp_pages_exit();
	return -ENOMEM;
}

/*----------------------------------------------------------------
 * Pools
 *--------------------------------------------------------------*/

/*
 * Copies of what waits for a leg must not take the memory that swapping out on the set
 * is to win: the bounded pools share a part of it, whatever their own bounds are.
 */
static DEFINE_MUTEX(share_lock);
static u32 sharers;
static s64 fair_share;	/* pages */

static void share_out(int change)
{
	mutex_lock(&share_lock);
	sharers += change;
	if (sharers)
		WRITE_ONCE(fair_share, totalram_pages() * POOLS_PERCENT / 100 / sharers);
	mutex_unlock(&share_lock);
}

static bool is_used_up(struct cdp_pool *p)
{
	return p->beyond && percpu_counter_read_positive(&p->used) >=
			    p->reserve.min_nr + min(p->beyond, READ_ONCE(fair_share));
}

/* The reserve, and up to the bound beyond it: then the pool waits. */
static void *pool_alloc(gfp_t gfp, void *data)
{
	struct cdp_pool *p = data;
	struct page *page = is_used_up(p) ? NULL : alloc_page(gfp);

	if (page)
		percpu_counter_inc(&p->used);
	return page;
}

static void pool_free(void *page, void *data)
{
	struct cdp_pool *p = data;

	percpu_counter_dec(&p->used);
	__free_page(page);
}

int cdp_pool_init(struct cdp_pool *p, u32 reserve, u32 beyond)
{
	int r = percpu_counter_init(&p->used, 0, GFP_KERNEL);

	if (!r)
		r = mempool_init(&p->reserve, (int)reserve, pool_alloc, pool_free, p);
	if (r)
		return r;
	p->beyond = beyond;
	if (beyond)
		share_out(1);
	return 0;
}

void cdp_pool_exit(struct cdp_pool *p)
{
	if (p->beyond)
		share_out(-1);
	p->beyond = 0;
	mempool_exit(&p->reserve);
	percpu_counter_destroy(&p->used);
}

/* Return: how many of up to @n pages; 0: no memory. */
static u32 some_pages(struct cdp_pool *p, struct page **pages, u32 n, gfp_t gfp)
{
	n = is_used_up(p) ? 0 : take(pages, n);
	percpu_counter_add(&p->used, n);
	if (n)
		return n;
	pages[0] = mempool_alloc(&p->reserve, gfp);
	return !!pages[0];
}

u32 cdp_pages_add(struct cdp_pool *p, struct bio *bio, u32 bytes, gfp_t gfp)
{
	struct page *pages[BATCH];
	u32 i, n, left = bytes;

	while (left) {
		n = some_pages(p, pages, min_t(u32, BATCH, DIV_ROUND_UP(left, PAGE_SIZE)), gfp);
		if (!n)
			break;
		for (i = 0; i < n; i++) {
			u32 len = min_t(u32, left, PAGE_SIZE);

			__bio_add_page(bio, pages[i], len, 0);
			left -= len;
		}
	}
	return bytes - left;
}

static void put_some(struct cdp_pool *p, struct page **pages, u32 n)
{
	percpu_counter_sub(&p->used, n);
	give(pages, n);
}

void cdp_pages_put(struct cdp_pool *p, struct bio *bio)
{
	struct page *pages[BATCH];
	struct bvec_iter_all iter;
	struct bio_vec *bv;
	u32 n = 0;

	/* first the reserve, for those who wait; the barrier is mempool_free()'s own */
	smp_rmb();
	bio_for_each_segment_all(bv, bio, iter) {
		if (READ_ONCE(p->reserve.curr_nr) < p->reserve.min_nr) {
			mempool_free(bv->bv_page, &p->reserve);
			continue;
		}
		pages[n++] = bv->bv_page;
		if (n == BATCH) {
			put_some(p, pages, n);
			n = 0;
		}
	}
	if (n)
		put_some(p, pages, n);
}

void cdp_pool_count(struct cdp_pool *p, s64 pages)
{
	percpu_counter_add(&p->used, pages);
}
