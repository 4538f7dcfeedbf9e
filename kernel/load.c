// SPDX-License-Identifier: GPL-2.0
/* Activation: metadata read, decided upon (core/plan.c), loaded, written anew. */
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "cdp.h"

/*----------------------------------------------------------------
 * The core's arrays
 *--------------------------------------------------------------*/

/* Quiet when memory is short: who wants them says so. */
static void *array_gfp(u64 n, size_t size, gfp_t gfp)
{
	return __vmalloc(max_t(u64, n * size, 1), gfp | __GFP_ZERO | __GFP_NOWARN |
			 __GFP_RETRY_MAYFAIL);
}

static void *array(u64 n, size_t size)
{
	return array_gfp(n, size, GFP_KERNEL);
}

int cdp_arrays_alloc(struct cdp *c, const struct cdp_geometry *g)
{
	struct cdp_set *s = &c->set;
	u32 i;
	bool ok = true;

	s->g = *g;
	s->extents = array(g->extents, sizeof(*s->extents));
	s->recent = array(g->extents, sizeof(*s->recent));
	s->intent = array((u64)g->intent_pages * CDP_PAGE_WORDS, sizeof(u64));
	s->intent_dirty = array(BITS_TO_U64(g->intent_pages), sizeof(u64));
	for (i = 0; i < c->nr_legs; i++) {
		s->legs[i].tracker = array(g->extents, sizeof(u64));
		s->legs[i].tracker_dirty = array(BITS_TO_U64(g->tracker_pages), sizeof(u64));
		ok &= s->legs[i].tracker && s->legs[i].tracker_dirty;
	}
	ok &= s->extents && s->recent && s->intent && s->intent_dirty;
	return ok ? 0 : -ENOMEM;
}

void cdp_arrays_free(struct cdp *c)
{
	struct cdp_set *s = &c->set;
	u32 i;

	for (i = 0; i < c->nr_legs; i++) {
		vfree(s->legs[i].tracker);
		vfree(s->legs[i].tracker_dirty);
	}
	vfree(s->extents);
	vfree(s->recent);
	vfree(s->intent);
	vfree(s->intent_dirty);
	cdp_copy_arrays_free(c);
}

int cdp_copy_arrays_clear(struct cdp *c)
{
	struct cdp_set *s = &c->set;

	if (s->copied && s->fresh) {
		memset(s->copied, 0, s->g.extents * sizeof(*s->copied));
		memset(s->fresh, 0, BITS_TO_U64(s->g.extents) * sizeof(*s->fresh));
		return 0;
	}
	cdp_copy_arrays_free(c);
	/* the set may be what memory is swapped to */
	s->copied = array_gfp(s->g.extents, sizeof(*s->copied), GFP_NOIO);
	s->fresh = array_gfp(BITS_TO_U64(s->g.extents), sizeof(*s->fresh), GFP_NOIO);
	return s->copied && s->fresh ? 0 : -ENOMEM;
}

void cdp_copy_arrays_free(struct cdp *c)
{
	vfree(c->set.copied);
	vfree(c->set.fresh);
	c->set.copied = c->set.fresh = NULL;
}

/*----------------------------------------------------------------
 * Reading
 *--------------------------------------------------------------*/

static void read_super(struct cdp *c, u32 leg, struct cdp_plan_leg *l)
{
	void *a = &c->scratch[0], *b = &c->scratch[1];
	int r;

	l->present = c->devs[leg].data;
	l->unreadable = l->silent = l->busy = false;
	l->kind = SUPER_BLANK;
	if (!l->present)
		return;
	l->data_start = c->devs[leg].data_start;
	l->logical_block_bytes = bdev_logical_block_size(c->devs[leg].bdev);
	if (!c->has_meta)
		return;
	r = cdp_store_read(c, leg, 0, a) ?: cdp_store_read(c, leg, 1, b);
	l->unreadable = r;
	l->silent = r == -ETIMEDOUT;
	if (!r)
		l->kind = cdp_super_choose(a, b, &l->super, &l->why);
}

int cdp_probe(struct cdp *c, struct cdp_plan *p)
{
	u32 i, busy;

	memset(p, 0, sizeof(*p));
	p->nr_legs = c->nr_legs;
	p->has_meta = c->has_meta;
	p->assume_clean = c->features.assume_clean;
	p->data_sectors = c->ti->len;
	p->region_sectors = c->region_sectors;
	p->now = ktime_get_real_seconds();
	p->new_generation = get_random_u64() | 1;
	generate_random_uuid(p->new_set.b);
	cdp_ask_predecessor(c, p);
	busy = cdp_busy_legs(c);
	for (i = 0; i < c->nr_legs; i++) {
		generate_random_uuid(p->new_legs[i].b);
		read_super(c, i, &p->legs[i]);
		p->legs[i].busy = busy & 1u << i;
	}
	return cdp_plan_make(p);
}

