/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new leg joins a running set, at the end or in the place of another. */
#ifndef CDP_TOOLS_JOIN_H
#define CDP_TOOLS_JOIN_H

#include "live.h"
#include "new-leg.h"
#include "old-leg.h"

struct cdp_join {
	struct cdp_steps plan;
	struct cdp_new_leg leg;
	struct cdp_old_leg old;
	struct cdp_live_change change;
};

/**
 * cdp_join() - plan and do it (dry run: print it).
 * @at: index in the table; one that exists is replaced
 *
 * The kernel copies everything to the new leg on its own.
 */
int __must_check cdp_join(struct cdp_join *j, struct cdp_live *s, u32 at, const char *spec,
			  const char *meta);

#endif
