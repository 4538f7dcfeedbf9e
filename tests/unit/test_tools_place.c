// SPDX-License-Identifier: GPL-2.0
/* Where metadata goes and how long a set becomes. */
#include "unit.h"
#include "place.h"

#define MIB	2048u
#define GIB	(1024u * MIB)

static struct cdp_place internal(u64 first, u64 second)
{
	struct cdp_place p = {
		.region_sectors = 128, .trackers = 4, .nr_legs = 2,
		.legs[0] = { .name = "a", .sectors = first, .internal = true },
		.legs[1] = { .name = "b", .sectors = second, .internal = true },
	};

	return p;
}

static void place(struct cdp_place *p)
{
	const char *why, *leg;
	u32 i;

	must(!cdp_place(p, &why, &leg), "%s: %s", leg ? leg : "-", why);
	must(!why && !leg, "a reason without an error");
	for (i = 0; i < p->nr_legs; i++) {
		const struct cdp_place_leg *l = &p->legs[i];
		struct cdp_geometry g;

		must(!cdp_geometry_set(&g, p->length, p->region_sectors, p->trackers, &why), "%s",
		     why);
		must(cdp_area_blocks(&g) * CDP_BLOCK_SECTORS <= p->area_sectors, "leg %u: area", i);
		must(!l->sectors || l->sectors >= p->length, "leg %u: data", i);
		if (!l->internal || !l->sectors)
			continue;
		must(l->meta_start >= p->length && l->meta_start % MIB == 0 &&
		     l->meta_start + p->area_sectors <= l->sectors, "leg %u: metadata", i);
	}
}

static void refused(struct cdp_place *p, int err, const char *name, const char *word)
{
	const char *why, *leg;

	ck_assert_int_eq(cdp_place(p, &why, &leg), err);
	must(why && strstr(why, word), "%s", why);
	must(name ? leg && !strcmp(name, leg) : !leg, "%s", leg ? leg : "-");
}

TEST(both_internal)
{
	struct cdp_place p = internal(256 * MIB, 300 * MIB);

	place(&p);
	must(p.length == 255 * MIB, "%llu", (unsigned long long)p.length);
	must(p.legs[0].meta_start == 255 * MIB && p.legs[1].meta_start == 299 * MIB, "starts");
}

/* Sizes of every kind keep what place() above checks. */
TEST(any_size)
{
	u64 seed = 7;
	u32 i;

	for (i = 0; i < 20000; i++) {
		u64 a = 40 * MIB + unit_random(&seed) % (1ull << (24 + unit_below(&seed, 14)));
		u64 b = 40 * MIB + unit_random(&seed) % (1ull << (24 + unit_below(&seed, 14)));
		struct cdp_place p = internal(a, b);

		p.region_sectors = 8u << unit_below(&seed, 12);
		p.trackers = 4 + unit_below(&seed, 5);
		if (unit_below(&seed, 2)) {
			p.legs[1].internal = false;
			p.legs[1].meta_sectors = 1ull << 36;
		}
		if (p.region_sectors < 64 && (a > 1ull << 34 || b > 1ull << 34))
			continue;	/* more extents than there can be */
		place(&p);
	}
}

TEST(wished_size)
{
	struct cdp_place p = internal(GIB, GIB);

	p.want_sectors = 100 * MIB + 3;
	place(&p);
	must(p.length == 100 * MIB + 3, "the wish counts, to the sector");
	must(p.legs[0].meta_start == 1023 * MIB, "metadata is at the end all the same");
	p = internal(GIB, 100 * MIB);
	p.want_sectors = 100 * MIB;
	refused(&p, -ENOSPC, "b", "not for the metadata behind it");
	p.want_sectors = 101 * MIB;
	refused(&p, -ENOSPC, "b", "smaller than the data");
}

/* A set on a leg that is larger can grow over it: the area at its end is large enough. */
TEST(room_to_grow)
{
	struct cdp_place p = internal(GIB, 2048ull * GIB);
	struct cdp_geometry g;
	const char *why;

	p.want_sectors = 1000 * MIB;
	place(&p);
	must(!cdp_geometry_set(&g, p.legs[1].meta_start, 128, 4, &why), "%s", why);
	must(p.legs[1].meta_start > 2040ull * GIB &&
	     p.legs[1].meta_start + cdp_area_blocks(&g) * CDP_BLOCK_SECTORS <= 2048ull * GIB,
	     "metadata at %llu", (unsigned long long)p.legs[1].meta_start);
}

/* A primary with data: the set must cover all of it, or a filesystem would lose its end. */
TEST(data_is_covered)
{
	struct cdp_place p = internal(GIB + 5, GIB + 5);

	p.legs[0].internal = false;
	p.legs[0].meta_sectors = 16 * MIB;
	p.whole_first = true;
	refused(&p, -ENOSPC, "b", "metadata behind it");
	p = internal(GIB + 5, GIB + 5 + 3 * MIB);
	p.legs[0].internal = false;
	p.legs[0].meta_sectors = 16 * MIB;
	p.whole_first = true;
	place(&p);
	must(p.length == GIB + 5, "%llu", (unsigned long long)p.length);
	must(p.legs[0].meta_start == 0, "on its own device");
}

TEST(too_small)
{
	struct cdp_place p = internal(GIB, MIB);

	refused(&p, -ENOSPC, "b", "no room for its metadata");
	p = internal(GIB, GIB);
	p.legs[0].internal = false;
	p.legs[0].meta_sectors = 8;
	refused(&p, -ENOSPC, "a", "metadata device is too small");
	p = internal(GIB, GIB);
	p.region_sectors = 100;
	refused(&p, -EINVAL, NULL, "power of two");
	p = internal(CDP_MAX_DATA_SECTORS, CDP_MAX_DATA_SECTORS);
	p.region_sectors = 8;
	refused(&p, -EINVAL, NULL, "too small for a set of this size");
}

/* A dry run does not know the iSCSI disk yet. */
TEST(unknown_leg)
{
	struct cdp_place p = internal(256 * MIB, 0);

	place(&p);
	must(p.length == 255 * MIB, "the known leg decides");
}

UNIT_MAIN("place", both_internal, any_size, wished_size, room_to_grow,
	  data_is_covered, too_small, unknown_leg)
