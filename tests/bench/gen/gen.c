// SPDX-License-Identifier: GPL-2.0
/*
 * Two targets of device-mapper for measuring, never for use:
 *
 *   0 LENGTH bench-floor DEV_A DEV_B
 *	Writes go to both devices and complete when both have answered; reads go to the
 *	first. No bookkeeping, no copy, no error handling: what no mirror can do with less.
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

struct pair {
	struct dm_dev *dev[2];
};

static void put_pair(struct dm_target *ti)
{
	struct pair *p = ti->private;
	int i;

	for (i = 0; i < 2; i++)
		if (p->dev[i])
			dm_put_device(ti, p->dev[i]);
	kfree(p);
}

static int get_pair(struct dm_target *ti, unsigned int argc, char **argv, unsigned int want)
{
	struct pair *p;
	unsigned int i;
	int rc = 0;

	if (argc != want) {
		ti->error = "Wrong number of devices";
		return -EINVAL;
	}
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	ti->private = p;
	for (i = 0; i < want && !rc; i++)
		rc = dm_get_device(ti, argv[i], dm_table_get_mode(ti->table), &p->dev[i]);
	if (rc) {
		ti->error = "No such device";
		put_pair(ti);
	}
	return rc;
}

/*--------------------------------------------------------------------------
 * bench-floor
 */

static struct bio_set clones;

struct floor_io {
	atomic_t left;
	blk_status_t status;
};

static int floor_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	ti->per_io_data_size = sizeof(struct floor_io);
	ti->num_flush_bios = 1;
	return get_pair(ti, argc, argv, 2);
}

static void floor_done(struct bio *bio, struct floor_io *io)
{
	if (atomic_dec_and_test(&io->left)) {
		bio->bi_status = io->status;
		bio_endio(bio);
	}
}

static void floor_clone_done(struct bio *clone)
{
	struct bio *bio = clone->bi_private;
	struct floor_io *io = dm_per_bio_data(bio, sizeof(*io));

	if (clone->bi_status)
		io->status = clone->bi_status;
	bio_put(clone);
	floor_done(bio, io);
}

static int floor_map(struct dm_target *ti, struct bio *bio)
{
	struct floor_io *io = dm_per_bio_data(bio, sizeof(*io));
	struct pair *p = ti->private;
	int i;

	bio->bi_iter.bi_sector = dm_target_offset(ti, bio->bi_iter.bi_sector);
	if (bio_data_dir(bio) == READ) {
		bio_set_dev(bio, p->dev[0]->bdev);
		return DM_MAPIO_REMAPPED;
	}
	atomic_set(&io->left, 2);
	io->status = BLK_STS_OK;
	for (i = 0; i < 2; i++) {
		struct bio *clone = bio_alloc_clone(p->dev[i]->bdev, bio, GFP_NOIO, &clones);

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
	.dtr = put_pair,
	.map = floor_map,
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
	return get_pair(ti, argc, argv, 1);
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
	struct block_device *dev = ((struct pair *)ti->private)->dev[0]->bdev;
	unsigned int depth, count, sz = 0;
	struct gen *g;
	u64 ns;

	if (argc != 3 || kstrtouint(argv[1], 10, &depth) || kstrtouint(argv[2], 10, &count) ||
	    !depth || depth > 1024)
		return -EINVAL;
	g = gen_alloc(depth);
	if (!g)
		return -ENOMEM;
	ns = gen_run(g, dev, !strcmp(argv[0], "read") ? REQ_OP_READ : REQ_OP_WRITE | REQ_SYNC,
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
	.dtr = put_pair,
	.map = gen_map,
	.message = gen_message,
};

/*--------------------------------------------------------------------------*/

static int __init gen_init(void)
{
	int rc = bioset_init(&clones, 64, 0, 0);

	if (rc)
		return rc;
	rc = dm_register_target(&floor_target);
	if (!rc) {
		rc = dm_register_target(&gen_target);
		if (rc)
			dm_unregister_target(&floor_target);
	}
	if (rc)
		bioset_exit(&clones);
	return rc;
}

static void __exit gen_exit(void)
{
	dm_unregister_target(&gen_target);
	dm_unregister_target(&floor_target);
	bioset_exit(&clones);
}

module_init(gen_init);
module_exit(gen_exit);
MODULE_DESCRIPTION("what dm-cdp is measured with");
MODULE_LICENSE("GPL");
