// SPDX-License-Identifier: GPL-2.0
/*
 * Device-mapper around the target: tables, suspend and resume in the order of
 * drivers/md/dm.c and dm-ioctl.c, and the guest's requests on their way in and out.
 */
#include "sim.h"
#include "cdp.h"

struct mapped_device {
	struct dm_table table;		/* one for all: it only leads back here */
	struct dm_target *live, *loaded;
	struct gendisk disk;
	bool noflush;
	u32 in_flight;
	int pins;			/* of the module, by tables that are gone */
};

static struct mapped_device md;
static struct target_type *type;
static struct table loaded_table;
static struct dm_dev devs[2][LEGS + 2];
static struct disk *foreign[2];
struct dm_status dm;
struct op ops[OPS];

int dm_register_target(struct target_type *t)
{
	type = t;
	return 0;
}

void sim_pin(int n)
{
	md.pins += n;
	sim_wake(&md.pins);
}

struct gendisk *dm_disk(struct mapped_device *m)
{
	return &m->disk;
}

bool dm_noflush_suspending(struct dm_target *ti)
{
	(void)ti;
	return md.noflush;
}

/* "d0", "m0", and "dX", "mX" for another set's. */
int dm_get_device(struct dm_target *ti, const char *path, blk_mode_t mode, struct dm_dev **dev)
{
	bool meta = path[0] == 'm';
	u32 leg = path[1] == 'X' ? LEGS : (u32)(path[1] - '0');
	struct dm_dev *d = &devs[meta][leg];

	(void)ti;
	(void)mode;
	snprintf(d->name, sizeof(d->name), "%s", path);
	if (leg == LEGS)
		d->bdev = &foreign[meta]->bdev;
	else
		d->bdev = meta ? &legs[leg].meta.bdev : &legs[leg].data.bdev;
	*dev = d;
	return 0;
}

void dm_put_device(struct dm_target *ti, struct dm_dev *dev)
{
	(void)ti;
	(void)dev;
}

/*----------------------------------------------------------------
 * Tables
 *--------------------------------------------------------------*/

struct cdp *dm_cdp(void)
{
	struct cdp *c = md.live ? md.live->private : NULL;

	return c && c->active && dm.judged ? c : NULL;
}

/* The table line's words, in one buffer. */
static u32 words_of(const struct table *t, char *text, u32 size, char **argv)
{
	u32 argc = 0, n, i;
	char *p;

	n = (u32)snprintf(text, size, "%u %u", REGION_SECTORS, t->nr);
	for (i = 0; i < t->nr; i++) {
		u32 l = t->leg[i];

		if (l == LEGS)
			n += (u32)snprintf(text + n, size - n, " - 0 - 0");
		else if (l > LEGS)
			n += (u32)snprintf(text + n, size - n, " dX 0 mX 0");
		else
			n += (u32)snprintf(text + n, size - n, " d%u 0 m%u 0", l, l);
	}
	snprintf(text + n, size - n, " %u%s", t->nr_features, t->features);
	say("  table: %lu sectors, %s", t->sectors, text);
	for (p = strtok(text, " "); p; p = strtok(NULL, " "))
		argv[argc++] = p;
	return argc;
}

int dm_load(const struct table *t)
{
	char text[512], *argv[80];
	struct dm_target *ti = sim_alloc(sizeof(*ti));
	int r;

	ti->table = &md.table;
	ti->len = t->sectors;
	md.table.md = &md;
	r = type->ctr(ti, words_of(t, text, sizeof(text), argv), argv);
	if (r) {
		say("  load is refused (%d): %s", r, ti->error ? ti->error : "?");
		check(ti->error, "a refused table has no reason");
		sim_free(ti);
		return r;
	}
	md.loaded = ti;
	loaded_table = *t;
	return 0;
}

static void destroy(struct dm_target *ti)
{
	type->dtr(ti);
	sim_free(ti);
}

bool dm_has_loaded(void)
{
	return md.loaded;
}

void dm_unload(void)
{
	if (md.loaded)
		destroy(md.loaded);
	md.loaded = NULL;
}

static void wait_for_ops(void)
{
	wait_event(md.in_flight, !md.in_flight);
}

int dm_suspend_set(bool noflush)
{
	if (!dm.live || dm.suspended)
		return -EINVAL;
	md.noflush = noflush;
	type->presuspend(md.live);
	dm.blocked = true;
	if (one_in(16) && md.in_flight) {	/* interrupted */
		md.noflush = false;
		dm.blocked = false;
		type->presuspend_undo(md.live);
		return -EINTR;
	}
	wait_for_ops();
	dm.suspended = true;
	type->postsuspend(md.live);
	md.noflush = false;
	return 0;
}

static void start_queued(void)
{
	u32 i;

	for (i = 0; i < OPS; i++)
		if (ops[i].used && ops[i].queued) {
			ops[i].queued = false;
			op_submit(&ops[i]);
		}
}

int dm_resume_set(void)
{
	struct dm_target *old = NULL;
	int r;

	if (md.loaded) {
		if (dm.live && !dm.suspended && dm_suspend_set(one_in(2)))
			return -EINTR;
		old = md.live;
		md.live = md.loaded;
		md.loaded = NULL;
		dm.table = loaded_table;
		dm.suspended = dm.blocked = true;
		dm.judged = false;
	}
	dm.live = true;
	r = type->preresume(md.live);
	if (!r) {
		if (!dm.judged)
			start_judge();
		type->resume(md.live);
		dm.suspended = dm.blocked = false;
		start_queued();
	}
	if (old)
		destroy(old);
	return r;
}

