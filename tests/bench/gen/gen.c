// SPDX-License-Identifier: GPL-2.0
/*
 * Three targets of device-mapper for measuring, never for use:
 *
 *   0 LENGTH bench-floor [copy] DEV...
 *	Writes go to all devices and complete when all have answered; reads go to the
 *	first. No bookkeeping, no error handling: what no mirror can do with less. With
 *	"copy" they are sent from one private copy of the data.
 *
 *   0 LENGTH bench-dies DEV
 *	DEV, until message NAME 0 die; then every request fails. No table is exchanged for it.
 *
 *   0 LENGTH bench-gen DEV
 *	message NAME 0 write|read DEPTH COUNT: sends COUNT requests of 4 KiB to random places
 *	of DEV, at most DEPTH at once, and answers with the nanoseconds that took. There is
 *	no system call, so that it is the block layer that is measured.
 */
#include <linux/bio.h>
#include <linux/device-mapper.h>
#include <linux/ktime.h>
#include <linux/llist.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/wait.h>

#define BLOCK 8 /* sectors of a request */
#define MAX_DEVS 8
#define PAGES 4096 /* that lie ready for copies */

struct legs {
	unsigned int n;
	struct dm_dev *dev[MAX_DEVS];
	bool dead;
	spinlock_t lock;	/* the pages */
	unsigned int nr_pages;
	struct page **pages;
};

static void put_legs(struct dm_target *ti)
{
	struct legs *l = ti->private;

	while (l->n)
		dm_put_device(ti, l->dev[--l->n]);
	while (l->nr_pages)
		__free_page(l->pages[--l->nr_pages]);
	kvfree(l->pages);
	kfree(l);
}

static int get_legs(struct dm_target *ti, unsigned int argc, char **argv, unsigned int most)
{
	struct legs *l;
	int rc = 0;

	if (!argc || argc > most) {
		ti->error = "Wrong number of devices";
		return -EINVAL;
	}
	l = kzalloc(sizeof(*l), GFP_KERNEL);
	if (!l)
		return -ENOMEM;
	spin_lock_init(&l->lock);
	ti->private = l;
	while (l->n < argc && !rc) {
		rc = dm_get_device(ti, argv[l->n], dm_table_get_mode(ti->table), &l->dev[l->n]);
		l->n += !rc;
	}
	if (rc) {
		ti->error = "No such device";
		put_legs(ti);
	}
	return rc;
}

/*--------------------------------------------------------------------------
 * bench-floor
 */

static struct bio_set clones, copies;

struct floor_io {
	atomic_t left;
	blk_status_t status;
	struct legs *legs;
	struct bio *copy;
};

static int fill(struct legs *l)
{
	l->pages = kvcalloc(PAGES, sizeof(*l->pages), GFP_KERNEL);
	if (!l->pages)
		return -ENOMEM;
	while (l->nr_pages < PAGES) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (!page)
			return -ENOMEM;
		l->pages[l->nr_pages++] = page;
	}
	return 0;
}

static int floor_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	bool copy = argc && !strcmp(argv[0], "copy");
	int rc = get_legs(ti, argc - copy, argv + copy, MAX_DEVS);

	if (rc)
		return rc;
	if (copy && fill(ti->private)) {
		ti->error = "No memory";
		put_legs(ti);
		return -ENOMEM;
	}
	ti->per_io_data_size = sizeof(struct floor_io);
	ti->num_flush_bios = 1;
	return 0;
}

/* NULL: not as many pages are left */
static struct bio *floor_copy(struct legs *l, struct bio *bio)
{
	unsigned int left = bio->bi_iter.bi_size, n = DIV_ROUND_UP(left, PAGE_SIZE), i;
	struct bio *copy = bio_alloc_bioset(NULL, n, bio->bi_opf, GFP_NOIO, &copies);
	unsigned long flags;

	spin_lock_irqsave(&l->lock, flags);
	if (n > l->nr_pages)
		n = 0;
	l->nr_pages -= n;
	for (i = 0; i < n; i++) {
		unsigned int bytes = min_t(unsigned int, left, PAGE_SIZE);

		__bio_add_page(copy, l->pages[l->nr_pages + i], bytes, 0);
		left -= bytes;
	}
	spin_unlock_irqrestore(&l->lock, flags);
	if (!n) {
		bio_put(copy);
		return NULL;
	}
	bio_copy_data(copy, bio);
	copy->bi_iter.bi_sector = bio->bi_iter.bi_sector;
	return copy;
}

