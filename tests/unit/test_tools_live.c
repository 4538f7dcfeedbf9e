// SPDX-License-Identifier: GPL-2.0
/* A running set and its configuration, which may be of different times. */
#include <stdio.h>
#include <unistd.h>

#include "unit.h"
#include "dir.h"
#include "dm.h"
#include "live.h"
#include "msg.h"
#include "said.h"

#define SET	"90919293-9495-9697-9899-9a9b9c9d9e9f"
#define LEG	"10111213-1415-1617-1819-1a1b1c1d1e1"
#define FILE_OF_ONE	\
	"[set]\nuuid = " SET "\nlength = 65536\nregion_sectors = 128\n" \
	"[leg 0]\nuuid = " LEG "0\ndevice = /dev/a\nmeta_device = internal\nmeta_start = 65536\n"

/*---------------- a set of two legs, as the kernel tells of it ------------------*/

int cdp_dm_info(const char *name, struct cdp_dm_info *info)
{
	(void)name;
	memset(info, 0, sizeof(*info));
	info->exists = true;
	return 0;
}

int cdp_dm_status(const char *name, u64 *length, char **line)
{
	(void)name;
	*length = 65536;
	*line = strdup(SET " optimal 0 2 " LEG "0 /dev/a in-sync 0/512 0 0 " LEG
		       "1 /dev/b in-sync 0/512 0 0 idle 0/0 0123456789abcdef");
	return 0;
}

int cdp_dm_table(const char *name, u64 *length, char **line)
{
	(void)name;
	*length = 65536;
	*line = strdup("128 2 /dev/a 0 /dev/a 65536 /dev/b 0 /dev/b 65536 0");
	return 0;
}

int cdp_dm_message(const char *name, const char *message, char **answer)
{
	(void)name;
	(void)message;
	(void)answer;
	return -EIO;
}

int cdp_dm_reload(const char *name, u64 length, const char *params)
{
	(void)name;
	(void)length;
	(void)params;
	return -EIO;
}

int cdp_dm_clear(const char *name)
{
	(void)name;
	return -EIO;
}

/*---------------- what is remembered --------------------------------------------*/

static void file_of(const char *suffix, const char *text)
{
	char path[128];
	FILE *f;

	cdp_print(path, sizeof(path), "%s/v.%s", getenv("CDP_CONF_DIR"), suffix);
	f = fopen(path, "w");
	must(f && fputs(text, f) >= 0 && !fclose(f), "%s", path);
}

static const char *said_by(int (*open)(struct cdp_live *s, const char *name), struct cdp_live *s)
{
	int r;

	said_begin();
	r = open(s, "v");
	cdp_live_close(s);
	must(!r && s->status.nr_legs == 2 && s->conf.nr_legs == 2, "%s", cdp_why_text());
	return said_end();
}

/* Between a new table and the file the monitor looks, too; only what stays is worth a word. */
TEST(of_other_legs)
{
	static struct cdp_live s;

	setenv("CDP_CONF_DIR", unit_dir(), 1);
	file_of("conf", FILE_OF_ONE);
	must(strstr(said_by(cdp_live_open, &s), "has 1 legs and the running set has 2"), "a command");
	must(!strcmp(s.conf.legs[0].device, "/dev/a") && !strcmp(s.conf.legs[1].device, "/dev/b"),
	     "the leg that only the kernel knows: %s", s.conf.legs[1].device);
	ck_assert_str_eq(said_by(cdp_live_peek, &s), "");
	file_of("doing", "leg\nadd\nv\n");
	ck_assert_str_eq(said_by(cdp_live_open, &s), "");
}

UNIT_MAIN("live", of_other_legs)
