// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of verbs, and what all of them share: options, errors, exit status. */
#include <argp.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd.h"
#include "dm.h"
#include "doing.h"
#include "msg.h"

#ifndef CDP_VERSION
#define CDP_VERSION "unknown"
#endif

const char *argp_program_version = "cdpctl " CDP_VERSION;

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} verbs[] = {
	{ "attach", cdp_cmd_attach, "protect a disk: make a set of it and its other legs" },
	{ "status", cdp_cmd_status, "show sets and their legs" },
	{ "failover", cdp_cmd_failover, "make another leg the primary" },
	{ "rebuild", cdp_cmd_rebuild, "replace a failed leg with a new disk" },
	{ "leg", cdp_cmd_leg, "add, remove, replace, rejoin, fail, doubt or reset a leg; timeout" },
	{ "grow", cdp_cmd_grow, "make a set larger, after its legs" },
	{ "resync", cdp_cmd_resync, "pause, resume or limit the copy" },
	{ "verify", cdp_cmd_verify, "compare the legs, and repair from the one that is named" },
	{ "release", cdp_cmd_release, "answer what a set holds back with an error" },
	{ "wait", cdp_cmd_wait, "wait until a set is in-sync, rebuilt, or has an event" },
	{ "map", cdp_cmd_map, "a set as a picture: in-sync, dirty, copying, stale, hot" },
	{ "metrics", cdp_cmd_metrics, "sets as text for Prometheus" },
	{ "events", cdp_cmd_events, "what happened to a set" },
	{ "history", cdp_cmd_history, "outages of a set's legs, kept across reboots" },
	{ "monitor", cdp_cmd_monitor, "the service: bring legs back, record outages, run hooks" },
	{ "doctor", cdp_cmd_doctor, "what is wrong, or may go wrong, and what mends it" },
	{ "explain", cdp_cmd_explain, "what a code means, and what to do" },
	{ "examine", cdp_cmd_examine, "what the metadata on a device says" },
	{ "assemble", cdp_cmd_assemble, "start remembered sets, after boot" },
	{ "resolve", cdp_cmd_resolve, "choose the survivor of a split brain" },
	{ "activate", cdp_cmd_activate, "on another host: start a set from one leg alone" },
	{ "stop", cdp_cmd_stop, "shut sets down cleanly; they stay remembered" },
	{ "detach", cdp_cmd_detach, "end the protection and give back the plain disk" },
	{ "resume", cdp_cmd_resume, "finish or undo what a command that was killed has begun" },
};

static const struct argp_option options[] = {
	{ "verbose", 'v', NULL, 0, "say on stderr what is being done", 0 }, { 0 },
};

static const struct verb *find_verb(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

struct root {
	const struct verb *verb;
	int at;			/* of the verb in argv */
};

static error_t parse_root(int key, char *arg, struct argp_state *state)
{
	struct root *root = state->input;

	switch (key) {
	case 'v':
		cdp_msg_verbose(true);
		return 0;
	case ARGP_KEY_ARG:
		root->verb = find_verb(arg);
		if (!root->verb)
			argp_error(state, "unknown verb: %s", arg);
		root->at = state->next - 1;
		state->next = state->argc;	/* the rest is the verb's */
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a verb is missing");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* The list of verbs in --help comes from the table. */
static char *help(int key, const char *text, void *input)
{
	char *all = NULL;
	size_t size, i;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&all, &size);
	if (!f)
		return NULL;
	fputs("Verbs:\n", f);
	for (i = 0; i < ARRAY_SIZE(verbs); i++)
		fprintf(f, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
	fputs("\ncdpctl VERB --help tells more; cdpctl(8) tells all.\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused for safety, 4 degraded,\n"
	      "5 an error was found (doctor, verify).", f);
	fclose(f);
	return all;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_root,
	.args_doc = "VERB ...",
	.doc = "Control the disks that dm-cdp protects.\v ",
	.help_filter = help,
};

/* argp names the program by argv[0] in its errors and in --help. */
static int run_verb(const struct verb *v, int argc, char **argv)
{
	static char name[64];

	cdp_print(name, sizeof(name), "cdpctl %s", v->name);
	cdp_doing_line(argc, argv);
	argv[0] = name;
	cdp_dm_init();
	if (v->run != cdp_cmd_resume)
		cdp_doing_remind();
	return v->run(argc, argv);
}

int main(int argc, char **argv)
{
	struct root root = { 0 };
	int r;

	argp_err_exit_status = cdp_exit_code(-ECDP_USAGE);
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &root);
	r = run_verb(root.verb, argc - root.at, argv + root.at);
	if (r && r != -ECDP_DEGRADED && r != -ECDP_SICK && !*cdp_why_text())
		cdp_why(r, "%s", strerror(-r));
	if (r && *cdp_why_text())
		cdp_error("%s", cdp_why_text());
	/* a program that reads this has the exit status */
	if (r && cdp_why_code() && isatty(STDERR_FILENO))
		cdp_note("cdpctl explain %s tells more", cdp_why_code());
	return cdp_exit_code(r);
}
