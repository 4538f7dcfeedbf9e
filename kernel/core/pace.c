// SPDX-License-Identifier: GPL-2.0-or-later
#include "pace.h"

void cdp_pace_held(struct cdp_pace *p, u64 now, u64 ns, bool wanted, u32 rise)
{
	if (wanted) {
		p->crowded = now + CDP_PACE_CROWD;
		p->lately = now + CDP_PACE_LATELY;
	}
	if (ns > CDP_PACE_HELD)
		ns = CDP_PACE_HELD;
	/* a leg that was waited for meanwhile has been a rest */
	if (p->free < now - ns)
		p->free = now - ns;
	p->free += ns + (u32)ns * CDP_PACE_TWICE / rise;
	if (p->free > now + CDP_PACE_MOST)
		p->free = now + CDP_PACE_MOST;
}

u64 cdp_pace_rest(struct cdp_pace *p, u64 now)
{
	u64 ns = p->free > now ? p->free - now : 0;

	if (now >= p->crowded || ns < CDP_PACE_LEAST)
		return 0;
	p->small = p->free + CDP_PACE_SMALL;
	return ns;
}

void cdp_pace_woken(struct cdp_pace *p, u64 due, u64 now)
{
	if (now > due + CDP_PACE_LATE && now < p->lately)
		p->crowded = now + CDP_PACE_CROWD;
}
