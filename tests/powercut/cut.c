// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cut base FILE SECTORS stamped|garbage
 *      a disk's first content
 * cut check REC SEED SUBSETS [cut=INSTANT.SUBSET] [pack=FILE,DIR,COUNT,NAME]
 *      of the recording REC (see run): of every instant SUBSETS cuts, each judged by
 *      check.c. pack: the images of COUNT of them are appended to FILE, for the guest;
 *      their lines go to DIR/list and what they may show to DIR/CUT.bounds.
 *
 * Why each of these cuts could have happened
 *
 * At the instant T all threads of QEMU stand still, so what is seen then was so at one
 * moment. QEMU logs a request after it did it, and tells the guest after it logged it.
 *  - What the guest knew to be over at T is in the logs that were there at T. What the
 *    stream says was acknowledged by T was so; the stream may lack the last lines, which
 *    makes the oracle milder, never wrong.
 *  - A request in a log was sent before T, so the disk may have it or not. It has it for
 *    good if a flush came after it in the log, or it is a flushed or FUA write itself;
 *    else a random part of it survives, by sectors of 512 bytes, on each disk with odds
 *    of its own.
 *  - A request that was sent, and is not in the log, is one that the disk never did.
 * (QEMU's disk counts a write that ended while a flush was under way as flushed. A disk
 * need not, so there are cuts that are not made here, but none is made that could not be.)
 */
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "cut.h"

struct recording {
	const char *dir;
	unsigned long long sectors, seed;
	unsigned int region, assume_clean, stamped, nr_disks;
	struct disk disks[MAX_DISKS];
	struct oracle oracle;
	u64 (*instants)[1 + MAX_DISKS];
	u32 nr_instants, subsets;
};

struct pack {
	FILE *file, *list;
	char path[256], dir[256], name[64];
	u32 count, done;
};

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("cut: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	exit(2);
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		die("no memory");
	return p;
}

u64 rnd_seed(u64 a, u64 b, u64 c)
{
	u64 key[3] = { a, b, c };

	return cdp_hash(key, sizeof(key));
}

u32 rnd(u64 *state, u32 below)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)((*state >> 33) % below);
}

static int make_base(const char *file, u64 sectors, bool stamped)
{
	FILE *f = fopen(file, "w");
	struct stamp s;
	u64 i;

	memset(&s, 0xee, sizeof(s));
	for (i = 0; f && i < sectors; i++) {
		if (stamped)
			stamp_make(&s, i, 0);
		if (fwrite(&s, sizeof(s), 1, f) != 1)
			break;
	}
	if (!f || i < sectors || fclose(f))
		die("%s: cannot be written", file);
	return 0;
}

static FILE *open_in(const char *dir, const char *name, const char *mode)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, mode);
	if (!f)
		die("%s: cannot be opened", path);
	return f;
}

static void read_instants(struct recording *rec)
{
	FILE *f = open_in(rec->dir, "instants", "r");
	unsigned long long v;
	u32 i, room = 65536;

	rec->instants = xcalloc(room, sizeof(*rec->instants));
	for (; rec->nr_instants < room; rec->nr_instants++)
		for (i = 0; i <= rec->nr_disks; i++) {
			if (fscanf(f, "%llu", &v) != 1) {
				fclose(f);
				return;
			}
			rec->instants[rec->nr_instants][i] = v;
		}
	fclose(f);
}

static void open_recording(struct recording *rec)
{
	FILE *f = open_in(rec->dir, "set", "r");
	char base[512], log[512];
	u32 i;

	if (fscanf(f, "%llu %u %u %u %u", &rec->sectors, &rec->region, &rec->assume_clean,
		   &rec->stamped, &rec->nr_disks) != 5 || rec->nr_disks > MAX_DISKS)
		die("%s/set: not understood", rec->dir);
	fclose(f);
	for (i = 0; i < rec->nr_disks; i++) {
		snprintf(base, sizeof(base), "%s/%c%u.base", rec->dir, i & 1 ? 'm' : 'd', i / 2);
		snprintf(log, sizeof(log), "%s/%c%u.log", rec->dir, i & 1 ? 'm' : 'd', i / 2);
		disk_open(&rec->disks[i], base, log);
	}
	snprintf(base, sizeof(base), "%s/stream", rec->dir);
	oracle_open(&rec->oracle, base, rec->sectors);
	read_instants(rec);
}

/* The legs of the table line that was in force; 0: none yet. */
static u32 legs_of(const struct recording *rec, u32 *legs)
{
	const char *p = rec->oracle.table;
	u32 n = 0;

	for (; *p; p++)
		if (*p != ' ' && (u32)(*p - '0') < rec->nr_disks / 2)
			legs[n++] = (u32)(*p - '0');
	return n;
}

static void append(struct pack *k, const void *data, u64 bytes)
{
	if (fwrite(data, 1, bytes, k->file) != bytes)
		die("the pack cannot be written");
}

