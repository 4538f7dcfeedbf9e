// SPDX-License-Identifier: GPL-2.0
/*
 * Disks. A data disk has a volatile cache: a sector is what was written last
 * (cur), and what a loss of power leaves (dur) until a flush makes them one.
 * Old values may reach the medium at any time before. A metadata disk takes
 * FUA writes only, which a crash tears at 512 bytes.
 *
 * A request waits on its disk, is executed, and is answered; others are
 * executed and answered in any order meanwhile.
 */
#include "sim.h"

#define REQS	512u

struct leg legs[LEGS];

static struct bio *reqs[REQS];
static u32 nr_reqs;

static struct disk *disk_of(const struct bio *bio)
{
	return bio->bi_bdev->disk;
}

static enum req_kind kind_of(const struct bio *bio)
{
	if (bio->bi_opf & REQ_PREFLUSH)
		return REQ_F;
	return bio_op(bio) == REQ_OP_READ ? REQ_R : REQ_W;
}

static struct gendisk nobody;

static void init_one(struct disk *d, u32 leg, bool meta)
{
	memset(d, 0, sizeof(*d));
	snprintf(d->name, sizeof(d->name), "%c%u", meta ? 'm' : 'd', leg);
	d->leg = leg;
	d->meta = meta;
	d->bdev = (struct block_device) { .disk = d, .bd_disk = &nobody, .bd_holders = 2 };
	d->nowait = one_in(2);
	d->depth = one_in(3) ? 1 + below(4) : 0;
}

/* Rubbish; the same on all, also on new ones, where "assume_clean" says so: a set may grow. */
void disk_fill(u32 leg)
{
	struct disk *d = &legs[leg].data;
	u64 from = sim.alike ? 0 : leg;
	u32 i;

	for (i = 0; i < MAX_SECTORS; i++)
		d->cur[i] = d->dur[i] = 0xb000000000000000ull | from << 32 | i;
}

/* As bought: no metadata, and rubbish for data. */
void disk_init(u32 leg)
{
	struct leg *l = &legs[leg];

	init_one(&l->data, leg, false);
	init_one(&l->meta, leg, true);
	l->data.slow = one_in(6) ? 2 + below(20) : 0;
	l->meta.slow = one_in(6) ? 2 + below(20) : 0;
	disk_fill(leg);
	l->blank = true;
	l->damaged = l->restored = l->gaining = l->doubtful = l->left = l->lost_cache = false;
	l->lacks = true;
	l->whole = 0;
	l->branch = NULL;
	l->has_copy = false;
}

sector_t bdev_nr_sectors(const struct block_device *b)
{
	return b->disk->meta ? AREA_BLOCKS * CDP_BLOCK_SECTORS : MAX_SECTORS;
}

/*
 * What is written last must be what stays, so nothing is written over what is under
 * way. A leg that was given up, and lacks it anyway, may still get what was on its way.
 */
static bool is_raced(const struct bio *bio)
{
	u64 s = bio->bi_iter.bi_sector, n = bio_sectors(bio);
	u32 i;

	if (leg_is_given_up(disk_of(bio)->leg))
		return false;
	for (i = 0; i < nr_reqs; i++) {
		u64 at = reqs[i]->bi_iter.bi_sector;

		if (reqs[i]->bi_bdev == bio->bi_bdev && kind_of(reqs[i]) == REQ_W &&
		    at < s + n && s < at + bio_sectors(reqs[i]))
			return true;
	}
	return false;
}

/* Where no cache is lost in silence, the set need not reckon with it. */
bool bdev_write_cache(const struct block_device *b)
{
	(void)b;
	return has_class(C_DOUBT);
}

bool bdev_nowait(const struct block_device *b)
{
	return b->disk->nowait;
}

bool disk_is_full(const struct disk *d)
{
	u32 i, n = 0;

	for (i = 0; i < nr_reqs; i++)
		n += disk_of(reqs[i]) == d;
	return d->depth && n >= d->depth;
}

void disk_submit(struct bio *bio)
{
	check(kind_of(bio) != REQ_W || has_class(C_OVERLAP) || !is_raced(bio),
	      "%s: a write to %lu+%u is sent while another one is under way", disk_of(bio)->name,
	      bio->bi_iter.bi_sector, bio_sectors(bio));
	check(nr_reqs < REQS, "the simulator has too few requests");
	check(bio->bi_iter.bi_sector + bio_sectors(bio) <= bdev_nr_sectors(bio->bi_bdev),
	      "a request beyond the end of %s", disk_of(bio)->name);
	bio->at = sim.clock;
	reqs[nr_reqs++] = bio;
}

