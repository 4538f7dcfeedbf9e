// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm.h"
#include "doing.h"
#include "join.h"
#include "md-io.h"
#include "msg.h"
#include "opts.h"

u32 cdp_join_trackers(const struct cdp_live *s)
{
	char path[CDP_PATH_TEXT];
	struct cdp_md md;
	u32 i, ma, mi;

	for (i = 0; i < s->table.nr_legs; i++) {
		const struct cdp_table_leg *t = &s->table.legs[i];

		if (s->status.legs[i].state != LEG_IN_SYNC ||
		    !cdp_probe_numbers(t->meta_dev, &ma, &mi))
			continue;
		if (!cdp_md_read(cdp_probe_name(ma, mi, path), t->meta_start, &md) &&
		    md.kind == SUPER_VALID)
			return md.super.trackers;
	}
	return cdp_geometry_trackers(s->table.nr_legs);
}

static int place(struct cdp_join *j, const struct cdp_live *s, u32 nr_legs)
{
	struct cdp_place p = {
		.region_sectors = s->table.region_sectors,
		.trackers = cdp_join_trackers(s),
		.want_sectors = s->length,
		.nr_legs = 1,
	};
	const char *why, *leg;
	int r;

	if (nr_legs > p.trackers)
		return cdp_why(-ENOSPC, "%s was made for at most %u legs: its metadata has no room for another tracker",
			       s->name, p.trackers);
	cdp_new_leg_to_place(&j->leg, &p.legs[0]);
	r = cdp_place(&p, &why, &leg);
	if (r)
		return cdp_new_leg_place_failed(r, why, leg);
	j->leg.meta_start = p.legs[0].meta_start;
	return 0;
}

static bool has_metadata(const struct cdp_live *s)
{
	u32 i;

	for (i = 0; i < s->table.nr_legs; i++)
		if (strcmp(s->table.legs[i].meta_dev, "-"))
			return true;
	return false;
}

static int prepare(struct cdp_join *j, struct cdp_live *s, u32 nr_legs, const char *spec,
		   const char *meta)
{
	int r;

	if (nr_legs > CDP_MAX_LEGS)
		return cdp_why(-E2BIG, "%s has %u legs, which is the most", s->name, CDP_MAX_LEGS);
	if (!has_metadata(s))
		return cdp_why(-EOPNOTSUPP, "%s has no metadata, so its legs cannot be changed by cdpctl",
			       s->name);
	r = cdp_new_leg_parse(&j->leg, spec, meta);
	if (r)
		return r;
	cdp_new_leg_plan_login(&j->plan, &j->leg);
	r = cdp_steps_run(&j->plan);
	if (!r)
		r = cdp_new_leg_inspect(&j->leg, cdp_opts.dry_run);
	if (!r)
		r = cdp_new_legs_check(&j->leg, 1);
	if (!r)
		r = cdp_new_leg_guard(&j->leg);
	if (!r)
		cdp_new_leg_advise(&j->leg);
	return r ? r : place(j, s, nr_legs);
}

static void fill_change(struct cdp_join *j, struct cdp_live *s, u32 at, u32 nr_legs)
{
	cdp_live_change_begin(&j->change, s);
	j->change.table.nr_legs = nr_legs;
	j->change.conf.nr_legs = nr_legs;
	cdp_new_leg_to_table(&j->leg, &j->change.table.legs[at]);
	cdp_new_leg_to_conf(&j->leg, &j->change.conf.legs[at]);
}

/* The device that @spec names, if it is here. */
static int device_of(const char *spec, char device[CDP_PATH_TEXT])
{
	struct cdp_iscsi target;
	const char *why;

	if (!cdp_iscsi_is_url(spec)) {
		cdp_print(device, CDP_PATH_TEXT, "%s", spec);
		return 0;
	}
	memset(&target, 0, sizeof(target));
	return cdp_iscsi_url_parse(spec, &target, &why) || cdp_iscsi_find(&target, device) ?
		-ENODEV : 0;
}

u32 cdp_join_place(const struct cdp_live *s, const char *spec)
{
	return cdp_doing_again() ? cdp_join_find(s, spec) : s->table.nr_legs;
}

u32 cdp_join_find(const struct cdp_live *s, const char *spec)
{
	char device[CDP_PATH_TEXT];
	u32 i, ma, mi;

	if (device_of(spec, device))
		return s->table.nr_legs;
	for (i = 0; i < s->table.nr_legs; i++)
		if (cdp_probe_numbers(s->table.legs[i].data_dev, &ma, &mi) &&
		    cdp_probe_is(device, ma, mi))
			break;
	return i;
}

