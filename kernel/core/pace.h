/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How those who copy and compare share the processors with the guest. They hold one for a
 * short time only, and once somebody is seen waiting for it they rest after that, so long
 * that the guest's latency rises by no more than it may; and what they begin then is small.
 * Where it is the legs that take the time there is no need for a rest: it is over before
 * they answer.
 *
 * Time is in nanoseconds, of a clock that only goes forward.
 */
#ifndef CDP_CORE_PACE_H
#define CDP_CORE_PACE_H

#include "port.h"

#define CDP_PACE_TWICE	200u		/* in percent: a rest twice as long for twice the latency */
#define CDP_PACE_CROWD	1000000000ull	/* who was seen waiting may come again so long after, */
#define CDP_PACE_SMALL	20000000ull	/* and so long after a rest little is begun */
#define CDP_PACE_LATE	50000ull	/* who is woken so late has waited himself, if */
#define CDP_PACE_LATELY	10000000000ull	/* somebody was seen lately: else a processor slept */
#define CDP_PACE_HELD	100000ull	/* counted at most: others may have had it meanwhile */
#define CDP_PACE_LEAST	50000ull	/* a shorter rest is none, but saved up */
#define CDP_PACE_MOST	5000000ull	/* the longest: something always goes on */

struct cdp_pace {
	u64 free;		/* nothing is owed from then on */
	u64 crowded, small;	/* until then */
	u64 lately;		/* until then a late wake-up counts */
};

/*
 * A processor was held for @ns, until @now; @wanted: somebody waits for it. The guest's
 * latency may rise by @rise percent, which is not 0.
 */
void cdp_pace_held(struct cdp_pace *p, u64 now, u64 ns, bool wanted, u32 rise);
/* The rest before more is begun, or 0. One is enough: more is begun after it in any case. */
u64 cdp_pace_rest(struct cdp_pace *p, u64 now);
/* A rest that was to be over at @due is. */
void cdp_pace_woken(struct cdp_pace *p, u64 due, u64 now);
/* Is what is begun to be small? */
static inline bool cdp_pace_is_small(const struct cdp_pace *p, u64 now)
{
	return now < p->small;
}

#endif
