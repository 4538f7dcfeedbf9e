// SPDX-License-Identifier: GPL-2.0
/* Table lines (table.c): what is accepted comes back, what is refused is named. */
#include "unit.h"
#include "table.h"

#define WORDS	80u

/* Each with a value that is not its default. */
#define ALL_FEATURES	"26 on_protect_error block on_protect_slow detach 250 leg_timeout_ms 30 no_copy copy_pool_mb 8 read_copy always read_error_limit 3 on_last_error queue read_policy balance resync_window 8 resync_max_mbps 100 latency_rise 50 assume_clean no_discard"

struct words {
	u32 argc;
	char *argv[WORDS];
	char text[8192];
};

/* Split at spaces; '' is an empty word. */
static void split(struct words *w, const char *line)
{
	char *p, *save;

	must(strlen(line) < sizeof(w->text), "line too long");
	strcpy(w->text, line);
	w->argc = 0;
	for (p = strtok_r(w->text, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		must(w->argc < WORDS, "too many words");
		w->argv[w->argc++] = strcmp(p, "''") ? p : p + 2;
	}
}

/* On the heap, so that a byte too many is noticed. */
static int parse(struct cdp_table *t, const struct words *w, char **why)
{
	static char *last;
	int r;

	free(last);
	*why = last = malloc(CDP_WHY_TEXT);
	r = cdp_table_parse(t, w->argc, (char **)w->argv, *why);
	must(r == 0 || r == -EINVAL, "%d", r);
	must(!r == !(*why)[0], "%d with '%s'", r, *why);
	must(strlen(*why) < CDP_WHY_TEXT - 1, "cut: '%s'", *why);
	return r;
}

static void check_row(const char *line, const char *printed, const char *refusal)
{
	struct words w;
	struct cdp_table t;
	char buf[1024], *why;
	int n;

	split(&w, line);
	if (parse(&t, &w, &why)) {
		must(refusal, "'%s': %s", line, why);
		must(!strcmp(why, refusal), "'%s': %s", line, why);
		return;
	}
	must(!refusal, "'%s' accepted", line);
	n = cdp_table_print(&t, buf, sizeof(buf));
	must(n == (int)strlen(buf), "'%s': %d", line, n);
	must(!strcmp(buf, printed ? printed : line), "'%s' came back as '%s'", line, buf);
}

static const char *const good[] = {
	"8 1 /dev/sda 0 - 0 0",
	"32768 1 8:0 0 8:0 2048 0",
	"128 2 /dev/sda 0 /dev/sda 1000000 /dev/sdb 0 /dev/sdb 1000000 0",
	"128 2 8:0 0 8:32 0 8:16 0 8:32 4096 0",
	"128 2 a 0 - 0 b 18014398509481983 - 0 0",
	"128 2 - 0 - 0 b 0 - 0 0",
	"128 2 a 0 m 8 - 0 - 0 0",
	"128 3 a 0 m 8 - 0 - 0 - 0 - 0 0",
	"128 3 - 0 - 0 - 0 - 0 c 1 d 2 0",
	"128 4 a 0 m 0 b 0 m 8 c 0 m 16 d 0 m 24 0",
	"128 8 a 0 - 0 b 0 - 0 c 0 - 0 d 0 - 0 e 0 - 0 f 0 - 0 g 0 - 0 h 0 - 0 0",
	"128 8 a 1 b 2 - 0 - 0 - 0 - 0 - 0 - 0 - 0 - 0 - 0 - 0 - 0 - 0 h 1 i 2 0",
	"128 2 a 0 b 0 b 0 a 0 0",
	"128 1 -- 0 --- 0 0",
	"128 1 /dev/disk/by-id/wwn-0x5000c500a1b2c3d4:x~!@#$%^&*()+={}[]|;'\"<>,.?/ 0 - 0 0",
	"16 1 a 0 - 0 1 no_copy",
	"64 1 a 0 - 0 1 assume_clean",
	"256 1 a 0 - 0 1 no_discard",
	"512 1 a 0 - 0 2 on_protect_error block",
	"1024 1 a 0 - 0 2 on_last_error queue",
	"2048 1 a 0 - 0 2 read_policy balance",
	"4096 1 a 0 - 0 2 leg_timeout_ms 3600000",
	"8192 1 a 0 - 0 2 leg_timeout_ms 1",
	"16384 1 a 0 - 0 2 resync_window 1024",
	"32 1 a 0 - 0 2 resync_max_mbps 1000000",
	"32 1 a 0 - 0 2 latency_rise 10000",
	"32 1 a 0 - 0 2 latency_rise 0",
	"128 1 a 0 - 0 5 on_protect_error block no_copy read_policy balance",
	"256 3 a 1 b 2 - 0 - 0 c 3 d 4 " ALL_FEATURES,
};

TEST(good_lines)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		check_row(good[i], NULL, NULL);
}

