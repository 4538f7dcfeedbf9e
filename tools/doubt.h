/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Legs of a set that may have lost what their write caches held, as the kernel's reports
 * of devices tell. The module is told leg by leg, each by a process of its own: it answers
 * when that is on record, and a set whose disks hang is not to hold up all others.
 */
#ifndef CDP_TOOLS_DOUBT_H
#define CDP_TOOLS_DOUBT_H

#include "child.h"
#include "super.h"
#include "uevent.h"

struct cdp_doubt {
	struct cdp_uuid leg;
	u32 number;			/* in the table, at that time */
	bool takes_part;		/* else it is refused, and nothing is said of that */
	const char *why;
};

struct cdp_doubts {
	struct cdp_child child;		/* cdpctl leg doubt, of the first one */
	u32 nr;
	struct cdp_doubt legs[2 * CDP_MAX_LEGS];	/* in the order in which they are told */
};

void cdp_doubts_init(struct cdp_doubts *d);

/* A report: which legs of the set @name it is about is looked up now. */
void cdp_doubts_uevent(struct cdp_doubts *d, const char *name, const struct cdp_uevent *u);

/* Reap the child that has ended, start the next. */
void cdp_doubts_reap(struct cdp_doubts *d, const char *name);

#endif
