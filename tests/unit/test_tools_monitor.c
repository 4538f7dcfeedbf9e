// SPDX-License-Identifier: GPL-2.0
/* What the monitor is told: device reports, events, statistics; who may come back; children. */
#include <linux/netlink.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "beneath.h"
#include "child.h"
#include "events.h"
#include "hooks.h"
#include "msg.h"
#include "rejoin.h"
#include "run.h"
#include "stats.h"
#include "tend.h"
#include "uevent.h"

#define A "53e24a9a-ab6d-4e44-a694-3159f1b80114"

static enum cdp_uevent_kind kind(const char *data, size_t len, struct cdp_uevent *u)
{
	cdp_uevent_parse(data, len, u);
	return u->kind;
}

#define KIND(text, u) kind(text, sizeof(text), u)

TEST(uevents)
{
	static const char add[] = "add@/devices/x/block/sdb\0ACTION=add\0DEVPATH=/devices/x/block/sdb\0"
		"SUBSYSTEM=block\0MAJOR=8\0MINOR=16\0SEQNUM=12";
	struct cdp_uevent u;
	size_t n;

	must(KIND(add, &u) == UEVENT_DISK_CAME && u.major == 8 && u.minor == 16, "add");
	must(KIND("change@/d\0ACTION=change\0DEVPATH=/d\0SUBSYSTEM=block\0MAJOR=8\0MINOR=0", &u) ==
	     UEVENT_DISK_CHANGED, "change");
	must(KIND("change@/d\0ACTION=change\0DEVPATH=/d\0SUBSYSTEM=scsi\0SDEV_UA=POWER_ON_RESET_OCCURRED",
		  &u) == UEVENT_POWER_ON, "reset");
	ck_assert_str_eq(u.path, "/d");
	must(KIND("change@/d\0ACTION=change\0DEVPATH=/d\0SUBSYSTEM=scsi\0SDEV_UA=REPORTED_LUNS_DATA_HAS_CHANGED",
		  &u) == UEVENT_OTHER, "another attention");
	must(KIND("change@/d\0ACTION=change\0DEVPATH=/d\0SUBSYSTEM=block\0MAJOR=253\0MINOR=0\0CDP_EVENT=x",
		  &u) == UEVENT_OTHER, "our own");
	must(KIND("remove@/d\0ACTION=remove\0DEVPATH=/d\0SUBSYSTEM=block\0MAJOR=8\0MINOR=0", &u) ==
	     UEVENT_OTHER, "remove");
	must(KIND("add@/d\0ACTION=add\0DEVPATH=/d\0SUBSYSTEM=block\0MAJOR=8x\0MINOR=0", &u) ==
	     UEVENT_OTHER, "no number");
	for (n = 0; n < sizeof(add); n++)	/* a word without its NUL does not count */
		must(kind(add, n, &u) == UEVENT_OTHER || n > sizeof(add) - 12, "cut at %zu", n);
}

TEST(iscsi_events)
{
	union {
		struct nlmsghdr h;
		u8 bytes[128];
	} m = { .h = { .nlmsg_len = NLMSG_HDRLEN + 56 } };
	struct cdp_uevent u;
	u32 type = 102, session = 7, n;

	memcpy(m.bytes + NLMSG_HDRLEN, &type, sizeof(type));
	memcpy(m.bytes + NLMSG_HDRLEN + 40, &session, sizeof(session));
	cdp_uevent_parse_iscsi(&m, sizeof(m), &u);
	must(u.kind == UEVENT_LINK_LOST && u.session == 7, "a lost connection");
	for (n = 0; n < NLMSG_HDRLEN + 44; n++) {
		cdp_uevent_parse_iscsi(&m, n, &u);
		must(u.kind == UEVENT_OTHER, "of %u bytes", n);
	}
	m.bytes[NLMSG_HDRLEN] = 101;
	cdp_uevent_parse_iscsi(&m, sizeof(m), &u);
	must(u.kind == UEVENT_OTHER, "another report");
}

