// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "doing.h"
#include "msg.h"
#include "opts.h"
#include "run.h"
#include "stats.h"
#include "under-start.h"

static int carry(struct cdp_conf *c, const char *now, bool dry_run)
{
	char mark[CDP_MARK_TEXT];

	cdp_under_carry(c->under_mark, now, mark);
	if (!dry_run)
		return cdp_under_remember(c, mark);
	strcpy(c->under_mark, mark);
	return 0;
}

int cdp_under_begin(struct cdp_conf *c, bool dry_run)
{
	char now[CDP_MARK_TEXT] = CDP_MARK_LOST;
	struct cdp_under u;
	int r = cdp_under_open_conf(&u, c);
	bool leads = !r && u.leads;

	if (!r && !leads)
		r = cdp_under_answers(&u);
	if (!r && !leads)
		cdp_under_mark(&u, now);
	cdp_under_close(&u);
	if (cdp_interrupted())
		return cdp_why(-EINTR, "interrupted");
	if (r != -EBUSY && r != -ETIME) {
		cdp_why_clear();	/* is told by who needs it */
		r = 0;
	}
	/* else what was counted in this boot goes on being counted */
	if (!leads && !(r && cdp_under_mark_is_of_now(c->under_mark)))
		r = carry(c, now, dry_run) ?: r;
	return r;
}

/*----------------------------------------------------------------*/

static int data_place(const struct cdp_still *s, const struct cdp_under *u)
{
	u32 i;

	for (i = 0; i < s->conf.nr_legs; i++)
		if (cdp_under_is_data(u->set, s->conf.legs[i].device))
			return (int)i;
	return -1;
}

/* Do reads come from the data leg, while all of them are in-sync? */
static bool is_read(const struct cdp_still *s, int data)
{
	const struct cdp_super *super = &s->plan.super;

	return cdp_uuid_equal(&super->legs[s->plan.slot[data]].uuid, &super->preferred);
}

/* The tables of a start, from the last of them. */
static void fill(struct cdp_under_start *st, const struct cdp_table *all, int data, bool whole)
{
	struct cdp_table side = *all, alone = *all;
	u32 i;

	st->others = st->away = alone.nr_legs = 0;
	for (i = 0; i < all->nr_legs; i++) {
		if (!strcmp(all->legs[i].data_dev, "-"))
			st->away |= 1u << i;
		if (((int)i == data) == whole) {
			alone.legs[alone.nr_legs++] = all->legs[i];
			continue;
		}
		st->others |= 1u << i;
		side.legs[i] = (struct cdp_table_leg) { "-", 0, "-", 0 };
	}
	cdp_table_print(all, st->tables[FIRST_ALL], CDP_LINE_TEXT);
	cdp_table_print(&side, st->tables[FIRST_SIDE], CDP_LINE_TEXT);
	cdp_table_print(&alone, st->tables[FIRST_ALONE], CDP_LINE_TEXT);
}

static void tell_struck(struct cdp_under_start *st)
{
	const struct cdp_conf *c = st->conf;
	u32 i;

	st->struck = true;
	cdp_note("%s: %s was written to, or may have been, since it led to the set", c->name,
		 st->under->name);
	for (i = 0; i < c->nr_legs; i++)
		if (st->others & 1u << i)
			cdp_note("%s: leg %u (%s) is copied to anew%s", c->name, i,
				 c->legs[i].device,
				 st->away & 1u << i ? " when it is back" : "");
}

/* What cannot be remembered afterwards is not done. */
static int strike(struct cdp_under_start *st)
{
	int r = cdp_conf_try(st->conf);

	if (!r)
		tell_struck(st);
	return r;
}

/* udev opens a device for a moment. */
static bool is_used(const struct cdp_under *u)
{
	bool used = cdp_dm_unused(u->name);

	cdp_why_clear();
	return used;
}

static int refuse_older(const struct cdp_conf *c, const struct cdp_under *u)
{
	return cdp_refuse("written-past", "%s: %s is in use, with data that is older than that of the set: its disk had left the set. End that use, then cdpctl assemble %s again",
			  c->name, u->name, c->name);
}

/* What its disk holds cannot be told without its metadata. */
static int refuse_unknown(const struct cdp_conf *c, const struct cdp_under *u, int data)
{
	return cdp_refuse("written-past", "%s: %s is in use, or was written to since it led to the set, and the metadata of its disk was not found (it was at %s), so it is not known whether that holds all data. When it is there: cdpctl assemble %s again",
			  c->name, u->name, c->legs[data].meta_device, c->name);
}

