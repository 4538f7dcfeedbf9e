// SPDX-License-Identifier: GPL-2.0
/* Logging in to an iSCSI target, with answers of iscsiadm that are made up here. */
#include "unit.h"
#include "iscsi.h"
#include "msg.h"
#include "run.h"
#include "silent.h"

#define UNDER_WAY	15	/* "session exists", also while somebody else is logging in */
#define SILENT		8
#define REFUSED		19

static struct {
	const int *answers;	/* the last one for ever */
	u32 nr, asked;
} world;

int cdp_run(struct cdp_run *run, u32 seconds, const char *const argv[])
{
	u32 i;

	(void)seconds;
	memset(run, 0, sizeof(*run));
	for (i = 0; argv[i] && strcmp(argv[i], "--login"); i++)
		;
	if (argv[i])
		run->status = world.answers[world.asked < world.nr ? world.asked : world.nr - 1];
	world.asked += !!argv[i];
	return 0;
}

const char *cdp_run_line(char *text)
{
	return text;
}

/* There is no session in this host's sysfs, ever. */
static int log_in(const int *answers, u32 nr)
{
	struct cdp_iscsi t = { .target = "iqn.x:y", .host = "10.0.0.1", .port = 3260, .lun = 1 };
	char device[CDP_PATH_TEXT];

	world.answers = answers;
	world.nr = nr;
	world.asked = 0;
	cdp_iscsi_until(cdp_seconds() + 2);
	return cdp_iscsi_login(&t, device);
}

/* Legs on two LUNs come back at the same time: the second is told what the first one is. */
TEST(another_is_at_it)
{
	static const int fails[] = { UNDER_WAY, UNDER_WAY, SILENT };
	static const int hangs[] = { UNDER_WAY };

	must(log_in(fails, ARRAY_SIZE(fails)) == -EHOSTUNREACH && world.asked == 3, "%u: %s",
	     world.asked, cdp_why_text());
	must(strstr(cdp_why_text(), "the portal does not answer"), "%s", cdp_why_text());
	must(log_in(hangs, ARRAY_SIZE(hangs)) == -EBUSY, "%s", cdp_why_text());
	must(strstr(cdp_why_text(), "another login"), "%s", cdp_why_text());
}

/* How often iscsiadm is asked for two targets at @host, where @answer is all that it says. */
static u32 asked_for_two(struct cdp_silent *s, const char *host, int answer)
{
	struct cdp_iscsi t = { .target = "iqn.x:y", .port = 3260, .lun = 1 };
	char device[CDP_PATH_TEXT];
	int r;

	cdp_print(t.host, sizeof(t.host), "%s", host);
	world.answers = &answer;
	world.nr = 1;
	world.asked = 0;
	cdp_iscsi_until(cdp_seconds() + 2);
	r = cdp_silent_login(s, &t, device);
	cdp_print(t.target, sizeof(t.target), "iqn.x:z");
	must(cdp_silent_login(s, &t, device) == r, "%d: %s", r, cdp_why_text());
	return world.asked;
}

/* A dead server costs one wait, not one for each leg; one that refuses a target may have others. */
TEST(a_portal_is_silent)
{
	struct cdp_silent s = { 0 };

	must(asked_for_two(&s, "10.0.0.1", REFUSED) == 2, "%u", world.asked);
	must(asked_for_two(&s, "10.0.0.1", SILENT) == 1, "%u", world.asked);
	must(strstr(cdp_why_text(), "10.0.0.1:3260 has not answered"), "%s", cdp_why_text());
	must(asked_for_two(&s, "10.0.0.2", SILENT) == 1, "%u", world.asked);
	must(!asked_for_two(&s, "10.0.0.1", SILENT), "%u", world.asked);
}

UNIT_MAIN("login", another_is_at_it, a_portal_is_silent)