static void tell_damaged(struct cdp *c, u32 leg, u64 block, const char *why)
{
	DMWARN("%s: leg %u: block %llu: %s", cdp_name(c), leg, block, why);
	spin_lock(&c->lock);
	cdp_event(c, "metadata-damaged", (int)leg, "block %llu", block);
	spin_unlock(&c->lock);
}

/* One superblock will do, and soon both are written anew: this is the time to tell. */
static void tell_damaged_twin(struct cdp *c, u32 leg, const struct cdp_plan_leg *l)
{
	if (l->kind == SUPER_VALID && l->why)
		tell_damaged(c, leg, 1 - cdp_super_block(l->super.sequence), l->why);
}

/* Read one bitmap page of @leg; NULL if it is not what belongs there. */
static struct cdp_page_disk *read_page(struct cdp *c, u32 leg, u64 block,
				       enum cdp_block_kind kind, u32 slot)
{
	struct cdp_page_disk *d = &c->scratch[0];
	const char *why = "cannot be read";

	/* one that owes an answer is not waited for once more with every page */
	if (cdp_late_legs(c) & 1u << leg)
		return NULL;
	if (!cdp_store_read(c, leg, block, d) &&
	    !cdp_page_check(d, &c->set.super.set_uuid, block, kind, slot, &why))
		return d;
	tell_damaged(c, leg, block, why);
	return NULL;
}

/* Every in-sync leg has all intent that matters, so one good page will do. */
static void load_intent(struct cdp *c, u32 pages)
{
	struct cdp_set *s = &c->set;
	u32 page, leg;

	for (page = 0; page < pages; page++) {
		bool good = false;

		for (leg = 0; leg < c->nr_legs; leg++) {
			struct cdp_page_disk *d;

			if (!(s->in_sync & 1u << leg))
				continue;
			d = read_page(c, leg, cdp_block_intent(&s->g, page), BLOCK_INTENT, 0);
			if (d)
				cdp_load_intent(s, page, d);
			good |= !!d;
		}
		if (!good)
			cdp_load_intent(s, page, NULL);
	}
}

/* From the authority; from another in-sync leg where that is damaged. */
static void load_tracker(struct cdp *c, u32 of, u32 authority, u32 pages)
{
	struct cdp_set *s = &c->set;
	u32 page, leg;

	for (page = 0; page < pages; page++) {
		u64 block = cdp_block_tracker(&s->g, s->legs[of].slot, page);
		struct cdp_page_disk *d = read_page(c, authority, block, BLOCK_TRACKER,
						    s->legs[of].slot);

		for (leg = 0; !d && leg < c->nr_legs; leg++)
			if (leg != authority && s->in_sync & 1u << leg)
				d = read_page(c, leg, block, BLOCK_TRACKER, s->legs[of].slot);
		cdp_load_tracker(s, of, page, d);
	}
}

/*----------------------------------------------------------------
 * Activation
 *--------------------------------------------------------------*/

static void dirty_all(u64 *dirty, u32 pages)
{
	u32 i;

	for (i = 0; i < pages; i++)
		dirty[i / 64] |= 1ull << i % 64;
}

/* Legs whose areas are new or old get all pages, so all are written. */
static void refresh_areas(struct cdp *c)
{
	struct cdp_set *s = &c->set;
	u32 i;

	WRITE_ONCE(c->refresh_intent, true);
	spin_lock(&c->lock);
	for (i = 0; i < c->nr_legs; i++)
		dirty_all(s->legs[i].tracker_dirty, s->g.tracker_pages);
	spin_unlock(&c->lock);
}

/* An activation that failed may have left something. */
static void reset(struct cdp *c)
{
	struct cdp_set *s = &c->set;
	u32 i;

	memset(s->extents, 0, s->g.extents * sizeof(*s->extents));
	memset(s->recent, 0, s->g.extents * sizeof(*s->recent));
	memset(s->intent, 0, (u64)s->g.intent_pages * CDP_PAGE_WORDS * sizeof(u64));
	memset(s->intent_dirty, 0, BITS_TO_U64(s->g.intent_pages) * sizeof(u64));
	for (i = 0; i < c->nr_legs; i++) {
		struct cdp_set_leg *l = &s->legs[i];

		memset(l->tracker, 0, s->g.extents * sizeof(u64));
		memset(l->tracker_dirty, 0, BITS_TO_U64(s->g.tracker_pages) * sizeof(u64));
		l->tracked = 0;
		l->merge = l->gain = l->blocks = false;
	}
	s->marked = s->need = s->done = s->mint_at = 0;
	s->durable = 0;
	s->mint = s->twice = s->first = s->failing = false;
}

