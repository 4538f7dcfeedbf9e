// SPDX-License-Identifier: GPL-2.0
/* map.c: many regions condensed to one character. */
#include "unit.h"
#include "small_set.h"
#include "map.h"

/* One cell of [first, end), @budget extents at a time. */
static char letter(const struct small *m, u64 first, u64 end, u64 budget)
{
	struct cdp_map_cell cell = { 0 };
	u32 n = 0;

	while (first < end) {
		u64 next = cdp_map_scan(&m->s, first, end, budget, &cell);

		must(next > first && next <= end && ++n <= SMALL_EXTENTS, "goes on");
		first = next;
	}
	return cdp_map_letter(&cell);
}

static char whole(const struct small *m)
{
	char a = letter(m, 0, SMALL_REGIONS, 1), b = letter(m, 0, SMALL_REGIONS, 100);

	must(a == b, "in portions %c, at once %c", a, b);
	return a;
}

TEST(writes)
{
	struct cdp_io io = small_io(1, 0x10);
	struct small m;

	small_init(&m, 2);
	must(whole(&m) == '.', "nothing yet");
	small_mark(&m, 1);
	must(whole(&m) == '.', "marked, but not written to");
	must(cdp_write_begin(&m.s, &io) == VERDICT_GO, "a write");
	must(whole(&m) == 'h' && letter(&m, 68, 69, 1) == 'h', "under way");
	must(letter(&m, 69, 128, 1) == '.' && letter(&m, 0, 68, 1) == '.', "not beside it");
	must(cdp_write_end(&m.s, &io) == VERDICT_ACK, "taken");
	cdp_write_done(&m.s, &io);
	must(whole(&m) == 'h', "just now");
	m.extents[1] &= ~EXT_TOUCHED;
	must(whole(&m) == 'd', "a while ago");
}

TEST(stale)
{
	struct small m;

	small_init(&m, 2);
	m.s.legs[1].state = LEG_FAULTY;
	cdp_set_update(&m.s);
	cdp_track(&m.s, 1, 0, 0xf0);
	must(whole(&m) == 's' && letter(&m, 0, 64, 1) == 's', "some of it");
	must(letter(&m, 4, 8, 1) == 'S' && letter(&m, 7, 8, 1) == 'S', "all of it");
	must(letter(&m, 0, 4, 1) == '.' && letter(&m, 8, SMALL_REGIONS, 2) == '.', "none");
	must(letter(&m, 7, 9, 1) == 's', "the edge");
	cdp_track_from(&m.s, 1, 64);
	must(letter(&m, 64, SMALL_REGIONS, 1) == 'S', "to the end, where an extent is short");
}

/* What one leg lacks and what another lacks are all that the cell lacks. */
TEST(two_legs)
{
	struct small m;

	small_init(&m, 3);
	cdp_track(&m.s, 1, 0, 0x00ffffffffffffffull);
	cdp_track(&m.s, 2, 0, 0xff00000000000000ull);
	must(letter(&m, 0, 64, 1) == 'S' && letter(&m, 0, 65, 2) == 's', "together");
}

TEST(copies)
{
	struct small m;

	small_init(&m, 2);
	m.s.legs[1].state = LEG_STALE;
	m.s.durable = 1;
	cdp_track(&m.s, 1, 1, 0xff);
	cdp_set_update(&m.s);
	must(cdp_copy_start(&m.s) && cdp_copy_next(&m.s, 4, 10) == 0, "the first four");
	must(letter(&m, 64, 68, 1) == 'c' && letter(&m, 67, 69, 1) == 'c', "being copied");
	must(letter(&m, 68, 72, 1) == 'S' && letter(&m, 0, 64, 1) == '.', "and not the others");
	must(whole(&m) == 'c', "it shows in the whole");
	must(cdp_claim_drained(&m.s, 0), "goes");
	cdp_copy_end(&m.s, 0, true);
	must(letter(&m, 64, 68, 1) == '.' && letter(&m, 64, 72, 1) == 's', "what is copied is there");
}

UNIT_MAIN("map", writes, stale, two_legs, copies)
