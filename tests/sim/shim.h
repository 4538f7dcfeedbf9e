/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel, as far as kernel/ (the shell of dm-cdp) uses it, so that the
 * simulator runs the shell's own sources. Threads are coroutines (task.c), a
 * block device is a struct disk (disk.c), a sector's content is one number.
 * What kernel/ comes to use is added here; there is nothing here that it does not.
 */
#ifndef SIM_SHIM_H
#define SIM_SHIM_H

#include <limits.h>
#include <stdlib.h>
#include <strings.h>

#include "point.h"

/*----------------------------------------------------------------
 * Words
 *--------------------------------------------------------------*/

typedef u64 sector_t;
typedef u8 blk_status_t;
typedef u32 blk_opf_t, gfp_t, blk_mode_t;
typedef int64_t s64, time64_t;

#define likely(x)		(x)
#define unlikely(x)		(x)
#define __init
#define __exit
#define __printf(a, b)
#define READ_ONCE(x)		cdp_load(x)
#define WRITE_ONCE(x, v)	cdp_store(x, v)
#define smp_load_acquire(p)	cdp_load(*(p))
#define smp_store_release(p, v)	cdp_store(*(p), v)
#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define container_of(p, type, member) ((type *)((char *)(p) - offsetof(type, member)))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define BITS_TO_U64(n)		DIV_ROUND_UP(n, 64)
#define hweight32(x)		((u32)__builtin_popcount(x))
#define hweight64(x)		((u32)__builtin_popcountll(x))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max_t(t, a, b)		max((t)(a), (t)(b))
#define IS_ERR(p)		((void)(p), false)
#define PTR_ERR(p)		((int)(intptr_t)(p))
void *memchr_inv(const void *p, int c, size_t n);
#define scnprintf		sim_print
#define strscpy(d, s, n)	sim_print(d, n, "%s", s)

/* No format attribute: u64 is not unsigned long long here. */
int sim_print(char *buf, size_t size, const char *fmt, ...);
int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int kstrtou64(const char *text, unsigned int base, u64 *v);
void sim_log(const char *level, const char *fmt, ...);
#define DMERR(...)		sim_log("error", __VA_ARGS__)
#define DMWARN(...)		sim_log("warning", __VA_ARGS__)
#define DMWARN_LIMIT(...)	sim_log("warning", __VA_ARGS__)
#define DMINFO(...)		sim_log("info", __VA_ARGS__)
#define DMEMIT(...) (sz += sz >= maxlen ? 0 : (unsigned)scnprintf(result + sz, maxlen - sz, __VA_ARGS__))

typedef struct { int v; } atomic_t;
typedef struct { s64 v; } atomic64_t;
#define atomic_read(a)		((a)->v)
#define atomic_read_acquire(a)	((a)->v)
#define atomic_set(a, n)	((a)->v = (n))
#define atomic_inc(a)		((a)->v++)
#define atomic_dec_and_test(a)	(sim_point(), --(a)->v == 0)
#define atomic_sub_return(n, a)	(sim_point(), (a)->v -= (n))
#define smp_rmb()		cdp_read_barrier()
#define cmpxchg(p, old, new)	(*(p) == (old) ? (*(p) = (new), (old)) : *(p))
#define atomic_xchg(a, n)	__atomic_exchange_n(&(a)->v, n, __ATOMIC_SEQ_CST)
#define atomic64_add(n, a)	((a)->v += (n))
#define atomic64_read(a)	((a)->v)
#define set_bit(n, p)		(*(p) |= 1ul << (n))
#define clear_bit(n, p)		(*(p) &= ~(1ul << (n)))
#define test_bit(n, p)		(*(p) >> (n) & 1)

