/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line of the kernel's answer to "events". Pure. */
#ifndef CDP_TOOLS_EVENT_H
#define CDP_TOOLS_EVENT_H

#include "port.h"

struct cdp_event {
	u64 seq;
	u64 seconds;		/* since 1970 */
	char what[32];
	char leg[40];		/* UUID, or "-" */
	char detail[200];	/* the rest of the line */
};

/* "SEQ SECONDS EVENT LEG [DETAIL...]"; 0 or -EINVAL. */
int __must_check cdp_event_parse(const char *line, struct cdp_event *e);

#endif
