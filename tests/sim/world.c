// SPDX-License-Identifier: GPL-2.0
/* A history: the guest, the administrator and nature take turns with the set. */
#include "sim.h"
#include "cdp.h"

#define SETTLE_STEPS	60000u
#define SETTLE_SECONDS	20000u
#define STOP_MS		25000u	/* a leg: a deadline, and time in which nobody looked */

static void crash(void)
{
	u32 i;

	/* started from that leg alone, nobody could know */
	if (admin_owes_doubt())
		sim_escape();
	audit_all();
	say("* CRASH");
	disk_crash();
	start_note_gains();
	task_forget_all();
	memory_forget_all();
	for (i = 0; i < OPS; i++)
		ops[i].used = false;
	model_crash();
	dm_reset();
	audit_reset();
	admin_reset();
	sim_restart_module();
	if (one_in(2))
		nature_heal();
}

static void action(void)
{
	u32 what = below(100);

	if (what < 30) {
		if (!admin_owes_doubt())
			nature_fault();
	} else if (what < 40) {
		if (!admin_is_busy())
			nature_tamper();
	} else if (what < 46) {
		if (has_class(C_CRASH))
			crash();
	} else if (what < 52) {
		if (has_class(C_BUFFERS))
			guest_changes_buffer();
	} else if (!dm.live) {
		admin(admin_start);
	} else if (dm.suspended) {
		admin(one_in(8) ? admin_stop : admin_resume);
	} else if (what < 56) {
		if (has_class(C_SUSPEND))
			admin(admin_suspend);
	} else if (what < 60) {
		if (has_class(C_RELOAD))
			admin(one_in(3) ? admin_reload : admin_start);
	} else if (what < 62) {
		admin(admin_stop);
	} else if (what < 66) {
		if (has_class(C_DOUBT))
			admin(admin_doubt);
	} else {
		admin(admin_message);
	}
}

/*----------------------------------------------------------------
 * Steps
 *--------------------------------------------------------------*/

/* Nothing can move: time passes. */
static void idle(void)
{
	unsigned long at;

	if (task_next_timer(&at) && !time_before(at, jiffies))
		jiffies = at + below(3);
	else
		jiffies += below(100);
}

/* Is something half recorded: a loss, a gain, a new generation? */
static bool is_untimely(void)
{
	struct cdp *c = dm_cdp();
	u32 i;

	if (!c || !has_class(C_CRASH))
		return false;
	for (i = 0; i < c->nr_legs; i++)
		if (c->set.legs[i].gain)
			return true;
	return c->set.durable & ~c->set.in_sync || c->set.mint || c->set.twice || c->set.first;
}

static void step(bool quiet)
{
	u32 task = task_any() ? sim.w_task : 0, disk = disk_any() ? sim.w_disk : 0;
	u32 guest_w = quiet || !dm_cdp() ? 0 : sim.w_guest + (sim.picking ? 400 : 0);
	u32 act = quiet ? 0 : sim.w_action;
	u32 rest = task || disk ? 0 : 200, what;

	/* no set runs: nothing to wait for */
	if (rest && act && (!dm.live || dm.suspended))
		rest = act;
	sim.steps++;
	if (sim.tick && !admin_owes_doubt())
		jiffies += below(sim.tick);
	task_fire_timers();
	what = below(task + disk + guest_w + act + rest);
	if (what < task)
		task_run_one();
	else if ((what -= task) < disk)
		disk_step();
	else if ((what -= disk) < guest_w)
		guest_acts();
	else if ((what -= guest_w) < act)
		action();
	else
		idle();
	audit_watch();
	if (!(sim.steps & 31))
		audit_all();
	if (!quiet && sim.untimely && is_untimely() && one_in(sim.untimely))
		crash();
}

/*----------------------------------------------------------------
 * The end of a history: all is well again, so all has to come to rest.
 *--------------------------------------------------------------*/

static void settle_step(const char *what, unsigned long since, u64 steps)
{
	step(true);
	check(sim.steps - steps < SETTLE_STEPS && jiffies - since < SETTLE_SECONDS * HZ,
	      "%s does not end", what);
}

static void wait_for_admin(const char *name)
{
	unsigned long since = jiffies;
	u64 steps = sim.steps;

	while (admin_is_busy())
		settle_step(name, since, steps);
}

