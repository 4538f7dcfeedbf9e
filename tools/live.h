/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A running set: what the kernel says of it and what the configuration remembers. */
#ifndef CDP_TOOLS_LIVE_H
#define CDP_TOOLS_LIVE_H

#include "conf.h"
#include "steps.h"

#define CDP_LINE_TEXT	(CDP_MAX_LEGS * (2 * CDP_PATH_TEXT + 64))

struct cdp_live {
	char name[CDP_NAME_TEXT];
	u64 length;
	u32 event_nr;
	struct cdp_status status;
	char *table_line;		/* what the strings of table point into */
	struct cdp_table table;
	bool remembered;		/* there is a configuration file, */
	u32 nr_remembered;		/* with so many legs */
	struct cdp_conf conf;		/* from the file, else made from table and status */
};

/* -ENOENT when there is no such set. Close also after a failure. */
int __must_check cdp_live_open(struct cdp_live *s, const char *name);
/*
 * The same without a word on a configuration that has other legs than the set, for who looks
 * all the time: when legs are changed it is written after the table.
 */
int __must_check cdp_live_peek(struct cdp_live *s, const char *name);
void cdp_live_close(struct cdp_live *s);

/* Read the status again. */
int __must_check cdp_live_refresh(struct cdp_live *s);

/* The leg that @text names: its index, UUID, device, or major:minor. -ENOENT when there is none. */
int __must_check cdp_live_leg(const struct cdp_live *s, const char *text);

/* The node of a leg's device as status names it ("8:16"), or "-". Returns @path. */
const char *cdp_live_leg_device(const struct cdp_leg_status *l, char path[CDP_PATH_TEXT]);

/* "leg 1 (/dev/sdb)"; returns @text. */
#define CDP_LEG_TEXT	(CDP_PATH_TEXT + 16)
const char *cdp_live_leg_text(const struct cdp_live *s, u32 leg, char text[CDP_LEG_TEXT]);

u32 cdp_live_in_sync(const struct cdp_live *s);	/* how many legs are */
bool cdp_live_has_failed(const struct cdp_live *s, u32 leg);	/* faulty or missing */

/* Write conf to its file with the leg UUIDs of the status; nothing when not remembered. */
int __must_check cdp_live_save(struct cdp_live *s);
/* The same of a set whose table was loaded again: a leg that is a new one has another UUID. */
int __must_check cdp_live_save_uuids(const char *name);
/* Forget a table that was loaded and not resumed, unless somebody is at it. */
int __must_check cdp_live_unload(const char *name);

/* Remember that a leg was taken out by hand, or is not any more; nothing when the
 * set is not remembered.
 */
int __must_check cdp_live_take_out(struct cdp_live *s, u32 leg, bool taken_out);

/* A step that sends the set a message. */
struct cdp_live_message {
	const char *name;
	char text[64];
};

void cdp_live_plan_message(struct cdp_steps *p, struct cdp_live_message *m,
			   const struct cdp_live *s, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* A step that remembers @f for later starts, where the set is remembered. */
void cdp_live_plan_features(struct cdp_steps *p, struct cdp_live *s, const struct cdp_features *f);

/* Split a line into at most @max words, in place. */
u32 cdp_words_split(char *line, char **words, u32 max);

/* Features as words ("leg_timeout_ms 3000 no_copy"), checked. */
int __must_check cdp_features_parse(const char *words, struct cdp_features *f);
void cdp_features_print(const struct cdp_features *f, char words[CDP_FEATURES_TEXT]);

/* A step that replaces the table of a running set: the plan's form of a reload. */
struct cdp_live_change {
	struct cdp_live *set;
	struct cdp_table table;		/* the new one */
	char line[CDP_LINE_TEXT];	/* its text */
	struct cdp_conf conf;		/* what is remembered then */
	bool stays;			/* it could not be undone */
};

/* Begin with what there is. */
void cdp_live_change_begin(struct cdp_live_change *c, struct cdp_live *s);
/* Steps: load the table, remember it. The result is in c->set. */
void cdp_live_change_plan(struct cdp_steps *p, struct cdp_live_change *c);

#endif
