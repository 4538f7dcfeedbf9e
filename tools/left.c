// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "history.h"
#include "left.h"
#include "msg.h"
#include "opts.h"
#include "size.h"

/*
 * When @leg left, if it has not been back since by the history or by its own record; else 0.
 * Both are known to the second. Within the same one it is taken for not back: a start
 * refused for nothing is less bad than one with old data.
 */
static u64 left_at(const struct cdp_still *s, u32 leg, const char *history)
{
	const struct cdp_super *own = &s->plan.legs[leg].super;
	u64 at = cdp_history_out(history, &s->conf.legs[leg].uuid);

	return own->legs[own->slot].changed > at ? 0 : at;
}

static int judge(const struct cdp_still *s, const char *history)
{
	char text[CDP_LEG_TEXT], when[CDP_WHEN_TEXT];
	bool all_here = true;
	u64 at = 0;
	u32 i, last = 0;

	for (i = 0; i < s->conf.nr_legs; i++) {
		all_here &= cdp_still_is_valid(s, i);
		if (s->plan.state[i] != LEG_IN_SYNC)
			continue;
		at = left_at(s, i, history);
		if (!at)
			return 0;
		last = i;
	}
	if (all_here || !at)
		return 0;
	return cdp_refuse("left-before", "%s: not started: %s left the set at %s, as cdpctl history %s has it, and has not been back; what was written since is on a leg that is not here. Start the set when that one is; or, to go back to what this one holds: --force=%s",
			  s->conf.name, cdp_still_leg_text(s, last, text), cdp_when_print(at, when),
			  s->conf.name, FORCE_LEFT);
}

int cdp_left_check(const struct cdp_still *s)
{
	char *history;
	int r;

	if (cdp_opts_forced(FORCE_LEFT))
		return 0;
	r = cdp_history_read(s->conf.name, &history);
	if (r) {
		/* no reason not to start it */
		cdp_warn("%s", cdp_why_text());
		cdp_why_clear();
		return 0;
	}
	r = judge(s, history);
	free(history);
	return r;
}
