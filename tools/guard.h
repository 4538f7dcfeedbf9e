/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must not be left half done is undone by a process of its own, which is there still
 * when we are killed. It has our locks meanwhile.
 */
#ifndef CDP_TOOLS_GUARD_H
#define CDP_TOOLS_GUARD_H

#include "port.h"

struct cdp_guard {
	int pid;		/* -1: there is none */
	int fd;
	void (*undo)(void *ctx);
	void *ctx;
};

/* Before it is begun. @undo may find that nothing was done, or all. Without memory: we do it. */
void cdp_guard_start(struct cdp_guard *g, void (*undo)(void *ctx), void *ctx);

/* Is it done? Else it is undone when this returns. */
void cdp_guard_end(struct cdp_guard *g, bool done);

#endif
