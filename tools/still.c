// SPDX-License-Identifier: GPL-2.0-or-later
#include <strings.h>
#include <time.h>

#include "identity.h"
#include "msg.h"
#include "size.h"
#include "still.h"

/* Metadata is there, and right: then it is the data that lacks. */
static void lost_data(const struct cdp_conf_leg *l, char *text, size_t size)
{
	char differs[CDP_MSG_TEXT];
	struct cdp_device d;

	if (cdp_probe_node(l->device, &d))
		cdp_print(text, size, ": %s", cdp_why_text());
	else if (cdp_identity_differs(l, d.major, d.minor, differs))
		cdp_print(text, size, ": %s is there, but %.800s", l->device, differs);
	else if (cdp_probe_device(l->device, &d) || cdp_probe_unused(&d))
		cdp_print(text, size, ": %s", cdp_why_text());
}

/* What can be said of a leg that was not found, from the place where it was. */
static void lost_text(const struct cdp_still *s, u32 leg, char *text, size_t size)
{
	const struct cdp_conf *c = &s->conf;
	const struct cdp_conf_leg *l = &c->legs[leg];
	bool internal = !strcmp(l->meta_device, CDP_META_INTERNAL);
	const char *path = internal ? l->device : l->meta_device;
	struct cdp_device d;
	struct cdp_md md;

	*text = '\0';
	if (!strcmp(path, CDP_META_NONE) || cdp_probe_node(path, &d))
		return;
	if (s->found[leg].silent || cdp_probe_recovers(&d)) {
		cdp_print(text, size, ": it %s", s->found[leg].silent ?: "is being recovered by the kernel");
		return;
	}
	if (cdp_probe_device(path, &d) || cdp_md_read(path, l->meta_start, &md))
		return;
	if (md.kind != SUPER_VALID)
		cdp_print(text, size, ": %s is there, but its %s; cdpctl examine %s --meta-start %llu tells more, and when %s runs from another leg, cdpctl leg reset %s %u --force=cdp makes this one anew",
			  path, md.why, path, (unsigned long long)l->meta_start, c->name, c->name,
			  leg);
	else if (!cdp_uuid_equal(&md.super.set_uuid, &c->uuid))
		cdp_print(text, size, ": %s is there, but is a leg of another set now", path);
	else if (!cdp_uuid_equal(&md.super.leg_uuid, &l->uuid))
		cdp_print(text, size, ": %s is there, but is another leg of the set", path);
	else
		lost_data(l, text, size);
}

int cdp_still_find(struct cdp_still *s)
{
	const struct cdp_conf *c = &s->conf;
	char text[CDP_MSG_TEXT / 2];
	u32 i, here = 0;
	int r = cdp_find_legs(c, s->found);

	for (i = 0; i < c->nr_legs && !r; i++) {
		here += s->found[i].here;
		if (s->found[i].here)
			continue;
		lost_text(s, i, text, sizeof(text));
		cdp_why_clear();
		if (strcmp(c->legs[i].device, CDP_META_NONE))
			cdp_warn("%s: leg %u was not found (it was at %s)%s", c->name, i,
				 c->legs[i].device, text);
		else
			cdp_warn("%s: leg %u is not of this host", c->name, i);
	}
	if (!r && !here)
		r = cdp_why(-ENODEV, "%s: none of its %u legs was found; cdpctl examine DEV tells what a device holds",
			    c->name, c->nr_legs);
	return r;
}

static int read_leg(const struct cdp_still *s, u32 leg, struct cdp_plan_leg *l)
{
	const struct cdp_found *f = &s->found[leg];
	struct cdp_device d;
	struct cdp_md md;
	int r = cdp_probe_device(f->data, &d);

	if (r)
		return r;
	l->present = true;
	l->kind = SUPER_BLANK;
	l->data_start = s->conf.legs[leg].data_start;
	l->logical_block_bytes = d.logical_block_bytes;
	if (!strcmp(f->meta, CDP_META_NONE))
		return 0;
	l->unreadable = cdp_md_read(f->meta, s->conf.legs[leg].meta_start, &md);
	if (l->unreadable)
		return 0;
	l->kind = md.kind;
	l->why = md.why;
	l->super = md.super;
	return 0;
}

