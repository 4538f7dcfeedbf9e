// SPDX-License-Identifier: GPL-2.0
/* super.c: what is written is read back, and nothing else is believed. */
#include "unit.h"
#include "sample.h"

static struct cdp_super_disk sample_block(void)
{
	struct cdp_super_disk d;
	struct cdp_super s;

	sample_super(&s);
	cdp_super_encode(&s, &d);
	return d;
}

static bool same_block(const void *a, const void *b)
{
	return !memcmp(a, b, CDP_BLOCK_BYTES);
}

static bool same_super(const struct cdp_super *a, const struct cdp_super *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static void flip(void *block, u32 bit)
{
	((u8 *)block)[bit / 8] ^= (u8)(1u << (bit % 8));
}

/*
 * UUIDs.
 */

TEST(uuids)
{
	const char *text = "00112233-4455-6677-8899-aabbccddeeff";
	const char *upper = "00112233-4455-6677-8899-AABBCCDDEEFF";
	struct cdp_uuid a, b;
	char buf[CDP_UUID_TEXT];
	u64 seed = 1;
	u32 i, k;

	must(!cdp_uuid_parse(text, &a) && !cdp_uuid_parse(upper, &b), "both cases");
	must(cdp_uuid_equal(&a, &b) && a.b[0] == 0 && a.b[1] == 0x11 && a.b[15] == 0xff, "bytes");
	must(cdp_uuid_print(&a, buf) == buf && !strcmp(buf, text), "%s", buf);
	for (i = 0; i < 1000; i++) {
		for (k = 0; k < CDP_UUID_BYTES; k++)
			a.b[k] = (u8)unit_random(&seed);
		must(!cdp_uuid_parse(cdp_uuid_print(&a, buf), &b), "%s", buf);
		must(cdp_uuid_equal(&a, &b) && !cdp_uuid_is_null(&a), "%s", buf);
	}
	memset(&a, 0, sizeof(a));
	must(cdp_uuid_is_null(&a), "all zero");
	must(!cdp_uuid_parse("00000000-0000-0000-0000-000000000000", &b), "all zero");
	a.b[15] = 1;
	must(!cdp_uuid_is_null(&a) && !cdp_uuid_equal(&a, &b), "last byte counts");
}

TEST(malformed_uuids)
{
	static const char *const rows[] = {
		"", "-", "0", "00112233", "00112233-4455-6677-8899-aabbccddeef",
		"00112233-4455-6677-8899-aabbccddeeff0", "00112233-4455-6677-8899-aabbccddeeff ",
		" 0112233-4455-6677-8899-aabbccddeeff", "00112233445566778899aabbccddeeff",
		"00112233-4455-6677-8899aabbccddeeff-", "0011223-34455-6677-8899-aabbccddeeff",
		"g0112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeefg",
		"00112233_4455-6677-8899-aabbccddeeff", "{0112233-4455-6677-8899-aabbccddeef}",
	};
	const char *text = "00112233-4455-6677-8899-aabbccddeeff";
	struct cdp_uuid u;
	bool good;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		must(cdp_uuid_parse(rows[i], &u) == -EINVAL, "'%s'", rows[i]);
	for (i = 0; i < 36; i++) {
		char *cut = strndup(text, i);

		must(cdp_uuid_parse(cut, &u) == -EINVAL, "'%s'", cut);
		free(cut);
	}
	for (i = 0; i < 36 * 256; i++) {
		char buf[CDP_UUID_TEXT];
		char c = (char)(i % 256);

		strcpy(buf, text);
		buf[i / 256] = c;
		good = text[i / 256] == '-' ? c == '-' : c && strchr("0123456789abcdefABCDEF", c);
		must((cdp_uuid_parse(buf, &u) == 0) == good, "place %u, %d", i / 256, c);
	}
}

/*
 * Superblock: there and back.
 */

static void random_super(struct cdp_super *s, u64 *seed)
{
	u32 i, k;

	sample_super(s);
	s->trackers = 4 + unit_below(seed, 5);
	s->region_sectors = 8u << unit_below(seed, 13);
	s->data_sectors = 1 + unit_below(seed, 1u << 30);
	s->data_start = unit_random(seed);
	s->logical_block_bytes = 512u << unit_below(seed, 8);
	s->sequence = unit_random(seed) | 2;
	s->generation = unit_random(seed) | 1;
	s->created = unit_random(seed);
	s->updated = unit_random(seed);
	s->flags = unit_below(seed, 2);
	s->compat = (u32)unit_random(seed);
	s->ro_compat = (u32)unit_random(seed);
	for (i = 0; i < CDP_ANCESTORS; i++)
		s->ancestors[i] = unit_random(seed);
	for (i = 0; i < s->trackers; i++) {
		for (k = 0; k < CDP_UUID_BYTES; k++)
			s->legs[i].uuid.b[k] = (u8)unit_random(seed);
		s->legs[i].state = 1 + unit_below(seed, 3);
		s->legs[i].order = (u32)unit_random(seed);
		s->legs[i].generation = unit_random(seed);
		s->legs[i].sequence = unit_random(seed);
		s->legs[i].changed = unit_random(seed);
	}
	s->slot = unit_below(seed, s->trackers);
	s->leg_uuid = s->legs[s->slot].uuid;
	s->preferred = s->legs[0].uuid;
}

TEST(round_trip)
{
	struct cdp_super s, back;
	struct cdp_super_disk d, again;
	const char *why;
	u64 seed = 3;
	u32 i;

	for (i = 0; i < 20000; i++) {
		random_super(&s, &seed);
		memset(&d, 0xaa, sizeof(d));
		cdp_super_encode(&s, &d);
		must(cdp_super_decode(&d, cdp_super_block(s.sequence), &back, &why) == SUPER_VALID,
		     "%u: %s", i, why);
		must(!why && same_super(&s, &back), "%u", i);
		cdp_super_encode(&back, &again);
		must(same_block(&d, &again), "%u", i);
	}
}

TEST(blocks_take_turns)
{
	must(cdp_super_block(0) == 0 && cdp_super_block(1) == 1, "lowest bit");
	must(cdp_super_block(2) == 0 && cdp_super_block(~0ull) == 1, "lowest bit");
}

/*
 * Superblock: damage.
 */

TEST(every_flipped_bit_is_seen)
{
	struct cdp_super_disk d = sample_block();
	enum cdp_super_kind kind;
	struct cdp_super s;
	const char *why;
	u32 bit;

	for (bit = 0; bit < CDP_BLOCK_BYTES * 8; bit++) {
		flip(&d, bit);
		kind = cdp_super_decode(&d, 0, &s, &why);
		must(kind == (bit < 64 ? SUPER_FOREIGN : SUPER_DAMAGED) && why, "bit %u", bit);
		flip(&d, bit);
	}
	must(cdp_super_decode(&d, 0, &s, &why) == SUPER_VALID, "unharmed");
}

/* With a right checksum: a bit is either refused or it arrives; none is ignored. */
TEST(no_bit_is_ignored)
{
	struct cdp_super_disk d = sample_block(), again;
	struct cdp_super sample, s;
	const char *why;
	u32 bit, valid = 0;

	sample_super(&sample);
	for (bit = 16 * 8; bit < CDP_BLOCK_BYTES * 8; bit++) {
		flip(&d, bit);
		sample_reseal(&d);
		if (cdp_super_decode(&d, 0, &s, &why) == SUPER_VALID) {
			valid++;
			cdp_super_encode(&s, &again);
			must(!same_super(&s, &sample), "bit %u", bit);
			must(same_block(&d, &again), "bit %u", bit);
		} else {
			must(why, "bit %u", bit);
		}
		flip(&d, bit);
	}
	must(valid > 1000, "only %u bits left the block valid", valid);
}

/* A write cut short leaves any of its eight sectors old, the rest new. */
static u32 tear(const u8 *old, const u8 *new, u8 *out, u32 sectors)
{
	u32 i;

	for (i = 0; i < 8; i++)
		memcpy(out + i * 512, (sectors >> i & 1 ? new : old) + i * 512, 512);
	return same_block(out, old) || same_block(out, new);
}

static void check_torn(const struct cdp_super_disk *old, const struct cdp_super_disk *new)
{
	struct cdp_super_disk torn;
	struct cdp_super s;
	const char *why;
	u32 sectors, whole;

	for (sectors = 0; sectors < 256; sectors++) {
		whole = tear((const u8 *)old, (const u8 *)new, (u8 *)&torn, sectors);
		must(whole || cdp_super_decode(&torn, 0, &s, &why) != SUPER_VALID,
		     "sectors %02x", sectors);
	}
}

TEST(torn_superblocks)
{
	struct cdp_super s;
	struct cdp_super_disk old, new, junk;

	sample_super(&s);
	cdp_super_encode(&s, &old);
	s.sequence += 2;
	cdp_super_encode(&s, &new);
	check_torn(&old, &new);
	s.legs[0].state = DISK_LEG_FAULTY;
	s.legs[1].sequence = s.sequence;
	cdp_super_mint(&s, 77);
	cdp_super_encode(&s, &new);
	check_torn(&old, &new);
	memset(&junk, 0, sizeof(junk));
	check_torn(&junk, &new);
	check_torn(&new, &junk);
	memset(&junk, 0xff, sizeof(junk));
	check_torn(&junk, &new);
	check_torn(&new, &junk);
}

TEST(lost_superblocks)
{
	struct cdp_super_disk d, other = sample_block();
	struct cdp_super s;
	const char *why;
	u32 i;

	memset(&d, 0, sizeof(d));
	must(cdp_super_decode(&d, 0, &s, &why) == SUPER_BLANK && why, "zeroed");
	for (i = 0; i < CDP_BLOCK_BYTES; i++) {
		/* a first superblock that was torn may leave its second sector alone */
		enum cdp_super_kind kind = i / 512 == 1 ? SUPER_BLANK : SUPER_FOREIGN;

		((u8 *)&d)[i] = 1;
		must(cdp_super_decode(&d, 0, &s, &why) == kind, "byte %u", i);
		((u8 *)&d)[i] = 0;
	}
	memset(&d, 0xff, sizeof(d));
	must(cdp_super_decode(&d, 0, &s, &why) == SUPER_FOREIGN, "erased flash");
	must(cdp_super_decode(&other, 1, &s, &why) == SUPER_DAMAGED, "A where B belongs");
	must(strstr(why, "place"), "%s", why);
}

/*
 * Superblock: wrong although its checksum is right.
 */

static void set_le32(struct cdp_super_disk *d, size_t at, u32 v)
{
	__le32 le = cpu_to_le32(v);

	memcpy((u8 *)d + at, &le, sizeof(le));
}

#define SUPER(field)	offsetof(struct cdp_super_disk, field)
#define LEG(n, field)	(SUPER(legs) + 64 * (n) + offsetof(struct cdp_leg_disk, field))

TEST(impossible_fields)
{
	static const struct {
		size_t at;
		u32 value;
		enum cdp_super_kind kind;
		const char *word;
	} rows[] = {
		{ SUPER(header.kind), 0, SUPER_DAMAGED, "place" },
		{ SUPER(header.kind), BLOCK_INTENT, SUPER_DAMAGED, "place" },
		{ SUPER(header.kind), BLOCK_TRACKER, SUPER_DAMAGED, "place" },
		{ SUPER(header.block), 1, SUPER_DAMAGED, "place" },
		{ SUPER(header.block), 2, SUPER_DAMAGED, "place" },
		{ SUPER(header.sequence), 7, SUPER_DAMAGED, "place" },
		{ SUPER(header.sequence), 0, SUPER_DAMAGED, "identity" },
		{ SUPER(header.slot), 0, SUPER_DAMAGED, "own leg table" },
		{ SUPER(header.slot), 3, SUPER_DAMAGED, "own leg table" },
		{ SUPER(header.slot), 8, SUPER_DAMAGED, "own leg table" },
		{ SUPER(header.slot), ~0u, SUPER_DAMAGED, "own leg table" },
		{ SUPER(header.reserved), 1, SUPER_DAMAGED, "reserved" },
		{ SUPER(leg_uuid), 1, SUPER_DAMAGED, "own leg table" },
		{ SUPER(version), 0, SUPER_UNSUPPORTED, "later" },
		{ SUPER(version), 2, SUPER_UNSUPPORTED, "later" },
		{ SUPER(compat), 1, SUPER_VALID, NULL },
		{ SUPER(ro_compat), 1, SUPER_VALID, NULL },
		{ SUPER(incompat), 1, SUPER_UNSUPPORTED, "later" },
		{ SUPER(incompat), 1u << 31, SUPER_UNSUPPORTED, "later" },
		{ SUPER(extent_regions), 32, SUPER_UNSUPPORTED, "later" },
		{ SUPER(data_sectors), 0, SUPER_DAMAGED, "size of the set" },
		{ SUPER(data_sectors) + 4, 1u << 10, SUPER_DAMAGED, "size of the set" },
		{ SUPER(region_sectors), 0, SUPER_DAMAGED, "region size" },
		{ SUPER(region_sectors), 100, SUPER_DAMAGED, "region size" },
		{ SUPER(region_sectors), 65536, SUPER_DAMAGED, "region size" },
		{ SUPER(trackers), 0, SUPER_DAMAGED, "trackers" },
		{ SUPER(trackers), 3, SUPER_DAMAGED, "trackers" },
		{ SUPER(trackers), 9, SUPER_DAMAGED, "trackers" },
		{ SUPER(logical_block_bytes), 0, SUPER_DAMAGED, "logical block" },
		{ SUPER(logical_block_bytes), 256, SUPER_DAMAGED, "logical block" },
		{ SUPER(logical_block_bytes), 520, SUPER_DAMAGED, "logical block" },
		{ SUPER(logical_block_bytes), 131072, SUPER_DAMAGED, "logical block" },
		{ SUPER(logical_block_bytes), 4096, SUPER_VALID, NULL },
		{ SUPER(flags), 0, SUPER_VALID, NULL },
		{ SUPER(flags), 2, SUPER_DAMAGED, "flags" },
		{ SUPER(flags), 1u << 31, SUPER_DAMAGED, "flags" },
		{ SUPER(reserved0), 1, SUPER_DAMAGED, "reserved" },
		{ SUPER(reserved1), 1, SUPER_DAMAGED, "reserved" },
		{ SUPER(reserved2) + 3068, 1u << 31, SUPER_DAMAGED, "reserved" },
		{ LEG(7, reserved) + 12, 1u << 31, SUPER_DAMAGED, "reserved" },
		{ LEG(0, state), 4, SUPER_DAMAGED, "unknown state" },
		{ LEG(7, state), ~0u, SUPER_DAMAGED, "unknown state" },
		{ LEG(1, state), DISK_LEG_UNUSED, SUPER_DAMAGED, "own leg table" },
		{ LEG(1, state), DISK_LEG_STALE, SUPER_VALID, NULL },
		{ LEG(3, state), DISK_LEG_STALE, SUPER_DAMAGED, "without a UUID" },
		{ LEG(4, state), DISK_LEG_STALE, SUPER_DAMAGED, "than trackers" },
	};
	struct cdp_super s;
	const char *why;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cdp_super_disk d = sample_block();
		enum cdp_super_kind kind;

		set_le32(&d, rows[i].at, rows[i].value);
		sample_reseal(&d);
		kind = cdp_super_decode(&d, 0, &s, &why);
		must(kind == rows[i].kind, "row %u: %d %s", i, kind, why ? why : "");
		must(!why == !rows[i].word, "row %u", i);
		must(!why || strstr(why, rows[i].word), "row %u: %s", i, why);
	}
}