/*----------------------------------------------------------------
 * Lists
 *--------------------------------------------------------------*/

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD(name)		struct list_head name = { &name, &name }
#define INIT_LIST_HEAD(l)	((l)->next = (l)->prev = (l))
#define list_empty(l)		((l)->next == (l))
#define list_empty_careful	list_empty
#define list_for_each(n, head)	for (n = (head)->next; n != (head); n = n->next)
#define list_for_each_entry(p, head, member) \
	for (p = container_of((head)->next, __typeof__(*p), member); &p->member != (head); \
	     p = container_of(p->member.next, __typeof__(*p), member))
#define list_for_each_entry_safe(p, n, head, member) \
	for (p = container_of((head)->next, __typeof__(*p), member), \
	     n = container_of(p->member.next, __typeof__(*p), member); &p->member != (head); \
	     p = n, n = container_of(n->member.next, __typeof__(*n), member))

static inline void list_add_tail(struct list_head *n, struct list_head *head)
{
	n->prev = head->prev;
	n->next = head;
	head->prev->next = n;
	head->prev = n;
}

static inline void list_del(struct list_head *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
}

static inline void list_del_init(struct list_head *n)
{
	list_del(n);
	INIT_LIST_HEAD(n);
}

static inline void list_splice_tail_init(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	INIT_LIST_HEAD(from);
}
static inline void list_move_tail(struct list_head *n, struct list_head *head)
{
	list_del(n);
	list_add_tail(n, head);
}
#define list_splice_init	list_splice_tail_init	/* onto empty lists only */

/*----------------------------------------------------------------
 * Tasks: locks, waiting, workqueues, time
 *--------------------------------------------------------------*/

struct task;
typedef struct { struct task *owner; } spinlock_t;
struct mutex { spinlock_t lock; };
typedef struct { int unused; } wait_queue_head_t;
struct workqueue_struct;
struct work_struct {
	void (*func)(struct work_struct *work);
	struct workqueue_struct *wq;
	struct list_head node;
	bool pending;
};
struct delayed_work {
	struct work_struct work;
	struct workqueue_struct *wq;
	unsigned long at;
	bool armed;
};

void sim_lock(spinlock_t *l);
void sim_unlock(spinlock_t *l);
#define spin_lock_init(l)		((l)->owner = NULL)
#define spin_lock(l)			sim_lock(l)
#define spin_unlock(l)			sim_unlock(l)
#define spin_lock_irq(l)		sim_lock(l)
#define spin_unlock_irq(l)		sim_unlock(l)
#define spin_lock_irqsave(l, f)		((f) = 0, sim_lock(l))
#define spin_unlock_irqrestore(l, f)	((void)(f), sim_unlock(l))
#define lockdep_assert_held(l)		sim_assert_held((const spinlock_t *)(l))
bool sim_trylock(spinlock_t *l);
void sim_assert_held(const spinlock_t *l);
#define DEFINE_MUTEX(m)			struct mutex m = { { NULL } }
#define mutex_init(m)			spin_lock_init(&(m)->lock)
#define mutex_lock(m)			sim_lock(&(m)->lock)
#define mutex_trylock(m)		sim_trylock(&(m)->lock)
#define mutex_unlock(m)			sim_unlock(&(m)->lock)

#define init_waitqueue_head(w)		((void)(w))
void sim_wait_begin(const void *what);
void sim_wait_sleep(unsigned long until);	/* 0: no bound */
void sim_wait_end(void);
void sim_wake(const void *what);
void sim_sleep(unsigned long ms);
#define wake_up_all(w)			sim_wake(w)
#define wait_event(w, cond) do { \
	sim_wait_begin(&(w)); \
	while (!(cond)) \
		sim_wait_sleep(0); \
	sim_wait_end(); \
} while (0)
#define wait_event_timeout(w, cond, t) ({ \
	unsigned long until_ = jiffies + (t); \
	bool met_; \
	sim_wait_begin(&(w)); \
	while (!(met_ = (cond)) && time_before(jiffies, until_)) \
		sim_wait_sleep(until_); \
	sim_wait_end(); \
	met_; \
})
#define wait_event_hrtimeout(w, cond, ns) \
	wait_event_timeout(w, cond, (unsigned long)DIV_ROUND_UP(ns, 1000000))
