// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <unistd.h>

#include "beneath.h"
#include "dm.h"
#include "find.h"
#include "host.h"
#include "identity.h"
#include "iscsi.h"
#include "md-io.h"
#include "msg.h"
#include "probe.h"
#include "rejoin.h"
#include "under.h"

struct rejoin {
	struct cdp_live *set;
	u32 leg;
	bool unasked;
	struct cdp_live_change change;
	struct cdp_live_message message;
	struct cdp_steps plan;
};

/* The node of "8:16" in a table line; false for "-". */
static bool node_of(const char *dev, char path[CDP_PATH_TEXT])
{
	u32 ma, mi;

	if (!cdp_probe_numbers(dev, &ma, &mi))
		return false;
	cdp_probe_name(ma, mi, path);
	return true;
}

/*
 * Is the device of the table there? A disk that came back may have another number. One that
 * the kernel recovers is, and is not opened: that lasts as long.
 */
static bool device_is_here(const struct cdp_live *s, u32 leg)
{
	char path[CDP_PATH_TEXT];
	struct cdp_device d;

	return node_of(s->table.legs[leg].data_dev, path) && !cdp_probe_node(path, &d) &&
	       (cdp_probe_recovers(&d) || !cdp_probe_device(path, &d));
}

/*----------------------------------------------------------------*/

const char *cdp_rejoin_judge(const struct cdp_super *there, const struct cdp_super *ours,
			     const struct cdp_uuid *set, const struct cdp_uuid *leg)
{
	if (!cdp_uuid_equal(&there->set_uuid, set))
		return "holds a leg of another set";
	if (!cdp_uuid_equal(&there->leg_uuid, leg))
		return "holds another leg of the set";
	if (ours && there->legs[there->slot].state == DISK_LEG_IN_SYNC &&
	    there->generation != ours->generation &&
	    !cdp_super_descends(ours, there->generation))
		return "went on alone and has diverged (cdpctl resolve chooses the survivor)";
	return NULL;
}

static bool read_ours(const struct cdp_live *s, struct cdp_md *md)
{
	char path[CDP_PATH_TEXT];
	u32 i;

	for (i = 0; i < s->table.nr_legs; i++)
		if (s->status.legs[i].state == LEG_IN_SYNC &&
		    node_of(s->table.legs[i].meta_dev, path) &&
		    !cdp_md_read(path, s->table.legs[i].meta_start, md) &&
		    md->kind == SUPER_VALID)
			return true;
	return false;
}

/*
 * The kernel looks, too. But it takes a blank area for a new leg, which is what
 * somebody who says "rejoin" may want; and an area that cannot be read and one
 * that is another's are the same to it, where only the first is worth another try.
 */
static int check_identity(const struct cdp_live *s, u32 leg, const char *meta)
{
	struct cdp_md there, ours;
	char text[CDP_LEG_TEXT];
	const char *why;
	int r = cdp_md_read(meta, s->conf.legs[leg].meta_start, &there);

	if (r)
		return r;
	if (there.kind == SUPER_BLANK)
		why = "is blank where its metadata was: this is another disk, or it was wiped";
	else if (there.kind != SUPER_VALID)
		why = there.why;
	else
		why = cdp_rejoin_judge(&there.super, read_ours(s, &ours) ? &ours.super : NULL,
				       &s->status.set_uuid, &s->conf.legs[leg].uuid);
	if (!why)
		return 0;
	return cdp_refuse("stays-out", "%s: %s stays out: %s %s", s->name,
		       cdp_live_leg_text(s, leg, text), meta, why);
}

/*----------------------------------------------------------------*/

/* Where the leg should be, something else may be: that is no reason to try again. */
static int not_found(const struct cdp_live *s, u32 leg, const char *device)
{
	bool internal = !strcmp(s->conf.legs[leg].meta_device, CDP_META_INTERNAL);
	char text[CDP_LEG_TEXT];
	int r = device && internal ? check_identity(s, leg, device) : 0;

	return r ? r : cdp_why(-ENODEV, "%s: no device here is %s; to replace it use cdpctl rebuild",
			       s->name, cdp_live_leg_text(s, leg, text));
}

/* What is not there any more cannot be opened for the new table. */
static void drop_lost(struct cdp_live_change *c, u32 but)
{
	u32 i;

	for (i = 0; i < c->table.nr_legs; i++)
		if (i != but && c->set->status.legs[i].state <= LEG_FAULTY &&
		    !device_is_here(c->set, i))
			c->table.legs[i] = (struct cdp_table_leg) { "-", 0, "-", 0 };
}

/* Steps that put a leg which came back under another number into the table again. */
static int plan_return(struct rejoin *j)
{
	static struct cdp_found found[CDP_MAX_LEGS];
	struct cdp_live_change *c = &j->change;
	struct cdp_live *s = j->set;
	struct cdp_conf_leg *l = &s->conf.legs[j->leg];
	char device[CDP_PATH_TEXT];
	bool login = l->iscsi.target[0] && !j->plan.dry_run;
	int r = 0;

	if (login)
		r = cdp_iscsi_login(&l->iscsi, device);
	if (!r)
		r = cdp_find_legs(&s->conf, found);
	if (!r && !found[j->leg].here)
		r = not_found(s, j->leg, login ? device : NULL);
	if (!r && j->unasked && strcmp(found[j->leg].meta, CDP_META_NONE))
		r = check_identity(s, j->leg, found[j->leg].meta);
	if (r)
		return r;
	cdp_live_change_begin(c, s);
	c->table.legs[j->leg] = (struct cdp_table_leg) {
		found[j->leg].data, l->data_start, found[j->leg].meta, l->meta_start,
	};
	drop_lost(c, j->leg);
	cdp_found_remember(&found[j->leg], &c->conf.legs[j->leg]);
	cdp_live_change_plan(&j->plan, c);
	return 0;
}

