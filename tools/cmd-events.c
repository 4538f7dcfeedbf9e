// SPDX-License-Identifier: GPL-2.0-or-later
/* events: what happened to sets, from the kernel's list of the last ones. */
#include <time.h>

#include "cmd.h"
#include "dm.h"
#include "events.h"
#include "msg.h"
#include "opts.h"
#include "out.h"

#define TICK_MS	60000u	/* events wake us; this only lets a removed set be noticed */

static bool follow;

static const struct argp_option options[] = {
	{ "follow", 'f', NULL, 0, "go on with new ones as they come, until interrupted", 1 }, { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == 'f') {
		follow = true;
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_JSON, { 0 } };

static const struct argp argp = {
	options, parse, "[NAME]",
	"Show the last events of one set, or of all. --follow needs a NAME when several sets run.",
	children, NULL, NULL,
};

enum { COL_SET, COL_SEQ, COL_TIME, COL_UNIX, COL_EVENT, COL_LEG, COL_DETAIL };

static const struct cdp_out_column columns[] = {
	[COL_SET] = { "set", 0 },
	[COL_SEQ] = { "seq", OUT_NUMBER },
	[COL_TIME] = { "time", 0 },
	[COL_UNIX] = { "unix_time", OUT_NUMBER | OUT_JSON_ONLY },
	[COL_EVENT] = { "event", 0 },
	[COL_LEG] = { "leg", 0 },
	[COL_DETAIL] = { "detail", 0 },
};

struct context {
	const char *name;
	struct cdp_out *out;	/* NULL: one line each, at once */
	struct cdp_event last;	/* the last one seen; seq 0: none */
};

static const char *time_text(u64 seconds, char text[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(text, 32, "%Y-%m-%d %H:%M:%S", &tm))
		strcpy(text, "-");
	return text;
}

static void add_row(struct cdp_out *o, const char *name, const struct cdp_event *e)
{
	struct cdp_out_row *row = cdp_out_row(o, NULL);
	char text[32];

	cdp_out_set(o, row, COL_SET, "%s", name);
	cdp_out_set(o, row, COL_SEQ, "%llu", (unsigned long long)e->seq);
	cdp_out_set(o, row, COL_TIME, "%s", time_text(e->seconds, text));
	cdp_out_set(o, row, COL_UNIX, "%llu", (unsigned long long)e->seconds);
	cdp_out_set(o, row, COL_EVENT, "%s", e->what);
	cdp_out_set(o, row, COL_LEG, "%s", e->leg);
	cdp_out_set(o, row, COL_DETAIL, "%s", e->detail);
}

/* Followed events: a line, or with --json a document, for each. */
static int print_now(const char *name, const struct cdp_event *e)
{
	struct cdp_out *o;
	char text[32];

	if (!cdp_opts.json) {
		printf("%s  %llu  %s  %s  %s  %s\n", name, (unsigned long long)e->seq,
		       time_text(e->seconds, text), e->what, e->leg, e->detail);
		return fflush(stdout) ? -errno : 0;
	}
	o = cdp_out_new("events", columns, ARRAY_SIZE(columns), true);
	add_row(o, name, e);
	return cdp_out_print(o);
}

static int take(const struct cdp_event *e, void *ctx)
{
	struct context *c = ctx;

	if (!c->out)
		return print_now(c->name, e);
	add_row(c->out, c->name, e);
	return 0;
}

static int read_events(const char *name, void *ctx)
{
	struct context *c = ctx;

	c->name = name;
	return cdp_events_new(name, &c->last, take, c);
}

static int read_all(const char *name, void *ctx)
{
	struct context *c = ctx;

	memset(&c->last, 0, sizeof(c->last));	/* each set counts for itself */
	return read_events(name, c);
}

static int show(const char *name)
{
	struct context c = {
		.out = cdp_out_new("events", columns, ARRAY_SIZE(columns), cdp_opts.json),
	};
	int r = name ? read_events(name, &c) : cdp_dm_list(read_all, &c);

	if (!r)
		return cdp_out_print(c.out);
	cdp_out_drop(c.out);
	return r;
}

/* The counter is read before the events, so none is lost between the two. */
static int follow_set(const char *name)
{
	struct context c = { 0 };
	struct cdp_dm_info info;
	int r = 0;

	while (!r && !cdp_interrupted()) {
		r = cdp_dm_info(name, &info);
		if (!r && !info.exists)
			r = cdp_why(-ENOENT, "%s does not run (any more)", name);
		if (!r)
			r = read_events(name, &c);
		if (!r)
			r = cdp_dm_wait(name, info.event_nr, TICK_MS);
		if (r == -ETIME)
			r = 0;
	}
	return r == -EINTR ? 0 : r;
}

static int only_one(const char *name, void *ctx)
{
	char *found = ctx;

	if (*found)
		return cdp_why(-ECDP_USAGE, "several sets run; say which one to follow");
	cdp_print(found, CDP_DM_NAME_TEXT, "%s", name);
	return 0;
}

int cdp_cmd_events(int argc, char **argv)
{
	static char found[CDP_DM_NAME_TEXT];
	const char *name;
	int r = 0;

	cdp_opts_parse(&argp, argc, argv, 0, 1);
	name = cdp_opts.nr_words ? cdp_opts.words[0] : NULL;
	if (!follow)
		return show(name);
	if (!name) {
		r = cdp_dm_list(only_one, found);
		name = found;
	}
	if (!r && !*name)
		r = cdp_why(-ENOENT, "no set is running");
	cdp_interrupt_catch();
	return r ? r : follow_set(name);
}
