/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tool says, and the results of its functions.
 *
 * Functions return 0 or -errno, or one of the negatives below. Whoever finds
 * the cause records one sentence with cdp_why(); main() prints it, once.
 */
#ifndef CDP_TOOLS_MSG_H
#define CDP_TOOLS_MSG_H

#include "port.h"

/* Beyond errno, as the kernel's ERESTARTSYS is. */
enum {
	ECDP_USAGE = 4001,
	ECDP_REFUSED,		/* for safety: the sentence says what --force would override */
	ECDP_DEGRADED,
	ECDP_SICK,		/* doctor or verify found something wrong */
};

#define CDP_MSG_TEXT	2048	/* longest sentence, with NUL */

/* Record why and return @err, so that "return cdp_why(-ENOENT, ...)" works.
 * The sentence names the thing and the remedy. The last one recorded counts;
 * cdp_why_text() may be among the arguments.
 */
int cdp_why(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * The same for a refusal, with its code (see catalog.h): what "explain" tells more of.
 * Returns -ECDP_REFUSED.
 */
int cdp_refuse(const char *code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The code of the last one, if that is what was recorded last; or NULL. */
const char *cdp_why_code(void);

/* The recorded sentence, or "". */
const char *cdp_why_text(void);
void cdp_why_clear(void);

/* The exit status that a result stands for. */
int cdp_exit_code(int result);

/* Lines on stderr; debug only with --verbose. */
void cdp_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cdp_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cdp_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cdp_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cdp_msg_verbose(bool on);

/* From here on SIGINT and SIGTERM set a flag, and end waits, instead of killing. */
void cdp_interrupt_catch(void);
bool cdp_interrupted(void);
/* From here on they do nothing: what was begun is being undone. */
void cdp_interrupt_ignore(void);
/* Sleep; returns early when interrupted. */
void cdp_sleep_ms(u32 ms);
/* Monotonic. */
double cdp_seconds(void);

/*
 * Progress of a copy: a bar on a terminal, a line every few seconds
 * otherwise, with json one object a second.
 */
struct cdp_progress {
	const char *name;	/* of the set; plain characters only */
	bool json;
	bool started;
	u64 first_bytes;	/* done when the display began: the rate is from there */
	double start, shown;
};

void cdp_progress_show(struct cdp_progress *p, u64 done_bytes, u64 total_bytes);
/* End the bar's line, if one was drawn. */
void cdp_progress_end(struct cdp_progress *p);

/* One line without newline; pure. @rate in bytes a second, @width of the bar in characters. */
int cdp_progress_line(char *buf, size_t size, u64 done, u64 total, double rate, int width);

#endif
