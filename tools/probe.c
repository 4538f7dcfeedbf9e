// SPDX-License-Identifier: GPL-2.0-or-later
#include <blkid.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "host.h"
#include "msg.h"
#include "probe.h"
#include "size.h"

static int cannot(const char *path, int err)
{
	if (err == ENOENT)
		return cdp_why(-err, "%s: there is no such device", path);
	if (err == EACCES || err == EPERM)
		return cdp_why(-err, "%s: not allowed to read it; cdpctl must run as root", path);
	return cdp_why(-err, "%s: cannot be read: %s", path, strerror(err));
}

static int read_size(int fd, struct cdp_device *d)
{
	u64 bytes;
	int block;

	if (ioctl(fd, BLKGETSIZE64, &bytes) || ioctl(fd, BLKSSZGET, &block))
		return cannot(d->path, errno);
	d->sectors = bytes / CDP_SECTOR_BYTES;
	d->logical_block_bytes = (u32)block;
	if (!d->sectors)
		return cdp_why(-ENOMEDIUM, "%s: the device has no size (no medium?)", d->path);
	return 0;
}

/* A name that the user chose on purpose among the stable ones is kept. */
static bool is_stable(const char *path)
{
	return !strncmp(path, "/dev/disk/", 10) || !strncmp(path, "/dev/mapper/", 12);
}

int cdp_probe_node(const char *path, struct cdp_device *d)
{
	char node[PATH_MAX];
	struct stat st;

	memset(d, 0, sizeof(*d));
	if (!realpath(path, node) || stat(node, &st))
		return cannot(path, errno);
	if (!S_ISBLK(st.st_mode))
		return cdp_why(-ENOTBLK, "%s is not a block device", path);
	if (strlen(node) >= sizeof(d->path) || strlen(path) >= sizeof(d->stable))
		return cdp_why(-ENAMETOOLONG, "%s: the name is too long", path);
	strcpy(d->path, node);
	d->major = major(st.st_rdev);
	d->minor = minor(st.st_rdev);
	if (is_stable(path) && cdp_text_is_plain(path))
		strcpy(d->stable, path);
	else
		cdp_probe_stable(node, d->stable);
	return 0;
}

int cdp_probe_device(const char *path, struct cdp_device *d)
{
	int fd, r = cdp_probe_node(path, d);

	if (r)
		return r;
	fd = open(d->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return cannot(path, errno);
	r = read_size(fd, d);
	close(fd);
	return r;
}

/*----------------------------------------------------------------*/

static void add_find(struct cdp_device *d, const char *name)
{
	u32 i;

	for (i = 0; i < d->nr_finds; i++)
		if (!strcmp(d->finds[i].name, name))
			return;
	if (d->nr_finds < CDP_MAX_FINDS)
		cdp_print(d->finds[d->nr_finds++].name, CDP_FIND_TEXT, "%s", name);
}

static void take_value(struct cdp_device *d, blkid_probe pr, const char *key)
{
	const char *name;

	if (!blkid_probe_lookup_value(pr, key, &name, NULL))
		add_find(d, name);
}

int cdp_probe_contents(struct cdp_device *d)
{
	blkid_probe pr = blkid_new_probe_from_filename(d->path);
	int r;

	if (!pr)
		return cannot(d->path, errno ? errno : EIO);
	blkid_probe_enable_superblocks(pr, 1);
	blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_BADCSUM);
	blkid_probe_enable_partitions(pr, 1);
	blkid_probe_set_partitions_flags(pr, BLKID_PARTS_MAGIC);
	d->nr_finds = 0;
	while ((r = blkid_do_probe(pr)) == 0) {
		take_value(d, pr, "TYPE");
		take_value(d, pr, "PTTYPE");
	}
	blkid_free_probe(pr);
	return r < 0 ? cdp_why(-EIO, "%s: cannot be read to see what is on it", d->path) : 0;
}

/*----------------------------------------------------------------*/