TEST(lines_that_come_back_shorter)
{
	static const char *const rows[][2] = {
		{ "00128 01 a 000 - 00 00", "128 1 a 0 - 0 0" },
		{ "128 1 a 018014398509481983 - 0 0", "128 1 a 18014398509481983 - 0 0" },
		{ "128 1 a 0 - 0 2 on_protect_error degrade", "128 1 a 0 - 0 0" },
		{ "128 1 a 0 - 0 2 on_last_error fail", "128 1 a 0 - 0 0" },
		{ "128 1 a 0 - 0 2 read_policy primary", "128 1 a 0 - 0 0" },
		{ "128 1 a 0 - 0 2 resync_window 0", "128 1 a 0 - 0 0" },
		{ "128 1 a 0 - 0 2 resync_max_mbps 0", "128 1 a 0 - 0 0" },
		{ "128 1 a 0 - 0 2 latency_rise 100", "128 1 a 0 - 0 0" },
		{ "128 1 a 0 - 0 3 no_discard read_policy primary", "128 1 a 0 - 0 1 no_discard" },
		{ "128 1 a 0 - 0 3 no_discard on_last_error queue",
		  "128 1 a 0 - 0 3 on_last_error queue no_discard" },
		{ "128 1 a 0 - 0 2 resync_window 0007", "128 1 a 0 - 0 2 resync_window 7" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(rows[i][0], rows[i][1], NULL);
}

static const char *const bad[][2] = {
	/* region size */
	{ "", "region size is missing" },
	{ "x", "region size 'x' is not a power of two from 8 to 32768" },
	{ "'' 1 a 0 - 0 0", "region size '' is not a power of two from 8 to 32768" },
	{ "0 1 a 0 - 0 0", "region size '0' is not a power of two from 8 to 32768" },
	{ "4 1 a 0 - 0 0", "region size '4' is not a power of two from 8 to 32768" },
	{ "100 1 a 0 - 0 0", "region size '100' is not a power of two from 8 to 32768" },
	{ "65536 1 a 0 - 0 0", "region size '65536' is not a power of two from 8 to 32768" },
	{ "4294967424 1 a 0 - 0 0",
	  "region size '4294967424' is not a power of two from 8 to 32768" },
	{ "128k 1 a 0 - 0 0", "region size '128k' is not a power of two from 8 to 32768" },
	{ "0x80 1 a 0 - 0 0", "region size '0x80' is not a power of two from 8 to 32768" },
	/* number of legs */
	{ "128", "number of legs is missing" },
	{ "128 0 0", "number of legs '0' is not a number from 1 to 8" },
	{ "128 00 0", "number of legs '0' is not a number from 1 to 8" },
	{ "128 9 a 0 - 0 0", "number of legs '9' is not a number from 1 to 8" },
	{ "128 -1 a 0 - 0 0", "number of legs '-1' is not a number from 1 to 8" },
	{ "128 4294967297 a 0 - 0 0", "number of legs '4294967297' is not a number from 1 to 8" },
	{ "128 18446744073709551617 a 0 - 0 0",
	  "number of legs '18446744073709551617' is not a number from 1 to 8" },
	{ "128 one a 0 - 0 0", "number of legs 'one' is not a number from 1 to 8" },
	/* legs */
	{ "128 1", "leg 0: data device is missing" },
	{ "128 1 a", "leg 0: data start is missing" },
	{ "128 1 a 0", "leg 0: metadata device is missing" },
	{ "128 1 a 0 -", "leg 0: metadata start is missing" },
	{ "128 1 a 0 - 0", "number of features is missing" },
	{ "128 2 a 0 - 0", "leg 1: data device is missing" },
	{ "128 2 a 0 - 0 b 0 - ", "leg 1: metadata start is missing" },
	{ "128 8 a 0 - 0 b 0 - 0", "leg 2: data device is missing" },
	{ "128 2 a 0 b 0 c x d 0 0", "leg 1: data start 'x' is not a number of sectors" },
	{ "128 2 a 0 b 0 c 0 d x 0", "leg 1: metadata start 'x' is not a number of sectors" },
	{ "128 1 a '' - 0 0", "leg 0: data start '' is not a number of sectors" },
	{ "128 1 '' 0 - 0 0", "leg 0: data device '' is not a device name" },
	{ "128 1 a 0 '' 0 0", "leg 0: metadata device '' is not a device name" },
	{ "128 1 a\\b 0 - 0 0", "leg 0: data device 'a?b' is not a device name" },
	{ "128 1 a\tb 0 - 0 0", "leg 0: data device 'a?b' is not a device name" },
	{ "128 1 a 0 \x1b[2J 0 0", "leg 0: metadata device '?[2J' is not a device name" },
	{ "128 1 \xc3\xa4 0 - 0 0", "leg 0: data device '?\?' is not a device name" },
	{ "128 1 a\x7f 0 - 0 0", "leg 0: data device 'a?' is not a device name" },
	{ "128 1 a 18014398509481984 - 0 0",
	  "leg 0: data start '18014398509481984' is not a number of sectors" },
	{ "128 1 a 0 m 18446744073709551616 0",
	  "leg 0: metadata start '18446744073709551616' is not a number of sectors" },
	{ "128 1 a 0 - 8 0", "leg 0: metadata start must be 0 without a metadata device" },
	{ "128 2 a 0 - 0 - 0 - 8 0", "leg 1: metadata start must be 0 without a metadata device" },
	{ "128 2 a 0 - 0 - 8 - 0 0", "leg 1: data start must be 0 without a data device" },
	{ "128 2 a 0 - 0 - 0 m 0 0", "leg 1: metadata without a data device" },
	{ "128 2 a 0 m 0 - 0 m 8 0", "leg 1: metadata without a data device" },
	{ "128 1 - 0 - 0 0", "no leg has a data device" },
	{ "128 3 - 0 - 0 - 0 - 0 - 0 - 0 0", "no leg has a data device" },
	{ "128 2 a 0 - 0 a 0 - 0 0", "legs 0 and 1 have the same data device 'a'" },
	{ "128 2 a 0 m 0 a 8 n 0 0", "legs 0 and 1 have the same data device 'a'" },
	{ "128 3 b 0 - 0 a 0 - 0 a 0 - 0 0", "legs 1 and 2 have the same data device 'a'" },
	{ "128 3 a 0 - 0 - 0 - 0 a 0 - 0 0", "legs 0 and 2 have the same data device 'a'" },
	{ "128 2 a 0 m 0 b 0 - 0 0", "leg 0 has metadata and leg 1 has none: all legs or no leg" },
	{ "128 2 a 0 - 0 b 0 m 0 0", "leg 1 has metadata and leg 0 has none: all legs or no leg" },
	{ "128 3 a 0 m 0 - 0 - 0 b 0 - 0 0",
	  "leg 0 has metadata and leg 2 has none: all legs or no leg" },
	{ "128 2 a 0 m 8 b 0 m 8 0", "legs 0 and 1 have their metadata at the same place" },
	/* number of features */
	{ "128 1 a 0 - 0 x", "number of features 'x' is not a number" },
	{ "128 1 a 0 - 0 -1 no_copy", "number of features '-1' is not a number" },
	{ "128 1 a 0 - 0 4294967296", "number of features '4294967296' is not a number" },
	{ "128 1 a 0 - 0 4294967297 no_copy", "number of features '4294967297' is not a number" },
	{ "128 1 a 0 - 0 no_copy", "number of features 'no_copy' is not a number" },
	{ "128 1 a 0 - 0 1", "features: 1 announced, 0 given" },
	{ "128 1 a 0 - 0 4294967295", "features: 4294967295 announced, 0 given" },
	{ "128 1 a 0 - 0 0 no_copy", "features: 0 announced, 1 given" },
	{ "128 1 a 0 - 0 1 no_copy no_discard", "features: 1 announced, 2 given" },
	{ "128 1 a 0 - 0 3 no_copy no_discard", "features: 3 announced, 2 given" },
	{ "128 1 a 0 - 0 1 leg_timeout_ms 5", "features: 1 announced, 2 given" },
	/* features */
	{ "128 1 a 0 - 0 1 foo", "feature 'foo' is not known" },
	{ "128 1 a 0 - 0 1 ''", "feature '' is not known" },
	{ "128 1 a 0 - 0 1 NO_COPY", "feature 'NO_COPY' is not known" },
	{ "128 1 a 0 - 0 1 no_cop", "feature 'no_cop' is not known" },
	{ "128 1 a 0 - 0 1 no_copyy", "feature 'no_copyy' is not known" },
	{ "128 1 a 0 - 0 1 5", "feature '5' is not known" },
	{ "128 1 a 0 - 0 2 no_copy 1", "feature '1' is not known" },
	{ "128 1 a 0 - 0 2 no_copy no_copy", "no_copy given twice" },
	{ "128 1 a 0 - 0 4 leg_timeout_ms 1 leg_timeout_ms 1", "leg_timeout_ms given twice" },
	{ "128 1 a 0 - 0 4 read_policy primary read_policy balance", "read_policy given twice" },
	{ "128 1 a 0 - 0 1 leg_timeout_ms", "leg_timeout_ms lacks its value" },
	{ "128 1 a 0 - 0 2 no_copy read_policy", "read_policy lacks its value" },
	{ "128 1 a 0 - 0 2 leg_timeout_ms no_copy",
	  "leg_timeout_ms: 'no_copy' is not a number from 0 to 3600000" },
	{ "128 1 a 0 - 0 2 leg_timeout_ms 3600001",
	  "leg_timeout_ms: '3600001' is not a number from 0 to 3600000" },
	{ "128 1 a 0 - 0 2 leg_timeout_ms 4294967297",
	  "leg_timeout_ms: '4294967297' is not a number from 0 to 3600000" },
	{ "128 1 a 0 - 0 2 leg_timeout_ms ''",
	  "leg_timeout_ms: '' is not a number from 0 to 3600000" },
	{ "128 1 a 0 - 0 2 leg_timeout_ms 5s",
	  "leg_timeout_ms: '5s' is not a number from 0 to 3600000" },
	{ "128 1 a 0 - 0 2 resync_window 1025",
	  "resync_window: '1025' is not a number from 0 to 1024" },
	{ "128 1 a 0 - 0 2 resync_window -", "resync_window: '-' is not a number from 0 to 1024" },
	{ "128 1 a 0 - 0 2 resync_max_mbps 1000001",
	  "resync_max_mbps: '1000001' is not a number from 0 to 1000000" },
	{ "128 1 a 0 - 0 2 latency_rise 10001",
	  "latency_rise: '10001' is not a number from 0 to 10000" },
	{ "128 1 a 0 - 0 2 on_protect_error fail",
	  "on_protect_error: 'fail' is neither 'degrade' nor 'block'" },
	{ "128 1 a 0 - 0 2 on_protect_error 1",
	  "on_protect_error: '1' is neither 'degrade' nor 'block'" },
	{ "128 1 a 0 - 0 2 on_protect_error ''",
	  "on_protect_error: '' is neither 'degrade' nor 'block'" },
	{ "128 1 a 0 - 0 2 on_last_error degrade",
	  "on_last_error: 'degrade' is neither 'fail' nor 'queue'" },
	{ "128 1 a 0 - 0 2 on_protect_slow 5",
	  "on_protect_slow: '5' is neither 'wait' nor 'detach'" },
	{ "128 1 a 0 - 0 2 on_protect_slow detach", "on_protect_slow detach lacks its number" },
	{ "128 1 a 0 - 0 3 on_protect_slow detach 0",
	  "on_protect_slow: '0' is not a number from 1 to 3600000" },
	{ "128 1 a 0 - 0 3 on_protect_slow wait 7", "feature '7' is not known" },
	{ "128 1 a 0 - 0 2 read_copy no", "read_copy: 'no' is none of 'auto', 'always', 'never'" },
	{ "128 1 a 0 - 0 2 read_policy Primary",
	  "read_policy: 'Primary' is neither 'primary' nor 'balance'" },
	{ "128 1 a 0 - 0 2 read_policy protect",
	  "read_policy: 'protect' is neither 'primary' nor 'balance'" },
};

TEST(bad_lines)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		check_row(bad[i][0], NULL, bad[i][1]);
}

TEST(values_arrive)
{
	struct words w;
	struct cdp_table t;
	char *why;

	split(&w, "256 3 a 1 b 2 - 0 - 0 c 3 d 4 " ALL_FEATURES);
	must(!parse(&t, &w, &why), "%s", why);
	must(t.region_sectors == 256 && t.nr_legs == 3, "head");
	must(!strcmp(t.legs[0].data_dev, "a") && t.legs[0].data_start == 1, "leg 0");
	must(!strcmp(t.legs[0].meta_dev, "b") && t.legs[0].meta_start == 2, "leg 0");
	must(!strcmp(t.legs[1].data_dev, "-") && !strcmp(t.legs[1].meta_dev, "-"), "leg 1");
	must(t.legs[2].data_dev == w.argv[10] && t.legs[2].data_start == 3, "leg 2");
	must(t.legs[2].meta_dev == w.argv[12] && t.legs[2].meta_start == 4, "leg 2");
	must(t.features.on_protect_error == ON_PROTECT_ERROR_BLOCK, "on_protect_error");
	must(t.features.leg_timeout_ms == 30 && t.features.no_copy == 1, "numbers and flags");
	must(t.features.on_last_error == ON_LAST_ERROR_QUEUE, "on_last_error");
	must(t.features.read_policy == READ_POLICY_BALANCE, "read_policy");
	must(t.features.resync_window == 8 && t.features.resync_max_mbps == 100, "resync");
	must(t.features.latency_rise == 50, "latency");
	must(t.features.assume_clean == 1 && t.features.no_discard == 1, "flags");
}

TEST(defaults_arrive)
{
	static const struct cdp_features want = {
#define x(name, values, dflt) .name = dflt,
		CDP_FEATURES(x)
#undef x
	};
	struct words w;
	struct cdp_table t;
	char *why;

	split(&w, "128 1 a 0 - 0 0");
	memset(&t, 0xff, sizeof(t));
	must(!parse(&t, &w, &why), "%s", why);
	must(!memcmp(&t.features, &want, sizeof(want)), "the column of CDP_FEATURES()");
	must(want.on_protect_error == ON_PROTECT_ERROR_DEGRADE, "DESIGN 4");
	must(want.on_last_error == ON_LAST_ERROR_FAIL, "DESIGN 4");
	must(want.read_policy == READ_POLICY_PRIMARY, "DESIGN 4");
	must(want.leg_timeout_ms == 5000, "DESIGN 4");
}

/*
 * Every number of a line, replaced by what is no number or too big a one.
 */

TEST(junk_for_numbers)
{
	static const char *const junk[] = {
		"''", "-", "+", "-1", "+1", "-0", "0x10", "010x", "1.0", "1e3", "1_000", "1,000",
		"0b1",
		"18446744073709551616", "99999999999999999999999999999999999999", "\t1", "1\t", "1\n",
		"\n1", "8:16", "NaN", "ten", "1-", "1+1", "/", "0/0", "\xef\xbc\x91", "\xb2",
		"18446744073709551615", "18446744073709551625", "184467440737095516150",
	};
	const char *line =
		"128 2 a 1 b 2 c 3 d 4 6 resync_window 5 resync_max_mbps 6 leg_timeout_ms 7";
	static const u32 places[] = { 0, 1, 3, 5, 7, 9, 10, 12, 14, 16 };
	struct words w;
	struct cdp_table t;
	char *why;
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		for (k = 0; k < ARRAY_SIZE(junk); k++) {
			split(&w, line);
			w.argv[places[i]] = strcmp(junk[k], "''") ? (char *)junk[k] : (char *)"";
			must(parse(&t, &w, &why) == -EINVAL, "place %u '%s'", places[i], junk[k]);
		}
}

/* A word far longer than any buffer, and the worst of words, everywhere. */
TEST(long_words)
{
	char *word = malloc(70001), *why;
	struct words w;
	struct cdp_table t;
	u32 i, k;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		split(&w, good[i]);
		for (k = 0; k < w.argc; k++) {
			char *was = w.argv[k];

			memset(word, "%9\\"[i % 3], 70000);
			word[70000] = '\0';
			w.argv[k] = word;
			parse(&t, &w, &why);
			w.argv[k] = (char *)"%s%n%s%n";
			parse(&t, &w, &why);
			w.argv[k] = was;
		}
		must(!parse(&t, &w, &why), "%s", why);
	}
	free(word);
}

