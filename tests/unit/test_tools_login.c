// SPDX-License-Identifier: GPL-2.0
/* Logging in to an iSCSI target, with answers of iscsiadm that are made up here. */
#include "unit.h"
#include "iscsi.h"
#include "msg.h"
#include "run.h"

#define UNDER_WAY	15	/* "session exists", also while somebody else is logging in */
#define SILENT		8

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

	must(log_in(fails, ARRAY_SIZE(fails)) == -EIO && world.asked == 3, "%u: %s", world.asked,
	     cdp_why_text());
	must(strstr(cdp_why_text(), "the portal does not answer"), "%s", cdp_why_text());
	must(log_in(hangs, ARRAY_SIZE(hangs)) == -EBUSY, "%s", cdp_why_text());
	must(strstr(cdp_why_text(), "another login"), "%s", cdp_why_text());
}

UNIT_MAIN("login", another_is_at_it)
