// SPDX-License-Identifier: GPL-2.0-or-later
#include <strings.h>

#include "opts.h"
#include "size.h"

struct cdp_opts cdp_opts;

static error_t parse_shared(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'j':
		cdp_opts.json = true;
		return 0;
	case 'n':
		cdp_opts.dry_run = true;
		return 0;
	case 's':
		cdp_opts.secret_file = arg;
		return 0;
	case 'f':
		if (cdp_opts.nr_force == ARRAY_SIZE(cdp_opts.force))
			argp_error(state, "--force is given too often");
		cdp_opts.force[cdp_opts.nr_force++] = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option json_options[] = {
	{ "json", 'j', NULL, 0, "print JSON", 20 }, { 0 },
};

static const struct argp_option dry_run_options[] = {
	{ "dry-run", 'n', NULL, 0, "print the steps that would be done, and do nothing", 20 },
	{ 0 },
};

static const struct argp_option force_options[] = {
	{ "force", 'f', "WORD", 0,
	  "do what was refused, by the name that is said: --force=ext4 (may be repeated)", 20 },
	{ 0 },
};

static const struct argp_option secret_options[] = {
	{ "secret-file", 's', "FILE", 0,
	  "file with the CHAP secret of an iSCSI leg, mode 0600 (else it is asked for)", 20 },
	{ 0 },
};

#define SHARED(o) { .options = o, .parser = parse_shared }
const struct argp cdp_argp_json = SHARED(json_options);
const struct argp cdp_argp_dry_run = SHARED(dry_run_options);
const struct argp cdp_argp_force = SHARED(force_options);
const struct argp cdp_argp_secret = SHARED(secret_options);

error_t cdp_opts_word(int key, char *arg, struct argp_state *state)
{
	if (key == ARGP_KEY_ARG) {
		if (cdp_opts.nr_words == cdp_opts.max_words)
			argp_error(state, "too many arguments: %s", arg);
		cdp_opts.words[cdp_opts.nr_words++] = arg;
		return 0;
	}
	if (key == ARGP_KEY_END && cdp_opts.nr_words < cdp_opts.min_words)
		argp_error(state, "an argument is missing");
	return ARGP_ERR_UNKNOWN;
}

void cdp_opts_parse(const struct argp *argp, int argc, char **argv, u32 min_words, u32 max_words)
{
	cdp_opts.min_words = min_words;
	cdp_opts.max_words = max_words < CDP_MAX_WORDS ? max_words : CDP_MAX_WORDS;
	argp_parse(argp, argc, argv, 0, NULL, NULL);
}

bool cdp_opts_forced(const char *name)
{
	u32 i;

	for (i = 0; i < cdp_opts.nr_force; i++)
		if (!strcasecmp(cdp_opts.force[i], name))
			return true;
	return false;
}

u64 cdp_opts_number(struct argp_state *state, const char *option, const char *arg, u64 max)
{
	u64 n = 0;

	if (cdp_number_parse(arg, max, &n))
		argp_error(state, "%s takes a number up to %llu, not %s", option,
			   (unsigned long long)max, arg);
	return n;
}

u64 cdp_opts_size(struct argp_state *state, const char *option, const char *arg)
{
	u64 bytes = 0;

	if (cdp_size_parse(arg, &bytes) || !bytes || bytes % CDP_SECTOR_BYTES)
		argp_error(state, "%s takes a size such as 64K or 20G, not %s", option, arg);
	return bytes;
}
