// SPDX-License-Identifier: GPL-2.0-or-later
#include "md-io.h"
#include "msg.h"
#include "old-leg.h"

#define HELD_MS	5000u	/* a leg may be held by what has ended, for so long */

void cdp_old_leg_take(struct cdp_old_leg *l, const struct cdp_live *s, u32 leg)
{
	const struct cdp_leg_status *st = &s->status.legs[leg];
	const struct cdp_table_leg *t = &s->table.legs[leg];
	u32 ma, mi;

	memset(l, 0, sizeof(*l));
	cdp_live_leg_text(s, leg, l->text);
	l->set_uuid = s->status.set_uuid;
	l->uuid = st->uuid;
	l->may_wipe = st->state == LEG_IN_SYNC || st->state == LEG_STALE;
	if (cdp_probe_numbers(t->meta_dev, &ma, &mi))
		cdp_probe_name(ma, mi, l->meta_path);
	else
		cdp_print(l->meta_path, sizeof(l->meta_path), "%s", t->meta_dev);
	l->meta_start = t->meta_start;
	l->iscsi = s->conf.legs[leg].iscsi;
	l->job.target = &l->iscsi;
	l->job.silent = !l->may_wipe;
}

void cdp_old_leg_recall(struct cdp_old_leg *l, const struct cdp_conf *conf, u32 leg)
{
	const struct cdp_conf_leg *c = &conf->legs[leg];
	bool internal = !strcmp(c->meta_device, CDP_META_INTERNAL);

	memset(l, 0, sizeof(*l));
	cdp_print(l->text, sizeof(l->text), "leg %u (%s)", leg, c->device);
	cdp_print(l->meta_path, sizeof(l->meta_path), "%s", internal ? c->device : c->meta_device);
	l->set_uuid = conf->uuid;
	l->uuid = c->uuid;
	l->may_wipe = true;
	l->internal = internal;
	l->meta_start = c->meta_start;
	l->iscsi = c->iscsi;
	/* a session that attach did not begin is not ours to begin */
	l->back = c->iscsi.target[0] && c->iscsi.logged_in;
	l->job.target = &l->iscsi;
}

/* What cannot be had is told of by who needs it. */
static int bring_back(void *arg)
{
	struct cdp_old_leg *l = arg;
	char device[CDP_PATH_TEXT];
	int r = cdp_iscsi_login(&l->iscsi, device);

	if (!r && l->internal)
		cdp_print(l->meta_path, sizeof(l->meta_path), "%s", device);
	if (r == -ENOENT && l->iscsi.made_record)	/* that went last: all is done */
		l->may_wipe = l->iscsi.logged_in = l->iscsi.made_record = false;
	else if (r)
		cdp_warn("%s", cdp_why_text());
	cdp_why_clear();
	return cdp_interrupted() ? cdp_why(-EINTR, "interrupted") : 0;
}

/*
 * Only what is this leg's: its device may have another name since it was remembered, may be
 * wiped, and may be used, by now.
 */
static int check_own(const struct cdp_old_leg *l, const struct cdp_md *md)
{
	if (md->kind != SUPER_VALID)
		return cdp_why(-ESTALE, "%s has none now: its %s", l->meta_path, md->why);
	if (!cdp_uuid_equal(&md->super.set_uuid, &l->set_uuid) ||
	    !cdp_uuid_equal(&md->super.leg_uuid, &l->uuid))
		return cdp_why(-ESTALE, "%s holds metadata of another leg", l->meta_path);
	return 0;
}

static int wipe(void *arg)
{
	struct cdp_old_leg *l = arg;
	struct cdp_md md;
	int r;

	if (!l->may_wipe)
		return 0;
	r = cdp_md_await(l->meta_path, HELD_MS);
	if (!r)
		r = cdp_md_read(l->meta_path, l->meta_start, &md);
	if (!r && md.kind == SUPER_BLANK)
		return 0;
	if (!r)
		r = check_own(l, &md);
	if (!r)
		r = cdp_md_wipe(l->meta_path, l->meta_start);
	if (r)
		cdp_warn("the metadata of %s stays: %s; who uses its disk for another set says --force=cdp",
			 l->text, cdp_why_text());
	cdp_why_clear();
	return 0;
}

static int leave(void *arg)
{
	struct cdp_old_leg *l = arg;

	cdp_note("the metadata of %s was left on it, because the device does not answer", l->text);
	return 0;
}

void cdp_old_leg_plan(struct cdp_steps *p, struct cdp_old_leg *l)
{
	bool own = strcmp(l->meta_path, CDP_META_NONE);

	if (own && l->may_wipe) {
		if (l->back)
			cdp_steps_add(p, bring_back, NULL, l, "iscsi: log in to %s, unless there is a session",
				      l->iscsi.target);
		cdp_steps_add(p, wipe, NULL, l, "metadata: zero the superblocks of %s on %s, 16 sectors from sector %llu",
			      l->text, l->meta_path, (unsigned long long)l->meta_start);
	} else if (own) {
		cdp_steps_add(p, leave, NULL, l, "metadata: leave that of %s, which does not answer",
			      l->text);
	}
	cdp_iscsi_plan_logout(p, &l->job);
}
