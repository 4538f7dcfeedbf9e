// SPDX-License-Identifier: GPL-2.0-or-later
/* Which regions are compared next, on which legs, and what a difference is worth. */
#include "set.h"

int cdp_verify_start(struct cdp_set *s, u64 from, u64 to)
{
	struct cdp_verify *v = &s->verify;

	if (from >= to || to > s->g.data_sectors)
		return -EINVAL;
	if (v->state == VERIFY_RUNNING || s->nr_verifies || !cdp_verify_can(cdp_set_joined(s)))
		return -EBUSY;
	v->state = VERIFY_RUNNING;
	v->from = v->cursor = from >> s->g.region_shift;
	v->to = ((to - 1) >> s->g.region_shift) + 1;
	v->compared = v->skipped = v->unreadable = 0;
	v->nr_diffs = 0;
	return 0;
}

void cdp_verify_stop(struct cdp_set *s)
{
	if (s->verify.state == VERIFY_RUNNING)
		s->verify.state = VERIFY_STOPPED;
}

u64 cdp_verify_position(const struct cdp_set *s)
{
	u64 at = s->verify.cursor;
	u32 i, left = s->nr_verifies;

	for (i = CDP_COPIES; left; i++)
		if (s->claims[i].used) {
			u64 first = s->claims[i].span.extent * CDP_EXTENT_REGIONS +
				    cdp_ctz(s->claims[i].span.mask);

			at = first < at ? first : at;
			left--;
		}
	return at;
}

bool cdp_verify_over(struct cdp_set *s)
{
	struct cdp_verify *v = &s->verify;

	if (v->state != VERIFY_RUNNING || v->cursor < v->to || s->nr_verifies)
		return false;
	v->state = VERIFY_FINISHED;
	return true;
}

/* Legs that lack nothing of @span, nor anything that is still to be tracked. */
static u32 holders(const struct cdp_set *s, struct cdp_span span)
{
	u32 i, legs = s->in_sync;

	for (i = 0; i < s->nr_legs; i++)
		if (cdp_takes_part(&s->legs[i]) && !s->legs[i].merge &&
		    !(cdp_set_stale(s, i, span.extent) & span.mask))
			legs |= 1u << i;
	return legs;
}

/* The run of @mask from its first region on that the same legs hold; at most @max. */
static u64 first_alike(const struct cdp_set *s, u64 extent, u64 mask, u32 max, u32 *legs)
{
	u64 run = cdp_first_run(mask, max), bit = run & -run, all = 0;

	*legs = holders(s, (struct cdp_span) { extent, bit });
	for (; bit & run; bit <<= 1) {
		if (holders(s, (struct cdp_span) { extent, bit }) != *legs)
			break;
		all |= bit;
	}
	return all;
}

/* Regions of @extent from the cursor on that belong to the pass. */
static u64 still_to_do(const struct cdp_set *s, u64 extent)
{
	const struct cdp_verify *v = &s->verify;
	u64 mask = cdp_extent_mask(&s->g, extent), first = extent * CDP_EXTENT_REGIONS;

	if (v->cursor > first)
		mask &= ~0ull << (v->cursor - first);
	if (v->to - first < CDP_EXTENT_REGIONS)
		mask &= (1ull << (v->to - first)) - 1;
	return mask;
}

int cdp_verify_next(struct cdp_set *s, u32 max, u32 budget)
{
	struct cdp_verify *v = &s->verify;

	while (v->state == VERIFY_RUNNING && v->cursor < v->to) {
		u64 e = v->cursor / CDP_EXTENT_REGIONS, mask;
		u32 legs;
		int c;

		if (v->held)
			return -EBUSY;
		if (!budget--)
			return -EAGAIN;
		mask = first_alike(s, e, still_to_do(s, e), max, &legs);
		if (!cdp_verify_can(legs)) {
			v->skipped += cdp_popcount(mask);
			v->cursor += cdp_popcount(mask);
			continue;
		}
		/* a copy is soon over; another run is one that was voided behind it */
		if (cdp_claimed(s, e) & mask)
			return -EBUSY;
		c = cdp_claim(s, CDP_COPIES, CDP_CLAIMS, (struct cdp_span) { e, mask });
		if (c >= 0)
			v->cursor += cdp_popcount(mask);
		return c;
	}
	return -ENOENT;
}

static u32 left_so_far(const struct cdp_set *s, u32 legs)
{
	u32 i, n = 0;

	for (i = 0; i < s->nr_legs; i++)
		if (legs & 1u << i)
			n += s->legs[i].flaps;
	return n;
}

u32 cdp_verify_legs(struct cdp_set *s, u32 claim)
{
	struct cdp_claim *c = &s->claims[claim];

	c->legs = holders(s, c->span);
	c->left = left_so_far(s, c->legs);
	if (!cdp_verify_can(c->legs))
		c->legs = 0;
	return c->legs;
}

enum cdp_verify_step cdp_verify_judge(struct cdp_set *s, u32 claim, enum cdp_verify_seen seen)
{
	struct cdp_claim *c = &s->claims[claim];

