// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netlink.h>

#include "size.h"
#include "uevent.h"

/*
 * struct iscsi_uevent of the kernel's scsi/iscsi_if.h, which is no part of its
 * exported headers, but cannot change either: iscsid speaks it.
 */
#define ISCSI_CONN_ERROR	102u
#define ISCSI_SESSION_AT	40u	/* of the session in a report of that kind */

struct words {
	const char *action, *subsystem, *path, *major, *minor, *ua, *ours;
};

static void take(struct words *w, const char *word)
{
	static const struct {
		const char *key;
		size_t at;
	} keys[] = {
		{ "ACTION=", offsetof(struct words, action) },
		{ "SUBSYSTEM=", offsetof(struct words, subsystem) },
		{ "DEVPATH=", offsetof(struct words, path) },
		{ "MAJOR=", offsetof(struct words, major) },
		{ "MINOR=", offsetof(struct words, minor) },
		{ "SDEV_UA=", offsetof(struct words, ua) },
		{ "CDP_EVENT=", offsetof(struct words, ours) },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strncmp(word, keys[i].key, strlen(keys[i].key)))
			*(const char **)((char *)w + keys[i].at) = word + strlen(keys[i].key);
}

static bool take_number(const char *text, u32 *n)
{
	u64 v;

	if (!text || cdp_number_parse(text, UINT32_MAX, &v))
		return false;
	*n = (u32)v;
	return true;
}

static enum cdp_uevent_kind kind_of(const struct words *w, struct cdp_uevent *u)
{
	if (!w->action || !w->subsystem || !w->path || w->ours)
		return UEVENT_OTHER;
	if (!strcmp(w->subsystem, "scsi")) {
		cdp_print(u->path, sizeof(u->path), "%s", w->path);
		return w->ua && !strcmp(w->ua, "POWER_ON_RESET_OCCURRED") ?
		       UEVENT_POWER_ON : UEVENT_OTHER;
	}
	if (strcmp(w->subsystem, "block") || !take_number(w->major, &u->major) ||
	    !take_number(w->minor, &u->minor))
		return UEVENT_OTHER;
	if (!strcmp(w->action, "add"))
		return UEVENT_DISK_CAME;
	return !strcmp(w->action, "change") ? UEVENT_DISK_CHANGED : UEVENT_OTHER;
}

void cdp_uevent_parse(const char *data, size_t len, struct cdp_uevent *u)
{
	struct words w = { 0 };
	size_t n;

	memset(u, 0, sizeof(*u));
	for (; len && (n = strnlen(data, len)) < len; data += n + 1, len -= n + 1)
		take(&w, data);
	u->kind = kind_of(&w, u);
}

void cdp_uevent_parse_iscsi(const void *data, size_t len, struct cdp_uevent *u)
{
	const struct nlmsghdr *h = data;
	const u8 *body = (const u8 *)data + NLMSG_HDRLEN;
	u32 type;

	memset(u, 0, sizeof(*u));
	if (len < NLMSG_HDRLEN + ISCSI_SESSION_AT + sizeof(u32) || h->nlmsg_len > len ||
	    h->nlmsg_len < NLMSG_HDRLEN + ISCSI_SESSION_AT + sizeof(u32))
		return;
	memcpy(&type, body, sizeof(type));
	memcpy(&u->session, body + ISCSI_SESSION_AT, sizeof(u->session));
	if (type == ISCSI_CONN_ERROR)
		u->kind = UEVENT_LINK_LOST;
}
