// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm.h"
#include "doing.h"
#include "follow.h"
#include "join.h"
#include "leave.h"
#include "msg.h"
#include "opts.h"
#include "replace.h"

/* The old leg's place, or -1 when the new one has it already: @at is where that is. */
static int find_old(const struct cdp_live *s, const char *old, u32 at)
{
	int leg = cdp_live_leg(s, old);

	if (at == s->table.nr_legs || (leg >= 0 && leg != (int)at))
		return leg;
	cdp_why_clear();
	return -1;
}

static int wait_for(const char *name, u32 at)
{
	struct cdp_live s;
	char text[CDP_LEG_TEXT];
	int r = cdp_follow(name, FOLLOW_REBUILT, 0, cdp_opts.json);

	if (r)
		return r;
	r = cdp_live_open(&s, name);
	if (!r && (at >= s.status.nr_legs || s.status.legs[at].state != LEG_IN_SYNC))
		r = cdp_why(-EIO, "%s: %s did not become in-sync, so the old leg stays", name,
			    cdp_live_leg_text(&s, at, text));
	cdp_live_close(&s);
	return r;
}

static int let_go(const char *name, const char *old, u32 at)
{
	struct cdp_live s;
	int leg, r = cdp_live_open(&s, name);

	if (!r) {
		leg = cdp_live_leg(&s, old);
		r = leg < 0 ? leg : cdp_leave(&s, (u32)leg, at);
	}
	cdp_live_close(&s);
	return r;
}

static int print_rest(const struct cdp_live *s, const char *old, const char *spec)
{
	printf("then: wait until %s is in-sync; load into %s a table with it in the place of leg %s; zero the metadata of that\n",
	       spec, s->name, old);
	return 0;
}

int cdp_replace(struct cdp_live *s, const char *old, const char *spec, const char *meta,
		bool *undone)
{
	static struct cdp_join join;
	const char *name = old;
	u32 at = cdp_join_place(s, spec);
	int leg, r;

	old = cdp_join_old(name);
	leg = find_old(s, old, at);
	*undone = at == s->table.nr_legs;
	if (leg < 0 && *undone)
		return leg;
	r = cdp_join(&join, s, at, spec, meta);
	*undone = *undone && !join.is_in;
	if (r)
		return r;
	if (cdp_opts.dry_run)
		return print_rest(s, name, spec);
	*undone = false;
	if (leg < 0) {
		cdp_note("%s: %s is in the place of the old leg already; metadata may be left on that",
			 s->name, spec);
		return 0;
	}
	r = wait_for(s->name, at);
	return r ? r : let_go(s->name, old, at);
}

static bool is_at(const struct cdp_iscsi *a, const struct cdp_iscsi *b)
{
	return !strcmp(a->target, b->target) && a->lun == b->lun && !strcmp(a->host, b->host);
}

/* It may be a leg of the set, and not here. @t: of a URL, else empty. */
static u32 find_remembered(const struct cdp_live *s, const char *spec, const struct cdp_iscsi *t)
{
	u32 i;

	for (i = 0; i < s->table.nr_legs; i++) {
		const struct cdp_conf_leg *l = &s->conf.legs[i];

		if (t->target[0] ? is_at(&l->iscsi, t) : !strcmp(l->device, spec))
			break;
	}
	return i;
}

/* It has not become a leg: what was logged in to, and recorded, for it goes. */
static int leave_server(struct cdp_iscsi *t)
{
	struct cdp_iscsi_job j = { .target = t };
	struct cdp_steps p = { 0 };
	int r;

	cdp_iscsi_recall(t);
	cdp_iscsi_plan_logout(&p, &j);
	r = cdp_steps_run(&p);
	cdp_steps_free(&p);
	return r;
}

int cdp_replace_undo(struct cdp_live *s, const char *old, const char *spec)
{
	static struct cdp_iscsi target;
	u32 at = cdp_join_find(s, spec);
	int r = cdp_opts.dry_run ? 0 : cdp_live_unload(s->name);
	const char *why;

	if (r)
		return r;
	if (cdp_iscsi_is_url(spec) && cdp_iscsi_url_parse(spec, &target, &why))
		memset(&target, 0, sizeof(target));	/* so nothing was begun with it */
	if (at == s->table.nr_legs)
		at = find_remembered(s, spec, &target);
	if (at == s->table.nr_legs)
		return cdp_opts.dry_run ? 0 : leave_server(&target);
	if (find_old(s, old, at) < 0)
		return cdp_refuse("one-way", "%s: the old leg is out already; finish it (cdpctl resume %s)",
			       s->name, s->name);
	return cdp_leave(s, at, CDP_NO_HEIR);
}
