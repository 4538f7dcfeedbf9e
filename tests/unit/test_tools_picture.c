// SPDX-License-Identifier: GPL-2.0
/* The map of a set as it is drawn. */
#include "unit.h"
#include "picture.h"

static const struct cdp_picture sample = {
	.cells = "....cSsd..h.....????", .regions = 4000, .region_bytes = 65536,
};

static char *draw(const struct cdp_picture *p, u32 columns, bool colours)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	cdp_picture_draw(f, p, columns, colours);
	fclose(f);
	return text;
}

TEST(parts)
{
	must(!cdp_picture_start(&sample, 0) && cdp_picture_start(&sample, 1) == 200 * 65536, "start");
	must(cdp_picture_start(&sample, 20) == 4000 * 65536, "end");
	must(cdp_picture_run(&sample, 0) == 4 && cdp_picture_run(&sample, 4) == 5, "runs");
	must(cdp_picture_run(&sample, 16) == 20, "the last one");
}

/* Every letter of the kernel has a word of its own. */
TEST(words)
{
#define x(id, letter, meaning) must(strcmp(cdp_picture_word(letter), "unknown"), #id);
	CDP_MAP_MARKS(x)
#undef x
	must(!strcmp(cdp_picture_word('S'), "stale"), "stale from end to end");
	must(!strcmp(cdp_picture_word('s'), "partly-stale"), "and in part");
	must(!strcmp(cdp_picture_word('?'), "unknown"), "unknown");
}

TEST(lines)
{
	char *t = draw(&sample, 29, false);

	must(!strncmp(t, "       0 B  ....cSsd..h.....\n 200.0 MiB  ????\n", 46), "%s", t);
	must(strstr(t, ".   55.0%  in-sync") && strstr(t, "c    5.0%  being copied"),
	     "legend: %s", t);
	must(!strstr(t, "\033"), "no colour");
	free(t);
	t = draw(&sample, 1, true);
	must(strstr(t, "\033[32m....\033[0m\033[30;44mc\033[0m"), "in colours: %s", t);
	free(t);
}

TEST(cells)
{
	must(cdp_picture_cells(0) == 16 * 16 && cdp_picture_cells(80) == 67 * 16, "a screenful");
	must(cdp_picture_cells(1000) == CDP_MAP_CELLS, "at most");
}

UNIT_MAIN("picture", parts, words, lines, cells)
