// SPDX-License-Identifier: GPL-2.0
/* The guest: what it asks for, and what it makes of the answers. */
#include "sim.h"

static u64 next_id;

static struct op *free_op(void)
{
	u32 i, n = 0, at = OPS;

	for (i = 0; i < OPS; i++) {
		n += ops[i].used;
		if (!ops[i].used)
			at = i;
	}
	return n < sim.guest_max && at < OPS ? &ops[at] : NULL;
}

/* Mostly a few places that everybody meets at, seldom anywhere. */
static void place(struct op *op)
{
	u64 sectors = dm.table.sectors, left;

	if (one_in(6))
		op->sector = below((u32)sectors);
	else
		op->sector = (below(4) * EXTENT_SECTORS * 3 / 4 + below(40)) % sectors;
	op->n = 1 + (one_in(24) ? below(EXTENT_SECTORS) : one_in(4) ? below(48) : below(10));
	left = EXTENT_SECTORS - op->sector % EXTENT_SECTORS;
	op->n = (u32)min((u64)op->n, min(left, sectors - op->sector));
}

static bool is_free(const struct op *op)
{
	u32 i;

	for (i = 0; i < op->n; i++)
		if (model_busy(op->sector + i))
			return false;
	return true;
}

void guest_acts(void)
{
	struct op *op = free_op();
	u32 what = below(100), i;

	if (!op)
		return;
	memset(op, 0, offsetof(struct op, data));
	op->id = ++next_id;
	if (what < 34)
		op->read = true;
	else if (what < 44)
		op->flush = true;
	else if (what < 49)
		op->zero = has_class(C_ZEROES);
	else if (what < 60)
		op->fua = has_class(C_FUA);
	if (!op->flush)
		place(op);
	if (!op->read && !has_class(C_OVERLAP) && !is_free(op))
		return;
	for (i = 0; i < op->n; i++)
		op->data[i] = op->zero || op->read ? 0 : op->id << 20 | i << 1;
	op->used = true;
	op->start = ++sim.clock;
	sim.clock++;
	say("  guest %lu: %s%s of %lu+%u", op->id, op->fua ? "FUA " : "",
	    op->read ? "read" : op->flush ? "flush" : op->zero ? "zero" : "write", op->sector, op->n);
	model_begin(op);
	op_submit(op);
}

/* It writes into a buffer that it gave away. */
void guest_changes_buffer(void)
{
	struct op *op = &ops[below(OPS)];
	u32 i;

	if (!op->used || op->read || op->flush || op->zero || op->changed)
		return;
	op->changed = true;
	i = below(op->n);
	op->data[i] ^= 1;
	say("  guest %lu: changes its buffer", op->id);
	model_changed(op, i);
}

void op_ended(struct op *op, bool good)
{
	say("  guest %lu: %s", op->id, good ? "done" : "ERROR");
	op->running = false;
	if (!good)
		audit_error(op);
	else if (op->read)
		model_read(op);
	else
		audit_ack(op);
	if (good && op->flush)
		model_flushed(op);
	model_end(op, good);
	op->used = false;
}

/* Is a request under way? */
bool guest_waits(void)
{
	u32 i;

	for (i = 0; i < OPS; i++)
		if (ops[i].used)
			return true;
	return false;
}

void guest_reset(void)
{
	next_id = 0;
}