static void floor_put(struct legs *l, struct bio *copy)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&l->lock, flags);
	for (i = 0; i < copy->bi_vcnt; i++)
		l->pages[l->nr_pages++] = copy->bi_io_vec[i].bv_page;
	spin_unlock_irqrestore(&l->lock, flags);
	bio_put(copy);
}

static void floor_clone_done(struct bio *clone)
{
	struct bio *bio = clone->bi_private;
	struct floor_io *io = dm_per_bio_data(bio, sizeof(*io));

	if (clone->bi_status)
		io->status = clone->bi_status;
	bio_put(clone);
	if (!atomic_dec_and_test(&io->left))
		return;
	if (io->copy)
		floor_put(io->legs, io->copy);
	bio->bi_status = io->status;
	bio_endio(bio);
}

static int floor_map(struct dm_target *ti, struct bio *bio)
{
	struct floor_io *io = dm_per_bio_data(bio, sizeof(*io));
	struct legs *l = ti->private;
	struct bio *data = bio;
	unsigned int i, n = l->n;

	bio->bi_iter.bi_sector = dm_target_offset(ti, bio->bi_iter.bi_sector);
	if (bio_data_dir(bio) == READ) {
		bio_set_dev(bio, l->dev[0]->bdev);
		return DM_MAPIO_REMAPPED;
	}
	io->legs = l;
	io->copy = NULL;
	if (l->pages && bio_op(bio) == REQ_OP_WRITE && bio->bi_iter.bi_size) {
		io->copy = floor_copy(l, bio);
		if (!io->copy)
			return DM_MAPIO_KILL;
		data = io->copy;
	}
	atomic_set(&io->left, (int)n);
	io->status = BLK_STS_OK;
	for (i = 0; i < n; i++) {
		struct bio *clone = bio_alloc_clone(l->dev[i]->bdev, data, GFP_NOIO, &clones);

		clone->bi_private = bio;
		clone->bi_end_io = floor_clone_done;
		submit_bio_noacct(clone);
	}
	return DM_MAPIO_SUBMITTED;
}

static struct target_type floor_target = {
	.name = "bench-floor",
	.version = { 1, 0, 0 },
	.module = THIS_MODULE,
	.ctr = floor_ctr,
	.dtr = put_legs,
	.map = floor_map,
};

/*--------------------------------------------------------------------------
 * bench-dies
 */

static int dies_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	ti->num_flush_bios = 1;
	return get_legs(ti, argc, argv, 1);
}

static int dies_map(struct dm_target *ti, struct bio *bio)
{
	struct legs *l = ti->private;

	if (READ_ONCE(l->dead))
		return DM_MAPIO_KILL;
	bio_set_dev(bio, l->dev[0]->bdev);
	bio->bi_iter.bi_sector = dm_target_offset(ti, bio->bi_iter.bi_sector);
	return DM_MAPIO_REMAPPED;
}

static int dies_message(struct dm_target *ti, unsigned int argc, char **argv, char *result,
			unsigned int maxlen)
{
	struct legs *l = ti->private;

	if (argc != 1 || strcmp(argv[0], "die"))
		return -EINVAL;
	WRITE_ONCE(l->dead, true);
	return 0;
}

static struct target_type dies_target = {
	.name = "bench-dies",
	.version = { 1, 0, 0 },
	.module = THIS_MODULE,
	.ctr = dies_ctr,
	.dtr = put_legs,
	.map = dies_map,
	.message = dies_message,
};

/*--------------------------------------------------------------------------
 * bench-gen
 */

struct slot {
	struct llist_node free;
	struct bio bio;
	struct bio_vec vec;
	struct gen *gen;
	struct page *page;
};

struct gen {
	struct llist_head free;
	wait_queue_head_t wait;
	unsigned int n;
	struct slot slot[];
};

static int gen_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	return get_legs(ti, argc, argv, 1);
}

static int gen_map(struct dm_target *ti, struct bio *bio)
{
	return DM_MAPIO_KILL;
}

static void gen_answered(struct bio *bio)
{
	struct slot *s = container_of(bio, struct slot, bio);
	struct gen *g = s->gen;

	if (llist_add(&s->free, &g->free))
		wake_up(&g->wait);
}

