// SPDX-License-Identifier: GPL-2.0-or-later
/* assemble: start remembered sets with the legs that are here. */
#include "arrival.h"
#include "cmd.h"
#include "dm.h"
#include "doing.h"
#include "explain.h"
#include "left.h"
#include "msg.h"
#include "opts.h"
#include "silent.h"
#include "under-start.h"

enum { OPT_ALL = 256 };
#define MAX_WAIT_S	500u	/* cdp.service gives it 600 */
static bool all;
static u32 wait_s;

static const struct argp_option options[] = {
	{ "all", OPT_ALL, NULL, 0, "every remembered set", 1 },
	{ "wait", 'w', "SECONDS", 0,
	  "first wait up to that long for legs that are not here yet", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == OPT_ALL) {
		all = true;
		return 0;
	}
	if (key == 'w') {
		wait_s = (u32)cdp_opts_number(state, "--wait", arg, MAX_WAIT_S);
		return 0;
	}
	if (key == ARGP_KEY_SUCCESS && all == !!cdp_opts.nr_words)
		argp_error(state, "give either NAME or --all");
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_FORCE, CDP_CHILD_DRY_RUN, { 0 } };

static const struct argp argp = {
	options, parse, "NAME\n--all",
	"Start a remembered set. Its legs are found by their UUIDs; one that is not found is left out and the set starts degraded (exit status 4). Legs that have diverged, or of which none is in-sync, are refused (3), and it is said why.",
	children, NULL, NULL,
};

/*----------------------------------------------------------------*/

struct assemble {
	struct cdp_still set;
	struct cdp_steps plan;
	char line[CDP_LINE_TEXT];
	char uuid[sizeof(CDP_DM_UUID_PREFIX) + CDP_UUID_TEXT];
	struct cdp_under under;
	struct cdp_under_start how;
};

/* A storage server that is away shall not keep the set from starting. */
static int login(void *arg)
{
	static struct cdp_silent silent;	/* to all sets */
	struct cdp_conf_leg *l = arg;
	char device[CDP_PATH_TEXT];

	if (cdp_silent_login(&silent, &l->iscsi, device)) {
		cdp_warn("%s", cdp_why_text());
		cdp_why_clear();
	}
	return cdp_interrupted() ? cdp_why(-EINTR, "interrupted") : 0;
}

static int bring_legs(struct assemble *a)
{
	u32 i;

	for (i = 0; i < a->set.conf.nr_legs; i++)
		if (a->set.conf.legs[i].iscsi.target[0])
			cdp_steps_add(&a->plan, login, NULL, &a->set.conf.legs[i],
				      "iscsi: log in to %s, unless there is a session",
				      a->set.conf.legs[i].iscsi.target);
	return cdp_steps_run(&a->plan);
}

/* The kernel would refuse it with one line in its log; here is room for more. */
static int judge(struct assemble *a)
{
	int r = cdp_still_judge(&a->set);

	if (!r)
		r = cdp_explain(&a->set);
	return r ? r : cdp_left_check(&a->set);
}

static int create(void *arg)
{
	struct assemble *a = arg;

	return cdp_dm_create(a->set.conf.name, a->uuid, a->set.conf.length, a->line);
}

/* The next start looks at the right place first, and people read the file. */
static int update_hints(void *arg)
{
	struct assemble *a = arg;
	bool changed = false;
	u32 i;

	for (i = 0; i < a->set.conf.nr_legs; i++) {
		/* every leg that is here takes part again */
		changed |= a->set.conf.legs[i].taken_out && a->set.found[i].here;
		a->set.conf.legs[i].taken_out &= !a->set.found[i].here;
		changed |= cdp_found_remember(&a->set.found[i], &a->set.conf.legs[i]);
	}
	/* the set runs without it */
	if (changed && cdp_conf_save(&a->set.conf)) {
		cdp_warn("%s", cdp_why_text());
		cdp_why_clear();
	}
	return 0;
}

static void remove_mapping(void *arg)
{
	struct assemble *a = arg;

	if (cdp_dm_remove(a->set.conf.name))
		cdp_warn("%s", cdp_why_text());
}

/* The data leg of a set that is under a device is made of that device's table. */
static int prepare_under(struct assemble *a)
{
	int r = cdp_under_open_conf(&a->under, &a->set.conf);

	if (r)
		return r;
	cdp_under_plan_data(&a->plan, &a->under);
	return cdp_steps_run(&a->plan);
}

static int start_under(struct assemble *a)
{
	int r;

	cdp_print(a->line, sizeof(a->line), "%s", a->how.tables[a->how.first]);
	cdp_steps_add(&a->plan, create, remove_mapping, a, "dm: create %s with uuid %s and the table: 0 %llu cdp %s",
		      a->set.conf.name, a->uuid, (unsigned long long)a->set.conf.length, a->line);
	cdp_under_plan_lead(&a->plan, &a->under);
	r = cdp_steps_run(&a->plan);
	if (r)
		return r;
	cdp_steps_free(&a->plan);	/* it leads to the set: no way back from here */
	cdp_interrupt_ignore();
	cdp_steps_add(&a->plan, update_hints, NULL, a, "conf: remember devices that have moved");
	cdp_under_plan_rest(&a->plan, &a->how);
	r = cdp_steps_run(&a->plan);
	if (r)
		cdp_note("%s runs, but not with all of its legs yet; cdpctl assemble %s goes on with it",
			 a->set.conf.name, a->set.conf.name);
	return r;
}

