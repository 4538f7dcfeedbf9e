/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set and its legs as rows of a table: what status shows. Pure, but for --json. */
#ifndef CDP_TOOLS_REPORT_H
#define CDP_TOOLS_REPORT_H

#include "live.h"
#include "out.h"
#include "stats.h"

/* @list: of columns, "name,state"; NULL for the usual ones. NULL with a sentence if it is wrong. */
struct cdp_out *cdp_report_new(const char *list);

/* How the set stands to the rest of the host. */
struct cdp_report_host {
	bool suspended;
	bool bypassed;	/* the device that it is under does not lead to it */
};

/* @stats: NULL when the kernel does not tell them yet. */
void cdp_report_set(struct cdp_out *o, const struct cdp_live *s, const struct cdp_stats *stats,
		    struct cdp_report_host host);

/* The names of all columns, by number; NULL behind the last. */
const char *cdp_report_column(u32 i);

#endif
