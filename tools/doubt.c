// SPDX-License-Identifier: GPL-2.0-or-later
#include "beneath.h"
#include "dm.h"
#include "doubt.h"
#include "live.h"
#include "msg.h"
#include "probe.h"

#define DOUBT_S		120u

void cdp_doubts_init(struct cdp_doubts *d)
{
	d->nr = 0;
	d->child = (struct cdp_child)CDP_CHILD_NONE;
}

/*----------------------------------------------------------------*/

static void told(const struct cdp_doubt *l, const char *name, const char *why_not)
{
	if (!why_not)
		cdp_note("%s: leg %u may have lost its write cache (%s): what is not known to be on its disk is copied again",
			 name, l->number, l->why);
	else if (l->takes_part)
		cdp_warn("%s: leg %u may have lost its write cache (%s), but: %s", name, l->number,
			 l->why, why_not);
}

/* With no memory for a process it is better to wait than to keep it to ourselves. */
static void tell(const struct cdp_doubt *l, const char *name)
{
	char text[32];

	cdp_warn("%s: leg %u: %s", name, l->number, cdp_why_text());
	cdp_print(text, sizeof(text), "leg doubt %u", l->number);
	told(l, name, cdp_dm_message(name, text, NULL) ? cdp_why_text() : NULL);
	cdp_why_clear();
}

static void drop_first(struct cdp_doubts *d)
{
	memmove(d->legs, d->legs + 1, --d->nr * sizeof(*d->legs));
}

static void start(struct cdp_doubts *d, const char *name)
{
	char uuid[CDP_UUID_TEXT];
	const char *const argv[] = { "/proc/self/exe", "leg", "doubt", name, uuid, NULL };

	while (d->nr && !cdp_child_runs(&d->child)) {
		cdp_uuid_print(&d->legs[0].leg, uuid);
		if (!cdp_child_start(&d->child, argv, NULL, true, DOUBT_S))
			break;
		tell(&d->legs[0], name);
		drop_first(d);
	}
}

void cdp_doubts_reap(struct cdp_doubts *d, const char *name)
{
	char said[CDP_MSG_TEXT];
	int status;

	if (!cdp_child_runs(&d->child))
		return;
	status = cdp_child_end(&d->child, said, sizeof(said));
	if (status == -EAGAIN)
		return;
	told(&d->legs[0], name, !status ? NULL : *said ? said : "that is not on record");
	drop_first(d);
	start(d, name);
}

/*----------------------------------------------------------------*/

/* One that is being told may not have been heard yet, or before this: it is told again. */
static void add(struct cdp_doubts *d, const char *name, const struct cdp_doubt *l)
{
	u32 i;

	for (i = cdp_child_runs(&d->child); i < d->nr; i++)
		if (cdp_uuid_equal(&d->legs[i].leg, &l->leg))
			return;
	if (d->nr < ARRAY_SIZE(d->legs))
		d->legs[d->nr++] = *l;
	else
		told(l, name, "too many have to be told");
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
 * One that is copied to may lose what was copied; one that is out is refused, as
 * what it has not flushed is known to be in doubt.
 */
static void doubt(struct cdp_doubts *d, const struct cdp_live *s, u32 leg,
		  const struct cdp_uevent *u)
{
	const struct cdp_leg_status *st = &s->status.legs[leg];
	struct cdp_doubt l = { st->uuid, leg, st->state >= LEG_STALE, why(u) };
	struct about a = { u, false };
	u32 ma, mi;

	if (cdp_probe_numbers(st->data_dev, &ma, &mi) &&
	    cdp_beneath(ma, mi, is_about, &a) && a.is_volatile)
		add(d, s->name, &l);
}

/*
 * By what the set is now, not as of the last look: a leg may have come since, or be on
 * another disk. The one that is read goes last: the last one is not to be doubted.
 */
void cdp_doubts_uevent(struct cdp_doubts *d, const char *name, const struct cdp_uevent *u)
{
	static struct cdp_live s;
	u32 i;

	if (!cdp_live_peek(&s, name)) {
		for (i = 0; i < s.status.nr_legs; i++)
			if ((int)i != s.status.read_leg)
				doubt(d, &s, i, u);
		if (s.status.read_leg >= 0)
			doubt(d, &s, (u32)s.status.read_leg, u);
	}
	cdp_live_close(&s);
	cdp_why_clear();
	start(d, name);
}
