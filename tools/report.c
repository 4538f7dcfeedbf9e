// SPDX-License-Identifier: GPL-2.0-or-later
#include "msg.h"
#include "opts.h"
#include "report.h"
#include "size.h"

/* The columns: a set fills some, its legs others. */
#define COLUMNS(x) \
	x(NAME,		"name",		OUT_TREE) \
	x(STATE,	"state",	0) \
	x(ROLE,		"role",		0) \
	x(DEVICE,	"device",	0) \
	x(SIZE,		"size",		OUT_RIGHT | OUT_TABLE_ONLY) \
	x(SIZE_BYTES,	"size_bytes",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(SYNCED,	"synced",	OUT_RIGHT | OUT_TABLE_ONLY) \
	x(COPY,		"copy",		OUT_TABLE_ONLY) \
	x(STALE,	"stale_regions", OUT_NUMBER | OUT_JSON_ONLY) \
	x(REGIONS,	"regions",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(REGION_BYTES,	"region_bytes",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(ERRORS,	"errors",	OUT_RIGHT | OUT_TABLE_ONLY) \
	x(WRITE_ERRORS,	"write_errors",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(READ_ERRORS,	"read_errors",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(FLAPS,	"flaps",	OUT_NUMBER) \
	x(LATE,		"late",		OUT_NUMBER) \
	x(OUTSTANDING,	"outstanding",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(OLDEST,	"oldest_ms",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(MEAN,		"mean_us",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(P99,		"p99_us",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(WORST,	"worst_us",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(MISSED,	"missed_bytes",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(COPIED_BYTES,	"copied_bytes",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(REPAIRS,	"repairs",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(UNREADABLE,	"unreadable_sectors", OUT_JSON_ONLY) \
	x(TAKEN_OUT,	"taken_out",	OUT_BOOL | OUT_JSON_ONLY) \
	x(HELD,		"held",		OUT_NUMBER | OUT_JSON_ONLY) \
	x(DEADLINE,	"deadline_ms",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(RESYNC,	"resync",	OUT_JSON_ONLY) \
	x(COPIED,	"copied_regions", OUT_NUMBER | OUT_JSON_ONLY) \
	x(TO_COPY,	"to_copy_regions", OUT_NUMBER | OUT_JSON_ONLY) \
	x(SUSPENDED,	"suspended",	OUT_BOOL | OUT_JSON_ONLY) \
	x(UNDER,	"under",	OUT_JSON_ONLY) \
	x(BYPASSED,	"bypassed",	OUT_BOOL | OUT_JSON_ONLY) \
	x(LEG,		"leg",		OUT_NUMBER | OUT_JSON_ONLY) \
	x(TARGET,	"iscsi_target",	OUT_JSON_ONLY) \
	x(GENERATION,	"generation",	OUT_JSON_ONLY) \
	x(UUID,		"uuid",		0)

CDP_OUT_COLUMNS(COLUMNS);

#define U64(v)	((unsigned long long)(v))
#define SET(col, ...) cdp_out_set(o, row, COL_##col, __VA_ARGS__)

static double percent(u64 part, u64 whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 100.0;
}

static void fill_copy(struct cdp_out *o, struct cdp_out_row *row, const struct cdp_status *st)
{
	SET(RESYNC, "%s", cdp_resync_name(st->resync));
	SET(COPIED, "%llu", U64(st->copied));
	SET(TO_COPY, "%llu", U64(st->to_copy));
	if (st->resync != RESYNC_IDLE)
		SET(COPY, "%s %.1f%%", cdp_resync_name(st->resync),
		    percent(st->copied, st->to_copy));
}

/* "degraded (suspended, 3 held)": what is out of the ordinary is said beside the health. */
static const char *set_state(const struct cdp_live *s, const struct cdp_stats *stats,
			     struct cdp_report_host host, char *text, size_t size)
{
	char held[32] = "", unreadable[48] = "";
	const char *const more[] = {
		host.bypassed ? "bypassed" : "", host.suspended ? "suspended" : "",
		held, unreadable,
	};
	bool any = false;
	int n = cdp_print(text, size, "%s", cdp_health_name(s->status.health));
	u32 i;

	if (stats->held)
		cdp_print(held, sizeof(held), "%llu held", U64(stats->held));
	if (stats->nr_unreadable)
		cdp_print(unreadable, sizeof(unreadable), "%u ranges lost", stats->nr_unreadable);
	for (i = 0; i < ARRAY_SIZE(more) && !cdp_opts.json; i++) {
		if (*more[i])
			n += cdp_print(text + n, size - (size_t)n, "%s%s", any ? ", " : " (",
				       more[i]);
		any = any || *more[i];
	}
	if (any)
		cdp_print(text + n, size - (size_t)n, ")");
	return text;
}

static struct cdp_out_row *fill_set(struct cdp_out *o, const struct cdp_live *s,
				    const struct cdp_stats *stats, struct cdp_report_host host)
{
	struct cdp_out_row *row = cdp_out_row(o, NULL);
	char uuid[CDP_UUID_TEXT], size[CDP_SIZE_TEXT], state[128];

	SET(NAME, "%s", s->name);
	SET(STATE, "%s", set_state(s, stats, host, state, sizeof(state)));
	SET(DEVICE, "/dev/mapper/%s", s->name);
	SET(SIZE, "%s", cdp_size_print(s->length * CDP_SECTOR_BYTES, size));
	SET(SIZE_BYTES, "%llu", U64(s->length * CDP_SECTOR_BYTES));
	SET(REGION_BYTES, "%llu", U64(s->table.region_sectors * CDP_SECTOR_BYTES));
	SET(SUSPENDED, "%d", host.suspended);
	if (s->conf.under[0])
		SET(UNDER, "%s", s->conf.under);
	SET(BYPASSED, "%d", host.bypassed);
	if (stats->nr_unreadable)
		SET(UNREADABLE, "%s", stats->unreadable);
	SET(HELD, "%llu", U64(stats->held));
	SET(DEADLINE, "%u", s->table.features.leg_timeout_ms);
	SET(GENERATION, "%016llx", U64(s->status.generation));
	SET(UUID, "%s", cdp_uuid_print(&s->status.set_uuid, uuid));
	fill_copy(o, row, &s->status);
	return row;
}

static void fill_stats(struct cdp_out *o, struct cdp_out_row *row, const struct cdp_leg_stats *l)
{
	SET(FLAPS, "%llu", U64(l->flaps));
	SET(LATE, "%llu", U64(l->late));
	SET(OUTSTANDING, "%llu", U64(l->outstanding));
	SET(OLDEST, "%llu", U64(l->oldest_ms));
	SET(MEAN, "%llu", U64(l->mean_us));
	SET(P99, "%llu", U64(l->p99_us));
	SET(WORST, "%llu", U64(l->worst_us));
	SET(MISSED, "%llu", U64(l->missed_bytes));
	SET(COPIED_BYTES, "%llu", U64(l->copied_bytes));
	SET(REPAIRS, "%llu", U64(l->repairs));
}

static struct cdp_out_row *fill_leg(struct cdp_out *o, struct cdp_out_row *parent,
				    const struct cdp_live *s, u32 i)
{
	const struct cdp_leg_status *l = &s->status.legs[i];
	struct cdp_out_row *row = cdp_out_row(o, parent);
	char path[CDP_PATH_TEXT], uuid[CDP_UUID_TEXT];

	SET(NAME, "leg %u", i);
	SET(LEG, "%u", i);
	SET(STATE, "%s%s", cdp_leg_state_name(l->state),
	    s->conf.legs[i].taken_out && !cdp_opts.json ? " (by hand)" : "");
	SET(TAKEN_OUT, "%d", s->conf.legs[i].taken_out);
	SET(ROLE, "%s", (int)i == s->status.read_leg ? "primary" : "protect");
	SET(DEVICE, "%s", cdp_live_leg_device(l, path));
	SET(SYNCED, "%.1f%%", percent(l->regions - l->stale_regions, l->regions));
	SET(STALE, "%llu", U64(l->stale_regions));
	SET(REGIONS, "%llu", U64(l->regions));
	SET(WRITE_ERRORS, "%llu", U64(l->write_errors));
	SET(READ_ERRORS, "%llu", U64(l->read_errors));
	SET(ERRORS, "%llu", U64(l->write_errors + l->read_errors));
	if (s->conf.legs[i].iscsi.target[0])
		SET(TARGET, "%s", s->conf.legs[i].iscsi.target);
	if (!cdp_uuid_is_null(&l->uuid))
		SET(UUID, "%s", cdp_uuid_print(&l->uuid, uuid));
	return row;
}

void cdp_report_set(struct cdp_out *o, const struct cdp_live *s, const struct cdp_stats *stats,
		    struct cdp_report_host host)
{
	static const struct cdp_stats none;
	struct cdp_out_row *row = fill_set(o, s, stats ? stats : &none, host), *leg;
	u32 i;

	for (i = 0; i < s->status.nr_legs; i++) {
		leg = fill_leg(o, row, s, i);
		if (stats)
			fill_stats(o, leg, &stats->legs[i]);
	}
}

struct cdp_out *cdp_report_new(const char *list)
{
	return cdp_out_new_list("sets", columns, ARRAY_SIZE(columns), cdp_opts.json, list);
}

const char *cdp_report_column(u32 i)
{
	return i < ARRAY_SIZE(columns) ? columns[i].name : NULL;
}