TEST(events_unseen)
{
	static const char text[] = "1 10 optimal -\n2 11 leg-failed " A " x\n3 12 degraded -";
	struct cdp_event last = { 0 };

	must(cdp_events_unseen(text, &last) == text, "all");
	must(!cdp_event_parse("2 11 leg-failed " A, &last), "parse");
	must(!strncmp(cdp_events_unseen(text, &last), "3 12", 4), "after the second");
	must(!cdp_event_parse("3 12 degraded -", &last), "parse");
	must(!*cdp_events_unseen(text, &last), "none");
	must(!cdp_event_parse("2 99 leg-failed " A, &last), "parse");
	must(cdp_events_unseen(text, &last) == text, "the same number in another list");
}

TEST(causes)
{
	must(cdp_tend_cause("leg-failed") && cdp_tend_cause("leg-timeout") &&
	     cdp_tend_cause("leg-doubted"), "begin an outage");
	must(!cdp_tend_cause("leg-in-sync") && !cdp_tend_cause("optimal") && !cdp_tend_cause(""),
	     "begin none");
}

TEST(stats)
{
	struct cdp_stats s;

	cdp_stats_parse("reads 12\nleg.0.flaps 3\nleg.1.missed_bytes 18446744073709551615\n"
			"leg.9.flaps 5\nleg.1.nothing_known 5\nleg.1.late\nleg.0.flaps.x 7\n"
			"nonsense\nheld 4\nleg.1.p99_us 2500\n"
			"unreadable 8-15\nunreadable 32-39", &s);
	must(s.legs[0].flaps == 3 && s.legs[1].missed_bytes == UINT64_MAX && s.held == 4 &&
	     s.legs[1].p99_us == 2500 && !s.legs[1].late, "values");
	must(s.nr_unreadable == 2, "%u", s.nr_unreadable);
	ck_assert_str_eq(s.unreadable, "8-15 32-39");
	cdp_stats_parse("", &s);
	must(!s.held && !s.legs[0].flaps, "none");
}

TEST(identity)
{
	struct cdp_super there = { .slot = 1, .generation = 5 }, ours = { .generation = 5 };
	struct cdp_uuid set = { { 1 } }, leg = { { 2 } }, other = { { 3 } };

	there.set_uuid = set;
	there.leg_uuid = leg;
	there.legs[1].state = DISK_LEG_IN_SYNC;
	must(!cdp_rejoin_judge(&there, &ours, &set, &leg), "it is the leg");
	must(cdp_rejoin_judge(&there, &ours, &other, &leg), "of another set");
	must(cdp_rejoin_judge(&there, &ours, &set, &other), "another leg");
	ours.generation = 6;
	ours.ancestors[0] = 5;
	must(!cdp_rejoin_judge(&there, &ours, &set, &leg), "behind, in our history");
	ours.ancestors[0] = 4;
	must(cdp_rejoin_judge(&there, &ours, &set, &leg), "went on alone");
	must(!cdp_rejoin_judge(&there, NULL, &set, &leg), "nothing to compare with");
	there.legs[1].state = DISK_LEG_STALE;
	must(!cdp_rejoin_judge(&there, &ours, &set, &leg), "calls itself stale");
}

/*----------------------------------------------------------------*/

static int wait_for(struct cdp_child *c, char *said, size_t size)
{
	double end = cdp_seconds() + 20;
	int status;

	while ((status = cdp_child_end(c, said, size)) == -EAGAIN && cdp_seconds() < end)
		cdp_sleep_ms(10);
	return status;
}

