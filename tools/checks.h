/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What doctor looks at. Each check adds what it finds; files are those of host.h. */
#ifndef CDP_TOOLS_CHECKS_H
#define CDP_TOOLS_CHECKS_H

#include "finding.h"
#include "live.h"
#include "stats.h"

/* check-iscsi.c: node records of a set's legs, and sessions that run. */
void cdp_check_iscsi(struct cdp_findings *f, const struct cdp_conf *c);

/* check-grab.c: who might take legs for himself. */
void cdp_check_grab(struct cdp_findings *f);

/* check-boot.c: units, and the module of each installed kernel. */
void cdp_check_units(struct cdp_findings *f);
void cdp_check_modules(struct cdp_findings *f);

/* check-set.c: a set that runs, from what the kernel says of it. Pure. */
void cdp_check_state(struct cdp_findings *f, const struct cdp_live *s,
		     const struct cdp_stats *stats, bool suspended);
/* And a set by its name: does it run, its disks. */
void cdp_check_set(struct cdp_findings *f, const struct cdp_conf *c);
/* Sets that run and are not remembered. */
void cdp_check_forgotten(struct cdp_findings *f);

/*
 * check-area.c: metadata of the legs of all sets that are added. It is read all at once, as a
 * disk may be silent; then it is judged, set by set.
 */
struct cdp_areas;

struct cdp_areas *cdp_areas_new(void);		/* NULL without memory */
void cdp_areas_add(struct cdp_areas *all, const struct cdp_conf *c);
void cdp_areas_read(struct cdp_areas *all);
void cdp_check_areas(struct cdp_findings *f, const struct cdp_areas *all, const char *set);

/* check-room.c: room in a directory, and the clock. */
void cdp_check_room(struct cdp_findings *f, const char *dir, u64 free_bytes);
void cdp_check_clock(struct cdp_findings *f, bool is_synchronized);
void cdp_check_hooks(struct cdp_findings *f);
void cdp_check_here(struct cdp_findings *f);

#endif
