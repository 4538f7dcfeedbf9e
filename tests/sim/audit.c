// SPDX-License-Identifier: GPL-2.0
/*
 * Invariants, checked by looking at everything at once: the core's state, what
 * is on the disks and what a loss of power would leave there.
 */
#include "sim.h"
#include "cdp.h"

static enum cdp_leg_state seen[LEGS];
static u64 sync_since[LEGS];	/* clock; 0: is not in-sync */

void audit_reset(void)
{
	memset(seen, 0, sizeof(seen));
	memset(sync_since, 0, sizeof(sync_since));
}

bool audit_has_failed(u32 leg)
{
	return legs[leg].data.error_at > sync_since[leg] || legs[leg].meta.error_at > sync_since[leg];
}

enum cdp_super_kind leg_super(u32 leg, struct cdp_super *s)
{
	const struct cdp_super_disk *d = (const void *)legs[leg].meta.area;
	const char *why;

	return cdp_super_choose(d, d + 1, s, &why);
}

bool leg_says_in_sync(u32 leg)
{
	struct cdp_super s;

	return leg_super(leg, &s) == SUPER_VALID && s.legs[s.slot].state == DISK_LEG_IN_SYNC;
}

/* The event that cannot happen, seen by the linker's help (--wrap). */
struct cdp_leg_step __real_cdp_leg_step(enum cdp_leg_state state, enum cdp_leg_event event);
struct cdp_leg_step __wrap_cdp_leg_step(enum cdp_leg_state state, enum cdp_leg_event event);
struct cdp_leg_step __wrap_cdp_leg_step(enum cdp_leg_state state, enum cdp_leg_event event)
{
	struct cdp_leg_step step = __real_cdp_leg_step(state, event);

	check(!(step.act & LEG_ACT_BUG), "a leg in state %d gets event %d", state, event);
	return step;
}

/*----------------------------------------------------------------
 * What is durable on a leg
 *--------------------------------------------------------------*/

struct known {
	bool good;		/* a page that is damaged counts as all set */
	const struct cdp_page_disk *page;
};

static struct known page_of(const struct cdp_set *s, u32 leg, u64 block, enum cdp_block_kind kind,
			    u32 slot)
{
	const struct cdp_page_disk *d = (const void *)(legs[leg].meta.area + block * CDP_BLOCK_BYTES);
	const char *why;

	return (struct known) { !cdp_page_check(d, &s->super.set_uuid, block, kind, slot, &why), d };
}

static bool has_intent(struct known k, u64 extent)
{
	return !k.good || cdp_page_get(k.page, (u32)(extent / 64)) >> extent % 64 & 1;
}

static bool has_track(struct known k, u64 extent, u32 region)
{
	return !k.good || cdp_page_get(k.page, (u32)extent) >> region & 1;
}

/*----------------------------------------------------------------
 * Coverage
 *--------------------------------------------------------------*/

struct pair {
	struct cdp *c;
	const struct leg *source, *leg;
	u32 i, leg_nr;
	u32 witnesses;			/* places of legs that may be believed after a crash */
	struct known intent[CDP_MAX_LEGS], track[CDP_MAX_LEGS];
};

/* May the leg's region differ from the source's, now or after a crash? */
static bool differs(const struct pair *p, u64 s, u64 n)
{
	size_t len = n * sizeof(u64);
	const u64 *truth = &p->source->data.cur[s];

	return memcmp(truth, &p->leg->data.cur[s], len) ||
	       memcmp(truth, &p->leg->data.dur[s], len) ||
	       memcmp(truth, &p->source->data.dur[s], len);
}

static void audit_region(const struct pair *p, u64 r, u64 s, u64 n)
{
	const struct cdp_set *set = &p->c->set;
	const struct cdp_set_leg *l = &set->legs[p->i];
	u64 e = r / CDP_EXTENT_REGIONS, bit = 1ull << r % CDP_EXTENT_REGIONS, k;
	u32 a;

	if (!differs(p, s, n))
		return;
	check((l->tracker[e] | set->recent[e]) & bit,
	      "region %lu may differ on leg %u, and nothing in memory says so", r, p->leg_nr);
	for (a = 0; a < set->nr_legs; a++)
		if (p->witnesses & 1u << a)
			check(has_intent(p->intent[a], e) ||
			      has_track(p->track[a], e, (u32)(r % CDP_EXTENT_REGIONS)),
			      "region %lu may differ on leg %u, and leg %u would not know after a crash",
			      r, p->leg_nr, dm.table.leg[a]);
	for (k = s; l->state == LEG_IN_SYNC && k < s + n; k++)
		check(p->leg->data.cur[k] == p->source->data.cur[k] || model_busy(k),
		      "sector %lu differs on leg %u, which is in-sync: %lx, not %lx", k, p->leg_nr,
		      p->leg->data.cur[k], p->source->data.cur[k]);
}