static int load(struct cdp *c, const struct cdp_plan *p)
{
	struct cdp_set *s = &c->set;
	struct cdp_geometry old;
	const char *why;
	u32 i;

	reset(c);
	cdp_plan_apply(p, s);
	s->block_policy = c->features.on_protect_error == ON_PROTECT_ERROR_BLOCK;
	memcpy(c->reason, p->reason, sizeof(c->reason));
	if (p->is_new)
		return 0;
	for (i = 0; i < c->nr_legs; i++)
		tell_damaged_twin(c, i, &p->legs[i]);
	/* groups that a grown set does not have on disk yet are not read */
	if (cdp_geometry_set(&old, p->legs[p->authority].super.data_sectors,
			     s->super.region_sectors, s->super.trackers, &why))
		return -EINVAL;
	if (!p->clean)
		load_intent(c, old.intent_pages);
	for (i = 0; i < c->nr_legs; i++)
		if (p->tracker[i] == TRACKER_LOAD)
			load_tracker(c, i, p->authority, old.tracker_pages);
	return 0;
}

static bool anything_stale(struct cdp *c)
{
	u32 i;

	for (i = 0; i < c->nr_legs; i++)
		if (c->set.legs[i].state == LEG_STALE)
			return true;
	return false;
}

static int write_pages(struct cdp *c)
{
	int r = cdp_write_trackers(c);

	mutex_lock(&c->commit_mutex);
	if (!r && !cdp_write_intent(c))
		r = -EIO;
	mutex_unlock(&c->commit_mutex);
	return r;
}

static int commit_twice(struct cdp *c)
{
	bool ok;

	mutex_lock(&c->commit_mutex);
	ok = cdp_commit_once(c, false) && cdp_commit_once(c, false);
	/* a leg that was lost meanwhile is recorded before anybody writes */
	while (ok && c->set.need > c->set.done)
		ok = cdp_commit_once(c, false);
	mutex_unlock(&c->commit_mutex);
	return ok ? 0 : -EIO;
}

/*
 * 1. What the stale legs lack, on the in-sync ones.
 * 2. Superblocks on all; twice, see core/format.h on sequences.
 * 3. Now that the stale legs know that they are, their areas: whole, so that
 *    nothing is left to write when one becomes in-sync.
 */
static int record(struct cdp *c, const struct cdp_plan *p)
{
	int r;

	c->told_stale = false;
	if (p->is_new || p->grown)
		refresh_areas(c);
	r = write_pages(c);
	if (!r)
		r = commit_twice(c);
	c->told_stale = true;
	if (!r && anything_stale(c)) {
		refresh_areas(c);
		r = write_pages(c);
	}
	return r;
}

static int activate(struct cdp *c, struct cdp_plan *p)
{
	struct cdp_geometry g;
	const char *why;
	int r = cdp_probe(c, p);

	if (r) {
		DMERR("%s: %s", cdp_name(c), p->why);
		return r;
	}
	if (p->super.trackers != c->trackers) {
		DMERR("%s: metadata was exchanged since the table was loaded", cdp_name(c));
		return -ESTALE;
	}
	if (cdp_geometry_set(&g, p->data_sectors, p->region_sectors, p->super.trackers, &why))
		return -EINVAL;
	c->set.g = g;
	r = load(c, p);
	if (r)
		return r;
	cdp_recover(&c->set);
	if (!c->set.in_sync) {
		DMERR("%s: leg %u %s", cdp_name(c), p->authority, p->reason[p->authority]);
		return -EBUSY;
	}
	r = record(c, p);
	if (r)
		DMERR("%s: metadata cannot be written to any leg that is in-sync", cdp_name(c));
	return r;
}

int cdp_activate(struct cdp *c)
{
	int r;

	cdp_inherit(c);
	r = activate(c, c->plan);
	if (r)
		return r;
	kvfree(c->plan);
	c->plan = NULL;
	spin_lock(&c->lock);
	c->health = cdp_set_health(&c->set);
	c->told_leg = c->set.read_leg;
	for (r = 0; r < (int)c->nr_legs; r++)
		c->told[r] = c->set.legs[r].state;
	c->active = true;
	spin_unlock(&c->lock);
	return 0;
}

