// SPDX-License-Identifier: GPL-2.0
/*
 * The monitor and one set, against a kernel that is made up here: events, status
 * and counters are variables, and may change between any two looks at them.
 */
#include "unit.h"
#include "beneath.h"
#include "dir.h"
#include "history.h"
#include "journal.h"
#include "msg.h"
#include "said.h"
#include "tend.h"

static struct world {
	enum cdp_leg_state state;	/* of leg 1 */
	bool taken_out, stopped, removed;
	int error;			/* it cannot be looked at */
	u8 renamed;			/* the last byte of leg 1's new name */
	u64 missed, copied;
	u32 nr;
	struct cdp_event events[64];
	void (*between)(void);		/* happens after the first thing that is looked at */
	u32 tries, dismissed, doubts;
	char doubted;			/* the last digit of the leg's name */
	int try_status;			/* -EAGAIN: it is under way */
	const char *try_said;
	bool journal;			/* there is one */
	u32 journaled;
} world;

static void happens(void)
{
	void (*f)(void) = world.between;

	world.between = NULL;
	if (f)
		f();
}

/*---------------- what the set is asked for ---------------------*/

int cdp_live_peek(struct cdp_live *s, const char *name)
{
	u32 i;

	memset(s, 0, sizeof(*s));
	if (world.stopped)
		return cdp_why(-ENOENT, "%s does not run", name);
	if (world.error)
		return cdp_why(world.error, "%s: line 3: what is this", name);
	s->status.nr_legs = s->conf.nr_legs = world.removed ? 1 : 2;
	for (i = 0; i < s->conf.nr_legs; i++) {
		s->status.legs[i].state = i ? world.state : LEG_IN_SYNC;
		s->conf.legs[i].uuid.b[15] = i && world.renamed ? world.renamed : (u8)(i + 1);
		s->status.legs[i].uuid = s->conf.legs[i].uuid;
		cdp_print(s->status.legs[i].data_dev, CDP_DEV_TEXT, "8:%u", i);
	}
	s->conf.legs[1].taken_out = world.taken_out;
	happens();
	return 0;
}

void cdp_live_close(struct cdp_live *s)
{
	(void)s;
}

const char *cdp_live_leg_device(const struct cdp_leg_status *l, char path[CDP_PATH_TEXT])
{
	(void)l;
	return strcpy(path, "-");
}

int cdp_stats_read(const char *name, struct cdp_stats *s)
{
	(void)name;
	memset(s, 0, sizeof(*s));
	s->legs[1].missed_bytes = world.missed;
	s->legs[1].copied_bytes = world.copied;
	return 0;
}

int cdp_events_new(const char *name, struct cdp_event *last,
		   int (*each)(const struct cdp_event *e, void *ctx), void *ctx)
{
	u32 i;

	(void)name;
	for (i = (u32)last->seq; i < world.nr; i++) {
		*last = world.events[i];
		must(!each(&world.events[i], ctx), "an event is refused");
	}
	happens();
	return 0;
}

int cdp_child_start(struct cdp_child *c, const char *const argv[], const char *const more[],
		    u32 how, u32 deadline_s)
{
	must(how == 0 || more, "it may remind of others");
	*c = (struct cdp_child) {
		.pidfd = 1000, .said_fd = -1, .end_s = cdp_seconds() + deadline_s,
	};
	if (!strcmp(argv[2], "doubt")) {
		must(how & CHILD_STAYS && !strcmp(argv[3], "vm"), "%s", argv[3]);
		world.doubted = argv[4][CDP_UUID_TEXT - 2];
		world.doubts++;
		return 0;
	}
	must(how == CHILD_QUIET && !strcmp(argv[3], "--unasked"), "%s", argv[3]);
	world.tries++;
	return 0;
}

bool cdp_child_runs(const struct cdp_child *c)
{
	return c->pidfd >= 0;
}

void cdp_child_dismiss(struct cdp_child *c)
{
	must(cdp_child_runs(c), "it has ended");
	world.dismissed++;
}

int cdp_child_end(struct cdp_child *c, char *said, size_t size)
{
	if (world.try_status == -EAGAIN)
		return -EAGAIN;
	*c = (struct cdp_child)CDP_CHILD_NONE;
	if (said)
		cdp_print(said, size, "%s", world.try_said ? world.try_said : "");
	return world.try_status;
}

/* Legs 0 and 1 are on disks of their own. */
int cdp_beneath(u32 major, u32 minor, int (*each)(const struct cdp_disk *d, void *ctx), void *ctx)
{
	struct cdp_disk d = { .major = major, .minor = minor };

	cdp_print(d.dir, sizeof(d.dir), "/sys/devices/host%u/block/sda", minor);
	return each(&d, ctx);
}