/*
 * Properties.
 */

static bool same_table(const struct cdp_table *a, const struct cdp_table *b)
{
	return a->region_sectors == b->region_sectors && cdp_table_same_legs(a, b) &&
	       !memcmp(&a->features, &b->features, sizeof(a->features));
}

TEST(same_legs)
{
	const struct cdp_table a = {
		.nr_legs = 2,
		.legs = { { "a", 1, "b", 2 }, { "c", 3, "d", 4 } },
	};
	struct cdp_table b = a;

	must(cdp_table_same_legs(&a, &b), "the same");
	b.nr_legs = 1;
	must(!cdp_table_same_legs(&a, &b) && !cdp_table_same_legs(&b, &a), "fewer");
	b = a;
	b.legs[1].data_dev = "e";
	must(!cdp_table_same_legs(&a, &b), "data device");
	b = a;
	b.legs[1].data_start = 5;
	must(!cdp_table_same_legs(&a, &b), "data start");
	b = a;
	b.legs[1].meta_dev = "e";
	must(!cdp_table_same_legs(&a, &b), "metadata device");
	b = a;
	b.legs[1].meta_start = 5;
	must(!cdp_table_same_legs(&a, &b), "metadata start");
}

static void check_round_trip(const struct cdp_table *t, const char *name)
{
	struct words w;
	struct cdp_table back;
	char buf[2048], again[2048], *why;

	cdp_table_print(t, buf, sizeof(buf));
	split(&w, buf);
	must(!parse(&back, &w, &why), "%s '%s': %s", name, buf, why);
	must(same_table(t, &back), "%s '%s'", name, buf);
	cdp_table_print(&back, again, sizeof(again));
	must(!strcmp(buf, again), "%s '%s' '%s'", name, buf, again);
}