TEST(children)
{
	const char *const ok[] = {
		"/bin/sh", "-c",
		"(echo first; echo \"cdpctl: $CDP_X$JOURNAL_STREAM\"; echo more) >&2; exit 3", NULL,
	};
	const char *const hangs[] = { "/bin/sleep", "100", NULL };
	const char *const none[] = { "/no/such/program", NULL };
	const char *const env[] = { "CDP_X=yes", NULL };
	struct cdp_child c = CDP_CHILD_NONE;
	char said[64];

	setenv("JOURNAL_STREAM", "1:2", 1);
	must(!cdp_child_runs(&c), "it runs");
	must(!cdp_child_start(&c, ok, env, CHILD_QUIET, 10), "%s", cdp_why_text());
	must(cdp_child_runs(&c), "it does not run");
	must(wait_for(&c, said, sizeof(said)) == 3 && !cdp_child_runs(&c), "status");
	ck_assert_str_eq(said, "yes");
	must(!cdp_child_start(&c, hangs, NULL, 0, 0), "%s", cdp_why_text());
	must(wait_for(&c, NULL, 0) == 128 + 9, "it was not killed");
	must(!cdp_child_start(&c, hangs, NULL, CHILD_STAYS, 2), "%s", cdp_why_text());
	kill(c.pid, SIGTERM);
	must(wait_for(&c, NULL, 0) == 128 + 9, "it went with us");
	must(cdp_child_start(&c, none, NULL, CHILD_QUIET, 1), "no such program");
	must(!cdp_child_runs(&c), "it runs");
}

static void script(const char *dir, const char *name, const char *text, mode_t mode)
{
	char path[128];
	FILE *f;

	cdp_print(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	must(f && fputs(text, f) >= 0 && !fclose(f) && !chmod(path, mode), "%s", path);
}

TEST(hooks)
{
	char dir[] = "/tmp/cdp-hooks.XXXXXX", sub[64], text[512] = "", path[128];
	struct cdp_hook_event e = {
		.set = "vm1", .event = "leg-failed", .leg = "1", .leg_uuid = A, .device = "/dev/x",
		.detail = "a \"b\" $c", .health = "degraded", .seq = 7, .seconds = 9,
	};
	double end = cdp_seconds() + 20;
	struct cdp_run run;
	FILE *f;

	must(mkdtemp(dir) && !setenv("CDP_CONF_DIR", dir, 1), "directory");
	must(!cdp_hooks_step(), "nothing is queued");
	cdp_hooks_queue(&e);
	must(!cdp_hooks_step(), "there are no hooks");
	cdp_print(sub, sizeof(sub), "%s/hooks.d", dir);
	mkdir(sub, 0755);
	script(sub, "20-b", "#!/bin/sh\necho b >>$CDP_CONF_DIR/out\nexit 1\n", 0755);
	script(sub, "10-a",
	       "#!/bin/sh\nset | grep ^CDP_ | grep -v DIR= >>$CDP_CONF_DIR/out\n", 0755);
	script(sub, "30-no", "#!/bin/sh\necho no >>$CDP_CONF_DIR/out\n", 0644);
	script(sub, "40-bad", "#!/bin/sh\necho bad >>$CDP_CONF_DIR/out\n", 0777);
	script(sub, "50~", "#!/bin/sh\necho backup >>$CDP_CONF_DIR/out\n", 0755);
	must(!cdp_hook_is_one(sub, "40-bad") && cdp_hook_is_one(sub, "10-a"), "who may write");
	cdp_hooks_queue(&e);
	while (cdp_hooks_step() && cdp_seconds() < end)
		cdp_sleep_ms(10);
	cdp_print(path, sizeof(path), "%s/out", dir);
	f = fopen(path, "r");
	must(f && fread(text, 1, sizeof(text) - 1, f), "nothing was written");
	fclose(f);
	ck_assert_str_eq(text, "CDP_DETAIL='a \"b\" $c'\nCDP_DEVICE='/dev/x'\n"
			 "CDP_EVENT='leg-failed'\nCDP_HEALTH='degraded'\nCDP_LEG='1'\n"
			 "CDP_LEG_UUID='" A "'\nCDP_SEQ='7'\nCDP_SET='vm1'\nCDP_TIME='9'\nb\n");
	must(!cdp_run(&run, 10, (const char *const[]) { "rm", "-r", dir, NULL }), "rm");
}

/* Whatever this machine's disks are: nothing crashes, and nothing is beneath nothing. */
TEST(beneath)
{
	must(!cdp_beneath_has(0, 0, 0, 0), "no device");
	must(!cdp_beneath_volatile(4095, 1), "no device");
}

UNIT_MAIN("monitor", uevents, iscsi_events, events_unseen, causes, stats, identity, children,
	  hooks, beneath)