int cdp_still_judge(struct cdp_still *s)
{
	struct cdp_plan *p = &s->plan;
	u32 i;
	int r = 0;

	memset(p, 0, sizeof(*p));
	p->nr_legs = s->conf.nr_legs;
	p->data_sectors = s->conf.length;
	p->region_sectors = s->conf.region_sectors;
	p->now = (u64)time(NULL);
	p->new_generation = 1;	/* of what is new here nothing is kept */
	for (i = 0; i < p->nr_legs && !r; i++) {
		p->new_legs[i].b[0] = (u8)(i + 1);
		if (!s->found[i].here)
			continue;
		r = read_leg(s, i, &p->legs[i]);
		if (strcmp(s->found[i].meta, CDP_META_NONE))
			p->has_meta = true;
	}
	if (!r)
		s->verdict = p->has_meta ? cdp_plan_make(p) : 0;
	cdp_why_clear();
	return r;
}

int cdp_still_fill(const struct cdp_still *s, struct cdp_table *t)
{
	const struct cdp_conf *c = &s->conf;
	u32 i;

	*t = (struct cdp_table) { .region_sectors = c->region_sectors, .nr_legs = c->nr_legs };
	for (i = 0; i < t->nr_legs; i++) {
		const struct cdp_found *f = &s->found[i];

		t->legs[i] = (struct cdp_table_leg) { "-", 0, "-", 0 };
		if (f->here)
			t->legs[i] = (struct cdp_table_leg) {
				f->data, c->legs[i].data_start, f->meta, c->legs[i].meta_start,
			};
	}
	return cdp_features_parse(c->features, &t->features);
}

int cdp_still_table(const struct cdp_still *s, char line[CDP_LINE_TEXT])
{
	struct cdp_table t;
	int r = cdp_still_fill(s, &t);

	if (!r)
		cdp_table_print(&t, line, CDP_LINE_TEXT);
	return r;
}

/*----------------------------------------------------------------*/

bool cdp_still_is_valid(const struct cdp_still *s, u32 leg)
{
	const struct cdp_plan_leg *l = &s->plan.legs[leg];

	return l->present && !l->unreadable && l->kind == SUPER_VALID;
}

bool cdp_still_claims(const struct cdp_still *s, u32 leg)
{
	const struct cdp_super *super = &s->plan.legs[leg].super;

	return cdp_still_is_valid(s, leg) && super->legs[super->slot].state == DISK_LEG_IN_SYNC;
}

int cdp_still_place(const struct cdp_still *s, const struct cdp_uuid *uuid)
{
	u32 i;

	for (i = 0; i < s->conf.nr_legs; i++)
		if (cdp_uuid_equal(&s->conf.legs[i].uuid, uuid))
			return (int)i;
	return -1;
}

static bool is_device(const char *path, const char *text)
{
	struct cdp_device d;

	return path[0] == '/' && !cdp_probe_device(path, &d) &&
	       cdp_probe_is(text, d.major, d.minor);
}

int cdp_still_leg(const struct cdp_still *s, const char *text)
{
	char uuid[CDP_UUID_TEXT];
	u64 n;
	u32 i;

	if (cdp_number_parse(text, s->conf.nr_legs - 1, &n))
		n = CDP_MAX_LEGS;
	for (i = 0; i < s->conf.nr_legs; i++)
		if (s->found[i].here &&
		    (i == n || is_device(s->found[i].data, text) ||
		     is_device(s->found[i].meta, text) ||
		     !strcasecmp(text, cdp_uuid_print(&s->conf.legs[i].uuid, uuid))))
			return (int)i;
	return cdp_why(-ENOENT, "%s: no leg that is here is %s: give its device, its UUID or its number",
		       s->conf.name, text);
}

const char *cdp_still_device(const struct cdp_still *s, u32 leg, char path[CDP_PATH_TEXT])
{
	const char *remembered = s->conf.legs[leg].device, *found = s->found[leg].data;
	bool same = is_device(found, remembered);

	cdp_print(path, CDP_PATH_TEXT, "%s", same || !s->found[leg].here ? remembered : found);
	return path;
}

const char *cdp_still_leg_text(const struct cdp_still *s, u32 leg, char text[CDP_LEG_TEXT])
{
	char path[CDP_PATH_TEXT];

	cdp_still_device(s, leg, path);
	if (!strcmp(path, CDP_META_NONE))
		cdp_print(text, CDP_LEG_TEXT, "leg %u (of another host)", leg);
	else
		cdp_print(text, CDP_LEG_TEXT, s->found[leg].here ? "leg %u (%s)" :
			  "leg %u (was at %s)", leg, path);
	return text;
}

int cdp_still_area(const struct cdp_still *s, u32 leg, bool write, struct cdp_md_file *f,
		   struct cdp_area *a)
{
	*a = (struct cdp_area) {
		.read = cdp_md_block_read, .write = cdp_md_block_write, .ctx = f,
		.super = s->plan.legs[leg].super,
	};
	return cdp_md_open(f, s->found[leg].meta, s->conf.legs[leg].meta_start, write);
}
