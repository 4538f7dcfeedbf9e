// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "beneath.h"
#include "doing.h"
#include "hooks.h"
#include "journal.h"
#include "msg.h"
#include "probe.h"
#include "record.h"
#include "tend.h"
#include "under.h"

#define TRY_S	120u	/* a login and the wait for its disk take up to 60 */

void cdp_tend_init(struct cdp_tend *t, const char *name, double most_wait_s)
{
	u32 i;

	memset(t, 0, sizeof(*t));
	cdp_print(t->name, sizeof(t->name), "%s", name);
	t->again_s = CDP_NEVER_S;
	for (i = 0; i < CDP_MAX_LEGS; i++) {
		t->legs[i].child = t->ended[i] = (struct cdp_child)CDP_CHILD_NONE;
		t->legs[i].back.most_s = most_wait_s;
	}
}

/*----------------------------------------------------------------*/

/* Return: was it taken? Else it is to be said again. */
static bool record(const struct cdp_tend *t, enum cdp_history_kind kind,
		   const struct cdp_tend_leg *l, u64 seconds, u64 seq, u64 missed, u64 copied,
		   const char *text)
{
	struct cdp_history_record r = {
		.seconds = seconds, .kind = kind, .leg = l->uuid, .seq = seq,
		.missed_bytes = missed, .copied_bytes = copied,
	};

	cdp_print(r.text, sizeof(r.text), "%s", text);
	return cdp_record_history(t->name, &r);
}

static void begin_outage(struct cdp_tend *t, u32 leg, u64 seconds, u64 seq, const char *cause)
{
	struct cdp_tend_leg *l = &t->legs[leg];

	if (l->outage)
		return;
	l->outage = record(t, HISTORY_BEGIN, l, seconds, seq, l->count.missed_at,
			   l->count.copied_at, cause);
	t->has_seen = true;
}

static void forget_counts(struct cdp_tend_leg *l)
{
	l->count.missed_bytes = 0;
	l->count.copied_bytes = 0;
}

/* @gone: why it will not be in-sync again, or "". */
static void end_outage(struct cdp_tend *t, struct cdp_tend_leg *l, u64 seconds, u64 seq,
		       const char *gone)
{
	if (!l->outage || !record(t, HISTORY_END, l, seconds, seq, l->count.missed_bytes,
				  l->count.copied_bytes, gone))
		return;
	forget_counts(l);
	l->outage = false;
	t->has_seen = true;
}

/*----------------------------------------------------------------*/

