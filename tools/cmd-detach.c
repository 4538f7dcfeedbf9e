// SPDX-License-Identifier: GPL-2.0-or-later
/* detach: the end of a set; its primary is a plain disk again. */
#include "attach-live.h"
#include "cmd.h"
#include "dm.h"
#include "doing.h"
#include "msg.h"
#include "old-leg.h"
#include "opts.h"
#include "size.h"
#include "stats.h"

#define FORCE_RESYNC	"resync"

enum { OPT_LIVE = 256 };
static bool live;

static const struct argp_option options[] = {
	{ "live", OPT_LIVE, NULL, 0, "take the set out from under a device while it is used", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key != OPT_LIVE)
		return cdp_opts_word(key, arg, state);
	live = true;
	return 0;
}

static const struct argp_child children[] = { CDP_CHILD_DRY_RUN, CDP_CHILD_FORCE, { 0 } };

static const struct argp argp = {
	options, parse, "NAME\n--live NAME",
	"End a set: the mapping and all metadata go, and the primary is a plain disk with all data on it. With --live that is the device which the set was put under (attach --live), and its users notice nothing.",
	children, NULL, NULL,
};

struct detach {
	const char *name;
	struct cdp_live set;
	struct cdp_steps plan;
	struct cdp_old_leg legs[CDP_MAX_LEGS];
	struct cdp_conf conf;		/* when it does not run any more */
	bool removed;			/* there is no way back */
	char end[CDP_MSG_TEXT];		/* what is said at the end */
};

/* A copy that runs onto a leg before the primary is a rebuild: that disk is meant to stay. */
static bool rebuild_runs(const struct cdp_live *s)
{
	int i;

	for (i = 0; i < s->status.read_leg; i++)
		if (s->status.legs[i].state == LEG_STALE && s->status.resync != RESYNC_IDLE)
			return true;
	return false;
}

static int check(const struct cdp_live *s)
{
	int primary = s->status.read_leg;
	char text[CDP_LEG_TEXT];
	int r;

	if (s->conf.under[0])
		return cdp_refuse("under-device", "%s is under %s; cdpctl detach --live %s takes it out",
			       s->name, s->conf.under, s->name);
	r = cdp_dm_unused(s->name);
	if (!r)
		r = cdp_stats_answered(s->name);
	if (r)
		return r;
	if (primary < 0 || s->status.legs[primary].state != LEG_IN_SYNC)
		return cdp_refuse("no-good-leg", "%s: no leg is in-sync, so no disk holds all data; bring a leg back first (cdpctl leg rejoin)",
			       s->name);
	cdp_live_leg_text(s, (u32)primary, text);
	if (s->conf.legs[primary].iscsi.target[0] && s->conf.legs[primary].iscsi.logged_in)
		return cdp_refuse("primary-on-iscsi", "%s: the primary is %s on iSCSI, which detach would log out of; cdpctl rebuild onto a disk of this machine, or cdpctl failover to one, first",
			       s->name, text);
	if (rebuild_runs(s) && !cdp_opts_forced(FORCE_RESYNC))
		return cdp_refuse("copy-running", "%s: a rebuild is running, the plain disk would be %s and not the new one; cdpctl wait %s first, or insist with --force=%s",
			       s->name, text, s->name, FORCE_RESYNC);
	return 0;
}

/* It may be read after another boot: by a name that lasts. */
static void print_end(struct detach *d)
{
	const struct cdp_live *s = &d->set;
	const struct cdp_table_leg *t = &s->table.legs[s->status.read_leg];
	char path[CDP_PATH_TEXT], stable[CDP_PATH_TEXT], size[CDP_SIZE_TEXT];

	cdp_live_leg_device(&s->status.legs[s->status.read_leg], path);
	cdp_probe_stable(path, stable);
	cdp_print(d->end, sizeof(d->end), "%s is a plain disk again: %s, data from sector %llu, %s",
		  s->name, stable, (unsigned long long)t->data_start,
		  cdp_size_print(s->length * CDP_SECTOR_BYTES, size));
}

