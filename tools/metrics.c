// SPDX-License-Identifier: GPL-2.0-or-later
#include "metrics.h"

#ifndef CDP_VERSION
#define CDP_VERSION "unknown"
#endif

/* Values are counted in these; Prometheus wants seconds and bytes. */
enum unit { UNIT_ONE = 1, UNIT_MS = 1000, UNIT_US = 1000000 };

struct metric {
	const char *name, *type, *help;
	enum unit unit;
	size_t at;
};

#define SET(member)	UNIT_ONE, offsetof(struct cdp_measure, member)
#define LEG(member)	UNIT_ONE, offsetof(struct cdp_leg_measure, member)
#define STAT(member)	UNIT_ONE, offsetof(struct cdp_leg_measure, stats.member)
#define MS(member)	UNIT_MS, offsetof(struct cdp_leg_measure, stats.member)
#define US(member)	UNIT_US, offsetof(struct cdp_leg_measure, stats.member)

static const struct metric up = {
	"cdp_set_up", "gauge", "Does the remembered set run?", SET(up),
};

static const struct metric set_metrics[] = {
	{ "cdp_set_size_bytes", "gauge", "Size of the set.", SET(size_bytes) },
	{ "cdp_set_suspended", "gauge", "Is the mapping suspended?", SET(suspended) },
	{ "cdp_set_bypassed", "gauge", "Is the device that the set is under not led to it?",
	  SET(bypassed) },
	{ "cdp_set_held_requests", "gauge", "Requests that wait without a bound.", SET(held) },
	{ "cdp_set_unreadable_ranges", "gauge", "Ranges that no leg could read.",
	  SET(unreadable) },
	{ "cdp_set_resync_remaining_bytes", "gauge", "What the copy under way has still to copy.",
	  SET(resync_left_bytes) },
	{ "cdp_set_events_total", "counter", "Events of the mapping since it was made.",
	  SET(events) },
};

static const struct metric leg_metrics[] = {
	{ "cdp_leg_primary", "gauge", "Does the leg serve reads?", LEG(is_primary) },
	{ "cdp_leg_stale_bytes", "gauge", "What the leg lacks.", LEG(stale_bytes) },
	{ "cdp_leg_write_errors_total", "counter", "Writes that failed.", LEG(write_errors) },
	{ "cdp_leg_read_errors_total", "counter", "Reads that failed.", LEG(read_errors) },
	{ "cdp_leg_repairs_total", "counter", "Reads mended by writing another leg's data.",
	  STAT(repairs) },
	{ "cdp_leg_flaps_total", "counter", "Times the leg left the set.", STAT(flaps) },
	{ "cdp_leg_missed_bytes_total", "counter", "Written while the leg did not take part.",
	  STAT(missed_bytes) },
	{ "cdp_leg_copied_bytes_total", "counter", "Copied to the leg.", STAT(copied_bytes) },
	{ "cdp_leg_zeroed_bytes_total", "counter", "Of these, zeroes, which were not sent.",
	  STAT(zeroed_bytes) },
	{ "cdp_leg_outstanding_requests", "gauge", "Requests that it has not answered, without the late ones.",
	  STAT(outstanding) },
	{ "cdp_leg_late_requests", "gauge", "Requests that the set went on without, and that it still has to answer.",
	  STAT(late) },
	{ "cdp_leg_oldest_request_seconds", "gauge", "Age of the oldest of both.",
	  MS(oldest_ms) },
	{ "cdp_leg_latency_mean_seconds", "gauge", "Mean time of an answer since the start.",
	  US(mean_us) },
	{ "cdp_leg_latency_p99_seconds", "gauge", "99 of 100 answers took no longer.", US(p99_us) },
	{ "cdp_leg_latency_worst_seconds", "gauge", "The longest answer.", US(worst_us) },
};

static void head(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void value(FILE *f, const struct metric *m, const void *from)
{
	u64 v = *(const u64 *)((const char *)from + m->at);

	if (m->unit == UNIT_ONE)
		fprintf(f, " %llu\n", (unsigned long long)v);
	else
		fprintf(f, " %.9g\n", (double)v / m->unit);
}

/* Names of sets and UUIDs are plain; paths need not be. */
static void label(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n') {
			fputs("\\n", f);
			continue;
		}
		if (*text == '"' || *text == '\\')
			fputc('\\', f);
		fputc(*text, f);
	}
}

