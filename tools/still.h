/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set that does not run: what is remembered of it, which of its legs are
 * here, and what the kernel would decide about them (the same code decides).
 */
#ifndef CDP_TOOLS_STILL_H
#define CDP_TOOLS_STILL_H

#include "find.h"
#include "live.h"
#include "md-io.h"
#include "plan.h"
#include "split.h"

struct cdp_still {
	struct cdp_conf conf;
	struct cdp_found found[CDP_MAX_LEGS];
	struct cdp_plan plan;		/* legs[]: by place in conf, as in the table */
	int verdict;			/* of cdp_plan_make() */
};

/* Look for the legs of s->conf; a warning says of each that lacks, why, if that
 * can be seen. -ENODEV when there is none.
 */
int __must_check cdp_still_find(struct cdp_still *s);

/* Read the superblocks of the legs that are here, and decide: s->verdict. */
int __must_check cdp_still_judge(struct cdp_still *s);

/* The table with the legs that are here: it points into @s; and its text, the arguments. */
int __must_check cdp_still_fill(const struct cdp_still *s, struct cdp_table *t);
int __must_check cdp_still_table(const struct cdp_still *s, char line[CDP_LINE_TEXT]);

/* Does it take part in the plan, with a superblock that can be read? */
bool cdp_still_is_valid(const struct cdp_still *s, u32 leg);
/* And does that say that it is in-sync? */
bool cdp_still_claims(const struct cdp_still *s, u32 leg);

/* Place of the leg with @uuid, or -1. */
int cdp_still_place(const struct cdp_still *s, const struct cdp_uuid *uuid);

/* The leg that is here and that @text names: its number, UUID or device. */
int __must_check cdp_still_leg(const struct cdp_still *s, const char *text);

/* Its device, by the name that is remembered if that is still right; returns @path. */
const char *cdp_still_device(const struct cdp_still *s, u32 leg, char path[CDP_PATH_TEXT]);

/* "leg 1 (/dev/sdb)"; returns @text. */
const char *cdp_still_leg_text(const struct cdp_still *s, u32 leg, char text[CDP_LEG_TEXT]);

/* Open the metadata area of @leg; @f outlives @a. To write claims the device. */
int __must_check cdp_still_area(const struct cdp_still *s, u32 leg, bool write,
				struct cdp_md_file *f, struct cdp_area *a);

#endif
