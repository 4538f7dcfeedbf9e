// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm.h"
#include "identity.h"
#include "msg.h"
#include "new-set.h"
#include "opts.h"

int cdp_new_set_check_name(const char *name)
{
	struct cdp_dm_info info;
	char path[CDP_PATH_TEXT];
	int r;

	if (!cdp_name_is_valid(name))
		return cdp_why(-ECDP_USAGE, "%s is no name for a set: letters, digits and . _ + - only, and not . - or + first",
			       name);
	if (cdp_conf_exists(name))
		return cdp_why(-EEXIST, "%s exists: a set named %s is remembered (cdpctl assemble %s starts it, cdpctl detach %s ends it)",
			       cdp_conf_path(name, path), name, name, name);
	r = cdp_opts.dry_run ? 0 : cdp_conf_prepare();
	if (!r && !cdp_opts.dry_run)
		r = cdp_dm_have_target();
	if (r)
		return r;
	r = cdp_dm_info(name, &info);
	if (!r && info.exists)
		r = cdp_why(-EEXIST, "there is a mapping /dev/mapper/%s already; choose another name",
			    name);
	return cdp_opts.dry_run && r == -ENODEV ? 0 : r;
}

static int create(void *arg)
{
	struct cdp_new_set *s = arg;

	return cdp_dm_create(s->name, NULL, s->length, s->line);
}

static void remove_mapping(void *arg)
{
	struct cdp_new_set *s = arg;

	if (cdp_dm_remove(s->name))
		cdp_warn("%s", cdp_why_text());
}

/* Once only: the kernel takes no other one. */
static int set_uuid(const struct cdp_new_set *s)
{
	char uuid[sizeof(CDP_DM_UUID_PREFIX) + CDP_UUID_TEXT], text[CDP_UUID_TEXT];
	struct cdp_dm_info info;
	int r = cdp_dm_info(s->name, &info);

	if (r || info.uuid[0])
		return r;
	cdp_print(uuid, sizeof(uuid), CDP_DM_UUID_PREFIX "%s",
		  cdp_uuid_print(&s->conf.uuid, text));
	return cdp_dm_set_uuid(s->name, uuid);
}

static void take_leg(struct cdp_conf_leg *l, const struct cdp_leg_status *st)
{
	u32 ma, mi;

	l->uuid = st->uuid;
	if (cdp_probe_numbers(st->data_dev, &ma, &mi))
		cdp_identity_remember(l, ma, mi);
}

/* The kernel made the UUIDs when it formatted the areas. */
static int take_uuids(void *arg)
{
	struct cdp_new_set *s = arg;
	struct cdp_live live;
	u32 i;
	int r = cdp_live_open(&live, s->name);

	if (!r && cdp_uuid_is_null(&live.status.set_uuid))
		r = cdp_why(-EPROTO, "%s: the kernel tells no UUID of the new set", s->name);
	if (!r) {
		s->conf.uuid = live.status.set_uuid;
		for (i = 0; i < live.status.nr_legs && i < s->conf.nr_legs; i++)
			take_leg(&s->conf.legs[i], &live.status.legs[i]);
		r = set_uuid(s);
	}
	cdp_live_close(&live);
	return r;
}

static int save(void *arg)
{
	struct cdp_new_set *s = arg;

	return cdp_conf_save(&s->conf);
}

static void unsave(void *arg)
{
	struct cdp_new_set *s = arg;

	if (cdp_conf_remove(s->name))
		cdp_warn("%s", cdp_why_text());
}

static int fill(struct cdp_new_set *s)
{
	u32 i;

	cdp_print(s->conf.name, sizeof(s->conf.name), "%s", s->name);
	s->conf.length = s->length;
	s->conf.region_sectors = s->table.region_sectors;
	s->conf.nr_legs = s->table.nr_legs = s->nr_legs;
	for (i = 0; i < s->nr_legs; i++) {
		cdp_new_leg_to_conf(&s->legs[i], &s->conf.legs[i]);
		cdp_new_leg_to_table(&s->legs[i], &s->table.legs[i]);
	}
	cdp_table_print(&s->table, s->line, sizeof(s->line));
	return cdp_conf_check(&s->conf);
}

int cdp_new_set_plan(struct cdp_steps *p, struct cdp_new_set *s)
{
	u32 i;
	int r = fill(s);

	if (r)
		return r;
	for (i = 0; i < s->nr_legs; i++)
		cdp_new_leg_plan_wipe(p, &s->legs[i]);
	cdp_steps_add(p, create, remove_mapping, s, "dm: create %s with the table: 0 %llu cdp %s",
		      s->name, (unsigned long long)s->length, s->line);
	return cdp_new_set_plan_conf(p, s);
}

int cdp_new_set_plan_conf(struct cdp_steps *p, struct cdp_new_set *s)
{
	char path[CDP_PATH_TEXT];
	int r = fill(s);

	if (r)
		return r;
	cdp_steps_add(p, take_uuids, NULL, s,
		      "dm: set the uuid of %s to " CDP_DM_UUID_PREFIX "<set uuid>, which the kernel makes",
		      s->name);
	cdp_steps_add(p, save, unsave, s, "conf: write %s", cdp_conf_path(s->name, path));
	return 0;
}
