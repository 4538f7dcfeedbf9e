// SPDX-License-Identifier: GPL-2.0
/* Outages: records, what is made of them, and the file with its crashes. */
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "dir.h"
#include "history.h"
#include "msg.h"

#define A "53e24a9a-ab6d-4e44-a694-3159f1b80114"
#define B "63e24a9a-ab6d-4e44-a694-3159f1b80114"

TEST(records)
{
	char line[CDP_HISTORY_LINE];
	struct cdp_history_record r, back;

	must(!cdp_history_parse("17 begin " A " 3 4096 0 no answer in time\nrest", &r), "refused");
	must(r.seconds == 17 && r.kind == HISTORY_BEGIN && r.seq == 3 && r.missed_bytes == 4096,
	     "fields");
	ck_assert_str_eq(r.text, "no answer in time");
	cdp_history_print(&r, line);
	ck_assert_str_eq(line, "17 begin " A " 3 4096 0 no answer in time\n");
	must(!cdp_history_parse("17 end " A " 3 1 2 -", &r) && !r.text[0], "no text");
	must(cdp_history_parse("17 end " A " 3 1 2", &r), "torn in a number");
	must(cdp_history_parse("17 ends " A " 3 1 2 -", &r) &&
	     cdp_history_parse("x end " A " 3 1 2 -", &r) && cdp_history_parse("", &r) &&
	     cdp_history_parse("17 end " A "0 3 1 2 -", &r) &&
	     cdp_history_parse("17 end  3 1 2 -", &r), "taken");
	memset(&r, 0, sizeof(r));
	memset(r.text, 'x', sizeof(r.text) - 1);
	r.text[1] = '\n';
	must(cdp_history_print(&r, line) == (int)strlen(line), "length");
	must(!cdp_history_parse(line, &back) && strlen(back.text) == sizeof(r.text) - 1 &&
	     back.text[1] == ' ', "the longest, and no line in a line");
}

TEST(outages)
{
	static const char text[] =
		"5 end " A " 1 9 9 -\n"			/* its begin was cut off */
		"10 begin " A " 2 100 200 error\n"
		"11 begin " A " 2 100 200 error\n"	/* twice, after a kill */
		"12 cause " A " 3 0 0 too slow\n"
		"junk\n"
		"13 begin " B " 4 0 0 not there\n"
		"14 refused " B " 0 0 0 is blank\n"
		"20 end " A " 5 4096 8192 -\n"
		"30 begin " A " 6 4196 8392 error\n"
		"40 end " A " 7 1 2";			/* torn */
	static const char gone[] = "1 begin " A " 1 0 0 error\n2 end " A " 0 4096 0 replaced\n";
	struct cdp_outage *o;
	int nr = cdp_history_outages(text, &o);

	must(nr == 3, "%d", nr);
	must(o[0].begin == 10 && o[0].end == 20 && o[0].missed_bytes == 4096 &&
	     o[0].copied_bytes == 8192, "the first");
	ck_assert_str_eq(o[0].cause, "too slow");
	must(o[1].begin == 13 && !o[1].end, "the second");
	ck_assert_str_eq(o[1].refused, "is blank");
	must(!*o[0].gone, "it was back");
	must(o[2].begin == 30 && !o[2].end && o[2].missed_bytes == 4196, "the third goes on");
	free(o);
	must(!cdp_history_outages("", &o) && !o, "none");
	must(cdp_history_outages(gone, &o) == 1 &&
	     o->end == 2 && o->missed_bytes == 4096 && !strcmp(o->gone, "replaced"), "a leg no more");
	ck_assert_str_eq(o->cause, "error");
	free(o);
}

TEST(out)
{
	static const char text[] =
		"10 begin " A " 2 0 0 error\n"
		"13 begin " B " 4 0 0 not there\n"
		"14 begin " B " 4 0 0 not there\n"	/* twice, after a kill */
		"20 end " A " 5 0 0 -\n"
		"21 end " B " 0 0 0 removed\n";		/* with what it had then */
	struct cdp_uuid a, b;

	must(!cdp_uuid_parse(A, &a) && !cdp_uuid_parse(B, &b), "UUIDs");
	must(!cdp_history_out(text, &a) && cdp_history_out(text, &b) == 13, "of two legs");
	must(!cdp_history_out("", &a), "none");
}