bool cdp_disk_is_volatile(const struct cdp_disk *d)
{
	(void)d;
	return true;
}

bool cdp_beneath_has(u32 major, u32 minor, u32 low_major, u32 low_minor)
{
	return major == low_major && minor == low_minor;
}

bool cdp_beneath_volatile(u32 major, u32 minor)
{
	(void)major;
	(void)minor;
	return true;
}

bool cdp_journal_send(const struct cdp_hook_event *e)
{
	(void)e;
	world.journaled += world.journal;
	return world.journal;
}

/*---------------- what happens to it ----------------------------*/

static void event(const char *what)
{
	struct cdp_event *e = &world.events[world.nr++];

	e->seq = world.nr;
	e->seconds = 1000 + world.nr;
	strcpy(e->what, what);
	strcpy(e->leg, "00000000-0000-0000-0000-000000000002");
}

static void fails(void)
{
	world.state = LEG_FAULTY;
	event("leg-failed");
}

static void returns(void)
{
	world.state = LEG_IN_SYNC;
	event("leg-rejoined");
	event("leg-in-sync");
}

static void flaps(void)
{
	returns();
	fails();
}

static struct cdp_tend *begin(void)
{
	static struct cdp_tend t;
	static bool begun;

	if (!begun) {
		begun = true;
		setenv("CDP_STATE_DIR", unit_dir(), 1);
		setenv("CDP_CONF_DIR", unit_dir(), 1);
		world.state = LEG_IN_SYNC;
		world.try_status = -EAGAIN;
		event("optimal");
	}
	cdp_tend_init(&t, "vm", CDP_COMEBACK_MOST_S);
	t.listed = true;
	cdp_tend_look(&t);
	return &t;
}

/* How many outages, and in *@last the newest. */
static int outages(struct cdp_outage *last)
{
	struct cdp_outage *list;
	char *text;
	int nr;

	must(!cdp_history_read("vm", &text), "%s", cdp_why_text());
	nr = cdp_history_outages(text, &list);
	memset(last, 0, sizeof(*last));
	if (nr > 0)
		*last = list[nr - 1];
	free(list);
	free(text);
	return nr;
}

TEST(one_outage)
{
	struct cdp_tend *t = begin();
	struct cdp_outage o;

	/* a copy that is not the end of an outage */
	world.state = LEG_STALE;
	world.missed = world.copied = 1 << 30;
	cdp_tend_look(t);
	world.state = LEG_IN_SYNC;
	cdp_tend_look(t);
	must(outages(&o) == 0, "nothing has happened");
	fails();
	cdp_tend_look(t);
	must(outages(&o) == 1 && !o.end && o.begin == 1002, "it has begun");
	world.missed += 4096;
	world.copied += 8192;
	returns();
	cdp_tend_look(t);
	must(outages(&o) == 1 && o.end && o.missed_bytes == 4096 && o.copied_bytes == 8192,
	     "it has ended");
	world.missed += 5;
	flaps();
	returns();
	cdp_tend_look(t);
	must(outages(&o) == 2 && o.end && o.missed_bytes == 5 && !o.copied_bytes,
	     "all of another between two looks");
}

/* Things happen between the reading of events and of status, whichever comes first. */
TEST(between)
{
	static void (*const what[])(void) = { fails, returns, fails, flaps, flaps, returns };
	struct cdp_tend *t = begin();
	struct cdp_outage o;
	u32 i, leaves = 0;

	for (i = 0; i < ARRAY_SIZE(what); i++) {
		world.between = what[i];
		cdp_tend_look(t);
		leaves += what[i] != returns;
		cdp_tend_look(t);
		must(outages(&o) == (int)leaves, "%d outages of %u after step %u", outages(&o),
		     leaves, i);
		must(!o.end == (world.state == LEG_FAULTY), "step %u", i);
	}
}

/* A new disk takes the leg's place under a new name: what the old one did is told of the leg. */
TEST(renamed)
{
	struct cdp_tend *t = begin();
	struct cdp_outage o;

	fails();
	world.renamed = 9;
	cdp_tend_look(t);
	must(outages(&o) == 1 && o.begin == 1002 && o.leg.b[15] == 9, "begun by the event");
	event("leg-slow");
	cdp_tend_look(t);
	must(outages(&o) == 1 && !strcmp(o.cause, "too slow"), "later as well");
}

