// SPDX-License-Identifier: GPL-2.0
/* Status lines (table.c): printed and parsed again, and the names of states. */
#include "unit.h"
#include "table.h"

#define SET	"90919293-9495-9697-9899-9a9b9c9d9e9f"
#define LEG	"10111213-1415-1617-1819-1a1b1c1d1e1f"
#define GEN	"0123456789abcdef"
#define MAX	"18446744073709551615"
#define DEV63	"123456789012345678901234567890123456789012345678901234567890123"
#define FOUR	" - - in-sync 0/1 0 0 - a stale 0/1 0 0 - b in-sync 0/1 0 0 - - missing 0/1 0 0"
#define ONE	"optimal 0 1 " LEG " 8:0 in-sync 0/626 0 0"

static int parse(struct cdp_status *s, const char *line, char **why)
{
	static char *last, *copy;
	int r;

	free(last);
	free(copy);
	*why = last = malloc(CDP_WHY_TEXT);
	copy = strdup(line);
	r = cdp_status_parse(s, copy, *why);
	must(r == 0 || r == -EINVAL, "%d", r);
	must((r == 0) == !(*why)[0], "%d with '%s'", r, *why);
	must(strlen(*why) < CDP_WHY_TEXT - 1, "cut: '%s'", *why);
	return r;
}

static const char *const good[] = {
	SET " " ONE " idle 0/0 " GEN,
	"- " ONE " idle 0/0 " GEN,
	SET " optimal 0 1 - 8:0 in-sync 0/626 0 0 idle 0/0 0000000000000000",
	SET " failed - 1 " LEG " - missing 0/0 0 0 idle 0/0 ffffffffffffffff",
	SET " degraded 0 2 " LEG " 8:0 in-sync 0/626 0 3 - - missing 626/626 1 0 idle 0/0 " GEN,
	SET " resync 1 2 " LEG " 8:16 stale 17/626 1 0 - 8:0 in-sync 0/626 0 0 running 60/626 " GEN,
	SET " resync 0 2 " LEG " a in-sync 0/9 1 0 - /dev/b faulty 9/9 0 0 paused " MAX "/0 " GEN,
	SET " optimal 7 8" FOUR FOUR " idle 0/0 " GEN,
	SET " optimal 0 1 " LEG " " DEV63 " in-sync 0/626 " MAX " " MAX " idle 0/0 " GEN,
};

TEST(good_lines)
{
	struct cdp_status s;
	char buf[2048], *why;
	u32 i;
	int n;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		must(!parse(&s, good[i], &why), "'%s': %s", good[i], why);
		n = cdp_status_print(&s, buf, sizeof(buf));
		must(n == (int)strlen(good[i]), "'%s': %d", good[i], n);
		must(!strcmp(buf, good[i]), "'%s' came back as '%s'", good[i], buf);
	}
}

TEST(values_arrive)
{
	const char *line = SET " resync 1 2 " LEG
		" 8:16 stale 17/626 5 6 - - missing 1/2 7 8 running 609/627 " GEN;
	struct cdp_status s;
	char *why;

	memset(&s, 0xff, sizeof(s));
	must(!parse(&s, line, &why), "%s", why);
	must(s.set_uuid.b[0] == 0x90 && s.health == HEALTH_RESYNC && s.read_leg == 1, "head");
	must(s.nr_legs == 2 && s.legs[0].uuid.b[15] == 0x1f, "leg 0");
	must(!strcmp(s.legs[0].data_dev, "8:16") && s.legs[0].state == LEG_STALE, "leg 0");
	must(s.legs[0].stale_regions == 17 && s.legs[0].regions == 626, "leg 0");
	must(s.legs[0].write_errors == 5 && s.legs[0].read_errors == 6, "leg 0");
	must(cdp_uuid_is_null(&s.legs[1].uuid) && !s.legs[1].data_dev[0], "leg 1");
	must(s.legs[1].state == LEG_MISSING && s.legs[1].stale_regions == 1, "leg 1");
	must(s.legs[1].regions == 2 && s.legs[1].write_errors == 7, "leg 1");
	must(s.legs[1].read_errors == 8 && s.resync == RESYNC_RUNNING, "leg 1");
	must(s.copied == 609 && s.to_copy == 627 && s.generation == 0x123456789abcdefull, "tail");
	must(cdp_is_zero(&s.legs[2], sizeof(s.legs[2])), "no more legs");
}

