// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a write goes, what it waits for, and when it may be acknowledged. */
#include "set.h"

/* @avoid: flags that keep the caller out. */
static bool enter(struct cdp_set *s, u64 extent, u32 avoid)
{
	u32 w = cdp_atomic_get(&s->extents[extent]);

	do {
		if ((w & (EXT_DIRTY | avoid)) != EXT_DIRTY)
			return false;
	} while (!cdp_atomic_swap(&s->extents[extent], &w, ((w + 1) | EXT_TOUCHED) & ~EXT_FLUSHED));
	return true;
}

/* Before the write is sent, so that cdp_merge() finds it. */
static void remember(struct cdp_set *s, struct cdp_span span)
{
	if (span.mask & ~cdp_word_get(&s->recent[span.extent]))
		cdp_word_or(&s->recent[span.extent], span.mask);
}

bool cdp_write_begin_fast(struct cdp_set *s, struct cdp_io *io)
{
	if (!cdp_load(s->fast) || !enter(s, io->span.extent, EXT_HELD))
		return false;
	remember(s, io->span);
	/* pairs with the barrier in cdp_set_update() */
	if (!cdp_load(s->fast)) {
		cdp_write_done(s, io);
		return false;
	}
	io->legs = (1u << s->nr_legs) - 1;
	io->required = io->legs;
	io->failed = io->refused = 0;
	io->hold = cdp_load(s->mint_at);
	return true;
}

static bool waits_for_copy(const struct cdp_set *s, struct cdp_span span)
{
	u32 i, left = s->nr_claims;

	for (i = 0; left; i++) {
		const struct cdp_claim *c = &s->claims[i];

		if (!c->used)
			continue;
		left--;
		if (c->span.extent == span.extent && (!c->copying || c->span.mask & span.mask))
			return true;
	}
	return false;
}

/* Legs that take the write; the others are told what they miss. */
static u32 route(struct cdp_set *s, const struct cdp_io *io)
{
	struct cdp_span span = io->span;
	u32 i, legs = 0;

	for (i = 0; i < s->nr_legs; i++) {
		struct cdp_set_leg *l = &s->legs[i];

		if (l->state == LEG_IN_SYNC ||
		    (cdp_takes_part(l) && !(cdp_set_stale(s, i, span.extent) & span.mask))) {
			legs |= 1u << i;
		} else {
			cdp_track(s, i, span.extent, span.mask);
			l->missed_bytes += io->bytes;
		}
	}
	return legs;
}

/* A write, or a flush, goes on without a leg that could go on alone. */
static void mint_now(struct cdp_set *s)
{
	if (!s->mint_on_write)
		return;
	s->mint = s->twice = true;
	s->mint_on_write = false;
	s->mint_at = ++s->need;
	cdp_set_update(s);
}

enum cdp_verdict cdp_write_begin(struct cdp_set *s, struct cdp_io *io)
{
	io->failed = io->refused = 0;
	if (!s->in_sync)
		return VERDICT_FAIL;
	if (s->blocked)
		return VERDICT_PARK_BLOCK;
	if (waits_for_copy(s, io->span))
		return VERDICT_PARK_COPY;
	if (!enter(s, io->span.extent, 0))
		return VERDICT_PARK_INTENT;
	remember(s, io->span);
	mint_now(s);
	io->legs = route(s, io);
	io->required = s->durable | io->legs;
	io->hold = s->mint_at;
	return VERDICT_GO;
}

enum cdp_verdict cdp_flush_begin(struct cdp_set *s, struct cdp_io *io)
{
	io->span = (struct cdp_span) { 0, 0 };
	io->failed = io->refused = 0;
	if (!s->in_sync)
		return VERDICT_FAIL;
	if (s->blocked)
		return VERDICT_PARK_BLOCK;
	mint_now(s);
	io->legs = cdp_set_joined(s);
	io->required = s->durable | io->legs;
	io->hold = s->mint_at;
	return VERDICT_GO;
}

bool cdp_write_end_fast(struct cdp_set *s, const struct cdp_io *io)
{
	return !io->failed && !io->refused && !(io->required & ~io->legs) &&
	       !cdp_is_held(s, io) && !cdp_load(s->failing);
}

