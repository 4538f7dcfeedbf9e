// SPDX-License-Identifier: GPL-2.0-or-later
#include "find.h"
#include "md-io.h"
#include "msg.h"

struct search {
	const struct cdp_conf *c;
	struct cdp_found *found;
};

static int take(struct search *s, u32 leg, const char *path)
{
	struct cdp_found *f = &s->found[leg];
	char uuid[CDP_UUID_TEXT];

	if (f->meta[0])
		return cdp_refuse("two-claims", "%s and %s both claim to be leg %u of %s (UUID %s): one is a copy of the other, or a second path to it; take one away, or wipe its metadata",
			       f->meta, path, leg, s->c->name,
			       cdp_uuid_print(&s->c->legs[leg].uuid, uuid));
	cdp_print(f->meta, sizeof(f->meta), "%s", path);
	return 0;
}

/* Which leg has its metadata at @start of this device, if any? Unreadable is "none". */
static int look(struct search *s, const char *path, u64 start)
{
	struct cdp_md md;
	u32 i;

	if (cdp_md_read(path, start, &md) || md.kind != SUPER_VALID ||
	    !cdp_uuid_equal(&md.super.set_uuid, &s->c->uuid))
		return 0;
	for (i = 0; i < s->c->nr_legs; i++)
		if (s->c->legs[i].meta_start == start &&
		    cdp_uuid_equal(&md.super.leg_uuid, &s->c->legs[i].uuid))
			return take(s, i, path);
	return 0;
}

static int look_all(const char *path, void *ctx)
{
	struct search *s = ctx;
	u32 i, k;
	int r = 0;

	for (i = 0; i < s->c->nr_legs && !r; i++) {
		for (k = 0; k < i; k++)
			if (s->c->legs[k].meta_start == s->c->legs[i].meta_start)
				break;
		if (k == i)	/* each place once */
			r = look(s, path, s->c->legs[i].meta_start);
	}
	return r;
}

/* Metadata elsewhere, or none: the data device is where it was, there is no mark on it. */
static void take_data(const struct cdp_conf_leg *l, struct cdp_found *f)
{
	bool internal = !strcmp(l->meta_device, CDP_META_INTERNAL);
	bool none = !strcmp(l->meta_device, CDP_META_NONE);
	struct cdp_device d;

	if (none)
		strcpy(f->meta, CDP_META_NONE);
	if (!f->meta[0])
		return;
	if (internal)
		strcpy(f->data, f->meta);
	else if (!cdp_probe_device(l->device, &d) && !cdp_probe_unused(&d))
		strcpy(f->data, d.path);
	f->here = f->data[0];
}

int cdp_find_legs(const struct cdp_conf *c, struct cdp_found found[CDP_MAX_LEGS])
{
	struct search s = { c, found };
	u32 i;
	int r;

	memset(found, 0, CDP_MAX_LEGS * sizeof(*found));
	r = cdp_probe_each(look_all, &s);
	for (i = 0; i < c->nr_legs && !r; i++)
		take_data(&c->legs[i], &found[i]);
	return r;
}
