// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "finding.h"

struct cdp_finding *cdp_find_add(struct cdp_findings *f, const char *code, const char *about, ...)
{
	struct cdp_finding *x = &f->list[f->nr < CDP_FINDINGS ? f->nr++ : CDP_FINDINGS];
	va_list ap;

	memset(x, 0, sizeof(*x));
	x->topic = cdp_topic_find(code, TOPIC_FINDING);
	if (!x->topic)
		abort();	/* a unit test sees that it is there */
	va_start(ap, about);
	vsnprintf(x->about, sizeof(x->about), about, ap);
	va_end(ap);
	return x;
}

void cdp_find_mend(struct cdp_finding *x, bool safe, const char *fmt, ...)
{
	va_list ap;

	x->safe = safe;
	va_start(ap, fmt);
	vsnprintf(x->command, sizeof(x->command), fmt, ap);
	va_end(ap);
}

u32 cdp_find_count(const struct cdp_findings *f, enum cdp_severity s)
{
	u32 i, n = 0;

	for (i = 0; i < f->nr; i++)
		n += f->list[i].topic->severity == s;
	return n;
}

void cdp_find_sort(struct cdp_findings *f)
{
	static struct cdp_findings sorted;
	const enum cdp_severity order[] = { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE };
	u32 i, k;

	sorted.nr = 0;
	for (k = 0; k < ARRAY_SIZE(order); k++)
		for (i = 0; i < f->nr; i++)
			if (f->list[i].topic->severity == order[k])
				sorted.list[sorted.nr++] = f->list[i];
	memcpy(f, &sorted, sizeof(*f));
}
