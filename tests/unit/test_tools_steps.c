// SPDX-License-Identifier: GPL-2.0
/* A list of steps: printed or carried out, and undone backwards. */
#include <signal.h>
#include <unistd.h>

#include "unit.h"
#include "msg.h"
#include "steps.h"

static char trace[64];

static int run(void *arg)
{
	strcat(trace, arg);
	return !strcmp(arg, "x") ? cdp_why(-EIO, "x failed") : 0;
}

static void undo(void *arg)
{
	strcat(trace, "-");
	strcat(trace, arg);
}

static struct cdp_steps *plan_of(const char *steps)
{
	static const char *const names[] = { "a", "b", "c", "x" };
	struct cdp_steps *p = calloc(1, sizeof(*p));
	u32 i;

	must(p, "no memory");
	trace[0] = '\0';
	for (; *steps; steps++)
		for (i = 0; i < ARRAY_SIZE(names); i++)
			if (*names[i] == *steps)
				cdp_steps_add(p, run, *steps == 'c' ? NULL : undo,
					      (void *)names[i], "do %s", names[i]);
	return p;
}

static void drop(struct cdp_steps *p)
{
	cdp_steps_free(p);
	free(p);
}

TEST(all_done)
{
	struct cdp_steps *p = plan_of("abc");

	must(!cdp_steps_run(p), "%s", cdp_why_text());
	ck_assert_str_eq(trace, "abc");
	cdp_steps_add(p, run, undo, (void *)"b", "more");	/* a second phase */
	must(!cdp_steps_run(p), "%s", cdp_why_text());
	ck_assert_str_eq(trace, "abcb");
	drop(p);
	ck_assert_str_eq(trace, "abcb");
}

/* The failed step is not undone: it cleans up after itself. c has no undo. */
TEST(undone_backwards)
{
	struct cdp_steps *p = plan_of("abcxa");

	must(cdp_steps_run(p) == -EIO, "no failure");
	ck_assert_str_eq(trace, "abcx-b-a");
	ck_assert_str_eq(cdp_why_text(), "x failed");
	cdp_steps_undo(p);
	ck_assert_str_eq(trace, "abcx-b-a");	/* only once */
	drop(p);
}

TEST(undone_later)
{
	struct cdp_steps *p = plan_of("ab");

	must(!cdp_steps_run(p), "%s", cdp_why_text());
	cdp_steps_undo(p);
	ck_assert_str_eq(trace, "ab-b-a");
	drop(p);
}

/* The same steps, in the same order, and nothing is done. */
TEST(dry_run)
{
	char path[] = "/tmp/test_tools_steps.XXXXXX", text[128] = "";
	struct cdp_steps *p = plan_of("abx");
	int fd = mkstemp(path), out = dup(1);

	must(fd >= 0 && out >= 0, "no file");
	fflush(stdout);
	dup2(fd, 1);
	p->dry_run = true;
	must(!cdp_steps_run(p), "a dry run fails");
	fflush(stdout);
	dup2(out, 1);
	must(pread(fd, text, sizeof(text) - 1, 0) > 0, "nothing was printed");
	ck_assert_str_eq(text, "do a\ndo b\ndo x\n");
	cdp_steps_undo(p);
	ck_assert_str_eq(trace, "");
	close(fd);
	close(out);
	unlink(path);
	drop(p);
}

TEST(too_many)
{
	struct cdp_steps *p = plan_of("");
	u32 i;

	for (i = 0; i <= CDP_MAX_STEPS; i++)
		cdp_steps_add(p, run, undo, (void *)"", "step %u", i);
	must(cdp_steps_run(p) == -E2BIG, "a step was lost");
	drop(p);
}

TEST(interrupted)
{
	struct cdp_steps *p = plan_of("ab");

	must(!cdp_steps_run(p), "%s", cdp_why_text());
	cdp_interrupt_catch();
	raise(SIGINT);
	cdp_steps_add(p, run, undo, (void *)"c", "never");
	must(cdp_steps_run(p) == -EINTR, "it went on");
	ck_assert_str_eq(trace, "ab-b-a");
	drop(p);
}

UNIT_MAIN("steps", all_done, undone_backwards, undone_later, dry_run, too_many, interrupted)
