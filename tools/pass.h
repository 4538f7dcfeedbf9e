/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pass of verify: what the kernel says of it, and what is kept of it across reboots in
 * /var/lib/cdp/NAME.verify. Sectors, unless named. A leg is known by its UUID.
 */
#ifndef CDP_TOOLS_PASS_H
#define CDP_TOOLS_PASS_H

#include "table.h"
#include "verify.h"

struct cdp_pass_diff {
	u64 first, sectors;
	struct cdp_uuid leg, against;
};

#define CDP_PASS_STATES(x) \
	x(IDLE,		"idle") \
	x(RUNNING,	"running") \
	x(PAUSED,	"paused") \
	x(FINISHED,	"finished") \
	x(STOPPED,	"stopped")

enum cdp_pass_state {
#define x(name, text) PASS_##name,
	CDP_PASS_STATES(x)
#undef x
	PASS_STATES
};

#define CDP_PASS_DIFFS	1024u	/* more than the kernel keeps of one pass */

struct cdp_pass {
	enum cdp_pass_state state;
	u64 began, ended;		/* seconds since 1970; 0: not yet */
	u64 from, to, position, compared, skipped, unreadable;
	u32 nr;
	struct cdp_pass_diff diffs[CDP_PASS_DIFFS];
};

const char *cdp_pass_state_name(enum cdp_pass_state state);

/* The answer to "verify status"; the legs are those of @st. What is not known is skipped. Pure. */
void cdp_pass_parse_status(const char *text, const struct cdp_status *st, struct cdp_pass *p);

/* The file's text. -EINVAL if that is none. Pure. */
int __must_check cdp_pass_parse(const char *text, struct cdp_pass *p);
/* The caller frees it; NULL without memory. Pure. */
char *cdp_pass_print(const struct cdp_pass *p);

/* Add what the rest of a pass has found to its beginning. Pure. */
void cdp_pass_add(struct cdp_pass *p, const struct cdp_pass *rest);

/* Is there a rest to do? Pure. */
static inline bool cdp_pass_is_open(const struct cdp_pass *p)
{
	return p->state != PASS_IDLE && p->state != PASS_FINISHED && p->position < p->to;
}

/* -ENOENT when there is none. */
int __must_check cdp_pass_load(const char *name, struct cdp_pass *p);
int __must_check cdp_pass_save(const char *name, const struct cdp_pass *p);

#endif
