// SPDX-License-Identifier: GPL-2.0-or-later
/* resume: finish or undo what a command that was killed has begun. */
#include <stdlib.h>
#include <unistd.h>

#include "attach-live.h"
#include "cmd.h"
#include "dm.h"
#include "doing.h"
#include "join.h"
#include "msg.h"
#include "opts.h"
#include "replace.h"

enum { OPT_UNDO = 256 };
static bool undo;

static const struct argp_option options[] = {
	{ "undo", OPT_UNDO, NULL, 0, "undo it instead", 1 }, { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key != OPT_UNDO)
		return cdp_opts_word(key, arg, state);
	undo = true;
	return 0;
}

static const struct argp_child children[] = { CDP_CHILD_DRY_RUN, { 0 } };

static const struct argp argp = {
	options, parse, "NAME",
	"Finish what a command that was killed, or that failed half way, has begun to do to a set; or undo it. Every cdpctl command says when there is such a thing.",
	children, NULL, NULL,
};

/* The same command again: its steps see what was done before. */
static int finish(const struct cdp_doing *d)
{
	char *argv[CDP_DOING_WORDS + 2] = { (char *)"cdpctl" };

	memcpy(argv + 1, d->words, (d->nr + 1) * sizeof(*argv));
	setenv(CDP_DOING_RESUMED, "1", 1);
	execv("/proc/self/exe", argv);
	return cdp_why(-errno, "cannot run cdpctl %s: %s", d->words[0], strerror(errno));
}

/* A new leg that is in is taken out as any other is, and a disk of more size is no harm. */
static int refuse_undo(const char *name, const struct cdp_doing *d)
{
	if (!strcmp(d->words[0], "detach"))
		return cdp_refuse("one-way", "%s: detach goes one way only; finish it (cdpctl resume %s), then attach again",
			       name, name);
	if (!strcmp(d->words[0], "grow"))
		return cdp_refuse("one-way", "%s: a set does not shrink; finish it (cdpctl resume %s)",
			       name, name);
	return cdp_refuse("one-way", "%s: finish it (cdpctl resume %s); a leg that joined can be taken out then (cdpctl leg remove)",
		       name, name);
}

/* cdpctl leg replace NAME OLD NEW ...: options may stand between, the words are the last ones */
static int undo_replace(const char *name, const struct cdp_doing *d)
{
	const char *old = cdp_doing_value(d, CDP_JOIN_OLD);
	struct cdp_live s;
	int r = cdp_live_open(&s, name);

	if (!r)
		r = cdp_replace_undo(&s, old ? old : d->words[d->nr - 2], d->words[d->nr - 1]);
	cdp_live_close(&s);
	return r;
}

static bool runs(const char *name)
{
	struct cdp_dm_info info;

	return !cdp_dm_info(name, &info) && info.exists;
}

/* Nobody else finishes or undoes it meanwhile; it may be another one by now. */
static int take(const char *name, struct cdp_doing *d)
{
	int r = cdp_doing_adopt(name);

	return r ? r : cdp_doing_load(d, name);
}

static int undo_it(const char *name, struct cdp_doing *d)
{
	int r = cdp_opts.dry_run ? 0 : take(name, d);
	bool undone;

	if (r)
		return r;
	if (!strcmp(d->words[0], "attach"))
		r = cdp_detach_live(name, true, &undone);
	else if (!strcmp(d->words[0], "leg") && cdp_doing_has_word(d, "replace"))
		r = undo_replace(name, d);
	else if (!strcmp(d->words[0], "detach") && !cdp_doing_has_word(d, "--live") && runs(name))
		r = 0;	/* nothing was done yet */
	else
		r = refuse_undo(name, d);
	if (r || cdp_opts.dry_run)
		return r;
	cdp_doing_end();
	cdp_note("%s: undone", name);
	return 0;
}

int cdp_cmd_resume(int argc, char **argv)
{
	static struct cdp_doing d;
	char line[1024];
	int r;

	cdp_opts_parse(&argp, argc, argv, 1, 1);
	r = cdp_doing_load(&d, cdp_opts.words[0]);
	if (r)
		return r;
	if (d.busy)
		return cdp_why(-EBUSY, "%s: cdpctl %s is still at work", cdp_opts.words[0],
			       cdp_doing_print(&d, line, sizeof(line)));
	if (undo)
		return undo_it(cdp_opts.words[0], &d);
	cdp_note("%s: cdpctl %s", cdp_opts.words[0], cdp_doing_print(&d, line, sizeof(line)));
	if (!cdp_opts.dry_run)
		return finish(&d);
	printf("cdpctl %s, from the step that was not done\n", line);
	return 0;
}
