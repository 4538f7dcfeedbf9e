// SPDX-License-Identifier: GPL-2.0-or-later
#include "msg.h"
#include "out.h"
#include "pass-show.h"
#include "size.h"

enum { COL_FIRST, COL_LAST, COL_SIZE, COL_BYTES, COL_LEG, COL_UUID, COL_AGAINST, COL_AGAINST_UUID };

static const struct cdp_out_column columns[] = {
	[COL_FIRST] = { "first_byte", OUT_NUMBER },
	[COL_LAST] = { "last_byte", OUT_NUMBER },
	[COL_SIZE] = { "size", OUT_RIGHT | OUT_TABLE_ONLY },
	[COL_BYTES] = { "bytes", OUT_NUMBER | OUT_JSON_ONLY },
	[COL_LEG] = { "leg", OUT_NUMBER },
	[COL_UUID] = { "uuid", OUT_JSON_ONLY },
	[COL_AGAINST] = { "differs_from", OUT_NUMBER },
	[COL_AGAINST_UUID] = { "differs_from_uuid", OUT_JSON_ONLY },
};

#define BYTES(sectors)	((unsigned long long)(sectors) * CDP_SECTOR_BYTES)

static void set_leg(struct cdp_out *o, struct cdp_out_row *row, u32 column,
		    const struct cdp_conf *c, const struct cdp_uuid *uuid)
{
	char text[CDP_UUID_TEXT];
	u32 i;

	for (i = 0; i < c->nr_legs; i++)
		if (cdp_uuid_equal(&c->legs[i].uuid, uuid))
			cdp_out_set(o, row, column, "%u", i);
	cdp_out_set(o, row, column + 1, "%s", cdp_uuid_print(uuid, text));
}

static int show_diffs(const struct cdp_pass *p, const struct cdp_conf *c, bool json)
{
	struct cdp_out *o = cdp_out_new("differences", columns, ARRAY_SIZE(columns), json);
	char size[CDP_SIZE_TEXT];
	u32 i;

	for (i = 0; i < p->nr; i++) {
		const struct cdp_pass_diff *d = &p->diffs[i];
		struct cdp_out_row *row = cdp_out_row(o, NULL);

		cdp_out_set(o, row, COL_FIRST, "%llu", BYTES(d->first));
		cdp_out_set(o, row, COL_LAST, "%llu", BYTES(d->first + d->sectors) - 1);
		cdp_out_set(o, row, COL_SIZE, "%s", cdp_size_print(BYTES(d->sectors), size));
		cdp_out_set(o, row, COL_BYTES, "%llu", BYTES(d->sectors));
		set_leg(o, row, COL_LEG, c, &d->leg);
		set_leg(o, row, COL_AGAINST, c, &d->against);
	}
	return cdp_out_print(o);
}

/* One object a line: the pass, then its differences. */
static int show_json(const struct cdp_pass *p, const struct cdp_conf *c)
{
	printf("{\"state\":\"%s\",\"began_unix\":%llu,\"ended_unix\":%llu,\"from_byte\":%llu,\"to_byte\":%llu,\"position_byte\":%llu,\"compared_bytes\":%llu,\"skipped_bytes\":%llu,\"unreadable_bytes\":%llu,\"ranges\":%u}\n",
	       cdp_pass_state_name(p->state), (unsigned long long)p->began,
	       (unsigned long long)p->ended, BYTES(p->from), BYTES(p->to), BYTES(p->position),
	       BYTES(p->compared), BYTES(p->skipped), BYTES(p->unreadable), p->nr);
	return show_diffs(p, c, true);
}

int cdp_pass_show(const struct cdp_pass *p, const struct cdp_conf *c, bool json)
{
	char compared[CDP_SIZE_TEXT], when[CDP_WHEN_TEXT];

	if (json)
		return show_json(p, c);
	printf("%s, begun %s: %s compared, %u ranges differ\n", cdp_pass_state_name(p->state),
	       cdp_when_print(p->began, when), cdp_size_print(BYTES(p->compared), compared), p->nr);
	return p->nr ? show_diffs(p, c, false) : 0;
}