/* Have the administrator do it and wait for the end. */
static void settle(void (*what)(void), const char *name)
{
	admin(what);
	wait_for_admin(name);
}

static void do_rejoin_all(void)
{
	struct cdp *c = dm_cdp();
	u32 i;

	dm_message("resync resume");
	for (i = 0; dm_cdp() == c && i < c->nr_legs; i++)
		if (c->set.legs[i].state == LEG_FAULTY)
			dm_message("leg rejoin %u", i);
}

static bool any_leg(enum cdp_leg_state state)
{
	struct cdp *c = dm_cdp();
	u32 i;

	for (i = 0; c && i < c->nr_legs; i++)
		if (c->set.legs[i].state == state)
			return true;
	return false;
}

/* What the administrator has to do for all to come to rest; false: nothing. */
static bool help(u32 times)
{
	bool queues = strstr(dm.table.features, "queue");

	/* writes wait for a leg, or for a table, that cannot be had */
	if (times == 4 && strstr(dm.table.features, "on_")) {
		settle(admin_stop, "a stop");
		return true;
	}

	if (any_leg(LEG_FAULTY))
		settle(do_rejoin_all, "a rejoin");
	if (guest_waits() && queues)
		settle(admin_reload, "a reload");
	return any_leg(LEG_FAULTY) || queues;
}

/* All requests end, all legs get in-sync; those that failed late come back first. */
static void come_to_rest(void)
{
	unsigned long since = jiffies;
	u64 steps = sim.steps;
	u32 helped = 0;

	while (dm_cdp() && (guest_waits() || any_leg(LEG_STALE) || verify_is_running())) {
		settle_step(guest_waits() ? "a request" : "the resync, or the verify,", since, steps);
		if (sim.steps - steps < 8000 || helped == 5 || !help(helped))
			continue;
		helped++;
		since = jiffies;
		steps = sim.steps;
	}
}

/* Legs that are in-sync are alike, and the set is what it should be. */
static void compare(void)
{
	struct cdp *c = dm_cdp();
	u32 source = dm.table.leg[c->set.read_leg], i;
	int misfit = model_misfit(&legs[source].data, dm.table.sectors);

	check(misfit < 0, "at the end sector %d is not what it should be", misfit);
	for (i = 0; i < c->nr_legs; i++)
		if (c->set.legs[i].state == LEG_IN_SYNC)
			check(!memcmp(legs[dm.table.leg[i]].data.cur, legs[source].data.cur,
				      dm.table.sectors * sizeof(u64)),
			      "at the end leg %u differs", dm.table.leg[i]);
}

static void do_timeout(void)
{
	dm_message("leg timeout 10000");
}

/* A leg that all requests can be answered without, if it has a deadline. -1: there is none */
static int spare_leg(const struct cdp *c)
{
	const struct cdp_features *f = &c->features;
	u32 i = below(c->nr_legs), reads = f->read_copy == READ_COPY_ALWAYS ? 0 : 1u << c->set.read_leg;

	if (f->no_copy || f->on_protect_error == ON_PROTECT_ERROR_BLOCK ||
	    hweight32(c->set.in_sync) < 2 || !(c->set.in_sync & 1u << i))
		return -1;
	if (f->read_policy == READ_POLICY_BALANCE && reads)
		return -1;
	return reads & 1u << i ? -1 : (int)i;
}

static void guest_works(void)
{
	u32 i;

	for (i = 0; i < 100; i++) {
		guest_acts();
		step(true);
	}
}

/* Requests while the leg hangs cost a deadline and no more, however few it takes. */
static void hang(u32 place)
{
	unsigned long since;
	u64 steps;

	nature_hang(dm.table.leg[place]);
	guest_works();
	since = jiffies;
	steps = sim.steps;
	while (guest_waits())
		settle_step("a request beside a leg that hangs", since, steps);
	nature_heal();
	settle(do_rejoin_all, "a rejoin");
	come_to_rest();
	compare();
}

static void hang_one(void)
{
	int place = spare_leg(dm_cdp());

	if (place < 0 || !has_class(C_HANGS))
		return;
	settle(do_timeout, "a message");
	hang((u32)place);
}

static int failing;

static void do_fail(void)
{
	dm_message("leg fail %d", failing);
}

