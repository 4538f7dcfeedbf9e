// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan.h"

#define REFUSE(p, err, ...) (cdp_print((p)->why, sizeof((p)->why), __VA_ARGS__), (err))
#define BUSY "has requests of the table before to answer"
#define REASON(p, i, text) cdp_print((p)->reason[i], sizeof((p)->reason[i]), "%s", text)

static bool is_valid(const struct cdp_plan_leg *l)
{
	return l->present && !l->unreadable && l->kind == SUPER_VALID;
}

/* Is it this set that runs now, in the table before? */
static bool runs(const struct cdp_plan *p, const struct cdp_super *s)
{
	return p->last_sequence && cdp_uuid_equal(&s->set_uuid, &p->last_set);
}

/* Has the running set given it up? The leg may not have been told. */
static bool is_given_up(const struct cdp_plan *p, const struct cdp_super *s)
{
	u32 i;

	for (i = 0; i < p->nr_last_legs; i++)
		if (cdp_uuid_equal(&s->leg_uuid, &p->last_legs[i]))
			return false;
	return runs(p, s);
}

/* Does the leg itself say that it was whole when it was last written to? */
static bool claims_in_sync(const struct cdp_plan_leg *l)
{
	return is_valid(l) && l->super.legs[l->super.slot].state == DISK_LEG_IN_SYNC;
}

/* Everything that can be wrong with one leg's superblock, without the others. */
static int check_leg(struct cdp_plan *p, u32 i)
{
	struct cdp_plan_leg *l = &p->legs[i];
	const struct cdp_super *s = &l->super;

	if (!is_valid(l))
		return 0;
	if (s->ro_compat & ~CDP_RO_COMPAT_KNOWN)
		return REFUSE(p, -EUCLEAN,
			      "leg %u: metadata is of a later format, it may only be examined", i);
	if (s->region_sectors != p->region_sectors)
		return REFUSE(p, -EINVAL,
			      "leg %u: its regions have %u sectors, the table line says %u",
			      i, s->region_sectors, p->region_sectors);
	if (s->data_sectors > p->data_sectors)
		return REFUSE(p, -EINVAL,
			      "leg %u: its set has %llu sectors, the table line %llu; a set cannot shrink",
			      i, (unsigned long long)s->data_sectors,
			      (unsigned long long)p->data_sectors);
	if (s->data_start != l->data_start)
		return REFUSE(p, -EINVAL, "leg %u: its data starts at sector %llu, the table line says %llu",
			      i, (unsigned long long)s->data_start,
			      (unsigned long long)l->data_start);
	return 0;
}

static int check_sets(struct cdp_plan *p)
{
	u32 i, first = CDP_MAX_LEGS, k;

	for (i = 0; i < p->nr_legs; i++) {
		int r = check_leg(p, i);

		if (r)
			return r;
		if (!is_valid(&p->legs[i]))
			continue;
		if (first == CDP_MAX_LEGS)
			first = i;
		if (!cdp_uuid_equal(&p->legs[i].super.set_uuid, &p->legs[first].super.set_uuid))
			return REFUSE(p, -EUCLEAN,
				      "leg %u belongs to another set than leg %u", i, first);
		for (k = 0; k < i; k++)
			if (is_valid(&p->legs[k]) &&
			    cdp_uuid_equal(&p->legs[k].super.leg_uuid, &p->legs[i].super.leg_uuid))
				return REFUSE(p, -EUCLEAN,
					      "legs %u and %u are copies of one leg: same UUID",
					      k, i);
	}
	p->is_new = first == CDP_MAX_LEGS;
	return 0;
}

