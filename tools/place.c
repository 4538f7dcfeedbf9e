// SPDX-License-Identifier: GPL-2.0-or-later
#include "place.h"

#define TOO_SMALL	"the device is too small: no room for its metadata"
#define NO_DATA_ROOM	"the device is smaller than the data that it has to hold"
#define NO_META_ROOM	\
	"the device has room for the data, but not for the metadata behind it: give the metadata another device with --meta"

static u64 area_of(const struct cdp_place *p, u64 length, const char **why)
{
	struct cdp_geometry g;

	if (cdp_geometry_set(&g, length, p->region_sectors, p->trackers, why))
		return 0;
	return cdp_area_blocks(&g) * CDP_BLOCK_SECTORS;
}

/* An upper bound of the length: the area that it takes is large enough for the final one. */
static u64 bound(const struct cdp_place *p)
{
	u64 least = p->want_sectors ? p->want_sectors : CDP_MAX_DATA_SECTORS;
	u32 i;

	for (i = 0; i < p->nr_legs; i++)
		if (p->legs[i].sectors && p->legs[i].sectors < least)
			least = p->legs[i].sectors;
	return least;
}

/* Where an area of its own size would begin: with that the set may grow over all of the leg. */
static u64 own_start(const struct cdp_place *p, const struct cdp_place_leg *l)
{
	const char *why;
	u64 area = area_of(p, l->sectors, &why);

	return area && l->sectors > area ?
	       (l->sectors - area) / CDP_PLACE_ALIGN * CDP_PLACE_ALIGN : 0;
}

/* Sectors that the leg has for data, with its metadata placed; 0 when it does not fit. */
static u64 room(const struct cdp_place *p, struct cdp_place_leg *l)
{
	u64 area = p->area_sectors;

	if (!l->internal) {
		l->meta_start = 0;
		return l->meta_sectors >= area ? l->sectors : 0;
	}
	if (l->sectors < area + CDP_PLACE_ALIGN)
		return 0;
	l->meta_start = own_start(p, l);
	if (l->meta_start < p->length)
		l->meta_start = (l->sectors - area) / CDP_PLACE_ALIGN * CDP_PLACE_ALIGN;
	return l->meta_start;
}

static int fail(int err, const char **why, const char *text)
{
	*why = text;
	return err;
}

int cdp_place(struct cdp_place *p, const char **why, const char **leg)
{
	u64 first = p->nr_legs ? p->legs[0].sectors : 0;
	u64 have;
	u32 i;

	*why = NULL;
	*leg = NULL;
	p->length = bound(p);
	p->area_sectors = area_of(p, p->length, why);
	if (!p->area_sectors)
		return -EINVAL;
	if (p->whole_first && !p->want_sectors)
		p->want_sectors = first;
	for (i = 0; i < p->nr_legs; i++) {
		struct cdp_place_leg *l = &p->legs[i];

		*leg = l->name;
		if (!l->internal && l->meta_sectors && l->meta_sectors < p->area_sectors)
			return fail(-ENOSPC, why, "its metadata device is too small");
		if (!l->sectors)
			continue;
		have = room(p, l);
		if (!have)
			return fail(-ENOSPC, why, TOO_SMALL);
		if (p->want_sectors && have < p->want_sectors)
			return fail(-ENOSPC, why, l->internal && l->sectors >= p->want_sectors ?
				    NO_META_ROOM : NO_DATA_ROOM);
		if (have < p->length)
			p->length = have;
	}
	*leg = NULL;
	/* Whole 4 KiB, unless the length is somebody's wish. */
	if (!p->want_sectors && p->length > CDP_BLOCK_SECTORS)
		p->length -= p->length % CDP_BLOCK_SECTORS;
	return 0;
}