/* The same while it is copied to. */
static void hang_copied(void)
{
	u32 i;

	failing = spare_leg(dm_cdp());
	if (failing < 0 || !has_class(C_HANGS))
		return;
	settle(do_timeout, "a message");
	settle(do_fail, "a message");
	guest_works();
	settle(do_rejoin_all, "a rejoin");
	for (i = below(200); i; i--)
		step(true);
	hang((u32)failing);
}

/*
 * The leg that is read is given up while it hangs, and answers when it has lost its
 * cache: what it says is the past.
 */
static void forget_reads(void)
{
	struct cdp *c = dm_cdp();
	u32 leg;

	settle(do_timeout, "a message");
	guest_works();
	failing = c->set.read_leg;
	if (hweight32(c->set.in_sync) < 2)
		return;
	leg = dm.table.leg[failing];
	legs[leg].data.hung = true;
	guest_works();
	settle(do_fail, "a message");
	while (c->lock.owner)
		step(true);
	if (leg_is_given_up(leg))
		nature_lose_cache(leg, true);
	nature_heal();
	settle(do_rejoin_all, "a rejoin");
	come_to_rest();
	compare();
}

/* Word that a cache was lost comes late, but before what was flushed since may be forgotten. */
static void doubt_late(void)
{
	unsigned long until = jiffies + below(3000);

	guest_works();
	while (time_before(jiffies, until))
		step(true);
	settle(admin_late_doubt, "a message");
	come_to_rest();
	if (dm_cdp())
		compare();
}

/* A machine that stood still has waited for nobody: no leg is given up for it. */
static void stand_still(void)
{
	u64 steps, seq = dm_cdp()->event_seq;
	unsigned long since;
	u32 i;

	if (dm_cdp()->features.on_protect_slow || any_leg(LEG_FAULTY))
		return;
	settle(do_timeout, "a message");
	for (i = 0; i < 100; i++) {
		guest_acts();
		step(true);
		if (!task_any() && one_in(10))
			jiffies += 60 * HZ;
	}
	since = jiffies;
	steps = sim.steps;
	while (guest_waits())
		settle_step("a request", since, steps);
	check(!audit_any_timeout(seq), "a leg was given up because the machine stood still");
}

/* Do all legs agree that all of them are in-sync? */
static bool all_recorded(const struct table *t)
{
	struct cdp_super s;
	u64 generation = 0;
	u32 i, k;

	for (i = 0; i < t->nr; i++) {
		if (t->leg[i] >= LEGS || leg_super(t->leg[i], &s) != SUPER_VALID ||
		    !(s.flags & CDP_SUPER_CLEAN) || (i && s.generation != generation))
			return false;
		generation = s.generation;
		for (k = 0; k < CDP_MAX_LEGS; k++)
			if (s.legs[k].state != DISK_LEG_UNUSED &&
			    s.legs[k].state != DISK_LEG_IN_SYNC)
				return false;
	}
	return true;
}

/* A set that was stopped in order needs no copy. */
static void restart_clean(void)
{
	struct table t = dm.table;
	struct cdp *c;
	bool whole;
	u32 i;

	dm_remove();
	whole = all_recorded(&t);
	if (!start_table(&t)) {
		check(!whole, "a set that was stopped in order does not start");
		return;
	}
	c = dm_cdp();
	for (i = 0; whole && i < c->nr_legs; i++)
		check(!c->set.legs[i].tracked, "a set that was stopped in order copies");
}

/*
 * The set is removed while all its legs hang: that costs a deadline each at most. What is
 * left behind gets to them when they answer, and does no harm to the next start.
 */
static void stop_silent(void)
{
	struct table t = dm.table;
	unsigned long since;
	u32 i;

	for (i = 0; i < t.nr; i++)
		if (t.leg[i] < LEGS)
			nature_hang(t.leg[i]);
	since = jiffies;
	dm_remove_at_once();
	check(jiffies - since <= t.nr * STOP_MS, "a stop beside legs that hang takes %lu ms",
	      jiffies - since);
	nature_heal();
	dm_remove();
	if (!start_table(&t))
		fail("a set that was stopped beside legs that hang does not start");
}

static void do_compare(void)
{
	dm_message("verify start");
}

