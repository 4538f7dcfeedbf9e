// SPDX-License-Identifier: GPL-2.0-or-later
/* stop: a clean end of the mapping; the set stays remembered. */
#include <stdlib.h>

#include "cmd.h"
#include "conf.h"
#include "dm.h"
#include "msg.h"
#include "opts.h"
#include "stats.h"
#include "under-start.h"

enum { OPT_ALL = 256, OPT_LIVE };
static bool all, live;

static const struct argp_option options[] = {
	{ "all", OPT_ALL, NULL, 0, "every running set", 1 },
	{ "live", OPT_LIVE, NULL, 0, "every running set that is under a device", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == OPT_ALL) {
		all = true;
		return 0;
	}
	if (key == OPT_LIVE) {
		live = true;
		return 0;
	}
	if (key == ARGP_KEY_SUCCESS && all + live + cdp_opts.nr_words != 1)
		argp_error(state, "give NAME, --all or --live");
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_DRY_RUN, CDP_CHILD_FORCE, { 0 } };

static const struct argp argp = {
	options, parse, "NAME\n--all\n--live",
	"Shut a set down cleanly: /dev/mapper/NAME goes away, the legs stay as they are.",
	children, NULL, NULL,
};

static int check(const char *name)
{
	char *line;
	u64 length;
	int r = cdp_dm_status(name, &length, &line);

	free(line);
	if (!r)
		r = cdp_dm_unused(name);
	return r ? r : cdp_stats_answered(name);
}

/* One under a device goes with what was made for it. */
static bool is_under(const char *name, struct cdp_conf *c)
{
	bool under = cdp_conf_exists(name) && !cdp_conf_load(c, name) && c->under[0];

	cdp_why_clear();
	return under;
}

static int stop_one(const char *name)
{
	static struct cdp_conf conf;
	int r;

	if (is_under(name, &conf))
		return cdp_under_stop(&conf, cdp_opts.dry_run);
	r = check(name);
	if (r)
		return r;
	if (!cdp_opts.dry_run)
		return cdp_dm_remove(name);
	printf("dm: remove %s\n", name);
	return 0;
}

static int stop_next(const char *name, void *ctx)
{
	static struct cdp_conf conf;
	int *worst = ctx;
	int r;

	if (live && !is_under(name, &conf))
		return 0;
	r = stop_one(name);
	if (!r)
		return 0;
	cdp_error("%s", cdp_why_text());
	cdp_why_clear();
	*worst = r;
	return 0;
}

int cdp_cmd_stop(int argc, char **argv)
{
	int worst = 0, r;

	cdp_opts_parse(&argp, argc, argv, 0, 1);
	if (cdp_opts.nr_words)
		return stop_one(cdp_opts.words[0]);
	r = cdp_dm_list(stop_next, &worst);
	if (!r && worst)
		cdp_why(worst, "not every set could be stopped");
	return r ? r : worst;
}
