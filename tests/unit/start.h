/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set is started from its legs' metadata areas in memory, as kernel/load.c does it from disks. */
#ifndef CDP_START_H
#define CDP_START_H

#include "plan.h"

struct start {
	u32 nr_legs;
	const u8 *areas[CDP_MAX_LEGS];	/* NULL: the leg is missing */
	u64 data_sectors, data_start;
	u32 region_sectors;
	bool assume_clean;
};

/* What cdp_plan_make() says; @p->why is set when that is not 0. */
int __must_check start_plan(const struct start *in, struct cdp_plan *p);
/* Bitmaps loaded and recovered as planned; to be freed. -ENOMEM or 0. */
int __must_check start_load(const struct start *in, const struct cdp_plan *p, struct cdp_set *s);
void start_free(struct cdp_set *s, u32 nr_legs);

#endif