	if (c->lapsed || c->legs & ~holders(s, c->span) || c->left != left_so_far(s, c->legs))
		return VERIFY_LAPSED;
	if (seen == SEEN_CHANGED)
		return ++c->looks < CDP_LOOKS ? VERIFY_AGAIN : VERIFY_UNSTABLE;
	c->looks = 0;
	return seen == SEEN_TWICE ? VERIFY_TELL : VERIFY_NEXT;
}

u32 cdp_verify_against(const struct cdp_set *s, u32 legs)
{
	if (!legs)
		return 0;
	return s->read_leg >= 0 && legs & 1u << s->read_leg ? (u32)s->read_leg : cdp_ctz(legs);
}

/* Does @d touch what begins at @first, on the same legs? */
static bool is_next_to(const struct cdp_diff *d, const struct cdp_diff *n)
{
	return d->leg == n->leg && d->against == n->against &&
	       n->first <= d->first + d->sectors && d->first <= n->first + n->sectors;
}

enum cdp_verify_news cdp_verify_found(struct cdp_set *s, const struct cdp_diff *n)
{
	struct cdp_verify *v = &s->verify;
	u32 i;

	for (i = 0; i < v->nr_diffs; i++) {
		struct cdp_diff *d = &v->diffs[i];
		u64 end = d->first + d->sectors;

		if (!is_next_to(d, n))
			continue;
		if (n->first + n->sectors > end)
			end = n->first + n->sectors;
		if (n->first < d->first)
			d->first = n->first;
		d->sectors = end - d->first;
		return FOUND_MORE;
	}
	if (v->nr_diffs == CDP_DIFFS)
		return FOUND_TOO_MANY;
	v->diffs[v->nr_diffs++] = *n;
	return FOUND_NEW;
}

void cdp_verify_end(struct cdp_set *s, u32 claim, enum cdp_verify_how how)
{
	struct cdp_verify *v = &s->verify;
	struct cdp_span span = s->claims[claim].span;
	u64 first = span.extent * CDP_EXTENT_REGIONS + cdp_ctz(span.mask);

	if (how == VERIFY_VOID)
		v->cursor = first < v->cursor ? first : v->cursor;
	else if (how == VERIFY_UNREADABLE)
		v->unreadable += cdp_popcount(span.mask);
	else
		v->compared += cdp_popcount(span.mask);
	cdp_unclaim(s, claim);
}

/*----------------------------------------------------------------
 * Repair
 *--------------------------------------------------------------*/

static const struct cdp_diff *reported(const struct cdp_set *s, u64 first, u64 sectors)
{
	const struct cdp_verify *v = &s->verify;
	u32 i;

	for (i = 0; i < v->nr_diffs; i++)
		if (first >= v->diffs[i].first && sectors <= v->diffs[i].sectors &&
		    first - v->diffs[i].first <= v->diffs[i].sectors - sectors)
			return &v->diffs[i];
	return NULL;
}

/*
 * Legs that may differ from @leg there, also those that have left since. All others, if
 * @leg is not like the one that the reported leg was compared with.
 */
static u32 others(const struct cdp_set *s, u32 leg, u64 first, u64 sectors)
{
	const struct cdp_verify *v = &s->verify;
	u32 i, legs = 0;

	for (i = 0; i < v->nr_diffs; i++) {
		const struct cdp_diff *d = &v->diffs[i];

		if (first >= d->first + d->sectors || d->first >= first + sectors)
			continue;
		if (d->leg == leg)
			return ((1u << s->nr_legs) - 1) & ~(1u << leg);
		legs |= 1u << d->leg;
	}
	return legs & ~(1u << leg);
}

static void lacks(struct cdp_set *s, u32 leg, u64 first, u64 end)
{
	while (first < end) {
		u64 next = ((first >> s->g.extent_shift) + 1) << s->g.extent_shift;
		struct cdp_span span;

		next = next < end ? next : end;
		span = cdp_span_of(&s->g, first, next - first);
		cdp_track(s, leg, span.extent, span.mask);
		first = next;
	}
}

/* What lies in there is not reported any more. */
static void forget(struct cdp_verify *v, u64 first, u64 end)
{
	u32 i, n = 0;

	for (i = 0; i < v->nr_diffs; i++)
		if (v->diffs[i].first < first || v->diffs[i].first + v->diffs[i].sectors > end)
			v->diffs[n++] = v->diffs[i];
	v->nr_diffs = n;
}

int cdp_verify_repair(struct cdp_set *s, u32 leg, u64 first, u64 sectors)
{
	u32 i, legs;

	if (!sectors || !reported(s, first, sectors))
		return -EINVAL;
	if (!(s->in_sync & 1u << leg))
		return -EBUSY;
	legs = others(s, leg, first, sectors);
	for (i = 0; i < s->nr_legs; i++) {
		if (!(legs & 1u << i))
			continue;
		/* a stale one may be about to be called in-sync */
		cdp_set_leg_lag(s, i);
		lacks(s, i, first, first + sectors);
	}
	forget(&s->verify, first, first + sectors);
	return 0;
}