static const char *why_not(const struct cdp_super *s)
{
	struct cdp_super_disk d;
	struct cdp_super back;
	const char *why;

	cdp_super_encode(s, &d);
	cdp_super_decode(&d, cdp_super_block(s->sequence), &back, &why);
	return why ? why : "";
}

TEST(impossible_identities)
{
	struct cdp_super s;

	sample_super(&s);
	must(!*why_not(&s), "the sample");
	memset(&s.set_uuid, 0, sizeof(s.set_uuid));
	must(strstr(why_not(&s), "identity"), "set without UUID");
	sample_super(&s);
	s.generation = 0;
	must(strstr(why_not(&s), "identity"), "no generation");
	sample_super(&s);
	s.legs[2].uuid = s.legs[0].uuid;
	must(strstr(why_not(&s), "twice"), "a leg twice");
	s.legs[2].state = DISK_LEG_UNUSED;
	must(!*why_not(&s), "an unused entry may hold anything");
	sample_super(&s);
	memset(&s.legs[1].uuid, 0, sizeof(s.legs[1].uuid));
	memset(&s.leg_uuid, 0, sizeof(s.leg_uuid));
	must(strstr(why_not(&s), "without a UUID"), "leg without UUID");
	sample_super(&s);
	s.slot = 2;
	must(strstr(why_not(&s), "own leg table"), "another leg's slot");
}

