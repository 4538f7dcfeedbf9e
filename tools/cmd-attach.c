// SPDX-License-Identifier: GPL-2.0-or-later
/* attach: a disk, and the legs that shall hold copies of it, become a set. */
#include <stdlib.h>

#include "cmd.h"
#include "dm.h"
#include "follow.h"
#include "live.h"
#include "msg.h"
#include "new-leg.h"
#include "opts.h"
#include "size.h"

#define DEFAULT_REGION_BYTES	(64 * 1024)

struct attach {
	const char *name;
	const char *primary;
	const char *specs[CDP_MAX_LEGS];	/* [0] stays free for the primary */
	const char *metas[CDP_MAX_LEGS];
	u32 nr_legs, nr_metas;
	u64 region_bytes, size_bytes;
	bool assume_clean, no_wait;
	char features[CDP_FEATURES_TEXT];

	struct cdp_steps plan;
	struct cdp_new_leg legs[CDP_MAX_LEGS];
	struct cdp_place place;
	struct cdp_table table;
	char line[CDP_LINE_TEXT];
	struct cdp_conf conf;
};

static struct attach attach;

enum { OPT_ASSUME_CLEAN = 256, OPT_NO_WAIT, OPT_META, OPT_SIZE, OPT_REGION, OPT_FEATURE };

static const struct argp_option options[] = {
	{ "primary", 'p', "DEV", 0, "the disk to protect; its data stays as it is", 1 },
	{ "protect", 'P', "DEV|URL", 0,
	  "a disk for a copy: a device, or iscsi://[USER@]HOST[:PORT]/TARGET/LUN (may be repeated)",
	  1 },
	{ "meta", OPT_META, "DEV", 0,
	  "a device for metadata; the first is the primary's, then in order of --protect; - for the leg's own end (the default)",
	  2 },
	{ "region-size", OPT_REGION, "SIZE", 0, "what differences are tracked by (64K)", 2 },
	{ "size", OPT_SIZE, "SIZE", 0, "use only so much of each leg", 2 },
	{ "feature", OPT_FEATURE, "NAME[=VALUE]", 0,
	  "a feature of the table line, such as leg_timeout_ms=3000 (may be repeated)", 2 },
	{ "assume-clean", OPT_ASSUME_CLEAN, NULL, 0, "the legs are equal: copy nothing", 2 },
	{ "no-wait", OPT_NO_WAIT, NULL, 0, "return while the first copy runs", 2 },
	{ 0 },
};

static void add_protect(struct argp_state *state, const char *spec)
{
	if (!attach.nr_legs)
		attach.nr_legs = 1;
	if (attach.nr_legs == CDP_MAX_LEGS)
		argp_error(state, "a set has at most %u legs", CDP_MAX_LEGS);
	attach.specs[attach.nr_legs++] = spec;
}

static void add_meta(struct argp_state *state, const char *dev)
{
	if (attach.nr_metas == CDP_MAX_LEGS)
		argp_error(state, "--meta is given too often");
	attach.metas[attach.nr_metas++] = dev;
}

static void add_feature(struct argp_state *state, char *word)
{
	size_t used = strlen(attach.features);
	char *equal = strchr(word, '=');

	if (used + strlen(word) + 2 > sizeof(attach.features))
		argp_error(state, "--feature is given too often");
	if (equal)
		*equal = ' ';
	cdp_print(attach.features + used, sizeof(attach.features) - used, "%s%s",
		  used ? " " : "", word);
}

