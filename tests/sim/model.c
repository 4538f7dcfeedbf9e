// SPDX-License-Identifier: GPL-2.0
/*
 * The oracle. For every sector the values that a correct disk may return:
 *
 *  - a value is possible from the moment its write begins;
 *  - a write that is acknowledged supersedes all values whose writes ended
 *    before it began, and those that were there at the start; a write that
 *    failed supersedes nothing;
 *  - a read may return what was possible at some moment between its begin and
 *    its end; with no write under way, what it returned is the value;
 *  - a crash brings back what was superseded after the last flush began (or the
 *    last FUA write to the sector ended), and nothing older;
 *  - a write that was never acknowledged may be found on a leg that took no part
 *    since another value was read there, until an acknowledged write supersedes it.
 *
 * A branch is a line of history: it forks when a set is started from legs that
 * do not have what others have.
 */
#include "sim.h"

#define NONE	0xffffffffu
#define POOL	49152u
#define BRANCHES 8u
#define NEVER	(~0ull)

struct version {
	u64 value;
	u64 begun, ended;	/* of its write; 0: was there, NEVER: under way */
	u64 gone;		/* superseded, or another one was read; NEVER: possible now */
	u64 lost;		/* superseded; NEVER: some leg may have it all the time */
	bool acked;
	u32 next;
};

struct branch {
	bool used;
	u64 sectors;
	u64 had;			/* sectors that it began with; the rest it grew by */
	u64 acks;			/* writes acknowledged */
	struct branch *parent;
	u64 parent_acks;		/* of the parent, when they parted */
	u64 floor;			/* when the last good flush began */
	u64 own_floor[MAX_SECTORS];	/* when the last good FUA write ended */
	u32 first[MAX_SECTORS];
};

static struct version pool[POOL];
static u32 free_first, writing[MAX_SECTORS];
static struct branch branches[BRANCHES], *now;

static u32 take(void)
{
	u32 v = free_first;

	check(v != NONE, "the simulator has too few versions");
	free_first = pool[v].next;
	return v;
}

static void add(struct branch *b, u64 s, u64 value, u64 begun, u64 ended)
{
	u32 v = take();

	pool[v] = (struct version) { value, begun, ended, NEVER, NEVER, false, b->first[s] };
	b->first[s] = v;
}

static void clear(struct branch *b, u64 s)
{
	u32 v, next;

	for (v = b->first[s]; v != NONE; v = next) {
		next = pool[v].next;
		pool[v].next = free_first;
		free_first = v;
	}
	b->first[s] = NONE;
}

/* Drop versions that neither a crash nor a read under way can bring back. */
static void trim(struct branch *b, u64 s)
{
	u64 floor = max(b->floor, b->own_floor[s]);
	u32 *at = &b->first[s], i;

	for (i = 0; i < OPS; i++)
		if (ops[i].used && ops[i].read)
			floor = min(floor, ops[i].start);
	while (*at != NONE) {
		u32 v = *at;

		if (pool[v].lost >= floor) {
			at = &pool[v].next;
			continue;
		}
		*at = pool[v].next;
		pool[v].next = free_first;
		free_first = v;
	}
}

static struct branch *branch_new(void)
{
	struct branch *b;
	u32 i, k;

	/* one that no leg is on any more can be had again */
	for (i = 0; i < BRANCHES; i++) {
		bool wanted = &branches[i] == now;

		for (k = 0; k < LEGS; k++)
			wanted |= legs[k].branch == &branches[i] ||
				  (legs[k].has_copy && legs[k].copy_branch == &branches[i]);
		if (!branches[i].used || !wanted)
			break;
	}
	check(i < BRANCHES, "the simulator has too few branches");
	b = &branches[i];
	if (b->used)
		for (i = 0; i < MAX_SECTORS; i++)
			clear(b, i);
	memset(b, 0, sizeof(*b));
	b->used = true;
	for (i = 0; i < MAX_SECTORS; i++)
		b->first[i] = NONE;
	return b;
}

