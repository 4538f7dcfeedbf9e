// SPDX-License-Identifier: GPL-2.0
/* What happens to disks by themselves, and to legs while nobody looks. */
#include "sim.h"
#include "cdp.h"

static struct disk *any_disk(void)
{
	struct leg *l = &legs[below(LEGS)];

	return one_in(3) ? &l->meta : &l->data;
}

void nature_one_error(u32 leg, bool meta)
{
	struct disk *d = meta ? &legs[leg].meta : &legs[leg].data;
	enum req_kind k = (enum req_kind)below(REQ_KINDS);

	d->fail_once[k] = 1 + one_in(3);
	d->fail_after[k] = one_in(2) ? below(5) : 0;
	say("* %s: a request of kind %d fails, after %u", d->name, k, d->fail_after[k]);
}

static void break_disk(struct disk *d)
{
	u32 i;

	if (one_in(3)) {
		d->bad_from = below(d->meta ? 40 : MAX_SECTORS);
		d->bad_to = d->bad_from + 1 + below(64);
		say("* %s: sectors %lu to %lu are bad", d->name, d->bad_from, d->bad_to);
		return;
	}
	for (i = 0; i < REQ_KINDS; i++)
		d->broken[i] = one_in(2);
	say("* %s: broken for%s%s%s", d->name, d->broken[0] ? " reads" : "",
	    d->broken[1] ? " writes" : "", d->broken[2] ? " flushes" : "");
}

static void vanish(struct leg *l)
{
	u32 i;

	for (i = 0; i < REQ_KINDS; i++)
		l->data.broken[i] = l->meta.broken[i] = true;
	say("* leg %u is not there", l->data.leg);
}

void nature_hang(u32 leg)
{
	struct leg *l = &legs[leg];

	l->data.hung = l->meta.hung = true;
	if (one_in(3))
		l->meta.hung = false;
	else if (one_in(3))
		l->data.hung = false;
	/* what is sent to it may count as failed, now or later */
	l->data.error_at = l->meta.error_at = sim.clock;
	say("* leg %u hangs%s", l->data.leg, !l->meta.hung ? " (data)" : !l->data.hung ? " (metadata)" : "");
}

void nature_heal(void)
{
	u32 i;

	say("* all disks are well again");
	for (i = 0; i < LEGS; i++) {
		disk_heal(&legs[i].data);
		disk_heal(&legs[i].meta);
	}
}

static enum cdp_leg_state state_of(u32 leg)
{
	struct cdp *c = dm_cdp();
	u32 i;

	for (i = 0; c && i < c->nr_legs; i++)
		if (dm.table.leg[i] == leg)
			return c->set.legs[i].state;
	return LEG_MISSING;
}

bool leg_is_given_up(u32 leg)
{
	return state_of(leg) == LEG_FAULTY;
}

/* Is a running set, or one that starts, at work on it? */
bool leg_in_use(u32 leg)
{
	u32 i;

	if ((dm.live && !dm_cdp()) || disk_has_requests(&legs[leg].data) ||
	    disk_has_requests(&legs[leg].meta))
		return true;
	for (i = 0; dm.live && i < dm.table.nr; i++)
		if (dm.table.leg[i] == leg)
			return state_of(leg) != LEG_FAULTY;
	return false;
}

void nature_lose_cache(u32 leg, bool resend)
{
	static u64 was[MAX_SECTORS];
	struct leg *l = &legs[leg];

	say("* leg %u loses its cache", leg);
	memcpy(was, l->data.cur, sizeof(was));
	disk_lose_cache(&l->data);
	if (!resend)
		disk_fail_requests(&l->data);
	if (memcmp(was, l->data.cur, sizeof(was))) {
		l->lacks = l->lost_cache = true;
		l->gaining = false;
	}
	if (l->branch && l->branch != model_current())
		model_power_loss(l->branch);
}

static void lose_cache(void)
{
	struct cdp *c = dm_cdp();
	u32 i;

	/* in the moment of its loss it may still be read */
	if (c && c->lock.owner)
		return;
	for (i = 0; i < LEGS; i++)
		if (state_of(i) == LEG_FAULTY && one_in(2))
			nature_lose_cache(i, has_class(C_RESEND));
}

static bool may_fail(const struct disk *d)
{
	u32 i;

	for (i = 0; i < REQ_KINDS; i++)
		if (d->broken[i] || d->fail_once[i])
			return true;
	return d->hung || d->bad_to;
}

/* Is it the primary, or will it be when it is in-sync again? */
static bool is_primary_to_be(const struct cdp_set *s, int place)
{
	const struct cdp_set_leg *l = &s->legs[place];

	return place == s->read_leg ||
	       (l->state == LEG_STALE &&
		(place < s->read_leg ||
		 cdp_uuid_equal(&s->super.legs[l->slot].uuid, &s->super.preferred)));
}

/* Is it read, or may it be soon: sent there before a failover, or because the primary fails? */
static bool may_be_read(struct cdp *c, int place)
{
	u32 i, primary = dm.table.leg[c->set.read_leg];

	for (i = 0; i < OPS; i++) {
		const struct cdp_bio *b = dm_per_bio_data(&ops[i].bio, sizeof(*b));

		if (ops[i].used && ops[i].read &&
		    (b->tried || b->status || (b->c && b->leg == place)))
			return true;
	}
	return is_primary_to_be(&c->set, place) || strstr(dm.table.features, "balance") ||
	       may_fail(&legs[primary].data) || may_fail(&legs[primary].meta) ||
	       audit_has_failed(primary);
}