static void is_gone(const char *when)
{
	struct cdp_outage o;

	must(outages(&o) == 1 && o.end && o.leg.b[15] == 2 && !strcmp(o.gone, CDP_HISTORY_GONE),
	     "%s", when);
}

/* The leg that is out is a leg no more: so is its outage over, and the new one has none. */
TEST(replaced)
{
	struct cdp_tend *t = begin();

	fails();
	cdp_tend_look(t);
	world.renamed = 9;
	world.state = LEG_STALE;
	cdp_tend_look(t);
	is_gone("replaced");
	world.state = LEG_IN_SYNC;
	cdp_tend_look(t);
	is_gone("and copied to");
}

TEST(removed)
{
	struct cdp_tend *t = begin();

	fails();
	cdp_tend_look(t);
	world.removed = true;
	cdp_tend_look(t);
	is_gone("removed");
}

TEST(gone_unseen)
{
	struct cdp_tend *t = begin();

	fails();
	cdp_tend_look(t);
	world.removed = true;
	begin();
	is_gone("while nobody looked");
	begin();
	is_gone("once only");
}

/* Killed and started again, at any time: no outage is lost or told twice. */
TEST(restarted)
{
	struct cdp_outage o;
	u32 i;

	begin();
	fails();
	for (i = 0; i < 3; i++) {
		begin();
		must(outages(&o) == 1 && !o.end, "start %u", i);
	}
	world.missed = 100;
	returns();
	begin();
	must(outages(&o) == 1 && o.end && o.missed_bytes == 100, "ended while nobody looked");
	flaps();
	returns();
	begin();
	must(outages(&o) == 2 && o.end, "one that nobody looked at");
	begin();
	must(outages(&o) == 2, "and once only");
}

/* Counters begin again with each table, and with the set: what they had is not lost. */
TEST(counts_go_on)
{
	struct cdp_tend *t = begin();
	struct cdp_outage o;

	world.missed = 5000;
	world.copied = 300;
	fails();
	cdp_tend_look(t);
	world.missed = 6000;
	cdp_tend_look(t);
	world.missed = 10;
	world.copied = 0;
	cdp_tend_look(t);
	world.missed = 30;
	world.copied = 40;
	returns();
	cdp_tend_look(t);
	must(outages(&o) == 1 && o.missed_bytes == 6030 && o.copied_bytes == 340,
	     "another table: %llu, %llu", (unsigned long long)o.missed_bytes,
	     (unsigned long long)o.copied_bytes);
	fails();
	cdp_tend_look(t);
	world.missed += 1000;
	cdp_tend_end(t);
	world.missed = 7;
	world.copied = 0;
	t = begin();
	world.missed = 9;
	cdp_tend_end(t);
	world.missed = 1;
	begin();
	world.copied = 2;
	returns();
	begin();
	must(outages(&o) == 2 && o.missed_bytes == 1010 && o.copied_bytes == 2,
	     "two boots: %llu, %llu", (unsigned long long)o.missed_bytes,
	     (unsigned long long)o.copied_bytes);
}

/* The host is cut off: what was counted when the leg was last tried is there. */
TEST(counts_kept)
{
	struct cdp_tend *t = begin();
	struct cdp_outage o;

	fails();
	cdp_tend_look(t);
	world.missed = 1000;
	cdp_tend_hurry(t);
	cdp_tend_look(t);
	must(world.tries == 1, "%u tries", world.tries);
	world.missed = 1;
	returns();
	begin();
	must(outages(&o) == 1 && o.missed_bytes == 1001, "%llu",
	     (unsigned long long)o.missed_bytes);
}

/* An outage without events: the set was started without the leg, on another day. */
TEST(no_event)
{
	struct cdp_tend *t = begin();
	struct cdp_outage o;

	world.stopped = true;
	cdp_tend_look(t);
	must(!t->runs && outages(&o) == 0, "stopped");
	world.stopped = false;
	world.state = LEG_MISSING;
	cdp_tend_look(t);
	must(outages(&o) == 1 && !strcmp(o.cause, "not there"), "%s", o.cause);
	world.state = LEG_STALE;
	cdp_tend_look(t);
	must(outages(&o) == 1 && !o.end, "being copied to");
	world.state = LEG_IN_SYNC;
	cdp_tend_look(t);
	must(outages(&o) == 1 && o.end, "over");
}