void model_reset(void)
{
	u32 i;

	for (i = 0; i < POOL; i++)
		pool[i].next = i + 1 < POOL ? i + 1 : NONE;
	free_first = 0;
	memset(writing, 0, sizeof(writing));
	for (i = 0; i < BRANCHES; i++)
		branches[i].used = false;
	now = NULL;
}

struct branch *model_current(void)
{
	return now;
}

/* Requests that wait while tables change go on in what comes. */
static void bring_writes(struct branch *b)
{
	u32 i, k;

	for (i = 0; i < OPS; i++)
		if (ops[i].used && !ops[i].read && !ops[i].flush)
			for (k = 0; k < ops[i].n; k++)
				add(b, ops[i].sector + k, ops[i].data[k], ops[i].start, NEVER);
}

void model_switch(struct branch *b)
{
	if (b != now)
		bring_writes(b);
	now = b;
}

u64 model_acks(void)
{
	return now ? now->acks : 0;
}

/* Did both go on after they parted? */
bool model_split(const struct branch *a, const struct branch *b)
{
	if (a->parent == b)
		return a->acks && b->acks > a->parent_acks;
	return b->parent == a && b->acks && a->acks > b->parent_acks;
}

bool model_busy(u64 sector)
{
	return writing[sector];
}

void model_fork(const struct disk *d, u64 sectors, struct branch *parent, u64 parent_acks)
{
	now = branch_new();
	now->floor = sim.clock;
	now->parent = parent;
	now->parent_acks = parent_acks;
	model_size(d, sectors);
	now->had = parent ? parent->had : sectors;
	bring_writes(now);
}

/* Sectors that the set did not have before are what @d holds. */
void model_size(const struct disk *d, u64 sectors)
{
	for (; now->sectors < sectors; now->sectors++) {
		u64 s = now->sectors;

		/* what a crash may bring back */
		if (d->dur[s] != d->cur[s]) {
			add(now, s, d->dur[s], 0, 0);
			pool[now->first[s]].gone = pool[now->first[s]].lost = sim.clock;
		}
		add(now, s, d->cur[s], 0, 0);
	}
}

void model_begin(const struct op *op)
{
	u32 i;

	if (op->read || op->flush)
		return;
	for (i = 0; i < op->n; i++) {
		trim(now, op->sector + i);
		add(now, op->sector + i, op->data[i], op->start, NEVER);
		writing[op->sector + i]++;
	}
}

/* The guest changed the buffer of a write that is under way. */
void model_changed(const struct op *op, u32 i)
{
	add(now, op->sector + i, op->data[i], op->start, NEVER);
}

static void end_sector(const struct op *op, u64 s, bool good)
{
	u32 v;

	writing[s]--;
	for (v = now->first[s]; v != NONE; v = pool[v].next)
		if (pool[v].begun == op->start && pool[v].ended == NEVER) {
			pool[v].ended = sim.clock;
			pool[v].acked = good;
		}
	if (!good)
		return;
	for (v = now->first[s]; v != NONE; v = pool[v].next)
		if (pool[v].ended < op->start) {
			pool[v].gone = min(pool[v].gone, sim.clock);
			pool[v].lost = min(pool[v].lost, sim.clock);
		}
	if (op->fua)
		now->own_floor[s] = sim.clock + 1;
	trim(now, s);
}

void model_end(const struct op *op, bool good)
{
	u32 i;

	sim.clock++;
	for (i = 0; !op->read && !op->flush && i < op->n; i++)
		end_sector(op, op->sector + i, good);
	now->acks += good && !op->read && !op->flush;
	sim.clock++;
}