/* The primary goes last, so that of several failing legs it is the one kept. */
static void report(struct cdp_set *s, u32 failed)
{
	int keep = s->read_leg;
	u32 i;

	for (i = 0; i < s->nr_legs; i++)
		if (failed & 1u << i) {
			s->legs[i].write_errors++;
			if ((int)i != keep)
				cdp_set_leg_error(s, i, true);
		}
	if (keep >= 0 && failed & 1u << keep)
		cdp_set_leg_error(s, (u32)keep, true);
}

/* Legs that refused what others took stay, but lack these regions. */
static void lag(struct cdp_set *s, const struct cdp_io *io, u32 ok)
{
	u32 i;

	for (i = 0; i < s->nr_legs; i++)
		if (io->refused & 1u << i && ok & s->in_sync & ~(1u << i))
			cdp_set_leg_lag(s, i);
}

static void track_all(struct cdp_set *s, const struct cdp_io *io, u32 legs)
{
	u32 i;

	for (i = 0; io->span.mask && i < s->nr_legs; i++)
		if (legs & 1u << i && s->legs[i].state != LEG_IN_SYNC) {
			cdp_track(s, i, io->span.extent, io->span.mask);
			if (io->legs & 1u << i)
				s->legs[i].missed_bytes += io->bytes;
		}
}

enum cdp_verdict cdp_write_end(struct cdp_set *s, struct cdp_io *io)
{
	u32 ok = io->legs & ~(io->failed | io->refused);

	if (io->refused && !ok && !io->failed)
		return VERDICT_REFUSE;
	report(s, io->failed);
	lag(s, io, ok);
	track_all(s, io, io->required & ~ok);
	if (!(ok & s->in_sync)) {
		/* not made, but on these legs it is: they differ from the source now */
		track_all(s, io, ok);
		return io->failed ? VERDICT_FAIL : VERDICT_REFUSE;
	}
	if (s->failing) {
		s->failing = false;
		cdp_set_update(s);
	}
	if (s->blocked && io->required & ~ok)
		return VERDICT_PARK_BLOCK;
	if (io->required & ~ok)
		mint_now(s);
	/* a leg that the disk may still call in-sync has not got it */
	if (io->required & ~ok && io->hold < s->need)
		io->hold = s->need;
	return cdp_is_held(s, io) ? VERDICT_HOLD : VERDICT_ACK;
}

bool cdp_write_done(struct cdp_set *s, const struct cdp_io *io)
{
	u32 w = cdp_atomic_sub(&s->extents[io->span.extent], 1);

	return !(w & EXT_COUNT) && cdp_load(s->nr_claims);
}

int cdp_read_pick(const struct cdp_set *s, struct cdp_span span, u32 tried)
{
	int primary = s->read_leg;
	u32 i;

	if (primary >= 0 && !(tried & 1u << primary))
		return primary;
	for (i = 0; i < s->nr_legs; i++)
		if (s->in_sync & ~tried & 1u << i)
			return (int)i;
	/* none is whole: a stale leg still has the regions it does not lack */
	for (i = 0; i < s->nr_legs; i++)
		if (s->legs[i].state == LEG_STALE && !s->legs[i].merge && !(tried & 1u << i) &&
		    !(cdp_set_stale(s, i, span.extent) & span.mask))
			return (int)i;
	return -1;
}

bool cdp_read_failed(struct cdp_set *s, u32 leg, struct cdp_span span, u32 limit)
{
	struct cdp_set_leg *l = &s->legs[leg];

	l->read_errors++;
	if (cdp_set_may_fail(s, leg))
		return false;
	if (l->read_errors > limit || l->state < LEG_STALE ||
	    (l->repaired.extent == span.extent && l->repaired.mask & span.mask &&
	     !(cdp_set_stale(s, leg, span.extent) & span.mask))) {
		cdp_set_leg_error(s, leg, false);
		return false;
	}
	l->repairs++;
	l->repaired = span;
	cdp_set_leg_lag(s, leg);
	cdp_track(s, leg, span.extent, span.mask);
	return true;
}