static void check_words(struct argp_state *state)
{
	u64 region = attach.region_bytes;

	if (!attach.primary)
		argp_error(state, "--primary DEV is missing");
	if (!attach.nr_legs)
		argp_error(state, "--protect is missing: a set needs at least one leg beside the primary");
	if (attach.nr_metas > attach.nr_legs)
		argp_error(state, "there are more --meta than legs");
	if (region < CDP_MIN_REGION_SECTORS * CDP_SECTOR_BYTES || region & (region - 1) ||
	    region > (u64)CDP_MAX_REGION_SECTORS * CDP_SECTOR_BYTES)
		argp_error(state, "--region-size must be a power of two from 4K to 16M");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'p':
		attach.primary = arg;
		return 0;
	case 'P':
		add_protect(state, arg);
		return 0;
	case OPT_META:
		add_meta(state, arg);
		return 0;
	case OPT_REGION:
		attach.region_bytes = cdp_opts_size(state, "--region-size", arg);
		return 0;
	case OPT_SIZE:
		attach.size_bytes = cdp_opts_size(state, "--size", arg);
		return 0;
	case OPT_FEATURE:
		add_feature(state, arg);
		return 0;
	case OPT_ASSUME_CLEAN:
		attach.assume_clean = true;
		return 0;
	case OPT_NO_WAIT:
		attach.no_wait = true;
		return 0;
	case ARGP_KEY_SUCCESS:
		check_words(state);
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = {
	CDP_CHILD_JSON, CDP_CHILD_DRY_RUN, CDP_CHILD_FORCE, CDP_CHILD_SECRET, { 0 },
};

static const struct argp argp = {
	options, parse, "NAME",
	"Make a set NAME of a disk and the legs that protect it; it is /dev/mapper/NAME from then on.",
	children, NULL, NULL,
};

/*----------------------------------------------------------------*/

static int check_name(const char *name)
{
	struct cdp_dm_info info;
	char path[CDP_PATH_TEXT];
	int r;

	if (!cdp_name_is_valid(name))
		return cdp_why(-ECDP_USAGE, "%s is no name for a set: letters, digits and . _ + - only, and not . or - first",
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

static int parse_legs(struct attach *a)
{
	u32 i;
	int r = 0;

	a->specs[0] = a->primary;
	for (i = 0; i < a->nr_legs && !r; i++) {
		a->legs[i].keeps_data = !i || a->assume_clean;
		r = cdp_new_leg_parse(&a->legs[i], a->specs[i], a->metas[i]);
	}
	return r;
}

static int login_legs(struct attach *a)
{
	u32 i;

	for (i = 0; i < a->nr_legs; i++)
		cdp_new_leg_plan_login(&a->plan, &a->legs[i]);
	return cdp_steps_run(&a->plan);
}

/* What is here already is judged before anything is logged in to. */
static int inspect_legs(struct attach *a, bool iscsi)
{
	u32 i;
	int r = 0;

	for (i = 0; i < a->nr_legs && !r; i++) {
		if ((a->legs[i].iscsi.target[0] != '\0') != iscsi)
			continue;
		r = cdp_new_leg_inspect(&a->legs[i], cdp_opts.dry_run);
		if (!r)
			r = cdp_new_leg_guard(&a->legs[i]);
		if (!r)
			cdp_new_leg_advise(&a->legs[i]);
	}
	return r ? r : cdp_new_legs_check(a->legs, a->nr_legs);
}

static int place_legs(struct attach *a)
{
	const char *why, *leg;
	u32 i;
	int r;

	a->place = (struct cdp_place) {
		.region_sectors = (u32)(a->region_bytes / CDP_SECTOR_BYTES),
		.trackers = cdp_geometry_trackers(a->nr_legs),
		.want_sectors = a->size_bytes / CDP_SECTOR_BYTES,
		.nr_legs = a->nr_legs,
	};
	for (i = 0; i < a->nr_legs; i++)
		cdp_new_leg_to_place(&a->legs[i], &a->place.legs[i]);
	a->place.whole_first = !a->place.legs[0].internal && a->legs[0].dev.nr_finds;
	r = cdp_place(&a->place, &why, &leg);
	if (r)
		return cdp_new_leg_place_failed(r, why, leg);
	for (i = 0; i < a->nr_legs; i++)
		a->legs[i].meta_start = a->place.legs[i].meta_start;
	return 0;
}

/*----------------------------------------------------------------*/

static int make_features(struct attach *a)
{
	int r = cdp_features_parse(a->features, &a->table.features);

	if (r)
		return cdp_why(-ECDP_USAGE, "%s", cdp_why_text());
	cdp_features_print(&a->table.features, a->conf.features);
	a->table.features.assume_clean |= a->assume_clean;	/* not for later starts */
	return 0;
}

static int create(void *arg)
{
	struct attach *a = arg;

	return cdp_dm_create(a->name, NULL, a->place.length, a->line);
}

static void remove_mapping(void *arg)
{
	struct attach *a = arg;

	if (cdp_dm_remove(a->name))
		cdp_warn("%s", cdp_why_text());
}

/* The kernel made the UUIDs when it formatted the areas. */
static int take_uuids(void *arg)
{
	struct attach *a = arg;
	char uuid[sizeof(CDP_DM_UUID_PREFIX) + CDP_UUID_TEXT], text[CDP_UUID_TEXT];
	struct cdp_live s;
	u32 i;
	int r = cdp_live_open(&s, a->name);

	if (!r && cdp_uuid_is_null(&s.status.set_uuid))
		r = cdp_why(-EPROTO, "%s: the kernel tells no UUID of the new set", a->name);
	if (!r) {
		a->conf.uuid = s.status.set_uuid;
		for (i = 0; i < s.status.nr_legs && i < a->conf.nr_legs; i++)
			a->conf.legs[i].uuid = s.status.legs[i].uuid;
		cdp_print(uuid, sizeof(uuid), CDP_DM_UUID_PREFIX "%s",
			  cdp_uuid_print(&a->conf.uuid, text));
		r = cdp_dm_set_uuid(a->name, uuid);
	}
	cdp_live_close(&s);
	return r;
}

static int save(void *arg)
{
	struct attach *a = arg;

	return cdp_conf_save(&a->conf);
}

static void unsave(void *arg)
{
	struct attach *a = arg;

	if (cdp_conf_remove(a->name))
		cdp_warn("%s", cdp_why_text());
}

static void fill_conf(struct attach *a)
{
	u32 i;

	cdp_print(a->conf.name, sizeof(a->conf.name), "%s", a->name);
	a->conf.length = a->place.length;
	a->conf.region_sectors = a->place.region_sectors;
	a->conf.nr_legs = a->nr_legs;
	for (i = 0; i < a->nr_legs; i++)
		cdp_new_leg_to_conf(&a->legs[i], &a->conf.legs[i]);
}

static int make_set(struct attach *a)
{
	char path[CDP_PATH_TEXT];
	u32 i;

	fill_conf(a);
	a->table.region_sectors = a->place.region_sectors;
	a->table.nr_legs = a->nr_legs;
	for (i = 0; i < a->nr_legs; i++) {
		cdp_new_leg_to_table(&a->legs[i], &a->table.legs[i]);
		cdp_new_leg_plan_wipe(&a->plan, &a->legs[i]);
	}
	cdp_table_print(&a->table, a->line, sizeof(a->line));
	cdp_steps_add(&a->plan, create, remove_mapping, a, "dm: create %s with the table: 0 %llu cdp %s",
		      a->name, (unsigned long long)a->place.length, a->line);
	cdp_steps_add(&a->plan, take_uuids, NULL, a,
		      "dm: set the uuid of %s to " CDP_DM_UUID_PREFIX "<set uuid>, which the kernel makes",
		      a->name);
	cdp_steps_add(&a->plan, save, unsave, a, "conf: write %s",
		      cdp_conf_path(a->name, path));
	return cdp_steps_run(&a->plan);
}

static int attach_all(struct attach *a)
{
	int r = check_name(a->name);

	if (!r)
		r = make_features(a);
	if (!r)
		r = parse_legs(a);
	if (!r)
		r = inspect_legs(a, false);
	if (!r)
		r = login_legs(a);
	if (!r)
		r = inspect_legs(a, true);
	if (!r)
		r = place_legs(a);
	if (!r)
		r = make_set(a);
	if (r)
		cdp_steps_undo(&a->plan);
	cdp_steps_free(&a->plan);
	return r;
}

int cdp_cmd_attach(int argc, char **argv)
{
	char size[CDP_SIZE_TEXT];
	int r;

	attach.region_bytes = DEFAULT_REGION_BYTES;
	cdp_opts_parse(&argp, argc, argv, 1, 1);
	attach.name = cdp_opts.words[0];
	attach.plan.dry_run = cdp_opts.dry_run;
	cdp_interrupt_catch();
	r = attach_all(&attach);
	if (r || cdp_opts.dry_run)
		return r;
	cdp_note("/dev/mapper/%s is ready for use, %s", attach.name,
		 cdp_size_print(attach.place.length * CDP_SECTOR_BYTES, size));
	if (attach.no_wait)
		return 0;
	r = cdp_follow_copy(attach.name, FOLLOW_IN_SYNC, cdp_opts.json);
	if (!r)
		cdp_note("%s is in-sync: every leg holds all data", attach.name);
	return r;
}
