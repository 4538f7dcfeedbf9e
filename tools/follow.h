/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wait for a set, with a display of the copy. */
#ifndef CDP_TOOLS_FOLLOW_H
#define CDP_TOOLS_FOLLOW_H

#include "live.h"

enum cdp_follow_for {
	FOLLOW_IN_SYNC,		/* every leg is in-sync */
	FOLLOW_REBUILT,		/* no leg is stale: all that is there has been copied */
	FOLLOW_EVENT,		/* the next event */
};

enum cdp_follow_state { FOLLOW_GO_ON, FOLLOW_DONE, FOLLOW_STUCK };

/* Pure: is what is waited for there, or can it not come without somebody's help? */
enum cdp_follow_state cdp_follow_judge(const struct cdp_status *s, enum cdp_follow_for what);

/**
 * cdp_follow() - wait.
 * @timeout_s: 0 for no end
 *
 * Return: 0; -ECDP_DEGRADED when a leg is missing or faulty, so that it cannot
 * come; -ETIME; -EINTR when the user had enough (the set runs on).
 */
int __must_check cdp_follow(const char *name, enum cdp_follow_for what, u32 timeout_s, bool json);

/* After attach or rebuild: an interrupted wait is no failure of what was done. */
int __must_check cdp_follow_copy(const char *name, enum cdp_follow_for what, bool json);

#endif