/* A new set: nothing but blank areas. */
static int plan_new(struct cdp_plan *p)
{
	struct cdp_super *s = &p->super;
	u32 i;

	s->set_uuid = p->new_set;
	s->data_sectors = p->data_sectors;
	s->region_sectors = p->region_sectors;
	s->trackers = cdp_geometry_trackers(p->nr_legs);
	s->created = p->now;
	s->generation = p->new_generation;
	s->preferred = p->new_legs[0];
	p->clean = true;
	if (!p->legs[0].present)
		return REFUSE(p, -ENODATA, "leg 0 is the source of a new set, it cannot be missing");
	s->logical_block_bytes = p->legs[0].logical_block_bytes;
	for (i = 0; i < p->nr_legs; i++) {
		struct cdp_plan_leg *l = &p->legs[i];
		bool whole = !i || p->assume_clean;

		if (l->present && p->has_meta && (l->unreadable || l->kind != SUPER_BLANK))
			return REFUSE(p, -EUCLEAN, "leg %u: %s; only a zeroed metadata area is formatted",
				      i, l->unreadable ? "metadata cannot be read" : l->why);
		if (l->busy)
			return REFUSE(p, -EBUSY, "leg %u " BUSY, i);
		p->slot[i] = i;
		p->format[i] = l->present;
		s->legs[i].uuid = p->new_legs[i];
		s->legs[i].order = i;
		s->legs[i].changed = p->now;
		if (!l->present)
			p->state[i] = LEG_MISSING;
		else
			p->state[i] = whole ? LEG_IN_SYNC : LEG_STALE;
		p->tracker[i] = whole && l->present ? TRACKER_NONE : TRACKER_FULL;
		if (p->tracker[i] == TRACKER_FULL)
			REASON(p, i, "first copy");
	}
	return 0;
}

/* Is @a's line of history the older part of @b's? */
static bool is_behind(const struct cdp_super *a, const struct cdp_super *b)
{
	return cdp_super_descends(b, a->generation);
}

/* In one line of history: one that the running set believes, or the newer commit. */
static bool is_better(const struct cdp_plan *p, const struct cdp_super *a,
		      const struct cdp_super *b)
{
	if (is_given_up(p, a) != is_given_up(p, b))
		return is_given_up(p, b);
	return a->sequence > b->sequence;
}

/*
 * The leg to believe: of those that call themselves in-sync the one whose
 * history contains all others'; among equals the one with the newest commit. Under a
 * guest that is at work the disk must not be turned back: it goes on from a leg of the
 * running set.
 */
static int choose_authority(struct cdp_plan *p)
{
	int best = -1;
	u32 i;

	for (i = 0; i < p->nr_legs; i++) {
		const struct cdp_super *s = &p->legs[i].super, *b;

		if (!claims_in_sync(&p->legs[i]))
			continue;
		if (best < 0) {
			best = (int)i;
			continue;
		}
		b = &p->legs[best].super;
		if (s->generation == b->generation) {
			if (is_better(p, s, b))
				best = (int)i;
		} else if (is_behind(b, s)) {
			best = (int)i;
		} else if (!is_behind(s, b)) {
			return REFUSE(p, -ENOTUNIQ, "legs %d and %u have diverged: both went on alone; choose the survivor (cdpctl resolve)",
				      best, i);
		}
	}
	if (best < 0)
		return REFUSE(p, -ENODATA, "no leg that is in-sync is there");
	for (i = 0; i < p->nr_legs; i++)
		if (is_valid(&p->legs[i]) && is_behind(&p->legs[best].super, &p->legs[i].super))
			return REFUSE(p, -ENODATA,
				      "leg %u knows a later history than leg %d; the leg that is whole is not there",
				      i, best);
	if (is_given_up(p, &p->legs[best].super))
		return REFUSE(p, -ENODATA,
			      "leg %d has left the set that runs, and lacks what was written since; name a leg that is in-sync there",
			      best);
	p->authority = (u32)best;
	return 0;
}

/*
 * Was the leg part of a set that went on without the record's? The last commit it
 * took part in tells: its entry in its own leg table. (One that is on its way back
 * was told later ones, but its entry in those is that of its departure.) A commit
 * that the record's leg was to take as well, and a crash came between, is no harm.
 */
static bool went_on(const struct cdp_super *record, const struct cdp_leg_entry *e,
		    const struct cdp_super *own)
{
	u64 last = own->legs[own->slot].sequence;
	int slot = cdp_super_find(own, &record->leg_uuid);

	if (last <= e->sequence)
		return false;
	return last > e->sequence + 1 || slot < 0 || own->legs[slot].sequence != last ||
	       own->legs[slot].state != DISK_LEG_IN_SYNC;
}

/*
 * What a known leg lacks, by its entry in the authority's leg table. NULL: its
 * tracker tells; else why everything has to be copied.
 */
static const char *why_full(const struct cdp_super *record, const struct cdp_leg_entry *e,
			    const struct cdp_super *own)
{
	/* commits go out one after the other, so a leg is behind by one at most */
	if (own->sequence + 1 < e->sequence)
		return "older copy of the leg";
	if (went_on(record, e, own))
		return "was started without the others";
	if (own->generation != record->generation && !cdp_super_descends(record, own->generation))
		return "was part of another line of history";
	return NULL;
}

