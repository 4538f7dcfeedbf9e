/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options and words that several verbs share, on top of argp. */
#ifndef CDP_TOOLS_OPTS_H
#define CDP_TOOLS_OPTS_H

#include <argp.h>

#include "port.h"

#define CDP_MAX_WORDS	4

struct cdp_opts {
	bool json;
	bool dry_run;
	const char *secret_file;
	u32 nr_force;
	const char *force[8];
	u32 nr_words, min_words, max_words;
	const char *words[CDP_MAX_WORDS];	/* NAME and what follows */
};

extern struct cdp_opts cdp_opts;

/* Children for a verb's argp: it takes exactly the options it lists. */
#define CDP_CHILD_JSON		{ &cdp_argp_json, 0, NULL, 0 }
#define CDP_CHILD_DRY_RUN	{ &cdp_argp_dry_run, 0, NULL, 0 }
#define CDP_CHILD_FORCE		{ &cdp_argp_force, 0, NULL, 0 }
#define CDP_CHILD_SECRET	{ &cdp_argp_secret, 0, NULL, 0 }
extern const struct argp cdp_argp_json, cdp_argp_dry_run, cdp_argp_force, cdp_argp_secret;

/* Parse a verb's command line; a wrong one ends the program with status 2. */
void cdp_opts_parse(const struct argp *argp, int argc, char **argv, u32 min_words, u32 max_words);

/* For verbs without options of their own. */
error_t cdp_opts_word(int key, char *arg, struct argp_state *state);

#define CDP_FORCE_SILENT	"silent"	/* a leg that does not answer: go without it */

/* Did the user insist on overwriting what is called @name? */
bool cdp_opts_forced(const char *name);

/* A number not above @max, or a usage error that names @option. */
u64 cdp_opts_number(struct argp_state *state, const char *option, const char *arg, u64 max);
u64 cdp_opts_size(struct argp_state *state, const char *option, const char *arg);

#endif