static void gen_free(struct gen *g)
{
	unsigned int i;

	for (i = 0; i < g->n; i++)
		__free_page(g->slot[i].page);
	kfree(g);
}

static struct gen *gen_alloc(unsigned int depth)
{
	struct gen *g = kzalloc(struct_size(g, slot, depth), GFP_KERNEL);

	if (!g)
		return NULL;
	init_waitqueue_head(&g->wait);
	init_llist_head(&g->free);
	for (; g->n < depth; g->n++) {
		struct slot *s = &g->slot[g->n];

		s->gen = g;
		s->page = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!s->page) {
			gen_free(g);
			return NULL;
		}
		llist_add(&s->free, &g->free);
	}
	return g;
}

/* Waits for all that are free now, and takes them */
static struct llist_node *gen_take(struct gen *g)
{
	wait_event(g->wait, !llist_empty(&g->free));
	return llist_del_all(&g->free);
}

static void gen_send(struct slot *s, struct block_device *dev, blk_opf_t op, sector_t sector)
{
	bio_init(&s->bio, dev, &s->vec, 1, op);
	__bio_add_page(&s->bio, s->page, BLOCK << SECTOR_SHIFT, 0);
	s->bio.bi_iter.bi_sector = sector;
	s->bio.bi_end_io = gen_answered;
	submit_bio(&s->bio);
}

static u64 gen_run(struct gen *g, struct block_device *dev, blk_opf_t op, u64 blocks, u64 count)
{
	u64 start = ktime_get_ns(), place = 1;
	struct llist_node *l = NULL;
	unsigned int back = 0;

	while (count--) {
		struct slot *s;

		if (!l)
			l = gen_take(g);
		s = llist_entry(l, struct slot, free);
		l = l->next;
		/* Knuth's; the high bits are the random ones */
		place = place * 6364136223846793005ULL + 1442695040888963407ULL;
		gen_send(s, dev, op, BLOCK * (((place >> 32) * blocks) >> 32));
	}
	for (; l; l = l->next)
		back++;
	while (back < g->n)
		for (l = gen_take(g); l; l = l->next)
			back++;
	return ktime_get_ns() - start;
}

static int gen_message(struct dm_target *ti, unsigned int argc, char **argv, char *result,
		       unsigned int maxlen)
{
	struct block_device *dev = ((struct legs *)ti->private)->dev[0]->bdev;
	unsigned int depth, count, sz = 0;
	struct gen *g;
	u64 ns;

	if (argc != 3 || kstrtouint(argv[1], 10, &depth) || kstrtouint(argv[2], 10, &count) ||
	    !depth || depth > 1024)
		return -EINVAL;
	g = gen_alloc(depth);
	if (!g)
		return -ENOMEM;
	/* flags as those of direct I/O */
	ns = gen_run(g, dev, !strcmp(argv[0], "read") ? REQ_OP_READ :
						       REQ_OP_WRITE | REQ_SYNC | REQ_IDLE,
		     ti->len / BLOCK, count);
	gen_free(g);
	DMEMIT("%llu", ns);
	return 1;
}

static struct target_type gen_target = {
	.name = "bench-gen",
	.version = { 1, 0, 0 },
	.module = THIS_MODULE,
	.ctr = gen_ctr,
	.dtr = put_legs,
	.map = gen_map,
	.message = gen_message,
};

/*--------------------------------------------------------------------------*/

static struct target_type *targets[] = { &floor_target, &dies_target, &gen_target };

static void unregister(unsigned int n)
{
	while (n)
		dm_unregister_target(targets[--n]);
	bioset_exit(&copies);
	bioset_exit(&clones);
}

static int __init gen_init(void)
{
	unsigned int i = 0;
	int rc = bioset_init(&clones, 64, 0, 0);

	if (!rc)
		rc = bioset_init(&copies, 64, 0, BIOSET_NEED_BVECS);
	while (!rc && i < ARRAY_SIZE(targets)) {
		rc = dm_register_target(targets[i]);
		i += !rc;
	}
	if (rc)
		unregister(i);
	return rc;
}

static void __exit gen_exit(void)
{
	unregister(ARRAY_SIZE(targets));
}

module_init(gen_init);
module_exit(gen_exit);
MODULE_DESCRIPTION("what dm-cdp is measured with");
MODULE_LICENSE("GPL");
