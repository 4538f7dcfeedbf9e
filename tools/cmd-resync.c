// SPDX-License-Identifier: GPL-2.0-or-later
/* resync: pause, resume or limit the copy of a set. */
#include "cmd.h"
#include "dm.h"
#include "msg.h"
#include "opts.h"
#include "size.h"

#define MAX_RATE	1000000u

static const struct argp_child children[] = { CDP_CHILD_DRY_RUN, { 0 } };

static const struct argp argp = {
	NULL, cdp_opts_word, "NAME pause\nNAME resume\nNAME rate MIB-PER-SECOND",
	"Pause, resume or limit the copy to stale legs. A rate of 0 is no limit.",
	children, NULL, NULL,
};

static int make_message(char *text, size_t size)
{
	const char *what = cdp_opts.words[1], *value = cdp_opts.words[2];
	u64 n;

	if (!strcmp(what, "rate") && value && !cdp_number_parse(value, MAX_RATE, &n))
		cdp_print(text, size, "resync rate %llu", (unsigned long long)n);
	else if ((!strcmp(what, "pause") || !strcmp(what, "resume")) && !value)
		cdp_print(text, size, "resync %s", what);
	else
		return cdp_why(-ECDP_USAGE, "resync: write NAME pause, NAME resume, or NAME rate N (MiB/s up to %u, 0 for no limit)",
			       MAX_RATE);
	return 0;
}

int cdp_cmd_resync(int argc, char **argv)
{
	char message[64];
	int r;

	cdp_opts_parse(&argp, argc, argv, 2, 3);
	r = make_message(message, sizeof(message));
	if (r)
		return r;
	if (!cdp_opts.dry_run)
		return cdp_dm_message(cdp_opts.words[0], message, NULL);
	printf("dm: send %s the message: %s\n", cdp_opts.words[0], message);
	return 0;
}