static void pack_cut(struct pack *k, const struct recording *rec, const struct cut *c,
		     u32 instant, u32 subset)
{
	char name[128];
	FILE *f;
	u32 i;

	snprintf(name, sizeof(name), "%s.%u.%u", k->name, instant, subset);
	fprintf(k->list, "%s %llu %u %u %u %u", name, rec->sectors, rec->region, rec->assume_clean,
		rec->oracle.last_ack, c->nr_legs);
	for (i = 0; i < c->nr_legs; i++) {
		fprintf(k->list, " %lld", (long long)ftell(k->file) / SECTOR);
		append(k, c->data[i], rec->sectors * SECTOR);
		fprintf(k->list, " %lld", (long long)ftell(k->file) / SECTOR);
		append(k, c->meta[i], META_BYTES);
	}
	fputc('\n', k->list);
	if (rec->stamped) {
		snprintf(name + strlen(name), sizeof(name) - strlen(name), ".bounds");
		f = open_in(k->dir, name, "w");
		if (fwrite(c->bounds, sizeof(*c->bounds), rec->sectors, f) != rec->sectors ||
		    fclose(f))
			die("%s: cannot be written", name);
	}
	k->done++;
}

/* What the disks have at this cut. False: there is no set yet. */
static bool make_cut(struct recording *rec, u32 instant, u32 subset, struct cut *c)
{
	u64 random = rnd_seed(rec->seed, instant, subset);
	u32 i, legs[CDP_MAX_LEGS];

	memset(c, 0, sizeof(*c));
	oracle_advance(&rec->oracle, rec->instants[instant][0]);
	c->nr_legs = legs_of(rec, legs);
	if (!c->nr_legs)
		return false;
	for (i = 0; i < rec->nr_disks; i++)
		disk_cut(&rec->disks[i], rec->instants[instant][1 + i], &random);
	for (i = 0; i < c->nr_legs; i++) {
		c->data[i] = rec->disks[2 * legs[i]].image;
		c->meta[i] = rec->disks[2 * legs[i] + 1].image;
	}
	c->sectors = rec->sectors;
	c->region = rec->region;
	c->assume_clean = rec->assume_clean;
	c->stopped = rec->oracle.stopped;
	c->bounds = rec->stamped ? rec->oracle.bounds : NULL;
	return true;
}

static bool is_packed(const struct pack *k, u64 seed, u32 cut, u32 cuts)
{
	u32 share, at;
	u64 random;

	if (!k->file)
		return false;
	/* one of each share of the cuts */
	share = cuts / k->count ? cuts / k->count : 1;
	random = rnd_seed(seed, cut / share, 77);
	at = rnd(&random, share);
	return k->done < k->count && cut % share == at;
}

/* A few of each kind of failure are enough. */
static bool is_told(const char *kind)
{
	static u32 told[256];

	return told[(u8)kind[0]]++ < 4;
}

static int do_check(struct recording *rec, struct pack *k, const u32 *only, bool one)
{
	u32 n, all, cuts = 0, failed = 0, stopped = 0;
	u64 tracked = 0, regions = 0;
	struct checked r;
	struct cut c;

	open_recording(rec);
	all = rec->nr_instants * rec->subsets;
	for (n = 0; n < all; n++) {
		u32 instant = n / rec->subsets, subset = n % rec->subsets;

		if ((one && (instant != only[0] || subset != only[1])) ||
		    !make_cut(rec, instant, subset, &c))
			continue;
		check(&c, &r);
		cuts++;
		stopped += c.stopped;
		failed += !!r.what[0];
		tracked += r.tracked;
		regions += r.regions;
		if (r.what[0] && is_told(r.what))
			printf("  cut %u.%u: %s: %s\n", instant, subset, r.what, r.text);
		/* the guest wants all legs to take part */
		if (!r.unborn && is_packed(k, rec->seed, n, all))
			pack_cut(k, rec, &c, instant, subset);
	}
	printf("instants %u cuts %u failed %u copied %llu acks %u stopped %u\n",
	       rec->nr_instants, cuts, failed,
	       (unsigned long long)(regions ? 1000 * tracked / regions : 0), rec->oracle.nr_acks,
	       stopped);
	return failed || !cuts;
}

static void open_pack(struct pack *k, const char *arg)
{
	if (sscanf(arg, "%255[^,],%255[^,],%u,%63s", k->path, k->dir, &k->count, k->name) != 4)
		die("pack=FILE,DIR,COUNT,NAME");
	k->file = fopen(k->path, "a");
	k->list = open_in(k->dir, "list", "a");
	if (!k->file || !k->count)
		die("%s: cannot be written", k->path);
}

int main(int argc, char **argv)
{
	static struct recording rec;
	static struct pack k;
	u32 only[2] = { 0 };
	bool one = false;
	int i, r;

	if (argc == 5 && !strcmp(argv[1], "base"))
		return make_base(argv[2], strtoull(argv[3], NULL, 10),
				 !strcmp(argv[4], "stamped"));
	if (argc < 5 || strcmp(argv[1], "check"))
		die("usage: see the head of cut.c");
	rec.dir = argv[2];
	rec.seed = strtoull(argv[3], NULL, 10);
	rec.subsets = (u32)atoi(argv[4]);
	for (i = 5; i < argc; i++) {
		if (sscanf(argv[i], "cut=%u.%u", &only[0], &only[1]) == 2)
			one = true;
		else if (!strncmp(argv[i], "pack=", 5))
			open_pack(&k, argv[i] + 5);
		else
			die("argument %s is not understood", argv[i]);
	}
	if (one && rec.subsets <= only[1])
		rec.subsets = only[1] + 1;
	r = do_check(&rec, &k, only, one);
	if (k.file && (fclose(k.file) || fclose(k.list)))
		die("the pack cannot be written");
	return r;
}
