// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "beneath.h"

#define MOST_LEVELS	8	/* mappings upon mappings; device-mapper allows as many */

struct walk {
	int (*device)(const struct cdp_disk *d, bool is_lowest, void *ctx);
	void *ctx;
	u32 level;
};

static bool read_dev(const char *dir, struct cdp_disk *d)
{
	char path[CDP_PATH_TEXT + 8];
	FILE *f;
	bool ok;

	cdp_print(path, sizeof(path), "%s/dev", dir);
	f = fopen(path, "re");
	ok = f && fscanf(f, "%u:%u", &d->major, &d->minor) == 2;
	if (f)
		fclose(f);
	return ok;
}

static int walk(struct walk *w, const char *dir);

static int walk_slaves(struct walk *w, const char *dir, bool *any)
{
	char path[CDP_PATH_TEXT + 300], target[PATH_MAX];
	struct dirent *e;
	int r = 0;
	DIR *h;

	cdp_print(path, sizeof(path), "%s/slaves", dir);
	h = opendir(path);
	while (h && !r && (e = readdir(h))) {
		if (e->d_name[0] == '.')
			continue;
		*any = true;
		cdp_print(path, sizeof(path), "%s/slaves/%s", dir, e->d_name);
		if (realpath(path, target))
			r = walk(w, target);
	}
	if (h)
		closedir(h);
	return r;
}

/* A partition is in the directory of its disk. */
static bool parent_of(const char *dir, char parent[CDP_PATH_TEXT])
{
	char path[CDP_PATH_TEXT + 16];

	cdp_print(path, sizeof(path), "%s/partition", dir);
	if (access(path, F_OK))
		return false;
	cdp_print(parent, CDP_PATH_TEXT, "%s", dir);
	*strrchr(parent, '/') = '\0';
	return true;
}

static int walk(struct walk *w, const char *dir)
{
	char parent[CDP_PATH_TEXT];
	struct cdp_disk d;
	bool slaves = false, part;
	int r;

	if (w->level == MOST_LEVELS || strlen(dir) >= sizeof(d.dir) || !read_dev(dir, &d))
		return 0;
	w->level++;
	strcpy(d.dir, dir);
	part = parent_of(dir, parent);
	r = part ? walk(w, parent) : walk_slaves(w, dir, &slaves);
	if (!r)
		r = w->device(&d, !part && !slaves, w->ctx);
	w->level--;
	return r;
}

static int walk_device(u32 ma, u32 mi, struct walk *w)
{
	char link[64], dir[PATH_MAX];

	cdp_print(link, sizeof(link), "/sys/dev/block/%u:%u", ma, mi);
	return realpath(link, dir) ? walk(w, dir) : 0;
}

/*----------------------------------------------------------------*/

struct lowest {
	int (*each)(const struct cdp_disk *d, void *ctx);
	void *ctx;
};

static int if_lowest(const struct cdp_disk *d, bool is_lowest, void *ctx)
{
	struct lowest *l = ctx;

	return is_lowest ? l->each(d, l->ctx) : 0;
}

int cdp_beneath(u32 ma, u32 mi, int (*each)(const struct cdp_disk *d, void *ctx), void *ctx)
{
	struct lowest l = { each, ctx };
	struct walk w = { if_lowest, &l, 0 };

	return walk_device(ma, mi, &w);
}

static int if_same(const struct cdp_disk *d, bool is_lowest, void *ctx)
{
	const u32 *want = ctx;

	(void)is_lowest;
	return d->major == want[0] && d->minor == want[1];
}

bool cdp_beneath_has(u32 ma, u32 mi, u32 low_ma, u32 low_mi)
{
	u32 want[2] = { low_ma, low_mi };
	struct walk w = { if_same, want, 0 };

	return walk_device(ma, mi, &w);
}

bool cdp_disk_is_volatile(const struct cdp_disk *d)
{
	char path[CDP_PATH_TEXT + 32], text[32] = "";
	FILE *f;

	cdp_print(path, sizeof(path), "%s/queue/write_cache", d->dir);
	f = fopen(path, "re");
	if (f && !fgets(text, sizeof(text), f))
		*text = '\0';
	if (f)
		fclose(f);
	return !strncmp(text, "write back", 10);
}

static int if_volatile(const struct cdp_disk *d, void *ctx)
{
	(void)ctx;
	return cdp_disk_is_volatile(d);
}

bool cdp_beneath_volatile(u32 ma, u32 mi)
{
	return cdp_beneath(ma, mi, if_volatile, NULL);
}
