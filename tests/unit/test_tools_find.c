// SPDX-License-Identifier: GPL-2.0
/* Reading on devices that do not answer. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "dir.h"
#include "host.h"
#include "look.h"
#include "msg.h"

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

/*----------------------------------------------------------------*/

/* By the last letter of the path. */
static u8 reads(const char *path, void *ctx)
{
	switch (path[strlen(path) - 1]) {
	case 'w':	/* waits */
		for (;;)
			pause();
	case 'd':	/* dies */
		abort();
	case 'o':	/* has what is ours open */
		return fcntl(*(int *)ctx, F_GETFD) < 0 ? 3 : 4;
	}
	return (u8)(path[strlen(path) - 1] - '0');
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

UNIT_MAIN("find", silent)
