// SPDX-License-Identifier: GPL-2.0-or-later
#include "attach-live.h"
#include "doing.h"
#include "join.h"
#include "msg.h"
#include "new-set.h"
#include "opts.h"
#include "under.h"

struct attach {
	const struct cdp_attach_live *want;
	struct cdp_under under;
	struct cdp_steps plan;
	struct cdp_new_leg legs[CDP_MAX_LEGS];	/* [0] is the data leg */
	u32 nr_legs;
	bool runs, remembered;			/* from an earlier try */
	struct cdp_new_set set;
};

/* What an earlier try has left, or that there is nothing in the way. */
static int look(struct attach *a)
{
	const char *name = a->want->name;
	char path[CDP_PATH_TEXT];
	struct cdp_dm_info info;
	int r = cdp_dm_info(name, &info);

	if (r)
		return r;
	a->runs = info.exists;
	a->remembered = cdp_conf_exists(name);
	if (!cdp_doing_again() && (a->runs || a->remembered))
		return cdp_why(-EEXIST, a->remembered ? "%s is remembered as a set (%s)" :
			       "there is a mapping %s already; choose another name", name,
			       cdp_conf_path(name, path));
	if (a->remembered && !a->runs)
		return cdp_why(-EAGAIN, "%s is remembered but does not run: cdpctl assemble %s first, or give it up with cdpctl resume %s --undo",
			       name, name, name);
	return 0;
}

/* The data leg, and those of the others that are here: refused before anything is done. */
static int inspect(struct attach *a)
{
	struct cdp_new_leg *data = &a->legs[0];
	bool again = cdp_doing_again();
	u32 i;
	int r;

	data->spec = a->want->under;
	data->meta = a->want->metas[0];
	r = cdp_new_leg_inspect_under(data, &a->under.dev, a->under.data_path, a->runs);
	if (!r && !again)
		r = cdp_new_leg_guard(data);
	for (i = 1; i < a->nr_legs && !r; i++) {
		struct cdp_new_leg *l = &a->legs[i];

		r = cdp_new_leg_parse(l, a->want->protects[i - 1], a->want->metas[i]);
		if (r || l->iscsi.target[0] || again)
			continue;
		r = cdp_new_leg_inspect(l, cdp_opts.dry_run);
		if (!r)
			r = cdp_new_leg_guard(l);
	}
	return r || again ? r : cdp_new_legs_check(a->legs, a->nr_legs);
}

static int place(struct attach *a)
{
	struct cdp_place p = {
		.region_sectors = a->want->region_sectors,
		.trackers = cdp_geometry_trackers(1),	/* as the kernel formats it */
		.want_sectors = a->under.dev.sectors,
		.nr_legs = cdp_doing_again() ? 1 : a->nr_legs,
	};
	const char *why, *leg;
	u32 i;
	int r;

	if (a->nr_legs > p.trackers)
		return cdp_why(-ECDP_USAGE, "a set that is attached live has at most %u legs",
			       p.trackers);
	for (i = 0; i < p.nr_legs; i++)
		cdp_new_leg_to_place(&a->legs[i], &p.legs[i]);
	r = cdp_place(&p, &why, &leg);
	if (r)
		return cdp_new_leg_place_failed(r, why, leg);
	a->legs[0].meta_start = p.legs[0].meta_start;
	return 0;
}

static int plan_set(struct attach *a)
{
	struct cdp_new_set *s = &a->set;

	s->name = a->want->name;
	s->legs = a->legs;
	s->nr_legs = 1;
	s->length = a->under.dev.sectors;
	s->table.region_sectors = a->want->region_sectors;
	s->table.features = a->want->features;
	cdp_features_print(&s->table.features, s->conf.features);
	cdp_print(s->conf.under, sizeof(s->conf.under), "%s", a->under.name);
	cdp_print(s->conf.under_uuid, sizeof(s->conf.under_uuid), "%s", a->under.info.uuid);
	cdp_under_mark_leads(s->conf.under_mark);
	if (!a->runs)
		return cdp_new_set_plan(&a->plan, s);
	return a->remembered ? 0 : cdp_new_set_plan_conf(&a->plan, s);
}

/* One after the other, each by a table of its own, as leg add does it. */
static int join_one(const char *name, const char *spec, const char *meta)
{
	static struct cdp_join join;
	struct cdp_live s;
	int r = cdp_live_open(&s, name);

	memset(&join, 0, sizeof(join));
	if (!r)
		r = cdp_join(&join, &s, cdp_join_place(&s, spec), spec, meta);
	cdp_live_close(&s);
	return r;
}

static int join_all(const struct cdp_attach_live *a)
{
	u32 i;
	int r = 0;

	for (i = 0; i < a->nr_protects && !r; i++) {
		if (cdp_opts.dry_run)
			printf("then: join %s as leg %u, as cdpctl leg add does; it is copied to while %s is used\n",
			       a->protects[i], i + 1, a->under);
		else
			r = join_one(a->name, a->protects[i], a->metas[i + 1]);
	}
	return r;
}

static int prepare(struct attach *a, const struct cdp_attach_live *want)
{
	int r;

	a->want = want;
	a->nr_legs = want->nr_protects + 1;
	a->plan.dry_run = cdp_opts.dry_run;
	r = look(a);
	if (!r)
		r = cdp_under_open(&a->under, want->under, want->name);
	if (!r && !a->under.leads)
		r = cdp_under_check(&a->under);
	if (!r)
		r = inspect(a);
	return r ? r : place(a);
}

int cdp_attach_live_begin(const struct cdp_attach_live *want)
{
	static struct attach a;
	static struct cdp_doing d;
	int r = cdp_doing_load(&d, want->name);

	if (r) {	/* nothing was begun */
		cdp_why_clear();
		r = prepare(&a, want);
		cdp_under_close(&a.under);
	}
	if (!r)
		r = cdp_doing_begin(want->name, cdp_opts.dry_run);
	if (r || !*cdp_doing_last())
		return r;
	return cdp_refuse("one-way", "%s: this was being undone: cdpctl resume %s --undo finishes that; %s",
			  want->name, want->name, cdp_doing_last());
}

static int attach(struct attach *a, const struct cdp_attach_live *want)
{
	int r = prepare(a, want);

	if (r)
		return r;
	cdp_under_plan_clear(&a->plan, &a->under);
	cdp_under_plan_data(&a->plan, &a->under);
	r = plan_set(a);
	if (r)
		return r;
	cdp_under_plan_lead(&a->plan, &a->under);
	return cdp_steps_run(&a->plan);
}

/* A leg did not join: all goes back, those that did as well. */
static int give_up(const char *name, int r, bool *undone)
{
	char why[CDP_MSG_TEXT];
	bool as_it_was;

	cdp_print(why, sizeof(why), "%s", cdp_why_text());
	cdp_note("undoing what was done");
	cdp_interrupt_ignore();
	*undone = !cdp_detach_live(name, true, &as_it_was);
	if (!*undone)
		cdp_warn("%s", cdp_why_text());
	return cdp_why(r, "%s", why);
}

int cdp_attach_live(const struct cdp_attach_live *want, bool *undone)
{
	static struct attach a;
	int r;

	r = attach(&a, want);
	cdp_steps_free(&a.plan);
	cdp_under_close(&a.under);
	*undone = r && !cdp_doing_again();
	if (r)
		return r;
	r = join_all(want);
	return r && !cdp_doing_again() ? give_up(want->name, r, undone) : r;
}
