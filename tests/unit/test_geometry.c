// SPDX-License-Identifier: GPL-2.0
/* geometry.c against the layout that format.h draws, counted out by hand. */
#include "unit.h"
#include "geometry.h"

#define REGION	8u
#define EXTENT	(REGION * CDP_EXTENT_REGIONS)

static struct cdp_geometry geometry(u64 sectors, u32 region, u32 trackers)
{
	struct cdp_geometry g;
	const char *why;

	must(!cdp_geometry_set(&g, sectors, region, trackers, &why), "%llu: %s",
	     (unsigned long long)sectors, why);
	must(!why, "a reason without an error");
	return g;
}

/* Smallest regions, given number of extents: areas get big, numbers stay small. */
static struct cdp_geometry extents(u64 n, u32 trackers)
{
	return geometry(n * EXTENT, REGION, trackers);
}

TEST(limits)
{
	static const struct {
		u64 sectors;
		u32 region, trackers;
		const char *word;	/* of the refusal; NULL: accepted */
	} rows[] = {
		{ 1, 8, 4, NULL },
		{ 1, 32768, 8, NULL },
		{ 1ull << 41, 256, 4, NULL },
		{ 1ull << 41, 32768, 8, NULL },
		{ 1ull << 36, 8, 4, NULL },
		{ 0, 128, 4, "size of the set" },
		{ (1ull << 41) + 1, 32768, 4, "size of the set" },
		{ ~0ull, 32768, 4, "size of the set" },
		{ 1, 0, 4, "region size" },
		{ 1, 1, 4, "region size" },
		{ 1, 4, 4, "region size" },
		{ 1, 9, 4, "region size" },
		{ 1, 24, 4, "region size" },
		{ 1, 127, 4, "region size" },
		{ 1, 129, 4, "region size" },
		{ 1, 65536, 4, "region size" },
		{ 1, 1u << 31, 4, "region size" },
		{ 1, ~0u, 4, "region size" },
		{ 1, 128, 0, "trackers" },
		{ 1, 128, 3, "trackers" },
		{ 1, 128, 9, "trackers" },
		{ 1, 128, ~0u, "trackers" },
		{ 1ull << 41, 128, 4, "too small" },
		{ (1ull << 36) + 1, 8, 4, "too small" },
	};
	struct cdp_geometry g;
	const char *why;
	int r;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		r = cdp_geometry_set(&g, rows[i].sectors, rows[i].region, rows[i].trackers, &why);
		must(r == (rows[i].word ? -EINVAL : 0), "row %u: %d", i, r);
		must(!rows[i].word == !why, "row %u: %s", i, why ? why : "-");
		must(!why || strstr(why, rows[i].word), "row %u: %s", i, why);
	}
}

TEST(trackers_for_legs)
{
	static const u32 want[] = { 4, 4, 4, 4, 4, 8, 8, 8, 8 };
	u32 i;

	for (i = 1; i <= CDP_MAX_LEGS; i++)
		must(cdp_geometry_trackers(i) == want[i], "%u legs", i);
}

static u64 whole(u64 n, u64 part)
{
	return n / part + !!(n % part);
}

static void check_counts(const struct cdp_geometry *g, u64 n)
{
	unsigned long long sectors = n;

	must(g->data_sectors == n && g->trackers == 5, "%llu", sectors);
	must(g->regions == whole(n, 8), "%llu", sectors);
	must(g->extents == whole(n, 512), "%llu", sectors);
	must(g->tracker_pages == whole(g->extents, 504), "%llu", sectors);
	must(g->intent_pages == whole(g->extents, 32256), "%llu", sectors);
	must(cdp_region_sectors(g) == 8 && cdp_extent_sectors(g) == 512, "%llu", sectors);
}

/* One more sector at a time over every border: sector, region, extent, page, group. */
TEST(counts)
{
	static const u64 borders[] = {
		1, REGION, EXTENT, 2 * EXTENT, 504ull * EXTENT, 505ull * EXTENT,
		32256ull * EXTENT, 32257ull * EXTENT, 3 * 32256ull * EXTENT, 1ull << 36,
	};
	u32 i;
	int d;

	for (i = 0; i < ARRAY_SIZE(borders); i++)
		for (d = -2; d <= 2; d++) {
			u64 n = borders[i] + d;		/* may wrap: then it is too big */
			struct cdp_geometry g;

			if (!n || n > 1ull << 36)
				continue;
			g = geometry(n, REGION, 5);
			check_counts(&g, n);
		}
}

TEST(sizes_of_region)
{
	u32 region;

	for (region = CDP_MIN_REGION_SECTORS; region <= CDP_MAX_REGION_SECTORS; region *= 2) {
		struct cdp_geometry g = geometry(1000003, region, 4);

		must(cdp_region_sectors(&g) == region, "%u", region);
		must(cdp_extent_sectors(&g) == region * 64, "%u", region);
		must(g.regions == (1000003 + region - 1) / region, "%u", region);
	}
}

