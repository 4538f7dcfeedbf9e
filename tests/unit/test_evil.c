// SPDX-License-Identifier: GPL-2.0
/*
 * Metadata under attack: a set is started from areas of which something is wrong, and what
 * comes of it is judged by what is really on the legs. A refusal is an answer; a read from a
 * leg that lacks the region, or a region that differs and is not going to be copied, is not.
 * Run from the top of the tree.
 */
#include "unit.h"
#include "golden.h"
#include "start.h"

#define FILE_EVIL	"tests/data/evil-v1.txt"
#define LEGS		3u
#define STALE_LEG	2u
#define EXTENTS		505u
#define BLOCK(leg, n)	(areas[leg] + (u64)(n) * CDP_BLOCK_BYTES)

static u8 good[LEGS][GOLDEN_BYTES], areas[LEGS][GOLDEN_BYTES];
static u64 truth[LEGS][EXTENTS];	/* regions that may differ from the others' */

static void put_super(u8 *area, u32 leg, u64 sequence)
{
	struct cdp_super_disk d;
	struct cdp_super s;
	u32 i;

	golden_super(&s);
	s.slot = leg;
	s.leg_uuid = s.legs[leg].uuid;
	s.flags = 0;
	s.sequence = sequence;
	for (i = 0; i < LEGS; i++)
		s.legs[i].sequence = sequence;
	cdp_super_encode(&s, &d);
	memcpy(area + cdp_super_block(sequence) * CDP_BLOCK_BYTES, &d, sizeof(d));
}

static void make_good(void)
{
	struct cdp_geometry g = golden_geometry();
	u32 leg, e;

	must(g.extents == EXTENTS, "the golden set's size");
	for (leg = 0; leg < LEGS; leg++) {
		golden_make(good[leg]);
		put_super(good[leg], leg, 5);
		put_super(good[leg], leg, 6);
		for (e = 0; e < EXTENTS; e++) {
			u32 page = e / CDP_PAGE_WORDS;
			u64 intent = golden_word(BLOCK_INTENT, 0, 0, e / 64);

			truth[leg][e] = intent >> e % 64 & 1 ? ~0ull : 0;
			if (leg == STALE_LEG)
				truth[leg][e] |= golden_word(BLOCK_TRACKER, leg, page,
							     e % CDP_PAGE_WORDS);
			truth[leg][e] &= cdp_extent_mask(&g, e);
		}
	}
	memcpy(areas, good, sizeof(areas));
}

/*
 * What may be wrong with a block. False: that cannot be with this one.
 */

static bool is_super(u32 block)
{
	return block < 2;
}

static u64 sequence_of(u32 block)
{
	return block ? 5 : 6;
}

static bool zero(u32 leg, u32 block)
{
	memset(BLOCK(leg, block), 0, CDP_BLOCK_BYTES);
	return true;
}

static bool junk(u32 leg, u32 block)
{
	u64 seed = 1 + leg * 100 + block;
	u32 i;

	for (i = 0; i < CDP_BLOCK_BYTES; i++)
		BLOCK(leg, block)[i] = (u8)unit_random(&seed);
	return true;
}

/* Sectors @from to @to are what was there before: of a page, nothing. */
static bool torn_at(u32 leg, u32 block, u32 from, u32 to)
{
	u8 before[GOLDEN_BYTES] = { 0 }, *b = BLOCK(leg, block);

	if (is_super(block))
		put_super(before, leg, sequence_of(block) - 2);
	memcpy(b + from * 512, before + block * CDP_BLOCK_BYTES + from * 512, (to - from) * 512);
	return memcmp(b, good[leg] + block * CDP_BLOCK_BYTES, CDP_BLOCK_BYTES);
}

static bool torn(u32 leg, u32 block)
{
	return torn_at(leg, block, 0, 1);
}

static bool cut(u32 leg, u32 block)
{
	return torn_at(leg, block, 1, 8);
}

static bool flip(u32 leg, u32 block)
{
	BLOCK(leg, block)[700 + 13 * leg] ^= 0x10;
	return true;
}

static bool gptmbr(u32 leg, u32 block)
{
	memset(BLOCK(leg, block), 'E', CDP_BLOCK_BYTES);
	BLOCK(leg, block)[510] = 0x55;
	BLOCK(leg, block)[511] = 0xaa;
	return true;
}

static bool neighbour(u32 leg, u32 block)
{
	u32 other = (block + 1) % GOLDEN_BLOCKS;

	memcpy(BLOCK(leg, block), good[leg] + other * CDP_BLOCK_BYTES, CDP_BLOCK_BYTES);
	return true;
}

