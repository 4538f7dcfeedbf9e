// SPDX-License-Identifier: GPL-2.0-or-later
#ifdef CDP_FAULT
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "fault.h"

void cdp_fault_point(const char *what)
{
	const char *at = getenv("CDP_DIE_AT");
	static int nr;

	if (!at || ++nr != atoi(at))
		return;
	fprintf(stderr, "dies: %s\n", what);
	fflush(NULL);
	raise(SIGKILL);
}
#endif
