// SPDX-License-Identifier: GPL-2.0-or-later
#include "picture.h"
#include "size.h"

#define MARGIN		13u	/* where a line begins, and a blank on either side */
#define LINES		16u
#define LEAST_WIDTH	16u
#define COLOUR_OFF	"\033[0m"

/* In the order of enum cdp_map_mark; the letters and what they mean are the kernel's. */
static const struct mark {
	char letter;
	const char *meaning;
} marks[MAP_MARKS] = {
#define x(id, c, means) [MAP_##id] = { c, means },
	CDP_MAP_MARKS(x)
#undef x
};

static const char *const words[MAP_MARKS] = {
	[MAP_COPYING] = "copying", [MAP_ABSENT] = "stale", [MAP_STALE] = "partly-stale",
	[MAP_HOT] = "hot", [MAP_DIRTY] = "dirty", [MAP_IN_SYNC] = "in-sync",
};

static const char *const colours[MAP_MARKS] = {
	[MAP_COPYING] = "\033[30;44m", [MAP_ABSENT] = "\033[30;41m", [MAP_STALE] = "\033[31m",
	[MAP_HOT] = "\033[33m", [MAP_DIRTY] = "\033[36m", [MAP_IN_SYNC] = "\033[32m",
};

static u32 width_of(u32 columns)
{
	return columns < MARGIN + LEAST_WIDTH ? LEAST_WIDTH : columns - MARGIN;
}

u32 cdp_picture_cells(u32 columns)
{
	u32 cells = width_of(columns) * LINES;

	return cells < CDP_MAP_CELLS ? cells : CDP_MAP_CELLS;
}

u64 cdp_picture_start(const struct cdp_picture *p, u64 cell)
{
	return cell * p->regions / strlen(p->cells) * p->region_bytes;
}

u64 cdp_picture_run(const struct cdp_picture *p, u64 cell)
{
	u64 end = cell;

	while (p->cells[end] && p->cells[end] == p->cells[cell])
		end++;
	return end;
}

static int find_mark(char letter)
{
	int i;

	for (i = 0; i < MAP_MARKS; i++)
		if (marks[i].letter == letter)
			return i;
	return -1;
}

const char *cdp_picture_word(char letter)
{
	int i = find_mark(letter);

	return i < 0 ? "unknown" : words[i];
}

static void draw_run(FILE *f, char letter, u64 nr, bool with_colour)
{
	int i = find_mark(letter);

	if (with_colour && i >= 0)
		fputs(colours[i], f);
	while (nr--)
		fputc(letter, f);
	if (with_colour && i >= 0)
		fputs(COLOUR_OFF, f);
}

static void draw_line(FILE *f, const struct cdp_picture *p, u64 cell, u64 end, bool with_colour)
{
	char at[CDP_SIZE_TEXT];

	fprintf(f, "%*s  ", (int)MARGIN - 3, cdp_size_print(cdp_picture_start(p, cell), at));
	while (cell < end) {
		u64 next = cdp_picture_run(p, cell);

		if (next > end)
			next = end;
		draw_run(f, p->cells[cell], next - cell, with_colour);
		cell = next;
	}
	fputc('\n', f);
}

/* Only of what is there. */
static void draw_legend(FILE *f, const struct cdp_picture *p, bool with_colour)
{
	size_t cells = strlen(p->cells), n;
	const char *c;
	int i;

	for (i = MAP_MARKS - 1; i >= 0; i--) {
		for (n = 0, c = p->cells; *c; c++)
			n += *c == marks[i].letter;
		if (!n)
			continue;
		fprintf(f, "%*s  ", (int)MARGIN - 3, "");
		draw_run(f, marks[i].letter, 1, with_colour);
		fprintf(f, "  %5.1f%%  %s\n", 100.0 * (double)n / (double)cells, marks[i].meaning);
	}
}

void cdp_picture_draw(FILE *f, const struct cdp_picture *p, u32 columns, bool with_colour)
{
	u64 width = width_of(columns), cells = strlen(p->cells), cell;

	for (cell = 0; cell < cells; cell += width)
		draw_line(f, p, cell, cell + width < cells ? cell + width : cells, with_colour);
	draw_legend(f, p, with_colour);
}
