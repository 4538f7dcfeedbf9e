// SPDX-License-Identifier: GPL-2.0
/* Bitmap pages (super.c): a page is only believed at its own place, whole and untouched. */
#include "unit.h"
#include "sample.h"

#define AT	70000ull
#define SLOT	3u

static struct cdp_uuid set;

static struct cdp_page_disk page(u64 seed, u64 sequence)
{
	struct cdp_page_disk d;
	u32 i;

	set = sample_uuid(9);
	for (i = 0; i < CDP_PAGE_WORDS; i++)
		cdp_page_put(&d, i, unit_random(&seed));
	cdp_page_seal(&d, &set, AT, BLOCK_TRACKER, SLOT, sequence);
	return d;
}

static const char *fault(const struct cdp_page_disk *d)
{
	const char *why;
	int r = cdp_page_check(d, &set, AT, BLOCK_TRACKER, SLOT, &why);

	must(r == (why ? -EILSEQ : 0), "%d", r);
	return why;
}

TEST(round_trip)
{
	struct cdp_page_disk d = page(1, 5), again = page(1, 5);
	u64 seed = 1;
	u32 i;

	must(!fault(&d), "sealed");
	must(le64_to_cpu(d.header.sequence) == 5, "sequence");
	for (i = 0; i < CDP_PAGE_WORDS; i++)
		must(cdp_page_get(&d, i) == unit_random(&seed), "word %u", i);
	must(!memcmp(&d, &again, sizeof(d)), "the same words make the same page");
	cdp_page_put(&d, 503, 0x0102030405060708ull);
	must(((u8 *)&d)[4095] == 1 && ((u8 *)&d)[4088] == 8, "little-endian, last word last");
	must(fault(&d), "altered and not sealed");
}

TEST(sealing_again)
{
	struct cdp_page_disk d = page(1, 5);

	memset(&d.header, 0xff, sizeof(d.header));
	cdp_page_seal(&d, &set, AT, BLOCK_TRACKER, SLOT, 6);
	must(!fault(&d) && le64_to_cpu(d.header.sequence) == 6, "header made anew");
}

TEST(every_flipped_bit_is_seen)
{
	struct cdp_page_disk d = page(2, 5);
	u8 *bytes = (u8 *)&d;
	u32 bit;

	for (bit = 0; bit < CDP_BLOCK_BYTES * 8; bit++) {
		bytes[bit / 8] ^= (u8)(1u << bit % 8);
		must(fault(&d), "bit %u", bit);
		bytes[bit / 8] ^= (u8)(1u << bit % 8);
	}
	must(!fault(&d), "unharmed");
}

static void check_torn(const struct cdp_page_disk *old, const struct cdp_page_disk *new)
{
	struct cdp_page_disk torn;
	u32 mask, i;

	for (mask = 1; mask < 255; mask++) {
		for (i = 0; i < 8; i++)
			memcpy((u8 *)&torn + i * 512,
			       (const u8 *)(mask >> i & 1 ? new : old) + i * 512, 512);
		must(fault(&torn) || !memcmp(&torn, old, sizeof(torn)) ||
		     !memcmp(&torn, new, sizeof(torn)), "sectors %02x", mask);
	}
}

TEST(torn_pages)
{
	struct cdp_page_disk old = page(3, 5), new = page(4, 6), one = old, blank;

	check_torn(&old, &new);
	cdp_page_put(&one, 400, 0);
	cdp_page_seal(&one, &set, AT, BLOCK_TRACKER, SLOT, 6);
	check_torn(&old, &one);
	check_torn(&one, &old);
	memset(&blank, 0, sizeof(blank));
	must(fault(&blank), "zeroed");
	check_torn(&blank, &new);
	check_torn(&new, &blank);
}

TEST(moved_pages)
{
	struct cdp_page_disk d = page(5, 5);
	struct cdp_uuid other = sample_uuid(8);
	const char *why;
	u32 i;

	static const struct {
		u64 block;
		enum cdp_block_kind kind;
		u32 slot;
	} rows[] = {
		{ AT + 1, BLOCK_TRACKER, SLOT },
		{ 0, BLOCK_TRACKER, SLOT },
		{ AT + (1ull << 32), BLOCK_TRACKER, SLOT },
		{ AT, BLOCK_INTENT, SLOT },
		{ AT, BLOCK_SUPER, SLOT },
		{ AT, BLOCK_TRACKER, SLOT + 1 },
		{ AT, BLOCK_TRACKER, 0 },
	};

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		must(cdp_page_check(&d, &set, rows[i].block, rows[i].kind, rows[i].slot, &why) ==
		     -EILSEQ, "row %u", i);
		must(strstr(why, "place"), "row %u: %s", i, why);
	}
	must(cdp_page_check(&d, &other, AT, BLOCK_TRACKER, SLOT, &why) == -EILSEQ, "other set");
	must(strstr(why, "another set"), "%s", why);
}

TEST(reserved_bytes)
{
	u32 i;

	for (i = 0; i < 8; i++) {
		struct cdp_page_disk d = page(6, 5);

		d.header.reserved[i] = 1;
		sample_reseal(&d);
		must(fault(&d) && strstr(fault(&d), "reserved"), "byte %u", i);
	}
}

TEST(no_superblock_is_a_page)
{
	struct cdp_super s;
	struct cdp_super_disk d;
	struct cdp_page_disk p;
	const char *why;

	sample_super(&s);
	cdp_super_encode(&s, &d);
	memcpy(&p, &d, sizeof(p));
	must(cdp_page_check(&p, &s.set_uuid, 0, BLOCK_INTENT, s.slot, &why) == -EILSEQ, "kind");
	cdp_page_seal(&p, &s.set_uuid, 0, BLOCK_INTENT, s.slot, s.sequence);
	memcpy(&d, &p, sizeof(d));
	must(cdp_super_decode(&d, 0, &s, &why) == SUPER_DAMAGED, "nor the other way round");
}

UNIT_MAIN("page", round_trip, sealing_again, every_flipped_bit_is_seen, torn_pages, moved_pages,
	  reserved_bytes, no_superblock_is_a_page)