TEST(spaces)
{
	struct cdp_status s;
	char *why;

	must(!parse(&s, "  " SET "   " ONE " idle 0/0 " GEN "  ", &why), "%s", why);
	must(s.read_leg == 0 && s.generation == 0x123456789abcdefull, "more than one");
	must(parse(&s, SET "\t" ONE " idle 0/0 " GEN, &why), "tab");
	must(parse(&s, SET " " ONE " idle 0/0 " GEN "\n", &why), "newline");
}

static const char *const bad[][2] = {
	{ "", "UUID of the set is missing" },
	{ "   ", "UUID of the set is missing" },
	{ SET, "health is missing" },
	{ SET "0 " ONE " idle 0/0 " GEN, "UUID of the set '" SET "0' is not understood" },
	{ "x " ONE " idle 0/0 " GEN, "UUID of the set 'x' is not understood" },
	{ "-- " ONE " idle 0/0 " GEN, "UUID of the set '--' is not understood" },
	{ SET " fine 0 1", "health 'fine' is not understood" },
	{ SET " Optimal 0 1", "health 'Optimal' is not understood" },
	{ SET " - 0 1", "health '-' is not understood" },
	{ SET " optimal x 1", "read leg 'x' is not understood" },
	{ SET " optimal -1 1", "read leg '-1' is not understood" },
	{ SET " optimal 8 8", "read leg '8' is not understood" },
	{ SET " optimal 4294967296 1", "read leg '4294967296' is not understood" },
	{ SET " optimal 0 0", "number of legs '0' is not understood" },
	{ SET " optimal - 0 idle 0/0 " GEN, "number of legs '0' is not understood" },
	{ SET " optimal 0 9", "number of legs '9' is not understood" },
	{ SET " optimal 1 1", "number of legs '1' is not understood" },
	{ SET " optimal 2 2", "number of legs '2' is not understood" },
	{ SET " optimal 0 -", "number of legs '-' is not understood" },
	{ SET " optimal 0", "number of legs is missing" },
	{ SET " optimal 0 1", "UUID of a leg is missing" },
	{ SET " optimal 0 1 " LEG, "device of a leg is missing" },
	{ SET " optimal 0 1 y 8:0", "UUID of a leg 'y' is not understood" },
	{ SET " optimal 0 1 " LEG " 8:0", "state of a leg is missing" },
	{ SET " optimal 0 1 " LEG " 8:0 well", "state of a leg 'well' is not understood" },
	{ SET " optimal 0 1 " LEG " 8:0 in_sync", "state of a leg 'in_sync' is not understood" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync", "stale regions is missing" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync 0", "stale regions '0' is not understood" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync 0/", "stale regions '0/' is not understood" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync /0", "stale regions '/0' is not understood" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync 0-626", "stale regions '0-626' is not understood" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync 0/0/", "stale regions '0/0/' is not understood" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync 0 / 0", "stale regions '0' is not understood" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync -1/0", "stale regions '-1/0' is not understood" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync 0/18446744073709551616",
	  "stale regions '0/18446744073709551616' is not understood" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync 18446744073709551616/0",
	  "stale regions '18446744073709551616/0' is not understood" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync 0/1", "write errors is missing" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync 0/1 x", "write errors 'x' is not understood" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync 0/1 0", "read errors is missing" },
	{ SET " optimal 0 1 " LEG " 8:0 in-sync 0/1 0 y", "read errors 'y' is not understood" },
	{ SET " optimal 0 2 " LEG " 8:0 in-sync 0/1 0 0 idle 0/0 " GEN,
	  "UUID of a leg 'idle' is not understood" },
	{ SET " " ONE, "resync is missing" },
	{ SET " " ONE " busy 0/0 " GEN, "resync 'busy' is not understood" },
	{ SET " " ONE " idle", "copied regions is missing" },
	{ SET " " ONE " idle 1 " GEN, "copied regions '1' is not understood" },
	{ SET " " ONE " idle 0/0", "generation is missing" },
	{ SET " " ONE " idle 0/0 " GEN "0", "generation '" GEN "0' is not understood" },
	{ SET " " ONE " idle 0/0 123456789abcdef",
	  "generation '123456789abcdef' is not understood" },
	{ SET " " ONE " idle 0/0 0123456789ABCDEF",
	  "generation '0123456789ABCDEF' is not understood" },
	{ SET " " ONE " idle 0/0 0123456789abcdeg",
	  "generation '0123456789abcdeg' is not understood" },
	{ SET " " ONE " idle 0/0 -", "generation '-' is not understood" },
	{ SET " " ONE " idle 0/0 " GEN " more", "words are left over: 'more'" },
	{ SET " optimal 0 1 " LEG " " DEV63 "4 in-sync",
	  "device of a leg is too long or not text" },
	{ SET " optimal 0 1 " LEG " \x1b[2J in-sync", "device of a leg is too long or not text" },
	{ SET " optimal 0 1 " LEG " a\\b in-sync", "device of a leg is too long or not text" },
};

TEST(bad_lines)
{
	struct cdp_status s;
	char *why;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		must(parse(&s, bad[i][0], &why), "'%s' accepted", bad[i][0]);
		must(!strncmp(why, "status: ", 8), "'%s': %s", bad[i][0], why);
		must(!strcmp(why + 8, bad[i][1]), "'%s': %s", bad[i][0], why);
	}
}