int cdp_under_fit(struct cdp_under_start *st, const struct cdp_under *u, struct cdp_still *s)
{
	bool untouched = cdp_under_is_untouched(u, s->conf.under_mark), used = is_used(u);
	int data = data_place(s, u), r;
	bool whole = data >= 0 && s->plan.state[data] == LEG_IN_SYNC;
	struct cdp_table t;

	if (s->verdict)
		return 0;	/* is explained, and refused, in any case */
	if (data >= 0 && !s->found[data].here && (used || !untouched))
		return refuse_unknown(&s->conf, u, data);
	if (!whole && used)
		return refuse_older(&s->conf, u);
	if (!whole && !untouched)
		return cdp_refuse("written-past", "%s: %s was written to since it led to the set, but its disk had left the set before and holds older data: the two have diverged. To go on with the set's data: cdpctl activate it from another leg; with that of %s: cdpctl detach --live %s",
				  s->conf.name, u->name, u->name, s->conf.name);
	r = cdp_still_fill(s, &t);
	if (r)
		return r;
	st->conf = &s->conf;
	st->under = u;
	fill(st, &t, data, whole);
	st->first = FIRST_SIDE;
	if (t.nr_legs == 1 || (untouched && !used && whole && is_read(s, data) &&
			       t.features.read_policy == READ_POLICY_PRIMARY))
		st->first = FIRST_ALL;
	else if (!untouched)
		st->first = FIRST_ALONE;
	return st->first == FIRST_ALONE ? strike(st) : 0;
}

/*----------------------------------------------------------------*/

/* Nobody shall load another one before this is in service. */
static int load(const struct cdp_under_start *st, enum cdp_under_first which)
{
	int r = cdp_conf_lock();

	if (!r)
		r = cdp_dm_reload(st->conf->name, st->conf->length, st->tables[which]);
	cdp_conf_unlock();
	return r;
}

static int load_first(void *arg)
{
	struct cdp_under_start *st = arg;

	return load(st, st->first);
}

static void load_before(void *arg)
{
	if (load(arg, FIRST_ALL))
		cdp_warn("%s", cdp_why_text());
}

/* What was written until it led to the set is on one side alone. */
static int look_again(void *arg)
{
	struct cdp_under_start *st = arg;

	if (cdp_under_is_untouched(st->under, st->conf->under_mark))
		return 0;
	if (cdp_interrupted())
		return cdp_why(-EINTR, "interrupted");
	tell_struck(st);
	return load(st, FIRST_ALONE);
}

static int save_leads(void *arg)
{
	struct cdp_under_start *st = arg;
	char mark[CDP_MARK_TEXT];

	cdp_under_mark_leads(mark);
	return cdp_under_remember(st->conf, mark);
}

/* A leg that has become a new one, now or at a start that was killed, has another UUID. */
static int load_all(void *arg)
{
	struct cdp_under_start *st = arg;
	int r = st->first == FIRST_ALL && !st->struck ? 0 : load(st, FIRST_ALL);

	return r ?: cdp_live_save_uuids(st->conf->name);
}

void cdp_under_plan_rest(struct cdp_steps *p, struct cdp_under_start *st)
{
	const char *name = st->conf->name, *then = "";
	char path[CDP_PATH_TEXT];

	if (st->others && st->first != FIRST_ALONE) {
		cdp_steps_add(p, look_again, NULL, st, "dm: if %s was written to meanwhile, load into %s the table of what counts then: 0 %llu cdp %s",
			      st->under->name, name, (unsigned long long)st->conf->length,
			      st->tables[FIRST_ALONE]);
		then = st->first == FIRST_ALL ? "if so, " : "";
	}
	cdp_steps_add(p, save_leads, NULL, st, "conf: remember in %s that %s leads to %s",
		      cdp_conf_path(name, path), st->under->name, name);
	if (st->others)
		cdp_steps_add(p, load_all, NULL, st, "dm: %sload into %s the table: 0 %llu cdp %s",
			      then, name, (unsigned long long)st->conf->length,
			      st->tables[FIRST_ALL]);
}

/*----------------------------------------------------------------
 * The set runs
 *--------------------------------------------------------------*/

/*
 * As a start leaves it that was killed in the middle: the table with the others is loaded,
 * or is live, and they are remembered as what they were,
 */
static int save_uuids(struct cdp_live *s, bool dry_run)
{
	bool same = true;
	u32 i;

	for (i = 0; i < s->status.nr_legs; i++)
		same &= s->status.legs[i].state == LEG_MISSING ||
			cdp_uuid_equal(&s->status.legs[i].uuid, &s->conf.legs[i].uuid);
	return same || dry_run ? 0 : cdp_live_save(s);
}

