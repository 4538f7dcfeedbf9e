/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run another program: an argument vector, no shell, a deadline, its output kept. */
#ifndef CDP_TOOLS_RUN_H
#define CDP_TOOLS_RUN_H

#include "port.h"

#define CDP_RUN_TEXT	4096

struct cdp_run {
	int status;			/* exit status; 128 + signal when it was killed */
	char out[CDP_RUN_TEXT];		/* the first bytes of stdout, and of stderr */
	char err[CDP_RUN_TEXT];
};

/**
 * cdp_run() - run argv[0] (looked up in PATH) and wait for it.
 * @deadline_s: it is killed after that long
 *
 * Return: 0 whatever the exit status is; -ENOENT when there is no such
 * program, -ETIME past the deadline, -EINTR when the user interrupted.
 * The recorded sentence names the program.
 */
int __must_check cdp_run(struct cdp_run *r, u32 deadline_s, const char *const argv[]);

/* The first line of @text, for use in a sentence; cuts @text. */
const char *cdp_run_line(char *text);

#endif
