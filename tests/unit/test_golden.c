// SPDX-License-Identifier: GPL-2.0
/*
 * Metadata written by version 1 of the format is read for ever, and version 1
 * is still written as it was. Run from the top of the tree.
 * GOLDEN_WRITE=FILE build/unit/test_golden writes what the code makes today.
 */
#include "unit.h"
#include "golden.h"

#define FILE_V1	"tests/data/area-v1.hex"

static u8 area[GOLDEN_BYTES];

static void load(void)
{
	int r = golden_read(area, FILE_V1);

	must(!r, "%s: %s", FILE_V1, strerror(-r));
}

static void *block(u64 n)
{
	return area + n * CDP_BLOCK_BYTES;
}

static enum cdp_super_kind choose(struct cdp_super *s, const char **why)
{
	return cdp_super_choose(block(0), block(1), s, why);
}

TEST(is_still_written)
{
	const char *out = getenv("GOLDEN_WRITE");
	u8 *made = malloc(GOLDEN_BYTES);
	u32 i;

	golden_make(made);
	if (out)
		must(!golden_write(made, out), "%s", out);
	load();
	for (i = 0; i < GOLDEN_BYTES; i++)
		must(made[i] == area[i], "block %u, byte %u: %02x, was %02x",
		     i / CDP_BLOCK_BYTES, i % CDP_BLOCK_BYTES, made[i], area[i]);
	free(made);
}

TEST(superblock_is_read)
{
	struct cdp_super s, want;
	const char *why;

	load();
	must(choose(&s, &why) == SUPER_VALID, "%s", why);
	golden_super(&want);
	must(!memcmp(&s, &want, sizeof(s)), "what golden_super() says");
	must(s.sequence == 6 && s.generation == 0x1122334455667788ull, "and in numbers");
	must(s.legs[2].state == DISK_LEG_STALE && s.flags == CDP_SUPER_CLEAN, "and in numbers");
}

static void check_page(u64 at, enum cdp_block_kind kind, u32 slot, u32 page)
{
	const struct cdp_page_disk *d = block(at);
	struct cdp_uuid set = sample_uuid(9);
	const char *why;
	u32 i;

	must(!cdp_page_check(d, &set, at, kind, slot, &why), "block %u: %s", (u32)at, why);
	for (i = 0; i < CDP_PAGE_WORDS; i++)
		must(cdp_page_get(d, i) == golden_word(kind, slot, page, i), "block %u word %u",
		     (u32)at, i);
}

TEST(pages_are_read)
{
	u32 slot, page;

	load();
	check_page(2, BLOCK_INTENT, 0, 0);
	for (page = 0; page < 2; page++)
		for (slot = 0; slot < 4; slot++)
			check_page(3 + page * 4 + slot, BLOCK_TRACKER, slot, page);
}

/* Places that other programs (blkid) may know: they do not move. */
TEST(bytes_at_their_places)
{
	const u8 *a;
	u32 i;

	load();
	a = block(0);
	must(!memcmp(a, "dmcdp001", 8), "magic");
	for (i = 0; i < 16; i++)
		must(a[24 + i] == 0x90 + i && a[64 + i] == 0x20 + i, "set and leg UUID");
	must(a[40] == 6 && a[48] == BLOCK_SUPER && a[52] == 1, "sequence, kind, slot");
	must(a[80] == 1, "version");
	must(a[96] == 0xfc && a[97] == 0xf0 && a[98] == 3, "data_sectors");
	must(a[152] == 0x88 && a[159] == 0x11, "generation");
	must(a[512] == 0x10 && a[512 + 2 * 64 + 40] == DISK_LEG_STALE, "leg table");
}

/*
 * Evil ones, each made from the good one.
 */

static void zero_newer(void)
{
	memset(block(0), 0, CDP_BLOCK_BYTES);
}

static void tear_newer(void)
{
	memset(area + 512, 0, 512);
}

static void zero_both(void)
{
	memset(block(0), 0, 2ul * CDP_BLOCK_BYTES);
}

static void exchange(void)
{
	u8 a[CDP_BLOCK_BYTES];

	memcpy(a, block(0), sizeof(a));
	memcpy(block(0), block(1), sizeof(a));
	memcpy(block(1), a, sizeof(a));
}

static void partition_table(void)
{
	zero_both();
	area[510] = 0x55;
	area[511] = 0xaa;
}

static void shift_by_a_sector(void)
{
	memmove(area + 512, area, GOLDEN_BYTES - 512);
	memset(area, 0, 512);
}

static void page_over_newer(void)
{
	memcpy(block(0), block(2), CDP_BLOCK_BYTES);
}

static void page_over_both(void)
{
	page_over_newer();
	memcpy(block(1), block(3), CDP_BLOCK_BYTES);
}

static void later_format(void)
{
	struct cdp_super_disk *d = block(0);

	d->incompat = cpu_to_le32(1);
	sample_reseal(d);
}

static void twin_of_another_set(void)
{
	struct cdp_super_disk *d = block(1);

	d->header.set_uuid[0] ^= 1;
	sample_reseal(d);
}

static void wrong_endian(void)
{
	u8 *a = block(0), t[4];

	memcpy(t, a + 80, 4);
	a[80] = t[3];
	a[83] = t[0];
	sample_reseal(a);
}

TEST(evil_areas)
{
	static const struct {
		void (*make)(void);
		enum cdp_super_kind kind;
		u64 sequence;
		const char *name;
	} rows[] = {
		{ zero_newer, SUPER_VALID, 5, "newer zeroed" },
		{ tear_newer, SUPER_VALID, 5, "newer torn" },
		{ page_over_newer, SUPER_VALID, 5, "a page written over the newer" },
		{ zero_both, SUPER_BLANK, 0, "both zeroed" },
		{ exchange, SUPER_DAMAGED, 0, "A and B exchanged" },
		{ page_over_both, SUPER_DAMAGED, 0, "pages written over both" },
		{ partition_table, SUPER_FOREIGN, 0, "an MBR" },
		{ shift_by_a_sector, SUPER_FOREIGN, 0, "read from a wrong start" },
		{ later_format, SUPER_UNSUPPORTED, 0, "a later format" },
		{ wrong_endian, SUPER_UNSUPPORTED, 0, "version in big-endian" },
		{ twin_of_another_set, SUPER_DAMAGED, 0, "B of another set" },
	};
	struct cdp_super s;
	const char *why;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		enum cdp_super_kind kind;

		load();
		rows[i].make();
		kind = choose(&s, &why);
		must(kind == rows[i].kind, "%s: %d (%s)", rows[i].name, kind, why ? why : "");
		must(kind != SUPER_VALID || s.sequence == rows[i].sequence, "%s", rows[i].name);
	}
}

UNIT_MAIN("golden", is_still_written, superblock_is_read, pages_are_read, bytes_at_their_places,
	  evil_areas)
