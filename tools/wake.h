/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What wakes the monitor: one descriptor for the events of all mappings, one for
 * the kernel's reports of devices, one for those of iSCSI connections, one for
 * what is remembered of sets. Nothing is polled for.
 */
#ifndef CDP_TOOLS_WAKE_H
#define CDP_TOOLS_WAKE_H

#include <poll.h>

#include "uevent.h"

enum { WAKE_DM, WAKE_UEVENT, WAKE_ISCSI, WAKE_CONF, WAKES };

struct cdp_wake {
	struct pollfd fds[WAKES];	/* fd -1: not to be had here */
};

int __must_check cdp_wake_open(struct cdp_wake *w);
void cdp_wake_close(struct cdp_wake *w);

/* Before state is read: what changes after this will wake. */
int __must_check cdp_wake_arm(struct cdp_wake *w);

/* Take what has been reported. Reports that were lost come as one UEVENT_LOST. */
void cdp_wake_take(struct cdp_wake *w, void (*each)(const struct cdp_uevent *u, void *ctx),
		   void *ctx);

#endif