#define wait_event_idle			wait_event
#define wait_event_idle_timeout		wait_event_timeout
#define msleep(ms)			sim_sleep(ms)
#define usleep_range_state(min, max, s)	sim_sleep(DIV_ROUND_UP(max, 1000))
#define cond_resched()			sim_point()
/* Work that is asked for it has taken a while, and somebody may wait for its processor. */
bool sim_wanted(void);
#define need_resched()			sim_wanted()
extern struct sim_task { unsigned long nvcsw, nivcsw; } sim_task;
#define current				(&sim_task)

#define WQ_MEM_RECLAIM	1
#define WQ_UNBOUND	2
struct workqueue_struct *sim_workqueue(const char *fmt);
#define alloc_ordered_workqueue(fmt, flags, ...)	sim_workqueue(fmt)
#define alloc_workqueue(fmt, flags, max)		sim_workqueue(fmt)
void destroy_workqueue(struct workqueue_struct *wq);
bool queue_work(struct workqueue_struct *wq, struct work_struct *w);
bool queue_delayed_work(struct workqueue_struct *wq, struct delayed_work *d, unsigned long delay);
bool mod_delayed_work(struct workqueue_struct *wq, struct delayed_work *d, unsigned long delay);
#define schedule_delayed_work(d, delay)	queue_delayed_work(NULL, d, delay)
bool cancel_work_sync(struct work_struct *w);
bool cancel_delayed_work_sync(struct delayed_work *d);
bool flush_delayed_work(struct delayed_work *d);
#define INIT_WORK(w, f)		(memset(w, 0, sizeof(*(w))), (w)->func = (f))
#define INIT_DELAYED_WORK(d, f)	(memset(d, 0, sizeof(*(d))), (d)->work.func = (f))
#define delayed_work_pending(d)	((d)->armed || (d)->work.pending)
#define to_delayed_work(w)	container_of(w, struct delayed_work, work)

extern unsigned long jiffies;
extern u64 sim_ns;		/* that work has taken */
#define HZ			1000
#define MAX_SCHEDULE_TIMEOUT	LONG_MAX
#define msecs_to_jiffies(n)	((unsigned long)(n))
#define jiffies_to_msecs(n)	((u32)(n))
#define jiffies_to_usecs(n)	((u32)(n) * 1000)
#define ktime_get_ns()		((u64)jiffies * 1000000 + sim_ns)
#define time_after_eq(a, b)	((long)((a) - (b)) >= 0)
#define time_after(a, b)	((long)((b) - (a)) < 0)
#define time_before(a, b)	((long)((a) - (b)) < 0)
#define ktime_get_real_seconds() ((time64_t)(1700000000 + jiffies / HZ))
u64 get_random_u64(void);
void generate_random_uuid(u8 *b);

/*----------------------------------------------------------------
 * Memory
 *--------------------------------------------------------------*/

#define GFP_KERNEL	1u
#define GFP_NOIO	2u
#define GFP_NOWAIT	3u	/* may find nothing */
#define __GFP_ZERO	0u
#define __GFP_NOWARN	0u
#define PAGE_SIZE	4096u
#define PAGE_SHIFT	12
#define SECTOR_SHIFT	9

void *sim_alloc(size_t size);	/* zeroed; gone after a crash */
void sim_free(const void *p);
#define kmalloc(size, gfp)	sim_alloc(size)
#define kzalloc(size, gfp)	sim_alloc(size)
#define kcalloc(n, size, gfp)	sim_alloc((n) * (size))
#define kvmalloc(size, gfp)	sim_alloc(size)
#define kvzalloc(size, gfp)	sim_alloc(size)
#define __vmalloc(size, gfp)	sim_alloc(size)
#define kfree			sim_free
#define kvfree			sim_free
#define vfree			sim_free

struct page {
	u8 bytes[PAGE_SIZE];
};

#define page_address(p)		((void *)(p)->bytes)
#define alloc_page(gfp)		((struct page *)sim_alloc(sizeof(struct page)))
#define __free_page(p)		sim_free(p)

