// SPDX-License-Identifier: GPL-2.0-or-later
#include "beneath.h"
#include "dm.h"
#include "doing.h"
#include "doubt.h"
#include "live.h"
#include "msg.h"
#include "probe.h"

#define DOUBT_S		120u
#define HEARD_S		5.0	/* by then it is marked, and only the record is waited for */

static void told(const struct cdp_doubt *l, const char *name, const char *why_not)
{
	if (!why_not)
		cdp_note("%s: leg %u may have lost its write cache (%s): what is not known to be on its disk is copied again",
			 name, l->number, l->why);
	else
		cdp_warn("%s: leg %u may have lost its write cache (%s), but: %s", name, l->number,
			 l->why, why_not);
}

/* By ourselves, which may take as long as a disk hangs. */
static void tell(const struct cdp_doubt *l, const char *name)
{
	char text[32];

	cdp_print(text, sizeof(text), "leg doubt %u", l->number);
	told(l, name, cdp_dm_message(name, text, NULL) ? cdp_why_text() : NULL);
	cdp_why_clear();
}

static void drop(struct cdp_doubts *d, u32 i)
{
	memmove(d->legs + i, d->legs + i + 1, (--d->nr - i) * sizeof(*d->legs));
}

static bool is_heard(const struct cdp_doubt *l)
{
	return cdp_child_runs(&l->child) && cdp_seconds() >= l->child.end_s - DOUBT_S + HEARD_S;
}

/* One process a leg; the leg that is read when the module has heard of all others. */
static bool may_start(const struct cdp_doubts *d, u32 i)
{
	const struct cdp_doubt *l = &d->legs[i];
	u32 k;

	if (cdp_child_runs(&l->child))
		return false;
	for (k = 0; k < d->nr; k++)
		if ((l->last && !d->legs[k].last && !is_heard(&d->legs[k])) ||
		    (cdp_child_runs(&d->legs[k].child) &&
		     cdp_uuid_equal(&d->legs[k].leg, &l->leg)))
			return false;
	return true;
}

bool cdp_doubts_wait(const struct cdp_doubts *d)
{
	u32 i;

	for (i = 0; i < d->nr; i++)
		if (d->legs[i].last && !cdp_child_runs(&d->legs[i].child))
			return true;
	return false;
}

static int begin(struct cdp_doubt *l, const char *name, u32 how)
{
	char uuid[CDP_UUID_TEXT];
	const char *const argv[] = {
		"/proc/self/exe", "leg", "doubt", name, cdp_uuid_print(&l->leg, uuid), NULL,
	};

	return cdp_child_start(&l->child, argv, cdp_doing_no_reminder, how | CHILD_STAYS,
			       DOUBT_S);
}

static void start(struct cdp_doubts *d, const char *name)
{
	u32 i = 0;

	while (i < d->nr) {
		struct cdp_doubt *l = &d->legs[i];

		if (!may_start(d, i) || !begin(l, name, CHILD_QUIET)) {
			i++;
			continue;
		}
		/* with no memory for a process it is better to wait than to keep it to us */
		cdp_warn("%s: leg %u: %s", name, l->number, cdp_why_text());
		tell(l, name);
		drop(d, i);
		i = 0;
	}
}

void cdp_doubts_reap(struct cdp_doubts *d, const char *name)
{
	char said[CDP_MSG_TEXT];
	u32 i = 0;

	while (i < d->nr) {
		int status = cdp_child_runs(&d->legs[i].child) ?
			     cdp_child_end(&d->legs[i].child, said, sizeof(said)) : -EAGAIN;

		if (status == -EAGAIN) {
			i++;
			continue;
		}
		told(&d->legs[i], name, !status ? NULL : *said ? said : "that is not on record");
		drop(d, i);
	}
	start(d, name);
}

/*----------------------------------------------------------------*/

