/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A leg that was in the set before comes back: only what it lacks is copied. */
#ifndef CDP_TOOLS_REJOIN_H
#define CDP_TOOLS_REJOIN_H

#include "live.h"

/**
 * cdp_rejoin() - by a message when its device is the one of the table, else by a new table.
 * @unasked: nobody asked for it (cdpctl monitor): a leg that was taken out by
 *	     hand stays out, and so does one of which it is not certain that it
 *	     is the leg, such as a blank one
 *
 * Return: 0; -ECDP_REFUSED when trying again would not help: it is not the leg
 * that left, or has diverged; else -errno.
 */
int __must_check cdp_rejoin(struct cdp_live *s, u32 leg, bool unasked, bool dry_run);

/**
 * cdp_rejoin_judge() - is what is there the leg, and may it come back? Pure.
 * @there: its superblock
 * @ours:  that of an in-sync leg, or NULL if there is none with metadata
 *
 * Return: NULL, or the second half of a sentence that began with the device.
 */
const char *cdp_rejoin_judge(const struct cdp_super *there, const struct cdp_super *ours,
			     const struct cdp_uuid *set, const struct cdp_uuid *leg);

#endif
