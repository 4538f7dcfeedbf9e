// SPDX-License-Identifier: GPL-2.0-or-later
/* examine: what the metadata on a device says, without any configuration. */
#include <time.h>

#include "cmd.h"
#include "md-io.h"
#include "msg.h"
#include "opts.h"
#include "out.h"
#include "probe.h"
#include "size.h"
#include "table.h"

enum { OPT_META_START = 256 };
static bool has_start;
static u64 meta_start;

static const struct argp_option options[] = {
	{ "meta-start", OPT_META_START, "SECTOR", 0,
	  "where the area begins (else it is looked for at the start and before the end)", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == OPT_META_START) {
		meta_start = cdp_opts_number(state, "--meta-start", arg, CDP_MAX_DATA_SECTORS);
		has_start = true;
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_JSON, { 0 } };

static const struct argp argp = {
	options, parse, "DEV",
	"Show the dm-cdp metadata on a device. Reads only; works on a running leg too.",
	children, NULL, NULL,
};

/*----------------------------------------------------------------*/

/* One row for the area, one below it for each leg in its table. */
#define COLUMNS(x) \
	x(WHAT,		"what",		OUT_TREE) \
	x(UUID,		"uuid",		0) \
	x(STATE,	"state",	0) \
	x(GENERATION,	"generation",	0) \
	x(SEQUENCE,	"sequence",	OUT_NUMBER) \
	x(TRACKED,	"tracked_regions", OUT_NUMBER) \
	x(ORDER,	"order",	OUT_NUMBER) \
	x(SLOT,		"slot",		OUT_NUMBER | OUT_JSON_ONLY) \
	x(THIS,		"this_device",	OUT_BOOL | OUT_JSON_ONLY) \
	x(PREFERRED,	"preferred",	OUT_BOOL | OUT_JSON_ONLY) \
	x(CHANGED,	"changed",	0) \
	x(CREATED,	"created_unix",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(DEVICE,	"device",	OUT_JSON_ONLY) \
	x(META_START,	"meta_start",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(AREA,		"area_sectors",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(SECTORS,	"data_sectors",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(DATA_START,	"data_start",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(REGION,	"region_sectors", OUT_NUMBER | OUT_JSON_ONLY) \
	x(TRACKERS,	"trackers",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(BLOCK,	"logical_block_bytes", OUT_NUMBER | OUT_JSON_ONLY) \
	x(CLEAN,	"clean",	OUT_BOOL | OUT_JSON_ONLY) \
	x(INTENT,	"intent_extents", OUT_NUMBER | OUT_JSON_ONLY) \
	x(PAGES,	"pages",	OUT_NUMBER | OUT_JSON_ONLY) \
	x(DAMAGED,	"damaged_pages", OUT_NUMBER | OUT_JSON_ONLY) \
	x(ANCESTORS,	"ancestors",	OUT_JSON_ONLY)

enum column {
#define x(id, name, flags) COL_##id,
	COLUMNS(x)
#undef x
};

static const struct cdp_out_column columns[] = {
#define x(id, name, flags) { name, flags },
	COLUMNS(x)
#undef x
};

#define U64(v)	((unsigned long long)(v))
#define SET(col, ...) cdp_out_set(o, row, COL_##col, __VA_ARGS__)

struct examined {
	struct cdp_device dev;
	struct cdp_md md;
	struct cdp_md_bitmaps bits;
	struct cdp_geometry g;
};

static const char *disk_state(u32 state)
{
	switch (state) {
	case DISK_LEG_IN_SYNC:
		return cdp_leg_state_name(LEG_IN_SYNC);
	case DISK_LEG_STALE:
		return cdp_leg_state_name(LEG_STALE);
	case DISK_LEG_FAULTY:
		return cdp_leg_state_name(LEG_FAULTY);
	}
	return "-";
}

static const char *when(u64 seconds, char text[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!seconds || !localtime_r(&t, &tm) || !strftime(text, 32, "%Y-%m-%d %H:%M:%S", &tm))
		strcpy(text, "-");
	return text;
}

static void ancestors_text(const struct cdp_super *s, char *text, size_t size)
{
	u32 i;
	int n = 0;

	*text = '\0';
	for (i = 0; i < CDP_ANCESTORS && s->ancestors[i]; i++)
		n += cdp_print(text + n, size - (size_t)n, "%s%016llx", i ? " " : "",
			       U64(s->ancestors[i]));
}

static struct cdp_out_row *fill_area(struct cdp_out *o, const struct examined *e)
{
	struct cdp_out_row *row = cdp_out_row(o, NULL);
	const struct cdp_super *s = &e->md.super;
	char text[CDP_ANCESTORS * 18], uuid[CDP_UUID_TEXT];

	SET(WHAT, "set");
	SET(UUID, "%s", cdp_uuid_print(&s->set_uuid, uuid));
	SET(STATE, "%s", s->flags & CDP_SUPER_CLEAN ? "clean" : "not clean");
	SET(GENERATION, "%016llx", U64(s->generation));
	SET(SEQUENCE, "%llu", U64(s->sequence));
	SET(CHANGED, "%s", when(s->updated, text));
	SET(CREATED, "%llu", U64(s->created));
	SET(DEVICE, "%s", e->dev.path);
	SET(META_START, "%llu", U64(e->md.start));
	SET(AREA, "%llu", U64(cdp_area_blocks(&e->g) * CDP_BLOCK_SECTORS));
	SET(SECTORS, "%llu", U64(s->data_sectors));
	SET(DATA_START, "%llu", U64(s->data_start));
	SET(REGION, "%u", s->region_sectors);
	SET(TRACKERS, "%u", s->trackers);
	SET(BLOCK, "%u", s->logical_block_bytes);
	SET(CLEAN, "%d", !!(s->flags & CDP_SUPER_CLEAN));
	SET(INTENT, "%llu", U64(e->bits.intent_extents));
	SET(PAGES, "%llu", U64(e->bits.pages));
	SET(DAMAGED, "%llu", U64(e->bits.damaged_pages));
	ancestors_text(s, text, sizeof(text));
	SET(ANCESTORS, "%s", text);
	return row;
}

static void fill_leg(struct cdp_out *o, struct cdp_out_row *parent, const struct examined *e,
		     u32 slot)
{
	const struct cdp_super *s = &e->md.super;
	const struct cdp_leg_entry *l = &s->legs[slot];
	bool mine = cdp_uuid_equal(&l->uuid, &s->leg_uuid);
	bool preferred = cdp_uuid_equal(&l->uuid, &s->preferred);
	struct cdp_out_row *row;
	char text[32], uuid[CDP_UUID_TEXT];

	if (l->state == DISK_LEG_UNUSED)
		return;
	row = cdp_out_row(o, parent);
	SET(WHAT, "leg in slot %u%s%s", slot, mine && !cdp_opts.json ? ", this device" : "",
	    preferred && !cdp_opts.json ? ", preferred" : "");
	SET(UUID, "%s", cdp_uuid_print(&l->uuid, uuid));
	SET(STATE, "%s", disk_state(l->state));
	SET(GENERATION, "%016llx", U64(l->generation));
	SET(SEQUENCE, "%llu", U64(l->sequence));
	SET(TRACKED, "%llu", U64(e->bits.tracked_regions[slot]));
	SET(ORDER, "%u", l->order);
	SET(SLOT, "%u", slot);
	SET(THIS, "%d", mine);
	SET(PREFERRED, "%d", preferred);
	SET(CHANGED, "%s", when(l->changed, text));
}

static void print_head(const struct examined *e)
{
	const struct cdp_super *s = &e->md.super;
	char size[CDP_SIZE_TEXT], region[CDP_SIZE_TEXT];

	printf("%s: metadata at sector %llu, %llu sectors; data from sector %llu, %s in regions of %s\n",
	       e->dev.path, U64(e->md.start), U64(cdp_area_blocks(&e->g) * CDP_BLOCK_SECTORS),
	       U64(s->data_start), cdp_size_print(s->data_sectors * CDP_SECTOR_BYTES, size),
	       cdp_size_print((u64)s->region_sectors * CDP_SECTOR_BYTES, region));
	printf("%llu extents with intent, %llu of %llu bitmap pages damaged\n\n",
	       U64(e->bits.intent_extents), U64(e->bits.damaged_pages), U64(e->bits.pages));
}

static int show(const struct examined *e)
{
	struct cdp_out *o = cdp_out_new("metadata", columns, ARRAY_SIZE(columns), cdp_opts.json);
	struct cdp_out_row *row = fill_area(o, e);
	u32 i;

	for (i = 0; i < CDP_MAX_LEGS; i++)
		fill_leg(o, row, e, i);
	if (!cdp_opts.json)
		print_head(e);
	return cdp_out_print(o);
}

static int read_area(struct examined *e)
{
	const struct cdp_super *s = &e->md.super;
	const char *why;
	int r = has_start ? cdp_md_read(e->dev.path, meta_start, &e->md) :
		cdp_md_find(e->dev.path, e->dev.sectors, &e->md);

	if (!r && e->md.kind != SUPER_VALID)
		r = cdp_why(e->md.kind == SUPER_BLANK ? -ENODATA : -EILSEQ, "%s: %s", e->dev.path,
			    e->md.why);
	if (!r)
		r = cdp_geometry_set(&e->g, s->data_sectors, s->region_sectors, s->trackers, &why);
	return r ? r : cdp_md_bitmaps(e->dev.path, &e->md, &e->bits);
}

int cdp_cmd_examine(int argc, char **argv)
{
	static struct examined e;
	int r;

	cdp_opts_parse(&argp, argc, argv, 1, 1);
	r = cdp_probe_device(cdp_opts.words[0], &e.dev);
	if (!r)
		r = read_area(&e);
	return r ? r : show(&e);
}
