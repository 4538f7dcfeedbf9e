// SPDX-License-Identifier: GPL-2.0
/* Device-mapper's view of a set: constructor, suspend and resume, limits. */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "cdp.h"

#define MAX_IO_SECTORS	2048u	/* what a private copy can hold: 256 pages of 4 KiB */

const char *cdp_name(const struct cdp *c)
{
	return dm_device_name(dm_table_get_md(c->ti->table));
}

/*----------------------------------------------------------------
 * What outlives a table
 *--------------------------------------------------------------*/

static DEFINE_MUTEX(sets_mutex);	/* the list of all targets */
static LIST_HEAD(sets);

/* The table that @c replaces, or NULL. Others before it may still wait for answers. */
static struct cdp *predecessor(struct cdp *c)
{
	struct mapped_device *md = dm_table_get_md(c->ti->table);
	struct cdp *old, *last = NULL;

	list_for_each_entry(old, &sets, node)
		if (old != c && old->ti && old->active && dm_table_get_md(old->ti->table) == md)
			last = old;
	return last;
}

static bool is_same_leg(const struct cdp_dev *a, const struct cdp_dev *b)
{
	return a->bdev && a->bdev == b->bdev;
}

static bool has_same_legs(const struct cdp *a, const struct cdp *b)
{
	u32 i = 0;

	while (i < a->nr_legs && i < b->nr_legs && is_same_leg(&a->devs[i], &b->devs[i]))
		i++;
	return i == a->nr_legs && i == b->nr_legs;
}

void cdp_inherit(struct cdp *c)
{
	struct cdp *old;

	mutex_lock(&sets_mutex);
	old = predecessor(c);
	if (old) {
		spin_lock(&old->lock);
		memcpy(c->events, old->events, sizeof(c->events));
		c->event_seq = old->event_seq;
		c->event_sent = old->event_seq;
		c->resync_paused = old->resync_paused;
		if (!c->features.resync_max_mbps)
			c->resync_rate.mbps = old->resync_rate.mbps;
		cdp_verify_inherit(c, old, has_same_legs(c, old));
		spin_unlock(&old->lock);
	}
	mutex_unlock(&sets_mutex);
}

void cdp_ask_predecessor(struct cdp *c, struct cdp_plan *p)
{
	const struct cdp_set *s;
	struct cdp *old;
	u32 i;

	mutex_lock(&sets_mutex);
	old = predecessor(c);
	if (old) {
		s = &old->set;
		spin_lock(&old->lock);
		p->last_set = s->super.set_uuid;
		p->last_sequence = s->super.sequence;
		for (i = 0; i < s->nr_legs; i++) {
			const struct cdp_leg_entry *e = &s->super.legs[s->legs[i].slot];

			if (s->in_sync & 1u << i)
				p->last_legs[p->nr_last_legs++] = e->uuid;
		}
		spin_unlock(&old->lock);
	}
	mutex_unlock(&sets_mutex);
}

void cdp_outlive(struct cdp *c)
{
	mutex_lock(&sets_mutex);
	c->ti = NULL;
	mutex_unlock(&sets_mutex);
}

void cdp_unlist(struct cdp *c)
{
	mutex_lock(&sets_mutex);
	list_del_init(&c->node);
	mutex_unlock(&sets_mutex);
}

u32 cdp_busy_legs(struct cdp *c)
{
	u32 leg, i, busy = cdp_late_legs(c);
	struct cdp *old;

	mutex_lock(&sets_mutex);
	list_for_each_entry(old, &sets, node) {
		u32 late = old == c ? 0 : cdp_late_legs(old);

		for (i = 0; late && i < old->nr_legs; i++)
			for (leg = 0; late & 1u << i && leg < c->nr_legs; leg++)
				if (is_same_leg(&old->devs[i], &c->devs[leg]))
					busy |= 1u << leg;
	}
	mutex_unlock(&sets_mutex);
	return busy;
}

static void cdp_dtr(struct dm_target *ti)
{
	cdp_destroy(ti->private);
}