/* or they have not joined yet. */
static int find_others(struct cdp_under_start *st, const struct cdp_table_leg *own)
{
	static struct cdp_still still;
	struct cdp_table t;
	u32 ma, mi;
	int data, r;

	memset(&still, 0, sizeof(still));
	still.conf = *st->conf;
	data = data_place(&still, st->under);
	r = data < 0 ? -ENODEV : cdp_find_legs(&still.conf, still.found);
	if (r)
		return r;
	still.found[data].here = true;
	cdp_print(still.found[data].data, CDP_PATH_TEXT, "%s", st->under->data_path);
	if (cdp_probe_numbers(own->meta_dev, &ma, &mi))
		cdp_probe_name(ma, mi, still.found[data].meta);
	r = cdp_still_fill(&still, &t);
	if (!r)
		fill(st, &t, data, true);
	return r;
}

/* Has it the table still that the data leg was given? */
static int check_table(const struct cdp_under *u)
{
	char *lines = NULL;
	int r = u->has_data ? cdp_dm_lines(u->data, &lines) : 0;

	if (!r && lines && strcmp(lines, u->lines))
		r = cdp_refuse("leads-elsewhere", "%s runs, but %s does not lead to it and has another table than before: somebody has changed it (lvm?). cdpctl detach --live %s, then attach again",
			       u->set, u->name, u->set);
	free(lines);
	return r;
}

/* Has no other leg been brought in? Then nothing was copied past the device. */
static bool has_others(const struct cdp_live *s, int data)
{
	u32 i;

	for (i = 0; i < s->status.nr_legs; i++)
		if ((int)i != data && s->status.legs[i].state != LEG_MISSING)
			return true;
	return false;
}

static int judge_again(struct cdp_under_start *st, const struct cdp_live *s, bool *nothing)
{
	const struct cdp_under *u = st->under;
	const struct cdp_conf *c = st->conf;
	int data = cdp_under_data_leg(u, s), r = 0;
	bool whole = data >= 0 && s->status.legs[data].state == LEG_IN_SYNC;
	bool alone = whole && s->table.nr_legs == 1;
	bool untouched = u->leads || cdp_under_is_untouched(u, c->under_mark);
	bool bare = whole && !has_others(s, data), strikes = bare && !alone && !untouched;

	*nothing = u->leads && cdp_under_mark_is_leads(c->under_mark) && !alone;
	if (*nothing)
		return 0;
	if (!u->leads)
		r = check_table(u);
	if (!r && !untouched && !bare)
		r = cdp_refuse("leads-elsewhere", "%s runs, but %s does not lead to it and was, or may have been, written to: somebody has loaded another table (lvm?). cdpctl detach --live %s, then attach again",
			       c->name, u->name, c->name);
	if (!r && !u->leads && !whole && is_used(u))
		r = refuse_older(c, u);
	if (r)
		return r;
	st->first = alone || strikes ? FIRST_ALONE : u->leads && !bare ? FIRST_ALL : FIRST_SIDE;
	fill(st, &s->table, data, whole);
	if (bare && c->nr_legs > 1 && !cdp_doing_is_there(c->name))
		r = find_others(st, &s->table.legs[data]);
	if (u->leads && !alone && !cdp_under_mark_counts(c->under_mark) &&
	    !cdp_under_mark_is_lost(c->under_mark))
		st->others = 0;	/* put there by an earlier cdpctl */
	st->has_first = bare && !strikes;
	if (!r && strikes)
		r = strike(st);
	return r;
}

static int lead_again(struct cdp_under_start *st, struct cdp_under *u, bool dry_run)
{
	struct cdp_steps p = { .dry_run = dry_run };
	int r;

	cdp_under_plan_clear(&p, u);
	if (!u->leads) {
		if (!st->has_first)
			cdp_steps_add(&p, load_first, st->struck ? NULL : load_before, st,
				      "dm: load into %s the table: 0 %llu cdp %s", st->conf->name,
				      (unsigned long long)st->conf->length, st->tables[st->first]);
		cdp_under_plan_lead(&p, u);
	}
	cdp_under_plan_rest(&p, st);
	r = cdp_steps_run(&p);
	cdp_steps_free(&p);
	return r;
}

int cdp_under_lead_again(struct cdp_conf *c, bool dry_run)
{
	static struct cdp_under_start st;
	struct cdp_under u;
	struct cdp_live s;
	bool nothing = false;
	int r = cdp_live_peek(&s, c->name);

	memset(&st, 0, sizeof(st));
	st.conf = c;
	st.under = &u;
	if (!r) {
		r = cdp_under_open_conf(&u, c);
		if (!r && !dry_run)
			r = cdp_live_unload(c->name);
		if (!r)
			r = judge_again(&st, &s, &nothing);
		if (!r && nothing)
			r = save_uuids(&s, dry_run);
		else if (!r)
			r = lead_again(&st, &u, dry_run);
		cdp_under_close(&u);
	}
	cdp_live_close(&s);
	return r;
}

