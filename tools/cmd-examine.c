// SPDX-License-Identifier: GPL-2.0-or-later
/* examine: what the metadata on a device says, without any configuration. */
#include <time.h>

#include "cmd.h"
#include "look.h"
#include "md-io.h"
#include "msg.h"
#include "opts.h"
#include "out.h"
#include "probe.h"
#include "size.h"
#include "table.h"

#define ANSWER_S	60u	/* for all bitmaps */

enum { OPT_META_START = 256, OPT_UDEV };
static bool has_start, for_udev;
static u64 meta_start;

static const struct argp_option options[] = {
	{ "meta-start", OPT_META_START, "SECTOR", 0,
	  "where the area begins (else it is looked for at the start and before the end)", 1 },
	{ "udev", OPT_UDEV, NULL, 0,
	  "properties for udev's rules; exit status 1 when this is no leg", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == OPT_META_START) {
		meta_start = cdp_opts_number(state, "--meta-start", arg, CDP_MAX_DATA_SECTORS);
		has_start = true;
		return 0;
	}
	if (key == OPT_UDEV) {
		for_udev = true;
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
	x(AGE,		"age",		OUT_TABLE_ONLY) \
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
	x(BAD,		"damaged_blocks", OUT_JSON_ONLY) \
	x(SUPER_A,	"superblock_a",	OUT_JSON_ONLY) \
	x(SUPER_B,	"superblock_b",	OUT_JSON_ONLY) \
	x(ANCESTORS,	"ancestors",	OUT_JSON_ONLY)

CDP_OUT_COLUMNS(COLUMNS);

#define U64(v)	((unsigned long long)(v))
#define SET(col, ...) cdp_out_set(o, row, COL_##col, __VA_ARGS__)

struct examined {
	struct cdp_device dev;
	struct cdp_md md;
	struct cdp_md_bitmaps bits;
	struct cdp_geometry g;
	struct cdp_uuid remains;	/* of a set whose superblocks are gone */
	int failed;
	char why[CDP_MSG_TEXT];
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

static const char *age(u64 seconds, char text[CDP_TIME_TEXT])
{
	u64 now = (u64)time(NULL);

	if (!seconds || seconds > now)
		strcpy(text, "-");
	else
		cdp_time_print(now - seconds, text);
	return text;
}

static const char *kind_text(enum cdp_super_kind kind)
{
	switch (kind) {
	case SUPER_BLANK:
		return "blank";
	case SUPER_VALID:
		return "valid";
	case SUPER_DAMAGED:
		return "damaged";
	case SUPER_FOREIGN:
		return "foreign";
	default:
		return "of a later format";
	}
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

static void bad_text(const struct cdp_md_bitmaps *b, char *text, size_t size)
{
	u32 i;
	int n = 0;

	*text = '\0';
	for (i = 0; i < CDP_MD_BAD && i < b->damaged_pages; i++)
		n += cdp_print(text + n, size - (size_t)n, "%s%llu", i ? " " : "",
			       U64(b->bad[i].block));
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
	SET(CHANGED, "%s", cdp_when_print(s->updated, text));
	SET(AGE, "%s", age(s->updated, text));
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
	bad_text(&e->bits, text, sizeof(text));
	SET(BAD, "%s", text);
	SET(SUPER_A, "%s", kind_text(e->md.copies[0].kind));
	SET(SUPER_B, "%s", kind_text(e->md.copies[1].kind));
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
	char text[CDP_WHEN_TEXT], uuid[CDP_UUID_TEXT];

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
	SET(CHANGED, "%s", cdp_when_print(l->changed, text));
	SET(AGE, "%s", age(l->changed, text));
}

static void print_copies(const struct cdp_md *md)
{
	char text[CDP_WHEN_TEXT];
	u32 i;

	for (i = 0; i < 2; i++) {
		const struct cdp_md_copy *c = &md->copies[i];

		printf("superblock %c, block %u: %s", 'A' + (int)i, i, kind_text(c->kind));
		if (c->kind == SUPER_VALID)
			printf(", sequence %llu of %s%s\n", U64(c->sequence),
			       cdp_when_print(c->updated, text),
			       md->kind == SUPER_VALID && c->sequence == md->super.sequence ?
			       "; this one counts" : "");
		else
			printf(": %s\n", c->why);
	}
}

static void print_bad(const struct examined *e)
{
	u64 n = e->bits.damaged_pages, first, extents;
	char size[CDP_SIZE_TEXT], at[CDP_SIZE_TEXT], whose[24];
	u32 i;

	for (i = 0; i < CDP_MD_BAD && i < n; i++) {
		const struct cdp_md_bad *b = &e->bits.bad[i];

		extents = b->kind == BLOCK_INTENT ? CDP_INTENT_EXTENTS : CDP_TRACKER_EXTENTS;
		first = b->page * extents;
		if (extents > e->g.extents - first)
			extents = e->g.extents - first;
		cdp_print(whose, sizeof(whose), b->kind == BLOCK_INTENT ? "intent" :
			  "tracker of slot %u", b->slot);
		printf("block %llu, %s: %s; it counts as all set for %s from %s on\n",
		       U64(b->block), whose, b->why,
		       cdp_size_print(extents * cdp_extent_sectors(&e->g) * CDP_SECTOR_BYTES, size),
		       cdp_size_print(first * cdp_extent_sectors(&e->g) * CDP_SECTOR_BYTES, at));
	}
	if (n > CDP_MD_BAD)
		printf("and %llu more\n", U64(n - CDP_MD_BAD));
}

static void print_head(const struct examined *e)
{
	const struct cdp_super *s = &e->md.super;
	char size[CDP_SIZE_TEXT], region[CDP_SIZE_TEXT], old[CDP_ANCESTORS * 18];

	printf("%s: metadata at sector %llu, %llu sectors; data from sector %llu, %s in regions of %s\n",
	       e->dev.path, U64(e->md.start), U64(cdp_area_blocks(&e->g) * CDP_BLOCK_SECTORS),
	       U64(s->data_start), cdp_size_print(s->data_sectors * CDP_SECTOR_BYTES, size),
	       cdp_size_print((u64)s->region_sectors * CDP_SECTOR_BYTES, region));
	print_copies(&e->md);
	ancestors_text(s, old, sizeof(old));
	printf("generation %016llx, before it: %s\n", U64(s->generation), *old ? old : "none");
	printf("extents with intent: %llu; bitmap pages: %llu of %llu damaged\n",
	       U64(e->bits.intent_extents), U64(e->bits.damaged_pages), U64(e->bits.pages));
	print_bad(e);
	putchar('\n');
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

/* Nothing that can be trusted: say what is there, and what would make a leg of it again. */
static int explain_gone(const struct examined *e)
{
	char uuid[CDP_UUID_TEXT];
	bool area = e->md.kind != SUPER_BLANK && e->md.kind != SUPER_FOREIGN;

	if (!cdp_opts.json && (area || has_start))
		print_copies(&e->md);
	fflush(stdout);	/* before what stderr says */
	if (!cdp_uuid_is_null(&e->remains))
		cdp_note("bitmaps of the set %s are at sector %llu still; the superblocks are gone",
			 cdp_uuid_print(&e->remains, uuid), U64(e->md.start));
	if (e->md.kind == SUPER_UNSUPPORTED)
		return cdp_why(-EILSEQ, "%s: %s; use the cdpctl and the module that wrote it",
			       e->dev.path, e->md.why);
	if (!area)
		return cdp_why(-ENODATA, "%s: %s", e->dev.path, e->md.why);
	return cdp_why(-EILSEQ, "%s: no valid superblock at sector %llu: %s. Its data is untouched, but nothing tells whether it is whole. If the set runs from another leg: cdpctl leg reset NAME LEG --force=cdp makes this one a new leg, and all is copied to it. If this was the only one: cdpctl attach NEW-NAME --primary %s --force=cdp makes a new set of its data",
		       e->dev.path, U64(e->md.start), e->md.why, e->dev.path);
}

static int read_area(struct examined *e, const char *path)
{
	const struct cdp_super *s = &e->md.super;
	const char *why;
	int r = has_start ? cdp_md_read(path, meta_start, &e->md) :
		cdp_md_find(path, e->dev.sectors, &e->md, &e->remains);

	if (r)
		return r;
	if (e->md.kind != SUPER_VALID) {
		if (!cdp_md_has_pages(path, e->md.start, &e->remains))
			memset(&e->remains, 0, sizeof(e->remains));
		return 0;
	}
	r = cdp_geometry_set(&e->g, s->data_sectors, s->region_sectors, s->trackers, &why);
	return r ? r : cdp_md_bitmaps(path, &e->md, &e->bits);
}

static u8 read_it(const struct cdp_look *l, void *ctx)
{
	struct examined *e = ctx;

	e->failed = cdp_probe_device(l->path, &e->dev) ?: read_area(e, l->path);
	cdp_print(e->why, sizeof(e->why), "%s", cdp_why_text());
	return 1;
}

static int examine(struct examined *e)
{
	struct cdp_look l;
	int r = cdp_look_at(&l, &e->dev, ANSWER_S, read_it, e);

	if (r)
		return r;
	if (l.silent)
		return cdp_why(-ETIME, "%s %s", e->dev.path, l.silent);
	if (e->failed)
		return cdp_why(e->failed, "%s", e->why);
	return e->md.kind == SUPER_VALID ? show(e) : explain_gone(e);
}

/*
 * For every block device that comes or changes: quick, and silent about what is no leg. udev
 * has a deadline of its own.
 */
static int tell_udev(struct examined *e)
{
	char uuid[CDP_UUID_TEXT];
	int r = cdp_md_find(e->dev.path, e->dev.sectors, &e->md, NULL);

	if (r || e->md.kind != SUPER_VALID)
		return r ? r : -ENODATA;
	printf("CDP_SET_UUID=%s\n", cdp_uuid_print(&e->md.super.set_uuid, uuid));
	printf("CDP_LEG_UUID=%s\n", cdp_uuid_print(&e->md.super.leg_uuid, uuid));
	return 0;
}

int cdp_cmd_examine(int argc, char **argv)
{
	struct examined *e = cdp_look_room(sizeof(*e));
	int r;

	cdp_opts_parse(&argp, argc, argv, 1, 1);
	if (!e)
		return -ENOMEM;
	r = (for_udev ? cdp_probe_device : cdp_probe_node)(cdp_opts.words[0], &e->dev);
	if (r)
		return r;
	return for_udev ? tell_udev(e) : examine(e);
}
