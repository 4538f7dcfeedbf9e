// SPDX-License-Identifier: GPL-2.0-or-later
/* monitor: the resident service. It brings legs back, and records what happened. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "cmd.h"
#include "conf.h"
#include "history.h"
#include "hooks.h"
#include "journal.h"
#include "msg.h"
#include "opts.h"
#include "record.h"
#include "tend.h"
#include "wake.h"

#define MOST_SETS	1024u
#define LAST_WORDS_S	5.0

enum { OPT_ONCE = 256, OPT_RETRY_MAX };

static bool once;
static double most_wait_s = CDP_COMEBACK_MOST_S;

static const struct argp_option options[] = {
	{ "once", OPT_ONCE, NULL, 0, "try each leg that is out one time, and return", 1 },
	{ "retry-max", OPT_RETRY_MAX, "SECONDS", 0, "the longest wait between two tries (300)", 1 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == OPT_ONCE) {
		once = true;
		return 0;
	}
	if (key == OPT_RETRY_MAX) {
		most_wait_s = (double)cdp_opts_number(state, "--retry-max", arg, 86400);
		return 0;
	}
	return cdp_opts_word(key, arg, state);
}

static const struct argp argp = {
	options, parse, "",
	"Watch all remembered sets that run: bring back legs that failed, record outages (cdpctl history), run the hooks in /etc/cdp/hooks.d. It stays in the foreground, as cdp-monitor.service wants it.",
	NULL, NULL, NULL,
};

/*----------------------------------------------------------------*/

struct monitor {
	struct cdp_wake wake;
	u32 nr;
	struct cdp_tend *sets[MOST_SETS];
	sigset_t unblocked;
};

/* That the legs come back is worth more than what is written down. */
static void go_on_without(int r)
{
	if (r)
		cdp_warn("%s", cdp_why_text());
	cdp_why_clear();
}

/* Two would record everything twice. The lock goes with the process. */
static int be_alone(void)
{
	int fd;

	go_on_without(cdp_state_prepare());
	fd = open(cdp_state_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || !flock(fd, LOCK_EX | LOCK_NB))
		return 0;	/* stays open */
	return cdp_why(-EBUSY, "%s: another cdpctl monitor runs already", cdp_state_dir());
}

static int list_set(const char *name, void *ctx)
{
	struct monitor *m = ctx;
	struct cdp_tend *t;
	u32 i;

	for (i = 0; i < m->nr; i++)
		if (!strcmp(m->sets[i]->name, name)) {
			m->sets[i]->listed = true;
			return 0;
		}
	t = m->nr < MOST_SETS ? malloc(sizeof(*t)) : NULL;
	if (!t) {
		cdp_error("%s is not watched: too many sets, or out of memory", name);
		return 0;
	}
	cdp_tend_init(t, name, most_wait_s);
	t->listed = true;
	m->sets[m->nr++] = t;
	return 0;
}

static void count(const struct cdp_child *c, void *ctx)
{
	(void)c;
	++*(u32 *)ctx;
}

static bool tries(const struct cdp_tend *t)
{
	u32 nr = 0;

	cdp_tend_tries(t, count, &nr);
	return nr;
}

/*
 * One that is not remembered any more is kept until its tries have ended. When the list
 * cannot be read, as with no descriptor left, all are as they were.
 */
static void list_sets(struct monitor *m)
{
	u32 i, kept = 0, nr = m->nr;
	bool was[MOST_SETS];

	for (i = 0; i < nr; i++) {
		was[i] = m->sets[i]->listed;
		m->sets[i]->listed = false;
	}
	if (cdp_conf_list(list_set, m)) {
		cdp_warn("%s", cdp_why_text());
		cdp_why_clear();
		for (i = 0; i < nr; i++)
			m->sets[i]->listed |= was[i];
		return;
	}
	for (i = 0; i < m->nr; i++) {
		if (m->sets[i]->listed || tries(m->sets[i]))
			m->sets[kept++] = m->sets[i];
		else
			free(m->sets[i]);
	}
	m->nr = kept;
}

static void look(struct monitor *m, bool hurry)
{
	u32 i;

	for (i = 0; i < m->nr; i++) {
		cdp_tend_reap(m->sets[i]);
		if (!m->sets[i]->listed)
			continue;
		cdp_tend_look(m->sets[i]);
		if (!hurry)
			continue;
		cdp_tend_hurry(m->sets[i]);
		cdp_tend_look(m->sets[i]);
	}
}