/* Lines of words drawn from those that lines are made of: most of them are wrong. */
TEST(words_deleted_doubled_exchanged)
{
	struct words w, pool;
	struct cdp_table t;
	u32 i, accepted = 0, n;
	u64 seed = 4;
	char *why;

	split(&pool, "- - 0 0 1 2 3 8 128 a b no_copy leg_timeout_ms read_policy balance primary ''");
	for (i = 0; i < 300000; i++) {
		split(&w, good[unit_below(&seed, ARRAY_SIZE(good))]);
		for (n = unit_below(&seed, 4); n && w.argc && w.argc < WORDS; n--) {
			u32 at = unit_below(&seed, w.argc), kind = unit_below(&seed, 3);

			if (kind == 0)
				w.argv[at] = pool.argv[unit_below(&seed, pool.argc)];
			else if (kind == 1)
				memmove(&w.argv[at], &w.argv[at + 1],
					(--w.argc - at) * sizeof(w.argv[0]));
			else
				memmove(&w.argv[at + 1], &w.argv[at],
					(w.argc++ - at) * sizeof(w.argv[0]));
		}
		if (parse(&t, &w, &why))
			continue;
		accepted++;
		check_round_trip(&t, "mutated");
	}
	must(accepted > 50000 && accepted < 250000, "%u", accepted);
}