/*
 * Superblock A or B.
 */

enum block { BLANK, OLD, NEW, DAMAGED, FOREIGN, LATER, OTHER_SET, OTHER_LEG, BLOCKS };

/* OLD and NEW have sequences so that they belong to block @at. */
static struct cdp_super_disk make_block(enum block b, u32 at)
{
	struct cdp_super_disk d;
	struct cdp_super s;

	sample_super(&s);
	s.sequence = (b == NEW ? 20 : 10) + at;
	if (b == OTHER_SET)
		s.set_uuid = sample_uuid(12);
	if (b == OTHER_LEG) {
		s.slot = 0;
		s.leg_uuid = s.legs[0].uuid;
	}
	if (b == LATER)
		s.incompat = 4;
	cdp_super_encode(&s, &d);
	if (b == DAMAGED)
		flip(&d, 20000);
	if (b == FOREIGN)
		memset(&d, 'X', sizeof(d));
	if (b == BLANK)
		memset(&d, 0, sizeof(d));
	return d;
}

static bool is_whole(enum block b)
{
	return b == OLD || b == NEW;
}

TEST(choose)
{
	static const struct {
		enum block a, b;
		enum cdp_super_kind kind;
		u64 sequence;	/* of what is chosen: block A has even ones */
	} rows[] = {
		{ OLD, NEW, SUPER_VALID, 21 },
		{ NEW, OLD, SUPER_VALID, 20 },
		{ OLD, OLD, SUPER_VALID, 11 },
		{ NEW, NEW, SUPER_VALID, 21 },
		{ OLD, DAMAGED, SUPER_VALID, 10 },
		{ DAMAGED, OLD, SUPER_VALID, 11 },
		{ OLD, BLANK, SUPER_VALID, 10 },
		{ BLANK, OLD, SUPER_VALID, 11 },
		{ OLD, FOREIGN, SUPER_VALID, 10 },
		{ FOREIGN, OLD, SUPER_VALID, 11 },
		{ BLANK, BLANK, SUPER_BLANK, 0 },
		{ BLANK, DAMAGED, SUPER_DAMAGED, 0 },
		{ DAMAGED, BLANK, SUPER_DAMAGED, 0 },
		{ DAMAGED, DAMAGED, SUPER_DAMAGED, 0 },
		{ BLANK, FOREIGN, SUPER_FOREIGN, 0 },
		{ FOREIGN, BLANK, SUPER_FOREIGN, 0 },
		{ FOREIGN, FOREIGN, SUPER_FOREIGN, 0 },
		{ DAMAGED, FOREIGN, SUPER_FOREIGN, 0 },
		{ FOREIGN, DAMAGED, SUPER_FOREIGN, 0 },
		{ LATER, LATER, SUPER_UNSUPPORTED, 0 },
		{ LATER, BLANK, SUPER_UNSUPPORTED, 0 },
		{ BLANK, LATER, SUPER_UNSUPPORTED, 0 },
		{ LATER, DAMAGED, SUPER_UNSUPPORTED, 0 },
		{ FOREIGN, LATER, SUPER_UNSUPPORTED, 0 },
		/* later software wrote one block, our own older commit is the other */
		{ LATER, OLD, SUPER_UNSUPPORTED, 0 },
		{ OLD, LATER, SUPER_UNSUPPORTED, 0 },
		{ LATER, NEW, SUPER_UNSUPPORTED, 0 },
		{ NEW, LATER, SUPER_UNSUPPORTED, 0 },
		/* each whole by itself, but not twins */
		{ OTHER_SET, NEW, SUPER_DAMAGED, 0 },
		{ NEW, OTHER_SET, SUPER_DAMAGED, 0 },
		{ OTHER_LEG, NEW, SUPER_DAMAGED, 0 },
		{ NEW, OTHER_LEG, SUPER_DAMAGED, 0 },
	};
	const char *why;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cdp_super_disk a = make_block(rows[i].a, 0), b = make_block(rows[i].b, 1);
		struct cdp_super s;
		enum cdp_super_kind kind = cdp_super_choose(&a, &b, &s, &why);

		must(kind == rows[i].kind, "row %u: %d", i, kind);
		/* of a twin that is not valid it is told, too */
		must(!why == (is_whole(rows[i].a) && is_whole(rows[i].b)), "row %u: %s", i,
		     why ? why : "-");
		must(kind != SUPER_VALID || s.sequence == rows[i].sequence, "row %u: %llu", i,
		     (unsigned long long)s.sequence);
	}
}

