// SPDX-License-Identifier: GPL-2.0
/* How large a set can become. */
#include "unit.h"
#include "grow.h"

#define MIB	2048u
#define GIB	(1024ull * MIB)

static u64 room(u64 data, u64 meta, u64 behind, enum cdp_grow_limit want)
{
	struct cdp_grow_leg l = {
		.data_sectors = data, .meta_sectors = meta, .meta_behind = behind,
	};
	enum cdp_grow_limit limit;
	u64 most = cdp_grow_room(&l, 128, 4, &limit);

	ck_assert_int_eq(limit, want);
	return most;
}

static bool fits(u64 sectors, u64 meta)
{
	struct cdp_geometry g;
	const char *why;

	must(!cdp_geometry_set(&g, sectors, 128, 4, &why), "%s", why);
	return cdp_area_blocks(&g) * CDP_BLOCK_SECTORS <= meta;
}

TEST(limits)
{
	u64 most;

	must(room(100 * GIB, 0, 0, GROW_DATA) == 100 * GIB, "no metadata");
	must(room(100 * GIB, 16 * MIB, 0, GROW_DATA) == 100 * GIB, "all of the device");
	must(room(100 * GIB, 1 * GIB, 99 * GIB, GROW_META_BEHIND) == 99 * GIB, "up to the metadata");
	most = room(8192 * GIB, 16 * MIB, 0, GROW_META_AREA);
	must(fits(most, 16 * MIB) && !fits(most + 1, 16 * MIB), "%llu", (unsigned long long)most);
	/* an area at the end that was made for less than what is before it */
	most = room(8192 * GIB, 16 * MIB, 8000 * GIB, GROW_META_AREA);
	must(fits(most, 16 * MIB) && !fits(most + 1, 16 * MIB), "%llu", (unsigned long long)most);
	must(!room(0, 16 * MIB, 0, GROW_DATA), "nothing");
	must(!room(GIB, 8, 0, GROW_META_AREA), "no area at all");
}

TEST(any_size)
{
	u64 seed = 3;
	u32 i;

	for (i = 0; i < 5000; i++) {
		struct cdp_grow_leg l = {
			.data_sectors = 1 + unit_random(&seed) % (1ull << 34),
			.meta_sectors = unit_random(&seed) % (1ull << 18),
		};
		enum cdp_grow_limit limit;
		u64 most = cdp_grow_room(&l, 128, 8, &limit);
		struct cdp_geometry g;
		const char *why;

		must(most <= l.data_sectors, "beyond the device");
		if (!most || !l.meta_sectors)
			continue;
		must(!cdp_geometry_set(&g, most, 128, 8, &why), "%s", why);
		must(cdp_area_blocks(&g) * CDP_BLOCK_SECTORS <= l.meta_sectors, "area");
	}
}

UNIT_MAIN("grow", limits, any_size)
