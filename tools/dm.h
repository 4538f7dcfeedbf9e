/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only user of libdevmapper. Its 1 and 0 become 0 and -errno here, and a
 * failure is recorded with the reason that the kernel gave, when it can be read.
 */
#ifndef CDP_TOOLS_DM_H
#define CDP_TOOLS_DM_H

#include "port.h"

#define CDP_DM_NAME_TEXT	128
#define CDP_DM_UUID_TEXT	129
#define CDP_DM_UUID_PREFIX	"CDP-"

struct cdp_dm_info {
	bool exists;
	bool suspended;
	bool read_only;
	bool has_inactive;	/* a table is loaded and waits for a resume */
	u32 open_count;
	u32 event_nr;
	u32 major, minor;
	char uuid[CDP_DM_UUID_TEXT];
};

/* Route libdevmapper's messages through msg.h; call once. */
void cdp_dm_init(void);

/* 0 with exists == false when there is no such mapping. */
int __must_check cdp_dm_info(const char *name, struct cdp_dm_info *info);

/* -ENODEV unless the kernel has the target "cdp" (after trying to load the module). */
int __must_check cdp_dm_have_target(void);

/* Create, load and resume; nothing is left behind on failure. @uuid may be NULL. */
int __must_check cdp_dm_create(const char *name, const char *uuid, u64 length,
			       const char *params);

/* Load and resume in one go; on failure the old table is live again. */
int __must_check cdp_dm_reload(const char *name, u64 length, const char *params);

int __must_check cdp_dm_remove(const char *name);

/* -ECDP_REFUSED, with a sentence, when somebody has it open. */
int __must_check cdp_dm_unused(const char *name);

/* Give a mapping that has none its uuid. */
int __must_check cdp_dm_set_uuid(const char *name, const char *uuid);

/*
 * Tables of any mapping, as text: "<start> <length> <target> <arguments>\n" for each
 * target. They may hold keys: never print them.
 */

/* The table that is live; the caller frees *@lines. */
int __must_check cdp_dm_lines(const char *name, char **lines);
/* Create a mapping that udev and what listens to it shall leave alone. */
int __must_check cdp_dm_make(const char *name, const char *uuid, const char *lines);
/* Load and resume in one go, while it is in use: requests wait for the moment that this
 * takes, and a process that dies leaves nothing suspended.
 */
int __must_check cdp_dm_swap(const char *name, const char *lines);
/* Forget a table that was loaded and not resumed. */
int __must_check cdp_dm_clear(const char *name);
/* The mapping with this number; -ENODEV when there is none. */
int __must_check cdp_dm_name(u32 major, u32 minor, char name[CDP_DM_NAME_TEXT]);

/* What follows "cdp" in the status or table line; the caller frees *@line.
 * -ENOENT: no such mapping; -EMEDIUMTYPE: it is not a cdp set.
 */
int __must_check cdp_dm_status(const char *name, u64 *length, char **line);
int __must_check cdp_dm_table(const char *name, u64 *length, char **line);

/* The answer ("" when there is none) is the caller's to free; @answer may be NULL. */
int __must_check cdp_dm_message(const char *name, const char *message, char **answer);

/* Sleep until the event counter is not @event_nr any more.
 * -ETIME after @timeout_ms (0: never), -EINTR when interrupted.
 */
int __must_check cdp_dm_wait(const char *name, u32 event_nr, u32 timeout_ms);

/* Call @each with the name of every cdp set; stops at the first non-zero result and returns it. */
int __must_check cdp_dm_list(int (*each)(const char *name, void *ctx), void *ctx);

#endif
