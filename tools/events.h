/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's list of the last events of a set: those that were not seen yet. */
#ifndef CDP_TOOLS_EVENTS_H
#define CDP_TOOLS_EVENTS_H

#include "event.h"

/**
 * cdp_events_new() - read them.
 * @last: the last one seen (seq 0: none); moved on
 * @each: called for each, in order; a result other than 0 ends it and is returned
 *
 * All that the kernel keeps is read each time, and what was seen before is
 * skipped: numbers begin again with the next table (rebuild, leg add), so asking
 * for those after the last one could miss some.
 */
int __must_check cdp_events_new(const char *name, struct cdp_event *last,
				int (*each)(const struct cdp_event *e, void *ctx), void *ctx);

/* Pure. Where the unseen ones begin in @text, a line each. */
const char *cdp_events_unseen(const char *text, const struct cdp_event *last);

#endif
