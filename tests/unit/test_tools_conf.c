// SPDX-License-Identifier: GPL-2.0
/* The configuration file: what is printed is read back; what is wrong names its line. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "dir.h"
#include "conf.h"
#include "msg.h"

#define UUID	"a97e8626-6824-4500-8d91-89685b1b9e77"
#define SET	"[set]\nuuid = " UUID "\nlength = 1000\nregion_sectors = 128\n"
#define LEG	"[leg 0]\nuuid = " UUID "\ndevice = /dev/a\nmeta_device = internal\nmeta_start = 7\n"

static void fill_uuid(struct cdp_uuid *u, u64 *seed)
{
	u32 i;

	for (i = 0; i < CDP_UUID_BYTES; i++)
		u->b[i] = (u8)unit_random(seed);
}

static void fill_text(char *to, u32 size, u64 *seed)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz0123456789/.:-_=,+[]";
	u32 len = 1 + unit_below(seed, size - 1), i;

	for (i = 0; i < len; i++)
		to[i] = chars[unit_below(seed, sizeof(chars) - 1)];
	to[len] = '\0';
}

static void fill_leg(struct cdp_conf_leg *l, u64 *seed)
{
	fill_uuid(&l->uuid, seed);
	fill_text(l->device, sizeof(l->device), seed);
	fill_text(l->meta_device, sizeof(l->meta_device), seed);
	if (unit_below(seed, 2)) {
		fill_text(l->device_id, sizeof(l->device_id), seed);
		l->device_sectors = (u64)unit_below(seed, 1000) << 8;
	}
	l->data_start = unit_random(seed) >> 1;
	l->meta_start = unit_random(seed) >> 1;
	if (unit_below(seed, 2))
		return;
	fill_text(l->iscsi.target, sizeof(l->iscsi.target), seed);
	fill_text(l->iscsi.host, sizeof(l->iscsi.host), seed);
	if (unit_below(seed, 2))
		fill_text(l->iscsi.user, sizeof(l->iscsi.user), seed);
	l->iscsi.port = 1 + unit_below(seed, 65535);
	l->iscsi.lun = unit_below(seed, 16384);
	l->iscsi.made_record = unit_below(seed, 2);
	l->iscsi.logged_in = unit_below(seed, 2);
}

static void same_leg(const struct cdp_conf_leg *a, const struct cdp_conf_leg *b)
{
	must(cdp_uuid_equal(&a->uuid, &b->uuid), "uuid");
	ck_assert_str_eq(a->device, b->device);
	ck_assert_str_eq(a->meta_device, b->meta_device);
	ck_assert_str_eq(a->device_id, b->device_id);
	must(a->device_sectors == b->device_sectors, "size of the device");
	must(a->data_start == b->data_start && a->meta_start == b->meta_start, "starts");
	ck_assert_str_eq(a->iscsi.target, b->iscsi.target);
	ck_assert_str_eq(a->iscsi.host, b->iscsi.host);
	ck_assert_str_eq(a->iscsi.user, b->iscsi.user);
	must(a->iscsi.port == b->iscsi.port && a->iscsi.lun == b->iscsi.lun, "port or lun");
	must(a->iscsi.made_record == b->iscsi.made_record &&
	     a->iscsi.logged_in == b->iscsi.logged_in, "what was done");
}

static void same(const struct cdp_conf *a, const struct cdp_conf *b)
{
	u32 i;

	must(cdp_uuid_equal(&a->uuid, &b->uuid) && a->length == b->length &&
	     a->region_sectors == b->region_sectors && a->nr_legs == b->nr_legs, "set");
	ck_assert_str_eq(a->features, b->features);
	ck_assert_str_eq(a->under, b->under);
	ck_assert_str_eq(a->under_uuid, b->under_uuid);
	ck_assert_str_eq(a->under_mark, b->under_mark);
	for (i = 0; i < a->nr_legs; i++)
		same_leg(&a->legs[i], &b->legs[i]);
}

TEST(round_trip)
{
	u64 seed = 1;
	u32 round, i;

	for (round = 0; round < 300; round++) {
		struct cdp_conf c = { 0 }, back;
		char *text;

		fill_uuid(&c.uuid, &seed);
		c.length = unit_random(&seed) >> 1;
		c.region_sectors = (u32)unit_random(&seed);
		if (unit_below(&seed, 2))
			fill_text(c.features, sizeof(c.features), &seed);
		if (unit_below(&seed, 2)) {
			fill_text(c.under, sizeof(c.under), &seed);
			fill_text(c.under_uuid, sizeof(c.under_uuid), &seed);
			fill_text(c.under_mark, sizeof(c.under_mark), &seed);
		}
		c.nr_legs = 1 + unit_below(&seed, CDP_MAX_LEGS);
		for (i = 0; i < c.nr_legs; i++)
			fill_leg(&c.legs[i], &seed);
		text = cdp_conf_print(&c);
		must(text, "no memory");
		must(!cdp_conf_parse(&back, "x", text), "%s\n%s", cdp_why_text(), text);
		same(&c, &back);
		free(text);
	}
}

/* What could not be read again replaces nothing. */
TEST(not_saved)
{
	static const char *const names[] = {
		"/dev/a#b", "/dev/a;b", "/dev/a  b", "/dev/ab ", "/dev/a\tb",
	};
	struct cdp_conf c, back;
	u32 i;

	setenv("CDP_CONF_DIR", unit_dir(), 1);
	must(!cdp_conf_parse(&c, "x", SET LEG), "%s", cdp_why_text());
	strcpy(c.name, "v");
	must(!cdp_conf_check(&c) && !cdp_conf_save(&c), "%s", cdp_why_text());
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		strcpy(c.legs[0].device, names[i]);
		must(cdp_conf_check(&c) == -EINVAL, "%s: may be saved", names[i]);
		must(cdp_conf_save(&c) == -EINVAL, "%s: is saved", names[i]);
		must(!cdp_conf_load(&back, "v"), "%s", cdp_why_text());
		ck_assert_str_eq(back.legs[0].device, "/dev/a");
	}
}

