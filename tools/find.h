/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Find the legs of a remembered set among the block devices that are here: metadata by its
 * UUID, and data that is on another device than its metadata by what that says of itself.
 */
#ifndef CDP_TOOLS_FIND_H
#define CDP_TOOLS_FIND_H

#include "conf.h"

struct cdp_found {
	bool here;
	char data[CDP_PATH_TEXT];
	char meta[CDP_PATH_TEXT];
	const char *silent;	/* why its device was not read where it was last; or NULL */
};

/**
 * cdp_find_legs() - look at every device that nothing holds.
 * @found: one for each leg of @c
 *
 * A leg that is not here is no error, and a device that does not answer is none that is
 * here; where a leg was last, its answer is waited for a while. Two devices that claim to
 * be the same leg are an error: -ECDP_REFUSED with both names.
 */
int __must_check cdp_find_legs(const struct cdp_conf *c, struct cdp_found found[CDP_MAX_LEGS]);

/* Remember where a leg that is here was found. Return: was something else remembered? */
bool cdp_found_remember(const struct cdp_found *f, struct cdp_conf_leg *l);

#endif