/*----------------------------------------------------------------
 * Constructor
 *--------------------------------------------------------------*/

/*
 * ti->error is read after the constructor has gone, so the text cannot live in
 * what the constructor frees. Two constructors that fail at once may mix theirs.
 */
static char error_text[CDP_WHY_TEXT];

#define REFUSE(ti, err, ...) \
	(scnprintf(error_text, sizeof(error_text), __VA_ARGS__), (ti)->error = error_text, (err))

static bool is_own_device(struct dm_target *ti, struct dm_dev *dev)
{
	return dev->bdev->bd_disk == dm_disk(dm_table_get_md(ti->table));
}

/*
 * Device-mapper lets several mappings share a device, because they claim it in
 * one common name. Each mapping counts once, however many of its tables use it.
 */
static bool is_shared(struct dm_dev *dev)
{
	/* a claim of a whole disk counts on the disk and on the "whole" it is itself */
	return READ_ONCE(dev->bdev->bd_holders) > (bdev_is_partition(dev->bdev) ? 1 : 2);
}

static int open_device(struct dm_target *ti, u32 leg, const char *path, const char *what,
		       struct dm_dev **dev)
{
	int r = dm_get_device(ti, path, dm_table_get_mode(ti->table), dev);

	if (r) {
		*dev = NULL;
		if (r == -EBUSY)
			return REFUSE(ti, r,
				      "leg %u: %s device %s is in use (mounted, swap, part of an array or volume, or waited for by a set that is gone)",
				      leg, what, path);
		if (r == -EACCES || r == -EROFS)
			return REFUSE(ti, r, "leg %u: %s device %s is read-only", leg, what, path);
		return REFUSE(ti, r, "leg %u: %s device %s cannot be opened (error %d)",
			      leg, what, path, r);
	}
	if (is_own_device(ti, *dev))
		return REFUSE(ti, -EINVAL, "leg %u: %s device %s is the set itself",
			      leg, what, path);
	if (is_shared(*dev))
		return REFUSE(ti, -EBUSY, "leg %u: %s device %s is held by another mapping",
			      leg, what, path);
	if (bdev_read_only((*dev)->bdev))
		return REFUSE(ti, -EACCES, "leg %u: %s device %s is read-only", leg, what, path);
	return 0;
}

/* Does [start, start + len) fit on the device? */
static int check_room(struct dm_target *ti, u32 leg, const char *what, struct dm_dev *dev,
		      sector_t start, sector_t len)
{
	sector_t size = bdev_nr_sectors(dev->bdev);
	unsigned int lbs = bdev_logical_block_size(dev->bdev) >> SECTOR_SHIFT;

	if (start > size || len > size - start)
		return REFUSE(ti, -ENOSPC, "leg %u: %s device %s is too small: %llu sectors, %llu needed",
			      leg, what, dev->name, (u64)size, (u64)start + len);
	if (start & (lbs - 1))
		return REFUSE(ti, -EINVAL, "leg %u: %s start %llu is not on a logical block of %s",
			      leg, what, (u64)start, dev->name);
	return 0;
}

struct area {
	struct dm_dev *dev;
	sector_t start, len;
	u32 leg;
	const char *what;
};

static int check_overlap(struct dm_target *ti, const struct area *a, u32 n)
{
	u32 i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < i; k++) {
			if (a[i].dev->bdev != a[k].dev->bdev)
				continue;
			if (!strcmp(a[i].what, "data") && !strcmp(a[k].what, "data"))
				return REFUSE(ti, -EINVAL, "legs %u and %u have the same data device %s",
					      a[k].leg, a[i].leg, a[i].dev->name);
			if (a[i].start < a[k].start + a[k].len &&
			    a[k].start < a[i].start + a[i].len)
				return REFUSE(ti, -EINVAL, "%s of leg %u overlaps %s of leg %u on %s",
					      a[i].what, a[i].leg, a[k].what, a[k].leg,
					      a[i].dev->name);
		}
	return 0;
}

