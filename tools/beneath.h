/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The disks that a device stands on: itself, or what is below its mappings and partitions. */
#ifndef CDP_TOOLS_BENEATH_H
#define CDP_TOOLS_BENEATH_H

#include "probe.h"

struct cdp_disk {
	u32 major, minor;
	char dir[CDP_PATH_TEXT];	/* in sysfs: "/sys/devices/.../block/sdb" */
};

/* Call @each for every disk beneath; stops at the first non-zero result and returns it. */
int cdp_beneath(u32 major, u32 minor, int (*each)(const struct cdp_disk *d, void *ctx), void *ctx);

/* Is this device it, or beneath it? */
bool cdp_beneath_has(u32 major, u32 minor, u32 low_major, u32 low_minor);

/* Does its cache lose what was not flushed when its power goes? Unknown is no. */
bool cdp_disk_is_volatile(const struct cdp_disk *d);

/* Beneath it, is there a disk of this kind? */
bool cdp_beneath_volatile(u32 major, u32 minor);

#endif