static bool other_leg(u32 leg, u32 block)
{
	memcpy(BLOCK(leg, block), good[(leg + 1) % LEGS] + block * CDP_BLOCK_BYTES,
	       CDP_BLOCK_BYTES);
	return true;
}

static bool other_set(u32 leg, u32 block)
{
	struct cdp_header_disk *h = (void *)BLOCK(leg, block);

	h->set_uuid[0] ^= 1;
	sample_reseal(h);
	return true;
}

static bool old(u32 leg, u32 block)
{
	if (is_super(block))
		put_super(areas[leg], leg, sequence_of(block) - 2);
	return is_super(block);
}

static struct cdp_super_disk *super_at(u32 leg, u32 block)
{
	return is_super(block) ? (void *)BLOCK(leg, block) : NULL;
}

static bool sealed(struct cdp_super_disk *d)
{
	if (d)
		sample_reseal(d);
	return d;
}

static bool later(u32 leg, u32 block)
{
	struct cdp_super_disk *d = super_at(leg, block);

	if (d)
		d->incompat = cpu_to_le32(1);
	return sealed(d);
}

static bool rolater(u32 leg, u32 block)
{
	struct cdp_super_disk *d = super_at(leg, block);

	if (d)
		d->ro_compat = cpu_to_le32(1);
	return sealed(d);
}

static bool version(u32 leg, u32 block)
{
	struct cdp_super_disk *d = super_at(leg, block);

	if (d)
		d->version = cpu_to_le32(2);
	return sealed(d);
}

static bool larger(u32 leg, u32 block)
{
	struct cdp_super_disk *d = super_at(leg, block);

	if (d)
		d->data_sectors = cpu_to_le64(258308);
	return sealed(d);
}

static bool regions(u32 leg, u32 block)
{
	struct cdp_super_disk *d = super_at(leg, block);

	if (d)
		d->region_sectors = cpu_to_le32(16);
	return sealed(d);
}

static bool data_elsewhere(u32 leg, u32 block)
{
	struct cdp_super_disk *d = super_at(leg, block);

	if (d)
		d->data_start = cpu_to_le64(4096);
	return sealed(d);
}

static const struct evil {
	const char *name;
	bool (*make)(u32 leg, u32 block);
	bool refusable;		/* one such block may be reason enough to refuse the set */
} evils[] = {
	{ "zero", zero, false },
	{ "junk", junk, false },
	{ "torn", torn, false },
	{ "cut", cut, false },
	{ "flip", flip, false },
	{ "gptmbr", gptmbr, false },
	{ "neighbour", neighbour, false },
	{ "leg", other_leg, false },
	{ "set", other_set, false },
	{ "old", old, false },
	{ "later", later, true },
	{ "rolater", rolater, true },
	{ "version", version, true },
	{ "larger", larger, true },
	{ "regions", regions, true },
	{ "start", data_elsewhere, true },
};

#define EVILS ((u32)ARRAY_SIZE(evils))

/*
 * What comes of it.
 */

static char told[160];		/* of the case at hand, for messages */

static struct start start_of(u32 present)
{
	struct cdp_geometry g = golden_geometry();
	struct start in = {
		.nr_legs = LEGS,
		.data_sectors = g.data_sectors,
		.data_start = 2048,
		.region_sectors = 8,
	};
	u32 i;

	for (i = 0; i < LEGS; i++)
		in.areas[i] = present & 1u << i ? areas[i] : NULL;
	return in;
}

/* Every region, with any legs given up: is the one that is read whole? */
static void judge_reads(const struct cdp_set *s, u32 present)
{
	u32 e, tried;
	u64 bit;

	for (e = 0; e < EXTENTS; e++)
		for (tried = 0; tried < 1u << LEGS; tried++)
			for (bit = 1; bit; bit <<= 1) {
				struct cdp_span span = { e, bit };
				int leg = cdp_read_pick(s, span, tried);

				if (!((truth[0][e] | truth[STALE_LEG][e]) & bit))
					break;	/* all hold the same from here on, or before */
				if (leg < 0 || leg == s->read_leg)
					continue;
				must(present & 1u << leg, "%s: reads absent leg %d", told, leg);
				must(!(truth[leg][e] & bit), "%s: extent %u is read from leg %d",
				     told, e, leg);
			}
}

static void judge(const struct cdp_plan *p, const struct cdp_set *s, u32 present)
{
	u32 i, e;

	must(!p->is_new, "%s: taken for a new set", told);
	must(s->read_leg == 0 || s->read_leg == 1, "%s: reads from leg %d", told, s->read_leg);
	must(p->state[STALE_LEG] != LEG_IN_SYNC, "%s: the stale leg is taken for whole", told);
	for (i = 0; i < LEGS; i++) {
		if ((int)i == s->read_leg || p->state[i] < LEG_STALE)
			continue;
		for (e = 0; e < EXTENTS; e++)
			must(!(truth[i][e] & ~s->legs[i].tracker[e]),
			     "%s: extent %u of leg %u is not going to be copied", told, e, i);
	}
	judge_reads(s, present);
}

