// SPDX-License-Identifier: GPL-2.0-or-later
/* wait: until a set has become what one waits for. */
#include "cmd.h"
#include "follow.h"
#include "opts.h"

static struct wait_options {
	enum cdp_follow_for what;
	u32 timeout_s;
} opt;

static const struct argp_option options[] = {
	{ "for", 'f', "WHAT", 0,
	  "in-sync: every leg holds all data (the default); rebuilt: every leg that is there does; event: the next event",
	  1 },
	{ "timeout", 't', "SECONDS", 0, "give up after that long (exit status 1)", 1 },
	{ 0 },
};

static enum cdp_follow_for parse_what(const char *arg, struct argp_state *state)
{
	static const char *const words[] = {
		[FOLLOW_IN_SYNC] = "in-sync", [FOLLOW_REBUILT] = "rebuilt", [FOLLOW_EVENT] = "event",
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(arg, words[i]))
			return i;
	argp_error(state, "--for takes in-sync, rebuilt or event, not %s", arg);
	return FOLLOW_IN_SYNC;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'f':
		opt.what = parse_what(arg, state);
		return 0;
	case 't':
		opt.timeout_s = (u32)cdp_opts_number(state, "--timeout", arg, 10000000);
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_JSON, { 0 } };

static const struct argp argp = {
	options, parse, "NAME",
	"Wait for a set, with a display of the copy. Exit status 4 when a leg is missing or faulty, so that it cannot come.",
	children, NULL, NULL,
};

int cdp_cmd_wait(int argc, char **argv)
{
	cdp_opts_parse(&argp, argc, argv, 1, 1);
	return cdp_follow(cdp_opts.words[0], opt.what, opt.timeout_s, cdp_opts.json);
}
