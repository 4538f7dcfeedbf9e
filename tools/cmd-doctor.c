// SPDX-License-Identifier: GPL-2.0-or-later
/* doctor: what is wrong, or may go wrong, with this host and its sets. */
#include <unistd.h>

#include "checks.h"
#include "cmd.h"
#include "msg.h"
#include "opts.h"
#include "out.h"
#include "run.h"

#define FIX_S	300u
#define WORDS	16u

enum { OPT_FIX = 256 };

static bool fix;

static const struct argp_option options[] = {
	{ "fix", OPT_FIX, NULL, 0, "run the commands that mend what can be mended safely", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == OPT_FIX) {
		fix = true;
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_JSON, CDP_CHILD_DRY_RUN, { 0 } };

static const struct argp argp = {
	options, parse, "[NAME]",
	"Look at this host and at one set, or all, for what is wrong or may go wrong. Each finding has a code, the reason, and the command that mends it where there is one. Exit status 5 when there is an error among them, 4 when a warning is the worst.",
	children, NULL, NULL,
};

/*----------------------------------------------------------------*/

struct doctor {
	struct cdp_findings *found;
	struct cdp_areas *areas;
};

/* That it cannot be loaded is found below. */
static int add_areas(const char *name, void *ctx)
{
	const struct doctor *d = ctx;
	static struct cdp_conf c;

	if (!cdp_conf_load(&c, name))
		cdp_areas_add(d->areas, &c);
	cdp_why_clear();
	return 0;
}

static int check_one(const char *name, void *ctx)
{
	const struct doctor *d = ctx;
	struct cdp_findings *f = d->found;
	static struct cdp_conf c;

	if (cdp_conf_load(&c, name)) {
		cdp_find_add(f, "conf-broken", "%.300s", cdp_why_text());
		cdp_why_clear();
		return 0;
	}
	if (d->areas)
		cdp_check_areas(f, d->areas, name);
	cdp_check_set(f, &c);
	cdp_check_iscsi(f, &c);
	return 0;
}

static void each(const char *name, int (*one)(const char *name, void *ctx), struct doctor *d)
{
	if (name)
		one(name, d);
	else if (cdp_conf_list(one, d))
		cdp_why_clear();
}

static void check_all(struct cdp_findings *f, const char *name)
{
	struct doctor d = { f, cdp_areas_new() };

	memset(f, 0, sizeof(*f));
	if (geteuid())
		cdp_find_add(f, "not-root", "user %u", geteuid());
	if (d.areas) {
		each(name, add_areas, &d);
		cdp_areas_read(d.areas);
	} else {
		cdp_warn("no metadata is looked at: %s", strerror(ENOMEM));
	}
	each(name, check_one, &d);
	if (!name)
		cdp_check_forgotten(f);
	cdp_check_units(f);
	cdp_check_modules(f);
	cdp_check_grab(f);
	cdp_check_here(f);
	cdp_find_sort(f);
	cdp_why_clear();	/* what could not be asked is a finding, or none */
}

/*----------------------------------------------------------------*/

/* What runs now, but not optimal yet, was mended; the findings say what is left to do. */
static bool is_done(const char *program, int status)
{
	return !strcmp(program, "cdpctl") && status == cdp_exit_code(-ECDP_DEGRADED);
}

static void mend(const struct cdp_finding *x)
{
	const char *argv[WORDS + 1] = { NULL };
	static struct cdp_run run;
	char words[sizeof(x->command)];

	cdp_print(words, sizeof(words), "%s", x->command);
	cdp_words_split(words, (char **)argv, WORDS);
	if (cdp_opts.dry_run) {
		printf("would run: %s\n", x->command);
		return;
	}
	if (cdp_run(&run, FIX_S, argv))
		cdp_warn("%s", cdp_why_text());
	else if (run.status && !is_done(argv[0], run.status))
		cdp_warn("%s: exit status %d: %s", x->command, run.status, cdp_run_line(run.err));
	else
		cdp_note("done: %s", x->command);
	cdp_why_clear();
}

static void mend_all(const struct cdp_findings *f)
{
	u32 i;

	for (i = 0; i < f->nr; i++)
		if (f->list[i].safe)
			mend(&f->list[i]);
}

/*----------------------------------------------------------------*/

enum { COL_SEVERITY, COL_CODE, COL_ABOUT, COL_TITLE, COL_WHY, COL_REMEDY, COL_COMMAND, COL_SAFE };

static const struct cdp_out_column columns[] = {
	[COL_SEVERITY] = { "severity", 0 },
	[COL_CODE] = { "code", 0 },
	[COL_ABOUT] = { "about", 0 },
	[COL_TITLE] = { "title", 0 },
	[COL_WHY] = { "why", 0 },
	[COL_REMEDY] = { "remedy", 0 },
	[COL_COMMAND] = { "command", 0 },
	[COL_SAFE] = { "fixable", OUT_BOOL },
};

static int print_json(const struct cdp_findings *f)
{
	struct cdp_out *out = cdp_out_new("findings", columns, ARRAY_SIZE(columns), true);
	u32 i;

	for (i = 0; i < f->nr; i++) {
		const struct cdp_finding *x = &f->list[i];
		struct cdp_out_row *row = cdp_out_row(out, NULL);

		cdp_out_set(out, row, COL_SEVERITY, "%s", cdp_severity_name(x->topic->severity));
		cdp_out_set(out, row, COL_CODE, "%s", x->topic->code);
		cdp_out_set(out, row, COL_ABOUT, "%s", x->about);
		cdp_out_set(out, row, COL_TITLE, "%s", x->topic->title);
		cdp_out_set(out, row, COL_WHY, "%s", x->topic->why);
		cdp_out_set(out, row, COL_REMEDY, "%s", x->topic->remedy);
		if (x->command[0])
			cdp_out_set(out, row, COL_COMMAND, "%s", x->command);
		cdp_out_set(out, row, COL_SAFE, "%d", x->safe);
	}
	return cdp_out_print(out);
}

static void print_one(const struct cdp_finding *x)
{
	printf("%s: %s\n", cdp_severity_name(x->topic->severity), x->about);
	cdp_topic_print(stdout, x->topic);
	if (x->command[0])
		printf("    Mend:  %s%s\n", x->command, x->safe ? "    (--fix does it)" : "");
	putchar('\n');
}

static int print(const struct cdp_findings *f)
{
	u32 i;

	if (cdp_opts.json)
		return print_json(f);
	for (i = 0; i < f->nr; i++)
		print_one(&f->list[i]);
	printf("errors: %u, warnings: %u, notes: %u\n", cdp_find_count(f, SEVERITY_ERROR),
	       cdp_find_count(f, SEVERITY_WARNING), cdp_find_count(f, SEVERITY_NOTE));
	return 0;
}

int cdp_cmd_doctor(int argc, char **argv)
{
	static struct cdp_findings f;
	const char *name;
	int r;

	cdp_opts_parse(&argp, argc, argv, 0, 1);
	name = cdp_opts.nr_words ? cdp_opts.words[0] : NULL;
	if (name && !cdp_conf_exists(name))
		return cdp_why(-ENOENT, "no set named %s is remembered", name);
	check_all(&f, name);
	if (fix) {
		mend_all(&f);
		if (!cdp_opts.dry_run)
			check_all(&f, name);
	}
	r = print(&f);
	if (!r && cdp_find_count(&f, SEVERITY_ERROR))
		return -ECDP_SICK;
	return !r && cdp_find_count(&f, SEVERITY_WARNING) ? -ECDP_DEGRADED : r;
}
