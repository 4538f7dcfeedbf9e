/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only user of libblkid: what a block device is, what is on it, who uses it. */
#ifndef CDP_TOOLS_PROBE_H
#define CDP_TOOLS_PROBE_H

#include "port.h"

#define CDP_PATH_TEXT	512
#define CDP_FIND_TEXT	32
#define CDP_MAX_FINDS	8

struct cdp_find {
	char name[CDP_FIND_TEXT];	/* "ext4", "gpt", "LVM2_member": the word for --force */
};

struct cdp_device {
	char path[CDP_PATH_TEXT];	/* the node itself: /dev/sdb */
	char stable[CDP_PATH_TEXT];	/* a name that survives a reboot, where there is one */
	u32 major, minor;
	u64 sectors;
	u32 logical_block_bytes;
	u32 nr_finds;
	struct cdp_find finds[CDP_MAX_FINDS];
};

/* Names and numbers only: it is not opened, which can last as long as a disk is silent. */
int __must_check cdp_probe_node(const char *path, struct cdp_device *d);

/* And the size; opens it for reading only, works while it is in use. */
int __must_check cdp_probe_device(const char *path, struct cdp_device *d);

/* Fill in finds: every filesystem, partition table, volume or RAID signature. */
int __must_check cdp_probe_contents(struct cdp_device *d);

/* 0 when nobody holds it (O_EXCL), else -EBUSY with a sentence that says who. */
int __must_check cdp_probe_unused(const struct cdp_device *d);

/* Does the kernel recover the SCSI host of it? Then who opens it waits for that. */
bool cdp_probe_recovers(const struct cdp_device *d);

/*
 * The same of a device that is not to be opened, see cdp_probe_node(): is it, or a partition
 * of it, mounted, swapped to, or held by another device? Not every user can be seen so.
 */
int __must_check cdp_probe_user(const struct cdp_device *d);

/* "8:16", as in tables, status and sysfs; false for anything else, as "-" or "/dev/sdb". Pure. */
bool cdp_probe_numbers(const char *text, u32 *major, u32 *minor);

/* The node of a device number: "/dev/sdb", or "8:16" when there is none. Returns @path. */
const char *cdp_probe_name(u32 major, u32 minor, char path[CDP_PATH_TEXT]);

/* A /dev/disk/by-id (or by-path) name of @node if there is one that is plain, else @node. */
void cdp_probe_stable(const char *node, char stable[CDP_PATH_TEXT]);

/* The first plain name of @node in @dir, in order of name; false when there is none. */
bool cdp_probe_link(const char *dir, const char *node, char path[CDP_PATH_TEXT]);

/* Is @path the device with this number? False when it does not exist. */
bool cdp_probe_is(const char *path, u32 major, u32 minor);

/* May it stand in a configuration file? No comment signs, no two spaces in a row: conf.h. */
bool cdp_text_is_plain(const char *text);

/* Call @each for every block device that has a size and is not held by another one, with its
 * path, numbers and size; stops at the first non-zero result and returns it. None is opened.
 */
int __must_check cdp_probe_each(int (*each)(const struct cdp_device *d, void *ctx), void *ctx);

#endif
