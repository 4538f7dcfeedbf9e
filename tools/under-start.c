// SPDX-License-Identifier: GPL-2.0-or-later
#include "msg.h"
#include "stats.h"
#include "under-start.h"

static int data_place(const struct cdp_still *s, const struct cdp_under *u)
{
	u32 i;

	for (i = 0; i < s->conf.nr_legs; i++)
		if (cdp_under_is_data(u->set, s->conf.legs[i].device))
			return (int)i;
	return -1;
}

static int wipe_others(struct cdp_still *s, int data)
{
	char text[CDP_LEG_TEXT];
	u32 i;
	int r = cdp_conf_try(&s->conf);

	for (i = 0; i < s->conf.nr_legs && !r; i++) {
		if ((int)i == data || !s->found[i].here)
			continue;
		cdp_note("%s: %s is copied to anew", s->conf.name, cdp_still_leg_text(s, i, text));
		r = cdp_md_wipe(s->found[i].meta, s->conf.legs[i].meta_start);
	}
	return r ? r : cdp_still_judge(s);
}

int cdp_under_fit(const struct cdp_under *u, struct cdp_still *s, bool dry_run)
{
	bool untouched = cdp_under_is_untouched(u, s->conf.under_mark);
	int data = data_place(s, u);
	bool whole = data >= 0 && s->plan.state[data] == LEG_IN_SYNC;

	if (s->verdict)
		return 0;	/* is explained, and refused, in any case */
	if (!whole && u->info.open_count)
		return cdp_refuse("written-past", "%s: %s is in use, with data that is older than that of the set: its disk had left the set. End that use, then cdpctl assemble %s again",
			       s->conf.name, u->name, s->conf.name);
	if (untouched)
		return 0;
	if (!whole)
		return cdp_refuse("written-past", "%s: %s was written to since it led to the set, but its disk had left the set before and holds older data: the two have diverged. To go on with the set's data: cdpctl activate it from another leg; with that of %s: cdpctl detach --live %s",
			       s->conf.name, u->name, u->name, s->conf.name);
	cdp_note("%s: %s was written to, or may have been, since it led to the set", s->conf.name,
		 u->name);
	return dry_run ? 0 : wipe_others(s, data);
}

int cdp_under_lead_again(const struct cdp_conf *c, bool dry_run)
{
	struct cdp_steps p = { .dry_run = dry_run };
	struct cdp_under u;
	int r = cdp_under_open_conf(&u, c);

	if (!r && !u.leads && !cdp_under_is_untouched(&u, c->under_mark))
		r = cdp_refuse("leads-elsewhere", "%s runs, but %s does not lead to it and was, or may have been, written to: somebody has loaded another table (lvm?). cdpctl detach --live %s, then attach again",
			       c->name, u.name, c->name);
	if (!r && !u.leads) {
		cdp_under_plan_clear(&p, &u);
		cdp_under_plan_lead(&p, &u);
		r = cdp_steps_run(&p);
		cdp_steps_free(&p);
	}
	cdp_under_close(&u);
	return r;
}

/*----------------------------------------------------------------*/

struct stop {
	struct cdp_conf *conf;
	struct cdp_under under;
};

static int save_mark(void *arg)
{
	struct stop *s = arg;

	cdp_under_mark(&s->under, s->conf->under_mark);
	return cdp_conf_save(s->conf);
}

static int remove_set(void *arg)
{
	struct stop *s = arg;

	return cdp_dm_remove(s->conf->name);
}

static int check(const struct stop *s)
{
	int r;

	if (!s->under.leads)
		r = cdp_dm_unused(s->conf->name);
	else
		r = cdp_dm_unused(s->under.name);
	return r ? r : cdp_stats_answered(s->conf->name);
}

int cdp_under_stop(struct cdp_conf *c, bool dry_run)
{
	struct stop s = { .conf = c };
	struct cdp_steps p = { .dry_run = dry_run };
	char path[CDP_PATH_TEXT];
	int r = cdp_under_open(&s.under, c->under, c->name);

	if (!r)
		r = check(&s);
	/* the mark is known only when nothing leads to the set any more */
	if (!r && s.under.leads && !dry_run)
		r = cdp_conf_try(c);
	if (!r) {
		cdp_under_plan_restore(&p, &s.under);
		if (s.under.leads)
			cdp_steps_add(&p, save_mark, NULL, &s, "conf: remember in %s what %s has written",
				      cdp_conf_path(c->name, path), s.under.name);
		cdp_steps_add(&p, remove_set, NULL, &s, "dm: remove %s", c->name);
		cdp_under_plan_drop(&p, &s.under);
		r = cdp_steps_run(&p);
		cdp_steps_free(&p);
	}
	cdp_under_close(&s.under);
	return r;
}
