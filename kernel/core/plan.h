/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Activation: from the table line and the superblocks found, who is who, who
 * is in-sync, what each stale leg lacks, or why the set cannot be started.
 */
#ifndef CDP_CORE_PLAN_H
#define CDP_CORE_PLAN_H

#include "set.h"

/* One leg of the table line, and what its metadata area holds. */
struct cdp_plan_leg {
	bool present;
	bool unreadable;		/* reading the superblocks failed, */
	bool silent;			/* because there was no answer in time */
	bool busy;			/* holds requests of the table before: no I/O yet */
	enum cdp_super_kind kind;	/* else: what they are */
	const char *why;		/* not SUPER_VALID; or it is, and its twin is not */
	struct cdp_super super;
	u64 data_start;
	u32 logical_block_bytes;
};

enum cdp_plan_tracker {
	TRACKER_NONE,	/* in-sync: nothing */
	TRACKER_LOAD,	/* as the authority's tracker says */
	TRACKER_FULL,	/* everything */
};

struct cdp_plan {
	/* in */
	u32 nr_legs;
	struct cdp_plan_leg legs[CDP_MAX_LEGS];
	bool has_meta;
	bool assume_clean;
	u64 data_sectors;
	u32 region_sectors;
	struct cdp_uuid last_set;	/* what the table before has recorded last, */
	u64 last_sequence;		/* 0: there is none */
	struct cdp_uuid last_legs[CDP_MAX_LEGS]; /* and its legs that are in-sync */
	u32 nr_last_legs;
	u64 now;			/* seconds since 1970 */
	struct cdp_uuid new_set;	/* random, used where something is new */
	struct cdp_uuid new_legs[CDP_MAX_LEGS];
	u64 new_generation;

	/* out */
	struct cdp_super super;		/* the record; leg table arranged */
	bool is_new;
	bool clean;			/* no intent bits to be read */
	bool grown;
	u64 grown_from;			/* first region that is new, wholly or in part */
	bool mint;			/* a leg that is not here could go on alone */
	bool mint_now;			/* one that is struck off, too */
	u32 authority;			/* leg whose bitmaps are loaded first */
	enum cdp_leg_state state[CDP_MAX_LEGS];
	enum cdp_plan_tracker tracker[CDP_MAX_LEGS];
	u32 slot[CDP_MAX_LEGS];
	bool format[CDP_MAX_LEGS];	/* the whole area is to be written */
	char reason[CDP_MAX_LEGS][48];	/* why a leg is not in-sync, "" if it is */
	char why[CDP_WHY_TEXT];
};

/**
 * cdp_plan_make() - decide.
 *
 * Return: 0; or -EINVAL (does not fit together), -EUCLEAN (damaged or
 * foreign metadata), -ENOTUNIQ (the legs have diverged), -ENODATA (no leg that is
 * there is in-sync), -EBUSY (a leg of a new set is not free yet), -ETIMEDOUT (one that
 * may be the newest does not answer), each with a sentence in @p->why.
 */
int __must_check cdp_plan_make(struct cdp_plan *p);

/**
 * cdp_plan_rejoin() - may a leg that was faulty come back?
 * @now_there: its superblocks as they are on the device now
 * @full:      set if its tracker does not tell all that it lacks
 * @anew:      set if it is not the leg that left, but a new one in its place:
 *             cdp_set_leg_renew() before it is attached
 *
 * Return: 0, or -EUCLEAN / -ENOTUNIQ / -EINVAL with @why (CDP_WHY_TEXT bytes).
 */
int __must_check cdp_plan_rejoin(const struct cdp_set *s, u32 leg,
				 const struct cdp_plan_leg *now_there, bool *full, bool *anew,
				 char *why);

/**
 * cdp_plan_apply() - set up a set's legs as planned.
 *
 * The arrays of @s must be allocated and zero. Bitmap pages are loaded by the
 * caller afterwards (cdp_load_intent() unless @p->clean, cdp_load_tracker() for
 * TRACKER_LOAD), then cdp_recover() ends the activation.
 */
void cdp_plan_apply(const struct cdp_plan *p, struct cdp_set *s);

#endif
