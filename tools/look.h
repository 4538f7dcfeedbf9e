/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read something on each of many devices, of which none can hold us up: each is read by a
 * process of its own. One that waits for a disk cannot be killed; it is left to its fate.
 */
#ifndef CDP_TOOLS_LOOK_H
#define CDP_TOOLS_LOOK_H

#include "probe.h"

#define CDP_ANSWER_S	15u	/* a disk that sleeps needs as long */

struct cdp_look {
	char path[CDP_PATH_TEXT];
	u32 major, minor;
	bool wanted;		/* if it does not answer now, it is waited for */
	u8 found;		/* what was read, or 0 */
	const char *silent;	/* why it was not read, "does not answer"; or NULL */
};

/* To be looked at, and nothing known of it yet. */
void cdp_look_init(struct cdp_look *l, const struct cdp_device *d);

/**
 * cdp_look() - fill in found and silent.
 * @seconds: that a device may take
 * @read: runs in a process that has nothing open
 *
 * Return: 0, or -EINTR.
 */
int __must_check cdp_look(struct cdp_look *all, u32 nr, u32 seconds,
			  u8 (*read)(const struct cdp_look *l, void *ctx), void *ctx);

/* The same of one. */
int __must_check cdp_look_at(struct cdp_look *l, const struct cdp_device *d, u32 seconds,
			     u8 (*read)(const struct cdp_look *l, void *ctx), void *ctx);

/* For a ctx in which the reader can leave more than a byte; zeroed, NULL when there is none. */
void *cdp_look_room(size_t bytes);

#endif
