// SPDX-License-Identifier: GPL-2.0
/* The administrator: he does one thing at a time, and waits for its end. */
#include "sim.h"
#include "cdp.h"

static bool admin_busy;
static void (*admin_does)(void);

static void admin_task(void *arg)
{
	(void)arg;
	admin_does();
	admin_busy = false;
}

void admin(void (*what)(void))
{
	if (admin_busy)
		return;
	admin_busy = true;
	admin_does = what;
	task_spawn("admin", admin_task, NULL);
}

void admin_start(void)
{
	static struct table t;

	start_choose(&t);
	if (t.nr)
		start_table(&t);
}

void admin_reload(void)
{
	static struct table t;

	t = dm.table;
	start_features(&t);
	start_table(&t);
}

void admin_stop(void)
{
	say("* stop");
	dm_remove();
}

void admin_suspend(void)
{
	bool noflush = one_in(2);

	say("* suspend%s", noflush ? " without flush" : "");
	if (!dm_suspend_set(noflush) && one_in(2))
		dm_resume_set();
}

void admin_resume(void)
{
	say("* resume");
	dm_resume_set();
}

bool admin_owes_doubt(void)
{
	u32 i;

	for (i = 0; i < LEGS; i++)
		if (legs[i].doubtful)
			return true;
	return false;
}

/*
 * The word of a lost cache comes before the set cleans what was flushed since. If
 * it cannot be taken, because that leg is the last one now, all is lost.
 */
static void doubt_within(u32 ms)
{
	int place = nature_forgetful();
	struct leg *l;

	if (place < 0)
		return;
	l = &legs[dm.table.leg[place]];
	if (ms > 200 || one_in(2))
		sim_sleep(1 + below(ms));
	if (dm_message("leg doubt %d", place) && dm_cdp()->set.in_sync == 1u << place)
		sim_escape();
	l->doubtful = false;
	/* unless it was copied to and is in-sync again before we got our turn */
	if (!(dm_cdp()->set.in_sync & 1u << place)) {
		l->lacks = true;
		l->gaining = false;
	}
	audit_all();
}

void admin_doubt(void)
{
	doubt_within(200);
}

void admin_late_doubt(void)
{
	doubt_within(CDP_RIPE_MS - 200);
}

void admin_message(void)
{
	u32 leg = below(dm.table.nr);
	char text[1024];

	switch (sim.dwell && one_in(3) ? 0 : below(12)) {
	case 0:
		if (has_class(C_LEGMSG))
			dm_message("leg fail %u", leg);
		break;
	case 1:
	case 2:
	case 3:
		if (has_class(C_LEGMSG))
			dm_message("leg rejoin %u", leg);
		break;
	case 4:
		if (has_class(C_FAILOVER))
			dm_message(one_in(2) ? "failover" : "failover %u", leg);
		break;
	case 5:
		if (has_class(C_PAUSE))
			dm_message("resync pause");
		break;
	case 6:
		if (has_class(C_PAUSE))
			dm_message("resync resume");
		break;
	case 7:
		if (has_class(C_DEADLINE))
			dm_message("leg timeout %u", one_in(6) ? 0 : 1u << below(12));
		break;
	case 8:
		if (has_class(C_POLICY))
			dm_message("release");
		break;
	case 9:
	case 10:
		if (has_class(C_VERIFY))
			verify_message();
		break;
	default:
		dm_status_line(text, sizeof(text));
	}
}

bool admin_is_busy(void)
{
	return admin_busy;
}

/* A crash, or a new history: whatever he did is over. */
void admin_reset(void)
{
	admin_busy = false;
}