/* Pools hold pages, or structures of one size; a pool that counts does so by itself. */
typedef struct { size_t size; int in_use, curr_nr, min_nr; wait_queue_head_t wait; } mempool_t;
#define mempool_init(m, n, get, put, data) ((void)(get), (void)(put), (void)(data), \
						 mempool_init_page_pool(m, n, 0))
#define mempool_init_page_pool(m, n, order)	((m)->in_use = 0, (m)->size = sizeof(struct page), 0)
#define mempool_init_kmalloc_pool(m, n, s)	((m)->in_use = 0, (m)->size = (s), 0)
#define mempool_exit(m)				((void)(m))
void *mempool_alloc(mempool_t *m, gfp_t gfp);
void mempool_free(void *p, mempool_t *m);

#define totalram_pages()	0ul	/* nothing is kept that somebody might use still */

struct percpu_counter { s64 v; };
#define percpu_counter_init(p, n, gfp)		((p)->v = (n), 0)
#define percpu_counter_destroy(p)		((void)(p))
#define percpu_counter_add(p, n)		((p)->v += (n))
#define percpu_counter_sub(p, n)		((p)->v -= (n))
#define percpu_counter_inc(p)			((p)->v++)
#define percpu_counter_dec(p)			((p)->v--)
#define percpu_counter_read_positive(p)		((p)->v)

#define __percpu
#define alloc_percpu(type)		((type *)sim_alloc(sizeof(type)))
#define alloc_percpu_gfp(type, gfp)	((type *)sim_alloc(sizeof(type)))
#define free_percpu(p)			sim_free(p)
#define this_cpu_add(x, n)		((x) += (n))
#define this_cpu_inc(x)			((x)++)
#define this_cpu_inc_return(x)		(++(x))
#define __alloc_percpu(size, align)	sim_alloc(size)
#define raw_smp_processor_id()		0
#define raw_cpu_ptr(p)			(p)
#define ilog2(x)			(63 - __builtin_clzll(x))
#define div64_u64(a, b)			((a) / (b))
#define clamp(x, lo, hi)		min(max(x, lo), hi)
#define per_cpu_ptr(p, cpu)		((void)(cpu), (p))
#define for_each_possible_cpu(cpu)	for ((cpu) = 0; (cpu) < 1; (cpu)++)

/*----------------------------------------------------------------
 * Block devices and requests
 *--------------------------------------------------------------*/

struct disk;
#define GD_DEAD 0
struct gendisk { unsigned long state; };
struct device { int kobj; };
struct block_device {
	struct disk *disk;
	struct gendisk *bd_disk;
	int bd_holders;
	u32 bd_dev;
};
struct queue_limits {
	u32 max_sectors, max_hw_sectors, logical_block_size, max_discard_sectors, max_hw_discard_sectors, discard_granularity;
};
sector_t bdev_nr_sectors(const struct block_device *b);
bool bdev_write_cache(const struct block_device *b);
#define bdev_logical_block_size(b)	((void)(b), 512u)
#define bdev_write_zeroes_sectors(b)	((void)(b), 65536u)
bool bdev_nowait(const struct block_device *b);
#define bdev_get_queue(b)		(b)
#define queue_is_mq(q)			bdev_nowait(q)
#define bdev_read_only(b)		((void)(b), false)
#define bdev_is_partition(b)		((void)(b), false)