static const struct {
	u32 offset, max;
} fields[] = {
#define FLAG		1
#define WORD(...)	(sizeof((const char *[]) { __VA_ARGS__ }) / sizeof(char *) - 1)
#define NUMBER(n)	n
#define LIMIT(a, b, n)	n
#define x(name, values, dflt) { offsetof(struct cdp_features, name), values },
	CDP_FEATURES(x)
#undef x
#undef LIMIT
#undef NUMBER
#undef WORD
#undef FLAG
};

static void random_leg(struct cdp_table_leg *leg, u32 n, bool meta, u64 *seed)
{
	static const char *const data[] = { "8:0", "b", "/dev/c", "d:d", "e", "f", "g", "-h" };
	static const char *const metas[] = { "i", "--", "8:0", "l" };
	bool present = !n || unit_below(seed, 4);

	leg->data_dev = present ? data[n] : "-";
	leg->meta_dev = present && meta ? metas[unit_below(seed, 4)] : "-";
	leg->data_start = present ? unit_random(seed) >> (10 + unit_below(seed, 54)) : 0;
	leg->meta_start = present && meta ? unit_random(seed) >> 10 : 0;
}

TEST(random_tables)
{
	struct cdp_table t;
	u64 seed = 5;
	u32 i, k, v;
	bool meta;

	for (i = 0; i < 100000; i++) {
		memset(&t, 0, sizeof(t));
		t.region_sectors = 8u << unit_below(&seed, 13);
		t.nr_legs = 1 + unit_below(&seed, 8);
		meta = unit_below(&seed, 2);
		for (k = 0; k < t.nr_legs; k++)
			random_leg(&t.legs[k], k, meta, &seed);
		for (k = 0; k < ARRAY_SIZE(fields); k++) {
			v = unit_below(&seed, 3) ? unit_below(&seed, fields[k].max + 1) : 0;
			memcpy((u8 *)&t.features + fields[k].offset, &v, sizeof(v));
		}
		check_round_trip(&t, "random");
	}
}

/* However small the buffer: the front part of the line, its length, a NUL. */
TEST(small_buffers)
{
	struct words w;
	struct cdp_table t;
	char whole[1024], *buf, *why;
	size_t size;
	int n, len;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		split(&w, good[i]);
		must(!parse(&t, &w, &why), "%s", why);
		len = cdp_table_print(&t, whole, sizeof(whole));
		for (size = 1; size <= (size_t)len + 1; size++) {
			buf = malloc(size);
			n = cdp_table_print(&t, buf, size);
			must(n == (int)size - 1 && !buf[n], "size %zu: %d", size, n);
			must(!memcmp(buf, whole, (size_t)n), "size %zu: '%s'", size, buf);
			free(buf);
		}
		must(cdp_table_print(&t, NULL, 0) == 0, "nothing for nothing");
	}
}

UNIT_MAIN("table", same_legs, good_lines, lines_that_come_back_shorter, bad_lines, values_arrive,
	  defaults_arrive, junk_for_numbers, long_words, words_deleted_doubled_exchanged,
	  random_tables, small_buffers)
