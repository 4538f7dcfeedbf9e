/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split brain: what each of two legs wrote since they parted, and the metadata
 * that makes one of them the survivor. Pure: blocks come and go by callbacks.
 *
 * The writes that end a split brain, and what a crash leaves after each:
 *
 *   1. survivor: tracker of the loser |= what either wrote since they parted
 *        still a split brain; the tracker says more than it must
 *   2. survivor: superblocks with a record in which the loser is stale
 *        still a split brain, and what is known of the parting is still there
 *   3. loser: superblocks with the same record
 *        the loser lacks what its tracker says
 *
 * The record begins a new generation: a leg of the survivor's side that is not
 * told knows nothing of the loser's writes, so it must not take the loser for
 * one that it has tracked.
 *
 * A loser that the survivor's leg table does not know is made blank instead: a
 * new leg. With several losers each number is done for all of them. Each
 * superblock is written twice, the older block first, so that one that is torn
 * leaves what was there before.
 */
#ifndef CDP_TOOLS_SPLIT_H
#define CDP_TOOLS_SPLIT_H

#include "super.h"

/* A metadata area, by blocks of 4 KiB. */
struct cdp_area {
	int (*read)(void *ctx, u64 block, void *data);	/* 0 or -errno */
	int (*write)(void *ctx, u64 block, const void *data);	/* returns when it is durable */
	void *ctx;
	struct cdp_super super;
};

/* Neither's history is part of the other's. */
bool cdp_split_diverged(const struct cdp_super *a, const struct cdp_super *b);

/* The newest generation that both know, 0 if there is none. */
u64 cdp_split_ancestor(const struct cdp_super *a, const struct cdp_super *b);

/* NULL when the two trackers together tell all that differs; else a reason
 * ("..., so everything has to be copied" would go on from it).
 */
const char *cdp_split_why_full(const struct cdp_super *keep, const struct cdp_super *lose);

struct cdp_split_amount {
	u64 regions;		/* tracked, or in an extent with intent */
	u64 intent_extents;
	u64 damaged_pages;	/* count as all written */
};

/* What @side wrote since @other left it, by its own bitmaps.
 * -ENOENT: it does not know that leg.
 */
int __must_check cdp_split_amount(const struct cdp_area *side, const struct cdp_uuid *other,
				  struct cdp_split_amount *a);

struct cdp_loser {
	struct cdp_area area;
	const char *why_full;	/* NULL: only the union of both sides is copied */
	bool unknown;		/* not in the survivor's leg table: becomes a new leg */
	u64 to_copy;		/* regions */
};

struct cdp_resolve {
	/* in */
	struct cdp_area keep;
	u32 nr_losers;
	struct cdp_loser losers[CDP_MAX_LEGS];
	u64 now;		/* seconds since 1970 */
	u64 new_generation;	/* random */
	/* out */
	struct cdp_super record;	/* its sequence is the lower of two */
};

/* Work out what is to be written. -EINVAL: @r->keep has an impossible geometry. */
int __must_check cdp_resolve_plan(struct cdp_resolve *r);

/* The writes, numbered as above. */
enum cdp_resolve_what { RESOLVE_TRACKER, RESOLVE_RECORD, RESOLVE_DEMOTE, RESOLVE_BLANK };

struct cdp_resolve_step {
	enum cdp_resolve_what what;
	u32 loser;			/* not for RESOLVE_RECORD */
};

#define CDP_RESOLVE_STEPS	(2 * CDP_MAX_LEGS + 1)

/* What is to be done after cdp_resolve_plan(), in this order; returns how many steps. */
u32 cdp_resolve_steps(const struct cdp_resolve *r, struct cdp_resolve_step *steps);

/* 0 or -errno. */
int __must_check cdp_resolve_run(struct cdp_resolve *r, const struct cdp_resolve_step *s);

#endif
