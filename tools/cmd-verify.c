// SPDX-License-Identifier: GPL-2.0-or-later
/* verify: compare the legs of a set in use; repair from the leg that is named. */
#include <stdlib.h>
#include <time.h>

#include "cmd.h"
#include "dm.h"
#include "follow.h"
#include "msg.h"
#include "opts.h"
#include "pass.h"
#include "pass-show.h"
#include "size.h"

#define TICK_MS		500u
#define SAVE_S		2.0	/* what a kill of this program may cost */
#define MAX_RATE	1000000u

static struct {
	u64 from, to, rate;	/* bytes; to 0: the end */
	bool rate_given, resume, last;
	const char *repair;
} opt;

static const struct argp_option options[] = {
	{ "from", 1, "SIZE", 0, "first byte to compare: 20G (default: the start)", 1 },
	{ "to", 2, "SIZE", 0, "compare up to there (default: the end)", 1 },
	{ "resume", 3, NULL, 0, "go on with a pass that was not finished, or begin one", 1 },
	{ "rate", 4, "MIB", 0, "at most so many MiB/s of each leg; 0: no limit", 1 },
	{ "repair", 5, "LEG", 0, "copy what differs from this leg to the others", 1 },
	{ "last", 6, NULL, 0, "show what the last pass found, and do nothing", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 1:
		opt.from = cdp_opts_size(state, "--from", arg);
		return 0;
	case 2:
		opt.to = cdp_opts_size(state, "--to", arg);
		return 0;
	case 3:
		opt.resume = true;
		return 0;
	case 4:
		opt.rate = cdp_opts_number(state, "--rate", arg, MAX_RATE);
		opt.rate_given = true;
		return 0;
	case 5:
		opt.repair = arg;
		return 0;
	case 6:
		opt.last = true;
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp_child children[] = { CDP_CHILD_JSON, { 0 } };

static const struct argp argp = {
	options, parse, "NAME",
	"Compare the legs of a set while it is in use, and say where they differ. Exit status 0: they are alike; 5: they differ; 4: alike where they could be compared, but some regions are on one leg only.",
	children, NULL, NULL,
};

/*----------------------------------------------------------------*/

struct run {
	struct cdp_live live;
	struct cdp_pass before;		/* what a pass that goes on had found already */
	struct cdp_pass now;		/* what the kernel says */
	struct cdp_pass all;		/* both */
	double saved;
};

static int read_kernel(struct run *r, struct cdp_pass *p)
{
	char *answer;
	int res = cdp_dm_message(r->live.name, "verify status", &answer);

	if (!res)
		cdp_pass_parse_status(answer, &r->live.status, p);
	free(answer);
	return res;
}

__attribute__((format(printf, 2, 3)))
static int message(struct run *r, const char *fmt, ...)
{
	char text[96];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return cdp_dm_message(r->live.name, text, NULL);
}

static bool goes_on(const struct cdp_pass *p)
{
	return p->state == PASS_RUNNING || p->state == PASS_PAUSED;
}

/* Look, and keep what is known by now. */
static int look(struct run *r)
{
	bool was_running = goes_on(&r->now);
	u32 nr = r->all.nr;
	int res = read_kernel(r, &r->now);

	if (res)
		return res;
	r->all = r->before;
	cdp_pass_add(&r->all, &r->now);
	if (!goes_on(&r->now))
		r->all.ended = (u64)time(NULL);
	if (cdp_seconds() - r->saved < SAVE_S && nr == r->all.nr && was_running == goes_on(&r->now))
		return 0;
	r->saved = cdp_seconds();
	return cdp_pass_save(r->live.name, &r->all);
}

static void show_progress(const struct run *r, struct cdp_progress *p)
{
	const struct cdp_pass *a = &r->all;

	if (!cdp_opts.json)
		cdp_progress_show(p, (a->position - a->from) * CDP_SECTOR_BYTES,
				  (a->to - a->from) * CDP_SECTOR_BYTES);
}

/* Until the kernel has ended it, or the user has had enough. */
static int follow(struct run *r)
{
	struct cdp_progress p = { .name = r->live.name };
	int res;

	cdp_interrupt_catch();
	for (res = look(r); !res && goes_on(&r->now); res = look(r)) {
		show_progress(r, &p);
		cdp_sleep_ms(TICK_MS);
		if (cdp_interrupted())
			res = message(r, "verify stop");
		if (res)
			break;
	}
	cdp_progress_end(&p);
	return res;
}

/*----------------------------------------------------------------*/

static int begin(struct run *r)
{
	struct cdp_pass *b = &r->before;

	memset(b, 0, sizeof(*b));
	b->began = (u64)time(NULL);
	b->from = b->position = opt.from / CDP_SECTOR_BYTES;
	b->to = opt.to ? opt.to / CDP_SECTOR_BYTES : r->live.length;
	if (b->from >= b->to || b->to > r->live.length)
		return cdp_why(-ECDP_USAGE, "%s has %llu bytes: --from and --to have to lie in it, one before the other",
			       r->live.name, (unsigned long long)r->live.length * CDP_SECTOR_BYTES);
	return 0;
}

/* A program that is gone may have left a pass behind that still runs. */
static int take_over(struct run *r)
{
	int res = cdp_pass_load(r->live.name, &r->before);

	if (!opt.resume)
		return cdp_why(-EBUSY, "%s is being verified already; --resume goes on with that",
			       r->live.name);
	if (res || r->before.from > r->now.from || r->before.to != r->now.to) {
		cdp_why_clear();
		opt.from = r->now.from * CDP_SECTOR_BYTES;
		opt.to = r->now.to * CDP_SECTOR_BYTES;
		return begin(r);
	}
	/* the file counts what the kernel counts now: only the differences are added up */
	r->before.compared = r->before.skipped = r->before.unreadable = 0;
	return 0;
}

static int start(struct run *r)
{
	int res = read_kernel(r, &r->now);

	if (!res && opt.rate_given)
		res = message(r, "verify rate %llu", (unsigned long long)opt.rate);
	if (res || goes_on(&r->now))
		return res ? res : take_over(r);
	if (cdp_live_in_sync(&r->live) < 2 && r->live.status.resync == RESYNC_IDLE)
		return cdp_why(-ECDP_DEGRADED, "%s: fewer than two legs are in-sync, so that there is nothing to compare; bring a leg back first (cdpctl status %s)",
			       r->live.name, r->live.name);
	if (!opt.resume || cdp_pass_load(r->live.name, &r->before) ||
	    !cdp_pass_is_open(&r->before) || r->before.to > r->live.length) {
		cdp_why_clear();
		res = begin(r);
	}
	if (!res)
		res = message(r, "verify start %llu %llu", (unsigned long long)r->before.position,
			      (unsigned long long)r->before.to);
	return res;
}

static int judge(struct run *r)
{
	const struct cdp_pass *a = &r->all;
	const char *so_far = " as far as they were compared (--resume goes on)";
	const char *name = r->live.name;
	u64 left_out = a->skipped + a->unreadable;
	char size[CDP_SIZE_TEXT];

	if (a->nr)
		return cdp_why(-ECDP_SICK, "%s: its legs differ%s. Which is right dm-cdp cannot know: find out, then cdpctl verify %s --repair=LEG copies from the right one",
			       name, cdp_pass_is_open(a) ? so_far : "", name);
	if (cdp_pass_is_open(a))
		return cdp_why(-EINTR, "%s: not finished, it came to %s; cdpctl verify %s --resume goes on",
			       name, cdp_size_print(a->position * CDP_SECTOR_BYTES, size), name);
	if (left_out)
		return cdp_why(-ECDP_DEGRADED, "%s: alike where they were compared; %s could not be, because fewer than two legs hold or can read them",
			       name, cdp_size_print(left_out * CDP_SECTOR_BYTES, size));
	return 0;
}

/*----------------------------------------------------------------
 * Repair
 *--------------------------------------------------------------*/

/* One pass over [first, first + sectors), which the kernel knows then. */
static int verify_range(struct run *r, const struct cdp_pass_diff *d)
{
	int res = message(r, "verify start %llu %llu", (unsigned long long)d->first,
			  (unsigned long long)(d->first + d->sectors));

	if (res)
		return res;
	do {
		cdp_sleep_ms(50);
		res = read_kernel(r, &r->now);
	} while (!res && goes_on(&r->now) && !cdp_interrupted());
	if (!res && r->now.state != PASS_FINISHED)
		res = cdp_why(-EINTR, "%s: what differs could not be compared once more",
			      r->live.name);
	return res;
}

static int repair_now(struct run *r, int leg)
{
	int res = 0;
	u32 i;

	for (i = 0; !res && i < r->now.nr; i++) {
		struct cdp_pass_diff *d = &r->now.diffs[i];

		res = message(r, "verify repair %d %llu %llu", leg, (unsigned long long)d->first,
			      (unsigned long long)d->sectors);
	}
	return res;
}

/* What differs is looked at anew before it is overwritten, and once it has been. */
static int repair(struct run *r, int leg)
{
	struct cdp_pass found = r->all;
	int res = 0;
	u32 i;

	for (i = 0; !res && i < found.nr; i++) {
		res = verify_range(r, &found.diffs[i]);
		if (!res)
			res = repair_now(r, leg);
	}
	if (!res)
		res = cdp_follow(r->live.name, FOLLOW_REBUILT, 0, false);
	r->all.nr = 0;
	for (i = 0; !res && i < found.nr; i++) {
		res = verify_range(r, &found.diffs[i]);
		if (!res && r->now.nr)
			r->all.diffs[r->all.nr++] = found.diffs[i];
	}
	if (res)
		return res;
	cdp_note("%s: %u ranges repaired from leg %d", r->live.name, found.nr - r->all.nr, leg);
	return cdp_pass_save(r->live.name, &r->all);
}

/* The leg to repair from, or -1: none is asked for. */
static int repair_leg(const struct run *r, int *leg)
{
	char text[CDP_LEG_TEXT];

	*leg = -1;
	if (!opt.repair)
		return 0;
	*leg = cdp_live_leg(&r->live, opt.repair);
	if (*leg < 0)
		return *leg;
	if (r->live.status.legs[*leg].state == LEG_IN_SYNC)
		return 0;
	return cdp_refuse("not-in-sync", "%s: %s is %s: what it holds is not the last that was written, so nothing is repaired from it",
			  r->live.name, cdp_live_leg_text(&r->live, (u32)*leg, text),
			  cdp_leg_state_name(r->live.status.legs[*leg].state));
}

/*----------------------------------------------------------------*/

static int verify(struct run *r)
{
	int leg, res = repair_leg(r, &leg), shown;

	if (!res)
		res = start(r);
	if (!res)
		res = follow(r);
	if (res)
		return res;
	shown = cdp_pass_show(&r->all, &r->live.conf, cdp_opts.json);
	if (!shown && r->all.nr && leg >= 0)
		shown = repair(r, leg);
	return shown ? shown : judge(r);
}

static int show_last(struct run *r)
{
	int res = cdp_pass_load(r->live.name, &r->all);

	if (res == -ENOENT)
		return cdp_why(res, "%s was never verified", r->live.name);
	if (!res)
		res = cdp_pass_show(&r->all, &r->live.conf, cdp_opts.json);
	return res ? res : judge(r);
}

int cdp_cmd_verify(int argc, char **argv)
{
	static struct run r;
	int res;

	cdp_opts_parse(&argp, argc, argv, 1, 1);
	res = cdp_live_open(&r.live, cdp_opts.words[0]);
	if (!res)
		res = opt.last ? show_last(&r) : verify(&r);
	cdp_live_close(&r.live);
	return res;
}
