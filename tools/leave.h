/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A leg leaves a running set for good. */
#ifndef CDP_TOOLS_LEAVE_H
#define CDP_TOOLS_LEAVE_H

#include "live.h"

#define CDP_NO_HEIR	CDP_MAX_LEGS

/**
 * cdp_leave() - plan and do it (dry run: print it).
 * @heir: a leg behind it that takes its place in the table, or CDP_NO_HEIR
 *
 * Its metadata is wiped, and it is logged out of. Return: 0, or -ECDP_REFUSED when
 * no leg would be in-sync without it.
 */
int __must_check cdp_leave(struct cdp_live *s, u32 leg, u32 heir);

#endif
