// SPDX-License-Identifier: GPL-2.0-or-later
/* resolve: the survivor of a split brain is chosen, the others become stale legs of it. */
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "dm.h"
#include "explain.h"
#include "msg.h"
#include "opts.h"
#include "size.h"

enum { OPT_KEEP = 256, OPT_YES };
static const char *keep;
static bool yes;

static const struct argp_option options[] = {
	{ "keep", OPT_KEEP, "DEV", 0, "the survivor: its device, UUID or number", 1 },
	{ "yes", OPT_YES, NULL, 0, "do not ask (needed without a terminal)", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPT_KEEP:
		keep = arg;
		return 0;
	case OPT_YES:
		yes = true;
		return 0;
	case ARGP_KEY_SUCCESS:
		if (!keep)
			argp_error(state, "--keep DEV is missing");
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_DRY_RUN, { 0 } };

static const struct argp argp = {
	options, parse, "NAME",
	"End a split brain of a set that does not run: one leg survives, and what the others wrote since they parted is discarded. Only metadata is written; the next assemble copies what differs.",
	children, NULL, NULL,
};

/*----------------------------------------------------------------*/

struct write {
	struct resolve *r;
	struct cdp_resolve_step step;
	u32 leg;			/* of the loser */
};

static struct resolve {
	struct cdp_still set;
	struct cdp_steps plan;
	u32 keep;
	struct cdp_resolve work;
	u32 losers[CDP_MAX_LEGS];	/* their places, as in work.losers */
	struct write writes[CDP_RESOLVE_STEPS];
	struct cdp_md_file files[CDP_MAX_LEGS];
} resolve;

static int not_active(const char *name)
{
	struct cdp_dm_info info;
	int r = cdp_dm_info(name, &info);

	if (cdp_opts.dry_run && r == -ENODEV)
		return 0;	/* no device-mapper here: it cannot run */
	if (!r && info.exists)
		r = cdp_refuse("set-runs", "%s runs; resolve is for a set that does not (cdpctl stop %s). While it runs, cdpctl leg reset %s LEG makes a leg that it has refused a new one, to which everything is copied",
			       name, name, name);
	return r;
}

/* What is kept must be whole, and must not be the older part of another history. */
static int check_survivor(const struct resolve *r)
{
	const struct cdp_still *s = &r->set;
	const struct cdp_super *mine = &s->plan.legs[r->keep].super;
	char text[CDP_LEG_TEXT], other[CDP_LEG_TEXT];
	u32 i;

	cdp_still_leg_text(s, r->keep, text);
	if (!cdp_still_claims(s, r->keep))
		return cdp_refuse("not-survivor", "%s: %s is not in-sync by its own record, so it lacks writes; it cannot be the survivor",
			       s->conf.name, text);
	for (i = 0; i < s->conf.nr_legs; i++)
		if (cdp_still_is_valid(s, i) &&
		    cdp_super_descends(&s->plan.legs[i].super, mine->generation))
			return cdp_refuse("not-survivor", "%s: %s knows all that %s holds, and more; keep a leg that went on later",
				       s->conf.name, cdp_still_leg_text(s, i, other), text);
	return 0;
}

/* No split brain: fine, if the leg to keep is the one that counts anyhow. */
static int nothing_to_do(const struct resolve *r)
{
	const struct cdp_still *s = &r->set;
	char text[CDP_LEG_TEXT];

	if (s->verdict && s->verdict != -ENOTUNIQ)
		return cdp_explain(s);
	if (s->plan.state[r->keep] != LEG_IN_SYNC)
		return cdp_refuse("no-split-brain", "%s: there is no split brain, and %s is behind the others: %s. It is copied to when the set starts (cdpctl assemble %s)",
			       s->conf.name, cdp_still_leg_text(s, r->keep, text),
			       s->plan.reason[r->keep], s->conf.name);
	cdp_note("%s: there is no split brain to resolve; cdpctl assemble %s starts it",
		 s->conf.name, s->conf.name);
	return 0;
}

static void find_losers(struct resolve *r)
{
	const struct cdp_still *s = &r->set;
	u32 i;

	for (i = 0; i < s->conf.nr_legs; i++)
		if (i != r->keep && cdp_still_claims(s, i) &&
		    cdp_split_diverged(&s->plan.legs[i].super, &s->plan.legs[r->keep].super))
			r->losers[r->work.nr_losers++] = i;
}

static int open_areas(struct resolve *r)
{
	bool write = !cdp_opts.dry_run;
	u32 i;
	int err = cdp_still_area(&r->set, r->keep, write, &r->files[r->keep], &r->work.keep);

	for (i = 0; i < r->work.nr_losers && !err; i++) {
		u32 leg = r->losers[i];

		err = cdp_still_area(&r->set, leg, write, &r->files[leg],
				     &r->work.losers[i].area);
	}
	return err;
}

/*----------------------------------------------------------------*/

static void tell(const struct resolve *r)
{
	const struct cdp_still *s = &r->set;
	char text[CDP_LEG_TEXT], amount[CDP_AMOUNT_TEXT], size[CDP_SIZE_TEXT];
	u32 i;

	cdp_note("%s: %s is kept as it is", s->conf.name, cdp_still_leg_text(s, r->keep, text));
	for (i = 0; i < r->work.nr_losers; i++) {
		const struct cdp_loser *l = &r->work.losers[i];
		u32 leg = r->losers[i];

		cdp_still_leg_text(s, leg, text);
		cdp_note("%s: what it wrote since it parted is discarded: %s", text,
			 cdp_explain_amount(s, leg, r->keep, amount));
		if (l->unknown)
			cdp_note("%s: it is not in the survivor's leg table, so it is made a blank leg; cdpctl leg reset takes it in again",
				 text);
		else if (l->why_full)
			cdp_note("%s: everything will be copied to it, because %s", text,
				 l->why_full);
		else
			cdp_note("%s: what either side wrote will be copied to it: %s (regions: %llu)",
				 text, cdp_size_print(l->to_copy * s->conf.region_sectors *
						      CDP_SECTOR_BYTES, size),
				 (unsigned long long)l->to_copy);
	}
	for (i = 0; i < s->conf.nr_legs; i++)
		if (!s->found[i].here)
			cdp_note("%s is not here; if it went on alone, too, it will be refused when it is back",
				 cdp_still_leg_text(s, i, text));
}

static int confirm(const char *name)
{
	char line[16] = "";

	if (yes || cdp_opts.dry_run)
		return 0;
	if (!isatty(STDIN_FILENO))
		return cdp_refuse("not-confirmed", "%s: nothing was changed; to discard these writes without being asked: --yes",
			       name);
	fprintf(stderr, "Discard them? [y/N] ");
	if (fgets(line, sizeof(line), stdin) && (line[0] == 'y' || line[0] == 'Y'))
		return 0;
	return cdp_refuse("not-confirmed", "%s: nothing was changed", name);
}

/*----------------------------------------------------------------*/

static int write_metadata(void *arg)
{
	struct write *w = arg;

	return cdp_resolve_run(&w->r->work, &w->step);
}

/* As the step says it of itself; returns @text. */
static const char *write_text(const struct write *w, char *text, size_t size)
{
	const struct resolve *r = w->r;
	const char *kept = r->set.found[r->keep].meta, *lost = r->set.found[w->leg].meta;
	unsigned long long sequence = r->work.record.sequence + 1;

	switch (w->step.what) {
	case RESOLVE_TRACKER:
		cdp_print(text, size, "write the tracker of leg %u on %s: %llu regions", w->leg,
			  kept, (unsigned long long)r->work.losers[w->step.loser].to_copy);
		break;
	case RESOLVE_DEMOTE:
		cdp_print(text, size, "write both superblocks on %s: stale in generation %016llx, sequence %llu",
			  lost, (unsigned long long)r->work.record.generation, sequence);
		break;
	case RESOLVE_BLANK:
		cdp_print(text, size, "zero both superblocks on %s", lost);
		break;
	case RESOLVE_RECORD:
		cdp_print(text, size, "write both superblocks on %s: the survivor, sequence %llu",
			  kept, sequence);
	}
	return text;
}

static void plan_writes(struct resolve *r)
{
	struct cdp_resolve_step steps[CDP_RESOLVE_STEPS];
	char text[CDP_PATH_TEXT + 128];
	u32 i, n = cdp_resolve_steps(&r->work, steps);

	for (i = 0; i < n; i++) {
		struct write *w = &r->writes[i];

		*w = (struct write) { r, steps[i], r->losers[steps[i].loser] };
		cdp_steps_add(&r->plan, write_metadata, NULL, w, "metadata: %s",
			      write_text(w, text, sizeof(text)));
	}
}

/* The judge of before is asked again. */
static int check_result(struct resolve *r)
{
	int err = cdp_still_judge(&r->set);

	if (!err && (r->set.verdict || r->set.plan.state[r->keep] != LEG_IN_SYNC))
		err = cdp_why(-EPROTO, "%s: the set would still be refused: %s", r->set.conf.name,
			      r->set.plan.why);
	if (!err)
		cdp_note("%s: resolved; cdpctl assemble %s starts it and copies what differs",
			 r->set.conf.name, r->set.conf.name);
	return err;
}

/* Nobody can start the set from here on, but somebody may have done so before. */
static int check_unchanged(struct resolve *r)
{
	const struct cdp_plan_leg *legs = r->set.plan.legs;
	bool same = true;
	u32 i;
	int err = cdp_still_judge(&r->set);

	if (err)
		return err;
	same = legs[r->keep].super.sequence == r->work.keep.super.sequence;
	for (i = 0; i < r->work.nr_losers; i++)
		same &= legs[r->losers[i]].super.sequence ==
			r->work.losers[i].area.super.sequence;
	if (!same || r->set.verdict != -ENOTUNIQ)
		return cdp_why(-EAGAIN, "%s was changed by somebody else meanwhile; try again",
			       r->set.conf.name);
	return 0;
}

static int carry_out(struct resolve *r)
{
	int err = check_unchanged(r);

	r->work.now = (u64)time(NULL);
	if (getentropy(&r->work.new_generation, sizeof(r->work.new_generation)))
		err = cdp_why(-errno, "no random number to be had: %s", strerror(errno));
	r->work.new_generation |= 1;
	if (!err)
		err = cdp_resolve_plan(&r->work);
	if (err)
		return err;
	tell(r);
	err = confirm(r->set.conf.name);
	if (err)
		return err;
	plan_writes(r);
	err = cdp_steps_run(&r->plan);
	cdp_steps_free(&r->plan);
	return err || cdp_opts.dry_run ? err : check_result(r);
}

static int find_set(struct resolve *r, const char *name)
{
	int leg, err = cdp_conf_load(&r->set.conf, name);

	if (!err)
		err = not_active(name);
	if (!err)
		err = cdp_still_find(&r->set);
	if (!err)
		err = cdp_still_judge(&r->set);
	if (err)
		return err;
	leg = cdp_still_leg(&r->set, keep);
	r->keep = (u32)leg;
	return leg < 0 ? leg : 0;
}

static int resolve_set(struct resolve *r, const char *name)
{
	int err = find_set(r, name);

	if (err)
		return err;
	find_losers(r);
	if (!r->work.nr_losers || r->set.verdict != -ENOTUNIQ) {
		r->work.nr_losers = 0;
		return nothing_to_do(r);
	}
	err = check_survivor(r);
	return err ? err : open_areas(r);
}

int cdp_cmd_resolve(int argc, char **argv)
{
	u32 i;
	int err;

	cdp_opts_parse(&argp, argc, argv, 1, 1);
	cdp_interrupt_catch();
	resolve.plan.dry_run = cdp_opts.dry_run;
	err = resolve_set(&resolve, cdp_opts.words[0]);
	if (!err && resolve.work.nr_losers)
		err = carry_out(&resolve);
	for (i = 0; i < CDP_MAX_LEGS; i++)
		cdp_md_close(&resolve.files[i]);
	return err;
}