static int open_legs(struct cdp *c, const struct cdp_table *t)
{
	struct dm_target *ti = c->ti;
	int r = 0;
	u32 i;

	for (i = 0; !r && i < t->nr_legs; i++) {
		const struct cdp_table_leg *l = &t->legs[i];
		struct cdp_dev *d = &c->devs[i];

		d->data_start = l->data_start;
		d->meta_start = l->meta_start;
		if (strcmp(l->data_dev, "-"))
			r = open_device(ti, i, l->data_dev, "data", &d->data);
		if (d->data)
			d->bdev = d->data->bdev;
		if (!r && strcmp(l->meta_dev, "-")) {
			r = open_device(ti, i, l->meta_dev, "metadata", &d->meta);
			c->has_meta = true;
		}
		cdp_hold_leg(c, i);
	}
	return r;
}

/* Is there room for all data and metadata, each for itself? */
static int check_areas(struct cdp *c, const struct cdp_geometry *g)
{
	sector_t area_sectors = cdp_area_blocks(g) * CDP_BLOCK_SECTORS;
	struct area areas[2 * CDP_MAX_LEGS];
	struct dm_target *ti = c->ti;
	u32 i, n = 0;
	int r = 0;

	for (i = 0; !r && i < c->nr_legs; i++) {
		struct cdp_dev *d = &c->devs[i];

		if (!d->data)
			continue;
		areas[n++] = (struct area) { d->data, d->data_start, ti->len, i, "data" };
		r = check_room(ti, i, "data", d->data, d->data_start, ti->len);
		if (r || !d->meta)
			continue;
		areas[n++] = (struct area) { d->meta, d->meta_start, area_sectors, i, "metadata" };
		r = check_room(ti, i, "metadata", d->meta, d->meta_start, area_sectors);
	}
	c->trackers = g->trackers;
	return r ?: check_overlap(ti, areas, n);
}

static int make_workers(struct cdp *c)
{
	const char *name = cdp_name(c);

	c->commit_wq = alloc_ordered_workqueue("cdp_commit/%s", WQ_MEM_RECLAIM, name);
	c->issue_wq = alloc_ordered_workqueue("cdp_issue/%s", WQ_MEM_RECLAIM, name);
	c->keeper_wq = alloc_ordered_workqueue("cdp_keeper/%s", WQ_MEM_RECLAIM, name);
	c->copy_wq = alloc_ordered_workqueue("cdp_copy/%s", WQ_MEM_RECLAIM, name);
	return c->commit_wq && c->issue_wq && c->keeper_wq && c->copy_wq ? 0 : -ENOMEM;
}

static void init_fields(struct cdp *c)
{
	INIT_LIST_HEAD(&c->node);
	spin_lock_init(&c->lock);
	spin_lock_init(&c->queue_lock);
	mutex_init(&c->keeper_mutex);
	mutex_init(&c->commit_mutex);
	mutex_init(&c->answer_mutex);
	init_waitqueue_head(&c->wait);
	INIT_LIST_HEAD(&c->ended);
	INIT_LIST_HEAD(&c->held);
	INIT_LIST_HEAD(&c->unmarked);
	init_waitqueue_head(&c->gathered);
	INIT_LIST_HEAD(&c->copying);
	INIT_LIST_HEAD(&c->blocked);
	INIT_LIST_HEAD(&c->issue);
	INIT_LIST_HEAD(&c->unread);
	INIT_LIST_HEAD(&c->copied);
	INIT_LIST_HEAD(&c->pieces);
	INIT_LIST_HEAD(&c->looked);
	INIT_LIST_HEAD(&c->late);
	INIT_DELAYED_WORK(&c->commit_work, cdp_commit_work);
	INIT_WORK(&c->issue_work, cdp_issue_work);
	INIT_WORK(&c->copy_work, cdp_copy_work);
	INIT_DELAYED_WORK(&c->watch_work, cdp_watch_work);
	INIT_DELAYED_WORK(&c->verify_work, cdp_verify_work);
	INIT_DELAYED_WORK(&c->keeper_work, cdp_keeper_work);
	INIT_WORK(&c->event_work, cdp_event_work);
	cdp_rests_init(c);
	c->suspended = true;
	c->set.copy_leg = -1;
	c->set.read_leg = -1;
	c->clean_next = c->ripe_next = c->retry_next = jiffies;
	c->last_request = jiffies - HZ;	/* quiet */
	c->resync_rate.next = c->verify_rate.next = c->window_next = jiffies;
}