/* One that is being told may have been heard before this: it is told again. */
static void add(struct cdp_doubts *d, const char *name, const struct cdp_doubt *l)
{
	u32 i;

	for (i = 0; i < d->nr; i++)
		if (!cdp_child_runs(&d->legs[i].child) &&
		    cdp_uuid_equal(&d->legs[i].leg, &l->leg))
			return;
	if (d->nr < ARRAY_SIZE(d->legs))
		d->legs[d->nr++] = *l;
	else
		told(l, name, "too many processes wait for the module already");
}

struct about {
	const struct cdp_uevent *u;
	bool is_volatile;
};

/* Is this disk the one that the report is about? */
static int is_about(const struct cdp_disk *d, void *ctx)
{
	struct about *a = ctx;
	char part[sizeof(a->u->path) + 8];

	if (a->u->kind == UEVENT_POWER_ON)
		cdp_print(part, sizeof(part), "/sys%s/", a->u->path);
	else
		cdp_print(part, sizeof(part), "/session%u/", a->u->session);
	if (a->u->kind != UEVENT_LOST && !strstr(d->dir, part))
		return 0;
	a->is_volatile |= cdp_disk_is_volatile(d);
	return 1;
}

static const char *why(const struct cdp_uevent *u)
{
	return u->kind == UEVENT_POWER_ON ? "it was reset" :
	       u->kind == UEVENT_LINK_LOST ? "its connection was lost" :
	       "reports of the kernel were lost";
}

/*
 * A server that was switched off and on within our patience has told no error,
 * but what its cache held is gone. Where the cache is said to be safe, nothing is.
 * One that is copied to may lose what was copied; of one that is out it is known that
 * what it has not flushed is in doubt.
 */
static bool is_doubted(const struct cdp_leg_status *st, const struct cdp_uevent *u)
{
	struct about a = { u, false };
	u32 ma, mi;

	return st->state >= LEG_STALE && cdp_probe_numbers(st->data_dev, &ma, &mi) &&
	       cdp_beneath(ma, mi, is_about, &a) && a.is_volatile;
}

/* Without its configuration cdpctl does nothing to a set; the module needs none. */
static void doubt(struct cdp_doubts *d, const struct cdp_live *s, const struct cdp_uevent *u,
		  bool has_conf, bool last)
{
	u32 i;

	for (i = 0; i < s->status.nr_legs; i++) {
		const struct cdp_leg_status *st = &s->status.legs[i];
		struct cdp_doubt l = { st->uuid, i, last, why(u), CDP_CHILD_NONE };

		if (((int)i == s->status.read_leg) != last || !is_doubted(st, u))
			continue;
		if (has_conf)
			add(d, s->name, &l);
		else
			tell(&l, s->name);
	}
}

/*
 * By what the set is now, not as of the last look: a leg may have come since, or be on
 * another disk.
 */
void cdp_doubts_uevent(struct cdp_doubts *d, const char *name, const struct cdp_uevent *u)
{
	static struct cdp_live s;
	int r = cdp_live_peek(&s, name);

	if (!r || (s.status.nr_legs && s.table.nr_legs == s.status.nr_legs)) {
		doubt(d, &s, u, !r, false);
		doubt(d, &s, u, !r, true);
	} else if (r != -ENOENT && r != -EMEDIUMTYPE) {
		d->missed = true;
	}
	cdp_live_close(&s);
	cdp_why_clear();
	start(d, name);
}

void cdp_doubts_catch_up(struct cdp_doubts *d, const char *name)
{
	const struct cdp_uevent u = { .kind = UEVENT_LOST };

	if (!d->missed)
		return;
	d->missed = false;
	cdp_doubts_uevent(d, name, &u);
}

void cdp_doubts_end(struct cdp_doubts *d, const char *name)
{
	u32 i, last;

	for (last = 0; last < 2; last++)
		for (i = 0; i < d->nr; i++) {
			struct cdp_doubt *l = &d->legs[i];

			if (l->last == last && !cdp_child_runs(&l->child) && begin(l, name, 0))
				tell(l, name);
		}
	if (d->missed)
		cdp_warn("%s: a leg may have lost its write cache, and it could not be found out which: cdpctl verify %s",
			 name, name);
}
