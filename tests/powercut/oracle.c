// SPDX-License-Identifier: GPL-2.0-or-later
/* The stream of the writer (see guest.c), read up to the cut. */
#include <stdlib.h>

#include "cut.h"

struct op {
	u64 sector;
	u32 sectors;
	bool fua;
};

struct ack {
	u32 seq;
	bool durable;
};

static char *read_file(const char *file, u64 *bytes)
{
	FILE *f = fopen(file, "r");
	char *text;
	long n;

	if (!f || fseek(f, 0, SEEK_END))
		die("%s: cannot be read", file);
	n = ftell(f);
	rewind(f);
	text = xcalloc(1, n < 0 ? 1 : (size_t)n + 1);
	if (n < 0 || fread(text, 1, (size_t)n, f) != (size_t)n)
		die("%s: cannot be read", file);
	fclose(f);
	*bytes = (u64)n;
	return text;
}

static struct op *op_of(struct oracle *o, u64 seq)
{
	if (seq >= o->max_ops)
		die("the stream has a number %llu", (unsigned long long)seq);
	return &o->ops[seq];
}

/* A first look at everything: what was ever issued. */
static void note_issued(struct oracle *o, const char *line)
{
	unsigned long long seq, sector;
	struct op *op;
	unsigned int n, i;
	char kind;

	if (sscanf(line, "%c %llu %llu %u", &kind, &seq, &sector, &n) != 4 ||
	    (kind != 'i' && kind != 'j'))
		return;
	op = op_of(o, seq);
	*op = (struct op){ sector, n, kind == 'j' };
	if (sector + n > o->sectors)
		die("the stream has a sector %llu", sector);
	for (i = 0; i < n; i++)
		if (o->bounds[sector + i].max < seq)
			o->bounds[sector + i].max = (u32)seq;
}

static const char *next_line(const char *p)
{
	p = strchr(p, '\n');
	return p ? p + 1 : NULL;
}

void oracle_open(struct oracle *o, const char *file, u64 sectors)
{
	const char *p;

	o->text = read_file(file, &o->bytes);
	o->sectors = sectors;
	o->max_ops = 1u << 22;
	o->bounds = xcalloc(sectors, sizeof(*o->bounds));
	o->ops = xcalloc(o->max_ops, sizeof(*o->ops));
	o->acks = xcalloc(o->max_ops, sizeof(*o->acks));
	o->flushes = xcalloc(o->max_ops, sizeof(*o->flushes));
	for (p = o->text; p; p = next_line(p))
		note_issued(o, p);
}

static void make_durable(struct oracle *o, u32 seq)
{
	const struct op *op = op_of(o, seq);
	u32 i;

	for (i = 0; i < op->sectors; i++)
		if (o->bounds[op->sector + i].min < seq)
			o->bounds[op->sector + i].min = seq;
}

/* A flush covers what was acknowledged before it was issued. */
static void flushed(struct oracle *o, u64 id)
{
	u32 i;

	op_of(o, id);
	for (i = 0; i < o->flushes[id]; i++)
		if (!o->acks[i].durable) {
			make_durable(o, o->acks[i].seq);
			o->acks[i].durable = true;
		}
}

static void take_line(struct oracle *o, const char *line)
{
	unsigned long long n;
	char kind;

	if (!strncmp(line, "m table ", 8)) {
		if (sscanf(line + 8, "%15[0-9 ]", o->table) != 1)
			die("a table line without legs");
		return;
	}
	o->stopped |= !strncmp(line, "m removed", 9);
	if (sscanf(line, "%c %llu", &kind, &n) != 2)
		return;
	switch (kind) {
	case 'a':
		o->acks[o->nr_acks++] = (struct ack){ (u32)n, false };
		o->last_ack = (u32)n;
		if (op_of(o, n)->fua)
			make_durable(o, (u32)n);
		break;
	case 'f':
		op_of(o, n);
		o->flushes[n] = o->nr_acks;
		break;
	case 'F':
		flushed(o, n);
		break;
	case 'e':
		o->errors++;
		break;
	}
}

void oracle_advance(struct oracle *o, u64 bytes)
{
	const char *p = o->text + o->at, *end;

	/* whole lines only */
	while ((end = strchr(p, '\n')) && (u64)(end - o->text) < bytes) {
		take_line(o, p);
		p = end + 1;
	}
	o->at = (u64)(p - o->text);
}