#define BLK_STS_OK	0
#define BLK_STS_NOTSUPP	1
#define BLK_STS_IOERR	10
#define BLK_STS_TIMEOUT	3
#define BLK_STS_AGAIN	12
#define REQ_OP_READ	0u
#define REQ_OP_WRITE	1u
#define REQ_OP_DISCARD	3u
#define REQ_OP_WRITE_ZEROES 9u
#define REQ_FUA		(1u << 8)
#define REQ_PREFLUSH	(1u << 9)
#define REQ_SYNC	(1u << 10)
#define REQ_IDLE	(1u << 11)
#define REQ_META	(1u << 12)
#define REQ_PRIO	(1u << 13)
#define REQ_NOUNMAP	(1u << 14)
#define REQ_POLLED	(1u << 15)
#define REQ_NOWAIT	(1u << 16)
#define REQ_RAHEAD	(1u << 17)
#define REQ_FAILFAST_MASK (1u << 18)
#define REQ_OP_MASK	0xffu
#define READ		0
#define bio_op(b)	((b)->bi_opf & 0xffu)
#define bio_data_dir(b)	((b)->bi_opf & 1u)
#define bio_sectors(b)	((b)->bi_iter.bi_size >> SECTOR_SHIFT)

struct bvec_iter {
	sector_t bi_sector;
	u32 bi_size;
};
struct bio_vec {
	struct page *bv_page;
	u32 bv_len, bv_offset;
};
struct bio_set { size_t front; };
struct bio {
	struct bvec_iter bi_iter;
	blk_opf_t bi_opf;
	blk_status_t bi_status;
	struct block_device *bi_bdev;
	void (*bi_end_io)(struct bio *bio);
	void *bi_private;
	atomic_t __bi_remaining;
	struct bio_set *set;	/* NULL: not ours to free */
	struct bio *source;	/* a clone: whose data */
	u64 *data;		/* one number a sector; NULL: in bi_io_vec */
	struct bio_vec *bi_io_vec;
	u32 bi_vcnt;
	bool executed;		/* on the disk, not answered yet */
	u64 at;			/* clock when a flush was sent, when a write was executed */
};
struct bvec_iter_all { u32 i; };
#define bio_for_each_segment_all(bv, bio, iter) \
	for (iter.i = 0; iter.i < (bio)->bi_vcnt && (bv = &(bio)->bi_io_vec[iter.i]); iter.i++)

#define BIOSET_NEED_BVECS	1
#define bioset_init(bs, n, pad, flags)	((bs)->front = (pad), 0)
#define bioset_exit(bs)			((void)(bs))
struct bio *bio_alloc_bioset(struct block_device *bdev, u32 vecs, blk_opf_t opf, gfp_t gfp,
			     struct bio_set *bs);
struct bio *bio_alloc_clone(struct block_device *bdev, struct bio *from, gfp_t gfp,
			    struct bio_set *bs);
int bio_init_clone(struct block_device *bdev, struct bio *bio, struct bio *from, gfp_t gfp);
void bio_init(struct bio *bio, struct block_device *bdev, struct bio_vec *vec, u32 n, blk_opf_t opf);
#define bio_uninit(b)		((void)(b))
#define bio_set_dev(b, dev)	((b)->bi_bdev = (dev))
void bio_put(struct bio *bio);
void __bio_add_page(struct bio *bio, struct page *page, u32 len, u32 offset);
void bio_copy_data(struct bio *to, struct bio *from);
void submit_bio(struct bio *bio);
#define submit_bio_noacct	submit_bio
void bio_chain(struct bio *bio, struct bio *parent);
void bio_endio(struct bio *bio);
void bio_io_error(struct bio *bio);
int __blkdev_issue_zeroout(struct block_device *b, sector_t at, sector_t n, gfp_t gfp,
			   struct bio **last, u32 flags);
u64 *sim_bio_sector(struct bio *bio, u32 i);
struct blk_plug { int unused; };
#define blk_start_plug(p)	((void)(p))
#define blk_finish_plug(p)	((void)(p))

/*----------------------------------------------------------------
 * Device-mapper
 *--------------------------------------------------------------*/

struct mapped_device;
struct dm_table { struct mapped_device *md; };
struct dm_dev {
	struct block_device *bdev;
	char name[16];
};
struct dm_target {
	struct dm_table *table;
	void *private;
	const char *error;
	sector_t begin, len;
	u32 num_flush_bios, num_write_zeroes_bios, num_discard_bios, per_io_data_size;
	bool flush_supported, discards_supported, limit_swap_bios;
};
typedef enum { STATUSTYPE_INFO, STATUSTYPE_TABLE, STATUSTYPE_IMA } status_type_t;
typedef int (*iterate_devices_callout_fn)(struct dm_target *ti, struct dm_dev *dev,
					  sector_t start, sector_t len, void *data);