/* Which disk has the data may change as long as it runs. */
static int remove_mapping(void *arg)
{
	struct detach *d = arg;
	int r;

	cdp_live_close(&d->set);
	r = cdp_live_open(&d->set, d->name);
	if (!r)
		r = check(&d->set);
	if (r)
		return r;
	print_end(d);
	r = cdp_dm_remove(d->name);
	d->removed = !r;
	return r ?: d->set.remembered ? cdp_doing_keep_last(d->end) : 0;
}

static int remove_conf(void *arg)
{
	struct detach *d = arg;

	return cdp_conf_remove(d->name);
}

static void plan_legs(struct detach *d, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		cdp_old_leg_plan(&d->plan, &d->legs[i]);
}

static void plan_conf(struct detach *d)
{
	char path[CDP_PATH_TEXT];

	cdp_steps_add(&d->plan, remove_conf, NULL, d, "conf: remove %s",
		      cdp_conf_path(d->name, path));
}

static void plan(struct detach *d)
{
	u32 i;

	for (i = 0; i < d->set.table.nr_legs; i++)
		cdp_old_leg_take(&d->legs[i], &d->set, i);
	cdp_steps_add(&d->plan, remove_mapping, NULL, d, "dm: remove %s", d->set.name);
	plan_legs(d, d->set.table.nr_legs);
	if (d->set.remembered)
		plan_conf(d);
}

static int detach(struct detach *d)
{
	int r = check(&d->set);

	if (r)
		return r;
	/* without its file nobody could finish it */
	if (d->set.remembered)
		r = cdp_doing_begin(d->set.name, cdp_opts.dry_run);
	if (!r) {
		plan(d);
		r = cdp_steps_run(&d->plan);
	}
	cdp_doing_close(r, !d->removed);
	return r;
}

static int not_running(const char *name)
{
	return cdp_why(-ENOENT, "%s does not run: cdpctl assemble %s first, so that it is known which leg holds all data",
		       name, name);
}

/* What is left to do is known of the configuration; without that, nothing is. */
static int recall(struct detach *d)
{
	u32 i;
	int r;

	if (!cdp_doing_again() || !*cdp_doing_last())	/* killed before the mapping went */
		return not_running(d->name);
	cdp_print(d->end, sizeof(d->end), "%s", cdp_doing_last());
	d->removed = true;
	if (!cdp_conf_exists(d->name))
		return 0;
	r = cdp_conf_load(&d->conf, d->name);
	for (i = 0; !r && i < d->conf.nr_legs; i++)
		cdp_old_leg_recall(&d->legs[i], &d->conf, i);
	return r;
}

/* It was killed when the mapping had gone. */
static int finish(struct detach *d)
{
	int r = cdp_doing_begin(d->name, cdp_opts.dry_run);

	if (r)
		return r;
	r = recall(d);
	if (!r) {
		plan_legs(d, d->conf.nr_legs);
		plan_conf(d);
		r = cdp_steps_run(&d->plan);
	}
	cdp_doing_close(r, !d->removed);
	return r;
}

static int detach_live(const char *name)
{
	bool undone, again;
	int r = cdp_doing_begin(name, cdp_opts.dry_run);

	if (r)
		return r;
	again = cdp_doing_again();
	r = cdp_detach_live(name, again, &undone);
	cdp_doing_close(r, undone && !again);
	if (!r && !cdp_opts.dry_run)
		cdp_note("%s is no set any more; the device that it was under has its own table again",
			 name);
	return r;
}

int cdp_cmd_detach(int argc, char **argv)
{
	static struct detach d;
	int r;

	cdp_opts_parse(&argp, argc, argv, 1, 1);
	d.name = cdp_opts.words[0];
	if (live)
		return detach_live(d.name);
	d.plan.dry_run = cdp_opts.dry_run;
	r = cdp_live_open(&d.set, d.name);
	if (r == -ENOENT && cdp_doing_is_there(d.name))
		r = finish(&d);
	else if (r == -ENOENT && cdp_conf_exists(d.name))
		r = not_running(d.name);
	else if (!r)
		r = detach(&d);
	if (!r && !cdp_opts.dry_run)
		puts(d.end);
	cdp_steps_free(&d.plan);
	cdp_live_close(&d.set);
	return r;
}
