/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set that was under a device is started and stopped with it; see under.h.
 *
 * Until the device leads to the set, what is written through it goes past the set. So
 * nothing is copied before that, nor read from another leg than the one that is written to.
 * Then the counters of the device are looked at again.
 */
#ifndef CDP_TOOLS_UNDER_START_H
#define CDP_TOOLS_UNDER_START_H

#include "still.h"
#include "under.h"

#define CDP_FORCE_STALE	"stale"		/* the device gets back a disk with older data */

/* The legs of the set while its device does not lead to it. */
enum cdp_under_first {
	FIRST_ALL,	/* there is nothing to copy, and reads come from the data leg */
	FIRST_SIDE,	/* those that hold what counts; the others are not there yet */
	FIRST_ALONE,	/* the same, and the others leave the set: they come back as new legs */
};

struct cdp_under_start {
	struct cdp_conf *conf;
	const struct cdp_under *under;
	enum cdp_under_first first;
	bool struck;			/* the others have left */
	bool has_first;			/* the set that runs has that table */
	u32 others, away;		/* legs, as bits */
	char tables[3][CDP_LINE_TEXT];	/* by enum cdp_under_first */
};

/*
 * What is remembered of the device, made good for this boot: to be called before anything of
 * an assemble can fail. What is known from before the boot counts once. -EBUSY, -ETIME when
 * the device is suspended, or its disk does not answer.
 */
int __must_check cdp_under_begin(struct cdp_conf *c, bool dry_run);

/**
 * cdp_under_fit() - may the set be put under its device again, and how?
 * @s: found and judged
 *
 * What was written through the device meanwhile is on the data leg alone: then the
 * others are copied to anew. When the data leg is not whole itself, nothing can be
 * done: -ECDP_REFUSED.
 */
int __must_check cdp_under_fit(struct cdp_under_start *st, const struct cdp_under *u,
			       struct cdp_still *s);

/* Steps for when the device leads to the set: the other legs join. */
void cdp_under_plan_rest(struct cdp_steps *p, struct cdp_under_start *st);

/* The set runs already: have the device lead to it, if it does not, and the other legs join. */
int __must_check cdp_under_lead_again(struct cdp_conf *c, bool dry_run);

/* The device gets its own table, the set and the data leg's mapping go; they stay remembered. */
int __must_check cdp_under_stop(struct cdp_conf *c, bool dry_run);

#endif
