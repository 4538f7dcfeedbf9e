// SPDX-License-Identifier: GPL-2.0-or-later
/* leg: add, remove, replace, rejoin, fail, doubt, reset, timeout. */
#include "cmd.h"
#include "doing.h"
#include "follow.h"
#include "identity.h"
#include "join.h"
#include "leave.h"
#include "md-io.h"
#include "msg.h"
#include "opts.h"
#include "rejoin.h"
#include "replace.h"
#include "size.h"

#define MAX_TIMEOUT_MS	3600000u

enum { OPT_WAIT = 256, OPT_META, OPT_UNASKED };

static struct options {
	const char *protect, *meta;
	bool wait, unasked;
} opt;

static const struct argp_option options[] = {
	{ "protect", 'P', "DEV|URL", 0, "add: the new leg; everything on it is overwritten", 1 },
	{ "meta", OPT_META, "DEV", 0,
	  "add, replace: a device for the new leg's metadata (else at its own end)", 1 },
	{ "wait", OPT_WAIT, NULL, 0, "add, rejoin, reset: return when the copy is complete", 1 },
	{ "unasked", OPT_UNASKED, NULL, 0,
	  "rejoin: as cdpctl monitor does it: not one taken out by hand, no blank disk", 2 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'P':
		opt.protect = arg;
		return 0;
	case OPT_META:
		opt.meta = arg;
		return 0;
	case OPT_WAIT:
		opt.wait = true;
		return 0;
	case OPT_UNASKED:
		opt.unasked = true;
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = {
	CDP_CHILD_JSON, CDP_CHILD_DRY_RUN, CDP_CHILD_FORCE, CDP_CHILD_SECRET, { 0 },
};

static const struct argp argp = {
	options, parse,
	"add NAME --protect DEV|URL\nremove NAME LEG\nreplace NAME LEG DEV|URL\nrejoin NAME LEG\nfail NAME LEG\ndoubt NAME LEG\nreset NAME LEG\ntimeout NAME MS",
	"Change one leg of a running set. LEG is its number, its UUID or its device.",
	children, NULL, NULL,
};

/*----------------------------------------------------------------*/

static int add(struct cdp_live *s, int leg)
{
	static struct cdp_join join;
	u32 at;
	int r;

	(void)leg;
	if (!opt.protect)
		return cdp_why(-ECDP_USAGE, "leg add needs --protect DEV");
	r = cdp_join_begin(s, opt.protect, CDP_NO_OLD);
	if (r)
		return r;
	at = cdp_join_place(s, opt.protect);
	r = cdp_join(&join, s, at, opt.protect, opt.meta);
	cdp_doing_close(r, !join.is_in);
	if (!r && !cdp_opts.dry_run)
		cdp_note("%s: leg %u (%s) joined and is being copied to", s->name, at,
			 join.leg.path);
	return r;
}

/*----------------------------------------------------------------*/

static int remove_leg(struct cdp_live *s, int leg)
{
	return cdp_leave(s, (u32)leg, CDP_NO_HEIR);
}

static int replace(struct cdp_live *s, int ignored)
{
	bool undone;
	int r;

	(void)ignored;
	r = cdp_join_begin(s, cdp_opts.words[3], cdp_live_leg(s, cdp_opts.words[2]));
	if (r)
		return r;
	r = cdp_replace(s, cdp_opts.words[2], cdp_opts.words[3], opt.meta, &undone);
	cdp_doing_close(r, undone);
	if (!r && !cdp_opts.dry_run)
		cdp_note("%s: %s has taken the place of leg %s", s->name, cdp_opts.words[3],
			 cdp_opts.words[2]);
	return r;
}

/*----------------------------------------------------------------*/

struct take_out {
	struct cdp_live *set;
	u32 leg;
};

static int remember(void *arg)
{
	struct take_out *t = arg;

	return cdp_live_take_out(t->set, t->leg, true);
}

static void forget(void *arg)
{
	struct take_out *t = arg;

	if (cdp_live_take_out(t->set, t->leg, false))
		cdp_warn("%s", cdp_why_text());
}

/* Remembered first: the monitor would bring it back at once. */
static int fail(struct cdp_live *s, int leg)
{
	struct cdp_steps p = { .dry_run = cdp_opts.dry_run };
	struct take_out t = { s, (u32)leg };
	struct cdp_live_message m;
	char path[CDP_PATH_TEXT];
	int r;

	if (s->remembered)
		cdp_steps_add(&p, remember, forget, &t, "conf: remember in %s that it was taken out by hand",
			      cdp_conf_path(s->name, path));
	cdp_live_plan_message(&p, &m, s, "leg fail %d", leg);
	r = cdp_steps_run(&p);
	cdp_steps_free(&p);
	return r;
}

static int rejoin(struct cdp_live *s, int leg)
{
	return cdp_rejoin(s, (u32)leg, opt.unasked, cdp_opts.dry_run);
}

static int doubt(struct cdp_live *s, int leg)
{
	struct cdp_steps p = { .dry_run = cdp_opts.dry_run };
	struct cdp_live_message m;
	int r;

	cdp_live_plan_message(&p, &m, s, "leg doubt %d", leg);
	r = cdp_steps_run(&p);
	cdp_steps_free(&p);
	return r;
}

/*----------------------------------------------------------------*/

/* For all legs, at once and for later starts. */
static int timeout(struct cdp_live *s, int ignored)
{
	struct cdp_steps p = { .dry_run = cdp_opts.dry_run };
	struct cdp_features f = s->table.features;
	struct cdp_live_message m;
	u64 ms;
	int r;

	(void)ignored;
	if (cdp_number_parse(cdp_opts.words[2], MAX_TIMEOUT_MS, &ms))
		return cdp_why(-ECDP_USAGE, "leg timeout takes milliseconds up to %u, or 0 for never, not %s",
			       MAX_TIMEOUT_MS, cdp_opts.words[2]);
	cdp_live_plan_message(&p, &m, s, "leg timeout %u", (u32)ms);
	f.leg_timeout_ms = (u32)ms;
	cdp_live_plan_features(&p, s, &f);
	r = cdp_steps_run(&p);
	cdp_steps_free(&p);
	return r;
}

/*----------------------------------------------------------------*/

/* Its devices may have other names since: then others have these. */
static int check_place(const struct cdp_live *s, u32 leg)
{
	const struct cdp_conf_leg *l = &s->conf.legs[leg];
	const char *meta = strcmp(l->meta_device, CDP_META_INTERNAL) ? l->meta_device : l->device;
	char differs[CDP_MSG_TEXT];
	struct cdp_device d;
	struct cdp_md md;

	if (!cdp_probe_node(l->device, &d) &&
	    cdp_identity_differs(l, d.major, d.minor, differs))
		return cdp_refuse("overwrites", "%s: %s %.800s; a leg on another device: cdpctl rebuild %s --onto DEV --leg %u",
				  s->name, l->device, differs, s->name, leg);
	if (!cdp_md_read(meta, l->meta_start, &md) && md.kind == SUPER_VALID &&
	    (!cdp_uuid_equal(&md.super.set_uuid, &s->status.set_uuid) ||
	     !cdp_uuid_equal(&md.super.leg_uuid, &l->uuid)))
		return cdp_refuse("overwrites", "%s: %s is not leg %u any more but a leg of %s; a leg on another device: cdpctl rebuild %s --onto DEV --leg %u",
				  s->name, meta, leg,
				  cdp_uuid_equal(&md.super.set_uuid, &s->status.set_uuid) ?
				  "this set, another one" : "another set", s->name, leg);
	cdp_why_clear();
	return 0;
}

/* A leg whose metadata is lost is made a new one, on the devices that it was on. */
static int reset(struct cdp_live *s, int leg)
{
	static struct cdp_join join;
	const struct cdp_conf_leg *l = &s->conf.legs[leg];
	enum cdp_leg_state state = s->status.legs[leg].state;
	char text[CDP_LEG_TEXT];
	bool internal = !strcmp(l->meta_device, CDP_META_INTERNAL);
	int r;

	cdp_live_leg_text(s, (u32)leg, text);
	if (state != LEG_MISSING)
		return cdp_refuse("leg-in-use", "%s: %s is %s, its device is in use by the set; reset is for a leg that was not found (cdpctl leg rejoin, or leg remove and leg add)",
			       s->name, text, cdp_leg_state_name(state));
	if (!cdp_opts_forced("cdp"))
		return cdp_refuse("overwrites", "%s: reset makes %s a new leg: its metadata is zeroed and all its data overwritten with that of the set. If that is wanted: --force=cdp",
			       s->name, text);
	if (l->iscsi.target[0] || !strcmp(l->device, CDP_META_NONE))
		return cdp_why(-EOPNOTSUPP, "%s: %s is not a device of this host; use cdpctl rebuild %s --onto DEV|URL --leg %d",
			       s->name, text, s->name, leg);
	r = check_place(s, (u32)leg);
	if (!r)
		r = cdp_join(&join, s, (u32)leg, l->device, internal ? NULL : l->meta_device);
	if (!r && !cdp_opts.dry_run)
		cdp_note("%s: leg %d (%s) is a new leg and is being copied to", s->name, leg,
			 join.leg.path);
	return r;
}

/*----------------------------------------------------------------*/

static const struct action {
	const char *name;
	u32 words;		/* with its own name */
	bool no_leg;
	bool copies;
	int (*run)(struct cdp_live *s, int leg);
} actions[] = {
	{ "add", 2, true, true, add },
	{ "remove", 3, false, false, remove_leg },
	{ "replace", 4, true, false, replace },
	{ "rejoin", 3, false, true, rejoin },
	{ "fail", 3, false, false, fail },
	{ "doubt", 3, false, false, doubt },
	{ "reset", 3, false, true, reset },
	{ "timeout", 3, true, false, timeout },
};

static const struct action *find_action(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(actions); i++)
		if (!strcmp(actions[i].name, cdp_opts.words[0]))
			return actions[i].words == cdp_opts.nr_words ? &actions[i] : NULL;
	return NULL;
}

static int run(const struct action *a, struct cdp_live *s)
{
	int leg = 0, r = cdp_live_open(s, cdp_opts.words[1]);

	if (!r && !a->no_leg)
		leg = cdp_live_leg(s, cdp_opts.words[2]);
	if (r || leg < 0)
		return r ? r : leg;
	return a->run(s, leg);
}

int cdp_cmd_leg(int argc, char **argv)
{
	const struct action *a;
	struct cdp_live s;
	int r;

	cdp_opts_parse(&argp, argc, argv, 2, 4);
	a = find_action();
	if (!a)
		return cdp_why(-ECDP_USAGE, "leg: write add NAME --protect DEV, remove NAME LEG, replace NAME LEG DEV, rejoin NAME LEG, fail NAME LEG, doubt NAME LEG, reset NAME LEG, or timeout NAME MS");
	cdp_interrupt_catch();
	memset(&s, 0, sizeof(s));
	r = run(a, &s);
	cdp_live_close(&s);
	if (r || cdp_opts.dry_run || !a->copies || !opt.wait)
		return r;
	return cdp_follow_copy(cdp_opts.words[1], FOLLOW_REBUILT, cdp_opts.json);
}