static int allocate(struct cdp *c, const struct cdp_geometry *g)
{
	int r = cdp_arrays_alloc(c, g);

	c->clean = kcalloc(CDP_CLEAN_BATCH, sizeof(*c->clean), GFP_KERNEL);
	c->scratch = kcalloc(2, sizeof(*c->scratch), GFP_KERNEL);
	c->plan = kvmalloc(sizeof(*c->plan), GFP_KERNEL);
	c->stats = alloc_percpu(struct cdp_stats);
	if (!c->plan || !c->clean || !c->stats || !c->scratch)
		return -ENOMEM;
	if (!r)
		r = cdp_store_init(c);
	if (!r)
		r = cdp_flights_init(c);
	if (!r)
		r = cdp_copies_init(c) ?: cdp_verify_init(c);
	if (!r)
		r = cdp_gauge_init(c);
	if (!r)
		r = cdp_senders_init(c);
	return r ?: make_workers(c);
}

/* Look at the metadata now, so that a load is refused and not a resume. */
static int probe(struct cdp *c)
{
	struct cdp_plan *p = c->plan;
	struct cdp_geometry g;
	const char *why;
	int r = cdp_probe(c, p);

	if (r)
		r = REFUSE(c->ti, r, "%s", p->why);
	/* a set that was made with more legs has larger areas */
	else if (cdp_geometry_set(&g, p->data_sectors, p->region_sectors, p->super.trackers, &why))
		r = REFUSE(c->ti, -EINVAL, "%s", why);
	else
		r = check_areas(c, &g);
	return r;
}

static void set_target(struct cdp *c)
{
	struct dm_target *ti = c->ti;

	ti->num_flush_bios = 1;
	ti->flush_supported = true;
	ti->num_write_zeroes_bios = 1;
	ti->discards_supported = !c->features.no_discard;
	ti->num_discard_bios = ti->discards_supported;
	/* what waits here, as for a commit, holds memory that swapping out is to win */
	ti->limit_swap_bios = true;
	ti->per_io_data_size = sizeof(struct cdp_bio);
	if (c->features.no_copy)
		cdp_target_want_stable_pages(ti);
}

static int construct(struct cdp *c, const struct cdp_table *t)
{
	struct dm_target *ti = c->ti;
	struct cdp_geometry g;
	const char *why;
	int r;

	if (!(dm_table_get_mode(ti->table) & CDP_MODE_WRITE))
		return REFUSE(ti, -EROFS, "a set cannot be read-only: it keeps its legs alike");
	c->nr_legs = t->nr_legs;
	c->region_sectors = t->region_sectors;
	c->features = t->features;
	c->resync_rate.mbps = c->features.resync_max_mbps;
	if (cdp_geometry_set(&g, ti->len, t->region_sectors,
			     cdp_geometry_trackers(t->nr_legs), &why))
		return REFUSE(ti, -EINVAL, "%s", why);
	r = open_legs(c, t);
	if (!r)
		r = check_areas(c, &g);
	if (r)
		return r;
	r = dm_set_target_max_io_len(ti, min(cdp_extent_sectors(&g), MAX_IO_SECTORS));
	if (r)
		return r;
	r = allocate(c, &g);
	if (r)
		return REFUSE(ti, r, "no memory for a set of %llu regions", g.regions);
	r = probe(c);
	if (r)
		return r;
	set_target(c);
	mutex_lock(&sets_mutex);
	list_add_tail(&c->node, &sets);
	mutex_unlock(&sets_mutex);
	return 0;
}

