// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A set is started from the disks' images by the core itself, as kernel/load.c does
 * it, and then:
 *   refused     it must start
 *   lost        each leg that is in-sync by record has every write that was flushed,
 *               and nothing that was never written; so has the source
 *   uncovered   a region in which a leg differs from the source is going to be copied
 *   wide        a leg whose metadata was there is not copied wholly
 *   dirty       a set that was stopped in order is clean
 */
#include <stdlib.h>

#include "cut.h"
#include "../unit/start.h"

#define FAIL(r, kind, ...) (snprintf((r)->what, sizeof((r)->what), kind), \
			    snprintf((r)->text, sizeof((r)->text), __VA_ARGS__))

/*
 * Torn in the first commit of its life: the other superblock is blank yet, so no write
 * was ever let through. The set may refuse the leg, and wants it zeroed again.
 */
static bool is_unborn(const struct cut *c, const struct cdp_plan *p, u32 leg)
{
	const u8 *a = c->meta[leg], *b = a + CDP_BLOCK_BYTES;

	return p->legs[leg].kind != SUPER_VALID &&
	       cdp_is_zero(a, CDP_BLOCK_BYTES) != cdp_is_zero(b, CDP_BLOCK_BYTES);
}

static struct start start_of(const struct cut *c)
{
	struct start in = {
		.nr_legs = c->nr_legs,
		.data_sectors = c->sectors,
		.region_sectors = c->region,
		.assume_clean = c->assume_clean,
	};
	u32 i;

	for (i = 0; i < c->nr_legs; i++)
		in.areas[i] = c->meta[i];
	return in;
}

static bool content_ok(const struct cut *c, u32 leg, struct checked *r)
{
	u64 s;

	for (s = 0; c->bounds && s < c->sectors; s++) {
		long long seq = stamp_read((const void *)(c->data[leg] + s * SECTOR), s);

		if (seq >= c->bounds[s].min && seq <= c->bounds[s].max)
			continue;
		FAIL(r, "lost", "leg %u is in-sync by record, but sector %llu has write %lld, flushed was %u",
		     leg, (unsigned long long)s, seq, c->bounds[s].min);
		return false;
	}
	return true;
}

static bool covered(const struct cut *c, const struct cdp_set *s, u32 leg, struct checked *r)
{
	const u8 *a = c->data[s->read_leg], *b = c->data[leg];
	u64 region, bytes = (u64)c->region * SECTOR;

	for (region = 0; region < s->g.regions; region++) {
		u64 at = region * bytes, e = region / CDP_EXTENT_REGIONS;
		u64 n = c->sectors * SECTOR - at;

		if (!memcmp(a + at, b + at, n < bytes ? n : bytes) ||
		    s->legs[leg].tracker[e] & 1ull << region % CDP_EXTENT_REGIONS)
			continue;
		FAIL(r, "uncovered", "leg %u differs from leg %d in region %llu (sector %llu), which is not going to be copied",
		     leg, s->read_leg, (unsigned long long)region,
		     (unsigned long long)(region * c->region));
		return false;
	}
	return true;
}

static void check_set(const struct cut *c, const struct cdp_plan *p, struct cdp_set *s,
		      struct checked *r)
{
	u32 i;

	r->source = (u32)s->read_leg;
	r->regions = s->g.regions;
	for (i = 0; i < c->nr_legs; i++) {
		r->tracked += s->legs[i].tracked;
		if (p->tracker[i] == TRACKER_FULL && !p->format[i] && !r->unborn)
			FAIL(r, "wide", "leg %u is copied wholly: %s", i, p->reason[i]);
	}
	for (i = 0; i < c->nr_legs; i++)
		if (p->state[i] == LEG_IN_SYNC && !content_ok(c, i, r))
			return;
	if (!content_ok(c, r->source, r))
		return;
	for (i = 0; i < c->nr_legs; i++)
		if ((int)i != s->read_leg && !covered(c, s, i, r))
			return;
}

void check(const struct cut *c, struct checked *r)
{
	static struct cdp_plan p;
	struct start in = start_of(c);
	struct cdp_set s;
	u32 i;
	int err = start_plan(&in, &p);

	memset(r, 0, sizeof(*r));
	for (i = 0; i < c->nr_legs; i++)
		r->unborn |= is_unborn(c, &p, i);
	if (err) {
		if (!r->unborn)
			FAIL(r, "refused", "%s", p.why);
		return;
	}
	if (start_load(&in, &p, &s))
		die("no memory");
	if (c->stopped && !p.clean)
		FAIL(r, "dirty", "the set was stopped, and is not clean");
	check_set(c, &p, &s, r);
	start_free(&s, c->nr_legs);
}