static bool mounted(const struct cdp_device *d, char *where, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096], point[1024];
	u32 ma, mi;
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		found = sscanf(line, "%*d %*d %u:%u %*s %1023s", &ma, &mi, point) == 3 &&
			ma == d->major && mi == d->minor;
		if (found)
			cdp_print(where, size, "%s", point);
	}
	if (f)
		fclose(f);
	return found;
}

static bool held(const struct cdp_device *d, char *by, size_t size)
{
	char dir[64];
	struct dirent *e;
	bool found = false;
	DIR *h;

	cdp_print(dir, sizeof(dir), "/sys/dev/block/%u:%u/holders", d->major, d->minor);
	h = opendir(dir);
	while (h && !found && (e = readdir(h)))
		if (e->d_name[0] != '.') {
			cdp_print(by, size, "%s", e->d_name);
			found = true;
		}
	if (h)
		closedir(h);
	return found;
}

static bool swapped(const struct cdp_device *d)
{
	FILE *f = fopen("/proc/swaps", "re");
	char line[4096];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, " \t\n")] = '\0';
		found = line[0] == '/' && cdp_probe_is(line, d->major, d->minor);
	}
	if (f)
		fclose(f);
	return found;
}

/* Their mounts have numbers of their own. */
static bool in_btrfs(const struct cdp_device *d)
{
	char pattern[CDP_PATH_TEXT];
	bool found;
	glob_t g;

	cdp_print(pattern, sizeof(pattern), "/sys/fs/btrfs/*/devices/%.400s",
		  strrchr(d->path, '/') + 1);
	found = !glob(pattern, 0, NULL, &g);
	if (found)
		globfree(&g);
	return found;
}

static int has_user(const struct cdp_device *d)
{
	char who[256];

	if (mounted(d, who, sizeof(who)))
		return cdp_why(-EBUSY, "%s is in use: it is mounted on %s; unmount it first",
			       d->path, who);
	if (held(d, who, sizeof(who)))
		return cdp_why(-EBUSY, "%s is in use by %s; remove that first", d->path, who);
	if (in_btrfs(d))
		return cdp_why(-EBUSY, "%s is in use: it is of a btrfs that is mounted; unmount it first",
			       d->path);
	if (swapped(d))
		return cdp_why(-EBUSY, "%s is in use: the system swaps to it; swapoff %s first",
			       d->path, d->path);
	return 0;
}

bool cdp_probe_recovers(const struct cdp_device *d)
{
	char path[CDP_PATH_TEXT], real[PATH_MAX], state[32];
	const char *host;
	u32 number;

	cdp_print(path, sizeof(path), "/sys/dev/block/%u:%u", d->major, d->minor);
	host = realpath(path, real) ? strstr(real, "/host") : NULL;
	if (!host || sscanf(host, "/host%u/", &number) != 1)
		return false;
	cdp_print(path, sizeof(path), "/sys/class/scsi_host/host%u/state", number);
	return cdp_host_read(path, state, sizeof(state)) && strstr(state, "recovery");
}

int cdp_probe_user(const struct cdp_device *d)
{
	char pattern[64], path[CDP_PATH_TEXT];
	int r = has_user(d);
	struct cdp_device p;
	glob_t g;
	size_t i;

	cdp_print(pattern, sizeof(pattern), "/sys/dev/block/%u:%u/*/partition", d->major, d->minor);
	if (r || glob(pattern, 0, NULL, &g))
		return r;
	for (i = 0; i < g.gl_pathc && !r; i++) {
		*strrchr(g.gl_pathv[i], '/') = '\0';
		cdp_print(path, sizeof(path), "/dev/%.400s", strrchr(g.gl_pathv[i], '/') + 1);
		if (!cdp_probe_node(path, &p))
			r = has_user(&p);
	}
	globfree(&g);
	return r;
}

int cdp_probe_unused(const struct cdp_device *d)
{
	int fd = open(d->path, O_RDONLY | O_EXCL | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno != EBUSY)
		return cannot(d->path, errno);
	return cdp_probe_user(d) ?: cdp_why(-EBUSY, "%s is in use by another program", d->path);
}

/*----------------------------------------------------------------*/

