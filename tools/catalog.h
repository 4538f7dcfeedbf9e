/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What dm-cdp may tell, by code: events, states, refusals, findings of doctor. One list
 * from which "explain", a man page and the journal's catalog are made. Pure.
 */
#ifndef CDP_TOOLS_CATALOG_H
#define CDP_TOOLS_CATALOG_H

#include "port.h"

enum cdp_topic_kind {
	TOPIC_EVENT,		/* of the kernel, or of the monitor */
	TOPIC_STATE,		/* of a set or a leg */
	TOPIC_REFUSAL,		/* exit status 3, or a device in use */
	TOPIC_FINDING,		/* of doctor */
	TOPIC_KINDS
};

/* As syslog has them. */
enum cdp_severity { SEVERITY_ERROR = 3, SEVERITY_WARNING = 4, SEVERITY_NOTE = 6 };

struct cdp_topic {
	enum cdp_topic_kind kind;
	enum cdp_severity severity;
	const char *code;
	const char *title;	/* a sentence */
	const char *why;	/* what is behind it, what it means for the set */
	const char *remedy;	/* what to do */
};

/* All of them in order; NULL when @i is too large. */
const struct cdp_topic *cdp_topic_at(u32 i);

/* The one with this code, of this kind. A code may be an event and a state. */
const struct cdp_topic *cdp_topic_find(const char *code, enum cdp_topic_kind kind);

const char *cdp_topic_kind_name(enum cdp_topic_kind kind);	/* "event" */
const char *cdp_severity_name(enum cdp_severity s);		/* "error" */

/* The journal's id of a code, 32 digits: always the same. Returns @id. */
#define CDP_MESSAGE_ID_TEXT	33
const char *cdp_topic_id(const struct cdp_topic *t, char id[CDP_MESSAGE_ID_TEXT]);

/* For people; as scdoc; as a catalog of the journal. */
void cdp_topic_print(FILE *f, const struct cdp_topic *t);
void cdp_topics_man(FILE *f);
void cdp_topics_journal(FILE *f);

#endif
