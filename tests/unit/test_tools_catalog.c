// SPDX-License-Identifier: GPL-2.0
/* The catalogue has all that kernel and tools may tell: their sources are searched for it. */
#include <glob.h>
#include <regex.h>

#include "unit.h"
#include "catalog.h"
#include "table.h"

static char *read_file(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = fopen(path, "r");

	must(f && getdelim(&text, &size, '\0', f) > 0,
	     "%s (unit tests run at the top of the tree)", path);
	fclose(f);
	return text;
}

struct search {
	regex_t regex;
	enum cdp_topic_kind kind;
	u32 found;
};

static void need(struct search *s, const char *path, const char *text, const regmatch_t *m)
{
	char code[64];

	if (m->rm_so < 0)
		return;
	cdp_print(code, sizeof(code), "%.*s", (int)(m->rm_eo - m->rm_so), text + m->rm_so);
	must(cdp_topic_find(code, s->kind), "%s: the %s %s is not in tools/topics.c", path,
	     cdp_topic_kind_name(s->kind), code);
	s->found++;
}

static void search_file(struct search *s, const char *path)
{
	char *text = read_file(path), *at;
	regmatch_t m[3];

	for (at = text; !regexec(&s->regex, at, 3, m, 0); at += m[0].rm_eo) {
		need(s, path, at, &m[1]);
		need(s, path, at, &m[2]);
	}
	free(text);
}

/* Codes as @pattern's groups in the files; there are at least @least. */
static void search(const char *files, const char *pattern, enum cdp_topic_kind kind, u32 least)
{
	struct search s = { .kind = kind };
	glob_t g;
	size_t i;

	must(!regcomp(&s.regex, pattern, REG_EXTENDED), "%s", pattern);
	must(!glob(files, 0, NULL, &g), "%s", files);
	for (i = 0; i < g.gl_pathc; i++)
		search_file(&s, g.gl_pathv[i]);
	must(s.found >= least, "%s: only %u times in %s", pattern, s.found, files);
	globfree(&g);
	regfree(&s.regex);
}

#define CODE	"\"([a-z-]+)\""

TEST(events)
{
	int i;

	search("kernel/*.c", "cdp_event\\([a-z]+, " CODE, TOPIC_EVENT, 13);
	search("kernel/*.c", "cdp_event\\([a-z]+, [a-z]+ \\? " CODE " : " CODE, TOPIC_EVENT, 2);
	search("kernel/event.c", "\\[LEG_[A-Z_]+\\] = " CODE, TOPIC_EVENT, 4);
	search("kernel/event.c", "what = " CODE, TOPIC_EVENT, 1);
	search("tools/*.c", "own_event\\([^\"]*" CODE, TOPIC_EVENT, 1);
	for (i = 0; i < HEALTHS; i++)
		must(cdp_topic_find(cdp_health_name(i), TOPIC_EVENT), "%s", cdp_health_name(i));
}

TEST(states)
{
	int i;

	for (i = 0; i < HEALTHS; i++)
		must(cdp_topic_find(cdp_health_name(i), TOPIC_STATE), "%s", cdp_health_name(i));
	for (i = 0; i < LEG_STATES; i++)
		must(cdp_topic_find(cdp_leg_state_name(i), TOPIC_STATE), "%s",
		     cdp_leg_state_name(i));
}

static void no_plain_refusal(const char *path)
{
	char *text = read_file(path);

	must(!strstr(text, "cdp_why(-ECDP_REFUSED, \""), "%s: cdp_refuse() gives it a code", path);
	free(text);
}

TEST(refusals)
{
	glob_t g;
	size_t i;

	search("tools/*.c", "cdp_refuse\\(" CODE, TOPIC_REFUSAL, 20);
	must(!glob("tools/*.c", 0, NULL, &g), "tools");
	for (i = 0; i < g.gl_pathc; i++)
		no_plain_refusal(g.gl_pathv[i]);
	globfree(&g);
}

TEST(findings)
{
	search("tools/ch*.c", "cdp_find_add\\([a-z>-]+, " CODE, TOPIC_FINDING, 20);
	search("tools/ch*.c", "check_enabled\\([a-z]+, \"[^\"]*\", " CODE, TOPIC_FINDING, 2);
	search("tools/ch*.c", "cdp_find_add\\(f, missing \\? " CODE " : " CODE, TOPIC_FINDING, 1);
	search("tools/cmd-doctor.c", "cdp_find_add\\([a-z]+, " CODE, TOPIC_FINDING, 2);
}

TEST(entries)
{
	char ids[256][CDP_MESSAGE_ID_TEXT];
	const struct cdp_topic *t;
	u32 i, k;

	for (i = 0; (t = cdp_topic_at(i)); i++) {
		must(cdp_topic_find(t->code, t->kind) == t, "%s is there twice", t->code);
		must(t->title[strlen(t->title) - 1] == '.' && t->why[strlen(t->why) - 1] == '.' &&
		     t->remedy[strlen(t->remedy) - 1] == '.', "%s: sentences", t->code);
		cdp_topic_id(t, ids[i]);
		must(strspn(ids[i], "0123456789abcdef") == 32, "%s", ids[i]);
		for (k = 0; k < i; k++)
			must(strcmp(ids[i], ids[k]), "%s: its id is taken", t->code);
	}
	must(i > 60 && i < ARRAY_SIZE(ids), "%u entries", i);
}

/* Ids never change: journals and their readers know them. */
TEST(ids)
{
	char id[CDP_MESSAGE_ID_TEXT];

	cdp_topic_id(cdp_topic_find("leg-failed", TOPIC_EVENT), id);
	must(!strcmp(id, "a734a96fa72e6f8808243eaaa2e0b3ca"), "%s", id);
}

TEST(layout)
{
	const struct cdp_topic t = {
		.code = "x", .kind = TOPIC_FINDING, .severity = SEVERITY_NOTE, .title = "T.",
		.remedy = "R.",
		.why = "Word word word word word word word word word word word word word word wo wo wo.",
	};
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	cdp_topic_print(f, &t);
	fclose(f);
	must(!strcmp(text, "x (finding, note)\n    T.\n"
		     "    Why:   Word word word word word word word word word word word word word\n"
		     "           word wo wo wo.\n    To do: R.\n"), "%s", text);
	free(text);
}

UNIT_MAIN("catalog", events, states, refusals, findings, entries, ids, layout)
