// SPDX-License-Identifier: GPL-2.0-or-later
#include "leg.h"

#define STEP(from, event, to, act) \
	[LEG_##from][LEG_EV_##event] = { LEG_##to, act }

static const struct cdp_leg_step steps[LEG_STATES][LEG_EVENTS] = {
	STEP(IN_SYNC, ERROR,		FAULTY,  LEG_ACT_LOST | LEG_ACT_MERGE),
	STEP(IN_SYNC, ERROR_LAST,	IN_SYNC, LEG_ACT_LAST),
	STEP(IN_SYNC, LAG,		STALE,   LEG_ACT_LOST),
	STEP(IN_SYNC, DOUBT,		STALE,   LEG_ACT_LOST | LEG_ACT_MERGE),
	STEP(IN_SYNC, RETURN,		IN_SYNC, 0),
	STEP(IN_SYNC, SYNCED,		IN_SYNC, 0),

	STEP(STALE,   ERROR,		FAULTY,  LEG_ACT_RECORD | LEG_ACT_MERGE),
	STEP(STALE,   ERROR_LAST,	STALE,   LEG_ACT_BUG),
	STEP(STALE,   LAG,		STALE,   0),
	STEP(STALE,   DOUBT,		STALE,   LEG_ACT_MERGE),
	STEP(STALE,   RETURN,		STALE,   0),
	STEP(STALE,   SYNCED,		IN_SYNC, 0),

	/* answers that were under way when the leg was given up */
	STEP(FAULTY,  ERROR,		FAULTY,  0),
	STEP(FAULTY,  ERROR_LAST,	FAULTY,  LEG_ACT_BUG),
	STEP(FAULTY,  LAG,		FAULTY,  0),
	STEP(FAULTY,  DOUBT,		FAULTY,  0),
	STEP(FAULTY,  RETURN,		STALE,   LEG_ACT_RECORD),
	STEP(FAULTY,  SYNCED,		FAULTY,  LEG_ACT_BUG),

	/* comes back by a table reload only */
	STEP(MISSING, ERROR,		MISSING, 0),
	STEP(MISSING, ERROR_LAST,	MISSING, LEG_ACT_BUG),
	STEP(MISSING, LAG,		MISSING, 0),
	STEP(MISSING, DOUBT,		MISSING, 0),
	STEP(MISSING, RETURN,		MISSING, LEG_ACT_BUG),
	STEP(MISSING, SYNCED,		MISSING, LEG_ACT_BUG),
};

struct cdp_leg_step cdp_leg_step(enum cdp_leg_state state, enum cdp_leg_event event)
{
	return steps[state][event];
}