static void check_names(const char *(*name)(int), const char *const *want, int count)
{
	int i;

	for (i = 0; i < count; i++)
		must(!strcmp(name(i), want[i]), "%d is '%s'", i, name(i));
	must(!strcmp(name(count), "-") && !strcmp(name(-1), "-"), "no such state");
}

static const char *leg_name(int i) { return cdp_leg_state_name((enum cdp_leg_state)i); }
static const char *health_name(int i) { return cdp_health_name((enum cdp_health)i); }
static const char *resync_name(int i) { return cdp_resync_name((enum cdp_resync_state)i); }

TEST(names)
{
	static const char *const legs[] = { "missing", "faulty", "stale", "in-sync" };
	static const char *const healths[] = { "optimal", "degraded", "resync", "failed" };
	static const char *const resyncs[] = { "idle", "running", "paused" };

	check_names(leg_name, legs, 4);
	check_names(health_name, healths, 4);
	check_names(resync_name, resyncs, 3);
}

/*
 * Properties.
 */

static void random_uuid(struct cdp_uuid *u, u64 *seed)
{
	u32 i;

	if (!unit_below(seed, 4))
		return;
	for (i = 0; i < CDP_UUID_BYTES; i++)
		u->b[i] = (u8)unit_random(seed);
}

static u64 random_count(u64 *seed)
{
	return unit_random(seed) >> unit_below(seed, 64);
}

static void random_leg(struct cdp_leg_status *l, u64 *seed)
{
	u32 i, n = unit_below(seed, CDP_DEV_TEXT);

	random_uuid(&l->uuid, seed);
	for (i = 0; i < n; i++)
		l->data_dev[i] = "abc/:0-_."[unit_below(seed, 9)];
	if (!strcmp(l->data_dev, "-"))
		l->data_dev[0] = 'x';
	l->state = (enum cdp_leg_state)unit_below(seed, LEG_STATES);
	l->stale_regions = random_count(seed);
	l->regions = random_count(seed);
	l->write_errors = random_count(seed);
	l->read_errors = random_count(seed);
}