TEST(causes)
{
	struct cdp_tend *t = begin();
	struct cdp_outage o;

	fails();
	event("leg-timeout");
	cdp_tend_look(t);
	outages(&o);
	ck_assert_str_eq(o.cause, "no answer within the deadline");
	returns();
	cdp_tend_look(t);
	world.taken_out = true;
	fails();
	cdp_tend_look(t);
	outages(&o);
	ck_assert_str_eq(o.cause, "taken out by hand");
	cdp_tend_hurry(t);
	cdp_tend_look(t);
	must(!world.tries, "by hand: it was tried");
}

static void count(const struct cdp_child *c, void *ctx)
{
	must(cdp_child_runs(c), "it runs");
	++*(u32 *)ctx;
}

/* The leg that is tried leaves: so does the try, when it can. */
TEST(leaves)
{
	struct cdp_tend *t = begin();
	u32 nr = 0;

	fails();
	cdp_tend_look(t);
	cdp_tend_hurry(t);
	cdp_tend_look(t);
	must(world.tries == 1 && !world.dismissed, "%u tries", world.tries);
	world.renamed = 9;
	world.state = LEG_IN_SYNC;
	cdp_tend_look(t);
	must(world.dismissed == 1, "it is ended");
	cdp_tend_reap(t);
	cdp_tend_look(t);
	cdp_tend_tries(t, count, &nr);
	must(nr == 1 && world.dismissed == 1, "and waited for");
	world.try_status = 137;
	cdp_tend_reap(t);
	nr = 0;
	cdp_tend_tries(t, count, &nr);
	must(!nr && world.tries == 1, "until it is gone");
}

/* One that is not remembered any more waits for its tries, and for nothing else. */
TEST(unlisted)
{
	struct cdp_tend *t = begin();

	fails();
	cdp_tend_look(t);
	must(cdp_tend_next_s(t) < CDP_NEVER_S, "its next try");
	t->listed = false;
	must(cdp_tend_next_s(t) == CDP_NEVER_S, "a try that nobody will start");
}

/* Taken out by hand while it is tried. */
TEST(by_hand)
{
	struct cdp_tend *t = begin();

	fails();
	cdp_tend_look(t);
	cdp_tend_hurry(t);
	cdp_tend_look(t);
	must(world.tries == 1 && !world.dismissed, "%u tries", world.tries);
	world.taken_out = true;
	cdp_tend_look(t);
	must(world.dismissed == 1, "the try goes on");
}

/* Nothing may happen that would have us look again. */
TEST(looks_again)
{
	struct cdp_tend *t = begin();
	double first;

	world.error = -EINVAL;
	said_begin();
	cdp_tend_look(t);
	cdp_tend_look(t);
	ck_assert_str_eq(said_end(), "cdpctl: warning: vm is not watched: vm: line 3: what is this\n");
	first = cdp_tend_next_s(t);
	must(!t->runs && first < cdp_seconds() + 2 * CDP_COMEBACK_FIRST_S, "later with every look");
	world.error = 0;
	cdp_tend_look(t);
	must(t->runs && cdp_tend_next_s(t) == CDP_NEVER_S, "it is well again");
	world.stopped = true;
	cdp_tend_look(t);
	must(!t->runs && cdp_tend_next_s(t) == CDP_NEVER_S, "stopped: an event will tell");
}

static const char *said_by_look(struct cdp_tend *t)
{
	said_begin();
	cdp_tend_reap(t);
	cdp_tend_look(t);
	return said_end();
}

/* The module may answer late: nothing waits for it, and no report is forgotten meanwhile. */
TEST(doubts)
{
	const struct cdp_uevent lost = { .kind = UEVENT_LOST };
	struct cdp_uevent reset = { .kind = UEVENT_POWER_ON, .path = "/devices/host1" };
	struct cdp_tend *t = begin();
	u32 nr = 0;

	cdp_tend_uevent(t, &reset);
	must(world.doubts == 1 && world.doubted == '2', "%u, leg %c", world.doubts, world.doubted);
	cdp_tend_uevent(t, &reset);	/* maybe after that was heard */
	cdp_tend_uevent(t, &lost);
	cdp_tend_uevent(t, &lost);
	must(world.doubts == 1, "more than one process for a leg");
	cdp_tend_tries(t, count, &nr);
	must(nr == 1, "%u are waited for", nr);
	world.try_status = 0;
	ck_assert_str_eq(said_by_look(t), "vm: leg 1 may have lost its write cache (it was reset): what is not known to be on its disk is copied again\n");
	must(world.doubts == 2 && world.doubted == '2', "%u, leg %c", world.doubts, world.doubted);
	world.try_status = -EAGAIN;
	cdp_tend_reap(t);
	must(world.doubts == 2 && cdp_tend_next_s(t) < cdp_seconds() + 5, "for ever");
	t->doubts.legs[0].child.end_s -= 10;
	cdp_tend_reap(t);
	must(world.doubts == 3 && world.doubted == '1', "%u, leg %c", world.doubts, world.doubted);
	world.try_status = 0;
	ck_assert_str_eq(said_by_look(t), "vm: leg 1 may have lost its write cache (it was reset): what is not known to be on its disk is copied again\nvm: leg 0 may have lost its write cache (reports of the kernel were lost): what is not known to be on its disk is copied again\n");
	cdp_tend_uevent(t, &reset);
	must(world.doubts == 4 && world.doubted == '2', "%u, leg %c", world.doubts, world.doubted);
	world.try_status = 1;
	world.try_said = "the module refuses it";
	ck_assert_str_eq(said_by_look(t), "cdpctl: warning: vm: leg 1 may have lost its write cache (it was reset), but: the module refuses it\n");
	nr = 0;
	cdp_tend_tries(t, count, &nr);
	must(world.doubts == 4 && !nr, "%u told, %u wait", world.doubts, nr);
}