/* Requests that device-mapper holds back fail. */
static void fail_queued(void)
{
	u32 i;

	for (i = 0; i < OPS; i++)
		if (ops[i].used && ops[i].queued) {
			ops[i].queued = false;
			op_ended(&ops[i], false);
		}
}

void dm_remove_at_once(void)
{
	struct dm_target *last;

	/* in use it cannot be removed; here it can, as if it had been suspended before */
	if (!md.in_flight) {
		dm.blocked = true;
		set_bit(GD_DEAD, &md.disk.state);
	}
	if (md.live && !dm.suspended) {
		type->presuspend(md.live);
		dm.blocked = true;
		wait_for_ops();
		dm.suspended = true;
		type->postsuspend(md.live);
	}
	last = md.live;
	md.live = NULL;
	if (last)
		destroy(last);
	dm_unload();
	fail_queued();
	dm.live = false;
	clear_bit(GD_DEAD, &md.disk.state);
}

void dm_remove(void)
{
	dm_remove_at_once();
	wait_event(md.pins, !md.pins);
	check(!memory_count(), "%u allocations are left behind", memory_count());
}

void dm_reset(void)
{
	memset(&md, 0, sizeof(md));
	memset(&dm, 0, sizeof(dm));
	memset(ops, 0, offsetof(struct op, data));
	for (u32 i = 0; i < OPS; i++)
		ops[i].used = ops[i].queued = false;
}

int dm_message(const char *fmt, ...)
{
	char text[64], result[2048], *argv[8], *p;
	u32 argc = 0;
	va_list ap;
	int r;

	va_start(ap, fmt);
	vscnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	say("  message: %s", text);
	for (p = strtok(text, " "); p; p = strtok(NULL, " "))
		argv[argc++] = p;
	r = type->message(md.live, argc, argv, result, sizeof(result));
	say("  message answered: %d", r);
	return r;
}

void dm_status_line(char *text, u32 size)
{
	type->status(md.live, STATUSTYPE_INFO, 0, text, size);
}

/*----------------------------------------------------------------
 * The guest's requests
 *--------------------------------------------------------------*/

struct op *op_of(struct bio *bio)
{
	return container_of(bio, struct op, bio);
}

/* A leg has answered: whose write was it? Writes do not overlap. */
void op_took(u32 leg, const struct bio *bio)
{
	u32 i;

	for (i = 0; i < OPS; i++)
		if (ops[i].used && !ops[i].read && ops[i].running &&
		    ops[i].sector == bio->bi_iter.bi_sector && ops[i].n == bio_sectors(bio))
			ops[i].took |= 1u << leg;
}

static void map_task(void *arg)
{
	struct op *op = arg;
	struct bio *bio = &op->bio;
	int r;

	r = type->map(md.live, bio);
	if (r == DM_MAPIO_REMAPPED) {
		submit_bio(bio);
	} else if (r == DM_MAPIO_KILL) {
		md.in_flight--;
		sim_wake(&md.in_flight);
		op_ended(op, false);
	}
}

void op_submit(struct op *op)
{
	struct bio *bio = &op->bio;
	blk_opf_t opf = REQ_OP_WRITE;

	static_assert(sizeof(op->per_bio) >= PER_BIO(sizeof(struct cdp_bio)), "per-bio data");
	static_assert(offsetof(struct op, bio) == sizeof(op->per_bio), "no gap");
	if (!md.live || dm.blocked) {
		op->queued = true;
		return;
	}
	if (op->read)
		opf = REQ_OP_READ;
	else if (op->zero)
		opf = one_in(2) ? REQ_OP_WRITE_ZEROES : REQ_OP_DISCARD;
	else if (op->flush)
		opf |= REQ_PREFLUSH;
	if (op->fua)
		opf |= REQ_FUA;
	/* as of one who reads ahead, or would rather try another path */
	bio_init(bio, NULL, NULL, 0, opf | REQ_FAILFAST_MASK | (op->read ? REQ_RAHEAD : 0));
	bio->data = op->data;
	bio->bi_iter = (struct bvec_iter) { op->sector, op->n << SECTOR_SHIFT };
	op->running = true;
	op->again = 0;
	md.in_flight++;
	task_spawn("map", map_task, op);
}

/* A request that ends: by its disk (a read), or by the target. */
static void end_op(struct bio *bio)
{
	struct op *op = op_of(bio);
	blk_status_t status = bio->bi_status;
	int r = type->end_io(md.live, bio, &status);

	if (r == DM_ENDIO_INCOMPLETE) {
		check(++op->again < 12, "a request is sent again without end");
		return;
	}
	op->running = false;
	md.in_flight--;
	if (r == DM_ENDIO_REQUEUE && md.noflush) {
		op->queued = true;
	} else if (r == DM_ENDIO_REQUEUE) {
		/* device-mapper's own answer when such a suspend was interrupted */
		model_end(op, false);
		op->used = false;
	} else {
		op_ended(op, !status);
	}
	sim_wake(&md.in_flight);
}

void dm_endio(struct bio *bio)
{
	end_op(bio);
}

void bio_endio(struct bio *bio)
{
	if (!bio->bi_end_io)	/* a request of the guest */
		end_op(bio);
	else if (!--bio->__bi_remaining.v)
		bio->bi_end_io(bio);
}

void bio_io_error(struct bio *bio)
{
	bio->bi_status = BLK_STS_IOERR;
	bio_endio(bio);
}

/* Another set's leg, as its disk. */
void dm_set_foreign(struct disk *data, struct disk *meta);
void dm_set_foreign(struct disk *data, struct disk *meta)
{
	foreign[0] = data;
	foreign[1] = meta;
}