/*----------------------------------------------------------------
 * A leg that returns
 *--------------------------------------------------------------*/

/* The leg must know that it is stale before it is written to. */
static int tell_leg(struct cdp *c, u32 leg)
{
	struct cdp_super super;
	struct cdp_round *r;
	int err;

	/* not in the middle of a commit */
	mutex_lock(&c->commit_mutex);
	spin_lock(&c->lock);
	err = cdp_commit_last(&c->set, &super);
	spin_unlock(&c->lock);
	mutex_unlock(&c->commit_mutex);
	if (err)
		return err;
	super.slot = c->set.legs[leg].slot;
	super.leg_uuid = super.legs[super.slot].uuid;
	super.data_start = c->devs[leg].data_start;
	r = cdp_round_get(c, c->nr_legs);
	cdp_super_encode(&super, cdp_round_page(r, leg));
	return cdp_store_write_each(r, 1u << leg, cdp_super_block(super.sequence)) ? 0 : -EIO;
}

/* The constructor saw the sizes, but what returned may be another disk. */
static int check_sizes(struct cdp *c, u32 leg, char *why)
{
	struct cdp_dev *d = &c->devs[leg];
	u64 area = cdp_area_blocks(&c->set.g) * CDP_BLOCK_SECTORS;

	if (bdev_nr_sectors(d->bdev) >= d->data_start + c->ti->len &&
	    (!d->meta || bdev_nr_sectors(d->meta->bdev) >= d->meta_start + area))
		return 0;
	scnprintf(why, CDP_WHY_TEXT, "leg %u: its device has become too small", leg);
	return -ENOSPC;
}

static void track_whole(struct cdp *c, u32 leg)
{
	u64 e;

	for (e = 0; e < c->set.g.extents; e++) {
		spin_lock(&c->lock);
		cdp_track(&c->set, leg, e, cdp_extent_mask(&c->set.g, e));
		spin_unlock(&c->lock);
		cond_resched();
	}
}

static int still_busy(u32 leg, char *why)
{
	scnprintf(why, CDP_WHY_TEXT, "leg %u still has requests to answer from before it left",
		  leg);
	return -EBUSY;
}

/* May it come back, and as whom? Then the record says so. */
static int admit(struct cdp *c, u32 leg, struct cdp_plan_leg *l, bool *full, char *why)
{
	struct cdp_uuid uuid;
	bool anew = false;
	int r = check_sizes(c, leg, why);

	*full = false;
	if (!r && cdp_busy_legs(c) & 1u << leg)
		r = still_busy(leg, why);
	if (r)
		return r;
	read_super(c, leg, l);
	if (c->has_meta)
		r = cdp_plan_rejoin(&c->set, leg, l, full, &anew, why);
	if (r)
		return r;
	tell_damaged_twin(c, leg, l);
	if (anew) {
		generate_random_uuid(uuid.b);
		spin_lock(&c->lock);
		cdp_set_leg_renew(&c->set, leg, &uuid);
		spin_unlock(&c->lock);
	}
	if (!cdp_commit_wait(c))
		return 0;
	scnprintf(why, CDP_WHY_TEXT, "the set's metadata cannot be written");
	return -EIO;
}

static int rejoin(struct cdp *c, u32 leg, struct cdp_plan_leg *l, char *why)
{
	bool full;
	int r = admit(c, leg, l, &full, why);

	if (r)
		return r;
	if (full)
		track_whole(c, leg);
	r = cdp_write_trackers(c);
	if (!r)
		r = tell_leg(c, leg);
	if (r) {
		scnprintf(why, CDP_WHY_TEXT, "leg %u: metadata cannot be written", leg);
		return r;
	}
	spin_lock(&c->lock);
	/* again: a request begun before it left may have been sent, and taken from it */
	if (cdp_late_legs(c) & 1u << leg)
		r = still_busy(leg, why);
	else
		cdp_set_leg_return(&c->set, leg);
	cdp_tell(c);
	spin_unlock(&c->lock);
	if (r)
		return r;
	refresh_areas(c);
	r = cdp_write_trackers(c);
	return r ?: cdp_commit_wait(c);
}

int cdp_rejoin(struct cdp *c, u32 leg)
{
	struct cdp_plan_leg *l = kmalloc(sizeof(*l), GFP_NOIO);
	char why[CDP_WHY_TEXT] = "";
	int r;

	if (!l)
		return -ENOMEM;
	r = rejoin(c, leg, l, why);
	kfree(l);
	if (r && why[0])
		DMERR("%s: %s", cdp_name(c), why);
	return r;
}
