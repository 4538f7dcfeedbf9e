// SPDX-License-Identifier: GPL-2.0-or-later
/* explain: what a code means, and what to do. */
#include "catalog.h"
#include "cmd.h"
#include "msg.h"
#include "opts.h"
#include "out.h"

enum { OPT_AS = 256 };

static const char *as;

static const struct argp_option options[] = {
	{ "as", OPT_AS, "FORM", 0,
	  "all of them as a man page (scdoc) or a catalog of the journal: man, journal", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == OPT_AS) {
		if (strcmp(arg, "man") && strcmp(arg, "journal"))
			argp_error(state, "--as takes man or journal, not %s", arg);
		as = arg;
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_JSON, { 0 } };

static const struct argp argp = {
	options, parse, "[CODE]",
	"Say what an event, a state, a refusal or a finding of doctor means, why it is so, and what to do. Without CODE: a list of all.",
	children, NULL, NULL,
};

/*----------------------------------------------------------------*/

enum { COL_CODE, COL_KIND, COL_SEVERITY, COL_TITLE, COL_WHY, COL_REMEDY, COL_ID };

static const struct cdp_out_column columns[] = {
	[COL_CODE] = { "code", 0 },
	[COL_KIND] = { "kind", 0 },
	[COL_SEVERITY] = { "severity", 0 },
	[COL_TITLE] = { "title", 0 },
	[COL_WHY] = { "why", OUT_JSON_ONLY },
	[COL_REMEDY] = { "remedy", OUT_JSON_ONLY },
	[COL_ID] = { "message_id", OUT_JSON_ONLY },
};

static void add(struct cdp_out *out, const struct cdp_topic *t)
{
	struct cdp_out_row *row = cdp_out_row(out, NULL);
	char id[CDP_MESSAGE_ID_TEXT];

	cdp_out_set(out, row, COL_CODE, "%s", t->code);
	cdp_out_set(out, row, COL_KIND, "%s", cdp_topic_kind_name(t->kind));
	cdp_out_set(out, row, COL_SEVERITY, "%s", cdp_severity_name(t->severity));
	cdp_out_set(out, row, COL_TITLE, "%s", t->title);
	cdp_out_set(out, row, COL_WHY, "%s", t->why);
	cdp_out_set(out, row, COL_REMEDY, "%s", t->remedy);
	cdp_out_set(out, row, COL_ID, "%s", cdp_topic_id(t, id));
}

static bool is_meant(const struct cdp_topic *t, const char *code)
{
	return !code || !strcmp(t->code, code);
}

static int list(const char *code)
{
	struct cdp_out *out = cdp_out_new("codes", columns, ARRAY_SIZE(columns), cdp_opts.json);
	const struct cdp_topic *t;
	u32 i;

	for (i = 0; (t = cdp_topic_at(i)); i++)
		if (is_meant(t, code))
			add(out, t);
	return cdp_out_print(out);
}

static void print(const char *code)
{
	const struct cdp_topic *t;
	u32 i, nr = 0;

	for (i = 0; (t = cdp_topic_at(i)); i++) {
		if (!is_meant(t, code))
			continue;
		if (nr++)
			putchar('\n');
		cdp_topic_print(stdout, t);
	}
}

static bool is_known(const char *code)
{
	enum cdp_topic_kind kind;

	for (kind = 0; kind < TOPIC_KINDS; kind++)
		if (cdp_topic_find(code, kind))
			return true;
	return false;
}

int cdp_cmd_explain(int argc, char **argv)
{
	const char *code;

	cdp_opts_parse(&argp, argc, argv, 0, 1);
	code = cdp_opts.nr_words ? cdp_opts.words[0] : NULL;
	if (as) {
		(*as == 'm' ? cdp_topics_man : cdp_topics_journal)(stdout);
		return 0;
	}
	if (code && !is_known(code))
		return cdp_why(-ENOENT, "nothing is called %s; cdpctl explain lists all codes",
			       code);
	if (!code || cdp_opts.json)
		return list(code);
	print(code);
	return 0;
}
