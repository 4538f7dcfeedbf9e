// SPDX-License-Identifier: GPL-2.0-or-later
/* map: the set as a picture in the terminal. */
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd.h"
#include "dm.h"
#include "live.h"
#include "msg.h"
#include "opts.h"
#include "out.h"
#include "picture.h"
#include "size.h"

#define COLUMNS_ELSEWHERE	80u	/* where there is no terminal */

enum { OPT_CELLS = 256 };

static u32 cells;

static const struct argp_option options[] = {
	{ "cells", OPT_CELLS, "N", 0, "so many characters (at most 4096), not a screenful", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == OPT_CELLS) {
		cells = (u32)cdp_opts_number(state, "--cells", arg, CDP_MAP_CELLS);
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_JSON, { 0 } };

static const struct argp argp = {
	options, parse, "NAME",
	"Draw a set: each character is an equal part of it, and says the worst that holds for a region there. Exit status 4 when the set is not optimal.",
	children, NULL, NULL,
};

/*----------------------------------------------------------------*/

static u32 terminal_columns(void)
{
	struct winsize w;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) || !w.ws_col)
		return COLUMNS_ELSEWHERE;
	return w.ws_col;
}

enum { COL_START, COL_LENGTH, COL_STATE };

static const struct cdp_out_column columns[] = {
	[COL_START] = { "start_bytes", OUT_NUMBER },
	[COL_LENGTH] = { "length_bytes", OUT_NUMBER },
	[COL_STATE] = { "state", 0 },
};

/* A row for each run of equal cells. */
static int print_runs(const struct cdp_picture *p)
{
	struct cdp_out *out = cdp_out_new("map", columns, ARRAY_SIZE(columns), true);
	u64 cell, next, start;

	for (cell = 0; p->cells[cell]; cell = next) {
		struct cdp_out_row *row = cdp_out_row(out, NULL);

		next = cdp_picture_run(p, cell);
		start = cdp_picture_start(p, cell);
		cdp_out_set(out, row, COL_START, "%llu", (unsigned long long)start);
		cdp_out_set(out, row, COL_LENGTH, "%llu",
			    (unsigned long long)(cdp_picture_start(p, next) - start));
		cdp_out_set(out, row, COL_STATE, "%s", cdp_picture_word(p->cells[cell]));
	}
	return cdp_out_print(out);
}

static void draw(const struct cdp_live *s, const struct cdp_picture *p, u32 width)
{
	char size[CDP_SIZE_TEXT], cell[CDP_SIZE_TEXT];

	printf("%s: %s, %s; each character is %s\n", s->name,
	       cdp_health_name(s->status.health),
	       cdp_size_print(s->length * CDP_SECTOR_BYTES, size),
	       cdp_size_print(p->regions * p->region_bytes / strlen(p->cells), cell));
	cdp_picture_draw(stdout, p, width, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
}

static int show(const struct cdp_live *s)
{
	u32 width = terminal_columns();
	struct cdp_picture p = {
		.regions = s->status.legs[0].regions,
		.region_bytes = s->table.region_sectors * (u64)CDP_SECTOR_BYTES,
	};
	char request[32], *answer;
	int r;

	cdp_print(request, sizeof(request), "map %u", cells ? cells : cdp_picture_cells(width));
	r = cdp_dm_message(s->name, request, &answer);
	p.cells = answer;
	if (!r && !*answer)
		r = cdp_why(-EPROTO, "%s: the kernel answers no map", s->name);
	if (!r && cdp_opts.json)
		r = print_runs(&p);
	else if (!r)
		draw(s, &p, width);
	free(answer);
	return r;
}

int cdp_cmd_map(int argc, char **argv)
{
	struct cdp_live s;
	int r;

	cdp_opts_parse(&argp, argc, argv, 1, 1);
	r = cdp_live_open(&s, cdp_opts.words[0]);
	if (!r)
		r = show(&s);
	if (!r && s.status.health != HEALTH_OPTIMAL)
		r = -ECDP_DEGRADED;
	cdp_live_close(&s);
	return r;
}
