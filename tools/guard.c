// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"
#include "msg.h"

/* Not ended by what ends us, nor by a reader of what it says that has gone. */
static void wait_for_end(const struct cdp_guard *g, int fd)
{
	ssize_t n;
	char c;

	cdp_interrupt_ignore();
	signal(SIGPIPE, SIG_IGN);
	do {
		n = read(fd, &c, 1);
	} while (n < 0 && errno == EINTR);
	g->undo(g->ctx);
	_exit(0);
}

void cdp_guard_start(struct cdp_guard *g, void (*undo)(void *ctx), void *ctx)
{
	int fds[2];

	*g = (struct cdp_guard) { .pid = -1, .undo = undo, .ctx = ctx };
	if (pipe2(fds, O_CLOEXEC))
		return;
	g->pid = fork();
	if (!g->pid) {
		close(fds[1]);
		wait_for_end(g, fds[0]);
	}
	close(fds[0]);
	g->fd = fds[1];
	if (g->pid < 0)
		close(g->fd);
	else
		setpgid(g->pid, g->pid);	/* not killed as one of our group */
}

void cdp_guard_end(struct cdp_guard *g, bool done)
{
	int st = 0;

	if (g->pid >= 0) {
		if (done)
			kill(g->pid, SIGKILL);
		close(g->fd);
		while (waitpid(g->pid, &st, 0) < 0 && errno == EINTR)
			;
	}
	if (!done && (g->pid < 0 || !WIFEXITED(st)))
		g->undo(g->ctx);
}