static void explain(u64 s, u64 got)
{
	u32 v;

	say("  sector %lu: %lx was found; possible at clock %lu, floor %lu/%lu:", s, got, sim.clock,
	    now->floor, now->own_floor[s]);
	for (v = now->first[s]; v != NONE; v = pool[v].next)
		say("    %lx begun %lu ended %ld gone %ld lost %ld", pool[v].value, pool[v].begun,
		    (long)pool[v].ended, (long)pool[v].gone, (long)pool[v].lost);
}

/* With no write under way the one that was read is the one. */
static void observe(u64 s, u64 value)
{
	u32 v;

	if (writing[s])
		return;
	for (v = now->first[s]; v != NONE; v = pool[v].next)
		if (pool[v].value != value)
			pool[v].gone = min(pool[v].gone, sim.clock);
}

void model_read(const struct op *op)
{
	u32 i, v;

	sim.clock++;
	for (i = 0; i < op->n; i++) {
		u64 s = op->sector + i;
		bool under_way = false;

		for (v = now->first[s]; v != NONE; v = pool[v].next) {
			if (pool[v].ended > op->start && pool[v].begun)
				under_way = true;
			if (pool[v].value == op->data[i] && pool[v].gone >= op->start)
				break;
		}
		if (v == NONE) {
			explain(s, op->data[i]);
			fail("a read of sector %lu returns %lx, which is not its value", s, op->data[i]);
		}
		for (; v != NONE; v = pool[v].next)
			under_way |= pool[v].ended > op->start && pool[v].begun;
		if (!under_way)
			observe(s, op->data[i]);
	}
	sim.clock++;
}

void model_flushed(const struct op *op)
{
	now->floor = max(now->floor, op->start);
}

void model_power_loss(struct branch *b)
{
	u64 s;

	for (s = 0; s < b->sectors; s++) {
		u64 floor = max(b->floor, b->own_floor[s]);
		u32 v;

		for (v = b->first[s]; v != NONE; v = pool[v].next) {
			if (pool[v].ended == NEVER)
				pool[v].ended = sim.clock;
			if (pool[v].gone >= floor)
				pool[v].gone = NEVER;
			if (pool[v].lost >= floor)
				pool[v].lost = NEVER;
		}
		trim(b, s);
	}
}

void model_crash(void)
{
	u32 i;

	sim.clock += 2;
	memset(writing, 0, sizeof(writing));
	for (i = 0; i < BRANCHES; i++)
		if (branches[i].used)
			model_power_loss(&branches[i]);
	sim.clock += 2;
}

/* What is on a leg that was whole at @whole for the last time may be this version. */
static bool is_possible(const struct version *v, u64 whole)
{
	return v->gone == NEVER || (v->lost == NEVER && v->gone > whole);
}

static u32 possible(u64 s, u64 value, u64 whole)
{
	u32 v;

	for (v = now->first[s]; v != NONE; v = pool[v].next)
		if (pool[v].value == value && is_possible(&pool[v], whole))
			break;
	return v;
}

/* Nothing acknowledged since the set grew by it. */
static bool is_rubbish(u64 s)
{
	u32 v;

	for (v = now->first[s]; v != NONE; v = pool[v].next)
		if (pool[v].acked)
			return false;
	return s >= now->had;
}

int model_misfit(const struct disk *d, u64 sectors)
{
	u64 s;

	for (s = 0; s < min(sectors, now->sectors); s++) {
		if (possible(s, d->cur[s], legs[d->leg].whole) == NONE && !is_rubbish(s)) {
			explain(s, d->cur[s]);
			return (int)s;
		}
	}
	return -1;
}

void model_adopt(const struct disk *d, u64 sectors)
{
	u64 s;

	sim.clock++;
	for (s = 0; s < sectors; s++) {
		u32 v = possible(s, d->cur[s], legs[d->leg].whole);

		if (v != NONE)
			pool[v].gone = NEVER;
		else
			add(now, s, d->cur[s], 0, 0);
		observe(s, d->cur[s]);
	}
	sim.clock++;
}