/*
 * A server reboots and is back before anybody sees an error. Of those whose cache the
 * set can do without: not the primary's, nor one that is read now and then.
 */
int nature_forgetful(void)
{
	struct cdp *c = dm_cdp();
	u32 place = below(LEGS), leg;

	if (!c || c->lock.owner || place >= c->nr_legs ||
	    c->set.legs[place].state < LEG_STALE || may_be_read(c, (int)place))
		return -1;
	leg = dm.table.leg[place];
	say("* leg %u loses its cache, and nobody sees it", leg);
	disk_lose_cache(&legs[leg].data);
	disk_resend(&legs[leg].data);
	legs[leg].doubtful = true;
	return (int)place;
}

void nature_fault(void)
{
	u32 what = below(8);

	if (what < 3) {
		if (has_class(C_ERRORS))
			nature_one_error(below(LEGS), one_in(3));
	} else if (what == 3) {
		if (has_class(C_BROKEN))
			break_disk(any_disk());
	} else if (what == 4) {
		if (has_class(C_BROKEN))
			vanish(&legs[below(LEGS)]);
	} else if (what == 5) {
		if (has_class(C_HANGS))
			nature_hang(below(LEGS));
	} else if (what == 6) {
		if (has_class(C_CACHES))
			lose_cache();
	} else {
		nature_heal();
	}
}

/*----------------------------------------------------------------
 * Legs out of use
 *--------------------------------------------------------------*/

/* A copy of a leg as a crash would leave it. */
static void take_copy(u32 leg)
{
	struct leg *l = &legs[leg];
	struct cdp_super s;

	if (!l->branch || l->damaged || leg_super(leg, &s) != SUPER_VALID)
		return;
	say("* a copy of leg %u is taken", leg);
	l->has_copy = true;
	memcpy(l->copy_data, l->data.dur, sizeof(l->copy_data));
	memcpy(l->copy_area, l->meta.area, sizeof(l->copy_area));
	l->copy_branch = l->branch;
	l->copy_acks = l->had_acks;
	l->copy_sequence = s.sequence;
}

/*
 * Put it back. A copy from the same activation cannot be told from the leg itself;
 * format.h promises no more than two commits' difference.
 */
static void restore(u32 leg)
{
	struct leg *l = &legs[leg];
	bool meta_only = one_in(3);
	struct cdp_super s;

	if (!l->has_copy || l->branch != l->copy_branch || leg_super(leg, &s) != SUPER_VALID ||
	    s.sequence < l->copy_sequence + 2)
		return;
	say("* leg %u is what it was when the copy was taken%s", leg, meta_only ? " (metadata)" : "");
	memcpy(l->meta.area, l->copy_area, sizeof(l->copy_area));
	if (!meta_only) {
		memcpy(l->data.cur, l->copy_data, sizeof(l->copy_data));
		memcpy(l->data.dur, l->copy_data, sizeof(l->copy_data));
		memset(l->data.since, 0, sizeof(l->data.since));
	}
	l->restored = l->lacks = true;
	l->gaining = false;
	l->had_acks = l->copy_acks;
}

static void replace(u32 leg)
{
	u32 i, others = 0;

	/* one good leg is left */
	for (i = 0; i < LEGS; i++)
		others += i != leg && legs[i].branch && legs[i].branch == model_current() &&
			  !legs[i].lacks && !legs[i].damaged && !legs[i].restored;
	if (!others)
		return;
	say("* leg %u is a new disk", leg);
	disk_init(leg);
}

/* Something that is said there is not said any more. */
static void forge(u8 *block)
{
	u32 i, at = sizeof(struct cdp_header_disk) + below(40), from = at;

	for (i = 0; i < 40 && !block[at]; i++)
		at = from + (at - from + 1) % 40;
	block[at] = one_in(2) ? 0 : block[at] ^ (u8)(1 + below(255));
}

/* One block of metadata is not what was written. */
static void damage(u32 leg)
{
	struct leg *l = &legs[leg];
	struct cdp_super s;
	u32 block = below(8), i;
	u8 *p;

	if (l->blank || l->damaged || !l->branch)
		return;
	/* mostly what was recorded last */
	if (one_in(2) && leg_super(leg, &s) == SUPER_VALID)
		block = (u32)cdp_super_block(s.sequence);
	p = l->meta.area + block * CDP_BLOCK_BYTES;
	l->damaged = true;
	say("* leg %u: metadata block %u is damaged", leg, block);
	if (one_in(3))
		memset(p, 0, CDP_BLOCK_BYTES);
	else if (one_in(2))
		p[below(CDP_BLOCK_BYTES)] ^= (u8)(1u << below(8));
	else if (one_in(2))
		forge(p);
	else
		for (i = 0; i < CDP_BLOCK_SECTORS; i++)
			if (one_in(2))
				memset(p + (i << SECTOR_SHIFT), (int)below(256), 512);
}

void nature_tamper(void)
{
	u32 leg = below(LEGS), what = below(4);

	if (what == 0 && has_class(C_SNAPSHOT)) {
		take_copy(leg);
		return;
	}
	if (leg_in_use(leg))
		return;
	if (what == 1 && has_class(C_SNAPSHOT))
		restore(leg);
	else if (what == 2 && has_class(C_BLANK) && one_in(3))
		replace(leg);
	else if (what == 3 && has_class(C_DAMAGE))
		damage(leg);
}
