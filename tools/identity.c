// SPDX-License-Identifier: GPL-2.0-or-later
#include "host.h"
#include "identity.h"

#define BY_ID		"/dev/disk/by-id/"
#define BY_PARTUUID	"/dev/disk/by-partuuid/"

/* Below /sys/dev/block/MAJOR:MINOR, the best first. */
static const struct source {
	const char *kind, *file;
	bool whole;		/* of the whole disk: a partition of it has a number as well */
} sources[] = {
	{ "dm-uuid", "dm/uuid", false },
	{ "dm-name", "dm/name", false },	/* an administrator's choice, which stays */
	{ "md-uuid", "md/uuid", true },
	{ "wwid", "wwid", true },		/* NVMe */
	{ "wwid", "device/wwid", true },	/* SCSI */
	{ "serial", "serial", true },		/* virtio */
	{ "file", "loop/backing_file", true },
};

static bool is_odd(char c)
{
	return (unsigned char)c < ' ' || (unsigned char)c >= 127 || strchr("#;\\", c);
}

/* So that it can be remembered; vendors pad with blanks. False when it is empty or too long. */
static bool put(char id[CDP_PATH_TEXT], const char *kind, const char *value)
{
	size_t n = (size_t)cdp_print(id, CDP_PATH_TEXT, "%s=", kind), begin = n;
	const char *c = value + strspn(value, " \t\n");

	for (; *c; c++) {
		if (n + 5 >= CDP_PATH_TEXT)
			return false;
		if (strchr(" \t\n", *c)) {
			if (c[strspn(c, " \t\n")] && id[n - 1] != '_')
				id[n++] = '_';
		} else if (is_odd(*c)) {
			n += (size_t)cdp_print(id + n, 5, "\\x%02x", (unsigned char)*c);
		} else {
			id[n++] = *c;
		}
	}
	id[n] = '\0';
	return n > begin;
}

static bool read_attr(u32 ma, u32 mi, const char *file, char *text, size_t size)
{
	char path[CDP_PATH_TEXT];

	cdp_print(path, sizeof(path), "/sys/dev/block/%u:%u/%s", ma, mi, file);
	return cdp_host_read(path, text, size);
}

static bool read_source(const struct source *s, u32 ma, u32 mi, char id[CDP_PATH_TEXT])
{
	char value[CDP_PATH_TEXT], number[16] = "", file[64], kind[48];
	bool part = s->whole && read_attr(ma, mi, "partition", number, sizeof(number));

	cdp_print(file, sizeof(file), "%s%s", part ? "../" : "", s->file);
	cdp_print(kind, sizeof(kind), "%s%s%s", part ? "part" : "", number, part ? "-of-" : "");
	cdp_print(kind + strlen(kind), sizeof(kind) - strlen(kind), "%s", s->kind);
	if (!read_attr(ma, mi, file, value, sizeof(value)) || strlen(value) == sizeof(value) - 1)
		return false;
	if (!strcmp(s->kind, "file") && strstr(value, " (deleted)"))
		return false;
	return put(id, kind, value);
}

/* What udev knows of it. */
static bool read_link(const char *dir, const char *kind, u32 ma, u32 mi, char id[CDP_PATH_TEXT])
{
	char node[CDP_PATH_TEXT], link[CDP_PATH_TEXT];

	return cdp_probe_link(dir, cdp_probe_name(ma, mi, node), link) &&
	       put(id, kind, strrchr(link, '/') + 1);
}

bool cdp_identity_of(u32 ma, u32 mi, char id[CDP_PATH_TEXT])
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(sources); i++)
		if (read_source(&sources[i], ma, mi, id))
			return true;
	if (read_link(BY_PARTUUID, "partuuid", ma, mi, id) ||
	    read_link(BY_ID, "by-id", ma, mi, id))
		return true;
	*id = '\0';
	return false;
}

static bool is_link(const char *dir, const char *name, u32 ma, u32 mi)
{
	char path[CDP_PATH_TEXT];

	return (size_t)cdp_print(path, sizeof(path), "%s%s", dir, name) < sizeof(path) - 1 &&
	       cdp_probe_is(path, ma, mi);
}

bool cdp_identity_is(u32 ma, u32 mi, const char *id)
{
	char has[CDP_PATH_TEXT];
	u32 i;

	if (!strncmp(id, "by-id=", 6))
		return is_link(BY_ID, id + 6, ma, mi);
	if (!strncmp(id, "partuuid=", 9))
		return is_link(BY_PARTUUID, id + 9, ma, mi);
	for (i = 0; i < ARRAY_SIZE(sources); i++)
		if (read_source(&sources[i], ma, mi, has) && !strcmp(has, id))
			return true;
	return false;
}

/*----------------------------------------------------------------*/

static u64 sectors_of(u32 ma, u32 mi)
{
	unsigned long long n;
	char text[32];

	return read_attr(ma, mi, "size", text, sizeof(text)) && sscanf(text, "%llu", &n) == 1 ?
		n : 0;
}

bool cdp_identity_counts(const struct cdp_conf_leg *l)
{
	return strcmp(l->meta_device, CDP_META_INTERNAL) && strcmp(l->meta_device, CDP_META_NONE);
}

bool cdp_identity_remember(struct cdp_conf_leg *l, u32 ma, u32 mi)
{
	char id[CDP_PATH_TEXT] = "";
	u64 sectors = 0;
	bool changed;

	if (cdp_identity_counts(l)) {
		sectors = sectors_of(ma, mi);
		if (!sectors)
			return false;	/* it goes just now, and says nothing more */
		/* of several, the one that is known stays */
		if ((l->device_id[0] && cdp_identity_is(ma, mi, l->device_id)) ||
		    !cdp_identity_of(ma, mi, id))
			strcpy(id, l->device_id);
	}
	changed = strcmp(id, l->device_id) || sectors != l->device_sectors;
	strcpy(l->device_id, id);
	l->device_sectors = sectors;
	return changed;
}

bool cdp_identity_is_said(const struct cdp_conf_leg *l, u32 ma, u32 mi)
{
	char id[CDP_PATH_TEXT];

	return sectors_of(ma, mi) && (!l->device_id[0] || cdp_identity_of(ma, mi, id));
}

/* One that says what it is may have grown. */
const char *cdp_identity_differs(const struct cdp_conf_leg *l, u32 ma, u32 mi,
				 char text[CDP_MSG_TEXT])
{
	char id[CDP_PATH_TEXT];
	u64 sectors = sectors_of(ma, mi);

	if (l->device_id[0] && !cdp_identity_is(ma, mi, l->device_id)) {
		cdp_print(text, CDP_MSG_TEXT, "is another device: the leg's was %s, this is %s",
			  l->device_id, cdp_identity_of(ma, mi, id) ? id : "unknown");
		return text;
	}
	if (l->device_sectors &&
	    (l->device_id[0] ? sectors < l->device_sectors : sectors != l->device_sectors)) {
		cdp_print(text, CDP_MSG_TEXT, "has %llu sectors, and the leg's device had %llu (device_sectors in the configuration)",
			  (unsigned long long)sectors, (unsigned long long)l->device_sectors);
		return text;
	}
	return NULL;
}
