// SPDX-License-Identifier: GPL-2.0
/* Requests, pools and copies, as shim.h promises them to the kernel shell. */
#include "sim.h"

/*----------------------------------------------------------------
 * Text and numbers
 *--------------------------------------------------------------*/

int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(buf, size, fmt, ap);

	return n < 0 ? 0 : (size_t)n < size ? n : (int)size - 1;
}

int sim_print(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vscnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

void sim_log(const char *level, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (!sim.trace)
		return;
	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("        %s: %s", level, text);
}

int kstrtou64(const char *text, unsigned int base, u64 *v)
{
	char *end;

	errno = 0;
	*v = strtoull(text, &end, (int)base);
	return errno || *end || end == text || *text < '0' || *text > '9' ? -EINVAL : 0;
}

void *memchr_inv(const void *p, int c, size_t n)
{
	const u8 *b = p;

	for (; n && *b == (u8)c; n--)
		b++;
	return n ? (void *)b : NULL;
}

u64 get_random_u64(void)
{
	return rnd();
}

void generate_random_uuid(u8 *b)
{
	u64 v[2] = { rnd(), rnd() };

	memcpy(b, v, sizeof(v));
}

/*----------------------------------------------------------------
 * Memory
 *--------------------------------------------------------------*/

static bool no_memory(gfp_t gfp)
{
	return gfp == GFP_NOWAIT && one_in(sim.nomem);
}

void *mempool_alloc(mempool_t *m, gfp_t gfp)
{
	if (no_memory(gfp))
		return NULL;
	m->in_use++;
	return sim_alloc(m->size);
}

void mempool_free(void *p, mempool_t *m)
{
	m->in_use--;
	sim_free(p);
}

/*----------------------------------------------------------------
 * Requests
 *--------------------------------------------------------------*/

struct bio *bio_alloc_bioset(struct block_device *bdev, u32 vecs, blk_opf_t opf, gfp_t gfp,
			     struct bio_set *bs)
{
	struct bio *bio;
	char *p;

	if (no_memory(gfp))
		return NULL;
	p = sim_alloc(bs->front + sizeof(*bio) + vecs * sizeof(struct bio_vec));
	bio = (struct bio *)(p + bs->front);
	bio->set = bs;
	bio->bi_bdev = bdev;
	bio->bi_opf = opf;
	bio->bi_io_vec = (struct bio_vec *)(bio + 1);
	bio->__bi_remaining.v = 1;
	return bio;
}

struct bio *bio_alloc_clone(struct block_device *bdev, struct bio *from, gfp_t gfp,
			    struct bio_set *bs)
{
	struct bio *bio = bio_alloc_bioset(bdev, 0, from->bi_opf, gfp, bs);

	if (bio) {
		bio->source = from;
		bio->bi_iter = from->bi_iter;
	}
	return bio;
}

void bio_init(struct bio *bio, struct block_device *bdev, struct bio_vec *vec, u32 n, blk_opf_t opf)
{
	(void)n;
	memset(bio, 0, sizeof(*bio));
	bio->bi_bdev = bdev;
	bio->bi_opf = opf;
	bio->bi_io_vec = vec;
	bio->__bi_remaining.v = 1;
}

int bio_init_clone(struct block_device *bdev, struct bio *bio, struct bio *from, gfp_t gfp)
{
	if (no_memory(gfp))
		return -ENOMEM;
	bio_init(bio, bdev, NULL, 0, from->bi_opf);
	bio->source = from;
	bio->bi_iter = from->bi_iter;
	return 0;
}

void bio_put(struct bio *bio)
{
	sim_free((char *)bio - bio->set->front);
}

void __bio_add_page(struct bio *bio, struct page *page, u32 len, u32 offset)
{
	bio->bi_io_vec[bio->bi_vcnt++] = (struct bio_vec) { page, len, offset };
	bio->bi_iter.bi_size += len;
}

/* Where sector @i of the request has its number. */
u64 *sim_bio_sector(struct bio *bio, u32 i)
{
	while (bio->source)
		bio = bio->source;
	if (bio->data)
		return &bio->data[i];
	return (u64 *)(bio->bi_io_vec[i / 8].bv_page->bytes + (i % 8 << SECTOR_SHIFT));
}

void bio_copy_data(struct bio *to, struct bio *from)
{
	u32 i;

	for (i = 0; i < bio_sectors(from); i++) {
		*sim_bio_sector(to, i) = *sim_bio_sector(from, i);
		if (!(i % 8))
			sim_point();
	}
}

/* A disk whose queue is full has the sender wait, or says so to one who does not want that. */
void submit_bio(struct bio *bio)
{
	struct disk *d = bio->bi_bdev->disk;

	bio->executed = false;
	check(!(bio->bi_opf & (REQ_RAHEAD | REQ_FAILFAST_MASK)), "a leg is asked to give up easily");
	if (bio->bi_opf & REQ_NOWAIT && (disk_is_full(d) || one_in(8))) {
		bio->bi_status = BLK_STS_AGAIN;
		bio_endio(bio);
		return;
	}
	if (disk_is_full(d))
		wait_event(d->bdev, !disk_is_full(d));
	disk_submit(bio);
	sim_point();
}

static void answer_task(void *arg)
{
	struct bio *bio = arg;

	if (bio->bi_end_io)
		bio->bi_end_io(bio);
	else
		dm_endio(bio);
}

/* A disk has answered: the completion runs like an interrupt on some CPU. */
void bio_answer(struct bio *bio)
{
	task_spawn("answer", answer_task, bio);
}

static void chain_ended(struct bio *bio)
{
	struct bio *parent = bio->bi_private;

	if (bio->bi_status)
		parent->bi_status = bio->bi_status;
	sim_free(bio);
	bio_endio(parent);
}

void bio_chain(struct bio *bio, struct bio *parent)
{
	parent->__bi_remaining.v++;
	bio->bi_private = parent;
	bio->bi_end_io = chain_ended;
}

int __blkdev_issue_zeroout(struct block_device *b, sector_t at, sector_t n, gfp_t gfp,
			   struct bio **last, u32 flags)
{
	struct bio *bio = sim_alloc(sizeof(*bio));

	(void)gfp;
	(void)flags;
	bio_init(bio, b, NULL, 0, REQ_OP_WRITE_ZEROES);
	bio->bi_iter = (struct bvec_iter) { at, (u32)n << SECTOR_SHIFT };
	*last = bio;
	return 0;
}
