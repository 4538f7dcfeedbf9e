/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's answer to "stats", as far as the tool uses it. */
#ifndef CDP_TOOLS_STATS_H
#define CDP_TOOLS_STATS_H

#include "table.h"

/* Of each leg: "leg.<i>.<name> <value>". */
#define CDP_LEG_STATS(x) \
	x(flaps)		/* times it left since the set was activated */ \
	x(outstanding)		/* requests that it has not answered, without the late ones */ \
	x(oldest_ms)		/* age of the oldest of both */ \
	x(late)			/* past the deadline: the set went on without it */ \
	x(mean_us) \
	x(p99_us) \
	x(worst_us) \
	x(missed_bytes)		/* written while it did not take part */ \
	x(copied_bytes)		/* copied to it afterwards, */ \
	x(zeroed_bytes)		/* and of that not sent, since it was zeroes */ \
	x(repairs)		/* reads mended by writing the data of another leg */

struct cdp_leg_stats {
#define x(name) u64 name;
	CDP_LEG_STATS(x)
#undef x
};

struct cdp_stats {
	u64 held;			/* requests that wait for somebody's decision */
	u32 nr_unreadable;		/* ranges of sectors of which no leg could be read */
	char unreadable[1024];		/* "FIRST-LAST FIRST-LAST", as many as fit */
	struct cdp_leg_stats legs[CDP_MAX_LEGS];
};

/* Pure. What is not there is 0, what is not known is skipped: kernel and tool may differ in age. */
void cdp_stats_parse(const char *text, struct cdp_stats *s);

/* Ask the kernel. */
int __must_check cdp_stats_read(const char *name, struct cdp_stats *s);

/*
 * May the mapping go now? The devices of a leg that has not answered would stay in use
 * as long as its transport lets it; this waits some seconds. Else -ECDP_REFUSED.
 */
int __must_check cdp_stats_answered(const char *name);

#endif
