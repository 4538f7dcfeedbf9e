// SPDX-License-Identifier: GPL-2.0-or-later
#include "join.h"
#include "md-io.h"
#include "msg.h"
#include "opts.h"

/* As the set's other areas have it; the kernel takes no area of another shape. */
static u32 set_trackers(const struct cdp_live *s)
{
	char path[CDP_PATH_TEXT];
	struct cdp_md md;
	u32 i, ma, mi;

	for (i = 0; i < s->table.nr_legs; i++) {
		const struct cdp_table_leg *t = &s->table.legs[i];

		if (s->status.legs[i].state != LEG_IN_SYNC ||
		    sscanf(t->meta_dev, "%u:%u", &ma, &mi) != 2)
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
		.trackers = set_trackers(s),
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

int cdp_join(struct cdp_join *j, struct cdp_live *s, u32 at, const char *spec, const char *meta)
{
	bool replaces = at < s->table.nr_legs;
	u32 nr_legs = replaces ? s->table.nr_legs : at + 1;
	int r;

	j->plan.dry_run = cdp_opts.dry_run;
	if (replaces)
		cdp_old_leg_take(&j->old, s, at);
	r = prepare(j, s, nr_legs, spec, meta);
	if (!r) {
		fill_change(j, s, at, nr_legs);
		cdp_new_leg_plan_wipe(&j->plan, &j->leg);
		cdp_live_change_plan(&j->plan, &j->change);
		r = cdp_steps_run(&j->plan);
	}
	if (r) {
		cdp_steps_undo(&j->plan);
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