static void audit_leg(struct pair *p)
{
	const struct cdp_set *set = &p->c->set;
	u64 r, s;
	u32 a;

	for (a = 0; a < set->nr_legs; a++)
		if (p->witnesses & 1u << a) {
			p->intent[a] = page_of(set, dm.table.leg[a], cdp_block_intent(&set->g, 0),
					       BLOCK_INTENT, 0);
			p->track[a] = page_of(set, dm.table.leg[a],
					      cdp_block_tracker(&set->g, set->legs[p->i].slot, 0),
					      BLOCK_TRACKER, set->legs[p->i].slot);
		}
	for (r = 0, s = 0; r < set->g.regions; r++, s += REGION_SECTORS)
		audit_region(p, r, s, min(REGION_SECTORS, set->g.data_sectors - s));
}

void audit_all(void)
{
	struct cdp *c = dm_cdp();
	struct pair p = { .c = c };
	u64 e, tracked;
	u32 i;

	/* the primary is just being changed */
	if (!c || sim.rotten || c->set.read_leg < 0 || c->set.legs[c->set.read_leg].state != LEG_IN_SYNC)
		return;
	p.source = &legs[dm.table.leg[c->set.read_leg]];
	p.witnesses = c->has_meta ? c->set.in_sync : 0;
	for (i = 0; i < c->nr_legs; i++) {
		p.i = i;
		p.leg_nr = dm.table.leg[i];
		p.leg = &legs[p.leg_nr];
		for (tracked = 0, e = 0; e < c->set.g.extents; e++)
			tracked += cdp_popcount(c->set.legs[i].tracker[e]);
		check(c->lock.owner || tracked == c->set.legs[i].tracked,
		      "leg %u: %lu regions tracked, %lu counted", i, tracked,
		      c->set.legs[i].tracked);
		if (p.leg_nr < LEGS && !p.leg->restored && !p.leg->blank && !p.leg->doubtful && p.leg->branch == model_current())
			audit_leg(&p);
	}
}

/*----------------------------------------------------------------
 * Events
 *--------------------------------------------------------------*/

void audit_watch(void)
{
	static const char *const name[] = { "missing", "faulty", "stale", "in-sync" };
	struct cdp *c = dm_cdp();
	bool look = false;
	u32 i;

	if (!c)
		return;
	for (i = 0; i < c->nr_legs; i++) {
		enum cdp_leg_state state = c->set.legs[i].state;
		u32 l = dm.table.leg[i];

		if (l < LEGS && state == LEG_IN_SYNC)
			legs[l].whole = sim.clock;
		if (l < LEGS && state == LEG_STALE && c->set.legs[i].gain)
			legs[l].gaining = true;
		if (l >= LEGS || seen[l] == state + 1)
			continue;
		say("    leg %u is %s", l, name[state]);
		legs[l].left = state != LEG_IN_SYNC;
		if (state >= LEG_STALE) {
			legs[l].branch = model_current();
			legs[l].blank = legs[l].restored = legs[l].damaged = false;
			legs[l].lost_cache = false;
			if (state == LEG_IN_SYNC)
				legs[l].had_acks = model_acks();
		}
		if (state == LEG_IN_SYNC) {
			look = seen[l] != 0;
			sync_since[l] = ++sim.clock;
			legs[l].lacks = legs[l].gaining = false;
		} else {
			sync_since[l] = 0;
		}
		seen[l] = state + 1;
	}
	if (look)
		audit_all();
}

/*
 * Does the leg hold what was written? A buffer that was changed counts either
 * way, and so does what it has lost since with its cache.
 */
static bool holds(const struct disk *d, const struct op *op)
{
	u32 i;

	if (op->took & 1u << d->leg)
		return true;
	for (i = 0; i < op->n; i++) {
		u64 want = op->data[i], is = d->cur[op->sector + i];

		if (is != want && (!op->changed || (is ^ want) != 1))
			return false;
	}
	return true;
}

/* So that a crash does not take it: what a leg that left was sent is not flushed there. */
static bool holds_for_good(const struct disk *d, const struct op *op)
{
	u32 i;

	for (i = 0; op->fua && !sync_since[d->leg] && i < op->n; i++)
		if (d->since[op->sector + i])
			return false;
	return holds(d, op);
}

/* The durable leg table of @a must not call a leg in-sync that lacks the write. */
static void audit_record(const struct cdp *c, u32 a, const struct op *op)
{
	struct cdp_super s;
	u32 k;

	if (leg_super(dm.table.leg[a], &s) != SUPER_VALID) {
		check(legs[dm.table.leg[a]].damaged, "leg %u has no superblock", dm.table.leg[a]);
		return;
	}
	for (k = 0; k < c->nr_legs; k++) {
		u32 l = dm.table.leg[k];

		if (s.legs[c->set.legs[k].slot].state != DISK_LEG_IN_SYNC)
			continue;
		check(l < LEGS && holds(&legs[l].data, op),
		      "a write is acknowledged that leg %u lacks, but leg %u still calls it in-sync",
		      l, dm.table.leg[a]);
	}
}