const char *cdp_tend_cause(const char *event)
{
	static const char *const causes[][2] = {
		{ "leg-failed", "error" },
		{ "leg-missing", "not there" },
		{ "leg-timeout", "no answer within the deadline" },
		{ "leg-slow", "too slow" },
		{ "leg-doubted", "its write cache may have lost data" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(causes); i++)
		if (!strcmp(causes[i][0], event))
			return causes[i][1];
	return NULL;
}

static const char *cause_of(const struct cdp_tend *t, u32 leg, const char *event)
{
	bool by_hand = t->live.conf.legs[leg].taken_out && !strcmp(event, "leg-failed");

	return by_hand ? "taken out by hand" : cdp_tend_cause(event);
}

static void apply_event(struct cdp_tend *t, u32 leg, const struct cdp_event *e)
{
	const char *cause = cause_of(t, leg, e->what);

	if (!strcmp(e->what, "leg-in-sync"))
		end_outage(t, &t->legs[leg], e->seconds, e->seq, "");
	else if (cause && !t->legs[leg].outage)
		begin_outage(t, leg, e->seconds, e->seq, cause);
	else if (cause && strcmp(e->what, "leg-failed") && strcmp(e->what, "leg-missing"))
		record(t, HISTORY_CAUSE, &t->legs[leg], e->seconds, e->seq, 0, 0, cause);
}

/* To whoever wants to know, and to the journal: false when there is none. */
static bool tell(const struct cdp_tend *t, const struct cdp_event *e, int leg)
{
	char number[16] = "", device[CDP_PATH_TEXT] = "";
	struct cdp_hook_event h = {
		.set = t->name, .event = e->what, .leg = number, .device = device,
		.leg_uuid = strcmp(e->leg, "-") ? e->leg : "", .detail = e->detail,
		.health = cdp_health_name(t->live.status.health),
		.seq = e->seq, .seconds = e->seconds,
	};

	if (leg >= 0) {
		cdp_print(number, sizeof(number), "%d", leg);
		if (t->live.status.legs[leg].data_dev[0])
			cdp_live_leg_device(&t->live.status.legs[leg], device);
		else
			cdp_print(device, sizeof(device), "%s", t->live.conf.legs[leg].device);
	}
	cdp_hooks_queue(&h);
	return cdp_journal_send(&h);
}

static int find_leg(const struct cdp_tend *t, const char *text)
{
	struct cdp_uuid uuid;
	u32 i;

	if (cdp_uuid_parse(text, &uuid))
		return -1;
	for (i = 0; i < t->nr_legs; i++)
		if (cdp_uuid_equal(&t->legs[i].uuid, &uuid))
			return (int)i;
	/* a new disk in its place has a new name, which the kernel knows before the config */
	for (i = 0; i < t->nr_legs; i++)
		if (cdp_uuid_equal(&t->live.status.legs[i].uuid, &uuid) ||
		    cdp_uuid_equal(&t->legs[i].before, &uuid))
			return (int)i;
	return -1;
}

static void take_event(struct cdp_tend *t, const struct cdp_event *e)
{
	int leg = find_leg(t, e->leg);
	char number[24] = "";

	if (leg >= 0)
		apply_event(t, (u32)leg, e);
	if (t->fresh || tell(t, e, leg))
		return;
	if (leg >= 0)
		cdp_print(number, sizeof(number), " leg %d", leg);
	cdp_note("%s: %s%s%s%s", t->name, e->what, number, *e->detail ? ": " : "", e->detail);
}

/* An event of our own: what the kernel does not know of. */
static bool own_event(struct cdp_tend *t, u32 leg, const char *what, const char *detail)
{
	struct cdp_event e = { .seconds = (u64)time(NULL) };
	char uuid[CDP_UUID_TEXT];

	cdp_print(e.what, sizeof(e.what), "%s", what);
	cdp_print(e.leg, sizeof(e.leg), "%s", cdp_uuid_print(&t->legs[leg].uuid, uuid));
	cdp_print(e.detail, sizeof(e.detail), "%s", detail);
	return tell(t, &e, (int)leg);
}

/*----------------------------------------------------------------*/

/* It may have to undo something, or wait for a disk: it is kept until it has ended. */
static void end_try(struct cdp_tend *t, struct cdp_child *c)
{
	u32 i;

	if (!cdp_child_runs(c))
		return;
	cdp_child_dismiss(c);
	for (i = 0; i < CDP_MAX_LEGS && cdp_child_runs(&t->ended[i]); i++)
		;
	if (i < CDP_MAX_LEGS)
		t->ended[i] = *c;
	else
		cdp_warn("%s: a try for a leg that has gone does not end", t->name);
}

/* Legs keep what is known of them when the table is changed. */
static void match_legs(struct cdp_tend *t)
{
	const struct cdp_live *s = &t->live;
	struct cdp_tend_leg *old = calloc(CDP_MAX_LEGS, sizeof(*old));
	double most_s = t->legs[0].back.most_s;
	bool stays[CDP_MAX_LEGS] = { false };
	u32 i, k;

	if (!old)
		return;
	memcpy(old, t->legs, sizeof(t->legs));
	for (i = 0; i < CDP_MAX_LEGS; i++)
		t->legs[i] = (struct cdp_tend_leg) {
			.child = CDP_CHILD_NONE, .back.most_s = most_s,
		};
	for (i = 0; i < s->status.nr_legs; i++) {
		t->legs[i].uuid = s->conf.legs[i].uuid;
		t->legs[i].before = old[i].uuid;
		for (k = 0; k < t->nr_legs; k++)
			if (cdp_uuid_equal(&old[k].uuid, &t->legs[i].uuid)) {
				t->legs[i] = old[k];
				old[k].child = (struct cdp_child)CDP_CHILD_NONE;
				stays[k] = true;
			}
	}
	for (i = 0; i < CDP_MAX_LEGS; i++) {
		end_try(t, &old[i].child);
		if (!stays[i])
			end_outage(t, &old[i], (u64)time(NULL), 0, CDP_HISTORY_GONE);
	}
	t->nr_legs = s->status.nr_legs;
	free(old);
}

/* What was going on when the monitor last ran. */
static void take_up(struct cdp_tend *t)
{
	struct cdp_tend_leg gone = { .child = CDP_CHILD_NONE }, *l;
	struct cdp_outage *list = NULL;
	struct cdp_seen seen;
	char *text = NULL;
	int i, nr, leg;
	char uuid[CDP_UUID_TEXT];

	t->begun = true;
	for (i = 0; i < (int)t->nr_legs; i++)
		t->legs[i].count = (struct cdp_count) {
			.missed_at = t->stats.legs[i].missed_bytes,
			.copied_at = t->stats.legs[i].copied_bytes,
		};
	cdp_history_seen(t->name, &seen);
	nr = cdp_history_read(t->name, &text) ? 0 : cdp_history_outages(text, &list);
	for (i = 0; i < nr; i++) {
		if (list[i].end)
			continue;
		leg = find_leg(t, cdp_uuid_print(&list[i].leg, uuid));
		l = leg < 0 ? &gone : &t->legs[leg];
		l->outage = true;
		l->count = cdp_seen_count(&seen, &list[i]);
		cdp_print(l->said, CDP_TEND_SAID, "%s", list[i].refused);
		if (leg < 0) {
			l->uuid = list[i].leg;
			end_outage(t, l, (u64)time(NULL), 0, CDP_HISTORY_GONE);
		}
	}
	free(list);
	free(text);
}

struct news {
	struct cdp_event *events, last;
	u32 nr, room;
};

static int gather(const struct cdp_event *e, void *ctx)
{
	struct news *n = ctx;
	u32 room = n->room ? 2 * n->room : 16;
	struct cdp_event *more;

	if (n->nr == n->room) {
		more = realloc(n->events, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		n->events = more;
		n->room = room;
	}
	n->events[n->nr++] = *e;
	return 0;
}

static void take_news(struct cdp_tend *t, const struct news *n)
{
	u32 i;

	for (i = 0; i < n->nr; i++)
		take_event(t, &n->events[i]);
	t->fresh = false;
	t->last = n->last;
	t->has_seen |= n->nr;
}

static void count(struct cdp_tend *t)
{
	u32 i;

	for (i = 0; i < t->nr_legs; i++)
		t->has_seen |= cdp_count_on(&t->legs[i].count, t->stats.legs[i].missed_bytes,
					    t->stats.legs[i].copied_bytes);
}

/* If that is not taken events are told again after the next start. */
static void see(struct cdp_tend *t)
{
	struct cdp_seen s = { .last = t->last, .nr_legs = t->nr_legs };
	u32 i;

	for (i = 0; i < t->nr_legs; i++)
		s.legs[i] = (struct cdp_seen_leg) { t->legs[i].uuid, t->legs[i].count };
	cdp_record_seen(t->name, &s);
	t->has_seen = false;
}

/* What no event told: it fell out of the list, or the set was started without the leg. */
static void settle_outages(struct cdp_tend *t)
{
	u64 now = (u64)time(NULL);
	u32 i;

	for (i = 0; i < t->nr_legs; i++) {
		enum cdp_leg_state state = t->live.status.legs[i].state;

		if (state == LEG_IN_SYNC) {
			end_outage(t, &t->legs[i], now, 0, "");
			/* what was copied without one is none of the next one's */
			if (!t->legs[i].outage)
				forget_counts(&t->legs[i]);
		} else if (state != LEG_STALE) {
			begin_outage(t, i, now, 0, cause_of(t, i, state == LEG_FAULTY ?
							    "leg-failed" : "leg-missing"));
		}
	}
}

/*----------------------------------------------------------------*/

/* In a process of its own: a disk that hangs holds that, not us; and a try can be killed. */
static void try_leg(struct cdp_tend *t, u32 leg)
{
	struct cdp_tend_leg *l = &t->legs[leg];
	char uuid[CDP_UUID_TEXT];
	/* the kernel may have another one than what is remembered: see cdp_live_save() */
	const char *const argv[] = {
		"/proc/self/exe", "leg", "rejoin", "--unasked", t->name,
		cdp_uuid_print(&t->live.status.legs[leg].uuid, uuid), NULL,
	};

	cdp_debug("%s: trying leg %u", t->name, leg);
	t->has_seen = true;	/* it may load a table anew */
	if (!cdp_child_start(&l->child, argv, cdp_doing_no_reminder, CHILD_QUIET, TRY_S))
		return;
	cdp_warn("%s: leg %u: %s", t->name, leg, cdp_why_text());
	cdp_why_clear();
	cdp_comeback_ended(&l->back, COMEBACK_FAILED, cdp_seconds());
}

static enum cdp_comeback_act judge(struct cdp_tend *t, u32 i)
{
	struct cdp_tend_leg *l = &t->legs[i];
	struct cdp_comeback_view v = {
		.state = t->live.status.legs[i].state,
		.taken_out = t->live.conf.legs[i].taken_out,
		.trying = cdp_child_runs(&l->child),
		.late = t->stats.legs[i].late,
		.flaps = t->stats.legs[i].flaps,
	};

	return cdp_comeback_judge(&l->back, &v, cdp_seconds());
}

static void bring_back(struct cdp_tend *t)
{
	u32 i;

	for (i = 0; i < t->nr_legs; i++) {
		struct cdp_child *c = &t->legs[i].child;

		if (judge(t, i) == COMEBACK_TRY)
			try_leg(t, i);
		/* it asked before that was said, and may be reading a disk since */
		else if (t->live.conf.legs[i].taken_out && cdp_child_runs(c))
			cdp_child_dismiss(c);
	}
}

/* lvm may have loaded a table of its own. After the next boot nobody could tell. */
static void check_led(struct cdp_tend *t)
{
	struct cdp_conf *c = &t->live.conf;
	int r;

	/* attach, detach and grow have it so for a moment */
	if (!cdp_under_mark_is_leads(c->under_mark) || cdp_doing_is_there(t->name) ||
	    !cdp_under_is_bypassed(c, true))
		return;
	r = cdp_under_remember(c, CDP_MARK_LOST);
	if (!r)
		cdp_error("%s: %s does not lead to it any more: somebody has loaded another table (lvm?), and what is written is on its disk alone (cdpctl explain set-bypassed)",
			  t->name, c->under);
	else
		cdp_debug("%s", cdp_why_text());	/* status tells it, too */
	if (r == -EBUSY)
		t->again_s = cdp_seconds() + CDP_COMEBACK_FIRST_S;
	cdp_why_clear();
}

/*
 * Events first: what is seen after them is newer. The other way round a leg that an
 * event calls failed would be in-sync by a status from before, and its outage over.
 * And an outage that ends takes the counters, which have to hold all of it.
 */
static int read_set(struct cdp_tend *t, struct news *n)
{
	int r = cdp_events_new(t->name, &n->last, gather, n);

	if (!r) {
		r = cdp_live_peek(&t->live, t->name);
		cdp_live_close(&t->live);
	}
	return r ? r : cdp_stats_read(t->name, &t->stats);
}

/*
 * Not running, being changed, not resumed yet: an event will tell. Not so of anything else:
 * memory comes back without one, and a configuration is mended without one if it is edited
 * in place.
 */
static void cannot_look(struct cdp_tend *t, int r)
{
	bool by_event = r == -ENOENT || r == -EMEDIUMTYPE || r == -EBUSY || r == -EAGAIN;
	const char *why = *cdp_why_text() ? cdp_why_text() : strerror(-r);
	double now = cdp_seconds();

	if (by_event) {
		t->again_s = CDP_NEVER_S;
		cdp_debug("%s: %s", t->name, why);
	} else {
		/* whatever else wakes us does not make the next one later */
		if (t->again_s == CDP_NEVER_S || t->again_s <= now)
			t->again_s = now + cdp_comeback_wait_s(t->failures++, CDP_COMEBACK_MOST_S);
		if (strncmp(t->said, why, sizeof(t->said) - 1))
			cdp_warn("%s is not watched: %s", t->name, why);
		cdp_print(t->said, sizeof(t->said), "%s", why);
	}
	cdp_why_clear();
}

static void can_look(struct cdp_tend *t)
{
	t->failures = 0;
	t->again_s = CDP_NEVER_S;
	t->said[0] = '\0';
}

void cdp_tend_look(struct cdp_tend *t)
{
	struct news n = { 0 };
	struct cdp_seen seen;
	int r;

	if (!t->begun) {
		cdp_history_seen(t->name, &seen);
		t->last = seen.last;
		t->fresh = !t->last.seq;
	}
	n.last = t->last;
	r = read_set(t, &n);
	t->runs = !r;
	if (t->runs) {
		can_look(t);
		cdp_doubts_catch_up(&t->doubts, t->name);
		if (t->doubts.missed)
			t->again_s = cdp_seconds() + CDP_COMEBACK_FIRST_S;
		match_legs(t);
		if (!t->begun)
			take_up(t);
		count(t);
		take_news(t, &n);
		settle_outages(t);
		check_led(t);
		bring_back(t);
		if (t->has_seen)
			see(t);
	} else {
		cannot_look(t, r);
	}
	free(n.events);
}

void cdp_tend_end(struct cdp_tend *t)
{
	bool out = false;
	u32 i;

	for (i = 0; i < t->nr_legs; i++)
		out |= t->legs[i].outage;
	if (!out)
		return;
	if (!cdp_stats_read(t->name, &t->stats))
		count(t);
	cdp_why_clear();
	see(t);
}

/*----------------------------------------------------------------*/

static void failed(struct cdp_tend *t, u32 leg, const char *said, bool refused)
{
	struct cdp_tend_leg *l = &t->legs[leg];

	if (!strcmp(l->said, said))
		return;		/* once is enough */
	cdp_print(l->said, sizeof(l->said), "%s", said);
	if (!refused) {
		cdp_warn("%s: leg %u cannot come back yet: %s", t->name, leg, said);
		return;
	}
	record(t, HISTORY_REFUSED, l, (u64)time(NULL), 0, 0, 0, said);
	if (!own_event(t, leg, "leg-refused", said))
		cdp_error("%s: leg %u is refused and not tried again: %s", t->name, leg, said);
}

static void ended(struct cdp_tend *t, u32 leg, int status, char *said)
{
	struct cdp_tend_leg *l = &t->legs[leg];
	enum cdp_comeback_end end = !status ? COMEBACK_CAME :
		status == cdp_exit_code(-ECDP_REFUSED) ? COMEBACK_REFUSED : COMEBACK_FAILED;

	cdp_comeback_ended(&l->back, end, cdp_seconds());
	if (end == COMEBACK_CAME) {
		l->said[0] = '\0';
		cdp_note("%s: leg %u was brought back", t->name, leg);
		return;
	}
	if (t->live.conf.legs[leg].taken_out)
		return;		/* we ended it */
	failed(t, leg, *said ? said : status > 128 ? "the try took too long and was ended" :
	       "the try failed without a word", end == COMEBACK_REFUSED);
}

void cdp_tend_reap(struct cdp_tend *t)
{
	char said[CDP_MSG_TEXT];
	int status;
	u32 i;

	for (i = 0; i < t->nr_legs; i++) {
		if (!cdp_child_runs(&t->legs[i].child))
			continue;
		status = cdp_child_end(&t->legs[i].child, said, sizeof(said));
		if (status != -EAGAIN)
			ended(t, i, status, said);
	}
	for (i = 0; i < CDP_MAX_LEGS; i++)
		if (cdp_child_runs(&t->ended[i]))
			cdp_child_end(&t->ended[i], NULL, 0);
	cdp_doubts_reap(&t->doubts, t->name);
}

void cdp_tend_tries(const struct cdp_tend *t, void (*each)(const struct cdp_child *c, void *ctx),
		    void *ctx)
{
	u32 i;

	for (i = 0; i < CDP_MAX_LEGS; i++) {
		if (cdp_child_runs(&t->legs[i].child))
			each(&t->legs[i].child, ctx);
		if (cdp_child_runs(&t->ended[i]))
			each(&t->ended[i], ctx);
	}
	for (i = 0; i < t->doubts.nr; i++)
		if (cdp_child_runs(&t->doubts.legs[i].child))
			each(&t->doubts.legs[i].child, ctx);
}

static void take_deadline(const struct cdp_child *c, void *ctx)
{
	double *next = ctx;

	if (!c->killed)
		*next = cdp_sooner(*next, c->end_s);
}

double cdp_tend_next_s(struct cdp_tend *t)
{
	double next = CDP_NEVER_S;
	u32 i;

	cdp_tend_tries(t, take_deadline, &next);
	if (t->listed)
		next = cdp_sooner(next, t->again_s);
	if (cdp_doubts_wait(&t->doubts))
		next = cdp_sooner(next, cdp_seconds() + 1);
	/* one that is not remembered any more is not looked at: nothing is started */
	for (i = 0; t->listed && t->runs && i < t->nr_legs; i++)
		if (!cdp_child_runs(&t->legs[i].child) && judge(t, i) != COMEBACK_NOTHING)
			next = cdp_sooner(next, t->legs[i].back.next_s);
	return next;
}

void cdp_tend_hurry(struct cdp_tend *t)
{
	u32 i;

	for (i = 0; i < t->nr_legs; i++)
		t->legs[i].back.next_s = 0;
}

/*----------------------------------------------------------------*/

/* Any new disk may be a leg that is missing; a change concerns those that stand on it. */
static void hint(struct cdp_tend *t, u32 leg, const struct cdp_uevent *u)
{
	const struct cdp_leg_status *st = &t->live.status.legs[leg];
	u32 ma, mi;

	if (u->kind == UEVENT_DISK_CHANGED &&
	    (!cdp_probe_numbers(st->data_dev, &ma, &mi) ||
	     !cdp_beneath_has(ma, mi, u->major, u->minor)))
		return;
	cdp_comeback_hint(&t->legs[leg].back, cdp_seconds());
}

void cdp_tend_uevent(struct cdp_tend *t, const struct cdp_uevent *u)
{
	u32 i;

	if (u->kind == UEVENT_POWER_ON || u->kind == UEVENT_LINK_LOST || u->kind == UEVENT_LOST)
		cdp_doubts_uevent(&t->doubts, t->name, u);
	if (u->kind == UEVENT_POWER_ON || u->kind == UEVENT_LINK_LOST)
		return;
	for (i = 0; t->runs && i < t->nr_legs; i++)
		hint(t, i, u);
}
