// SPDX-License-Identifier: GPL-2.0-or-later
#include "beneath.h"
#include "checks.h"
#include "dm.h"
#include "host.h"
#include "msg.h"
#include "under.h"

static void check_leg_state(struct cdp_findings *f, const struct cdp_live *s, u32 leg)
{
	const struct cdp_leg_status *l = &s->status.legs[leg];
	char text[CDP_LEG_TEXT];
	struct cdp_finding *x;

	cdp_live_leg_text(s, leg, text);
	if (l->state != LEG_IN_SYNC) {
		x = cdp_find_add(f, "set-degraded", "%s: %s is %s%s", s->name, text,
				 cdp_leg_state_name(l->state),
				 s->conf.legs[leg].taken_out ? " (by hand)" : "");
		if (l->state < LEG_STALE)
			cdp_find_mend(x, false, "cdpctl leg rejoin %s %u", s->name, leg);
		else
			cdp_find_mend(x, false, "cdpctl wait %s", s->name);
	}
	if (l->write_errors || l->read_errors)
		cdp_find_add(f, "leg-errors", "%s: %s: %llu write errors, %llu read errors",
			     s->name, text, (unsigned long long)l->write_errors,
			     (unsigned long long)l->read_errors);
	if (s->table.legs[leg].meta_dev && !strcmp(s->table.legs[leg].meta_dev, CDP_META_NONE) &&
	    strcmp(s->table.legs[leg].data_dev, "-"))
		cdp_find_add(f, "leg-no-metadata", "%s: %s", s->name, text);
}

void cdp_check_state(struct cdp_findings *f, const struct cdp_live *s,
		     const struct cdp_stats *stats, bool suspended)
{
	u32 i;

	if (s->status.health == HEALTH_FAILED)
		cdp_find_add(f, "set-failed", "%s", s->name);
	if (suspended)
		cdp_find_mend(cdp_find_add(f, "set-suspended", "%s", s->name), false,
			      "dmsetup resume %s", s->name);
	if (stats->held)
		cdp_find_mend(cdp_find_add(f, "set-holds", "%s: %llu requests", s->name,
					   (unsigned long long)stats->held), false,
			      "cdpctl release %s", s->name);
	if (stats->nr_unreadable)
		cdp_find_mend(cdp_find_add(f, "set-unreadable", "%s: sectors %.200s", s->name,
					   stats->unreadable), false, "cdpctl events %s", s->name);
	for (i = 0; i < s->status.nr_legs; i++)
		check_leg_state(f, s, i);
}

/*----------------------------------------------------------------*/

/* Disks that two legs share are told apart by their numbers. */
struct disks {
	u32 nr;
	u32 numbers[32][2];
	bool shared;
};

static int collect(const struct cdp_disk *d, void *ctx)
{
	struct disks *all = ctx;
	u32 i;

	for (i = 0; i < all->nr; i++)
		if (all->numbers[i][0] == d->major && all->numbers[i][1] == d->minor)
			all->shared = true;
	if (all->nr < ARRAY_SIZE(all->numbers)) {
		all->numbers[all->nr][0] = d->major;
		all->numbers[all->nr++][1] = d->minor;
	}
	return 0;
}

static void check_disks(struct cdp_findings *f, const struct cdp_live *s)
{
	struct disks all = { 0 };
	u32 i, major, minor;

	for (i = 0; i < s->status.nr_legs; i++) {
		u32 before = all.nr;

		all.shared = false;
		if (!cdp_probe_numbers(s->status.legs[i].data_dev, &major, &minor))
			continue;
		cdp_beneath(major, minor, collect, &all);
		if (all.shared && before)
			cdp_find_add(f, "same-disk", "%s: leg %u and one before it", s->name, i);
	}
}

static int check_identity(const struct cdp_disk *d, void *ctx)
{
	char path[CDP_PATH_TEXT + 32];
	FILE *file;
	bool *has = ctx;

	cdp_print(path, sizeof(path), "%s/device/wwid", d->dir);
	file = fopen(path, "re");
	*has = file && fgetc(file) != EOF;
	if (file)
		fclose(file);
	return 0;
}

static void check_iscsi_disk(struct cdp_findings *f, const struct cdp_live *s, u32 leg)
{
	char text[CDP_LEG_TEXT];
	u32 major, minor;
	bool has = true;

	if (!s->conf.legs[leg].iscsi.target[0] ||
	    !cdp_probe_numbers(s->status.legs[leg].data_dev, &major, &minor))
		return;
	cdp_live_leg_text(s, leg, text);
	if (cdp_beneath_volatile(major, minor))
		cdp_find_add(f, "write-cache", "%s: %s", s->name, text);
	cdp_beneath(major, minor, check_identity, &has);
	if (!has)
		cdp_find_add(f, "no-identity", "%s: %s", s->name, text);
}

static void check_live(struct cdp_findings *f, const struct cdp_live *s, bool suspended)
{
	struct cdp_stats stats;
	u32 i;

	if (cdp_stats_read(s->name, &stats))
		cdp_why_clear();
	cdp_check_state(f, s, &stats, suspended);
	check_disks(f, s);
	for (i = 0; i < s->status.nr_legs; i++)
		check_iscsi_disk(f, s, i);
}

static void check_bypassed(struct cdp_findings *f, const struct cdp_conf *c, bool runs)
{
	bool unfinished = runs && c->under[0] && !cdp_under_mark_is_leads(c->under_mark);
	const char *how = cdp_under_is_bypassed(c, runs) ? "does not lead to it" :
			  unfinished ? "may have written past it, which is not known yet" : NULL;

	if (how)
		cdp_find_mend(cdp_find_add(f, "set-bypassed", "%s: %s %s", c->name, c->under, how),
			      false, "cdpctl assemble %s", c->name);
}

void cdp_check_set(struct cdp_findings *f, const struct cdp_conf *c)
{
	struct cdp_dm_info info = { 0 };
	struct cdp_live s;

	if (cdp_dm_info(c->name, &info) || !info.exists) {
		cdp_find_mend(cdp_find_add(f, "set-down", "%s", c->name), true,
			      "cdpctl assemble %s", c->name);
		cdp_why_clear();
		check_bypassed(f, c, false);
		return;
	}
	if (!cdp_live_open(&s, c->name))
		check_live(f, &s, info.suspended);
	check_bypassed(f, c, true);
	cdp_live_close(&s);
	cdp_why_clear();
}

static int check_name(const char *name, void *ctx)
{
	if (!cdp_conf_exists(name))
		cdp_find_add(ctx, "set-forgotten", "%s", name);
	return 0;
}

void cdp_check_forgotten(struct cdp_findings *f)
{
	if (cdp_dm_list(check_name, f))
		cdp_why_clear();
}