/*----------------------------------------------------------------
 * Data
 *--------------------------------------------------------------*/

static void put_sector(struct disk *d, u64 s, u64 v, bool fua)
{
	/* the value before may have reached the medium by now */
	if (d->since[s] && one_in(2))
		d->dur[s] = d->cur[s];
	d->cur[s] = v;
	if (fua) {
		d->dur[s] = v;
		d->since[s] = 0;
	} else if (!d->since[s]) {
		d->since[s] = sim.clock;
	}
}

/* What was complete when the flush was sent; of the rest some. */
static void flush(struct disk *d, u64 sent)
{
	u32 i;

	for (i = 0; i < MAX_SECTORS; i++)
		if (d->since[i] && (d->since[i] <= sent || one_in(2))) {
			d->dur[i] = d->cur[i];
			d->since[i] = 0;
		}
}

void disk_lose_cache(struct disk *d)
{
	u32 i, keep = below(4);	/* none, few, many, all */

	for (i = 0; i < MAX_SECTORS; i++)
		if (d->since[i]) {
			if (keep == 3 || (keep && one_in(keep == 1 ? 4 : 2)))
				d->dur[i] = d->cur[i];
			d->cur[i] = d->dur[i];
			d->since[i] = 0;
		}
}

/* @part: only some of the sectors get there. */
static void execute_data(struct disk *d, struct bio *bio, bool part)
{
	bool fua = bio->bi_opf & REQ_FUA && !part, zero = bio_op(bio) == REQ_OP_WRITE_ZEROES;
	u64 s = bio->bi_iter.bi_sector;
	u32 i;

	switch (kind_of(bio)) {
	case REQ_R:
		for (i = 0; i < bio_sectors(bio); i++) {
			*sim_bio_sector(bio, i) = d->cur[s + i];
			verify_lie(bio, i, sim_bio_sector(bio, i));
		}
		break;
	case REQ_W:
		audit_exec(d, bio);
		bio->at = sim.clock;
		for (i = 0; i < bio_sectors(bio); i++) {
			u64 value = zero ? 0 : *sim_bio_sector(bio, i);

			check(value != GIVEN_BACK, "%s is written from pages that were given back",
			      d->name);
			if (!part || one_in(2))
				put_sector(d, s + i, value, fua);
		}
		break;
	default:
		if (!part) {
			flush(d, bio->at);
			d->flushed = max(d->flushed, bio->at);
		}
	}
}

static void execute_meta(struct disk *d, struct bio *bio, bool part)
{
	u8 *page = bio->bi_io_vec[0].bv_page->bytes, *area = d->area + (bio->bi_iter.bi_sector << SECTOR_SHIFT);
	u32 i;

	if (kind_of(bio) == REQ_R) {
		memcpy(page, area, CDP_BLOCK_BYTES);
		return;
	}
	check(bio->bi_opf & REQ_FUA, "metadata is written without FUA");
	check(*(u64 *)page != GIVEN_BACK, "%s is written from a page that was given back", d->name);
	for (i = 0; i < CDP_BLOCK_SECTORS; i++)
		if (!part || one_in(2))
			memcpy(area + (i << SECTOR_SHIFT), page + (i << SECTOR_SHIFT), 512);
}

static void execute(struct bio *bio, bool part)
{
	struct disk *d = disk_of(bio);

	if (d->meta)
		execute_meta(d, bio, part);
	else
		execute_data(d, bio, part);
}

/*----------------------------------------------------------------
 * Faults and answers
 *--------------------------------------------------------------*/

static bool is_bad(const struct disk *d, const struct bio *bio)
{
	u64 s = bio->bi_iter.bi_sector;

	return kind_of(bio) != REQ_F && s < d->bad_to && s + bio_sectors(bio) > d->bad_from;
}

static bool fails(struct disk *d, const struct bio *bio)
{
	enum req_kind k = kind_of(bio);

	if (d->broken[k] || is_bad(d, bio))
		return true;
	if (!d->fail_once[k])
		return false;
	if (d->fail_after[k]) {
		d->fail_after[k]--;
		return false;
	}
	d->fail_once[k]--;
	return true;
}