TEST(exchanged_superblocks)
{
	struct cdp_super_disk a = make_block(OLD, 0), b = make_block(NEW, 1);
	struct cdp_super s;
	const char *why;

	must(cdp_super_choose(&b, &a, &s, &why) == SUPER_DAMAGED, "A and B swapped");
	must(strstr(why, "place"), "%s", why);
	must(cdp_super_choose(&a, &a, &s, &why) == SUPER_VALID && s.sequence == 10, "A twice");
}

/*
 * History.
 */

TEST(find)
{
	struct cdp_uuid none = sample_uuid(8);
	struct cdp_super s;
	int i;

	sample_super(&s);
	for (i = 0; i < 3; i++)
		must(cdp_super_find(&s, &s.legs[i].uuid) == i, "leg %d", i);
	must(cdp_super_find(&s, &none) == -1, "no leg of ours");
	memset(&none, 0, sizeof(none));
	must(cdp_super_find(&s, &none) == -1, "unused entries are not found");
	none = s.legs[2].uuid;
	s.legs[2].state = DISK_LEG_UNUSED;
	must(cdp_super_find(&s, &none) == -1, "nor is what they held");
	s.legs[7] = s.legs[0];
	s.legs[7].uuid = none;
	must(cdp_super_find(&s, &none) == 7, "the last entry");
}

TEST(generations)
{
	struct cdp_super s;
	u64 n, k;

	sample_super(&s);
	memset(s.ancestors, 0, sizeof(s.ancestors));
	s.generation = 100;
	must(!cdp_super_descends(&s, 0) && !cdp_super_descends(&s, 100), "no ancestors");
	for (n = 1; n <= 40; n++) {
		cdp_super_mint(&s, 100 + n);
		must(s.generation == 100 + n, "the current one");
		must(!cdp_super_descends(&s, 100 + n) && !cdp_super_descends(&s, 0), "not its own");
		for (k = 0; k < n; k++)
			must(cdp_super_descends(&s, 100 + k) == (n - k <= CDP_ANCESTORS),
			     "%u after %u", (u32)n, (u32)k);
		must(s.ancestors[0] == 100 + n - 1, "newest first");
	}
}

UNIT_MAIN("super", uuids, malformed_uuids, round_trip, blocks_take_turns,
	  every_flipped_bit_is_seen, no_bit_is_ignored, torn_superblocks, lost_superblocks,
	  impossible_fields, impossible_identities, choose, exchanged_superblocks,
	  find, generations)