static int cdp_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct cdp_table *t;
	struct cdp *c;
	int r;

	t = kmalloc(sizeof(*t), GFP_KERNEL);
	c = kvzalloc(sizeof(*c), GFP_KERNEL | __GFP_NOWARN);
	if (!t || !c) {
		ti->error = "no memory";
		r = -ENOMEM;
		goto bad;
	}
	r = cdp_table_parse(t, argc, argv, error_text);
	if (r) {
		ti->error = error_text;
		goto bad;
	}
	c->ti = ti;
	ti->private = c;
	init_fields(c);
	r = construct(c, t);
	kfree(t);
	if (r)
		cdp_destroy(c);
	return r;
bad:
	kfree(t);
	kvfree(c);
	return r;
}

/*----------------------------------------------------------------
 * Requests
 *--------------------------------------------------------------*/

static int cdp_map(struct dm_target *ti, struct bio *bio)
{
	return cdp_map_bio(ti->private, bio);
}

static int cdp_end_io(struct dm_target *ti, struct bio *bio, blk_status_t *error)
{
	return cdp_end_bio(ti->private, bio, error);
}

/*----------------------------------------------------------------
 * Suspend and resume
 *--------------------------------------------------------------*/

static void set_evict(struct cdp *c, enum cdp_evict how)
{
	WRITE_ONCE(c->evict, how);
	cdp_kick_commit(c);
}

/* Is the mapping being removed? It is not in use any more then. */
static bool is_removed(struct cdp *c)
{
	return test_bit(GD_DEAD, &dm_disk(dm_table_get_md(c->ti->table))->state);
}

/* Requests are still coming and ending: end what would wait without a bound. */
static void cdp_presuspend(struct dm_target *ti)
{
	struct cdp *c = ti->private;

	/* a suspend waits for its requests, and so for the last leg, anyway */
	WRITE_ONCE(c->ending, is_removed(c));
	mutex_lock(&c->keeper_mutex);
	c->suspended = true;
	if (c->active)
		cdp_resync_quiesce(c);
	mutex_unlock(&c->keeper_mutex);
	cdp_verify_hold(c);
	set_evict(c, dm_noflush_suspending(ti) ? EVICT_REQUEUE : EVICT_FAIL);
}

static void begin_work(struct cdp *c)
{
	set_evict(c, EVICT_NONE);
	mutex_lock(&c->keeper_mutex);
	c->suspended = false;
	mutex_unlock(&c->keeper_mutex);
	cdp_verify_resume(c);
	cdp_kick_keeper(c);
}

static void cdp_presuspend_undo(struct dm_target *ti)
{
	begin_work(ti->private);
}

/* All requests have ended: leave the metadata as if nothing had ever been in flight. */
static void cdp_postsuspend(struct dm_target *ti)
{
	struct cdp *c = ti->private;
	int r;

	if (!c->active)
		return;
	mutex_lock(&c->keeper_mutex);
	cdp_commit_wait(c);	/* intent is not cleared while a loss is to be recorded */
	r = cdp_clean_all(c, true);
	flush_delayed_work(&c->commit_work);
	if (!r)
		r = cdp_write_trackers(c);
	mutex_lock(&c->commit_mutex);
	/* twice, so that an older copy of a leg shows; see core/format.h */
	if (!cdp_commit_once(c, false) || !cdp_commit_once(c, !r) || r || c->set.marked)
		DMWARN("%s: not shut down cleanly, the next start copies what was written last",
		       cdp_name(c));
	WRITE_ONCE(c->dormant, true);
	mutex_unlock(&c->commit_mutex);
	cancel_delayed_work_sync(&c->commit_work);
	wake_up_all(&c->wait);
	mutex_unlock(&c->keeper_mutex);
}

static int cdp_preresume(struct dm_target *ti)
{
	struct cdp *c = ti->private;
	bool ok;

	if (!c->active)
		return cdp_activate(c);
	/* the same table again: no longer clean; twice, as at activation */
	mutex_lock(&c->commit_mutex);
	WRITE_ONCE(c->dormant, false);
	ok = cdp_commit_once(c, false) && cdp_commit_once(c, false);
	mutex_unlock(&c->commit_mutex);
	if (!ok)
		DMERR("%s: metadata cannot be written to any leg that is in-sync", cdp_name(c));
	return ok ? 0 : -EIO;
}

