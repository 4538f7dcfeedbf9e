// SPDX-License-Identifier: GPL-2.0-or-later
#include "explain.h"
#include "msg.h"
#include "size.h"

#define U64(v)	((unsigned long long)(v))

const char *cdp_explain_says(const struct cdp_super *super, const struct cdp_uuid *uuid,
			     char text[CDP_SAYS_TEXT])
{
	static const char *const states[] = { "unknown", "in-sync", "stale", "faulty or missing" };
	int slot = cdp_super_find(super, uuid);
	char when[CDP_WHEN_TEXT];

	if (slot < 0)
		cdp_print(text, CDP_SAYS_TEXT, "not a leg of the set");
	else
		cdp_print(text, CDP_SAYS_TEXT, "%s since %s", states[super->legs[slot].state],
			  cdp_when_print(super->legs[slot].changed, when));
	return text;
}

const char *cdp_explain_amount(const struct cdp_still *s, u32 leg, u32 other,
			       char text[CDP_AMOUNT_TEXT])
{
	const struct cdp_super *super = &s->plan.legs[leg].super;
	struct cdp_split_amount a;
	struct cdp_md_file f;
	struct cdp_area area;
	char size[CDP_SIZE_TEXT];
	int r = cdp_still_area(s, leg, false, &f, &area), n;

	if (!r)
		r = cdp_split_amount(&area, &s->conf.legs[other].uuid, &a);
	cdp_md_close(&f);
	cdp_why_clear();
	if (r) {
		cdp_print(text, CDP_AMOUNT_TEXT, "it is not known how much (%s)",
			  r == -ENOENT ? "no tracker" : "its metadata cannot be read");
		return text;
	}
	n = cdp_print(text, CDP_AMOUNT_TEXT, "%s%s (regions: %llu)",
		      a.intent_extents || a.damaged_pages ? "at most " : "",
		      cdp_size_print(a.regions * super->region_sectors * CDP_SECTOR_BYTES, size),
		      U64(a.regions));
	if (a.intent_extents)
		n += cdp_print(text + n, CDP_AMOUNT_TEXT - (size_t)n,
			       ", of them extents with writes under way: %llu",
			       U64(a.intent_extents));
	if (a.damaged_pages)
		cdp_print(text + n, CDP_AMOUNT_TEXT - (size_t)n,
			  ", damaged bitmap pages, which count as all written: %llu",
			  U64(a.damaged_pages));
	return text;
}

/*----------------------------------------------------------------*/

static void tell_leg(const struct cdp_still *s, u32 leg)
{
	const struct cdp_plan_leg *l = &s->plan.legs[leg];
	char text[CDP_LEG_TEXT], says[CDP_SAYS_TEXT], when[CDP_WHEN_TEXT];
	u32 i;

	cdp_still_leg_text(s, leg, text);
	if (!cdp_still_is_valid(s, leg)) {
		cdp_note("%s: %s", text, l->unreadable ? "its metadata cannot be read" : l->why);
		return;
	}
	cdp_note("%s: last recorded %s, sequence %llu, generation %016llx", text,
		 cdp_when_print(l->super.updated, when), U64(l->super.sequence),
		 U64(l->super.generation));
	for (i = 0; i < s->conf.nr_legs; i++)
		cdp_note("    says that leg %u is %s%s", i,
			 cdp_explain_says(&l->super, &s->conf.legs[i].uuid, says),
			 i == leg ? " (itself)" : "");
}

static bool diverged(const struct cdp_still *s, u32 a, u32 b)
{
	return a != b && cdp_still_claims(s, a) && cdp_still_claims(s, b) &&
	       cdp_split_diverged(&s->plan.legs[a].super, &s->plan.legs[b].super);
}

static void tell_pair(const struct cdp_still *s, u32 leg, u32 other)
{
	u64 ancestor = cdp_split_ancestor(&s->plan.legs[leg].super, &s->plan.legs[other].super);
	char text[CDP_AMOUNT_TEXT];

	cdp_note("    wrote since leg %u left: %s", other, cdp_explain_amount(s, leg, other, text));
	if (ancestor)
		cdp_note("    common ancestor with leg %u: generation %016llx", other,
			 U64(ancestor));
	else
		cdp_note("    no common ancestor with leg %u is remembered", other);
}

