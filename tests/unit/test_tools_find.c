// SPDX-License-Identifier: GPL-2.0
/* What devices say of themselves, and reading on those that do not answer. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "dir.h"
#include "host.h"
#include "identity.h"
#include "look.h"

/* An attribute of the block device 7:@minor. */
static void attr(u32 minor, const char *file, const char *text)
{
	char real[CDP_PATH_TEXT], *slash;
	FILE *f;

	setenv("CDP_ROOT", unit_dir(), 1);
	cdp_host_path(real, "/sys/dev/block/7:%u/%s", minor, file);
	slash = real + strlen(unit_dir());
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		mkdir(real, 0755);
		*slash = '/';
	}
	f = fopen(real, "w");
	must(f && fputs(text, f) >= 0 && !fclose(f), "%s", real);
}

TEST(identity)
{
	static const struct {
		const char *file, *text, *id;
	} rows[] = {
		{ "dm/uuid", "LVM-abc\n", "dm-uuid=LVM-abc" },
		{ "dm/uuid", "\n", "" },
		{ "dm/name", "vm1-disk\n", "dm-name=vm1-disk" },
		{ "wwid", "eui.0025385\n", "wwid=eui.0025385" },
		{ "device/wwid", "t10.ATA     QEMU HARDDISK    QM00001   ",
		  "wwid=t10.ATA_QEMU_HARDDISK_QM00001" },
		{ "device/wwid", "   ", "" },
		{ "serial", "disk0", "serial=disk0" },
		{ "serial", "a#b;c\\d\x80", "serial=a\\x23b\\x3bc\\x5cd\\x80" },
		{ "loop/backing_file", "/var/a b\n", "file=/var/a_b" },
		{ "loop/backing_file", "/var/a (deleted)\n", "" },
		{ "size", "8\n", "" },
	};
	char id[CDP_PATH_TEXT];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		attr(i, rows[i].file, rows[i].text);
		must(cdp_identity_of(7, i, id) == !!*rows[i].id, "%u: %s", i, id);
		ck_assert_str_eq(id, rows[i].id);
		must(!*id || cdp_identity_is(7, i, id), "%s is not itself", id);
		must(cdp_text_is_plain(id), "%s", id);
		must(!cdp_identity_is(7, i, "serial=disk1"), "%s is another", id);
	}
}

/* A better source that comes with a new kernel does not make it another device. */
TEST(several)
{
	struct cdp_conf_leg l = { .meta_device = "/dev/m" };
	char text[CDP_MSG_TEXT];

	attr(20, "serial", "S1");
	attr(20, "size", "1000");
	must(cdp_identity_remember(&l, 7, 20), "nothing is remembered");
	ck_assert_str_eq(l.device_id, "serial=S1");
	must(l.device_sectors == 1000, "size");
	attr(20, "wwid", "naa.5\n");
	must(!cdp_identity_differs(&l, 7, 20, text), "%s", text);
	must(!cdp_identity_remember(&l, 7, 20), "it is known");
	ck_assert_str_eq(l.device_id, "serial=S1");
}

TEST(partition)
{
	char id[CDP_PATH_TEXT];

	attr(30, "device/wwid", "naa.5\n");
	attr(30, "p2/partition", "2\n");
	must(!symlink("7:30/p2", cdp_host_path(id, "/sys/dev/block/7:31")), "symlink");
	must(cdp_identity_of(7, 31, id), "nothing");
	ck_assert_str_eq(id, "part2-of-wwid=naa.5");
	must(cdp_identity_is(7, 31, id) && !cdp_identity_is(7, 30, id), "the disk or the partition");
}

