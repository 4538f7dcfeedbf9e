/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What doctor has found: a code of the catalogue, whom it is about, what mends it. */
#ifndef CDP_TOOLS_FINDING_H
#define CDP_TOOLS_FINDING_H

#include "catalog.h"

#define CDP_FINDINGS	256u

struct cdp_finding {
	const struct cdp_topic *topic;
	char about[400];
	char command[400];	/* "": none that is the same for everybody */
	bool safe;		/* --fix may run it: words without quoting, no shell */
};

struct cdp_findings {
	u32 nr;			/* those beyond CDP_FINDINGS are lost */
	struct cdp_finding list[CDP_FINDINGS + 1];
};

/* Returns the new one, for the command. */
struct cdp_finding *cdp_find_add(struct cdp_findings *f, const char *code, const char *about, ...)
	__attribute__((format(printf, 3, 4)));

/* The command that mends it. */
void cdp_find_mend(struct cdp_finding *x, bool safe, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* How many there are of a severity. */
u32 cdp_find_count(const struct cdp_findings *f, enum cdp_severity s);

/* Errors first, else as they were found. */
void cdp_find_sort(struct cdp_findings *f);

#endif
