/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Legs of a set that may have lost what their write caches held, as the kernel's reports
 * of devices tell. The module is told of each leg by a process of its own: it answers when
 * that is on record, and a set whose disks hang is not to hold up all others.
 */
#ifndef CDP_TOOLS_DOUBT_H
#define CDP_TOOLS_DOUBT_H

#include "child.h"
#include "super.h"
#include "uevent.h"

struct cdp_doubt {
	struct cdp_uuid leg;
	u32 number;			/* in the table, at that time */
	bool last;			/* it is read: the last good one is not to be doubted */
	const char *why;
	struct cdp_child child;		/* cdpctl leg doubt */
};

struct cdp_doubts {
	bool missed;			/* the set could not be looked at when a report came */
	u32 nr;
	struct cdp_doubt legs[2 * CDP_MAX_LEGS];
};

/* A report: which legs of the set @name it is about is looked up now. */
void cdp_doubts_uevent(struct cdp_doubts *d, const char *name, const struct cdp_uevent *u);

/* The set can be looked at: what was missed may have been about any leg. */
void cdp_doubts_catch_up(struct cdp_doubts *d, const char *name);

/* Reap those that have ended, start those that waited for them. */
void cdp_doubts_reap(struct cdp_doubts *d, const char *name);

/* Does one wait for nothing but a little time? */
bool cdp_doubts_wait(const struct cdp_doubts *d);

/* Nobody is here to reap them later: those that wait are told of now. */
void cdp_doubts_end(struct cdp_doubts *d, const char *name);

#endif
