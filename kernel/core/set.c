// SPDX-License-Identifier: GPL-2.0-or-later
/* A set and its legs: masks, health, events, and the commits that record them. */
#include "set.h"

static u32 mask_of(const struct cdp_set *s, enum cdp_leg_state state)
{
	u32 i, mask = 0;

	for (i = 0; i < s->nr_legs; i++)
		if (s->legs[i].state == state)
			mask |= 1u << i;
	return mask;
}

u32 cdp_set_joined(const struct cdp_set *s)
{
	return mask_of(s, LEG_IN_SYNC) | mask_of(s, LEG_STALE);
}

static int pick_primary(const struct cdp_set *s)
{
	u32 i;

	for (i = 0; i < s->nr_legs; i++)
		if (s->in_sync & 1u << i &&
		    cdp_uuid_equal(&s->super.legs[s->legs[i].slot].uuid, &s->super.preferred))
			return (int)i;
	return s->in_sync ? (int)cdp_ctz(s->in_sync) : -1;
}

void cdp_set_update(struct cdp_set *s)
{
	u32 i, blocked = 0, all = (1u << s->nr_legs) - 1;

	cdp_store(s->in_sync, mask_of(s, LEG_IN_SYNC));
	cdp_store(s->read_leg, pick_primary(s));
	for (i = 0; i < s->nr_legs; i++)
		if (s->legs[i].blocks)
			blocked |= 1u << i;
	s->blocked = s->block_policy ? blocked : 0;
	cdp_store(s->fast, s->in_sync == all && !s->failing && !s->mint && !s->mint_on_write);
	/* pairs with the barrier in cdp_write_begin_fast(): a writer that still
	 * saw the old value has its regions in s->recent, where cdp_merge() looks
	 */
	cdp_full_barrier();
}

enum cdp_health cdp_set_health(const struct cdp_set *s)
{
	if (!s->in_sync || s->failing)
		return HEALTH_FAILED;
	if (s->in_sync == (1u << s->nr_legs) - 1)
		return HEALTH_OPTIMAL;
	return s->copy_leg >= 0 ? HEALTH_RESYNC : HEALTH_DEGRADED;
}

u64 cdp_set_stale_count(const struct cdp_set *s, u32 leg)
{
	u64 n = s->legs[leg].tracked;

	return (int)leg == s->copy_leg && !s->copy_void ? n - s->copied_count : n;
}

void cdp_track(struct cdp_set *s, u32 leg, u64 extent, u64 mask)
{
	struct cdp_set_leg *l = &s->legs[leg];
	u64 new = mask & ~l->tracker[extent];

	if (new) {
		u32 page = (u32)(extent / CDP_TRACKER_EXTENTS);

		l->tracker[extent] |= new;
		l->tracked += cdp_popcount(new);
		l->tracker_dirty[page / 64] |= 1ull << page % 64;
	}
	if ((int)leg == s->copy_leg) {
		s->copied_count -= cdp_popcount(s->copied[extent] & mask);
		s->copied[extent] &= ~mask;
	}
}

void cdp_track_from(struct cdp_set *s, u32 leg, u64 first)
{
	u64 e = first / CDP_EXTENT_REGIONS;

	if (first >= s->g.regions)
		return;
	cdp_track(s, leg, e, cdp_extent_mask(&s->g, e) & ~0ull << first % CDP_EXTENT_REGIONS);
	while (++e < s->g.extents)
		cdp_track(s, leg, e, cdp_extent_mask(&s->g, e));
}

u64 cdp_merge(struct cdp_set *s, u32 leg, u64 extent, u64 budget)
{
	for (; extent < s->g.extents && budget; extent++, budget--) {
		u64 mask = cdp_word_get(&s->recent[extent]);

		if (mask)
			cdp_track(s, leg, extent, mask);
	}
	if (extent == s->g.extents)
		s->legs[leg].merge = false;
	return extent;
}

/* A leg is lost to a generation that it could go on from alone. */
static void lost(struct cdp_set *s, bool by_write)
{
	s->need++;
	s->twice = true;
	if (by_write) {
		s->mint = true;
		s->mint_on_write = false;
		s->mint_at = s->need;
	} else if (!s->mint) {
		s->mint_on_write = true;
	}
}

static void leg_event(struct cdp_set *s, u32 leg, enum cdp_leg_event event, bool by_write)
{
	struct cdp_set_leg *l = &s->legs[leg];
	struct cdp_leg_step step = cdp_leg_step(l->state, event);
	bool maybe_in_sync = s->durable & 1u << leg && l->state != LEG_IN_SYNC, left;

	if (step.act & LEG_ACT_BUG)
		return;
	if (step.act & LEG_ACT_MERGE)
		l->merge = true;
	if (step.act & LEG_ACT_LAST)
		s->failing = true;
	/* a stale leg that a commit under way calls in-sync is lost as well */
	if (step.act & LEG_ACT_LOST || (maybe_in_sync && step.next != LEG_IN_SYNC))
		lost(s, by_write);
	else if (step.act & LEG_ACT_RECORD)
		s->need++;
	if (step.next != LEG_IN_SYNC)
		l->gain = false;
	if (step.next < LEG_STALE)
		l->commits = 0;
	/* one that is read because no other can be, and answers with the past, has left, too */
	left = step.next < l->state || event == LEG_EV_DOUBT;
	l->state = step.next;
	cdp_set_update(s);
	/* after the masks, which the barrier above is behind; see cdp_read_seen() */
	if (left)
		cdp_store(l->flaps, l->flaps + 1);
}

int cdp_set_may_fail(const struct cdp_set *s, u32 leg)
{
	return s->in_sync == 1u << leg ? -EBUSY : 0;
}