/* What a SCSI disk says is what it said when it was last asked. */
static int ask_again(const struct cdp_disk *d, void *ctx)
{
	char path[CDP_PATH_TEXT];
	int fd = open(cdp_host_path(path, "%.400s/device/rescan", d->dir), O_WRONLY | O_CLOEXEC);

	(void)ctx;
	if (fd >= 0 && write(fd, "1", 1) < 0)
		cdp_debug("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return 0;
}

/*
 * With its metadata elsewhere nothing on the data tells whether a server has put another disk
 * in its place; what it says of itself does. One that says nothing may do so soon.
 */
static int check_data(const struct rejoin *j)
{
	const struct cdp_live *s = j->set;
	const struct cdp_conf_leg *l = &s->conf.legs[j->leg];
	char text[CDP_LEG_TEXT], differs[CDP_MSG_TEXT];
	u32 ma, mi;

	if (!cdp_identity_counts(l) ||
	    !cdp_probe_numbers(s->table.legs[j->leg].data_dev, &ma, &mi))
		return 0;
	if (!j->plan.dry_run)
		cdp_beneath(ma, mi, ask_again, NULL);
	cdp_live_leg_text(s, j->leg, text);
	if (!cdp_identity_is_said(l, ma, mi))
		return cdp_why(-EAGAIN, "%s: %s does not say now what it is", s->name, text);
	if (!cdp_identity_differs(l, ma, mi, differs))
		return 0;
	return cdp_refuse("stays-out", "%s: %s stays out: it %.800s; to copy to it anyway: cdpctl rebuild %s --onto DEV --leg %u",
			  s->name, text, differs, s->name, j->leg);
}

static int plan_message(struct rejoin *j)
{
	char meta[CDP_PATH_TEXT];
	int r = check_data(j);

	if (!r && j->unasked && node_of(j->set->table.legs[j->leg].meta_dev, meta))
		r = check_identity(j->set, j->leg, meta);
	if (!r)
		cdp_live_plan_message(&j->plan, &j->message, j->set, "leg rejoin %u", j->leg);
	return r;
}

/* A leg that comes back is copied to by what its tracker has: not what went past the set. */
static int check_led(const struct cdp_conf *c)
{
	if (!c->under[0] || cdp_under_mark_is_leads(c->under_mark))
		return 0;
	return cdp_why(-EAGAIN, "%s: it is not known yet what %s has written past it; cdpctl assemble %s goes on",
		       c->name, c->under, c->name);
}

/* A new table would resume it: not unasked, where somebody has suspended it. */
static int check_running(const struct rejoin *j)
{
	struct cdp_dm_info info = { 0 };
	int r = j->unasked ? cdp_dm_info(j->set->name, &info) : 0;

	return !info.suspended ? r : cdp_why(-EAGAIN, "%s " CDP_UNDER_HELD, j->set->name);
}

/* Said by hand, or nobody forbade it by hand. */
static int settle_hand(struct rejoin *j)
{
	if (!j->set->conf.legs[j->leg].taken_out)
		return 0;
	if (j->unasked)
		return cdp_why(-EAGAIN, "%s: leg %u was taken out by hand and stays out",
			       j->set->name, j->leg);
	return j->plan.dry_run ? 0 : cdp_live_take_out(j->set, j->leg, false);
}

static int run(struct rejoin *j)
{
	struct cdp_live *s = j->set;
	int r = check_led(&s->conf);

	if (!r)
		r = check_running(j);
	if (!r)
		r = settle_hand(j);
	if (!r)
		r = device_is_here(s, j->leg) ? plan_message(j) : plan_return(j);
	if (!r)
		r = cdp_steps_run(&j->plan);
	/* Found again, it may still be remembered as faulty. */
	if (!r && !j->plan.dry_run && !cdp_live_refresh(s) &&
	    s->status.legs[j->leg].state == LEG_FAULTY) {
		cdp_live_plan_message(&j->plan, &j->message, s, "leg rejoin %u", j->leg);
		r = cdp_steps_run(&j->plan);
	}
	cdp_steps_free(&j->plan);
	return r == -ENOTUNIQ ? cdp_refuse("stays-out", "%s", cdp_why_text()) : r;
}

int cdp_rejoin(struct cdp_live *s, u32 leg, bool unasked, bool dry_run)
{
	static struct rejoin j;
	enum cdp_leg_state state = s->status.legs[leg].state;

	memset(&j, 0, sizeof(j));
	j.set = s;
	j.leg = leg;
	j.unasked = unasked;
	j.plan.dry_run = dry_run;
	if (state != LEG_IN_SYNC && state != LEG_STALE)
		return run(&j);
	cdp_note("%s: leg %u is %s; it takes part already", s->name, leg,
		 cdp_leg_state_name(state));
	return unasked || dry_run ? 0 : settle_hand(&j);
}
