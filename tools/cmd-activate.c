// SPDX-License-Identifier: GPL-2.0-or-later
/* activate: on another host, bring up a set from one leg alone. */
#include "cmd.h"
#include "dm.h"
#include "explain.h"
#include "identity.h"
#include "msg.h"
#include "new-set.h"
#include "opts.h"
#include "size.h"

enum { OPT_FROM = 256, OPT_META };
static const char *from;
static char *meta;

static const struct argp_option options[] = {
	{ "from", OPT_FROM, "DEV", 0, "the leg", 1 },
	{ "meta", OPT_META, "DEV[:SECTOR]", 0,
	  "where its metadata is (else it is looked for on the leg itself)", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPT_FROM:
		from = arg;
		return 0;
	case OPT_META:
		meta = arg;
		return 0;
	case ARGP_KEY_SUCCESS:
		if (!from)
			argp_error(state, "--from DEV is missing");
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_DRY_RUN, { 0 } };

static const struct argp argp = {
	options, parse, "NAME",
	"Start a set from one of its legs alone, on a host that does not know it yet. The host that ran it must not run it any more: what the two write would not be on one another (see resolve).",
	children, NULL, NULL,
};

/*----------------------------------------------------------------*/

static struct activate {
	const char *name;
	struct cdp_still set;
	struct cdp_steps plan;
	struct cdp_device data, meta;
	struct cdp_md md;
	u32 place;			/* of the leg in the table line */
	char line[CDP_LINE_TEXT];
	char uuid[sizeof(CDP_DM_UUID_PREFIX) + CDP_UUID_TEXT];
} activate;

/* "DEV" or "DEV:SECTOR", where DEV may have a colon itself. */
static int split_meta(u64 *start, bool *has_start)
{
	char *colon = strrchr(meta, ':');

	*has_start = colon && !cdp_number_parse(colon + 1, CDP_MAX_DATA_SECTORS, start);
	if (*has_start)
		*colon = '\0';
	return cdp_probe_device(meta, &activate.meta);
}

static int read_metadata(struct activate *a)
{
	bool has_start = false;
	u64 start = 0;
	int r = cdp_probe_device(from, &a->data);

	if (!r && meta)
		r = split_meta(&start, &has_start);
	else
		a->meta = a->data;
	if (!r)
		r = has_start ? cdp_md_read(a->meta.path, start, &a->md) :
			cdp_md_find(a->meta.path, a->meta.sectors, &a->md, NULL);
	if (!r && a->md.kind != SUPER_VALID)
		r = cdp_why(a->md.kind == SUPER_BLANK ? -ENODATA : -ECDP_REFUSED,
			    "%s: %s%s; cdpctl examine tells more", a->meta.path, a->md.why,
			    meta ? "" : " (if its metadata is on another device, name that with --meta)");
	return r;
}

static int is_known(const char *name, void *ctx)
{
	static struct cdp_conf c;
	struct activate *a = ctx;

	if (cdp_conf_load(&c, name)) {
		cdp_warn("%s", cdp_why_text());	/* it may be this one: say so, and go on */
		cdp_why_clear();
		return 0;
	}
	if (cdp_uuid_equal(&c.uuid, &a->md.super.set_uuid))
		return cdp_why(-EEXIST, "this host knows the set already, as %s: cdpctl assemble %s starts it with the legs that are here",
			       name, name);
	return 0;
}

static int check_unused(const struct activate *a)
{
	int r = cdp_probe_unused(&a->data);

	return r || !meta ? r : cdp_probe_unused(&a->meta);
}

/*----------------------------------------------------------------*/

/* Legs in the order of the table line that the set had. */
static void fill_legs(struct activate *a)
{
	const struct cdp_super *s = &a->md.super;
	struct cdp_conf *c = &a->set.conf;
	u32 i, k;

	for (i = 0; i < CDP_MAX_LEGS; i++) {
		struct cdp_conf_leg *l;
		u32 place = 0;

		if (s->legs[i].state == DISK_LEG_UNUSED)
			continue;
		for (k = 0; k < CDP_MAX_LEGS; k++)
			if (s->legs[k].state != DISK_LEG_UNUSED &&
			    (s->legs[k].order < s->legs[i].order ||
			     (s->legs[k].order == s->legs[i].order && k < i)))
				place++;
		l = &c->legs[place];
		l->uuid = s->legs[i].uuid;
		strcpy(l->device, CDP_META_NONE);	/* not of this host */
		strcpy(l->meta_device, CDP_META_NONE);
		if (i == s->slot)
			a->place = place;
		c->nr_legs++;
	}
}

static void fill_set(struct activate *a)
{
	const struct cdp_super *s = &a->md.super;
	struct cdp_conf *c = &a->set.conf;
	struct cdp_conf_leg *l;
	struct cdp_found *f;

	cdp_print(c->name, sizeof(c->name), "%s", a->name);
	c->uuid = s->set_uuid;
	c->length = s->data_sectors;
	c->region_sectors = s->region_sectors;
	fill_legs(a);
	l = &c->legs[a->place];
	l->data_start = s->data_start;
	l->meta_start = a->md.start;
	strcpy(l->device, a->data.stable);
	strcpy(l->meta_device, meta ? a->meta.stable : CDP_META_INTERNAL);
	cdp_identity_remember(l, a->data.major, a->data.minor);
	if (meta && !l->device_id[0])
		cdp_warn("%s says nothing of itself by which it would be known again: if another disk has its name after a boot, the set takes that for its data",
			 a->data.path);
	f = &a->set.found[a->place];
	f->here = true;
	strcpy(f->data, a->data.path);
	strcpy(f->meta, a->meta.path);
}

static int create(void *arg)
{
	struct activate *a = arg;

	return cdp_dm_create(a->name, a->uuid, a->set.conf.length, a->line);
}

static void remove_mapping(void *arg)
{
	struct activate *a = arg;

	if (cdp_dm_remove(a->name))
		cdp_warn("%s", cdp_why_text());
}

static int save(void *arg)
{
	struct activate *a = arg;

	return cdp_conf_save(&a->set.conf);
}

static int start(struct activate *a)
{
	char text[CDP_UUID_TEXT], path[CDP_PATH_TEXT];

	cdp_print(a->uuid, sizeof(a->uuid), CDP_DM_UUID_PREFIX "%s",
		  cdp_uuid_print(&a->set.conf.uuid, text));
	cdp_warn("the host that ran this set must not run it any more: nothing here keeps it from writing, and two sides that both go on have to be resolved, with the writes of one lost");
	cdp_steps_add(&a->plan, create, remove_mapping, a, "dm: create %s with uuid %s and the table: 0 %llu cdp %s",
		      a->name, a->uuid, (unsigned long long)a->set.conf.length, a->line);
	cdp_steps_add(&a->plan, save, NULL, a, "conf: write %s", cdp_conf_path(a->name, path));
	return cdp_steps_run(&a->plan);
}

static int activate_set(struct activate *a)
{
	int r = cdp_new_set_check_name(a->name);

	if (!r)
		r = read_metadata(a);
	if (!r)
		r = cdp_conf_list(is_known, a);
	if (!r)
		r = check_unused(a);
	if (r)
		return r;
	fill_set(a);
	r = cdp_still_judge(&a->set);
	if (!r)
		r = cdp_explain(&a->set);
	if (!r)
		r = cdp_still_table(&a->set, a->line);
	return r ? r : start(a);
}

int cdp_cmd_activate(int argc, char **argv)
{
	struct cdp_live s;
	int r;

	cdp_opts_parse(&argp, argc, argv, 1, 1);
	cdp_interrupt_catch();
	activate.name = cdp_opts.words[0];
	activate.plan.dry_run = cdp_opts.dry_run;
	r = activate_set(&activate);
	cdp_steps_free(&activate.plan);
	if (r || cdp_opts.dry_run)
		return r;
	r = cdp_live_open(&s, activate.name);
	if (!r)
		cdp_note("/dev/mapper/%s is ready for use, with %u of %u legs", activate.name,
			 cdp_live_in_sync(&s), s.status.nr_legs);
	cdp_live_close(&s);
	return r;
}
