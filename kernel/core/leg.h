/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state machine of a leg. States are in table.h (status prints them):
 *
 *   IN_SYNC  holds every completed write
 *   STALE    attached, lacks the regions of its tracker; gets the writes to
 *            all other regions, and is copied to
 *   FAULTY   returned an error; gets no I/O
 *   MISSING  known, but not there
 *
 * Whether an error hits the last in-sync leg is a question about the set, so
 * it is another event (see cdp_set_leg_error()).
 */
#ifndef CDP_CORE_LEG_H
#define CDP_CORE_LEG_H

#include "table.h"

#define CDP_LEG_EVENTS(x) \
	x(ERROR)	/* I/O failed, or the administrator says so */ \
	x(ERROR_LAST)	/* the same, and no other leg is in-sync */ \
	x(LAG)		/* healthy, but lacks regions that others have */ \
	x(DOUBT)	/* healthy, but may have lost what was not flushed */ \
	x(RETURN)	/* checked and attached again */ \
	x(SYNCED)	/* nothing is left to copy, and that is durable */

enum cdp_leg_event {
#define x(name) LEG_EV_##name,
	CDP_LEG_EVENTS(x)
#undef x
	LEG_EVENTS
};

/* What goes with a transition. */
#define LEG_ACT_LOST	0x01	/* record it before a write without the leg is acknowledged */
#define LEG_ACT_RECORD	0x02	/* record it, nothing waits for that */
#define LEG_ACT_MERGE	0x04	/* what was not flushed is stale on the leg now */
#define LEG_ACT_LAST	0x08	/* the set has failed: errors go up */
#define LEG_ACT_BUG	0x80	/* cannot happen */

struct cdp_leg_step {
	enum cdp_leg_state next;
	u32 act;
};

struct cdp_leg_step cdp_leg_step(enum cdp_leg_state state, enum cdp_leg_event event);

#endif