/* A value of several words that fills more than a line keeps its spaces. */
TEST(long_words)
{
	struct cdp_conf c, back;
	char *text;
	u32 i;

	must(!cdp_conf_parse(&c, "x", SET LEG), "%s", cdp_why_text());
	strcpy(c.features, "on_protect_error block leg_timeout_ms 3000 no_copy on_last_error queue read_policy balance resync_window 12 resync_max_mbps 1000 no_discard x y z w");
	ck_assert_int_gt((int)strlen(c.features), 140);
	strcat(c.features, " aaaaaaaaa bbbbbbbbbbbb");
	for (i = 0; i < 60; i++) {	/* wherever the line is cut */
		text = cdp_conf_print(&c);
		must(!cdp_conf_parse(&back, "x", text), "%s", cdp_why_text());
		ck_assert_str_eq(c.features, back.features);
		free(text);
		memmove(c.features, c.features + 1, strlen(c.features));
		if (c.features[0] == ' ')
			c.features[0] = 'x';
	}
}

/* Exactly what fits, and one more. */
TEST(longest_value)
{
	char text[1024], target[CDP_ISCSI_TARGET_TEXT + 1];
	struct cdp_conf c;
	u32 len;

	memset(target, 'a', sizeof(target));
	for (len = CDP_ISCSI_TARGET_TEXT - 1; len <= CDP_ISCSI_TARGET_TEXT; len++) {
		snprintf(text, sizeof(text), SET LEG "iscsi_host = h\niscsi_port = 1\niscsi_lun = 0\n"
			 "iscsi_made_record = no\niscsi_logged_in = no\niscsi_target = %.100s\n %.*s\n",
			 target, (int)len - 100, target);
		must(!cdp_conf_parse(&c, "x", text) == (len < CDP_ISCSI_TARGET_TEXT), "%u: %s", len,
		     cdp_why_text());
	}
}

TEST(least)
{
	struct cdp_conf c;

	must(!cdp_conf_parse(&c, "x", "# hello\n\n" SET "features = no_copy\n; more\n" LEG),
	     "%s", cdp_why_text());
	must(c.nr_legs == 1 && c.length == 1000 && c.region_sectors == 128 &&
	     c.legs[0].meta_start == 7 && !c.legs[0].data_start, "values");
	ck_assert_str_eq(c.features, "no_copy");
	ck_assert_str_eq(c.legs[0].device, "/dev/a");
}