/*
 * Places of blocks.
 */

/* Every block behind the superblocks belongs to exactly one page. */
static void check_dense(u64 n, u32 trackers)
{
	struct cdp_geometry g = extents(n, trackers);
	u64 blocks = cdp_area_blocks(&g), b;
	u8 *used = calloc(blocks, 1);
	u32 page, slot;

	used[0] = used[1] = 1;
	for (page = 0; page < g.intent_pages; page++) {
		b = cdp_block_intent(&g, page);
		must(b < blocks && !used[b]++, "intent page %u at %llu", page,
		     (unsigned long long)b);
	}
	for (page = 0; page < g.tracker_pages; page++)
		for (slot = 0; slot < trackers; slot++) {
			b = cdp_block_tracker(&g, slot, page);
			must(b < blocks && !used[b]++, "page %u slot %u at %llu", page, slot,
			     (unsigned long long)b);
		}
	for (b = 0; b < blocks; b++)
		must(used[b], "%llu extents: block %llu is nobody's", (unsigned long long)n,
		     (unsigned long long)b);
	free(used);
}

static const u64 extent_counts[] = {
	1, 2, 63, 503, 504, 505, 1008, 1009, 32255, 32256, 32257, 32760, 32761,
	2 * 32256, 2 * 32256 + 1, 5 * 32256 + 17 * 504 + 3, 1000000,
};

TEST(blocks_are_unique_and_dense)
{
	u32 i, trackers;

	for (i = 0; i < ARRAY_SIZE(extent_counts); i++)
		for (trackers = CDP_MIN_TRACKERS; trackers <= CDP_MAX_LEGS; trackers++)
			check_dense(extent_counts[i], trackers);
}

TEST(growth_keeps_addresses)
{
	u32 i, page, slot;

	for (i = 1; i < ARRAY_SIZE(extent_counts); i++) {
		struct cdp_geometry small = extents(extent_counts[i - 1], 5);
		struct cdp_geometry big = extents(extent_counts[i], 5);

		must(cdp_area_blocks(&small) <= cdp_area_blocks(&big), "%u", i);
		for (page = 0; page < small.intent_pages; page++)
			must(cdp_block_intent(&small, page) == cdp_block_intent(&big, page),
			     "%u", i);
		for (page = 0; page < small.tracker_pages; page++)
			for (slot = 0; slot < 5; slot++)
				must(cdp_block_tracker(&small, slot, page) ==
				     cdp_block_tracker(&big, slot, page), "%u", i);
	}
}

/* The places are part of the format: these numbers may never change. */
TEST(places_of_version_1)
{
	struct cdp_geometry tib = geometry(1ull << 31, 128, 4);
	struct cdp_geometry pib = geometry(1ull << 41, 256, 8);

	must(cdp_block_intent(&tib, 0) == 2, "first group");
	must(cdp_block_tracker(&tib, 0, 0) == 3, "behind its intent page");
	must(cdp_block_tracker(&tib, 3, 0) == 6, "slot by slot");
	must(cdp_block_tracker(&tib, 0, 1) == 7, "page by page");
	must(cdp_block_tracker(&tib, 3, 63) == 258, "end of the first group");
	must(cdp_block_intent(&tib, 1) == 259, "second group");
	must(cdp_block_tracker(&tib, 0, 64) == 260, "its first tracker page");
	must(tib.intent_pages == 9 && tib.tracker_pages == 521, "1 TiB");
	must(cdp_area_blocks(&tib) == 2 + 9 + 521 * 4, "8.2 MiB");
	must(pib.extents == 1u << 27 && pib.intent_pages == 4162, "1 PiB");
	must(cdp_area_blocks(&pib) == 2 + 4162 + 266306ull * 8, "1 PiB");
	must(cdp_block_intent(&pib, 4161) == 2 + 4161ull * 513, "last group");
}

/*
 * Spans, masks and runs.
 */

TEST(spans)
{
	struct cdp_geometry g = geometry(3 * EXTENT, REGION, 4);
	u64 start, nr, s;

	for (start = EXTENT; start < 2 * EXTENT; start++) {
		u64 mask = 0;

		for (nr = 1; start + nr <= 2 * EXTENT; nr++) {
			struct cdp_span span = cdp_span_of(&g, start, nr);

			s = start + nr - 1;
			mask |= 1ull << (s / REGION % 64);
			must(span.extent == 1 && span.mask == mask, "%llu + %llu",
			     (unsigned long long)start, (unsigned long long)nr);
		}
	}
}

TEST(spans_far_away)
{
	struct cdp_geometry g = geometry(1ull << 41, 32768, 4);
	struct cdp_span span = cdp_span_of(&g, (1ull << 41) - 1, 1);

	must(span.extent == (1ull << 20) - 1 && span.mask == 1ull << 63, "last sector of a PiB");
	span = cdp_span_of(&g, (1ull << 41) - (1u << 21), 1u << 21);
	must(span.extent == (1ull << 20) - 1 && span.mask == ~0ull, "last extent of a PiB");
}

