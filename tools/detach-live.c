// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "attach-live.h"
#include "doing.h"
#include "msg.h"
#include "old-leg.h"
#include "opts.h"
#include "stats.h"
#include "under.h"

struct detach {
	struct cdp_conf conf;
	struct cdp_under under;
	struct cdp_steps plan;
	struct cdp_old_leg legs[CDP_MAX_LEGS];
	bool is_there;			/* the device in use is */
	bool runs;			/* the set does */
	bool may_lack;			/* finishing what was begun: all of it may be gone */
	struct cdp_status status;	/* then */
	u64 length;
	char alone[CDP_LINE_TEXT];	/* its table with the data leg alone, */
	char before[CDP_LINE_TEXT];	/* and as it was */
};

static int check_data(const struct cdp_live *s, const struct cdp_under *u, int data)
{
	const char *state;

	if (data < 0)
		return cdp_refuse("not-in-sync", "%s: the data leg, %s, is no leg of the running set any more, so the disk under %s does not hold all data; cdpctl rebuild %s --onto %s first, or keep the set",
			       s->name, u->data, u->name, s->name, u->data_path);
	state = cdp_leg_state_name(s->status.legs[data].state);
	if (s->status.legs[data].state != LEG_IN_SYNC)
		return cdp_refuse("not-in-sync", "%s: the data leg, %s, is %s, so the disk under %s does not hold all data; have it back first (cdpctl leg rejoin %s %d, cdpctl wait %s)",
			       s->name, u->data, state, u->name, s->name, data, s->name);
	return 0;
}

static int look_at_set(struct detach *d)
{
	struct cdp_table t;
	struct cdp_live s;
	int data, r = cdp_live_open(&s, d->conf.name);

	if (!r) {
		data = cdp_under_data_leg(&d->under, &s);
		/* one that the device does not lead to has nothing that counts */
		r = d->under.leads ? check_data(&s, &d->under, data) : 0;
		d->length = s.length;
		d->status = s.status;
		cdp_table_print(&s.table, d->before, sizeof(d->before));
		t = s.table;
		t.nr_legs = 1;
		t.legs[0] = s.table.legs[data < 0 ? 0 : data];
		if (!d->conf.nr_legs)	/* killed before anything was remembered */
			d->conf = s.conf;
		cdp_table_print(&t, d->alone, sizeof(d->alone));
	}
	cdp_live_close(&s);
	return r;
}

/* One that has left the set at an earlier try did answer. */
static bool answers(const struct cdp_status *s, const struct cdp_uuid *leg)
{
	u32 i;

	for (i = 0; i < s->nr_legs; i++)
		if (cdp_uuid_equal(&s->legs[i].uuid, leg))
			return s->legs[i].state >= LEG_STALE;
	return true;
}

/* As they are remembered: what is left of an earlier try does not know more. */
static void take_legs(struct detach *d)
{
	u32 i;

	for (i = 0; i < d->conf.nr_legs; i++) {
		cdp_old_leg_recall(&d->legs[i], &d->conf, i);
		d->legs[i].may_wipe = answers(&d->status, &d->legs[i].uuid);
	}
}

static int reload_alone(void *arg)
{
	struct detach *d = arg;

	return cdp_dm_reload(d->conf.name, d->length, d->alone);
}

static void reload_before(void *arg)
{
	struct detach *d = arg;

	if (cdp_dm_reload(d->conf.name, d->length, d->before) ?: cdp_live_save_uuids(d->conf.name))
		cdp_warn("%s", cdp_why_text());
}

static int remove_set(void *arg)
{
	struct detach *d = arg;

	return cdp_dm_remove(d->conf.name);
}

static int remove_conf(void *arg)
{
	struct detach *d = arg;

	return cdp_conf_remove(d->conf.name);
}

/* Up to here it can be undone: the set runs on under the device. */
static void plan_restore(struct detach *d)
{
	if (d->runs && d->under.leads && d->status.nr_legs > 1)
		cdp_steps_add(&d->plan, reload_alone, reload_before, d,
			      "dm: load into %s the table of the data leg alone: 0 %llu cdp %s",
			      d->conf.name, (unsigned long long)d->length, d->alone);
	if (!d->is_there)
		return;
	cdp_under_plan_restore(&d->plan, &d->under);
	if (!d->under.leads)
		cdp_under_plan_clear(&d->plan, &d->under);
}

static void plan_clear(struct detach *d)
{
	char path[CDP_PATH_TEXT];
	u32 i;

	if (d->runs)
		cdp_steps_add(&d->plan, remove_set, NULL, d, "dm: remove %s", d->conf.name);
	/* the data leg last: without it the set would start from the others, which are older */
	for (i = 0; i < d->conf.nr_legs; i++)
		if (!cdp_under_is_data(d->conf.name, d->conf.legs[i].device))
			cdp_old_leg_plan(&d->plan, &d->legs[i]);
	for (i = 0; i < d->conf.nr_legs; i++)
		if (cdp_under_is_data(d->conf.name, d->conf.legs[i].device))
			cdp_old_leg_plan(&d->plan, &d->legs[i]);
	cdp_under_plan_drop(&d->plan, &d->under);
	cdp_steps_add(&d->plan, remove_conf, NULL, d, "conf: remove %s",
		      cdp_conf_path(d->conf.name, path));
}

static int look(struct detach *d, const char *name)
{
	struct cdp_dm_info info;
	bool remembered = cdp_conf_exists(name);
	int r = remembered ? cdp_conf_load(&d->conf, name) : 0;

	cdp_print(d->conf.name, sizeof(d->conf.name), "%s", name);
	if (r)
		return r;
	if (remembered && !d->conf.under[0])
		return cdp_refuse("under-device", "%s is not under a device in use; cdpctl detach %s ends it",
			       name, name);
	r = cdp_under_open(&d->under, remembered ? d->conf.under : name, name);
	d->is_there = !r && remembered;
	/* gone with the host's last start, say: then nothing leads to the set */
	if (r == -ENOENT || !remembered)
		r = 0;
	if (!remembered && !d->under.has_data && !d->may_lack)
		return cdp_why(-ENOENT, "no set named %s is under a device in use", name);
	if (!r)
		r = cdp_dm_info(name, &info);
	d->runs = !r && info.exists;
	if (!r && d->runs)
		r = look_at_set(d);
	if (!r && d->runs && d->under.leads)
		r = cdp_stats_answered(name);
	return r;
}

/* No start of the set in between shall take the data that other legs have. */
static int keep_end(const struct detach *d)
{
	char end[CDP_MSG_TEXT];

	cdp_print(end, sizeof(end), "%s has its own table again, and all data is on its disk",
		  d->conf.under[0] ? d->conf.under : "the device that it was under");
	return cdp_doing_keep_last(end);
}

static int detach(struct detach *d, bool *undone)
{
	int r;

	plan_restore(d);
	r = cdp_steps_run(&d->plan);
	*undone = r;
	if (r)
		return r;
	cdp_steps_free(&d->plan);	/* the device is on its own: no way back from here */
	r = keep_end(d);
	if (r)
		return r;
	take_legs(d);
	plan_clear(d);
	return cdp_steps_run(&d->plan);
}

int cdp_detach_live(const char *name, bool again, bool *undone)
{
	static struct detach d;
	int r;

	memset(&d, 0, sizeof(d));
	d.plan.dry_run = cdp_opts.dry_run;
	d.may_lack = again;
	*undone = true;
	r = look(&d, name);
	if (!r)
		r = detach(&d, undone);
	cdp_steps_free(&d.plan);
	cdp_under_close(&d.under);
	return r;
}