static void set_values(FILE *f, const struct metric *m, const struct cdp_measure *sets, u32 nr,
		       bool down, bool *said)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		if (!sets[i].up && !down)
			continue;
		if (!*said)
			head(f, m->name, m->type, m->help);
		*said = true;
		fprintf(f, "%s{set=\"%s\"}", m->name, sets[i].name);
		value(f, m, &sets[i]);
	}
}

/* One function for each kind of line of a leg; called for all legs of all sets. */
typedef void leg_line(FILE *f, const struct cdp_measure *s, u32 leg, const void *arg);

static void each_leg(FILE *f, const struct cdp_measure *sets, u32 nr, leg_line *line,
		     const void *arg)
{
	u32 i, leg;

	for (i = 0; i < nr; i++)
		for (leg = 0; sets[i].up && leg < sets[i].nr_legs; leg++)
			line(f, &sets[i], leg, arg);
}

static void leg_value(FILE *f, const struct cdp_measure *s, u32 leg, const void *arg)
{
	const struct metric *m = arg;

	fprintf(f, "%s{set=\"%s\",leg=\"%u\"}", m->name, s->name, leg);
	value(f, m, &s->legs[leg]);
}

static void leg_info(FILE *f, const struct cdp_measure *s, u32 leg, const void *arg)
{
	(void)arg;
	fprintf(f, "cdp_leg_info{set=\"%s\",leg=\"%u\",uuid=\"%s\",device=\"", s->name, leg,
		s->legs[leg].uuid);
	label(f, s->legs[leg].device);
	fputs("\"} 1\n", f);
}

static void leg_state(FILE *f, const struct cdp_measure *s, u32 leg, const void *arg)
{
	enum cdp_leg_state state;

	(void)arg;
	for (state = 0; state < LEG_STATES; state++)
		fprintf(f, "cdp_leg_state{set=\"%s\",leg=\"%u\",state=\"%s\"} %d\n", s->name, leg,
			cdp_leg_state_name(state), s->legs[leg].state == state);
}

static void health(FILE *f, const struct cdp_measure *sets, u32 nr)
{
	enum cdp_health h;
	u32 i;

	head(f, "cdp_set_health", "gauge", "1 for the health that the set has.");
	for (i = 0; i < nr; i++)
		for (h = 0; sets[i].up && h < HEALTHS; h++)
			fprintf(f, "cdp_set_health{set=\"%s\",health=\"%s\"} %d\n", sets[i].name,
				cdp_health_name(h), sets[i].health == h);
}

static bool any_runs(const struct cdp_measure *sets, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (sets[i].up)
			return true;
	return false;
}

void cdp_metrics_print(FILE *f, const struct cdp_measure *sets, u32 nr)
{
	bool said;
	u32 i;

	head(f, "cdp_build_info", "gauge", "The version of cdpctl.");
	fprintf(f, "cdp_build_info{version=\"%s\"} 1\n", CDP_VERSION);
	said = false;
	set_values(f, &up, sets, nr, true, &said);
	if (!any_runs(sets, nr))
		return;
	health(f, sets, nr);
	for (i = 0; i < ARRAY_SIZE(set_metrics); i++) {
		said = false;
		set_values(f, &set_metrics[i], sets, nr, false, &said);
	}
	head(f, "cdp_leg_info", "gauge", "What the leg is.");
	each_leg(f, sets, nr, leg_info, NULL);
	head(f, "cdp_leg_state", "gauge", "1 for the state that the leg has.");
	each_leg(f, sets, nr, leg_state, NULL);
	for (i = 0; i < ARRAY_SIZE(leg_metrics); i++) {
		head(f, leg_metrics[i].name, leg_metrics[i].type, leg_metrics[i].help);
		each_leg(f, sets, nr, leg_value, &leg_metrics[i]);
	}
}
