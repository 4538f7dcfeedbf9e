/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's answer to "map", drawn for people and named for programs. Pure. */
#ifndef CDP_TOOLS_PICTURE_H
#define CDP_TOOLS_PICTURE_H

#include "map.h"

struct cdp_picture {
	const char *cells;	/* letters, each for equally much of the set */
	u64 regions;
	u64 region_bytes;
};

/* Cells that make a picture of some lines on a terminal of so many columns. */
u32 cdp_picture_cells(u32 columns);

/* Where a cell begins, in bytes. */
u64 cdp_picture_start(const struct cdp_picture *p, u64 cell);

/* The cells behind the run of equal ones that begins with @cell. */
u64 cdp_picture_run(const struct cdp_picture *p, u64 cell);

/* Lines of cells for so many columns, each with where it begins, and a legend. */
void cdp_picture_draw(FILE *f, const struct cdp_picture *p, u32 columns, bool colours);

/* The word for a letter: "in-sync"; "unknown" for one that is newer than this program. */
const char *cdp_picture_word(char letter);

#endif
