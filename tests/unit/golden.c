// SPDX-License-Identifier: GPL-2.0
#include "golden.h"

#define LINE	32u

void golden_super(struct cdp_super *s)
{
	sample_super(s);
	s->region_sectors = 8;
	s->data_sectors = 258300;	/* 505 extents, the last with 32 regions */
}

struct cdp_geometry golden_geometry(void)
{
	struct cdp_geometry g;
	struct cdp_super s;
	const char *why;

	golden_super(&s);
	if (cdp_geometry_set(&g, s.data_sectors, s.region_sectors, s.trackers, &why))
		memset(&g, 0, sizeof(g));
	return g;
}

u64 golden_word(enum cdp_block_kind kind, u32 slot, u32 page, u32 word)
{
	u32 first = slot * 7 + page;

	if (kind == BLOCK_INTENT)
		return word == 0 ? 0x8000000000000001ull : word == 7 ? 1ull << 56 : 0;
	if (slot != 2)			/* only the stale leg's tracker has bits */
		return 0;
	if (page)
		return word ? 0 : 0xffffffffull;
	return word == first || word == 503 ? 0x0123456789abcdefull << word % 5 : 0;
}

static void make_page(u8 *area, u64 block, enum cdp_block_kind kind, u32 slot, u32 page)
{
	struct cdp_page_disk d;
	struct cdp_super s;
	u32 i;

	golden_super(&s);
	for (i = 0; i < CDP_PAGE_WORDS; i++)
		cdp_page_put(&d, i, golden_word(kind, slot, page, i));
	cdp_page_seal(&d, &s.set_uuid, block, kind, slot, s.sequence);
	memcpy(area + block * CDP_BLOCK_BYTES, &d, sizeof(d));
}

static void make_super(u8 *area, const struct cdp_super *s)
{
	struct cdp_super_disk d;

	cdp_super_encode(s, &d);
	memcpy(area + cdp_super_block(s->sequence) * CDP_BLOCK_BYTES, &d, sizeof(d));
}

void golden_make(u8 area[GOLDEN_BYTES])
{
	struct cdp_geometry g = golden_geometry();
	struct cdp_super s;
	u32 slot, page;

	memset(area, 0, GOLDEN_BYTES);
	golden_super(&s);
	make_super(area, &s);
	s.sequence--;
	s.flags = 0;
	make_super(area, &s);
	for (page = 0; page < g.intent_pages; page++)
		make_page(area, cdp_block_intent(&g, page), BLOCK_INTENT, 0, page);
	for (page = 0; page < g.tracker_pages; page++)
		for (slot = 0; slot < g.trackers; slot++)
			make_page(area, cdp_block_tracker(&g, slot, page), BLOCK_TRACKER,
				  slot, page);
}

int golden_write(const u8 area[GOLDEN_BYTES], const char *path)
{
	FILE *f = fopen(path, "w");
	u32 at, i;

	if (!f)
		return -errno;
	fprintf(f, "# Metadata area, format version 1; see README.\n");
	for (at = 0; at < GOLDEN_BYTES; at += LINE) {
		if (cdp_is_zero(area + at, LINE))
			continue;
		fprintf(f, "%06x: ", at);
		for (i = 0; i < LINE; i++)
			fprintf(f, "%02x", area[at + i]);
		fputc('\n', f);
	}
	return fclose(f) ? -errno : 0;
}

static int read_line(u8 area[GOLDEN_BYTES], const char *line)
{
	unsigned int at, byte, i;
	int skip;

	if (line[0] == '#')
		return 0;
	if (sscanf(line, "%6x: %n", &at, &skip) != 1 || at > GOLDEN_BYTES - LINE)
		return -EINVAL;
	for (i = 0; i < LINE; i++) {
		if (sscanf(line + skip + 2 * i, "%2x", &byte) != 1)
			return -EINVAL;
		area[at + i] = (u8)byte;
	}
	return 0;
}

int golden_read(u8 area[GOLDEN_BYTES], const char *path)
{
	FILE *f = fopen(path, "r");
	char line[128];
	int r = 0;

	if (!f)
		return -errno;
	memset(area, 0, GOLDEN_BYTES);
	while (!r && fgets(line, sizeof(line), f))
		r = read_line(area, line);
	fclose(f);
	return r;
}
