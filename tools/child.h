/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program that runs beside us, with a deadline. Its end can be polled for. */
#ifndef CDP_TOOLS_CHILD_H
#define CDP_TOOLS_CHILD_H

#include "port.h"

struct cdp_child {
	int pidfd;		/* -1: it does not run (any more); POLLIN: it has ended */
	int said_fd;		/* what it says on stderr, if that is wanted */
	int pid;
	bool killed;
	double end_s;		/* its deadline */
};

#define CDP_CHILD_NONE	{ .pidfd = -1, .said_fd = -1 }

#define CHILD_QUIET	1u	/* what it says is kept for cdp_child_end() */
#define CHILD_STAYS	2u	/* it is not ended by what ends us */

/**
 * cdp_child_start() - start argv[0].
 * @more:  further environment, "NAME=VALUE", ends with NULL; or NULL
 * @how:   CHILD_...
 */
int __must_check cdp_child_start(struct cdp_child *c, const char *const argv[],
				 const char *const more[], u32 how, u32 deadline_s);

bool cdp_child_runs(const struct cdp_child *c);

/**
 * cdp_child_end() - has it ended? One past its deadline is killed; if that does not
 * help, as with one that waits for a disk, it goes on being waited for.
 * @said: gets the last line that begins with "cdpctl: ", without that; or the first
 *
 * Return: -EAGAIN while it runs, else its exit status; 128 + signal when it was killed.
 */
int cdp_child_end(struct cdp_child *c, char *said, size_t size);

/* It is not wanted any more: it is told so, and is killed after a while. */
void cdp_child_dismiss(struct cdp_child *c);

#endif
