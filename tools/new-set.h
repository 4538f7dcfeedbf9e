/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set that is to be made of new legs: their metadata, the mapping, what is remembered. */
#ifndef CDP_TOOLS_NEW_SET_H
#define CDP_TOOLS_NEW_SET_H

#include "live.h"
#include "new-leg.h"

struct cdp_new_set {
	const char *name;
	struct cdp_new_leg *legs;	/* placed */
	u32 nr_legs;
	u64 length;
	struct cdp_table table;		/* region size and features are given, the rest is made */
	struct cdp_conf conf;		/* likewise: features, under */
	char line[CDP_LINE_TEXT];
};

/* May a set be made by this name? The directory for what is remembered is there then. */
int __must_check cdp_new_set_check_name(const char *name);

/* Steps; each can be undone. -EINVAL when the set could not be remembered. */
int __must_check cdp_new_set_plan(struct cdp_steps *p, struct cdp_new_set *s);
/* The later half of them: the mapping is there, but nothing remembers it. */
int __must_check cdp_new_set_plan_conf(struct cdp_steps *p, struct cdp_new_set *s);

#endif
