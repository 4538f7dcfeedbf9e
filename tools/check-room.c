// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "checks.h"
#include "history.h"
#include "host.h"
#include "size.h"

#define LEAST_BYTES	(16ull << 20)

void cdp_check_room(struct cdp_findings *f, const char *dir, u64 free_bytes)
{
	char size[CDP_SIZE_TEXT];

	if (free_bytes < LEAST_BYTES)
		cdp_find_add(f, "space", "%s has %s left", dir, cdp_size_print(free_bytes, size));
}

void cdp_check_clock(struct cdp_findings *f, bool is_synchronized)
{
	if (!is_synchronized)
		cdp_find_mend(cdp_find_add(f, "clock", "the kernel says that nobody sets it"), true,
			      "timedatectl set-ntp true");
}

static void check_hook(const char *path, void *ctx)
{
	char real[CDP_PATH_TEXT];
	struct stat st;

	if (stat(cdp_host_path(real, "%s", path), &st) || !S_ISREG(st.st_mode) ||
	    !(st.st_mode & 0111) || !(st.st_mode & 022))
		return;
	cdp_find_mend(cdp_find_add(ctx, "hook-unsafe", "%s", path), true, "chmod go-w %s", path);
}

void cdp_check_hooks(struct cdp_findings *f)
{
	cdp_host_each("/etc/cdp/hooks.d/*", check_hook, f);
}

static void check_dir(struct cdp_findings *f, const char *dir)
{
	struct statvfs s;

	if (!statvfs(dir, &s))
		cdp_check_room(f, dir, (u64)s.f_bavail * s.f_frsize);
}

void cdp_check_here(struct cdp_findings *f)
{
	struct timex t = { 0 };

	check_dir(f, cdp_conf_dir());
	check_dir(f, cdp_state_dir());
	cdp_check_clock(f, adjtimex(&t) != TIME_ERROR);
	cdp_check_hooks(f);
}