TEST(masks_of_extents)
{
	u64 regions, last;

	for (regions = 1; regions <= 200; regions++) {
		struct cdp_geometry g = geometry(regions * REGION - 3, REGION, 4);

		must(g.regions == regions, "%llu", (unsigned long long)regions);
		last = (regions - 1) / 64;
		must(cdp_popcount(cdp_extent_mask(&g, last)) == regions - last * 64,
		     "%llu", (unsigned long long)regions);
		must(!(cdp_extent_mask(&g, last) & (cdp_extent_mask(&g, last) + 1)),
		     "%llu: from bit 0", (unsigned long long)regions);
		if (last)
			must(cdp_extent_mask(&g, last - 1) == ~0ull, "a full one");
	}
}

/* Bit by bit. */
static u64 first_run(u64 mask, u32 max)
{
	u64 run = 0;
	u32 i = 0;

	while (!(mask >> i & 1))
		i++;
	for (; i < 64 && (mask >> i & 1) && max; i++, max--)
		run |= 1ull << i;
	return run;
}

TEST(runs)
{
	u64 seed = 1, mask;
	u32 from, to, i, max;

	for (from = 0; from < 64; from++)
		for (to = from; to < 64; to++) {
			mask = ~0ull >> (63 - to) & ~0ull << from;
			for (max = 1; max <= 65; max++)
				must(cdp_first_run(mask, max) == first_run(mask, max), "%u..%u max %u",
				     from, to, max);
		}
	for (i = 0; i < 100000; i++) {
		mask = unit_random(&seed) & unit_random(&seed);
		mask |= unit_random(&seed) << unit_below(&seed, 64);
		max = 1 + unit_below(&seed, 64);
		if (mask)
			must(cdp_first_run(mask, max) == first_run(mask, max), "%llx max %u",
			     (unsigned long long)mask, max);
	}
}

/* The run taken off again and again walks every sector of the mask once. */
TEST(runs_cover_the_mask)
{
	u64 seed = 2, size, rest, at;
	struct cdp_span span;
	u32 i;

	for (i = 0; i < 20000; i++) {
		struct cdp_geometry g = geometry(1 + unit_below(&seed, 4 * EXTENT), REGION, 4);
		u64 extent = unit_below(&seed, (u32)g.extents);
		u64 mask = unit_random(&seed) & cdp_extent_mask(&g, extent);

		at = extent * EXTENT;
		for (rest = mask; rest; rest &= ~cdp_first_run(rest, 64)) {
			must(cdp_run_start(&g, extent, rest) >= at, "%u", i);
			at = cdp_run_start(&g, extent, rest);
			size = cdp_run_sectors(&g, extent, rest);
			must(size && at + size <= g.data_sectors, "%u", i);
			span = cdp_span_of(&g, at, size);
			must(span.mask == cdp_first_run(rest, 64), "%u", i);
			must(span.extent == extent, "%u", i);
			at += size;
			must(at % REGION == 0 || at == g.data_sectors, "%u: half a region", i);
		}
	}
}

TEST(run_of_a_whole_extent)
{
	u64 n, extent, sectors;

	for (n = 1; n < 4 * EXTENT; n++) {
		struct cdp_geometry g = geometry(n, REGION, 4);

		extent = g.extents - 1;
		sectors = cdp_run_sectors(&g, extent, cdp_extent_mask(&g, extent));
		must(extent * EXTENT + sectors == n, "%u", (u32)n);
	}
}

TEST(last_short_region)
{
	struct cdp_geometry g = geometry(128 * 70 + 5, 128, 4);

	must(g.regions == 71 && g.extents == 2, "70 whole ones and 5 sectors");
	must(cdp_extent_mask(&g, 1) == 0x7f, "extent 1 has 7");
	must(cdp_run_start(&g, 1, 0x40) == 128 * 70, "start");
	must(cdp_run_sectors(&g, 1, 0x40) == 5, "cut at the end of the set");
	must(cdp_run_sectors(&g, 1, 0x7f) == 128 * 6 + 5, "cut at the end of the set");
	must(cdp_run_sectors(&g, 1, 0x3f) == 128 * 6, "not cut");
	must(cdp_run_sectors(&g, 1, 0x41) == 128, "only the lowest run");
	must(cdp_run_sectors(&g, 0, ~0ull) == 128 * 64, "a whole extent");
}

UNIT_MAIN("geometry", limits, trackers_for_legs, counts, sizes_of_region,
	  blocks_are_unique_and_dense, growth_keeps_addresses, places_of_version_1,
	  spans, spans_far_away, masks_of_extents, runs, runs_cover_the_mask,
	  run_of_a_whole_extent, last_short_region)