#define X10	"xxxxxxxxxx"
#define X100	X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define LONG(key) key " = " X100 "\n " X100 "\n " X100 "\n " X100 "\n " X100 "\n " X100 "\n"

TEST(wrong)
{
	static const struct {
		const char *text, *word;
	} rows[] = {
		{ "", "uuid is missing in [set]" },
		{ SET, "there is no [leg 0]" },
		{ SET LEG "color = red\n", "line 10: unknown key color in [leg 0]" },
		{ SET "size = 1\n" LEG, "line 5: unknown key size in [set]" },
		{ "uuid = " UUID "\n", "line 1: unknown section" },
		{ SET "[legs]\nuuid = " UUID "\n", "line 6: unknown section [legs]" },
		{ SET "[leg 8]\nuuid = " UUID "\n", "line 6: unknown section [leg 8]" },
		{ SET "[leg -1]\nuuid = " UUID "\n", "line 6: unknown section" },
		{ SET "[leg 1]\nuuid = " UUID "\n", "missing in [leg 0]" },
		{ SET LEG "meta_start = 8\n", "line 10: meta_start in [leg 0] is given twice" },
		{ SET LEG "data_start = x\n", "line 10: the value of data_start" },
		{ SET LEG "data_start = -1\n", "line 10: the value of data_start" },
		{ SET LEG "data_start = 1\n 2\n",
		  "line 11: the value of data_start in [leg 0] goes on" },
		{ SET LEG "data_start = 9223372036854775808\n", "not a number" },
		{ "[set]\nuuid = 7\n", "line 2: the value of uuid in [set] is not a UUID" },
		{ "[set]\nregion_sectors = 4294967296\n", "line 2" },
		{ "[set]\nnonsense\n", "line 2: neither" },
		{ "[set\n", "line 1: neither" },
		{ SET LEG LONG("iscsi_target"),
		  "line 12: the value of iscsi_target in [leg 0] is longer than 223" },
		{ SET "[leg 0]\n" LONG("device"), "is longer than 511" },
		{ SET "features = " X100 X100 "\n" LEG, "line 5: the line is longer than" },
		{ SET "features = a;b\n" LEG, "line 5" },
		{ SET "features = a  b\n" LEG, "line 5" },
		{ SET "features = a\tb\n" LEG, "line 5" },
		{ SET LEG "iscsi_target = iqn.x\n", "iscsi_host is missing in [leg 0]" },
		{ SET LEG "iscsi_made_record = true\n", "must be yes or no" },
	};
	struct cdp_conf c;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		must(cdp_conf_parse(&c, "FILE", rows[i].text) == -EINVAL, "row %u", i);
		must(strstr(cdp_why_text(), rows[i].word) && strstr(cdp_why_text(), "FILE: "),
		     "row %u: %s", i, cdp_why_text());
	}
}

TEST(valid_names)
{
	char longest[CDP_NAME_TEXT + 1];

	memset(longest, 'a', sizeof(longest));
	longest[CDP_NAME_TEXT - 1] = '\0';
	must(cdp_name_is_valid("vm1") && cdp_name_is_valid("a.b_c+d-e") &&
	     cdp_name_is_valid(longest), "good");
	longest[CDP_NAME_TEXT - 1] = 'a';
	longest[CDP_NAME_TEXT] = '\0';
	must(!cdp_name_is_valid("") && !cdp_name_is_valid(".x") && !cdp_name_is_valid("-x") &&
	     !cdp_name_is_valid("+x") &&
	     !cdp_name_is_valid("a/b") && !cdp_name_is_valid("a b") &&
	     !cdp_name_is_valid(longest), "wrong");
}

static int note_name(const char *name, void *ctx)
{
	strcat(ctx, name);
	strcat(ctx, " ");
	return 0;
}

/* The set b, not saved yet, in the new directory @dir that is empty. */
static void begin(char *dir, struct cdp_conf *c)
{
	must(mkdtemp(dir), "no directory");
	setenv("CDP_CONF_DIR", dir, 1);
	must(!cdp_conf_parse(c, "x", SET LEG), "%s", cdp_why_text());
	strcpy(c->name, "b");
}

