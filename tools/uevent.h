/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel tells about devices, by netlink. Pure. */
#ifndef CDP_TOOLS_UEVENT_H
#define CDP_TOOLS_UEVENT_H

#include "port.h"

enum cdp_uevent_kind {
	UEVENT_OTHER,
	UEVENT_DISK_CAME,	/* a block device: major, minor */
	UEVENT_DISK_CHANGED,	/* it, or what is behind it, may be another one now */
	UEVENT_POWER_ON,	/* a SCSI device says that it was reset or switched on */
	UEVENT_LINK_LOST,	/* the connection of an iSCSI session has failed */
	UEVENT_LOST,		/* reports were, so it may have been any of these */
};

struct cdp_uevent {
	enum cdp_uevent_kind kind;
	u32 major, minor;
	u32 session;		/* UEVENT_LINK_LOST */
	char path[512];		/* UEVENT_POWER_ON: of the device in sysfs, "/devices/..." */
};

/* A datagram of NETLINK_KOBJECT_UEVENT: "add@/devices/...", then KEY=VALUE, each with a NUL. */
void cdp_uevent_parse(const char *data, size_t len, struct cdp_uevent *u);

/* A datagram of NETLINK_ISCSI, with its header. */
void cdp_uevent_parse_iscsi(const void *data, size_t len, struct cdp_uevent *u);

#endif
