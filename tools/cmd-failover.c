// SPDX-License-Identifier: GPL-2.0-or-later
/* failover: another leg becomes the primary, while both are healthy. */
#include "cmd.h"
#include "dm.h"
#include "live.h"
#include "msg.h"
#include "opts.h"

static const char *to;

static const struct argp_option options[] = {
	{ "to", 't', "LEG", 0, "the new primary (else the next leg that is in-sync)", 1 }, { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == 't') {
		to = arg;
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_DRY_RUN, { 0 } };

static const struct argp argp = {
	options, parse, "NAME",
	"Make another leg the primary. It must be in-sync; the old one stays so too.",
	children, NULL, NULL,
};

/* 0 with *leg >= 0, or *leg == -1 to leave the choice to the kernel. */
static int choose(const struct cdp_live *s, int *leg)
{
	char text[CDP_LEG_TEXT];

	*leg = to ? cdp_live_leg(s, to) : -1;
	if (to && *leg < 0)
		return *leg;
	if (to && s->status.legs[*leg].state != LEG_IN_SYNC)
		return cdp_refuse("not-in-sync", "%s: %s is %s; only a leg that is in-sync can be the primary",
			       s->name, cdp_live_leg_text(s, (u32)*leg, text),
			       cdp_leg_state_name(s->status.legs[*leg].state));
	if (!to && cdp_live_in_sync(s) < 2)
		return cdp_refuse("not-in-sync", "%s: there is no second leg that is in-sync",
			       s->name);
	return 0;
}

static int failover(struct cdp_live *s)
{
	char message[32], text[CDP_LEG_TEXT];
	int leg, r = choose(s, &leg);

	if (r)
		return r;
	if (leg < 0)
		cdp_print(message, sizeof(message), "failover");
	else
		cdp_print(message, sizeof(message), "failover %d", leg);
	if (cdp_opts.dry_run) {
		printf("dm: send %s the message: %s\n", s->name, message);
		return 0;
	}
	r = cdp_dm_message(s->name, message, NULL);
	if (!r)
		r = cdp_live_refresh(s);
	if (!r && s->status.read_leg >= 0)
		cdp_note("%s: the primary is %s", s->name,
			 cdp_live_leg_text(s, (u32)s->status.read_leg, text));
	return r;
}

int cdp_cmd_failover(int argc, char **argv)
{
	struct cdp_live s;
	int r;

	cdp_opts_parse(&argp, argc, argv, 1, 1);
	r = cdp_live_open(&s, cdp_opts.words[0]);
	if (!r)
		r = failover(&s);
	cdp_live_close(&s);
	return r;
}
