// SPDX-License-Identifier: GPL-2.0-or-later
#include "topics.h"

const struct cdp_topic *cdp_topic_at(u32 i)
{
	return i < cdp_nr_topics ? &cdp_topics[i] : NULL;
}

const struct cdp_topic *cdp_topic_find(const char *code, enum cdp_topic_kind kind)
{
	u32 i;

	for (i = 0; i < cdp_nr_topics; i++)
		if (cdp_topics[i].kind == kind && !strcmp(cdp_topics[i].code, code))
			return &cdp_topics[i];
	return NULL;
}

const char *cdp_topic_kind_name(enum cdp_topic_kind kind)
{
	static const char *const names[TOPIC_KINDS] = {
		[TOPIC_EVENT] = "event", [TOPIC_STATE] = "state", [TOPIC_REFUSAL] = "refusal",
		[TOPIC_FINDING] = "finding",
	};

	return names[kind];
}

const char *cdp_severity_name(enum cdp_severity s)
{
	return s == SEVERITY_ERROR ? "error" : s == SEVERITY_WARNING ? "warning" : "note";
}

/* Hashed from kind and code, so that there is no table of ids to keep. */
const char *cdp_topic_id(const struct cdp_topic *t, char id[CDP_MESSAGE_ID_TEXT])
{
	const char *kind = cdp_topic_kind_name(t->kind);
	char text[128];
	int n;

	n = cdp_print(text, sizeof(text), "dm-cdp %s %s", kind, t->code);
	cdp_print(id, CDP_MESSAGE_ID_TEXT, "%016llx",
		  (unsigned long long)cdp_hash(text, (size_t)n));
	n = cdp_print(text, sizeof(text), "%s %s dm-cdp", t->code, kind);
	cdp_print(id + 16, CDP_MESSAGE_ID_TEXT - 16, "%016llx",
		  (unsigned long long)cdp_hash(text, (size_t)n));
	return id;
}

/*----------------------------------------------------------------*/

#define WIDTH	78u

/* A paragraph in lines of WIDTH, behind @label. */
static void wrap(FILE *f, const char *label, const char *text)
{
	size_t margin = strlen(label), at = margin, len;

	fputs(label, f);
	while (*text) {
		len = strcspn(text, " ");
		if (at > margin && at + 1 + len > WIDTH) {
			fprintf(f, "\n%*s", (int)margin, "");
			at = margin;
		} else if (at > margin) {
			fputc(' ', f);
			at++;
		}
		fwrite(text, 1, len, f);
		at += len;
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', f);
}

void cdp_topic_print(FILE *f, const struct cdp_topic *t)
{
	fprintf(f, "%s (%s, %s)\n", t->code, cdp_topic_kind_name(t->kind),
		cdp_severity_name(t->severity));
	wrap(f, "    ", t->title);
	wrap(f, "    Why:   ", t->why);
	wrap(f, "    To do: ", t->remedy);
}

/* What would be markup of scdoc is not. */
static void escape(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (strchr("*_\\#~<[", *text))
			fputc('\\', f);
		fputc(*text, f);
	}
}

static void man_topic(FILE *f, const struct cdp_topic *t)
{
	fprintf(f, "*%s* (%s)\n\t", t->code, cdp_severity_name(t->severity));
	escape(f, t->title);
	fputc(' ', f);
	escape(f, t->why);
	fputs("\n\n\tTo do: ", f);
	escape(f, t->remedy);
	fputs("\n\n", f);
}

void cdp_topics_man(FILE *f)
{
	static const char *const headings[TOPIC_KINDS] = {
		[TOPIC_EVENT] = "EVENTS", [TOPIC_STATE] = "STATES", [TOPIC_REFUSAL] = "REFUSALS",
		[TOPIC_FINDING] = "FINDINGS OF DOCTOR",
	};
	enum cdp_topic_kind kind;
	u32 i;

	fputs("cdp-codes(7)\n\n# NAME\n\ncdp-codes - what dm-cdp tells: events, states, refusals, findings\n\n"
	      "# DESCRIPTION\n\n*cdpctl explain* _CODE_ prints the same. In the journal an event has its message id, so that *journalctl -x* shows it.\n\n",
	      f);
	for (kind = 0; kind < TOPIC_KINDS; kind++) {
		fprintf(f, "# %s\n\n", headings[kind]);
		for (i = 0; i < cdp_nr_topics; i++)
			if (cdp_topics[i].kind == kind)
				man_topic(f, &cdp_topics[i]);
	}
	fputs("# SEE ALSO\n\n*cdpctl*(8), *journalctl*(1)\n", f);
}

void cdp_topics_journal(FILE *f)
{
	char id[CDP_MESSAGE_ID_TEXT];
	u32 i;

	for (i = 0; i < cdp_nr_topics; i++) {
		const struct cdp_topic *t = &cdp_topics[i];

		if (t->kind != TOPIC_EVENT)
			continue;
		fprintf(f, "-- %s\nSubject: %s\nDefined-By: dm-cdp\nDocumentation: man:cdp-codes(7)\n\n",
			cdp_topic_id(t, id), t->title);
		fprintf(f, "Set @CDP_SET@, leg @CDP_LEG@ @CDP_DEVICE@; the set is @CDP_HEALTH@ now.\n\n%s\n\n%s\n\n",
			t->why, t->remedy);
	}
}
