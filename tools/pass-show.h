/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pass of verify as people and programs read it, in bytes. */
#ifndef CDP_TOOLS_PASS_SHOW_H
#define CDP_TOOLS_PASS_SHOW_H

#include "conf.h"
#include "pass.h"

/* To stdout; legs get the numbers that they have in @c. 0 or -errno. */
int __must_check cdp_pass_show(const struct cdp_pass *p, const struct cdp_conf *c, bool json);

#endif
