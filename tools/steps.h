/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a command is going to do, as a list of steps. The same list is
 * printed by --dry-run or carried out, so the two cannot differ. When a step
 * fails, or the user interrupts, what was done is undone in reverse order.
 */
#ifndef CDP_TOOLS_STEPS_H
#define CDP_TOOLS_STEPS_H

#include "port.h"

#define CDP_MAX_STEPS	64

struct cdp_step {
	char *text;
	int (*run)(void *arg);
	void (*undo)(void *arg);	/* or NULL: nothing to undo, or harmless */
	void *arg;			/* lives as long as the plan */
};

struct cdp_steps {
	bool dry_run;
	u32 nr;
	u32 done;			/* steps carried out, or printed */
	bool overflow;
	struct cdp_step steps[CDP_MAX_STEPS];
};

/* Append a step; the text is an order: "log in to ...". @run may be NULL for a remark. */
void cdp_steps_add(struct cdp_steps *p, int (*run)(void *arg), void (*undo)(void *arg), void *arg,
		   const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Carry out (dry_run: print) the steps added since the last call. On failure
 * all that was done is undone. More steps may be added after success.
 */
int __must_check cdp_steps_run(struct cdp_steps *p);

/* Undo all that was done, newest first: for failures between two runs. */
void cdp_steps_undo(struct cdp_steps *p);

/* Keep what was done, free the list. */
void cdp_steps_free(struct cdp_steps *p);

#endif
