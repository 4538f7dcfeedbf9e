// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "find.h"
#include "identity.h"
#include "look.h"
#include "md-io.h"
#include "msg.h"

static_assert(CDP_MAX_LEGS <= 8, "a bit for each leg in cdp_look.found");

struct search {
	const struct cdp_conf *c;
	struct cdp_found *found;
	struct cdp_look *all;		/* devices */
	u32 nr, room;
};

static bool is_internal(const struct cdp_conf_leg *l)
{
	return !strcmp(l->meta_device, CDP_META_INTERNAL);
}

static int collect(const struct cdp_device *d, void *ctx)
{
	struct search *s = ctx;
	u32 room = s->room ? 2 * s->room : 64;
	struct cdp_look *more;

	if (s->nr == s->room) {
		more = realloc(s->all, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		s->all = more;
		s->room = room;
	}
	cdp_look_init(&s->all[s->nr++], d);
	return 0;
}

static struct cdp_look *device_at(struct search *s, const char *path)
{
	u32 i;

	for (i = 0; i < s->nr; i++)
		if (cdp_probe_is(path, s->all[i].major, s->all[i].minor))
			return &s->all[i];
	return NULL;
}

static void want(struct search *s, const char *path)
{
	struct cdp_look *d = device_at(s, path);

	if (d)
		d->wanted = true;
}

/* Unreadable is "none". */
static u8 legs_at(const struct cdp_conf *c, const char *path, u64 start)
{
	struct cdp_md md;
	u8 legs = 0;
	u32 i;

	if (cdp_md_read(path, start, &md) || md.kind != SUPER_VALID ||
	    !cdp_uuid_equal(&md.super.set_uuid, &c->uuid))
		return 0;
	for (i = 0; i < c->nr_legs; i++)
		if (c->legs[i].meta_start == start &&
		    cdp_uuid_equal(&md.super.leg_uuid, &c->legs[i].uuid))
			legs |= (u8)(1u << i);
	return legs;
}

/* Of which legs is the metadata on this device? */
static u8 look_at(const struct cdp_look *l, void *ctx)
{
	const struct cdp_conf *c = ctx;
	u8 legs = 0;
	u32 i, k;

	for (i = 0; i < c->nr_legs; i++) {
		for (k = 0; k < i; k++)
			if (c->legs[k].meta_start == c->legs[i].meta_start)
				break;
		if (k == i)	/* each place once */
			legs |= legs_at(c, l->path, c->legs[i].meta_start);
	}
	return legs;
}

static int two_claims(const struct search *s, u32 leg, const char *a, const char *b)
{
	char uuid[CDP_UUID_TEXT];

	return cdp_refuse("two-claims", "%s and %s both claim to be leg %u of %s (UUID %s): one is a copy of the other, or a second path to it; take one away, or wipe its metadata",
			  a, b, leg, s->c->name, cdp_uuid_print(&s->c->legs[leg].uuid, uuid));
}

static int take_meta(struct search *s, u32 leg)
{
	struct cdp_found *f = &s->found[leg];
	u32 i;

	for (i = 0; i < s->nr; i++) {
		if (!(s->all[i].found & 1u << leg))
			continue;
		if (f->meta[0])
			return two_claims(s, leg, f->meta, s->all[i].path);
		strcpy(f->meta, s->all[i].path);
	}
	return 0;
}

static bool is_same(const struct cdp_conf_leg *l, const struct cdp_look *d)
{
	char text[CDP_MSG_TEXT];

	return !cdp_identity_differs(l, d->major, d->minor, text);
}

/* There is no mark on it: where it was is what it says of itself, or another device has that. */
static int take_data(struct search *s, u32 leg)
{
	const struct cdp_conf_leg *l = &s->c->legs[leg];
	struct cdp_look *d = device_at(s, l->device), *other = NULL;
	u32 i;

	if (d && !is_same(l, d))
		d = NULL;
	for (i = 0; i < s->nr && !d && l->device_id[0]; i++) {
		if (!is_same(l, &s->all[i]))
			continue;
		if (other)
			return two_claims(s, leg, other->path, s->all[i].path);
		other = &s->all[i];
	}
	if (!d && !other)
		return 0;
	s->found[leg].silent = (d ?: other)->silent;
	if (!s->found[leg].silent)
		strcpy(s->found[leg].data, d ? l->device : other->path);
	return 0;
}

static int take(struct search *s, u32 leg)
{
	const struct cdp_conf_leg *l = &s->c->legs[leg];
	struct cdp_found *f = &s->found[leg];
	struct cdp_look *d = device_at(s, is_internal(l) ? l->device : l->meta_device);
	struct cdp_device node;
	int r = take_meta(s, leg);

	if (!r && !strcmp(l->meta_device, CDP_META_NONE))
		strcpy(f->meta, CDP_META_NONE);
	if (!f->meta[0])
		f->silent = d ? d->silent : NULL;
	if (r || !f->meta[0])
		return r;
	if (is_internal(l))
		strcpy(f->data, f->meta);
	else
		r = take_data(s, leg);
	if (!r && f->data[0])
		f->here = is_internal(l) ||
			  (!cdp_probe_node(f->data, &node) && !cdp_probe_unused(&node));
	return r;
}

/* Said once: cdpctl may look again and again. */
static void tell_silent(const struct search *s)
{
	static bool told;
	u32 i, lacking = 0, silent = 0;

	for (i = 0; i < s->c->nr_legs; i++)
		lacking += !s->found[i].here && !s->found[i].silent;
	for (i = 0; i < s->nr && lacking && !told; i++) {
		if (!s->all[i].silent || s->all[i].wanted)
			continue;
		cdp_note("%s %s, and was not looked at", s->all[i].path, s->all[i].silent);
		silent++;
	}
	told |= silent;
}

int cdp_find_legs(const struct cdp_conf *c, struct cdp_found found[CDP_MAX_LEGS])
{
	struct search s = { .c = c, .found = found };
	u32 i;
	int r;

	memset(found, 0, CDP_MAX_LEGS * sizeof(*found));
	r = cdp_probe_each(collect, &s);
	for (i = 0; i < c->nr_legs; i++) {
		want(&s, c->legs[i].device);
		want(&s, c->legs[i].meta_device);
	}
	if (!r)
		r = cdp_look(s.all, s.nr, CDP_ANSWER_S, look_at, (void *)c);
	for (i = 0; i < c->nr_legs && !r; i++)
		r = take(&s, i);
	if (!r)
		tell_silent(&s);
	free(s.all);
	return r;
}

/*----------------------------------------------------------------*/

static bool remember(char remembered[CDP_PATH_TEXT], const struct cdp_device *d)
{
	if (cdp_probe_is(remembered, d->major, d->minor))
		return false;
	strcpy(remembered, d->stable);
	return true;
}

bool cdp_found_remember(const struct cdp_found *f, struct cdp_conf_leg *l)
{
	struct cdp_device d;
	bool changed = false;

	if (!f->here)
		return false;
	if (!cdp_probe_node(f->data, &d)) {
		changed |= remember(l->device, &d);
		changed |= cdp_identity_remember(l, d.major, d.minor);
	}
	if (cdp_identity_counts(l) && !cdp_probe_node(f->meta, &d))
		changed |= remember(l->meta_device, &d);
	return changed;
}
