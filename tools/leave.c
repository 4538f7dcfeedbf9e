// SPDX-License-Identifier: GPL-2.0-or-later
#include "leave.h"
#include "msg.h"
#include "old-leg.h"
#include "opts.h"

static int may_leave(const struct cdp_live *s, u32 leg)
{
	char text[CDP_LEG_TEXT];
	bool in_sync = s->status.legs[leg].state == LEG_IN_SYNC;

	cdp_live_leg_text(s, leg, text);
	if (s->table.nr_legs == 1)
		return cdp_refuse("last-leg", "%s: %s is the last leg; cdpctl detach ends the set",
			       s->name, text);
	if (cdp_live_in_sync(s) <= (in_sync ? 1u : 0u))
		return cdp_refuse("last-leg", "%s: without %s no leg would be in-sync; wait for the copy first (cdpctl wait %s)",
			       s->name, text, s->name);
	return 0;
}

static void drop(struct cdp_live_change *c, u32 leg)
{
	u32 after = c->table.nr_legs - leg - 1;

	memmove(&c->table.legs[leg], &c->table.legs[leg + 1], after * sizeof(c->table.legs[0]));
	memmove(&c->conf.legs[leg], &c->conf.legs[leg + 1], after * sizeof(c->conf.legs[0]));
	c->table.nr_legs--;
	c->conf.nr_legs--;
}

int cdp_leave(struct cdp_live *s, u32 leg, u32 heir)
{
	static struct cdp_live_change change;
	static struct cdp_old_leg old;
	struct cdp_steps p = { .dry_run = cdp_opts.dry_run };
	struct cdp_live_message m;
	int r = may_leave(s, leg);

	if (r)
		return r;
	cdp_old_leg_take(&old, s, leg);
	cdp_live_change_begin(&change, s);
	if (heir != CDP_NO_HEIR) {
		change.table.legs[leg] = change.table.legs[heir];
		change.conf.legs[leg] = change.conf.legs[heir];
		if (s->status.read_leg == (int)leg)
			cdp_live_plan_message(&p, &m, s, "failover %u", heir);
	}
	drop(&change, heir == CDP_NO_HEIR ? leg : heir);
	cdp_live_change_plan(&p, &change);
	r = cdp_steps_run(&p);
	if (r)
		return r;
	cdp_steps_free(&p);	/* the leg is out: no way back from here */
	cdp_old_leg_plan(&p, &old);
	r = cdp_steps_run(&p);
	cdp_steps_free(&p);
	return r;
}