/*----------------------------------------------------------------*/

struct stop {
	struct cdp_conf *conf;
	struct cdp_under under;
};

/* What is written to the device after this counts in the next boot from zero. */
static bool host_ends(void)
{
	static const char *const ask[] = { "systemctl", "is-system-running", NULL };
	static struct cdp_run run;
	bool ends = !cdp_run(&run, 10, ask) && !strcmp(cdp_run_line(run.out), "stopping");

	cdp_why_clear();
	return ends;
}

/* While it leads to the set: what is written to it until it has its own table is counted. */
static int save_mark(void *arg)
{
	struct stop *s = arg;
	char mark[CDP_MARK_TEXT];

	cdp_under_mark(&s->under, mark);
	if (host_ends())
		cdp_under_mark_ending(mark);
	return cdp_under_remember(s->conf, mark);
}

static void unsave_mark(void *arg)
{
	struct stop *s = arg;
	char mark[CDP_MARK_TEXT];

	cdp_under_mark_leads(mark);
	if (cdp_under_remember(s->conf, mark))
		cdp_warn("%s", cdp_why_text());
}

/* It was not seen when it ceased to lead to the set. */
static int lose_mark(void *arg)
{
	struct stop *s = arg;

	return cdp_under_remember(s->conf, CDP_MARK_LOST);
}

static int remove_set(void *arg)
{
	struct stop *s = arg;

	return cdp_dm_remove(s->conf->name);
}

static int check_data(const struct stop *s)
{
	const char *state = "no leg of the set any more";
	struct cdp_live live;
	int r = cdp_live_peek(&live, s->conf->name), data;

	if (!r) {
		data = cdp_under_data_leg(&s->under, &live);
		if (data >= 0)
			state = cdp_leg_state_name(live.status.legs[data].state);
		if (data >= 0 && live.status.legs[data].state == LEG_IN_SYNC)
			;
		else if (cdp_opts_forced(CDP_FORCE_STALE))
			cdp_warn("%s: the data leg, %s, is %s: %s is left with older data than the set has",
				 s->conf->name, s->under.data, state, s->under.name);
		else
			r = cdp_refuse("not-in-sync", "%s: the data leg, %s, is %s, so %s would be left with older data than the set has; have the leg back first (cdpctl status %s), or, if nobody uses %s until the set runs again: --force=%s",
				       s->conf->name, s->under.data, state, s->under.name,
				       s->conf->name, s->under.name, CDP_FORCE_STALE);
	}
	cdp_live_close(&live);
	return r;
}

static int check(const struct stop *s)
{
	int r;

	if (!s->under.leads)	/* it may hold the set by a table that was not resumed */
		r = s->under.info.has_inactive ? 0 : cdp_dm_unused(s->conf->name);
	else
		r = cdp_dm_unused(s->under.name);
	if (!r)
		r = cdp_stats_answered(s->conf->name);
	/* nor could it be known what it has written */
	if (!r && s->under.leads)
		r = cdp_under_answers(&s->under);
	return r || !s->under.leads ? r : check_data(s);
}

static void plan_mark(struct cdp_steps *p, struct stop *s)
{
	char path[CDP_PATH_TEXT];

	cdp_conf_path(s->conf->name, path);
	if (s->under.leads)
		cdp_steps_add(p, save_mark, unsave_mark, s, "conf: remember in %s what %s has written",
			      path, s->under.name);
	else if (cdp_under_mark_is_leads(s->conf->under_mark))
		cdp_steps_add(p, lose_mark, NULL, s, "conf: remember in %s that it is not known what %s has written",
			      path, s->under.name);
}

int cdp_under_stop(struct cdp_conf *c, bool dry_run)
{
	struct stop s = { .conf = c };
	struct cdp_steps p = { .dry_run = dry_run };
	int r = cdp_under_open(&s.under, c->under, c->name);

	if (!r)
		r = check(&s);
	/* the mark is known only when nothing leads to the set any more */
	if (!r && s.under.leads && !dry_run)
		r = cdp_conf_try(c);
	if (!r) {
		plan_mark(&p, &s);
		if (!s.under.leads)
			cdp_under_plan_clear(&p, &s.under);
		cdp_under_plan_restore(&p, &s.under);
		r = cdp_steps_run(&p);
		cdp_steps_free(&p);	/* what was seen of it stays true */
	}
	if (!r) {
		cdp_steps_add(&p, remove_set, NULL, &s, "dm: remove %s", c->name);
		cdp_under_plan_drop(&p, &s.under);
		r = cdp_steps_run(&p);
		cdp_steps_free(&p);
	}
	cdp_under_close(&s.under);
	return r;
}