/* Something was acknowledged that @leg does not have; a stale one was flushed, too. */
static void misses(u32 leg, bool flush)
{
	legs[leg].lacks = true;
	legs[leg].gaining &= flush && seen[leg] == LEG_STALE + 1;
}

void audit_ack(const struct op *op)
{
	struct cdp *c = dm_cdp();
	u32 i;

	if (!c || op->read)
		return;
	for (i = 0; op->flush && i < LEGS; i++)
		if (legs[i].branch == model_current() && !sync_since[i] &&
		    legs[i].data.flushed < op->start)
			misses(i, true);
	if (op->flush)
		return;
	for (i = 0; i < c->nr_legs; i++) {
		u32 l = dm.table.leg[i];

		if (!(c->set.in_sync & 1u << i))
			continue;
		check(holds(&legs[l].data, op), "a write is acknowledged that leg %u lacks, which is in-sync", l);
		if (c->has_meta && !legs[l].damaged)
			audit_record(c, i, op);
	}
	check(c->set.in_sync, "a write is acknowledged with no leg left");
	for (i = 0; i < LEGS; i++)
		if (legs[i].branch != model_current())
			continue;
		else if (!holds_for_good(&legs[i].data, op))
			misses(i, false);
		else if (legs[i].had_acks == model_acks())
			legs[i].had_acks++;
}

/* An error must not reach the guest while a leg is there that had none. */
void audit_error(const struct op *op)
{
	struct cdp *c = dm_cdp();
	u32 i;

	if (!c || strstr(dm.table.features, "on_"))
		return;
	for (i = 0; i < c->nr_legs; i++) {
		u32 l = dm.table.leg[i];

		if (l >= LEGS || !(c->set.in_sync & 1u << i))
			continue;
		check(!sync_since[l] || sync_since[l] >= op->start ||
		      legs[l].data.error_at >= op->start || legs[l].meta.error_at >= op->start ||
		      legs[l].data.bad_to,
		      "the guest sees an error, but leg %u had none", l);
	}
}

/* Before a guest's write gets to a disk its intent is on all legs to be believed. */
void audit_exec(const struct disk *d, const struct bio *bio)
{
	struct cdp *c = dm_cdp();
	u64 e = bio->bi_iter.bi_sector / EXTENT_SECTORS;
	u32 i;

	if (!c || !c->has_meta || bio->set == &c->meta_bios)	/* copies need none */
		return;
	for (i = 0; i < c->nr_legs; i++)
		if (dm.table.leg[i] == d->leg)
			break;
	if (i == c->nr_legs || c->set.legs[i].state < LEG_STALE)
		return;		/* a late write to a leg that was given up */
	for (i = 0; i < c->nr_legs; i++)
		if (c->set.in_sync & 1u << i)
			check(has_intent(page_of(&c->set, dm.table.leg[i], cdp_block_intent(&c->set.g, 0),
						 BLOCK_INTENT, 0), e),
			      "extent %lu is written on %s, and its intent is not on leg %u", e, d->name,
			      dm.table.leg[i]);
}

/* A leg that was too slow to be read has not been read. */
int __real_cdp_store_read(struct cdp *c, u32 leg, u64 block, void *to);
int __wrap_cdp_store_read(struct cdp *c, u32 leg, u64 block, void *to);
int __wrap_cdp_store_read(struct cdp *c, u32 leg, u64 block, void *to)
{
	int r = __real_cdp_store_read(c, leg, block, to);

	if (r == -ETIMEDOUT)
		c->devs[leg].meta->bdev->disk->error_at = ++sim.clock;
	return r;
}

/* A copy of the resync begins: of what the target lacks, and nothing else. */
void __real_cdp_copy_send(struct cdp_copy *copy);
void __wrap_cdp_copy_send(struct cdp_copy *copy);
void __wrap_cdp_copy_send(struct cdp_copy *copy)
{
	struct cdp_set *s = &copy->c->set;
	struct cdp_span span = cdp_span_of(&s->g, copy->sector, copy->left);

	say("    copy of %lu+%u from leg %u to leg %u", copy->sector, copy->left,
	    dm.table.leg[copy->source], dm.table.leg[copy->target]);
	check(!(span.mask & ~cdp_set_stale(s, copy->target, span.extent)),
	      "regions are copied that leg %u does not lack", dm.table.leg[copy->target]);
	__real_cdp_copy_send(copy);
}

bool audit_any_timeout(u64 seq)
{
	const struct cdp *c = dm_cdp();
	u32 i;

	for (i = 0; i < CDP_EVENTS; i++)
		if (c->events[i].seq > seq && !strcmp(c->events[i].name, "leg-timeout"))
			return true;
	return false;
}
