// SPDX-License-Identifier: GPL-2.0-or-later
/* resync: pause, resume or limit the copy of a set; how much the guest may wait for it. */
#include "cmd.h"
#include "live.h"
#include "msg.h"
#include "opts.h"
#include "size.h"

#define MAX_RATE	1000000u

static const struct argp_child children[] = { CDP_CHILD_DRY_RUN, { 0 } };

static const struct argp argp = {
	NULL, cdp_opts_word,
	"NAME pause\nNAME resume\nNAME rate MIB-PER-SECOND\nNAME latency PERCENT",
	"Pause, resume or limit the copy to stale legs. A rate of 0 is no limit. latency: by how much what the machine waits for may take longer while something is copied or verified, where these use the processors that it needs; 0 is by any. That is remembered.",
	children, NULL, NULL,
};

static int plan(struct cdp_steps *p, struct cdp_live_message *m, struct cdp_live *s)
{
	const char *what = cdp_opts.words[1], *value = cdp_opts.words[2];
	struct cdp_features f = s->table.features;
	u64 n = 0;

	if (!strcmp(what, "rate") && value && !cdp_number_parse(value, MAX_RATE, &n)) {
		cdp_live_plan_message(p, m, s, "resync rate %u", (u32)n);
	} else if ((!strcmp(what, "pause") || !strcmp(what, "resume")) && !value) {
		cdp_live_plan_message(p, m, s, "resync %s", what);
	} else if (!strcmp(what, "latency") && value &&
		   !cdp_number_parse(value, CDP_MAX_RISE, &n)) {
		cdp_live_plan_message(p, m, s, "resync latency %u", (u32)n);
		f.latency_rise = (u32)n;
		cdp_live_plan_features(p, s, &f);
	} else {
		return cdp_why(-ECDP_USAGE, "resync: write NAME pause, NAME resume, NAME rate N (MiB/s up to %u, 0 for no limit), or NAME latency N (percent up to %u, 0 for any)",
			       MAX_RATE, CDP_MAX_RISE);
	}
	return 0;
}

int cdp_cmd_resync(int argc, char **argv)
{
	struct cdp_live_message m;
	struct cdp_steps p = { 0 };
	struct cdp_live s;
	int r;

	cdp_opts_parse(&argp, argc, argv, 2, 3);
	p.dry_run = cdp_opts.dry_run;
	memset(&s, 0, sizeof(s));
	r = cdp_live_open(&s, cdp_opts.words[0]);
	if (!r)
		r = plan(&p, &m, &s);
	if (!r)
		r = cdp_steps_run(&p);
	cdp_steps_free(&p);
	cdp_live_close(&s);
	return r;
}
