/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A leg that leaves its set: its metadata is wiped and its iSCSI session undone. */
#ifndef CDP_TOOLS_OLD_LEG_H
#define CDP_TOOLS_OLD_LEG_H

#include "iscsi.h"
#include "live.h"

struct cdp_old_leg {
	char text[CDP_LEG_TEXT];
	struct cdp_uuid set_uuid, uuid;
	bool may_wipe;			/* in-sync or stale: its device answers */
	bool back;			/* its session may have ended: log in again */
	bool internal;			/* its metadata is on its own disk */
	char meta_path[CDP_PATH_TEXT];	/* "-" when it has no metadata, or is missing */
	u64 meta_start;
	struct cdp_iscsi iscsi;
	struct cdp_iscsi_job job;
};

/* Take what has to be known of leg @leg while the set still runs. */
void cdp_old_leg_take(struct cdp_old_leg *l, const struct cdp_live *s, u32 leg);

/* The same as it is remembered, for a set that does not run. */
void cdp_old_leg_recall(struct cdp_old_leg *l, const struct cdp_conf *conf, u32 leg);

/* Steps for after the leg has left. What cannot be done is warned about and
 * does not fail: the leg is out of the set in any case.
 */
void cdp_old_leg_plan(struct cdp_steps *p, struct cdp_old_leg *l);

#endif