TEST(last)
{
	static const char text[] = "1 begin " A " 1 0 0 error\n2 begin " B " 2 0 0 error\n"
		"3 end " A " 3";
	struct cdp_history_record r;
	struct cdp_uuid a;

	must(!cdp_uuid_parse(A, &a), "uuid");
	must(cdp_history_last(text, NULL, &r) && r.seconds == 2, "any");
	must(cdp_history_last(text, &a, &r) && r.seconds == 1, "of one leg");
	must(!cdp_history_last("", NULL, &r), "none");
}

/*----------------------------------------------------------------*/

static void put_in(const char *name, const char *text, size_t len)
{
	char path[128];
	FILE *f;

	cdp_print(path, sizeof(path), "%s/%s", unit_dir(), name);
	f = fopen(path, "w");
	must(f && fwrite(text, 1, len, f) == len && !fclose(f), "write");
}

static void put(const char *text, size_t len)
{
	put_in("vm.history", text, len);
}

static char *get(void)
{
	char *text;

	must(!cdp_history_read("vm", &text), "%s", cdp_why_text());
	return text;
}

static void add(u64 seconds, enum cdp_history_kind kind)
{
	struct cdp_history_record r = { .seconds = seconds, .kind = kind };

	must(!cdp_uuid_parse(A, &r.leg) && !cdp_history_add("vm", &r), "%s", cdp_why_text());
}

TEST(file)
{
	char *text;

	setenv("CDP_STATE_DIR", unit_dir(), 1);
	text = get();
	ck_assert_str_eq(text, "");
	free(text);
	add(1, HISTORY_BEGIN);
	add(2, HISTORY_END);
	text = get();
	ck_assert_str_eq(text, "1 begin " A " 0 0 0 -\n2 end " A " 0 0 0 -\n");
	free(text);
}

/* The power goes in the middle of a line, at every place. */
TEST(torn)
{
	static const char whole[] = "1 begin " A " 0 0 0 error\n2 end " A " 7 200 300 -\n";
	const size_t first = strchr(whole, '\n') + 1 - whole;
	struct cdp_outage *o;
	char *text;
	size_t n;

	setenv("CDP_STATE_DIR", unit_dir(), 1);
	for (n = first; n < sizeof(whole) - 1; n++) {
		put(whole, n);
		text = get();
		must(cdp_history_outages(text, &o) == 1 && !o->end, "cut at %zu: it has ended", n);
		free(o);
		free(text);
		add(3, HISTORY_END);
		text = get();
		must(cdp_history_outages(text, &o) == 1 && o->end == 3 && !o->missed_bytes,
		     "cut at %zu: %s", n, text);
		free(o);
		free(text);
	}
	/* a block that was allocated and not written */
	put("1 begin " A " 0 0 0 error\n\0\0\0\0\0", first + 5);
	add(3, HISTORY_END);
	text = get();
	must(cdp_history_outages(text, &o) == 1 && o->end == 3, "zeroes: %s", text);
	free(o);
	free(text);
}

TEST(bounded)
{
	struct cdp_history_record r;
	size_t size, n = 0;
	char *text = NULL, path[128];
	struct stat st;
	FILE *f = open_memstream(&text, &size);

	setenv("CDP_STATE_DIR", unit_dir(), 1);
	while (ftell(f) < 600 * 1024)
		fprintf(f, "%zu begin " A " 0 0 0 error\n", ++n);
	fclose(f);
	put(text, size);
	free(text);
	add(n + 1, HISTORY_END);
	cdp_print(path, sizeof(path), "%s/vm.history", unit_dir());
	must(!stat(path, &st) && st.st_size < 400 * 1024 && st.st_size > 200 * 1024, "size %ld",
	     (long)st.st_size);
	text = get();
	must(cdp_history_last(text, NULL, &r) && r.seconds == n + 1, "the newest is kept");
	free(text);
}