bool cdp_probe_numbers(const char *text, u32 *ma, u32 *mi)
{
	return sscanf(text, "%u:%u", ma, mi) == 2;
}

const char *cdp_probe_name(u32 ma, u32 mi, char path[CDP_PATH_TEXT])
{
	char link[64], target[PATH_MAX];
	ssize_t n;

	cdp_print(link, sizeof(link), "/sys/dev/block/%u:%u", ma, mi);
	n = readlink(link, target, sizeof(target) - 1);
	if (n > 0) {
		target[n] = '\0';
		cdp_print(path, CDP_PATH_TEXT, "/dev/%s", strrchr(target, '/') + 1);
	} else {
		cdp_print(path, CDP_PATH_TEXT, "%u:%u", ma, mi);
	}
	return path;
}

bool cdp_text_is_plain(const char *text)
{
	const char *c;

	for (c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == ';' || *c == '#' || *c == 127 ||
		    (c[0] == ' ' && c[1] == ' '))
			return false;
	return true;
}

bool cdp_probe_link(const char *dir, const char *node, char stable[CDP_PATH_TEXT])
{
	char path[PATH_MAX], target[PATH_MAX];
	DIR *h = opendir(dir);
	struct dirent *e;
	bool found = false;

	while (h && (e = readdir(h))) {
		if (e->d_name[0] == '.' || !strncmp(e->d_name, "lvm-", 4))
			continue;
		cdp_print(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (strlen(path) >= CDP_PATH_TEXT || !cdp_text_is_plain(path) ||
		    !realpath(path, target) || strcmp(target, node))
			continue;
		if (found && strcmp(path, stable) >= 0)
			continue;	/* of several, always the same one */
		strcpy(stable, path);
		found = true;
	}
	if (h)
		closedir(h);
	return found;
}

void cdp_probe_stable(const char *node, char stable[CDP_PATH_TEXT])
{
	if (!cdp_probe_link("/dev/disk/by-id", node, stable) &&
	    !cdp_probe_link("/dev/disk/by-path", node, stable) &&
	    !cdp_probe_link("/dev/mapper", node, stable))
		cdp_print(stable, CDP_PATH_TEXT, "%s", node);
}

bool cdp_probe_is(const char *path, u32 ma, u32 mi)
{
	struct stat st;

	return !stat(path, &st) && S_ISBLK(st.st_mode) && st.st_rdev == makedev(ma, mi);
}

/*----------------------------------------------------------------*/

static bool read_sysfs(const char *name, const char *file, char text[32])
{
	char path[CDP_PATH_TEXT];

	cdp_print(path, sizeof(path), "/sys/class/block/%.255s/%s", name, file);
	return cdp_host_read(path, text, 32);
}

static bool worth_opening(const char *name, struct cdp_device *d)
{
	unsigned long long sectors;
	char text[32], by[256];

	if (!strncmp(name, "fd", 2) || !strncmp(name, "sr", 2))
		return false;	/* drives that take seconds to say there is no medium */
	if (!read_sysfs(name, "size", text) || sscanf(text, "%llu", &sectors) != 1 ||
	    !read_sysfs(name, "dev", text) || !cdp_probe_numbers(text, &d->major, &d->minor))
		return false;
	d->sectors = sectors;
	return sectors && !held(d, by, sizeof(by));
}

int cdp_probe_each(int (*each)(const struct cdp_device *d, void *ctx), void *ctx)
{
	DIR *h = opendir("/sys/class/block");
	struct dirent *e;
	int r = 0;

	if (!h)
		return cdp_why(-errno, "/sys/class/block cannot be read: is sysfs mounted?");
	while (!r && (e = readdir(h))) {
		struct cdp_device d = { 0 };
		char *bang;

		if (e->d_name[0] == '.' || !worth_opening(e->d_name, &d))
			continue;
		cdp_print(d.path, sizeof(d.path), "/dev/%s", e->d_name);
		while ((bang = strchr(d.path, '!')))
			*bang = '/';	/* sysfs spells cciss/c0d0 with it */
		r = each(&d, ctx);
	}
	closedir(h);
	return r;
}