/* Saved, listed, loaded, removed: in a directory of its own. */
TEST(files)
{
	char dir[] = "/tmp/test_tools_conf.XXXXXX", path[CDP_PATH_TEXT], names[64] = "";
	struct cdp_conf c, back;
	struct stat st;
	ino_t ino;

	begin(dir, &c);
	must(!cdp_conf_exists("b") && cdp_conf_load(&back, "b") == -ENOENT, "before");
	must(!cdp_conf_save(&c), "%s", cdp_why_text());
	must(!stat(cdp_conf_path("b", path), &st), "no file");
	ino = st.st_ino;
	must(!cdp_conf_try(&c) && !cdp_conf_save(&c), "%s", cdp_why_text());
	must(!stat(path, &st) && st.st_ino == ino, "the same was written again");
	c.length = 2000;
	must(!cdp_conf_try(&c) && !stat(path, &st) && st.st_ino == ino, "only tried");
	must(!cdp_conf_save(&c), "%s", cdp_why_text());
	must(!stat(path, &st) && st.st_ino != ino, "not written");
	strcpy(c.name, "a");
	must(!cdp_conf_save(&c), "%s", cdp_why_text());
	must(!cdp_conf_list(note_name, names), "%s", cdp_why_text());
	ck_assert_str_eq(names, "a b ");
	must(!cdp_conf_load(&back, "b") && back.length == 2000, "%s", cdp_why_text());
	ck_assert_str_eq(back.name, "b");
	must(!cdp_conf_remove("a") && !cdp_conf_remove("b") && !cdp_conf_remove("b"), "remove");
	must(!cdp_conf_exists("b"), "%s", cdp_conf_path("b", path));
	must(!rmdir(dir), "something was left in %s", dir);
	setenv("CDP_CONF_DIR", "/proc/self", 1);
	must(cdp_conf_try(&c) && cdp_conf_save(&c), "where nothing can be written");
}

static void leave(const char *dir, const char *name, int *fd)
{
	char path[CDP_PATH_TEXT];

	cdp_print(path, sizeof(path), "%s/%s", dir, name);
	*fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(*fd >= 0, "%s", path);
}

/* What was killed in the middle of a save leaves a file, which the next save of the set removes. */
TEST(left)
{
	static const char *const names[] = {
		"b.conf.aB3xyZ", "b.conf.Y.conf", "b.conf.aB3xyZ7", "b.conf-aB3xyZ", "bb.conf.aB3xyZ",
		"b.doing",
	};
	char dir[] = "/tmp/test_tools_conf.XXXXXX", path[CDP_PATH_TEXT];
	int fds[ARRAY_SIZE(names)], busy;
	struct cdp_conf c;
	u32 i;

	begin(dir, &c);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		leave(dir, names[i], &fds[i]);
	leave(dir, "b.conf.busy00", &busy);
	must(!flock(busy, LOCK_EX), "no lock");
	must(!cdp_conf_save(&c), "%s", cdp_why_text());
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		must(cdp_conf_is_gone(fds[i]) == !i, "%s", names[i]);
		cdp_print(path, sizeof(path), "%s/%s", dir, names[i]);
		must(!i || !unlink(path), "%s", path);
		close(fds[i]);
	}
	must(!cdp_conf_is_gone(busy), "somebody was at it");
	close(busy);
	must(!cdp_conf_try(&c) && !cdp_conf_remove("b"), "%s", cdp_why_text());
	must(!rmdir(dir), "something was left in %s", dir);
}

/* Who tends many sets is told at once that another one changes a set. */
TEST(never_waits)
{
	char dir[] = "/tmp/test_tools_conf.XXXXXX";
	double began = cdp_seconds();
	struct cdp_conf c;
	int fd;

	begin(dir, &c);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(!flock(fd, LOCK_EX), "no lock");
	cdp_conf_never_wait();
	must(cdp_conf_lock() == -EBUSY, "%s", cdp_why_text());
	must(cdp_seconds() - began < 2, "after %.1f s", cdp_seconds() - began);
	close(fd);
	must(!cdp_conf_lock(), "%s", cdp_why_text());
	cdp_conf_unlock();
	must(!rmdir(dir), "something was left in %s", dir);
}

UNIT_MAIN("conf", round_trip, not_saved, long_words, longest_value, least, wrong, valid_names,
	  files, left, never_waits)