static void on_uevent(const struct cdp_uevent *u, void *ctx)
{
	struct monitor *m = ctx;
	u32 i;

	for (i = 0; i < m->nr; i++)
		cdp_tend_uevent(m->sets[i], u);
}

/*----------------------------------------------------------------*/

struct fds {
	struct pollfd fds[WAKES + MOST_SETS * 4 * CDP_MAX_LEGS + 1];
	u32 nr;
};

static void add_fd(struct fds *f, int fd)
{
	f->fds[f->nr++] = (struct pollfd) { .fd = fd, .events = POLLIN };
}

static void add_try(const struct cdp_child *c, void *ctx)
{
	add_fd(ctx, c->pidfd);
}

/* All that is to be waited for: the wakers, the tries, the hook. */
static void fill_fds(const struct monitor *m, struct fds *f)
{
	u32 i;

	memcpy(f->fds, m->wake.fds, sizeof(m->wake.fds));
	f->nr = WAKES;
	for (i = 0; i < m->nr; i++)
		cdp_tend_tries(m->sets[i], add_try, f);
	add_fd(f, cdp_hooks_fd());
}

static double next_s(const struct monitor *m)
{
	double next = CDP_NEVER_S;
	u32 i;

	for (i = 0; i < m->nr; i++)
		next = cdp_sooner(next, cdp_tend_next_s(m->sets[i]));
	if (cdp_hooks_fd() >= 0 && cdp_hooks_end_s() > 0)
		next = cdp_sooner(next, cdp_hooks_end_s());
	return next;
}

static void wait_for_something(const struct monitor *m)
{
	static struct fds f;
	double next = next_s(m), left = next - cdp_seconds();
	struct timespec t = { 0 };

	if (left > 0 && next < CDP_NEVER_S) {
		t.tv_sec = (time_t)left;
		t.tv_nsec = (long)((left - (double)t.tv_sec) * 1e9);
	}
	fill_fds(m, &f);
	ppoll(f.fds, f.nr, next < CDP_NEVER_S ? &t : NULL, &m->unblocked);
}

/* With --once: is there anything left that will end by itself? */
static bool busy(const struct monitor *m)
{
	u32 i;

	for (i = 0; i < m->nr; i++)
		if (tries(m->sets[i]))
			return true;
	return cdp_hooks_fd() >= 0;
}

/* Signals come only while we wait, or one between a look and a wait would be lost. */
static void hold_signals(struct monitor *m)
{
	sigset_t set;

	cdp_interrupt_catch();
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, &m->unblocked);
	sigdelset(&m->unblocked, SIGINT);
	sigdelset(&m->unblocked, SIGTERM);
}

static int watch(struct monitor *m)
{
	bool first = true;
	int r = 0;

	while (!r && !cdp_interrupted()) {
		r = cdp_wake_arm(&m->wake);
		list_sets(m);	/* first: a report may be about a new one */
		cdp_wake_take(&m->wake, on_uevent, m);
		look(m, first && once);
		cdp_hooks_step();
		if (first)
			cdp_journal_notify("READY=1");
		first = false;
		if (once && !busy(m))
			break;
		if (!r)
			wait_for_something(m);
	}
	return r;
}

static void end(struct monitor *m)
{
	u32 i;

	for (i = 0; i < m->nr; i++)
		cdp_tend_end(m->sets[i]);
	cdp_record_end(LAST_WORDS_S);
	for (i = 0; i < m->nr; i++)
		cdp_doubts_end(&m->sets[i]->doubts, m->sets[i]->name);
}

static int result(const struct monitor *m)
{
	u32 i;

	for (i = 0; once && i < m->nr; i++)
		if (m->sets[i]->runs && m->sets[i]->live.status.health != HEALTH_OPTIMAL)
			return -ECDP_DEGRADED;
	return 0;
}

int cdp_cmd_monitor(int argc, char **argv)
{
	static struct monitor m;
	int r;

	cdp_opts_parse(&argp, argc, argv, 0, 0);
	go_on_without(cdp_conf_prepare());
	go_on_without(cdp_record_start());
	cdp_conf_never_wait();
	r = be_alone();
	if (!r)
		r = cdp_wake_open(&m.wake);
	if (!r) {
		hold_signals(&m);
		r = watch(&m);
		cdp_wake_close(&m.wake);
	}
	end(&m);
	return r ? r : result(&m);
}
