/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A leg that failed could not be told so: by its own record it is in-sync. The legs that went on
 * know better. While none of these is here, this host's history of outages does.
 */
#ifndef CDP_TOOLS_LEFT_H
#define CDP_TOOLS_LEFT_H

#include "still.h"

#define FORCE_LEFT	"left"

/* Refuse the start if every leg that would serve has left and is not known to have been back. */
int __must_check cdp_left_check(const struct cdp_still *s);

#endif
