// SPDX-License-Identifier: GPL-2.0-or-later
#include "depth.h"

void cdp_depth_start(struct cdp_depth *d)
{
	d->limit = CDP_DEPTH_FIRST;
	d->turn = 0;
}

static void shrink(struct cdp_depth *d, u32 used)
{
	/* what was allowed and not used has not made it slow */
	d->limit = used < d->limit ? used / 2 : d->limit / 2;
	if (d->limit < CDP_DEPTH_LEAST)
		d->limit = CDP_DEPTH_LEAST;
	d->turn++;
}

void cdp_depth_ended(struct cdp_depth *d, u32 turn, u32 sectors, u32 dense, u32 used, bool slow)
{
	u32 most = d->limit + dense;

	if (turn != d->turn)
		return;
	if (slow) {
		shrink(d, used);
		return;
	}
	/* only what was used: or it would run away from what the legs can do */
	if (used < d->limit / 2)
		return;
	if (most < CDP_DEPTH_BLIND)
		most = CDP_DEPTH_BLIND;
	if (most > CDP_DEPTH_MOST)
		most = CDP_DEPTH_MOST;
	d->limit += sectors;
	if (d->limit > most)
		d->limit = most;
}
