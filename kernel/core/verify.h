/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verify: legs are read against each other while the set is in use. Included by set.h;
 * the functions are declared there.
 *
 * A run of regions is claimed like one that is copied: writes to it wait. What is read
 * then is what every leg that lacks none of it must hold alike. A difference counts if it
 * is there in two readings, one after the other, and if no leg left meanwhile.
 */
#ifndef CDP_CORE_VERIFY_H
#define CDP_CORE_VERIFY_H

#include "geometry.h"

#define CDP_DIFFS	128u	/* ranges kept; a pass that finds more is stopped */
#define CDP_LOOKS	8u	/* readings of one piece */

enum cdp_verify_state {
	VERIFY_IDLE,		/* never begun */
	VERIFY_RUNNING,
	VERIFY_FINISHED,
	VERIFY_STOPPED,		/* at its position */
};

/* @leg holds other data than @against there; which is right nobody here can know. */
struct cdp_diff {
	u64 first, sectors;
	u32 leg, against;
};

struct cdp_verify {
	enum cdp_verify_state state;
	bool held;		/* while suspended nothing is claimed */
	u64 from, to;		/* regions; to: the first one behind */
	u64 cursor;		/* the next region to claim */
	u64 compared, skipped, unreadable;	/* regions */
	u32 nr_diffs;
	struct cdp_diff diffs[CDP_DIFFS];
};

/* Are these enough to be compared? */
static inline bool cdp_verify_can(u32 legs)
{
	return legs & (legs - 1);
}

/* How a run ended. */
enum cdp_verify_how {
	VERIFY_COMPARED,
	VERIFY_UNREADABLE,	/* a leg could not be read there, or gives this and that */
	VERIFY_VOID,		/* it has to be read anew */
};

/* What a reading of a piece of it showed, */
enum cdp_verify_seen {
	SEEN_ALIKE,
	SEEN_CHANGED,		/* nothing that the reading before showed, too */
	SEEN_TWICE,
};

/* and what is to be done. */
enum cdp_verify_step {
	VERIFY_NEXT,		/* the next piece */
	VERIFY_AGAIN,		/* read this one once more before anything is said */
	VERIFY_TELL,		/* it is so; then the next piece */
	VERIFY_UNSTABLE,	/* read often, and never twice the same: end it as unreadable */
	VERIFY_LAPSED,		/* a leg left or came meanwhile: end it as void */
};

/* What a difference is to those that were found before. */
enum cdp_verify_news { FOUND_NEW, FOUND_MORE, FOUND_TOO_MANY };

#endif
