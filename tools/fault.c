// SPDX-License-Identifier: GPL-2.0-or-later
#ifdef CDP_FAULT
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "fault.h"

void cdp_fault_point(const char *what)
{
	const char *die = getenv("CDP_DIE_AT"), *stop = getenv("CDP_STOP_AT");
	static int nr;

	nr++;
	if (stop && nr == atoi(stop))
		raise(SIGSTOP);
	if (!die || nr != atoi(die))
		return;
	fprintf(stderr, "dies: %s\n", what);
	fflush(NULL);
	raise(SIGKILL);
}
#endif