static void place_known(struct cdp_plan *p, u32 i, u32 slot)
{
	const struct cdp_leg_entry *e = &p->super.legs[slot];
	const struct cdp_plan_leg *l = &p->legs[i];
	const char *why = why_full(&p->super, e, &l->super);

	p->slot[i] = slot;
	p->state[i] = l->busy ? LEG_FAULTY : LEG_STALE;
	p->tracker[i] = TRACKER_LOAD;
	if (l->busy) {
		p->tracker[i] = why ? TRACKER_FULL : TRACKER_LOAD;
		REASON(p, i, BUSY);
	} else if (why) {
		p->tracker[i] = TRACKER_FULL;
		REASON(p, i, why);
	} else if (e->state == DISK_LEG_IN_SYNC && claims_in_sync(l) &&
		   !is_given_up(p, &l->super)) {
		p->state[i] = LEG_IN_SYNC;
		p->tracker[i] = TRACKER_NONE;
	} else {
		REASON(p, i, "left the set");
	}
}

/* A leg that cannot be identified, or is not there, takes a place nobody else has. */
static int place_unknown(struct cdp_plan *p, u32 i, u32 *taken)
{
	u32 slot, pick = CDP_MAX_LEGS;
	bool blank = p->legs[i].present && !p->legs[i].unreadable &&
		     p->legs[i].kind != SUPER_DAMAGED;

	for (slot = 0; slot < p->super.trackers; slot++) {
		bool used = p->super.legs[slot].state != DISK_LEG_UNUSED;

		if (*taken & 1u << slot || used == blank)
			continue;
		/* best the one that was at this place in the table */
		if (pick == CDP_MAX_LEGS || (used && p->super.legs[slot].order == i))
			pick = slot;
	}
	for (slot = 0; pick == CDP_MAX_LEGS && slot < p->super.trackers; slot++)
		if (!(*taken & 1u << slot))
			pick = slot;
	if (pick == CDP_MAX_LEGS)
		return REFUSE(p, -EINVAL, "leg %u: the set's metadata has room for %u legs only",
			      i, p->super.trackers);
	*taken |= 1u << pick;
	p->slot[i] = pick;
	p->tracker[i] = TRACKER_LOAD;
	if (blank || p->super.legs[pick].state == DISK_LEG_UNUSED) {
		memset(&p->super.legs[pick], 0, sizeof(p->super.legs[pick]));
		p->super.legs[pick].uuid = p->new_legs[i];
		p->super.legs[pick].changed = p->now;
		p->tracker[i] = TRACKER_FULL;
	}
	return 0;
}

static int place_others(struct cdp_plan *p, u32 *taken)
{
	u32 i;

	for (i = 0; i < p->nr_legs; i++) {
		struct cdp_plan_leg *l = &p->legs[i];
		int r;

		if (is_valid(l) && cdp_super_find(&p->super, &l->super.leg_uuid) >= 0)
			continue;
		if (l->present && !l->unreadable &&
		    (l->kind == SUPER_FOREIGN || l->kind == SUPER_UNSUPPORTED))
			return REFUSE(p, -EUCLEAN, "leg %u: %s", i, l->why);
		r = place_unknown(p, i, taken);
		if (r)
			return r;
		if (!l->present) {
			p->state[i] = LEG_MISSING;
			REASON(p, i, "not there");
		} else if (l->unreadable || l->kind == SUPER_DAMAGED) {
			/* it may be the leg of this place, but that cannot be known */
			p->state[i] = LEG_FAULTY;
			p->tracker[i] = TRACKER_FULL;
			REASON(p, i, l->unreadable ? "metadata cannot be read" : "metadata is damaged");
		} else if (l->busy) {
			p->state[i] = LEG_FAULTY;
			REASON(p, i, BUSY);
		} else {
			p->state[i] = LEG_STALE;
			p->format[i] = true;
			REASON(p, i, "new leg");
		}
	}
	return 0;
}

/*
 * A leg that does not answer may have gone on without the others. It has not where the
 * record says that it had left, or is the last one that the table before has made.
 */
static int check_silent(struct cdp_plan *p, u32 taken)
{
	const struct cdp_super *record = &p->legs[p->authority].super;
	u32 i, slot;

	if (runs(p, record) && record->sequence >= p->last_sequence)
		return 0;
	for (slot = 0; slot < CDP_MAX_LEGS; slot++)
		for (i = 0; i < p->nr_legs; i++)
			if (p->legs[i].silent && !(taken & 1u << slot) &&
			    record->legs[slot].state == DISK_LEG_IN_SYNC)
				return REFUSE(p, -ETIMEDOUT,
					      "leg %u does not answer, and may be newer than leg %u; wait for it, or start without it (- 0 - 0)",
					      i, p->authority);
	return 0;
}

