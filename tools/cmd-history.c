// SPDX-License-Identifier: GPL-2.0-or-later
/* history: the outages of a set's legs, as the monitor recorded them. */
#include <stdlib.h>
#include <time.h>

#include "cmd.h"
#include "conf.h"
#include "history.h"
#include "msg.h"
#include "opts.h"
#include "out.h"
#include "pass.h"
#include "size.h"
#include "stats.h"

static const struct argp_child children[] = { CDP_CHILD_JSON, { 0 } };

static const struct argp argp = {
	NULL, cdp_opts_word, "NAME",
	"Show every outage of a leg of a set: when it began and ended, why, how much was written without the leg meanwhile, and how much was copied to it afterwards. cdpctl monitor records them.",
	children, NULL, NULL,
};

enum {
	COL_BEGIN, COL_END, COL_LASTED, COL_LEG, COL_MISSED, COL_COPIED, COL_CAUSE, COL_BEGIN_UNIX,
	COL_END_UNIX, COL_MISSED_BYTES, COL_COPIED_BYTES, COL_REFUSED, COL_GONE,
	COL_UUID,
};

static const struct cdp_out_column columns[] = {
	[COL_BEGIN] = { "begin", 0 },
	[COL_END] = { "end", 0 },
	[COL_LASTED] = { "lasted", OUT_RIGHT | OUT_TABLE_ONLY },
	[COL_LEG] = { "leg", OUT_NUMBER },
	[COL_MISSED] = { "unprotected", OUT_RIGHT | OUT_TABLE_ONLY },
	[COL_COPIED] = { "copied", OUT_RIGHT | OUT_TABLE_ONLY },
	[COL_CAUSE] = { "cause", 0 },
	[COL_BEGIN_UNIX] = { "begin_unix", OUT_NUMBER | OUT_JSON_ONLY },
	[COL_END_UNIX] = { "end_unix", OUT_NUMBER | OUT_JSON_ONLY },
	[COL_MISSED_BYTES] = { "unprotected_bytes", OUT_NUMBER | OUT_JSON_ONLY },
	[COL_COPIED_BYTES] = { "copied_bytes", OUT_NUMBER | OUT_JSON_ONLY },
	[COL_REFUSED] = { "refused", OUT_JSON_ONLY },
	[COL_GONE] = { "gone", OUT_JSON_ONLY },
	[COL_UUID] = { "uuid", OUT_JSON_ONLY },
};

#define U64(v)	((unsigned long long)(v))

/* What makes the records readable, as far as it is there: the set may be gone. */
struct context {
	struct cdp_conf conf;
	struct cdp_stats stats;
	struct cdp_seen seen;
};

static int leg_number(const struct cdp_conf *c, const struct cdp_uuid *uuid)
{
	u32 i;

	for (i = 0; i < c->nr_legs; i++)
		if (cdp_uuid_equal(&c->legs[i].uuid, uuid))
			return (int)i;
	return -1;
}

/* Of an outage that goes on the kernel counts; the monitor keeps what it had before. */
static struct cdp_count amounts(const struct context *c, const struct cdp_outage *o, int leg)
{
	struct cdp_count n = {
		.missed_bytes = o->missed_bytes, .copied_bytes = o->copied_bytes,
	};

	if (o->end)
		return n;
	n = cdp_seen_count(&c->seen, o);
	if (leg >= 0)
		cdp_count_on(&n, c->stats.legs[leg].missed_bytes, c->stats.legs[leg].copied_bytes);
	return n;
}

static void set_cause(struct cdp_out *out, struct cdp_out_row *row, const struct cdp_outage *o)
{
	if (cdp_opts.json)
		cdp_out_set(out, row, COL_CAUSE, "%s", o->cause);
	else
		cdp_out_set(out, row, COL_CAUSE, "%s%s%s%s%s", o->cause,
			    *o->refused ? "; refused: " : "", o->refused,
			    *o->gone ? "; " : "", o->gone);
	if (*o->refused)
		cdp_out_set(out, row, COL_REFUSED, "%s", o->refused);
	if (*o->gone)
		cdp_out_set(out, row, COL_GONE, "%s", o->gone);
}