static void random_status(struct cdp_status *s, u64 *seed)
{
	u32 i;

	memset(s, 0, sizeof(*s));
	random_uuid(&s->set_uuid, seed);
	s->health = (enum cdp_health)unit_below(seed, HEALTHS);
	s->nr_legs = 1 + unit_below(seed, CDP_MAX_LEGS);
	s->read_leg = (int)unit_below(seed, s->nr_legs + 1) - 1;
	for (i = 0; i < s->nr_legs; i++)
		random_leg(&s->legs[i], seed);
	s->resync = (enum cdp_resync_state)unit_below(seed, RESYNC_STATES);
	s->copied = random_count(seed);
	s->to_copy = random_count(seed);
	s->generation = random_count(seed);
}

TEST(round_trip)
{
	struct cdp_status s, back;
	char buf[2048], *why;
	u64 seed = 6;
	u32 i;

	for (i = 0; i < 50000; i++) {
		random_status(&s, &seed);
		cdp_status_print(&s, buf, sizeof(buf));
		must(!parse(&back, buf, &why), "'%s': %s", buf, why);
		must(!memcmp(&s, &back, sizeof(s)), "'%s'", buf);
	}
}

/* A line with some bytes changed is refused, or what was understood is printed. */
TEST(changed_bytes)
{
	static const char bytes[] = " -/0123456789abcdefx:\t\n\x80";
	struct cdp_status s, back;
	char buf[2048], again[2048], *why;
	u32 i, n, accepted = 0;
	u64 seed = 7;

	for (i = 0; i < 200000; i++) {
		strcpy(buf, good[unit_below(&seed, ARRAY_SIZE(good))]);
		for (n = 1 + unit_below(&seed, 2); n; n--)
			buf[unit_below(&seed, (u32)strlen(buf))] =
				bytes[unit_below(&seed, sizeof(bytes) - 1)];
		if (parse(&s, buf, &why))
			continue;
		accepted++;
		cdp_status_print(&s, again, sizeof(again));
		must(!parse(&back, again, &why), "'%s': %s", again, why);
		must(!memcmp(&s, &back, sizeof(s)), "'%s' '%s'", buf, again);
	}
	must(accepted > 20000 && accepted < 180000, "%u", accepted);
}

TEST(cut_lines)
{
	struct cdp_status s;
	char *why, *cut;
	size_t n;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		for (n = 0; n < strlen(good[i]); n++) {
			cut = strndup(good[i], n);
			must(parse(&s, cut, &why), "'%s' accepted", cut);
			free(cut);
		}
}

TEST(long_lines)
{
	struct cdp_status s;
	char *line = malloc(100001), *why;
	u32 i;

	for (i = 33; i < 127; i++) {
		memset(line, (int)i, 100000);
		line[100000] = '\0';
		must(parse(&s, line, &why), "one word of '%c'", i);
		memcpy(line, good[0], strlen(good[0]));
		must(parse(&s, line, &why), "'%c' behind a good line", i);
		line[strlen(good[0])] = ' ';
		must(parse(&s, line, &why), "'%c' behind a good line", i);
	}
	free(line);
}

TEST(small_buffers)
{
	struct cdp_status s;
	char whole[2048], *buf;
	u64 seed = 8;
	size_t size;
	int n, len;
	u32 i;

	for (i = 0; i < 20; i++) {
		random_status(&s, &seed);
		len = cdp_status_print(&s, whole, sizeof(whole));
		for (size = 1; size <= (size_t)len + 1; size++) {
			buf = malloc(size);
			n = cdp_status_print(&s, buf, size);
			must(n == (int)size - 1 && !buf[n], "size %zu: %d", size, n);
			must(!memcmp(buf, whole, (size_t)n), "size %zu: '%s'", size, buf);
			free(buf);
		}
	}
	must(cdp_status_print(&s, NULL, 0) == 0, "nothing for nothing");
}

UNIT_MAIN("status", good_lines, values_arrive, spaces, bad_lines, names, round_trip, changed_bytes,
	  cut_lines, long_lines, small_buffers)
