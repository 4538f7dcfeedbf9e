/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One set as the monitor tends it: its events are recorded, its legs are brought back. */
#ifndef CDP_TOOLS_TEND_H
#define CDP_TOOLS_TEND_H

#include "child.h"
#include "comeback.h"
#include "doubt.h"
#include "events.h"
#include "history.h"
#include "live.h"
#include "stats.h"

#define CDP_TEND_SAID	400
#define CDP_NEVER_S	1e300

static inline double cdp_sooner(double a, double b)
{
	return a < b ? a : b;
}

struct cdp_tend_leg {
	struct cdp_uuid uuid;
	struct cdp_uuid before;		/* in its place: events may still call it so */
	struct cdp_comeback back;
	struct cdp_child child;		/* cdpctl leg rejoin */
	bool outage;			/* one goes on */
	struct cdp_count count;		/* what it has missed */
	char said[CDP_TEND_SAID];	/* why the last try failed, or it was refused */
};

struct cdp_tend {
	char name[CDP_NAME_TEXT];
	bool listed;			/* it is remembered; else to be forgotten */
	bool begun;			/* the history was read */
	bool runs;
	bool fresh;			/* nobody looked at it before: its events are old news */
	u32 failures;			/* looks in a row that ended in an error; */
	double again_s;			/* then it is looked at again at that time */
	char said[CDP_TEND_SAID];	/* of the last one */
	struct cdp_live live;
	struct cdp_stats stats;
	struct cdp_event last;		/* event */
	bool has_seen;			/* something that is to be kept: see cdp_history_see() */
	u32 nr_legs;
	struct cdp_tend_leg legs[CDP_MAX_LEGS];
	struct cdp_child ended[CDP_MAX_LEGS];	/* tries for legs that have gone */
	struct cdp_doubts doubts;
};

void cdp_tend_init(struct cdp_tend *t, const char *name, double most_wait_s);

/* Look at the set: record what happened, start what is to be tried now. */
void cdp_tend_look(struct cdp_tend *t);

/* The monitor ends: keep what was counted of outages that go on, for the next one. */
void cdp_tend_end(struct cdp_tend *t);

/* A report of the kernel that may be about one of its legs. */
void cdp_tend_uevent(struct cdp_tend *t, const struct cdp_uevent *u);

/* Call @each for every process that runs: tries, and what tells the module of a doubt. */
void cdp_tend_tries(const struct cdp_tend *t, void (*each)(const struct cdp_child *c, void *ctx),
		    void *ctx);

/* Reap those that have ended. */
void cdp_tend_reap(struct cdp_tend *t);

/* When something is to be done next, if nothing happens before; CDP_NEVER_S for never. */
double cdp_tend_next_s(struct cdp_tend *t);

/* Do not wait for the times of the back-off. */
void cdp_tend_hurry(struct cdp_tend *t);

/* The words of an event that begins an outage, or NULL. Pure. */
const char *cdp_tend_cause(const char *event);

#endif