/* What goes on is not forgotten because another leg has come and gone four thousand times. */
TEST(bounded_open)
{
	struct cdp_outage *o = NULL;
	size_t size, n = 0;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);
	int nr;

	setenv("CDP_STATE_DIR", unit_dir(), 1);
	fprintf(f, "1 begin " B " 1 7 9 error\n1 end " B " 1 0 0 -\n");
	fprintf(f, "5 begin " B " 2 7 9 error\n6 cause " B " 3 0 0 too slow\n");
	fprintf(f, "7 refused " B " 0 0 0 is blank\n");
	while (ftell(f) < 600 * 1024) {
		fprintf(f, "%zu begin " A " 0 0 0 error\n", 10 + n);
		fprintf(f, "%zu end " A " 0 0 0 -\n", 10 + n++);
	}
	fclose(f);
	put(text, size);
	free(text);
	add(n + 11, HISTORY_BEGIN);
	text = get();
	nr = cdp_history_outages(text, &o);
	must(nr > 2 && strlen(text) < 400 * 1024, "%d, %zu bytes", nr, strlen(text));
	must(o[0].begin == 5 && !o[0].end && o[0].missed_bytes == 7 && o[0].copied_bytes == 9,
	     "the first begins at %llu", (unsigned long long)o[0].begin);
	ck_assert_str_eq(o[0].cause, "too slow");
	ck_assert_str_eq(o[0].refused, "is blank");
	must(o[nr - 1].begin == n + 11 && !o[nr - 1].end, "the newest is kept");
	free(o);
	free(text);
}

TEST(seen)
{
	static const char junk[] = "7 1795308208 leg-failed " A "\njunk\n" B " 1 2 3\n"
		A " 1 2 3 4\n";
	struct cdp_seen s = { .nr_legs = 2 }, back;
	struct cdp_outage o = { .missed_bytes = 5, .copied_bytes = 6 };
	struct cdp_event *e = &s.last;
	struct cdp_count c;

	setenv("CDP_STATE_DIR", unit_dir(), 1);
	cdp_history_seen("vm", &back);
	must(!back.last.seq && !back.nr_legs, "nothing yet");
	must(!cdp_event_parse("7 1795308208 leg-failed " A " why", e), "parse");
	must(!cdp_uuid_parse(A, &s.legs[0].uuid) && !cdp_uuid_parse(B, &s.legs[1].uuid), "UUIDs");
	s.legs[1].count = (struct cdp_count) { 1, 2, UINT64_MAX, 4 };
	must(!cdp_history_see("vm", &s), "%s", cdp_why_text());
	cdp_history_seen("vm", &back);
	must(back.last.seq == 7 && back.last.seconds == e->seconds &&
	     !strcmp(back.last.what, e->what) && !strcmp(back.last.leg, A), "another event");
	must(back.nr_legs == 2 && !memcmp(back.legs, s.legs, sizeof(s.legs)), "other counts");
	o.leg = s.legs[1].uuid;
	c = cdp_seen_count(&back, &o);
	must(c.missed_bytes == 1 && c.copied_at == 4, "of a leg");
	o.leg.b[0] ^= 1;
	c = cdp_seen_count(&back, &o);
	must(!c.missed_bytes && c.missed_at == 5 && c.copied_at == 6, "of one that is not there");
	put_in("vm.seen", junk, sizeof(junk) - 1);
	cdp_history_seen("vm", &back);
	must(back.last.seq == 7 && back.nr_legs == 1 && back.legs[0].count.missed_at == 3, "junk");
}

/* Counters go on, and begin again with another table. */
TEST(counts)
{
	struct cdp_count c = { .missed_at = 100, .copied_at = 50 };

	must(!cdp_count_on(&c, 107, 50) && c.missed_bytes == 7 && !c.copied_bytes, "on");
	must(cdp_count_on(&c, 3, 60) && c.missed_bytes == 10 && c.copied_bytes == 60,
	     "of one that has begun again the other has, too");
	must(!cdp_count_on(&c, 3, 60) && c.missed_bytes == 10 && c.copied_bytes == 60, "nothing");
}

UNIT_MAIN("history", records, outages, out, last, file, torn, bounded, bounded_open, seen,
	  counts)