struct target_type {
	const char *name;
	u32 version[3];
	u32 features;
	void *module;
	int (*ctr)(struct dm_target *ti, u32 argc, char **argv);
	void (*dtr)(struct dm_target *ti);
	int (*map)(struct dm_target *ti, struct bio *bio);
	int (*end_io)(struct dm_target *ti, struct bio *bio, blk_status_t *error);
	void (*presuspend)(struct dm_target *ti);
	void (*presuspend_undo)(struct dm_target *ti);
	void (*postsuspend)(struct dm_target *ti);
	int (*preresume)(struct dm_target *ti);
	void (*resume)(struct dm_target *ti);
	void (*status)(struct dm_target *ti, status_type_t type, u32 flags, char *result, u32 maxlen);
	int (*message)(struct dm_target *ti, u32 argc, char **argv, char *result, u32 maxlen);
	int (*iterate_devices)(struct dm_target *ti, iterate_devices_callout_fn fn, void *data);
	void (*io_hints)(struct dm_target *ti, struct queue_limits *limits);
};

#define DM_MAPIO_SUBMITTED	0
#define DM_MAPIO_REMAPPED	1
#define DM_MAPIO_KILL		4
#define DM_ENDIO_DONE		0
#define DM_ENDIO_INCOMPLETE	1
#define DM_ENDIO_REQUEUE	2

/* What the target keeps beside a request lies in front of it. */
#define PER_BIO(size)			(((size) + 15) & ~(size_t)15)
#define dm_per_bio_data(bio, size)	((void *)((char *)(bio) - PER_BIO(size)))
#define dm_bio_from_per_bio_data(p, size) ((struct bio *)((char *)(p) + PER_BIO(size)))
#define dm_target_offset(ti, s)		((s) - (ti)->begin)
#define dm_accept_partial_bio(bio, n)	((bio)->bi_iter.bi_size = (n) << SECTOR_SHIFT)
#define dm_set_target_max_io_len(ti, n)	((void)(n), 0)
#define dm_table_get_md(t)		((t)->md)
#define FMODE_WRITE			1u
#define DM_TARGET_SINGLETON		1u
#define dm_table_get_mode(t)		((void)(t), FMODE_WRITE)
#define dm_table_event(t)		((void)(t))
#define dm_device_name(md)		((void)(md), "set")
struct gendisk *dm_disk(struct mapped_device *md);
bool dm_noflush_suspending(struct dm_target *ti);
int dm_get_device(struct dm_target *ti, const char *path, blk_mode_t mode, struct dm_dev **dev);
void dm_put_device(struct dm_target *ti, struct dm_dev *dev);
int dm_register_target(struct target_type *t);
#define dm_unregister_target(t)		((void)(t))

#define KOBJ_CHANGE			0
#define disk_to_dev(d)			((struct device *)(d))
#define kobject_uevent_env(k, a, env)	((void)(k), (void)(env))

#define THIS_MODULE			NULL
void sim_pin(int n);
#define __module_get(m)			sim_pin(1)
#define module_put(m)			sim_pin(-1)
#define BLK_OPEN_READ			0
#define bdev_file_open_by_dev(dev, mode, holder, ops)	((void)(dev), (void *)1)
#define __fput_sync(f)			((void)(f))
#define MODULE_DESCRIPTION(x)
#define MODULE_AUTHOR(x)
#define MODULE_VERSION(x)
#define MODULE_LICENSE(x)		int sim_module_init(void)
#define module_init(f)			int sim_module_init(void); int sim_module_init(void) { return f(); }
#define module_exit(f)			void sim_module_exit(void); void sim_module_exit(void) { f(); }

#endif
