// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "msg.h"

#define MOST_ENV	512
#define SAID		4096
#define DISMISS_S	10.0

static bool is_set(const char *word, const char *const more[])
{
	size_t len = strcspn(word, "=") + 1;
	u32 i;

	for (i = 0; more && more[i]; i++)
		if (!strncmp(word, more[i], len))
			return true;
	return false;
}

/* What is kept for us shall have no marks for the journal in it. */
static void make_env(const char *env[MOST_ENV + 1], const char *const more[], bool quiet)
{
	u32 n = 0, i;

	for (i = 0; more && more[i]; i++)
		env[n++] = more[i];
	for (i = 0; environ[i] && n < MOST_ENV; i++)
		if (!is_set(environ[i], more) &&
		    !(quiet && !strncmp(environ[i], "JOURNAL_STREAM=", 15)))
			env[n++] = environ[i];
	env[n] = NULL;
}

static int spawn(struct cdp_child *c, const char *const argv[], const char *const more[],
		 bool stays, int said_fd)
{
	const char *env[MOST_ENV + 1];
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t held;
	int r;

	make_env(env, more, said_fd >= 0);
	sigemptyset(&held);
	if (stays) {
		sigaddset(&held, SIGINT);
		sigaddset(&held, SIGTERM);
	}
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, said_fd >= 0 ? said_fd : 2, 1);
	posix_spawn_file_actions_adddup2(&fa, said_fd >= 0 ? said_fd : 2, 2);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attr, &held);
	r = posix_spawn(&c->pid, argv[0], &fa, &attr, (char *const *)argv, (char *const *)env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return -r;
}

int cdp_child_start(struct cdp_child *c, const char *const argv[], const char *const more[],
		    u32 how, u32 deadline_s)
{
	int said[2] = { -1, -1 }, r;
	bool quiet = how & CHILD_QUIET;

	*c = (struct cdp_child)CDP_CHILD_NONE;
	if (quiet && pipe2(said, O_CLOEXEC | O_NONBLOCK))
		return cdp_why(-errno, "cannot run %s: %s", argv[0], strerror(errno));
	r = spawn(c, argv, more, how & CHILD_STAYS, said[1]);
	if (quiet)
		close(said[1]);
	if (!r) {
		c->pidfd = pidfd_open(c->pid, 0);
		r = c->pidfd < 0 ? -errno : 0;
		if (r) {
			kill(c->pid, SIGKILL);
			waitpid(c->pid, NULL, 0);
		}
	}
	if (r) {
		if (quiet)
			close(said[0]);
		return cdp_why(r, "cannot run %s: %s", argv[0], strerror(-r));
	}
	c->said_fd = said[0];
	c->end_s = cdp_seconds() + deadline_s;
	return 0;
}

bool cdp_child_runs(const struct cdp_child *c)
{
	return c->pidfd >= 0;
}

void cdp_child_dismiss(struct cdp_child *c)
{
	double end = cdp_seconds() + DISMISS_S;

	kill(-c->pid, SIGTERM);
	if (end < c->end_s)
		c->end_s = end;
}

/* Our own programs say at last why they fail, as "cdpctl: ..."; of others the first line counts. */
static const char *what_counts(char *text)
{
	char *line, *own = NULL;

	for (line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!strncmp(line, "cdpctl: ", 8))
			own = line + 8;
	line = own ? own : text;
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static void take_said(struct cdp_child *c, char *said, size_t size)
{
	char text[SAID];
	ssize_t n = c->said_fd >= 0 ? read(c->said_fd, text, sizeof(text) - 1) : 0;

	text[n > 0 ? n : 0] = '\0';
	if (said)
		cdp_print(said, size, "%s", what_counts(text));
}

int cdp_child_end(struct cdp_child *c, char *said, size_t size)
{
	int st, n;

	if (said && size)
		*said = '\0';
	if (!c->killed && cdp_seconds() >= c->end_s) {
		kill(-c->pid, SIGKILL);
		c->killed = true;
	}
	do {
		n = waitpid(c->pid, &st, WNOHANG);
	} while (n < 0 && errno == EINTR);
	if (!n)
		return -EAGAIN;
	take_said(c, said, size);
	close(c->pidfd);
	if (c->said_fd >= 0)
		close(c->said_fd);
	*c = (struct cdp_child)CDP_CHILD_NONE;
	if (n < 0)
		return 1;
	return WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
}
