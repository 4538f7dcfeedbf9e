/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set that was under a device is started and stopped with it; see under.h. */
#ifndef CDP_TOOLS_UNDER_START_H
#define CDP_TOOLS_UNDER_START_H

#include "still.h"
#include "under.h"

/**
 * cdp_under_fit() - may the set be put under its device again?
 * @s: found and judged; done again when something was wiped
 *
 * What was written through the device meanwhile is on the data leg alone: then the
 * others are made new ones. When the data leg is not whole itself, nothing can be
 * done: -ECDP_REFUSED.
 */
int __must_check cdp_under_fit(const struct cdp_under *u, struct cdp_still *s, bool dry_run);

/* The set runs already: have the device lead to it, if it does not. */
int __must_check cdp_under_lead_again(const struct cdp_conf *c, bool dry_run);

/* The device gets its own table, the set and the data leg's mapping go; they stay remembered. */
int __must_check cdp_under_stop(struct cdp_conf *c, bool dry_run);

#endif
