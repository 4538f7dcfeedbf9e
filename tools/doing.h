/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What cdpctl is doing to a set, kept in /etc/cdp/NAME.doing while it is done: the words
 * of the command, one a line. The file is locked by the process that does it; one that
 * nobody has locked tells of a command that was killed, or that could not go on.
 *
 * Commands that keep it are done again with the same words to be finished: each of their
 * steps looks first whether it was done before.
 */
#ifndef CDP_TOOLS_DOING_H
#define CDP_TOOLS_DOING_H

#include "conf.h"

#define CDP_DOING_WORDS	48
#define CDP_DOING_KEPT	24
#define CDP_DOING_RESUMED	"CDP_RESUMED"	/* in the environment: nobody is reminded */

struct cdp_doing {
	char text[4096];		/* what the words point into */
	char *words[CDP_DOING_WORDS + 1];	/* the verb and its arguments, then NULL */
	u32 nr;
	const char *kept[CDP_DOING_KEPT];	/* "key value" */
	u32 nr_kept;
	const char *last;		/* what is to be told when it is done, or "" */
	bool busy;			/* the process lives */
};

/* -ENOENT when nothing is being done to the set. */
int __must_check cdp_doing_load(struct cdp_doing *d, const char *name);

/* Is anything being done to the set, or unfinished? */
bool cdp_doing_is_there(const char *name);

/* One line of @d: "attach --live vm1 ..."; returns @line. */
const char *cdp_doing_print(const struct cdp_doing *d, char *line, size_t size);

/* Is @word one of its words? */
bool cdp_doing_has_word(const struct cdp_doing *d, const char *word);

/* What was kept of @key, or NULL. */
const char *cdp_doing_value(const struct cdp_doing *d, const char *key);

/*
 * Remember the command line of this process; a dry run only looks. -ECDP_REFUSED when
 * something else is unfinished, -EBUSY when somebody is at it.
 */
int __must_check cdp_doing_begin(const char *name, bool dry_run);
/* Was this command begun before, by another process? */
bool cdp_doing_again(void);
/*
 * Keep a @value for who goes on with the command if we are killed. Before the command has
 * begun: with its words, in one step; but if it was begun before, what was kept then counts.
 */
int __must_check cdp_doing_keep(const char *key, const char *value);
/* What this process or the one before has kept: the first of @key, or NULL; is it one of them? */
const char *cdp_doing_kept(const char *key);
bool cdp_doing_has_kept(const char *key, const char *value);
/*
 * Keep what is to be told when all is done, for who finishes it if we are killed: he may
 * not be able to find that out any more. What was kept by the process before, or "".
 */
int __must_check cdp_doing_keep_last(const char *text);
const char *cdp_doing_last(void);
/* What another process has begun, to undo it: as if it was begun by this one. */
int __must_check cdp_doing_adopt(const char *name);
/* It is done, or undone. */
void cdp_doing_end(void);
/* End it if all was done or undone (@r is 0, or @undone), else say how to go on. */
void cdp_doing_close(int r, bool undone);
/* Forget what is unfinished; for who has undone it. */
int __must_check cdp_doing_forget(const char *name);

/* For cdpctl that another one starts, for one thing: cdp_child_start(). */
extern const char *const cdp_doing_no_reminder[];

/* The command line, of main(); before anything else. */
void cdp_doing_line(int argc, char **argv);
/* Say what is unfinished, of all sets; not in a command that resume, or the monitor, has begun. */
void cdp_doing_remind(void);

#endif