/* 0, or why it is refused. @s is freed, but its counts stay. */
static int attempt(u32 present, struct cdp_plan *p, struct cdp_set *s)
{
	struct start in = start_of(present);
	int r = start_plan(&in, p);

	if (r) {
		must(p->why[0], "%s: refused without a word", told);
		return r;
	}
	must(!start_load(&in, p, s), "memory");
	if (s->in_sync)
		judge(p, s, present);
	else
		r = -ENODATA;	/* the module refuses that, too */
	start_free(s, LEGS);
	return r;
}

static void restore(void)
{
	memcpy(areas, good, sizeof(areas));
}

TEST(good_set)
{
	static struct cdp_plan p;
	struct cdp_set s;

	make_good();
	must(!attempt(7, &p, &s), "%s", p.why);
	must(p.state[0] == LEG_IN_SYNC && p.state[STALE_LEG] == LEG_STALE, "states");
	must(!attempt(5, &p, &s) && !attempt(3, &p, &s) && !attempt(1, &p, &s), "%s", p.why);
	must(attempt(4, &p, &s) == -ENODATA, "the stale leg alone");
}

/* Each block of each leg, everything that may be wrong with it, whoever else is there. */
TEST(every_block)
{
	static struct cdp_plan p;
	struct cdp_set s;
	u32 leg, block, k, present, n = 0;

	make_good();
	for (leg = 0; leg < LEGS; leg++)
		for (block = 0; block < GOLDEN_BLOCKS; block++)
			for (k = 0; k < EVILS; k++)
				for (present = 1; present < 1u << LEGS; present++) {
					int r;

					if (!(present & 1u << leg) || !(present & 3))
						continue;
					restore();
					if (!evils[k].make(leg, block))
						continue;
					snprintf(told, sizeof(told), "leg %u block %u %s, legs %u",
						 leg, block, evils[k].name, present);
					r = attempt(present, &p, &s);
					n++;
					/* one whole leg with its twin superblock is enough */
					must(!r || evils[k].refusable ||
					     (is_super(block) && !(present & 3 & ~(1u << leg))),
					     "%s: refused: %s", told, p.why);
				}
	must(n > 1000, "only %u", n);
}

/* A torn write: any of the eight sectors are new. */
static void tear(u32 leg, u32 block, u32 new)
{
	u32 i;

	for (i = 0; i < 8; i++)
		if (!(new & 1u << i))
			torn_at(leg, block, i, i + 1);
}

/* A bit may fall anywhere. */
TEST(every_sector_and_byte)
{
	static struct cdp_plan p;
	struct cdp_set s;
	u32 leg, block, i;

	make_good();
	for (leg = 0; leg < LEGS; leg++)
		for (block = 0; block < GOLDEN_BLOCKS; block++) {
			for (i = 0; i < 255; i++) {
				restore();
				tear(leg, block, i);
				snprintf(told, sizeof(told), "leg %u block %u torn %u", leg,
					 block, i);
				must(!attempt(7, &p, &s), "%s: %s", told, p.why);
			}
			for (i = 0; i < CDP_BLOCK_BYTES; i += 61) {
				restore();
				BLOCK(leg, block)[i] ^= (u8)(1u << i % 8);
				snprintf(told, sizeof(told), "leg %u block %u byte %u", leg,
					 block, i);
				must(!attempt(7, &p, &s), "%s: %s", told, p.why);
			}
		}
}

/* One block of a leg where another belongs: of any leg, any block. */
TEST(every_exchange)
{
	static struct cdp_plan p;
	struct cdp_set s;
	u32 from, to, n = LEGS * GOLDEN_BLOCKS;

	make_good();
	for (to = 0; to < n; to++)
		for (from = 0; from < n; from++) {
			u8 *a = BLOCK(to / GOLDEN_BLOCKS, to % GOLDEN_BLOCKS);
			u8 *b = BLOCK(from / GOLDEN_BLOCKS, from % GOLDEN_BLOCKS);
			u8 keep[CDP_BLOCK_BYTES];

			restore();
			memcpy(keep, a, sizeof(keep));
			memmove(a, b, sizeof(keep));
			snprintf(told, sizeof(told), "block %u over %u", from, to);
			must(!attempt(7, &p, &s), "%s: %s", told, p.why);
			memcpy(b, keep, sizeof(keep));
			snprintf(told, sizeof(told), "blocks %u and %u exchanged", from, to);
			/* with two legs' superblocks nobody may be left to believe */
			must(!attempt(7, &p, &s) || (is_super(to % GOLDEN_BLOCKS) &&
						     is_super(from % GOLDEN_BLOCKS)),
			     "%s: %s", told, p.why);
		}
}

