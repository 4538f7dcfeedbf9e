/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new leg joins a running set, at the end or in the place of another. */
#ifndef CDP_TOOLS_JOIN_H
#define CDP_TOOLS_JOIN_H

#include <limits.h>

#include "live.h"
#include "new-leg.h"
#include "old-leg.h"

struct cdp_join {
	struct cdp_steps plan;
	struct cdp_new_leg leg;
	struct cdp_old_leg old;
	struct cdp_live_change change;
	bool is_in;			/* by an earlier try, or by this one which cannot undo it */
};

/*
 * Begin a command that brings @spec in. Looked at before it is remembered that this was
 * begun: done again, the command would take a leg that was always there for its own.
 * @old: the leg that goes for it, or CDP_NO_OLD; an error counts if nothing was begun before.
 * Its UUID is kept: when the command is done again, the number may be another leg's.
 */
#define CDP_NO_OLD	INT_MIN
int __must_check cdp_join_begin(const struct cdp_live *s, const char *spec, int old);

/* What the old leg is to be looked for by: @old, as the user names it, or its UUID. */
const char *cdp_join_old(const char *old);
#define CDP_JOIN_OLD	"old"	/* the key that is kept */

/* Where the leg is that @spec names, or the number of legs. */
u32 cdp_join_find(const struct cdp_live *s, const char *spec);

/* Where the leg goes; for a command that is done again, where it is if it is in already. */
u32 cdp_join_place(const struct cdp_live *s, const char *spec);

/**
 * cdp_join() - plan and do it (dry run: print it).
 * @at: index in the table; one that exists is replaced
 *
 * The kernel copies everything to the new leg on its own.
 */
int __must_check cdp_join(struct cdp_join *j, struct cdp_live *s, u32 at, const char *spec,
			  const char *meta);

/* Trackers that the areas of the set have; the kernel takes none of another shape. */
u32 cdp_join_trackers(const struct cdp_live *s);

#endif