static void add_row(struct cdp_out *out, const struct context *c, const struct cdp_outage *o)
{
	struct cdp_out_row *row = cdp_out_row(out, NULL);
	char begin[CDP_WHEN_TEXT], end[CDP_WHEN_TEXT], size[CDP_SIZE_TEXT], lasted[CDP_TIME_TEXT];
	char uuid[CDP_UUID_TEXT];
	int leg = leg_number(&c->conf, &o->leg);
	struct cdp_count n = amounts(c, o, leg);
	u64 until = o->end ? o->end : (u64)time(NULL);

	cdp_out_set(out, row, COL_BEGIN, "%s", cdp_when_print(o->begin, begin));
	if (o->end || !cdp_opts.json)
		cdp_out_set(out, row, COL_END, "%s",
			    o->end ? cdp_when_print(o->end, end) : "goes on");
	cdp_out_set(out, row, COL_LASTED, "%s",
		    cdp_time_print(until > o->begin ? until - o->begin : 0, lasted));
	if (leg >= 0)
		cdp_out_set(out, row, COL_LEG, "%d", leg);
	cdp_out_set(out, row, COL_MISSED, "%s", cdp_size_print(n.missed_bytes, size));
	cdp_out_set(out, row, COL_COPIED, "%s", cdp_size_print(n.copied_bytes, size));
	set_cause(out, row, o);
	cdp_out_set(out, row, COL_BEGIN_UNIX, "%llu", U64(o->begin));
	if (o->end)
		cdp_out_set(out, row, COL_END_UNIX, "%llu", U64(o->end));
	cdp_out_set(out, row, COL_MISSED_BYTES, "%llu", U64(n.missed_bytes));
	cdp_out_set(out, row, COL_COPIED_BYTES, "%llu", U64(n.copied_bytes));
	cdp_out_set(out, row, COL_UUID, "%s", cdp_uuid_print(&o->leg, uuid));
}

static void show_verify(const char *name)
{
	static struct cdp_pass p;
	char when[CDP_WHEN_TEXT], size[CDP_SIZE_TEXT];

	if (cdp_pass_load(name, &p)) {
		cdp_why_clear();
		return;
	}
	printf("verified %s: %s, %s compared, %u ranges differ\n", cdp_when_print(p.began, when),
	       cdp_pass_is_open(&p) ? "not finished" : cdp_pass_state_name(p.state),
	       cdp_size_print(p.compared * CDP_SECTOR_BYTES, size), p.nr);
}

static int show(const struct context *c, const char *name, const char *text)
{
	struct cdp_outage *list;
	struct cdp_out *out;
	int nr = cdp_history_outages(text, &list), i;

	if (nr < 0)
		return nr;
	out = cdp_out_new("outages", columns, ARRAY_SIZE(columns), cdp_opts.json);
	for (i = 0; i < nr; i++)
		add_row(out, c, &list[i]);
	if (!nr && !cdp_opts.json)
		cdp_note("no outage of %s is recorded (cdpctl monitor records them)", name);
	free(list);
	return cdp_out_print(out);
}

int cdp_cmd_history(int argc, char **argv)
{
	static struct context c;
	const char *name;
	char *text;
	int r;

	cdp_opts_parse(&argp, argc, argv, 1, 1);
	name = cdp_opts.words[0];
	if (!cdp_name_is_valid(name))
		return cdp_why(-ECDP_USAGE, "%s is no name for a set", name);
	if (cdp_conf_load(&c.conf, name) || cdp_stats_read(name, &c.stats))
		cdp_why_clear();
	cdp_history_seen(name, &c.seen);
	r = cdp_history_read(name, &text);
	if (!r)
		r = show(&c, name, text);
	if (!r && !cdp_opts.json)
		show_verify(name);
	free(text);
	return r;
}