void disk_heal(struct disk *d)
{
	memset(d->broken, 0, sizeof(d->broken));
	memset(d->fail_once, 0, sizeof(d->fail_once));
	d->bad_from = d->bad_to = 0;
	if (d->hung)
		d->error_at = sim.clock;
	d->hung = false;
}

static const char *kind_name(const struct bio *bio)
{
	static const char *const name[] = { "read", "write", "flush" };

	return name[kind_of(bio)];
}

/* A flush that was sent before the answer need not cover the write. */
static void settled(struct disk *d, const struct bio *bio)
{
	u64 s = bio->bi_iter.bi_sector;
	u32 i;

	for (i = 0; i < bio_sectors(bio); i++)
		if (d->since[s + i] == bio->at)
			d->since[s + i] = sim.clock;
}

static void answer(u32 at)
{
	struct bio *bio = reqs[at];
	struct disk *d = disk_of(bio);

	reqs[at] = reqs[--nr_reqs];
	sim.clock++;
	sim_wake(&d->bdev);
	if (bio->bi_status) {
		d->error_at = sim.clock;
		say("      %s: %s of %lu+%u fails", d->name, kind_name(bio),
		    bio->bi_iter.bi_sector, bio_sectors(bio));
	} else if (kind_of(bio) != REQ_R && d->meta) {
		say("      %s: block %lu written", d->name, bio->bi_iter.bi_sector / CDP_BLOCK_SECTORS);
	} else if (kind_of(bio) != REQ_R) {
		say("      %s: %s of %lu+%u done", d->name, kind_name(bio),
		    bio->bi_iter.bi_sector, bio_sectors(bio));
		if (kind_of(bio) == REQ_W)
			settled(d, bio);
		if (kind_of(bio) == REQ_W)
			op_took(d->leg, bio);
	}
	bio_answer(bio);
}

bool disk_has_requests(const struct disk *d)
{
	u32 i;

	for (i = 0; i < nr_reqs; i++)
		if (disk_of(reqs[i]) == d)
			return true;
	return false;
}

/* They will be answered with an error, and do nothing any more. */
void disk_fail_requests(const struct disk *d)
{
	u32 i;

	for (i = 0; i < nr_reqs; i++)
		if (disk_of(reqs[i]) == d) {
			reqs[i]->executed = true;
			reqs[i]->bi_status = BLK_STS_IOERR;
		}
}

/* As an initiator does that finds its session gone. */
void disk_resend(const struct disk *d)
{
	u32 i;

	for (i = 0; i < nr_reqs; i++)
		if (disk_of(reqs[i]) == d) {
			reqs[i]->executed = false;
			reqs[i]->at = sim.clock;
		}
}

bool disk_any(void)
{
	u32 i;

	for (i = 0; i < nr_reqs; i++)
		if (!disk_of(reqs[i])->hung)
			return true;
	return false;
}

bool disk_step(void)
{
	u32 at, tries;
	struct bio *bio;
	struct disk *d;

	if (!nr_reqs)
		return false;
	at = below(nr_reqs);
	for (tries = 0; disk_of(reqs[at])->hung; at = (at + 1) % nr_reqs)
		if (tries++ == nr_reqs)
			return false;
	bio = reqs[at];
	d = disk_of(bio);
	if (d->slow && !one_in(d->slow))
		return true;
	if (!bio->executed) {
		bio->executed = true;
		sim.clock++;
		bio->bi_status = fails(d, bio) ? BLK_STS_IOERR : BLK_STS_OK;
		if (!bio->bi_status)
			execute(bio, false);
		else if (kind_of(bio) == REQ_W)
			execute(bio, true);
		if (one_in(3))
			return true;
	}
	answer(at);
	return true;
}

/* Requests under way are lost, or done, or done in part. */
void disk_crash(void)
{
	u32 i;

	for (i = 0; i < nr_reqs; i++)
		if (!reqs[i]->executed && kind_of(reqs[i]) == REQ_W && one_in(2))
			execute(reqs[i], !one_in(3));
	nr_reqs = 0;
	for (i = 0; i < LEGS; i++)
		if (!one_in(4))	/* else the leg's machine has not noticed anything */
			disk_lose_cache(&legs[i].data);
}

void disk_forget(void)
{
	nr_reqs = 0;
}
