// SPDX-License-Identifier: GPL-2.0-or-later
/* status: sets and their legs, for people and as JSON. */
#include <unistd.h>

#include "cmd.h"
#include "dm.h"
#include "live.h"
#include "msg.h"
#include "opts.h"
#include "report.h"
#include "under.h"
#include "wake.h"

#define WATCH_MS	1000	/* while something is copied */

static bool watch;
static const char *list;

static const struct argp_option options[] = {
	{ "output", 'o', "LIST", 0, "these columns: name,state,p99_us (the keys of --json)", 1 },
	{ "watch", 'w', NULL, 0, "show it again whenever something happens, until interrupted", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == 'w') {
		watch = true;
		return 0;
	}
	if (key == 'o') {
		list = arg;
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_JSON, { 0 } };

static const struct argp argp = {
	options, parse, "[NAME]",
	"Show one set, or all. Exit status 4 when one of them is not optimal, or bypassed.",
	children, NULL, NULL,
};

/*----------------------------------------------------------------*/

struct show {
	struct cdp_out *out;
	u32 shown;
	bool degraded, copies;
};

static int show_set(const char *name, void *ctx)
{
	struct show *show = ctx;
	struct cdp_dm_info info;
	struct cdp_stats stats;
	struct cdp_live s;
	int r = cdp_live_open(&s, name);
	struct cdp_report_host host;
	bool tells;

	if (!r) {
		tells = !cdp_stats_read(name, &stats);	/* not before the first resume */
		host.suspended = !cdp_dm_info(name, &info) && info.suspended;
		host.bypassed = cdp_under_is_bypassed(&s.conf, true);
		cdp_report_set(show->out, &s, tells ? &stats : NULL, host);
		show->degraded |= s.status.health != HEALTH_OPTIMAL || host.bypassed;
		show->copies |= s.status.resync == RESYNC_RUNNING;
		show->shown++;
	}
	cdp_live_close(&s);
	return r;
}

/* A set that is removed while we list is no error. */
static int show_next(const char *name, void *ctx)
{
	int r = show_set(name, ctx);

	return r == -ENOENT ? 0 : r;
}

/* @copies: does one of them copy? Nothing tells of its progress but the next look. */
static int show_once(const char *name, bool clear, bool *copies)
{
	struct show show = { .out = cdp_report_new(list) };
	int r, printed;

	if (!show.out)
		return -ECDP_USAGE;
	r = name ? show_set(name, &show) : cdp_dm_list(show_next, &show);
	*copies = show.copies;
	if (r) {
		cdp_out_drop(show.out);
		return r;
	}
	if (clear)
		fputs("\033[H\033[2J", stdout);
	if (!show.shown && !cdp_opts.json)
		cdp_note("no set is running");
	printed = cdp_out_print(show.out);
	return printed ? printed : show.degraded ? -ECDP_DEGRADED : 0;
}

static void forget(const struct cdp_uevent *u, void *ctx)
{
	(void)u;
	(void)ctx;
}

/* Until a mapping has an event, what is remembered changes, or a copy has gone on. */
static void wait_for_news(struct cdp_wake *w, bool copies)
{
	struct pollfd fds[] = { w->fds[WAKE_DM], w->fds[WAKE_CONF] };

	if (!cdp_interrupted())
		poll(fds, ARRAY_SIZE(fds), copies ? WATCH_MS : -1);
	cdp_wake_take(w, forget, NULL);
}

static int watch_sets(const char *name)
{
	struct cdp_wake w;
	bool copies;
	int r = cdp_wake_open(&w);

	if (r)
		return r;
	cdp_interrupt_catch();
	do {
		r = cdp_wake_arm(&w);	/* before the look, so that nothing is missed */
		if (!r)
			r = show_once(name, !cdp_opts.json && isatty(STDOUT_FILENO), &copies);
		if (!r || r == -ECDP_DEGRADED)
			wait_for_news(&w, copies);
	} while ((!r || r == -ECDP_DEGRADED) && !cdp_interrupted());
	cdp_wake_close(&w);
	return r;
}

int cdp_cmd_status(int argc, char **argv)
{
	const char *name;
	bool copies;

	cdp_opts_parse(&argp, argc, argv, 0, 1);
	name = cdp_opts.nr_words ? cdp_opts.words[0] : NULL;
	return watch ? watch_sets(name) : show_once(name, false, &copies);
}
