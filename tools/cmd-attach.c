// SPDX-License-Identifier: GPL-2.0-or-later
/* attach: a disk, and the legs that shall hold copies of it, become a set. */
#include "attach-live.h"
#include "cmd.h"
#include "dm.h"
#include "doing.h"
#include "follow.h"
#include "msg.h"
#include "new-set.h"
#include "opts.h"
#include "size.h"

#define DEFAULT_REGION_BYTES	(64 * 1024)

struct attach {
	const char *name;
	const char *primary;
	const char *under;
	bool live;
	const char *specs[CDP_MAX_LEGS];	/* [0] stays free for the primary */
	const char *metas[CDP_MAX_LEGS];
	u32 nr_legs, nr_metas;
	u64 region_bytes, size_bytes;
	bool assume_clean, no_wait;
	char features[CDP_FEATURES_TEXT];

	struct cdp_steps plan;
	struct cdp_new_leg legs[CDP_MAX_LEGS];
	struct cdp_place place;
	struct cdp_new_set set;
};

static struct attach attach;

enum { OPT_ASSUME_CLEAN = 256, OPT_NO_WAIT, OPT_META, OPT_SIZE, OPT_REGION, OPT_FEATURE, OPT_LIVE,
	OPT_UNDER };

static const struct argp_option options[] = {
	{ "primary", 'p', "DEV", 0, "the disk to protect; its data stays as it is", 1 },
	{ "protect", 'P', "DEV|URL", 0,
	  "a disk for a copy: a device, or iscsi://[USER@]HOST[:PORT]/TARGET/LUN (may be repeated)",
	  1 },
	{ "live", OPT_LIVE, NULL, 0, "put the set under a device while it is used", 1 },
	{ "under", OPT_UNDER, "DEV", 0,
	  "with --live: the device-mapper device in use, such as a logical volume; it keeps its name",
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

	if (attach.live != !!attach.under)
		argp_error(state, "--live and --under DEV go together");
	if (attach.live && (attach.primary || attach.size_bytes || attach.assume_clean))
		argp_error(state, "--live takes no --primary, --size or --assume-clean: all of the device in use is protected, and copied");
	if (attach.live && !attach.nr_metas)
		argp_error(state, "--live needs --meta DEV for the metadata of the device in use: it is full of data, so a small device of its own holds it");
	if (!attach.live && !attach.primary)
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
	case OPT_LIVE:
		attach.live = true;
		return 0;
	case OPT_UNDER:
		attach.under = arg;
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
	options, parse, "NAME --primary DEV --protect DEV|URL...\n--live NAME --under DEV --meta DEV --protect DEV|URL...",
	"Make a set NAME of a disk and the legs that protect it; it is /dev/mapper/NAME from then on. With --live the disk is a device-mapper device in use, which keeps its name, and its users notice nothing.",
	children, NULL, NULL,
};

/*----------------------------------------------------------------*/

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
	struct cdp_features *f = &a->set.table.features;
	int r = cdp_features_parse(a->features, f);

	if (r)
		return cdp_why(-ECDP_USAGE, "%s", cdp_why_text());
	cdp_features_print(f, a->set.conf.features);
	f->assume_clean |= a->assume_clean;	/* not for later starts */
	return 0;
}

static int make_set(struct attach *a)
{
	a->set.name = a->name;
	a->set.legs = a->legs;
	a->set.nr_legs = a->nr_legs;
	a->set.length = a->place.length;
	a->set.table.region_sectors = a->place.region_sectors;
	return cdp_new_set_plan(&a->plan, &a->set) ?: cdp_steps_run(&a->plan);
}

static int attach_all(struct attach *a)
{
	int r = cdp_new_set_check_name(a->name);

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

static int check_live(const struct attach *a)
{
	int r = cdp_name_is_valid(a->name) ? 0 :
		cdp_why(-ECDP_USAGE, "%s is no name for a set: letters, digits and . _ + - only, and not . - or + first",
			a->name);

	return r || cdp_opts.dry_run ? r : cdp_dm_have_target();
}

static int attach_live(struct attach *a)
{
	const struct cdp_attach_live live = {
		.name = a->name, .under = a->under, .protects = a->specs + 1, .metas = a->metas,
		.nr_protects = a->nr_legs - 1,
		.region_sectors = (u32)(a->region_bytes / CDP_SECTOR_BYTES),
		.features = a->set.table.features,
	};
	bool undone;
	int r = check_live(a);

	if (!r)
		r = cdp_attach_live_begin(&live);
	if (r)
		return r;
	r = cdp_attach_live(&live, &undone);
	cdp_doing_close(r, undone);
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
	r = make_features(&attach);
	if (!r)
		r = attach.live ? attach_live(&attach) : attach_all(&attach);
	if (r || cdp_opts.dry_run)
		return r;
	if (attach.live)
		cdp_note("%s is protected by the set %s", attach.under, attach.name);
	else
		cdp_note("/dev/mapper/%s is ready for use, %s", attach.name,
			 cdp_size_print(attach.place.length * CDP_SECTOR_BYTES, size));
	if (attach.no_wait)
		return 0;
	r = cdp_follow_copy(attach.name, FOLLOW_IN_SYNC, cdp_opts.json);
	if (!r)
		cdp_note("%s is in-sync: every leg holds all data", attach.name);
	return r;
}