void cdp_set_leg_error(struct cdp_set *s, u32 leg, bool by_write)
{
	bool last = s->in_sync == 1u << leg;

	if (s->block_policy && !last && (int)leg != s->read_leg &&
	    s->legs[leg].state >= LEG_STALE)
		s->legs[leg].blocks = true;
	leg_event(s, leg, last ? LEG_EV_ERROR_LAST : LEG_EV_ERROR, by_write);
}

void cdp_set_leg_return(struct cdp_set *s, u32 leg)
{
	if (s->legs[leg].state != LEG_FAULTY)
		return;
	leg_event(s, leg, LEG_EV_RETURN, false);
}

void cdp_set_leg_renew(struct cdp_set *s, u32 leg, const struct cdp_uuid *uuid)
{
	struct cdp_leg_entry *e = &s->super.legs[s->legs[leg].slot];

	if (cdp_uuid_equal(&s->super.preferred, &e->uuid))
		s->super.preferred = *uuid;
	/* the old one is forgotten, and could go on alone */
	lost(s, true);
	e->uuid = *uuid;
	e->generation = e->sequence = 0;
	cdp_set_update(s);
}

void cdp_set_leg_lag(struct cdp_set *s, u32 leg)
{
	leg_event(s, leg, LEG_EV_LAG, true);
}

int cdp_set_leg_doubt(struct cdp_set *s, u32 leg)
{
	u32 i;

	if (cdp_set_may_fail(s, leg))
		return -EBUSY;
	if ((int)leg == s->copy_leg) {
		s->copy_void = true;
		for (i = 0; i < CDP_CLAIMS; i++)
			s->claims[i].lapsed = s->claims[i].used;
	}
	leg_event(s, leg, LEG_EV_DOUBT, true);
	return 0;
}

int cdp_set_prefer(struct cdp_set *s, u32 leg)
{
	if (!(s->in_sync & 1u << leg))
		return -EBUSY;
	s->super.preferred = s->super.legs[s->legs[leg].slot].uuid;
	s->need++;
	cdp_set_update(s);
	return 0;
}

static u32 disk_state(const struct cdp_set *s, u32 leg)
{
	const struct cdp_set_leg *l = &s->legs[leg];

	switch (l->state) {
	case LEG_IN_SYNC:
		return DISK_LEG_IN_SYNC;
	case LEG_STALE:
		return l->gain && cdp_is_whole(l) ? DISK_LEG_IN_SYNC : DISK_LEG_STALE;
	default:
		return DISK_LEG_FAULTY;
	}
}

u32 cdp_commit_begin(struct cdp_set *s, u64 now, u64 generation, bool clean, u64 *covers)
{
	u32 i, joined = cdp_set_joined(s);
	struct cdp_super *super = &s->super;

	if (s->mint)
		cdp_super_mint(super, generation);
	s->mint = false;
	/* what is lost from here on is not in this one: it asks anew */
	s->first = s->twice;
	s->twice = false;
	/* one that failed may have torn its block: the good one is not next */
	super->sequence += s->again ? 2 : 1;
	s->again = true;
	super->updated = now;
	super->flags = clean && !s->marked ? CDP_SUPER_CLEAN : 0;
	for (i = 0; i < s->nr_legs; i++) {
		struct cdp_leg_entry *e = &super->legs[s->legs[i].slot];
		u32 state = disk_state(s, i);

		if (e->state != state)
			e->changed = now;
		e->state = state;
		e->order = i;
		/* one that is still to be told that it is stale may go on alone from
		 * where it left, and must not come to the number that is written here
		 */
		if (joined & 1u << i && (s->legs[i].commits || s->in_sync & 1u << i))
			e->sequence = super->sequence;
		if (state == DISK_LEG_IN_SYNC) {
			e->generation = super->generation;
			s->durable |= 1u << i;
		}
	}
	*covers = s->need;
	cdp_set_update(s);
	return joined;
}

int cdp_commit_last(const struct cdp_set *s, struct cdp_super *super)
{
	*super = s->super;
	return s->again ? -EAGAIN : 0;
}

/* Count it on the legs that took it. Return: does one of them wait for more? */
static bool count_commit(struct cdp_set *s, u32 ok)
{
	bool more = false;
	u32 i;

	ok &= cdp_set_joined(s);
	for (i = 0; i < s->nr_legs; i++) {
		struct cdp_set_leg *l = &s->legs[i];

		if (ok & s->in_sync & 1u << i)
			l->commits = CDP_TAKES_PART;
		else if (ok & 1u << i && l->commits < CDP_TAKES_PART)
			l->commits++;
		more |= ok & 1u << i && l->commits < CDP_TAKES_PART;
	}
	return more;
}

bool cdp_commit_end(struct cdp_set *s, u64 covers, u32 ok)
{
	bool more = count_commit(s, ok);
	u32 i;

	if (s->in_sync & ~ok) {
		s->twice |= s->first;
		return false;
	}
	s->again = false;
	if (s->first) {
		s->first = false;
		return true;
	}
	for (i = 0; i < s->nr_legs; i++) {
		struct cdp_set_leg *l = &s->legs[i];

		if (s->super.legs[l->slot].state != DISK_LEG_IN_SYNC)
			cdp_store(s->durable, s->durable & ~(1u << i));
		else if (l->state == LEG_STALE && l->gain && ok & 1u << i)
			leg_event(s, i, LEG_EV_SYNCED, false);
		if (l->state == LEG_IN_SYNC)
			l->gain = l->blocks = false;
	}
	cdp_store(s->done, covers);
	s->need += more;
	cdp_set_update(s);
	return true;
}
