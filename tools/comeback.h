/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What to do now with a leg that is not in the set: nothing, wait, or try to
 * bring it back. Pure: time comes in as an argument.
 *
 * A try that fails, and a return that does not last, each double the time to the
 * next one. A leg counts as stable again when it has been in-sync for a minute,
 * or for twice the wait that it had earned, if that is longer: so a link
 * that flaps has less and less to do with the set, and one that is well is soon
 * trusted again.
 */
#ifndef CDP_TOOLS_COMEBACK_H
#define CDP_TOOLS_COMEBACK_H

#include "table.h"

#define CDP_COMEBACK_FIRST_S	1.0
#define CDP_COMEBACK_MOST_S	300.0
#define CDP_COMEBACK_STABLE_S	60.0

struct cdp_comeback {
	double most_s;		/* longest wait; CDP_COMEBACK_MOST_S */
	bool out;		/* it is neither in-sync nor stale */
	bool refused;		/* trying again would not help */
	bool known;		/* flaps holds something */
	u32 level;		/* the wait has been doubled so often */
	u64 flaps;		/* as the kernel counted them, last time */
	double next_s;		/* not before */
	double tried_s;		/* last try */
	double in_sync_s;	/* since when; 0: it is not */
};

/* What is seen of the leg now. */
struct cdp_comeback_view {
	enum cdp_leg_state state;
	bool taken_out;		/* by hand */
	bool trying;		/* a try is under way */
	u64 late;		/* answers that are awaited before it may come back */
	u64 flaps;
};

enum cdp_comeback_act { COMEBACK_NOTHING, COMEBACK_WAIT, COMEBACK_TRY };

/* COMEBACK_WAIT: until @c->next_s. */
enum cdp_comeback_act cdp_comeback_judge(struct cdp_comeback *c, const struct cdp_comeback_view *v,
					 double now_s);

/* A try has ended. */
enum cdp_comeback_end { COMEBACK_CAME, COMEBACK_FAILED, COMEBACK_REFUSED };
void cdp_comeback_ended(struct cdp_comeback *c, enum cdp_comeback_end end, double now_s);

/* Something came that may be the leg: do not wait for the time, but do not hurry either. */
void cdp_comeback_hint(struct cdp_comeback *c, double now_s);

/* The wait at a level. */
double cdp_comeback_wait_s(u32 level, double most_s);

#endif