TEST(differs)
{
	struct cdp_conf_leg l = { .meta_device = "/dev/m" };
	char text[CDP_MSG_TEXT];

	attr(40, "serial", "S1");
	attr(40, "size", "1000");
	attr(41, "serial", "S2");
	attr(41, "size", "1000");
	attr(42, "size", "1000");
	must(!cdp_identity_differs(&l, 7, 41, text), "an old configuration: %s", text);
	must(cdp_identity_remember(&l, 7, 40), "remember");
	must(cdp_identity_differs(&l, 7, 41, text) && strstr(text, "S1") && strstr(text, "S2"),
	     "another serial number");
	must(cdp_identity_differs(&l, 7, 42, text) && strstr(text, "unknown"), "none");
	attr(40, "size", "2000");
	must(!cdp_identity_differs(&l, 7, 40, text), "it has grown: %s", text);
	attr(40, "size", "999");
	must(cdp_identity_differs(&l, 7, 40, text) && strstr(text, "999"), "it is smaller");
	attr(42, "size", "1001");
	must(cdp_identity_remember(&l, 7, 42), "size");
	ck_assert_str_eq(l.device_id, "serial=S1");	/* that it says nothing now is no reason */
	must(!cdp_identity_remember(&l, 7, 43) && l.device_sectors == 1001, "it is not there");
	l.device_id[0] = '\0';
	must(!cdp_identity_differs(&l, 7, 42, text), "%s", text);
	attr(42, "size", "1002");
	must(cdp_identity_differs(&l, 7, 42, text), "another size");
	strcpy(l.meta_device, CDP_META_INTERNAL);
	must(cdp_identity_remember(&l, 7, 40) && !l.device_id[0] && !l.device_sectors,
	     "its metadata tells");
}

/*----------------------------------------------------------------*/

/* By the last letter of the path. */
static u8 reads(const struct cdp_look *l, void *ctx)
{
	char last = l->path[strlen(l->path) - 1];

	switch (last) {
	case 'w':	/* waits */
		for (;;)
			pause();
	case 'd':	/* dies */
		abort();
	case 'o':	/* has what is ours open */
		return fcntl(*(int *)ctx, F_GETFD) < 0 ? 3 : 4;
	}
	return (u8)(last - '0');
}

static void device(struct cdp_look *l, u32 minor, const char *name)
{
	*l = (struct cdp_look) { .major = 7, .minor = minor };
	strcpy(l->path, name);
}

TEST(silent)
{
	struct cdp_look all[100];
	int fd = dup(1);
	double began;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		device(&all[i], 1000 + i, i % 2 ? "/dev/1" : "/dev/2");
	device(&all[3], 1003, "/dev/w");
	device(&all[4], 1004, "/dev/d");
	device(&all[5], 1005, "/dev/o");
	device(&all[6], 1006, "/dev/1");	/* suspended */
	device(&all[7], 1007, "/dev/1");	/* and that is waited for */
	device(&all[98], 1098, "/dev/w");
	attr(1006, "dm/suspended", "1\n");
	attr(1007, "dm/suspended", "1\n");
	all[7].wanted = true;
	began = cdp_seconds();
	must(!cdp_look(all, ARRAY_SIZE(all), 2, reads, &fd), "%s", cdp_why_text());
	must(cdp_seconds() - began < 10, "one after the other");
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		if ((i >= 3 && i <= 7) || i == 98)
			continue;
		must(all[i].found == (i % 2 ? 1 : 2) && !all[i].silent, "%u", i);
	}
	must(all[5].found == 3, "what is open stays open");
	must(!all[3].found && all[3].silent && all[98].silent && all[4].silent, "silent");
	ck_assert_str_eq(all[6].silent, "is suspended");
	ck_assert_str_eq(all[7].silent, "is suspended");
	close(fd);
}

/* A server that is silent has many disks: together they are waited for as long as one. */
TEST(many_silent)
{
	struct cdp_look all[100];
	double began = cdp_seconds();
	u32 i;

	for (i = 0; i < ARRAY_SIZE(all); i++)
		device(&all[i], 1000 + i, "/dev/w");
	must(!cdp_look(all, ARRAY_SIZE(all), 2, reads, NULL), "%s", cdp_why_text());
	must(cdp_seconds() - began < 6, "after %.1f s", cdp_seconds() - began);
	for (i = 0; i < ARRAY_SIZE(all); i++)
		must(!all[i].found && all[i].silent, "%u", i);
}

UNIT_MAIN("find", identity, several, partition, differs, silent, many_silent)