/* Both superblocks of the only whole leg: nothing starts, unless they are zeroed by hand. */
TEST(both_superblocks)
{
	static struct cdp_plan p;
	struct cdp_set s;
	u32 a, b, present;

	make_good();
	for (a = 0; a < EVILS; a++)
		for (b = 0; b < EVILS; b++)
			for (present = 1; present < 8; present += 2) {
				bool blank = evils[a].make == zero && evils[b].make == zero;

				restore();
				if (!evils[a].make(0, 0) || !evils[b].make(0, 1) ||
				    (blank && present == 1))
					continue;
				snprintf(told, sizeof(told), "A %s, B %s, legs %u", evils[a].name,
					 evils[b].name, present);
				if (!attempt(present, &p, &s))
					must(present & 2 || p.legs[0].kind == SUPER_VALID,
					     "%s: is believed", told);
			}
}

/*
 * The evil areas of tests/data.
 */

static const struct evil *evil_of(const char *name)
{
	u32 i;

	for (i = 0; i < EVILS; i++)
		if (!strcmp(name, evils[i].name))
			return &evils[i];
	ck_abort_msg("%s: no such thing as '%s'", FILE_EVIL, name);
	return NULL;
}

/* What examine says of a block. */
static const char *word_of(u32 leg, u32 block)
{
	struct cdp_geometry g = golden_geometry();
	struct cdp_uuid set = sample_uuid(9);
	struct cdp_super s;
	const char *why;

	if (is_super(block))
		cdp_super_decode((void *)BLOCK(leg, block), block, &s, &why);
	else if (block == 2)
		(void)!cdp_page_check((void *)BLOCK(leg, block), &set, block, BLOCK_INTENT, 0,
				      &why);
	else
		(void)!cdp_page_check((void *)BLOCK(leg, block), &set, block, BLOCK_TRACKER,
				      (block - 3) % g.trackers, &why);
	return why ? why : "-";
}

static void do_row(const char *name, char *recipe, const char *verdict, const char *words)
{
	static const char letters[LEG_STATES] = {
		[LEG_MISSING] = 'm', [LEG_FAULTY] = 'f', [LEG_STALE] = 's', [LEG_IN_SYNC] = 'i',
	};
	static struct cdp_plan p;
	char what[16], states[LEGS + 1] = "";
	u32 leg = 0, block = 0, i;
	struct cdp_set s;
	char *step;
	int r;

	restore();
	for (step = strtok(recipe, " "); step; step = strtok(NULL, " ")) {
		must(sscanf(step, "%u.%u:%15s", &leg, &block, what) == 3 && leg < LEGS &&
		     block < GOLDEN_BLOCKS, "%s: '%s'", name, step);
		must(evil_of(what)->make(leg, block), "%s: not with that block", name);
	}
	snprintf(told, sizeof(told), "%s", name);
	r = attempt(7, &p, &s);
	if (r) {
		must(!strcmp(verdict, "refused"), "%s: refused: %s", name, p.why);
		must(strstr(p.why, words), "%s: %s", name, p.why);
		return;
	}
	for (i = 0; i < LEGS; i++)
		states[i] = letters[p.state[i]];
	must(!strncmp(verdict, "starts ", 7) && !strcmp(verdict + 7, states), "%s: starts %s",
	     name, states);
	must(strstr(word_of(leg, block), words), "%s: %s", name, word_of(leg, block));
}

TEST(evil_areas)
{
	FILE *f = fopen(FILE_EVIL, "r");
	char line[256], name[32], recipe[128], verdict[16], words[64];
	u32 n = 0;

	must(f, "%s: %s", FILE_EVIL, strerror(errno));
	make_good();
	while (fgets(line, sizeof(line), f)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		must(sscanf(line, "%31s | %127[^|]| %15[a-z ]| %63[^\n]", name, recipe, verdict,
			    words) == 4, "%s", line);
		while (verdict[strlen(verdict) - 1] == ' ')
			verdict[strlen(verdict) - 1] = '\0';
		do_row(name, recipe, verdict, words);
		n++;
	}
	fclose(f);
	must(n > 20, "%u rows", n);
}

UNIT_MAIN("evil", good_set, every_block, every_sector_and_byte, every_exchange, both_superblocks,
	  evil_areas)
