// SPDX-License-Identifier: GPL-2.0-or-later
/* Which regions are copied next, and what may not happen to them meanwhile. */
#include "set.h"

bool cdp_copy_start(struct cdp_set *s)
{
	u32 i;

	for (i = 0; i < s->nr_legs; i++)
		if (cdp_takes_part(&s->legs[i]) && !s->legs[i].merge) {
			s->copy_leg = (int)i;
			s->copied_count = 0;
			s->copy_cursor = 0;
			s->copy_done = 0;
			s->copy_errors = 0;
			s->copy_void = false;
			return true;
		}
	return false;
}

void cdp_copy_stop(struct cdp_set *s)
{
	s->copy_leg = -1;
	s->copied_count = 0;
}

static int free_claim(const struct cdp_set *s, u32 first, u32 end)
{
	u32 i;

	for (i = first; i < end; i++)
		if (!s->claims[i].used)
			return (int)i;
	return -EBUSY;
}

u64 cdp_claimed(const struct cdp_set *s, u64 extent)
{
	u32 i, left = s->nr_claims;
	u64 mask = 0;

	for (i = 0; left; i++)
		if (s->claims[i].used) {
			if (s->claims[i].span.extent == extent)
				mask |= s->claims[i].span.mask;
			left--;
		}
	return mask;
}

/* Who enters without the lock has done so before, and is counted, or sees it. */
static void hold(struct cdp_set *s, u64 extent, bool on)
{
	u32 w = cdp_atomic_get(&s->extents[extent]);

	while (!cdp_atomic_swap(&s->extents[extent], &w, on ? w | EXT_HELD : w & ~EXT_HELD))
		;
}

static void count_claim(struct cdp_set *s, u32 claim, bool used)
{
	u32 *n = claim < CDP_COPIES ? &s->nr_copies : &s->nr_verifies;

	s->claims[claim].used = used;
	cdp_store(*n, used ? *n + 1 : *n - 1);
	cdp_store(s->nr_claims, s->nr_copies + s->nr_verifies);
}

int cdp_claim(struct cdp_set *s, u32 first, u32 end, struct cdp_span span)
{
	int c = free_claim(s, first, end);

	if (c < 0)
		return c;
	s->claims[c] = (struct cdp_claim) { .span = span };
	count_claim(s, (u32)c, true);
	hold(s, span.extent, true);
	return c;
}

void cdp_unclaim(struct cdp_set *s, u32 claim)
{
	u64 extent = s->claims[claim].span.extent;

	count_claim(s, claim, false);
	if (!cdp_claimed(s, extent))
		hold(s, extent, false);
}

bool cdp_claim_drained(struct cdp_set *s, u32 claim)
{
	struct cdp_claim *c = &s->claims[claim];

	if (!c->copying && !(cdp_atomic_get(&s->extents[c->span.extent]) & EXT_COUNT))
		c->copying = true;
	return c->copying;
}

int cdp_copy_next(struct cdp_set *s, u32 max, u64 budget)
{
	u64 e = s->copy_cursor / CDP_EXTENT_REGIONS;
	u64 behind = ~0ull << s->copy_cursor % CDP_EXTENT_REGIONS;

	for (; e < s->g.extents; e++, behind = ~0ull) {
		u64 mask = cdp_set_stale(s, (u32)s->copy_leg, e) & behind;
		int c;

		if (mask)
			mask &= ~cdp_claimed(s, e);
		if (mask) {
			mask = cdp_first_run(mask, max);
			c = cdp_claim(s, 0, CDP_COPIES, (struct cdp_span) { e, mask });
			if (c >= 0)
				s->copy_cursor = e * CDP_EXTENT_REGIONS + cdp_ctz(mask) +
						 cdp_popcount(mask);
			return c;
		}
		s->copy_cursor = (e + 1) * CDP_EXTENT_REGIONS;
		if (!budget--)
			return -EAGAIN;
	}
	return -ENOENT;
}

u32 cdp_copy_load(const struct cdp_set *s)
{
	u32 i, left = s->nr_copies, regions = 0;

	for (i = 0; left; i++)
		if (s->claims[i].used) {
			regions += cdp_popcount(s->claims[i].span.mask);
			left--;
		}
	return regions << s->g.region_shift;
}

u32 cdp_copy_source(struct cdp_set *s, u32 claim)
{
	struct cdp_claim *c = &s->claims[claim];

	c->source = (u32)s->read_leg;
	c->flaps = s->legs[c->source].flaps;
	return c->source;
}

void cdp_copy_end(struct cdp_set *s, u32 claim, bool copied)
{
	struct cdp_claim *c = &s->claims[claim];
	u64 new;

	if (s->legs[c->source].flaps != c->flaps)
		c->lapsed = true;
	if (copied && s->copy_leg >= 0 && !c->lapsed) {
		/* in vain or not (copy_void): counted once */
		new = s->legs[s->copy_leg].tracker[c->span.extent] &
		      ~s->copied[c->span.extent] & c->span.mask;
		s->copied[c->span.extent] |= new;
		s->fresh[c->span.extent / 64] |= 1ull << c->span.extent % 64;
		s->copied_count += cdp_popcount(new);
		s->copy_done += cdp_popcount(new);
	} else if (!copied) {
		s->copy_errors += cdp_popcount(c->span.mask);
	}
	cdp_unclaim(s, claim);
}

/* Has nothing been copied to it since the flush before? To be asked once a flush. */
static bool was_flushed_before(struct cdp_set *s, u64 extent)
{
	u64 bit = 1ull << extent % 64, fresh = s->fresh[extent / 64] & bit;

	s->fresh[extent / 64] &= ~bit;
	return !fresh;
}

u64 cdp_copy_settle(struct cdp_set *s, u64 extent, u64 budget, bool all)
{
	struct cdp_set_leg *l = &s->legs[s->copy_leg];

	/* one that has left since may have answered the flush without its cache */
	if (l->state != LEG_STALE)
		return s->g.extents;
	for (; extent < s->g.extents && budget; extent++, budget--) {
		u64 done = s->copied[extent];
		u32 page = (u32)(extent / CDP_TRACKER_EXTENTS);

		if (!done || !(was_flushed_before(s, extent) || all || s->copy_void))
			continue;
		s->copied_count -= cdp_popcount(done);
		s->copied[extent] = 0;
		/* what was copied before a cache was lost stays tracked */
		if (s->copy_void)
			continue;
		l->tracker[extent] &= ~done;
		l->tracked -= cdp_popcount(done);
		l->tracker_dirty[page / 64] |= 1ull << page % 64;
	}
	if (extent == s->g.extents)
		s->copy_void = false;
	return extent;
}
