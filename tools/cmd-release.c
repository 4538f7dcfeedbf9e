// SPDX-License-Identifier: GPL-2.0-or-later
/* release: the way out of every hold. */
#include "cmd.h"
#include "live.h"
#include "msg.h"
#include "opts.h"
#include "stats.h"

static const struct argp_child children[] = { CDP_CHILD_DRY_RUN, { 0 } };

static const struct argp argp = {
	NULL, cdp_opts_word, "NAME",
	"Answer the requests that a set holds back (on_last_error queue, on_protect_error block) with an error, now. What is written after that is treated by the same policies again.",
	children, NULL, NULL,
};

int cdp_cmd_release(int argc, char **argv)
{
	struct cdp_live_message m;
	struct cdp_steps p = { 0 };
	struct cdp_stats stats;
	struct cdp_live s;
	int r;

	cdp_opts_parse(&argp, argc, argv, 1, 1);
	p.dry_run = cdp_opts.dry_run;
	r = cdp_live_open(&s, cdp_opts.words[0]);
	if (!r)
		r = cdp_stats_read(s.name, &stats);
	if (!r) {
		cdp_live_plan_message(&p, &m, &s, "release");
		r = cdp_steps_run(&p);
	}
	if (!r && !p.dry_run)
		cdp_note("%s: %llu held requests were answered with an error", s.name,
			 (unsigned long long)stats.held);
	cdp_steps_free(&p);
	cdp_live_close(&s);
	return r;
}
