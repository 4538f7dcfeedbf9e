/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outages of legs, kept across reboots in /var/lib/cdp/NAME.history.
 *
 * The file is a line for each record, appended by cdpctl monitor alone:
 *
 *   <unix time> <kind> <leg uuid> <event seq> <bytes missed> <bytes copied> <text...|->
 *
 *   begin    the leg left; the numbers are the kernel's counters so far, the text is the cause
 *   cause    what the cause was, known after the begin
 *   end      the leg is in-sync again, or a leg no more: the text says so; the numbers are those
 *            of this outage
 *   refused  it is there, but was not let in; the text says why
 *
 * A crash may leave the last line torn. It has no newline then: a reader leaves
 * it out, the next writer cuts it off. What else is not understood is skipped.
 */
#ifndef CDP_TOOLS_HISTORY_H
#define CDP_TOOLS_HISTORY_H

#include "event.h"
#include "probe.h"
#include "super.h"

#define CDP_HISTORY_KINDS(x) \
	x(BEGIN,	"begin") \
	x(CAUSE,	"cause") \
	x(END,		"end") \
	x(REFUSED,	"refused")

enum cdp_history_kind {
#define x(name, text) HISTORY_##name,
	CDP_HISTORY_KINDS(x)
#undef x
	HISTORY_KINDS
};

#define CDP_HISTORY_GONE	"replaced or removed"
#define CDP_HISTORY_TEXT	400
#define CDP_HISTORY_LINE	(CDP_HISTORY_TEXT + 160)

struct cdp_history_record {
	u64 seconds;			/* since 1970 */
	enum cdp_history_kind kind;
	struct cdp_uuid leg;
	u64 seq;			/* of the event in the kernel's list, 0: none */
	u64 missed_bytes, copied_bytes;
	char text[CDP_HISTORY_TEXT];
};

/* One line, which ends at a newline or the end. 0 or -EINVAL. Pure. */
int __must_check cdp_history_parse(const char *line, struct cdp_history_record *r);

/* The line with its newline; what is not printable in the text becomes a space. Pure. */
int cdp_history_print(const struct cdp_history_record *r, char line[CDP_HISTORY_LINE]);

struct cdp_outage {
	struct cdp_uuid leg;
	u64 begin, end;			/* end 0: it goes on */
	u64 seq;			/* of the begin */
	u64 missed_bytes, copied_bytes;	/* end 0: the counters at the begin */
	char cause[CDP_HISTORY_TEXT];
	char refused[CDP_HISTORY_TEXT];	/* "" if it was not */
	char gone[CDP_HISTORY_TEXT];	/* how it ended if the leg did not come back, or "" */
};

/**
 * cdp_history_outages() - pair begins with ends. Pure.
 * @text: the whole file
 * @list: gets them in order of their begin; the caller frees it
 *
 * Return: how many, or -ENOMEM.
 */
int __must_check cdp_history_outages(const char *text, struct cdp_outage **list);

/* When the outage of @leg that goes on began; 0 if there is none. Pure. */
u64 cdp_history_out(const char *text, const struct cdp_uuid *leg);

/* The newest record among the lines, of @leg or of any (NULL). False when there is none. Pure. */
bool cdp_history_last(const char *text, const struct cdp_uuid *leg, struct cdp_history_record *r);

/*----------------------------------------------------------------*/

/* What a leg was written without, and copied afterwards, since the end of its last outage. */
struct cdp_count {
	u64 missed_bytes, copied_bytes;
	u64 missed_at, copied_at;	/* the kernel's counters by then */
};

/* Go on to where they are now. True: they have begun again, with another table. Pure. */
bool cdp_count_on(struct cdp_count *c, u64 missed_now, u64 copied_now);

/* How far the kernel's events and counters have been taken in. */
struct cdp_seen {
	struct cdp_event last;		/* seq 0: none yet */
	u32 nr_legs;
	struct cdp_seen_leg {
		struct cdp_uuid uuid;
		struct cdp_count count;
	} legs[CDP_MAX_LEGS];
};

/* What was counted of an outage that goes on. Pure. */
struct cdp_count cdp_seen_count(const struct cdp_seen *s, const struct cdp_outage *o);

/*----------------------------------------------------------------*/

/* Directory of what lasts: $CDP_STATE_DIR or /var/lib/cdp. */
const char *cdp_state_dir(void);
int __must_check cdp_state_prepare(void);
/* A file of the set's in it, NAME and @suffix: "" when there is none, replaced in one step. */
int __must_check cdp_state_read(const char *name, const char *suffix, char **text);
int __must_check cdp_state_write(const char *name, const char *suffix, const char *text);

/* The file's text, "" when there is none; the caller frees it. */
int __must_check cdp_history_read(const char *name, char **text);

void cdp_history_seen(const char *name, struct cdp_seen *s);
int __must_check cdp_history_see(const char *name, const struct cdp_seen *s);

/* Append, durably. A file that has become too long loses its older half, but for what goes on. */
int __must_check cdp_history_add(const char *name, const struct cdp_history_record *r);

#endif
