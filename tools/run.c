// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "msg.h"
#include "run.h"

extern char **environ;

struct capture {
	int fd;
	char *text;
	size_t len;
};

static void trace(const char *const argv[])
{
	char text[1024];
	int n = 0, i;

	for (i = 0; argv[i]; i++)
		n += cdp_print(text + n, sizeof(text) - (size_t)n, "%s%s", i ? " " : "", argv[i]);
	cdp_debug("run: %s", text);
}

/* Own process group: Ctrl-C reaches us, and we decide what becomes of the child. */
static int spawn(const char *const argv[], int out, int err, pid_t *pid)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int r;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&fa, out, 1);
	posix_spawn_file_actions_adddup2(&fa, err, 2);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP);
	r = posix_spawnp(pid, argv[0], &fa, &attr, (char *const *)argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return -r;
}

/* Take what is there; what does not fit is read and dropped, so the child never blocks. */
static void drain(struct capture *c)
{
	char rest[1024];
	size_t room = CDP_RUN_TEXT - 1 - c->len;
	ssize_t n = read(c->fd, room ? c->text + c->len : rest, room ? room : sizeof(rest));

	if (n > 0 && room)
		c->len += (size_t)n;
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
		close(c->fd);
		c->fd = -1;
	}
	c->text[c->len] = '\0';
}

static int collect(struct capture c[2], double end)
{
	while (c[0].fd >= 0 || c[1].fd >= 0) {
		struct pollfd p[2] = {
			{ .fd = c[0].fd, .events = POLLIN }, { .fd = c[1].fd, .events = POLLIN },
		};
		double left = end - cdp_seconds();
		int i;

		if (cdp_interrupted())
			return -EINTR;
		if (left <= 0)
			return -ETIME;
		if (poll(p, 2, (int)(left * 1000) + 1) < 0)
			continue;
		for (i = 0; i < 2; i++)
			if (p[i].revents)
				drain(&c[i]);
	}
	return 0;
}

static int reap(pid_t pid, struct cdp_run *r)
{
	int st;

	while (waitpid(pid, &st, 0) < 0)
		if (errno != EINTR)
			return -errno;
	r->status = WIFEXITED(st) ? WEXITSTATUS(st) : 128 + WTERMSIG(st);
	return 0;
}

static int fail(int err, const char *const argv[], u32 deadline_s)
{
	if (err == -ENOENT)
		return cdp_why(err, "the program %s is not installed", argv[0]);
	if (err == -ETIME)
		return cdp_why(err, "%s did not end within %u s and was killed", argv[0],
			       deadline_s);
	if (err == -EINTR)
		return cdp_why(err, "interrupted while %s was running", argv[0]);
	return cdp_why(err, "cannot run %s: %s", argv[0], strerror(-err));
}

int cdp_run(struct cdp_run *r, u32 deadline_s, const char *const argv[])
{
	struct capture c[2] = { { .fd = -1, .text = r->out }, { .fd = -1, .text = r->err } };
	int out[2], err[2], res;
	pid_t pid;

	trace(argv);
	memset(r, 0, sizeof(*r));
	if (pipe2(out, O_CLOEXEC))
		return fail(-errno, argv, 0);
	if (pipe2(err, O_CLOEXEC)) {
		res = -errno;
		close(out[0]);
		close(out[1]);
		return fail(res, argv, 0);
	}
	c[0].fd = out[0];
	c[1].fd = err[0];
	res = spawn(argv, out[1], err[1], &pid);
	close(out[1]);
	close(err[1]);
	if (!res) {
		res = collect(c, cdp_seconds() + deadline_s);
		if (res)
			kill(-pid, SIGKILL);
		res = reap(pid, r) ?: res;
	}
	if (c[0].fd >= 0)
		close(c[0].fd);
	if (c[1].fd >= 0)
		close(c[1].fd);
	return res ? fail(res, argv, deadline_s) : 0;
}

const char *cdp_run_line(char *text)
{
	text[strcspn(text, "\n")] = '\0';
	return text;
}
