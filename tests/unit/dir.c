// SPDX-License-Identifier: GPL-2.0
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"
#include "dir.h"

static char dir[] = "/tmp/cdp-unit.XXXXXX";
static bool made;

static int drop(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void remove_dir(void)
{
	if (nftw(dir, drop, 8, FTW_DEPTH | FTW_PHYS))
		perror(dir);
}

const char *unit_dir(void)
{
	if (!made) {
		must(mkdtemp(dir), "no directory");
		made = true;
		atexit(remove_dir);
	}
	return dir;
}
