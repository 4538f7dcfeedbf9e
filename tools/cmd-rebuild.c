// SPDX-License-Identifier: GPL-2.0-or-later
/* rebuild: a new disk takes the place of a failed leg. */
#include "cmd.h"
#include "doing.h"
#include "follow.h"
#include "join.h"
#include "msg.h"
#include "opts.h"

enum { OPT_WAIT = 256, OPT_META, OPT_LEG };

static struct rebuild {
	const char *onto, *meta, *leg;
	bool wait;
} rebuild;

static const struct argp_option options[] = {
	{ "onto", 'o', "DEV|URL", 0, "the new disk; everything on it is overwritten", 1 },
	{ "meta", OPT_META, "DEV", 0, "a device for its metadata (else at its own end)", 1 },
	{ "leg", OPT_LEG, "LEG", 0, "the leg to replace (else the one that failed)", 1 },
	{ "wait", OPT_WAIT, NULL, 0, "return when the copy is complete", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'o':
		rebuild.onto = arg;
		return 0;
	case OPT_META:
		rebuild.meta = arg;
		return 0;
	case OPT_LEG:
		rebuild.leg = arg;
		return 0;
	case OPT_WAIT:
		rebuild.wait = true;
		return 0;
	case ARGP_KEY_SUCCESS:
		if (!rebuild.onto)
			argp_error(state, "--onto DEV is missing");
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = {
	CDP_CHILD_JSON, CDP_CHILD_DRY_RUN, CDP_CHILD_FORCE, CDP_CHILD_SECRET, { 0 },
};

static const struct argp argp = {
	options, parse, "NAME",
	"Copy a set onto a new disk while it runs. A disk in the place of the old primary becomes the primary when it is complete.",
	children, NULL, NULL,
};

/* The one that failed, when it is clear which. */
static int find_failed(const struct cdp_live *s)
{
	int leg = -1;
	u32 i;

	for (i = 0; i < s->status.nr_legs; i++) {
		if (!cdp_live_has_failed(s, i))
			continue;
		if (leg >= 0)
			return cdp_why(-ECDP_USAGE, "%s: legs %d and %u have failed; say which one to replace with --leg",
				       s->name, leg, i);
		leg = (int)i;
	}
	if (leg < 0)
		cdp_why(0, "%s: no leg has failed; name the one to replace with --leg, or add one with cdpctl leg add",
			s->name);
	return leg < 0 ? -ECDP_USAGE : leg;
}

static int find_old(const struct cdp_live *s, const char *old)
{
	return old ? cdp_live_leg(s, old) : find_failed(s);
}

static int choose(const struct cdp_live *s)
{
	char text[CDP_LEG_TEXT];
	u32 at = cdp_join_place(s, rebuild.onto);
	int leg;

	if (at < s->table.nr_legs)	/* an earlier try has brought it in */
		return (int)at;
	leg = find_old(s, cdp_join_old(rebuild.leg));
	if (leg < 0)
		return leg;
	if (!cdp_live_in_sync(s))
		return cdp_why(-EIO, "%s: no leg is in-sync, so there is nothing to copy from",
			       s->name);
	if (cdp_live_in_sync(s) == 1 && s->status.legs[leg].state == LEG_IN_SYNC)
		return cdp_refuse("last-leg", "%s: %s is the only leg that is in-sync, it cannot be replaced",
			       s->name, cdp_live_leg_text(s, (u32)leg, text));
	return leg;
}

static int rebuild_set(struct cdp_live *s, bool *is_in)
{
	static struct cdp_join join;
	char text[CDP_LEG_TEXT];
	int leg = choose(s);
	int r;

	if (leg < 0)
		return leg;
	cdp_live_leg_text(s, (u32)leg, text);
	memset(&join, 0, sizeof(join));
	r = cdp_join(&join, s, (u32)leg, rebuild.onto, rebuild.meta);
	*is_in = join.is_in;
	if (!r && !cdp_opts.dry_run)
		cdp_note("%s: %s takes the place of %s and is being copied to", s->name,
			 join.leg.path, text);
	return r;
}

int cdp_cmd_rebuild(int argc, char **argv)
{
	struct cdp_live s;
	const char *name;
	bool is_in = false;
	int r;

	cdp_opts_parse(&argp, argc, argv, 1, 1);
	name = cdp_opts.words[0];
	cdp_interrupt_catch();
	memset(&s, 0, sizeof(s));
	r = cdp_live_open(&s, name);
	if (!r)
		r = cdp_join_begin(&s, rebuild.onto, find_old(&s, rebuild.leg));
	if (!r)
		r = rebuild_set(&s, &is_in);
	cdp_doing_close(r, !is_in);
	cdp_live_close(&s);
	if (r || cdp_opts.dry_run || !rebuild.wait)
		return r;
	r = cdp_follow_copy(name, FOLLOW_REBUILT, cdp_opts.json);
	if (!r)
		cdp_note("%s is rebuilt", name);
	return r;
}