/* Legs that the table line does not name any more leave the set. */
static void drop_unlisted(struct cdp_plan *p, u32 taken)
{
	u32 slot, i;

	for (slot = 0; slot < CDP_MAX_LEGS; slot++)
		if (!(taken & 1u << slot))
			memset(&p->super.legs[slot], 0, sizeof(p->super.legs[slot]));
	for (i = 0; i < p->nr_legs; i++)
		if (cdp_uuid_equal(&p->super.legs[p->slot[i]].uuid, &p->super.preferred))
			return;
	p->super.preferred = p->super.legs[p->slot[0]].uuid;
}

static int check_blocks(struct cdp_plan *p)
{
	u32 i;

	for (i = 0; i < p->nr_legs; i++)
		if (p->legs[i].present &&
		    p->legs[i].logical_block_bytes > p->super.logical_block_bytes)
			return REFUSE(p, -EINVAL, "leg %u: its logical blocks have %u bytes, those of the set %u",
				      i, p->legs[i].logical_block_bytes,
				      p->super.logical_block_bytes);
	return 0;
}

static bool takes_part(const struct cdp_plan *p, const struct cdp_uuid *leg)
{
	u32 i;

	for (i = 0; i < p->nr_legs; i++)
		if (p->state[i] >= LEG_STALE &&
		    cdp_uuid_equal(&p->super.legs[p->slot[i]].uuid, leg))
			return true;
	return false;
}

/*
 * May a leg that takes no part now, and so is not told, call itself in-sync? As
 * long as the leg table knows it a new generation can wait for the first write:
 * the next start would come to the same. That is not so for one that leaves the
 * table, and for one that was being copied to: the commit that called it in-sync
 * may have got to it and to nobody else, and its entry will not show that again.
 */
static void mint_for_absent(struct cdp_plan *p)
{
	const struct cdp_super *record = &p->legs[p->authority].super;
	const struct cdp_leg_entry *old = record->legs;
	u32 slot;

	for (slot = 0; slot < CDP_MAX_LEGS; slot++) {
		bool copied_to = old[slot].state == DISK_LEG_STALE &&
				 old[slot].sequence == record->sequence;

		if (old[slot].state == DISK_LEG_UNUSED || takes_part(p, &old[slot].uuid))
			continue;
		if (copied_to)
			p->mint_now = true;
		else if (old[slot].generation != record->generation)
			continue;
		else if (cdp_uuid_equal(&p->super.legs[slot].uuid, &old[slot].uuid))
			p->mint = true;
		else
			p->mint_now = true;
	}
}

static bool all_clean(const struct cdp_plan *p)
{
	u32 i;

	for (i = 0; i < p->nr_legs; i++)
		if (p->state[i] == LEG_IN_SYNC && !(p->legs[i].super.flags & CDP_SUPER_CLEAN))
			return false;
	return true;
}

/*
 * A leg's commits are never numbered lower than those it has seen, in whatever line of
 * history: two lines would number theirs alike, and pass for one. By an even step, so
 * that it is still the older superblock that goes first.
 */
static void outnumber(struct cdp_plan *p)
{
	u64 last = p->super.sequence;
	u32 i;

	for (i = 0; i < p->nr_legs; i++)
		if (is_valid(&p->legs[i]) && p->legs[i].super.sequence > last)
			last = p->legs[i].super.sequence;
	p->super.sequence += (last - p->super.sequence + 1) & ~1ull;
}

static int plan_known(struct cdp_plan *p)
{
	struct cdp_geometry g;
	const char *why;
	u32 i, taken = 0;
	int r = choose_authority(p);

	if (r)
		return r;
	p->super = p->legs[p->authority].super;
	if (cdp_geometry_set(&g, p->super.data_sectors, p->super.region_sectors,
			     p->super.trackers, &why))
		return REFUSE(p, -EINVAL, "%s", why);
	if (p->data_sectors > p->super.data_sectors) {
		p->grown = true;
		p->grown_from = p->super.data_sectors >> g.region_shift;
		p->super.data_sectors = p->data_sectors;
	}
	for (i = 0; i < p->nr_legs; i++) {
		int slot = is_valid(&p->legs[i]) ?
			   cdp_super_find(&p->super, &p->legs[i].super.leg_uuid) : -1;

		if (slot < 0)
			continue;
		taken |= 1u << slot;
		place_known(p, i, (u32)slot);
	}
	r = check_silent(p, taken);
	if (!r)
		r = place_others(p, &taken);
	if (r)
		return r;
	p->clean = all_clean(p);
	drop_unlisted(p, taken);
	mint_for_absent(p);
	outnumber(p);
	return check_blocks(p);
}

