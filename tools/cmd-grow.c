// SPDX-License-Identifier: GPL-2.0-or-later
/* grow: a set becomes larger while it is used, after its legs did. */
#include "cmd.h"
#include "doing.h"
#include "follow.h"
#include "grow.h"
#include "join.h"
#include "msg.h"
#include "opts.h"
#include "size.h"
#include "under.h"

enum { OPT_SIZE = 256, OPT_ASSUME_CLEAN, OPT_WAIT };

static struct grow {
	u64 want;			/* sectors; 0: the most */
	bool assume_clean, wait;
	bool grown;			/* there is no way back */

	struct cdp_live set;
	struct cdp_steps plan;
	struct cdp_under under;
	u64 before, after;
	char line[CDP_LINE_TEXT];
} grow;

static const struct argp_option options[] = {
	{ "size", OPT_SIZE, "SIZE", 0, "grow to this size (else as far as all legs allow)", 1 },
	{ "assume-clean", OPT_ASSUME_CLEAN, NULL, 0,
	  "the new parts of the legs are equal: do not copy them", 1 },
	{ "wait", OPT_WAIT, NULL, 0, "return when the new part has been copied", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPT_SIZE:
		grow.want = cdp_opts_size(state, "--size", arg) / CDP_SECTOR_BYTES;
		return 0;
	case OPT_ASSUME_CLEAN:
		grow.assume_clean = true;
		return 0;
	case OPT_WAIT:
		grow.wait = true;
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_JSON, CDP_CHILD_DRY_RUN, { 0 } };

static const struct argp argp = {
	options, parse, "NAME",
	"Make a running set larger, after the devices of all its legs were made larger.",
	children, NULL, NULL,
};

/*----------------------------------------------------------------*/

static int sectors_of(const char *dev, u64 *sectors)
{
	char path[CDP_PATH_TEXT];
	struct cdp_device d;
	u32 ma, mi;
	int r;

	if (!cdp_probe_numbers(dev, &ma, &mi))
		return -ENODEV;
	r = cdp_probe_device(cdp_probe_name(ma, mi, path), &d);
	*sectors = r ? 0 : d.sectors;
	return r;
}

static int measure(const struct cdp_table_leg *t, struct cdp_grow_leg *l)
{
	u64 data, meta = 0;
	bool has_meta = strcmp(t->meta_dev, CDP_META_NONE);
	int r = sectors_of(t->data_dev, &data);

	if (!r && has_meta)
		r = sectors_of(t->meta_dev, &meta);
	if (r)
		return r;
	l->data_sectors = data > t->data_start ? data - t->data_start : 0;
	l->meta_sectors = has_meta && meta > t->meta_start ? meta - t->meta_start : 0;
	l->meta_behind = !strcmp(t->meta_dev, t->data_dev) && t->meta_start > t->data_start ?
			 t->meta_start - t->data_start : 0;
	return 0;
}

static const char *const limits[] = {
	[GROW_DATA] = "its device has no more; make that larger first (iSCSI: and rescan the session)",
	[GROW_META_BEHIND] = "its metadata begins there, right behind the data; it does not move while the set is used: cdpctl leg replace it by a larger device, or by itself with --meta on another one",
	[GROW_META_AREA] = "its metadata has room for no more; make the metadata device larger, or cdpctl leg replace it with a larger one",
};

static int refuse(const struct cdp_live *s, u32 leg, u64 room, enum cdp_grow_limit limit)
{
	char text[CDP_LEG_TEXT], have[CDP_SIZE_TEXT], now[CDP_SIZE_TEXT];

	return cdp_why(-ENOSPC, "%s has %s and cannot grow%s: %s allows %s (%llu sectors), %s",
		       s->name, cdp_size_print(s->length * CDP_SECTOR_BYTES, now),
		       grow.want ? " to that size" : "", cdp_live_leg_text(s, leg, text),
		       cdp_size_print(room * CDP_SECTOR_BYTES, have), (unsigned long long)room,
		       limits[limit]);
}

/* The least of what the legs allow. */
static int find_size(struct grow *g)
{
	const struct cdp_live *s = &g->set;
	u64 most = g->want ? g->want : CDP_MAX_DATA_SECTORS;
	u32 i, trackers = cdp_join_trackers(s);
	char text[CDP_LEG_TEXT], now[CDP_SIZE_TEXT];

	if (g->want && g->want <= s->length)
		return cdp_why(-ECDP_USAGE, "%s has %s already, and a set does not shrink", s->name,
			       cdp_size_print(s->length * CDP_SECTOR_BYTES, now));
	for (i = 0; i < s->table.nr_legs; i++) {
		struct cdp_grow_leg l = { 0 };
		enum cdp_grow_limit limit;
		u64 room;

		if (measure(&s->table.legs[i], &l))
			return cdp_refuse("cannot-grow", "%s: it cannot be seen how large %s is; have it back first, or take it out (cdpctl leg remove)",
				       s->name, cdp_live_leg_text(s, i, text));
		room = cdp_grow_room(&l, s->table.region_sectors, trackers, &limit);
		if (!g->want)	/* whole 4 KiB, as attach has it */
			room -= room % CDP_BLOCK_SECTORS;
		if (room <= s->length || room < g->want)
			return refuse(s, i, room, limit);
		if (room < most)
			most = room;
	}
	g->after = most;
	return 0;
}

/*----------------------------------------------------------------*/

/* Before the kernel: a table of the old length would be refused once it has grown. */
static int save(void *arg)
{
	struct grow *g = arg;

	g->set.length = g->after;
	return cdp_live_save(&g->set);
}

static void unsave(void *arg)
{
	struct grow *g = arg;

	g->set.length = g->before;
	if (cdp_live_save(&g->set))
		cdp_warn("%s", cdp_why_text());
}

static int load(void *arg)
{
	struct grow *g = arg;

	return cdp_dm_reload(g->set.name, g->after, g->line);
}

static int open_under(struct grow *g)
{
	const struct cdp_conf *c = &g->set.conf;
	int r = cdp_under_open(&g->under, c->under, c->name);

	if (r)
		return r;
	if (!g->under.leads)
		return cdp_refuse("leads-elsewhere", "%s does not lead to %s: somebody has loaded another table; cdpctl detach --live %s, then attach again",
			       c->under, c->name, c->name);
	if (!strncmp(c->under_uuid, "LVM-", 4))
		return cdp_refuse("cannot-grow", "%s is under a logical volume, and lvextend would load a table of its own into that: cdpctl detach --live %s, lvextend, then attach again",
			       c->name, c->name);
	return 0;
}

static void plan(struct grow *g)
{
	char path[CDP_PATH_TEXT];

	g->set.table.features.assume_clean = g->assume_clean;
	cdp_table_print(&g->set.table, g->line, sizeof(g->line));
	if (g->set.remembered)
		cdp_steps_add(&g->plan, save, unsave, g, "conf: write %s, with a length of %llu",
			      cdp_conf_path(g->set.name, path), (unsigned long long)g->after);
	if (g->after > g->before)
		cdp_steps_add(&g->plan, load, NULL, g, "dm: load into %s the table: 0 %llu cdp %s",
			      g->set.name, (unsigned long long)g->after, g->line);
}

static int prepare(struct grow *g)
{
	int r = g->set.conf.under[0] ? open_under(g) : 0;

	g->before = g->after = g->set.length;
	if (r || (cdp_doing_again() && g->want == g->before))
		return r;
	r = find_size(g);
	/* an earlier try has made it as large as it can be: the rest may lack */
	return r == -ENOSPC && cdp_doing_again() ? 0 : r;
}

static int grow_set(struct grow *g, const char *name)
{
	int r = cdp_live_open(&g->set, name);

	if (!r)
		r = prepare(g);
	if (r)
		return r;
	plan(g);
	r = cdp_steps_run(&g->plan);
	if (r)
		return r;
	cdp_steps_free(&g->plan);	/* a set does not shrink */
	g->grown = true;
	if (g->under.leads)
		cdp_under_plan_longer(&g->plan, &g->under, g->after);
	return cdp_steps_run(&g->plan);
}

int cdp_cmd_grow(int argc, char **argv)
{
	char before[CDP_SIZE_TEXT], after[CDP_SIZE_TEXT];
	const char *name;
	int r;

	cdp_opts_parse(&argp, argc, argv, 1, 1);
	name = cdp_opts.words[0];
	grow.plan.dry_run = cdp_opts.dry_run;
	cdp_interrupt_catch();
	r = cdp_doing_begin(name, cdp_opts.dry_run);
	if (r)
		return r;
	r = grow_set(&grow, name);
	cdp_doing_close(r, !cdp_doing_again() && !grow.grown);
	cdp_steps_free(&grow.plan);
	cdp_under_close(&grow.under);
	cdp_live_close(&grow.set);
	if (r || cdp_opts.dry_run)
		return r;
	cdp_size_print(grow.before * CDP_SECTOR_BYTES, before);
	cdp_size_print(grow.after * CDP_SECTOR_BYTES, after);
	if (grow.before < grow.after)
		cdp_note("%s has grown from %s to %s", name, before, after);
	else
		cdp_note("%s has grown to %s", name, after);
	return grow.wait ? cdp_follow_copy(name, FOLLOW_IN_SYNC, cdp_opts.json) : 0;
}
