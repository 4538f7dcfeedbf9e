// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "dm.h"
#include "msg.h"
#include "opts.h"
#include "size.h"
#include "stats.h"

#define ANSWER_S	10	/* for legs to answer before a mapping goes */
#define SILENT_MS	1000

static const struct field {
	const char *name;
	size_t at;
} fields[] = {
#define x(name) { #name, offsetof(struct cdp_leg_stats, name) },
	CDP_LEG_STATS(x)
#undef x
};

static void take_leg(struct cdp_leg_stats *l, const char *name, u64 value)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(fields[i].name, name))
			*(u64 *)((char *)l + fields[i].at) = value;
}

static void take(struct cdp_stats *s, const char *name, u64 value)
{
	u32 leg = 0;
	int skip = 0;

	if (!strcmp(name, "held"))
		s->held = value;
	else if (sscanf(name, "leg.%1u.%n", &leg, &skip) == 1 && skip && leg < CDP_MAX_LEGS)
		take_leg(&s->legs[leg], name + skip, value);
}

/* "unreadable FIRST-LAST": may come several times. */
static bool take_range(struct cdp_stats *s, const char *line)
{
	size_t used = strlen(s->unreadable);
	char range[44];

	if (sscanf(line, "unreadable %43[0-9-]", range) != 1)
		return false;
	s->nr_unreadable++;
	if (used + strlen(range) + 2 < sizeof(s->unreadable))
		cdp_print(s->unreadable + used, sizeof(s->unreadable) - used, "%s%s",
			  used ? " " : "", range);
	return true;
}

static void take_line(struct cdp_stats *s, const char *line)
{
	char name[48], digits[24];
	u64 value;

	if (!take_range(s, line) &&
	    sscanf(line, "%47[a-z0-9._] %23[0-9]", name, digits) == 2 &&
	    !cdp_number_parse(digits, UINT64_MAX, &value))
		take(s, name, value);
}

void cdp_stats_parse(const char *text, struct cdp_stats *s)
{
	memset(s, 0, sizeof(*s));
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		take_line(s, text);
}

int cdp_stats_read(const char *name, struct cdp_stats *s)
{
	char *answer;
	int r = cdp_dm_message(name, "stats", &answer);

	if (!r)
		cdp_stats_parse(answer, s);
	else
		memset(s, 0, sizeof(*s));
	free(answer);
	return r;
}

/* A leg that owes answers, or -1. */
static int silent_leg(const struct cdp_stats *s)
{
	u32 i;

	for (i = 0; i < CDP_MAX_LEGS; i++)
		if (s->legs[i].late || s->legs[i].oldest_ms > SILENT_MS)
			return (int)i;
	return -1;
}

int cdp_stats_answered(const char *name)
{
	double end = cdp_seconds() + ANSWER_S;
	struct cdp_stats s;
	int leg;

	if (cdp_opts_forced(CDP_FORCE_SILENT))
		return 0;
	do {
		int r = cdp_stats_read(name, &s);

		if (r)
			return r;
		leg = silent_leg(&s);
		if (leg < 0)
			return 0;
		cdp_sleep_ms(200);
	} while (cdp_seconds() < end && !cdp_interrupted());
	return cdp_refuse("silent-leg", "%s: leg %d has not answered %llu requests, and its devices would stay in use until it does, with the mapping gone; end its iSCSI session (iscsiadm --logout) or remove its disk first, or go without it with --force=%s",
		       name, leg, (unsigned long long)(s.legs[leg].late + s.legs[leg].outstanding),
		       CDP_FORCE_SILENT);
}