int cdp_plan_make(struct cdp_plan *p)
{
	struct cdp_geometry g;
	const char *why;
	u32 trackers = cdp_geometry_trackers(p->nr_legs);
	int r;

	memset(&p->super, 0, sizeof(p->super));
	memset(p->reason, 0, sizeof(p->reason));
	p->why[0] = '\0';
	p->grown = p->mint = p->mint_now = false;
	p->authority = 0;
	memset(p->format, 0, sizeof(p->format));
	if (cdp_geometry_set(&g, p->data_sectors, p->region_sectors, trackers, &why))
		return REFUSE(p, -EINVAL, "%s", why);
	r = check_sets(p);
	if (r)
		return r;
	r = p->is_new ? plan_new(p) : plan_known(p);
	if (r)
		return r;
	return p->is_new ? check_blocks(p) : 0;
}

int cdp_plan_rejoin(const struct cdp_set *s, u32 leg,
		    const struct cdp_plan_leg *l, bool *full, bool *anew, char *why)
{
	const struct cdp_leg_entry *e = &s->super.legs[s->legs[leg].slot];

	*full = *anew = false;
	if (l->unreadable) {
		cdp_print(why, CDP_WHY_TEXT, "leg %u: metadata cannot be read", leg);
		return -EUCLEAN;
	}
	if (l->kind == SUPER_BLANK) {
		*full = *anew = true;
		return 0;
	}
	if (l->kind != SUPER_VALID) {
		cdp_print(why, CDP_WHY_TEXT, "leg %u: %s", leg, l->why);
		return -EUCLEAN;
	}
	if (!cdp_uuid_equal(&l->super.set_uuid, &s->super.set_uuid) ||
	    (!cdp_uuid_equal(&l->super.leg_uuid, &e->uuid) &&
	     cdp_super_find(&s->super, &l->super.leg_uuid) >= 0)) {
		cdp_print(why, CDP_WHY_TEXT, "leg %u: this is another leg than the one that left",
			  leg);
		return -EUCLEAN;
	}
	if (claims_in_sync(l) && l->super.generation != s->super.generation &&
	    !cdp_super_descends(&s->super, l->super.generation)) {
		cdp_print(why, CDP_WHY_TEXT,
			  "leg %u has diverged: it went on alone; choose the survivor (cdpctl resolve)",
			  leg);
		return -ENOTUNIQ;
	}
	/* one that was struck off the table before is as good as a new one */
	*anew = !cdp_uuid_equal(&l->super.leg_uuid, &e->uuid);
	*full = *anew || why_full(&s->super, e, &l->super);
	return 0;
}

void cdp_plan_apply(const struct cdp_plan *p, struct cdp_set *s)
{
	u32 i;

	s->super = p->super;
	s->nr_legs = p->nr_legs;
	s->has_meta = p->has_meta;
	s->copy_leg = -1;
	s->mint = p->mint_now;
	s->mint_on_write = p->mint && !p->mint_now;
	s->again = false;
	for (i = 0; i < p->nr_legs; i++) {
		s->legs[i].state = p->state[i];
		s->legs[i].slot = p->slot[i];
		s->legs[i].commits = 0;
		/* until it is told otherwise */
		if (p->state[i] >= LEG_STALE && claims_in_sync(&p->legs[i]))
			s->durable |= 1u << i;
		if (p->tracker[i] == TRACKER_FULL)
			cdp_track_from(s, i, 0);
		else if (p->grown && p->state[i] != LEG_IN_SYNC)
			cdp_track_from(s, i, p->grown_from);
	}
	cdp_set_update(s);
	/* what has grown is copied from the primary, unless it is the same everywhere */
	for (i = 0; p->grown && !p->assume_clean && i < p->nr_legs; i++)
		if (s->legs[i].state == LEG_IN_SYNC && (int)i != s->read_leg)
			cdp_track_from(s, i, p->grown_from);
}
