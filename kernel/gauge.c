// SPDX-License-Identifier: GPL-2.0
/*
 * How fast the legs answer: per leg and CPU a histogram with four steps to each
 * doubling, from which mean, p99 and worst are told, and the policy for a protect
 * leg that is slow but alive.
 */
#include <linux/log2.h>

#include "cdp.h"

#define WINDOW_MS	1000	/* a protect leg's mean is looked at once in this time, */
#define SLOW_WINDOWS	3	/* and given up when it was too high so often in a row */
#define CACHE_HOLD_S	10	/* see cdp_gauge_timed() */
#define STALL_MS	1000

static u32 step_of(u64 us)
{
	u32 log;

	if (us < 4)
		return (u32)us;
	log = (u32)ilog2(us);
	return min_t(u32, 4 * (log - 1) + ((us >> (log - 2)) & 3), CDP_GAUGE_STEPS - 1);
}

/* Where a step begins, in microseconds. */
static u64 step_start(u32 step)
{
	return step < 4 ? step : (4ull + step % 4) << (step / 4 - 1);
}

/*
 * Requests that took long are all counted with what the clock tick tells; of the
 * others one in CDP_SAMPLE, for all of them.
 */
void cdp_gauge_timed(struct cdp *c, u32 leg, u64 ns, unsigned long ticks)
{
	struct cdp_gauge __percpu *g = &c->gauges[leg];
	u32 weight = 1;
	u64 us;

	if (ticks >= CDP_LONG) {
		us = jiffies_to_usecs(ticks);
	} else {
		u64 took = ktime_get_ns() - ns;
		u64 mean = READ_ONCE(c->mean_ns[leg]);

		WRITE_ONCE(c->mean_ns[leg], mean - mean / 8 + took / 8);
		us = took / 1000;
		weight = CDP_SAMPLE;
	}
	this_cpu_add(g->weight, weight);
	this_cpu_add(g->sum_us, us * weight);
	this_cpu_add(g->steps[step_of(us)], weight);
	if (us > READ_ONCE(c->worst_us[leg]))
		WRITE_ONCE(c->worst_us[leg], us);
	/*
	 * A server that loses its cache and returns shows as a stall. Intent stays for
	 * a while, in case somebody says so ("leg doubt").
	 */
	if (ticks >= msecs_to_jiffies(STALL_MS) && c->caches & 1u << leg)
		WRITE_ONCE(c->ripe_next, jiffies + CACHE_HOLD_S * HZ);
}

/* The step below which 99 of 100 answers lie. */
static u64 p99(struct cdp *c, u32 leg, u64 weight)
{
	u64 seen = 0;
	u32 i, cpu;

	for (i = 0; i < CDP_GAUGE_STEPS - 1; i++) {
		for_each_possible_cpu(cpu)
			seen += READ_ONCE(per_cpu_ptr(c->gauges, cpu)[leg].steps[i]);
		if (seen * 100 >= weight * 99)
			break;
	}
	return min(step_start(i + 1), READ_ONCE(c->worst_us[leg]));
}

void cdp_gauge_read(struct cdp *c, u32 leg, struct cdp_latency *l)
{
	u32 cpu;

	memset(l, 0, sizeof(*l));
	for_each_possible_cpu(cpu) {
		struct cdp_gauge *g = &per_cpu_ptr(c->gauges, cpu)[leg];

		l->count += READ_ONCE(g->answers);
		l->weight += READ_ONCE(g->weight);
		l->sum_us += READ_ONCE(g->sum_us);
	}
	l->mean_us = l->weight ? div64_u64(l->sum_us, l->weight) : 0;
	l->p99_us = l->weight ? p99(c, leg, l->weight) : 0;
	l->worst_us = READ_ONCE(c->worst_us[leg]);
}

/* Was the leg slower than allowed in the window that ends now? */
static bool was_slow(struct cdp *c, u32 leg, struct cdp_outstanding *o)
{
	struct cdp_latency now, *last = &c->window[leg];
	u64 limit_us = (u64)c->features.on_protect_slow * 1000, weight;
	bool slow;

	cdp_gauge_read(c, leg, &now);
	weight = now.weight - last->weight;
	slow = weight && div64_u64(now.sum_us - last->sum_us, weight) > limit_us;
	*last = now;
	return slow || jiffies_to_usecs(o->oldest) > limit_us;
}

static void detach(struct cdp *c, u32 leg)
{
	spin_lock(&c->lock);
	if ((int)leg != c->set.read_leg && c->set.in_sync & 1u << leg &&
	    !cdp_set_may_fail(&c->set, leg)) {
		cdp_event(c, "leg-slow", (int)leg, "mean over %u ms for %u s",
			  c->features.on_protect_slow, SLOW_WINDOWS * WINDOW_MS / 1000);
		cdp_set_leg_error(&c->set, leg, false);
		cdp_tell(c);
	}
	spin_unlock(&c->lock);
	cdp_kick_commit(c);
	cdp_kick_keeper(c);
}

void cdp_slow_legs(struct cdp *c)
{
	struct cdp_outstanding o;
	u32 leg;

	if (!c->features.on_protect_slow || !c->active || c->suspended ||
	    time_before(jiffies, c->window_next))
		return;
	c->window_next = jiffies + msecs_to_jiffies(WINDOW_MS);
	for (leg = 0; leg < c->nr_legs; leg++) {
		cdp_flight_count(c, leg, &o);
		c->slow[leg] = was_slow(c, leg, &o) ? c->slow[leg] + 1 : 0;
		if (c->slow[leg] >= SLOW_WINDOWS) {
			c->slow[leg] = 0;
			detach(c, leg);
		}
	}
}

int cdp_gauge_init(struct cdp *c)
{
	u32 leg;

	for (leg = 0; leg < c->nr_legs; leg++) {
		c->mean_ns[leg] = 1000000;	/* until it is known */
		if (c->devs[leg].data && bdev_write_cache(c->devs[leg].bdev))
			c->caches |= 1u << leg;
	}
	c->gauges = __alloc_percpu(sizeof(*c->gauges) * CDP_MAX_LEGS, __alignof__(*c->gauges));
	return c->gauges ? 0 : -ENOMEM;
}