/* A report that comes while the set cannot be looked at; and one about a leg that is out. */
TEST(missed)
{
	struct cdp_uevent reset = { .kind = UEVENT_POWER_ON, .path = "/devices/host1" };
	struct cdp_tend *t = begin();

	world.error = -EINVAL;
	cdp_tend_uevent(t, &reset);
	cdp_tend_look(t);
	must(!world.doubts, "%u", world.doubts);
	must(cdp_tend_next_s(t) < CDP_NEVER_S, "it waits for an event");
	world.error = 0;
	cdp_tend_look(t);
	must(world.doubts == 1 && world.doubted == '2', "%u", world.doubts);
	world.try_status = 0;
	cdp_tend_reap(t);
	cdp_tend_reap(t);
	must(world.doubts == 2, "both legs");
	world.state = LEG_FAULTY;
	cdp_tend_uevent(t, &reset);
	must(world.doubts == 2, "it is out");
}

/* What could not be written for a while is written then. */
TEST(kept)
{
	struct cdp_tend *t = begin();
	struct cdp_outage o;

	fails();
	setenv("CDP_STATE_DIR", "/dev/null", 1);
	cdp_tend_look(t);
	setenv("CDP_STATE_DIR", unit_dir(), 1);
	must(!outages(&o), "it is written");
	cdp_tend_look(t);
	must(outages(&o) == 1 && !o.end, "it is forgotten");
	returns();
	setenv("CDP_STATE_DIR", "/dev/null", 1);
	cdp_tend_look(t);
	setenv("CDP_STATE_DIR", unit_dir(), 1);
	cdp_tend_look(t);
	must(outages(&o) == 1 && o.end, "its end is forgotten");
}

TEST(refused)
{
	struct cdp_tend *t = begin();
	struct cdp_outage o;
	u32 i;

	fails();
	cdp_tend_look(t);
	must(!world.tries, "at once");
	cdp_tend_hurry(t);
	cdp_tend_look(t);
	cdp_tend_look(t);
	must(world.tries == 1, "%u tries", world.tries);
	world.try_status = 3;
	world.try_said = "vm: it is blank";
	for (i = 0; i < 3; i++) {
		cdp_tend_reap(t);
		cdp_tend_hurry(t);
		cdp_tend_look(t);
	}
	must(world.tries == 1, "it was tried again");
	outages(&o);
	ck_assert_str_eq(o.refused, "vm: it is blank");
	must(cdp_tend_next_s(t) == CDP_NEVER_S, "nothing is waited for");
}

/* An event is told once: to the journal, or where there is none, to stderr, which it reads, too. */
TEST(told_once)
{
	struct cdp_tend *t = begin();

	fails();
	ck_assert_str_eq(said_by_look(t), "vm: leg-failed leg 1\n");
	must(!world.journaled, "to stderr");
	world.journal = true;
	returns();
	ck_assert_str_eq(said_by_look(t), "");
	must(world.journaled == 2, "to the journal");
	fails();
	cdp_tend_look(t);
	cdp_tend_hurry(t);
	cdp_tend_look(t);
	world.journaled = 0;
	world.try_status = 3;
	world.try_said = "vm: it is blank";
	ck_assert_str_eq(said_by_look(t), "");
	must(world.journaled == 1, "one of our own");
}

UNIT_MAIN("tend", told_once, one_outage, between, renamed, replaced,
	  removed, gone_unseen, restarted, counts_go_on, counts_kept, no_event, causes,
	  leaves, unlisted, by_hand, looks_again, doubts, missed, kept, refused)