static int assemble_under(struct assemble *a)
{
	int r = prepare_under(a);

	if (!r)
		r = bring_legs(a);
	if (r || (cdp_opts.dry_run && !a->under.has_data)) {
		if (!r)
			printf("then: start %s with the legs that are found, and load into %s a table that leads to it\n",
			       a->set.conf.name, a->under.name);
		return r;
	}
	r = cdp_still_find(&a->set);
	if (!r)
		r = cdp_still_judge(&a->set);
	/* before what is older is copied to */
	if (!r)
		r = cdp_left_check(&a->set);
	if (!r)
		r = cdp_under_fit(&a->how, &a->under, &a->set);
	if (!r)
		r = cdp_explain(&a->set);
	return r ? r : start_under(a);
}

static int start(struct assemble *a)
{
	char text[CDP_UUID_TEXT];
	int r;

	cdp_print(a->uuid, sizeof(a->uuid), CDP_DM_UUID_PREFIX "%s",
		  cdp_uuid_print(&a->set.conf.uuid, text));
	if (a->set.conf.under[0]) {
		r = assemble_under(a);
		if (r)
			cdp_steps_undo(&a->plan);
		cdp_under_close(&a->under);
		return r;
	}
	r = bring_legs(a);
	if (!r)
		r = cdp_still_find(&a->set);
	if (!r)
		r = judge(a);
	if (!r)
		r = cdp_still_table(&a->set, a->line);
	if (r)
		return r;
	cdp_steps_add(&a->plan, create, NULL, a, "dm: create %s with uuid %s and the table: 0 %llu cdp %s",
		      a->set.conf.name, a->uuid, (unsigned long long)a->set.conf.length, a->line);
	cdp_steps_add(&a->plan, update_hints, NULL, a, "conf: remember devices that have moved");
	return cdp_steps_run(&a->plan);
}

static int report(const char *name)
{
	struct cdp_live s;
	int r = cdp_live_open(&s, name);

	if (!r && s.status.health != HEALTH_OPTIMAL)
		r = cdp_why(-ECDP_DEGRADED, "%s runs, but is %s: %u of %u legs are in-sync (cdpctl status %s)",
			    name, cdp_health_name(s.status.health), cdp_live_in_sync(&s),
			    s.status.nr_legs, name);
	else if (!r)
		cdp_note("%s runs: /dev/mapper/%s", name, name);
	cdp_live_close(&s);
	return r;
}

/* A detach that had taken the mapping away, or an undo, may have begun with the metadata. */
static int check_detached(const char *name)
{
	static struct cdp_doing d;
	bool undone;
	int r;

	if (!cdp_doing_is_there(name))
		return 0;
	r = cdp_doing_load(&d, name);
	if (r || !*d.last)
		return r;
	undone = strcmp(d.words[0], "detach");
	return cdp_refuse("one-way", "%s is being %s: cdpctl resume %s%s finishes that; %s", name,
			  undone ? "undone" : "detached", name, undone ? " --undo" : "", d.last);
}

static int assemble_one(const char *name)
{
	static struct assemble a;
	struct cdp_dm_info info;
	int r;

	memset(&a, 0, sizeof(a));
	a.plan.dry_run = cdp_opts.dry_run;
	r = cdp_conf_load(&a.set.conf, name);
	if (!r && a.set.conf.under[0])
		r = cdp_under_begin(&a.set.conf, cdp_opts.dry_run);
	if (!r && !cdp_opts.dry_run)
		r = cdp_dm_have_target();
	if (!r)
		r = cdp_dm_info(name, &info);
	if (r)
		return r;
	if (info.exists) {
		r = a.set.conf.under[0] ?
		    cdp_under_lead_again(&a.set.conf, cdp_opts.dry_run) : 0;
		if (!r)
			cdp_note("%s runs already", name);
		return r;
	}
	r = check_detached(name);
	if (!r)
		r = start(&a);
	cdp_steps_free(&a.plan);
	return r || cdp_opts.dry_run ? r : report(name);
}

/* One that fails does not keep the others from starting; the worst result counts. */
static int assemble_next(const char *name, void *ctx)
{
	int *worst = ctx;
	int r = assemble_one(name);

	if (r && *cdp_why_text())
		cdp_error("%s", cdp_why_text());
	cdp_why_clear();
	if (r && (!*worst || *worst == -ECDP_DEGRADED))
		*worst = r;
	return cdp_interrupted() ? -EINTR : 0;
}

int cdp_cmd_assemble(int argc, char **argv)
{
	int worst = 0, r;

	cdp_opts_parse(&argp, argc, argv, 0, 1);
	cdp_interrupt_catch();
	if (wait_s && !cdp_opts.dry_run)
		cdp_arrival_wait(all ? NULL : cdp_opts.words[0], wait_s);
	if (!all)
		return assemble_one(cdp_opts.words[0]);
	r = cdp_conf_list(assemble_next, &worst);
	if (!r && worst && worst != -ECDP_DEGRADED)
		cdp_why(worst, "not every set could be started");
	return r ? r : worst;
}