static void stop_hung(void)
{
	unsigned long until = jiffies + below(3000);
	u32 i;

	if (!dm_cdp() || dm_cdp()->features.on_protect_slow || !has_class(C_HANGS))
		return;
	settle(do_timeout, "a message");
	guest_works();
	while (guest_waits() || time_before(jiffies, until))
		step(true);
	if (sim.seed % 8 == 0)
		settle(do_compare, "a message");
	for (i = below(20); i; i--)
		step(true);
	settle(stop_silent, "a stop");
	come_to_rest();
	if (dm_cdp())
		compare();
}

static void end(void)
{
	u32 tries;

	say("* the end: all is well");
	sim.settling = true;
	if (sim.tick > 2)	/* nobody is late when all is well */
		sim.tick = 2;
	nature_heal();
	wait_for_admin("what the administrator does");
	for (tries = 0; !dm_cdp() || dm.suspended || !start_is_calm(); tries++) {
		if (tries == 40)
			return;		/* no start is possible with what is left */
		if (dm.live && dm.suspended && dm_cdp())
			settle(admin_resume, "a resume");
		else if (dm_cdp())
			settle(admin_reload, "a reload");
		else
			settle(dm.live ? admin_stop : admin_start, "a start");
		nature_heal();
	}
	if (verify_is_running())	/* it has no reserves, and waits for memory */
		sim.nomem = 0;
	settle(do_rejoin_all, "a rejoin");
	help(0);
	come_to_rest();
	if (!dm_cdp())
		return;
	audit_all();
	compare();
	for (tries = 0; tries < LEGS; tries++)
		legs[tries].data.slow = legs[tries].meta.slow = 0;
	stand_still();
	hang_one();
	if (!verify_at_the_end(settle, come_to_rest) || !dm_cdp())
		return;
	compare();
	hang_copied();
	/* by the seed: it costs time */
	for (tries = 0; tries < 3 && dm_cdp(); tries++) {
		if (sim.seed % 4 == 1 && has_class(C_CACHES))
			forget_reads();
		else if (sim.seed % 4 == 3 && has_class(C_DOUBT))
			doubt_late();
	}
	settle(restart_clean, "a restart");
	for (tries = 0; tries < 3 && sim.seed % 4 == 0; tries++)
		stop_hung();
	if (dm.live)
		settle(admin_stop, "a stop");
}

/* Half of the histories know some kinds of trouble only: then there is more of those. */
static void leave_out(void)
{
	u32 odds = one_in(2) ? 0 : 1 + below(4), i;

	for (i = 0; odds && i < NR_CLASSES; i++)
		if (one_in(1 + odds))
			sim.classes &= ~(1u << i);
}

static void dice(void)
{
	static const u32 ticks[] = { 0, 1, 2, 10, 50, 200 };
	static const u32 preempts[] = { 0, 2, 8, 64 };

	sim.preempt = has_class(C_PREEMPT) ? preempts[below(ARRAY_SIZE(preempts))] : 0;
	sim.stall = one_in(2) ? 0 : 2 << below(6);
	/* by the seed, so that the others' histories stay what they are */
	sim.dwell = has_class(C_PREEMPT) && sim.seed % 2 == 1;
	sim.tick = ticks[below(ARRAY_SIZE(ticks))];
	sim.nomem = has_class(C_NOMEM) && one_in(3) ? 2 + below(20) : 0;
	sim.guest_max = 1 + below(OPS);
	sim.absent = one_in(2) ? 4 : 2 + below(8);
	sim.untimely = one_in(2) ? 0 : 16 << below(6);
	sim.w_task = 200 + below(800);
	sim.w_disk = 50 + below(500);
	sim.w_guest = 5 + below(100);
	sim.w_action = 1 + below(12);
}

void world_history(void)
{
	u32 n, max = 200 + below(4000);

	if (sim.max_steps && max > sim.max_steps)
		max = sim.max_steps;
	leave_out();
	dice();
	jiffies = 1000000;
	sim_ns = 0;
	sim.crowd = !(sim.seed % 4);
	admin_reset();
	guest_reset();
	task_forget_all();
	dm_reset();
	model_reset();
	audit_reset();
	verify_reset();
	start_history();
	sim_restart_module();
	for (n = 0; n < max; n++)
		step(false);
	end();
}
