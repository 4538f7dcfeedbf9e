// SPDX-License-Identifier: GPL-2.0-or-later
#include "checks.h"
#include "look.h"
#include "md-io.h"
#include "msg.h"

#define MOST	(1024u * CDP_MAX_LEGS)

struct area {
	char set[CDP_NAME_TEXT];
	u32 leg;
	char path[CDP_PATH_TEXT];
	u64 start;
	struct cdp_md md;
};

/* All of it is shared with the readers; what is not used takes no memory. */
struct cdp_areas {
	u32 nr;
	struct cdp_look looks[MOST];
	struct area areas[MOST];
};

struct cdp_areas *cdp_areas_new(void)
{
	return cdp_look_room(sizeof(struct cdp_areas));
}

/* One that is not there: the state of the leg says it. */
static void add(struct cdp_areas *all, const struct cdp_conf *c, u32 leg)
{
	const struct cdp_conf_leg *l = &c->legs[leg];
	const char *path = strcmp(l->meta_device, CDP_META_INTERNAL) ? l->meta_device : l->device;
	struct area *a = &all->areas[all->nr];
	struct cdp_device d;

	if (all->nr == MOST || !strcmp(path, CDP_META_NONE) || cdp_probe_node(path, &d))
		return;
	cdp_look_init(&all->looks[all->nr++], &d);
	strcpy(a->set, c->name);
	a->leg = leg;
	strcpy(a->path, path);
	a->start = l->meta_start;
}

void cdp_areas_add(struct cdp_areas *all, const struct cdp_conf *c)
{
	u32 i;

	for (i = 0; i < c->nr_legs; i++)
		add(all, c, i);
	cdp_why_clear();
}

static u8 read_area(const struct cdp_look *l, void *ctx)
{
	struct cdp_areas *all = ctx;
	struct area *a = &all->areas[l - all->looks];

	return !cdp_md_read(l->path, a->start, &a->md);
}

void cdp_areas_read(struct cdp_areas *all)
{
	if (cdp_look(all->looks, all->nr, CDP_ANSWER_S, read_area, all)) {
		cdp_warn("no metadata is looked at: %s", cdp_why_text());
		all->nr = 0;
	}
	cdp_why_clear();
}

/* One copy may be damaged for a moment: the commit under way writes it. */
static void judge(struct cdp_findings *f, const struct area *a)
{
	if (a->md.kind != SUPER_VALID)
		cdp_find_mend(cdp_find_add(f, "metadata-gone", "%s, leg %u: %s: %s", a->set,
					   a->leg, a->path, a->md.why), false,
			      "cdpctl examine %s", a->path);
	else if (a->md.copies[0].kind == SUPER_DAMAGED || a->md.copies[1].kind == SUPER_DAMAGED)
		cdp_find_mend(cdp_find_add(f, "metadata-copy", "%s, leg %u: %s", a->set, a->leg,
					   a->path), false, "cdpctl examine %s", a->path);
}

void cdp_check_areas(struct cdp_findings *f, const struct cdp_areas *all, const char *set)
{
	u32 i;

	for (i = 0; i < all->nr; i++) {
		const struct area *a = &all->areas[i];

		if (strcmp(a->set, set))
			continue;
		if (all->looks[i].silent)
			cdp_find_add(f, "leg-silent", "%s, leg %u: %s %s", set, a->leg, a->path,
				     all->looks[i].silent);
		else if (all->looks[i].found)
			judge(f, a);
	}
}
