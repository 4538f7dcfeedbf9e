// SPDX-License-Identifier: GPL-2.0
/* What is being done to a set: remembered, refused to others, done again, forgotten. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"
#include "dir.h"
#include "doing.h"
#include "msg.h"

static char *words[] = { (char *)"attach", (char *)"--live", (char *)"v", NULL };
static char *others[] = { (char *)"grow", (char *)"v", NULL };

/* A command that is killed: its process is gone, its file stays. */
static void begin_and_die(int argc, char **argv)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		cdp_doing_line(argc, argv);
		_exit(cdp_doing_begin("v", false) ? 1 : 0);
	}
	must(waitpid(pid, &status, 0) == pid && !status, "child");
}

TEST(remembered)
{
	static struct cdp_doing d;
	char line[100];

	setenv("CDP_CONF_DIR", unit_dir(), 1);
	must(cdp_doing_load(&d, "v") == -ENOENT, "nothing");
	begin_and_die(3, words);
	must(!cdp_doing_load(&d, "v") && !d.busy && d.nr == 3, "%u words", d.nr);
	ck_assert_str_eq(cdp_doing_print(&d, line, sizeof(line)), "attach --live v");
	cdp_doing_line(2, others);
	must(cdp_doing_begin("v", false) == -ECDP_REFUSED, "something else");
	must(strstr(cdp_why_text(), "attach --live v") && strstr(cdp_why_text(), "resume v"), "%s",
	     cdp_why_text());
	cdp_doing_line(3, words);
	must(!cdp_doing_begin("v", true), "a dry run looks only");
	must(!cdp_doing_begin("v", false) && cdp_doing_again(), "the same: %s", cdp_why_text());
	must(!cdp_doing_load(&d, "v") && d.busy, "somebody is at it");
	cdp_doing_close(-EIO, false);
	must(!cdp_doing_load(&d, "v") && !d.busy, "failed half way: kept");
	must(!cdp_doing_begin("v", false), "%s", cdp_why_text());
	cdp_doing_close(0, false);
	must(cdp_doing_load(&d, "v") == -ENOENT, "done");
	must(!cdp_doing_begin("v", false) && !cdp_doing_again(), "a new one");
	cdp_doing_close(-EIO, true);
	must(cdp_doing_load(&d, "v") == -ENOENT, "undone");
}

TEST(busy)
{
	char *bad[] = { (char *)"leg", (char *)"a\nb", NULL };

	setenv("CDP_CONF_DIR", unit_dir(), 1);
	cdp_doing_line(2, bad);
	must(cdp_doing_begin("v", false) == -ECDP_USAGE, "a line break");
	bad[1] = (char *)"+v";
	must(cdp_doing_begin("v", false) == -ECDP_USAGE, "would be taken for what is kept");
	must(cdp_doing_forget("v") == 0, "forgotten");
	cdp_doing_line(3, words);
	must(!cdp_doing_begin("v", false), "%s", cdp_why_text());
	if (!fork()) {
		cdp_doing_line(2, others);
		_exit(cdp_doing_begin("v", false) == -EBUSY ? 0 : 1);
	} else {
		int status;

		must(wait(&status) > 0 && !status, "another process is told to wait");
	}
	cdp_doing_end();
}

/* Others look at the same time, for the reminder that every command gives. */
TEST(looked_at)
{
	static struct cdp_doing d;
	char path[100];
	pid_t pid;
	int fd;

	setenv("CDP_CONF_DIR", unit_dir(), 1);
	begin_and_die(3, words);
	cdp_print(path, sizeof(path), "%s/v.doing", getenv("CDP_CONF_DIR"));
	fd = open(path, O_RDONLY);
	must(fd >= 0 && !flock(fd, LOCK_SH), "another looks");
	must(!cdp_doing_load(&d, "v") && !d.busy, "both see that nobody is at it");
	pid = fork();
	if (!pid) {	/* the lock is the child's as well, until it ends */
		usleep(60000);
		_exit(0);
	}
	close(fd);
	cdp_doing_line(3, words);
	must(!cdp_doing_begin("v", false) && cdp_doing_again(), "%s", cdp_why_text());
	cdp_doing_close(0, false);
	must(waitpid(pid, NULL, 0) == pid, "child");
}

/* What is to be told at the end is kept for who finishes it, and is no word. */
TEST(last)
{
	static struct cdp_doing d;

	setenv("CDP_CONF_DIR", unit_dir(), 1);
	cdp_doing_line(3, words);
	must(!cdp_doing_keep_last("a dry run"), "nothing is begun, nothing is kept");
	must(!cdp_doing_begin("v", false) && !*cdp_doing_last(), "a new one");
	must(!cdp_doing_keep_last("a sentence that is longer than the next"), "kept");
	must(!cdp_doing_keep_last("v is = a disk"), "kept instead");
	cdp_doing_close(-EIO, false);
	must(!cdp_doing_load(&d, "v") && d.nr == 3, "%u words", d.nr);
	ck_assert_str_eq(d.last, "v is = a disk");
	must(!cdp_doing_begin("v", false) && cdp_doing_again(), "the same: %s", cdp_why_text());
	ck_assert_str_eq(cdp_doing_last(), "v is = a disk");
	cdp_doing_close(0, false);
	must(!cdp_doing_begin("v", false) && !*cdp_doing_last(), "a new one has none");
	cdp_doing_close(0, false);
}

/* What is kept is there for who goes on with it, as it was at first. */
TEST(kept)
{
	static struct cdp_doing d;

	setenv("CDP_CONF_DIR", unit_dir(), 1);
	cdp_doing_line(3, words);
	must(!cdp_doing_keep("old", "first"), "before it has begun");
	must(!cdp_doing_begin("v", false) && !cdp_doing_again(), "%s", cdp_why_text());
	must(!cdp_doing_load(&d, "v") && d.nr == 3 && d.nr_kept == 1, "with the words");
	ck_assert_str_eq(cdp_doing_value(&d, "old"), "first");
	must(!cdp_doing_value(&d, "ol") && !cdp_doing_value(&d, "new"), "another key");
	must(!cdp_doing_keep("record", "a b") && !cdp_doing_keep("record", "c"), "more");
	must(!cdp_doing_keep_last("the end"), "and the last");
	cdp_doing_close(-EIO, false);
	must(!cdp_doing_kept("old"), "closed");
	must(!cdp_doing_keep("old", "second"), "told again");
	must(!cdp_doing_begin("v", true) && cdp_doing_again(), "a dry run");
	ck_assert_str_eq(cdp_doing_kept("old"), "first");
	must(!cdp_doing_begin("v", false) && cdp_doing_again(), "%s", cdp_why_text());
	ck_assert_str_eq(cdp_doing_kept("old"), "first");
	ck_assert_str_eq(cdp_doing_last(), "the end");
	must(cdp_doing_has_kept("record", "c") && cdp_doing_has_kept("record", "a b"), "both");
	must(!cdp_doing_has_kept("record", "b") && !cdp_doing_has_kept("record", "a"), "a part");
	cdp_doing_close(0, false);
	must(!cdp_doing_begin("v", false) && !cdp_doing_kept("old"), "a new one has none");
	cdp_doing_close(0, false);
}

UNIT_MAIN("doing", remembered, busy, looked_at, last, kept)