static void cdp_resume(struct dm_target *ti)
{
	begin_work(ti->private);
}

/*----------------------------------------------------------------
 * The rest
 *--------------------------------------------------------------*/

static void cdp_status_method(struct dm_target *ti, status_type_t type, unsigned int flags,
			      char *result, unsigned int maxlen)
{
	if (type == STATUSTYPE_INFO)
		cdp_status(ti->private, result, maxlen);
	else if (type == STATUSTYPE_TABLE)
		cdp_table_line(ti->private, result, maxlen);
	else
		*result = '\0';
}

static int cdp_message_method(struct dm_target *ti, unsigned int argc, char **argv,
			      char *result, unsigned int maxlen)
{
	return cdp_message(ti->private, argc, argv, result, maxlen);
}

/* All legs, whatever their state, so that limits do not change with it. */
static int cdp_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn, void *data)
{
	struct cdp *c = ti->private;
	int r = 0;
	u32 i;

	for (i = 0; !r && i < c->nr_legs; i++)
		if (c->devs[i].data)
			r = fn(ti, c->devs[i].data, c->devs[i].data_start, ti->len, data);
	return r;
}

static void cdp_io_hints(struct dm_target *ti, struct queue_limits *limits)
{
	struct cdp *c = ti->private;
	unsigned int zeroes = UINT_MAX;
	u32 i;

	for (i = 0; i < c->nr_legs; i++)
		if (c->devs[i].data)
			zeroes = min(zeroes, bdev_write_zeroes_sectors(c->devs[i].bdev));
	/* a discard is sent as write-zeroes: possible where all legs know that */
	if (c->features.no_discard || !zeroes)
		cdp_limit_discard(limits, 0, 0);
	else
		cdp_limit_discard(limits, 1u << c->set.g.extent_shift,
				  max(limits->logical_block_size, 4096u));
	/* a leg that takes less at once splits what it gets, and knows better where */
	limits->max_hw_sectors = limits->max_sectors = MAX_IO_SECTORS;
	if (c->features.no_copy)
		cdp_want_stable_pages(ti, limits);
}

static struct target_type cdp_target = {
	.name = "cdp",
	.version = { 0, 3, 0 },
	.features = DM_TARGET_SINGLETON,
	.module = THIS_MODULE,
	.ctr = cdp_ctr,
	.dtr = cdp_dtr,
	.map = cdp_map,
	.end_io = cdp_end_io,
	.presuspend = cdp_presuspend,
	.presuspend_undo = cdp_presuspend_undo,
	.postsuspend = cdp_postsuspend,
	.preresume = cdp_preresume,
	.resume = cdp_resume,
	.status = cdp_status_method,
	.message = cdp_message_method,
	.iterate_devices = cdp_iterate_devices,
	.io_hints = cdp_io_hints,
};

static int __init cdp_init(void)
{
	int r = cdp_event_init();

	if (r)
		return r;
	r = cdp_pages_init();
	if (r)
		goto out_event;
	r = cdp_flight_init();
	if (r)
		goto out_pages;
	r = cdp_end_init();
	if (r)
		goto out_flight;
	r = cdp_rest_init();
	if (r)
		goto out_end;
	r = dm_register_target(&cdp_target);
	if (!r)
		return 0;
	cdp_rest_exit();
out_end:
	cdp_end_exit();
out_flight:
	cdp_flight_exit();
out_pages:
	cdp_pages_exit();
out_event:
	cdp_event_exit();
	return r;
}

static void __exit cdp_exit(void)
{
	dm_unregister_target(&cdp_target);
	cdp_rest_exit();
	cdp_end_exit();
	cdp_flight_exit();
	cdp_pages_exit();
	cdp_event_exit();
}

module_init(cdp_init);
module_exit(cdp_exit);

MODULE_DESCRIPTION("Device-mapper target: continuous data protection of VM disks");
MODULE_AUTHOR("dm-cdp developers");
MODULE_VERSION(CDP_VERSION);
MODULE_LICENSE("GPL");