static int refuse_own(const struct cdp_live *s, const char *spec)
{
	u32 at = cdp_join_find(s, spec);

	if (at == s->table.nr_legs)
		return 0;
	if (!cdp_live_has_failed(s, at))
		return cdp_refuse("leg-in-use", "%s: %s is its leg %u already", s->name, spec, at);
	return cdp_refuse("leg-in-use", "%s: %s is its leg %u, which has failed; if it works again: cdpctl leg rejoin %s %u",
			  s->name, spec, at, s->name, at);
}

static int keep_old(const struct cdp_live *s, int old)
{
	char text[CDP_UUID_TEXT];

	if (old < 0 || cdp_uuid_is_null(&s->status.legs[old].uuid))
		return 0;
	return cdp_doing_keep(CDP_JOIN_OLD, cdp_uuid_print(&s->status.legs[old].uuid, text));
}

int cdp_join_begin(const struct cdp_live *s, const char *spec, int old)
{
	static struct cdp_doing d;
	int r;

	if (old < 0 && old != CDP_NO_OLD && !cdp_doing_is_there(s->name))
		return old;
	cdp_why_clear();
	r = cdp_doing_load(&d, s->name);
	if (r) {	/* nothing was begun */
		cdp_why_clear();
		r = refuse_own(s, spec);
	}
	if (!r)
		r = keep_old(s, old);
	return r ? r : cdp_doing_begin(s->name, cdp_opts.dry_run);
}

const char *cdp_join_old(const char *old)
{
	const char *kept = cdp_doing_kept(CDP_JOIN_OLD);

	return kept ? kept : old;
}

static int save(void *arg)
{
	struct cdp_join *j = arg;

	j->change.set->conf = j->change.conf;
	return cdp_live_save(j->change.set);
}

/* Only what is remembered may lack it. */
static int join_again(struct cdp_join *j, struct cdp_live *s, u32 at, const char *spec,
		      const char *meta)
{
	struct cdp_new_leg *l = &j->leg;
	char device[CDP_PATH_TEXT];
	int r = cdp_new_leg_parse(l, spec, meta);

	if (!r)
		r = device_of(spec, device);
	if (!r)
		r = cdp_probe_device(device, &l->dev);
	if (!r && meta && strcmp(meta, "-"))
		r = cdp_probe_device(meta, &l->meta_dev);
	if (r)
		return r;
	l->is_known = true;
	cdp_iscsi_recall(&l->iscsi);
	l->meta_start = s->table.legs[at].meta_start;
	strcpy(l->path, l->dev.path);
	cdp_live_change_begin(&j->change, s);
	cdp_new_leg_to_conf(l, &j->change.conf.legs[at]);
	cdp_steps_add(&j->plan, save, NULL, j, "conf: remember that leg %u is %s", at, spec);
	r = cdp_steps_run(&j->plan);
	cdp_steps_free(&j->plan);
	return r;
}

int cdp_join(struct cdp_join *j, struct cdp_live *s, u32 at, const char *spec, const char *meta)
{
	bool replaces = at < s->table.nr_legs;
	u32 nr_legs = replaces ? s->table.nr_legs : at + 1;
	int r;

	/* a table that an earlier try has loaded and not resumed holds the new leg's device */
	if (cdp_doing_again() && !cdp_opts.dry_run) {
		r = cdp_live_unload(s->name);
		if (r)
			return r;
	}
	j->plan.dry_run = cdp_opts.dry_run;
	j->is_in = replaces && cdp_join_place(s, spec) == at;
	if (j->is_in)
		return join_again(j, s, at, spec, meta);
	if (replaces)
		cdp_old_leg_take(&j->old, s, at);
	r = prepare(j, s, nr_legs, spec, meta);
	if (!r) {
		fill_change(j, s, at, nr_legs);
		r = cdp_conf_check(&j->change.conf);
	}
	if (!r) {
		cdp_new_leg_plan_wipe(&j->plan, &j->leg);
		cdp_live_change_plan(&j->plan, &j->change);
		r = cdp_steps_run(&j->plan);
	}
	if (r) {
		cdp_steps_undo(&j->plan);
		j->is_in = j->change.stays;
		return r;
	}
	cdp_steps_free(&j->plan);	/* the new leg is in: no way back from here */
	if (replaces) {
		cdp_old_leg_plan(&j->plan, &j->old);
		r = cdp_steps_run(&j->plan);
		cdp_steps_free(&j->plan);
	}
	return r;
}