static int tell_split(const struct cdp_still *s)
{
	char remedy[CDP_MSG_TEXT / 2] = "", path[CDP_PATH_TEXT];
	u32 i, k;
	int n = 0;

	for (i = 0; i < s->conf.nr_legs; i++) {
		bool split = false;

		if (!s->found[i].here)
			continue;
		tell_leg(s, i);
		for (k = 0; k < s->conf.nr_legs; k++)
			if (diverged(s, i, k)) {
				split = true;
				tell_pair(s, i, k);
			}
		if (split)
			n += cdp_print(remedy + n, sizeof(remedy) - (size_t)n,
				       "%scdpctl resolve %s --keep %s", n ? ", or: " : "",
				       s->conf.name, cdp_still_device(s, i, path));
	}
	return cdp_refuse("split-brain", "%s: not started: its legs have diverged, because more than one went on alone (split brain). Choose the survivor; what the others wrote since then will be overwritten: %s",
		       s->conf.name, remedy);
}

/*----------------------------------------------------------------*/

/* The leg that knows most of what happened; -1 without a valid one. */
static int newest(const struct cdp_still *s)
{
	const struct cdp_super *a, *b;
	int best = -1;
	u32 i;

	for (i = 0; i < s->conf.nr_legs; i++) {
		if (!cdp_still_is_valid(s, i))
			continue;
		a = &s->plan.legs[i].super;
		b = best < 0 ? NULL : &s->plan.legs[best].super;
		if (!b || cdp_super_descends(a, b->generation) ||
		    (a->generation == b->generation && a->sequence > b->sequence))
			best = (int)i;
	}
	return best;
}

/* The legs that were in-sync by the newest record, and are not here. */
static void needed_text(const struct cdp_still *s, char *text, size_t size)
{
	const struct cdp_super *super;
	char leg[CDP_LEG_TEXT], uuid[CDP_UUID_TEXT];
	int best = newest(s), place, n = 0;
	u32 i;

	*text = '\0';
	super = best < 0 ? NULL : &s->plan.legs[best].super;
	for (i = 0; super && i < CDP_MAX_LEGS; i++) {
		const struct cdp_leg_entry *e = &super->legs[i];

		if (e->state != DISK_LEG_IN_SYNC)
			continue;
		place = cdp_still_place(s, &e->uuid);
		n += cdp_print(text + n, size - (size_t)n, "%s", n ? " or " : "");
		if (place < 0)
			n += cdp_print(text + n, size - (size_t)n, "a leg with the UUID %s",
				       cdp_uuid_print(&e->uuid, uuid));
		else
			n += cdp_print(text + n, size - (size_t)n, "%s",
				       cdp_still_leg_text(s, (u32)place, leg));
	}
	if (!n)
		cdp_print(text, size, "a leg of which the metadata of those here does not know");
}

static int tell_missing(const struct cdp_still *s)
{
	char needed[CDP_MSG_TEXT / 2];
	u32 i;

	for (i = 0; i < s->conf.nr_legs; i++)
		if (s->found[i].here)
			tell_leg(s, i);
	needed_text(s, needed, sizeof(needed));
	return cdp_refuse("no-source", "%s: not started: the legs that are here lack writes. Needed is %s. A leg that is not in-sync is never taken for a good one, so nothing overrides this; start the set again when the other is here",
		       s->conf.name, needed);
}

int cdp_explain(const struct cdp_still *s)
{
	u32 i;

	switch (-s->verdict) {
	case 0:
		return 0;
	case ENOTUNIQ:
		return tell_split(s);
	case ENODATA:
		return tell_missing(s);
	}
	for (i = 0; i < s->conf.nr_legs; i++)
		if (s->found[i].here)
			tell_leg(s, i);
	if (s->verdict == -EUCLEAN)
		return cdp_refuse("not-started", "%s: not started: %s", s->conf.name, s->plan.why);
	return cdp_why(s->verdict, "%s: not started: %s; cdpctl examine DEV tells more",
		       s->conf.name, s->plan.why);
}
