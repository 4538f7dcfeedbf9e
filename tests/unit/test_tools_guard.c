// SPDX-License-Identifier: GPL-2.0
/* What is half done is undone, by who lives on when we are killed. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "guard.h"
#include "msg.h"

static int told[2];

static void undo(void *ctx)
{
	u8 how = *(u8 *)ctx;

	must(write(told[1], &how, 1) == 1, "write");
}

/* What was undone, once all who could do it have gone. */
static int undone(void)
{
	u8 how[2];
	ssize_t n;

	close(told[1]);
	n = read(told[0], how, sizeof(how));
	close(told[0]);
	must(n < 2, "twice");
	return n ? how[0] : 0;
}

/* In a process of its own: it ends what it begins, or it, or its guard, is killed before. */
static int run(bool done, int dies, bool guard_dies)
{
	struct cdp_guard g;
	u8 how = 7;
	int pid;

	must(!pipe(told), "pipe");
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		signal(SIGTERM, SIG_DFL);	/* Check's would end the test */
		cdp_guard_start(&g, undo, &how);
		how = 8;	/* by ourselves */
		cdp_sleep_ms(200);
		if (guard_dies)
			kill(g.pid, SIGKILL);
		if (dies)
			kill(0, dies);
		cdp_guard_end(&g, done);
		_exit(0);
	}
	must(waitpid(pid, NULL, 0) == pid, "wait");
	return undone();
}

TEST(guard)
{
	must(!run(true, 0, false), "done");
	must(run(false, 0, false) == 7, "not done");
	must(run(false, SIGKILL, false) == 7, "killed, with its process group");
	must(run(true, SIGTERM, false) == 7, "ended");
	must(run(false, 0, true) == 8, "its guard was killed");
	must(!run(true, 0, true), "and it is done");
}

UNIT_MAIN("guard", guard)
