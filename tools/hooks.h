/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs of the administrator that are run for each event: all executables in
 * /etc/cdp/hooks.d, in order of their names, one at a time, each killed after a
 * while. They are queued, so nothing waits for them.
 */
#ifndef CDP_TOOLS_HOOKS_H
#define CDP_TOOLS_HOOKS_H

#include "child.h"

struct cdp_hook_event {
	const char *set, *event, *leg, *leg_uuid, *device, *detail, *health;	/* "" for none */
	u64 seq, seconds;
};

void cdp_hooks_queue(const struct cdp_hook_event *e);

/* Reap the one that has ended, start the next. True while one runs or waits. */
bool cdp_hooks_step(void);

/* For poll(), -1 when none runs; and when the one that runs is to be killed. */
int cdp_hooks_fd(void);
double cdp_hooks_end_s(void);

/* May this file be run? By its name, and because only root can have written it. */
bool cdp_hook_is_one(const char *dir, const char *name);

#endif
