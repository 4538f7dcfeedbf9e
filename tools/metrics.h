/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets as Prometheus wants to read them: text for node_exporter's textfile collector. Pure. */
#ifndef CDP_TOOLS_METRICS_H
#define CDP_TOOLS_METRICS_H

#include "conf.h"
#include "stats.h"

struct cdp_leg_measure {
	enum cdp_leg_state state;
	char uuid[CDP_UUID_TEXT];
	char device[CDP_PATH_TEXT];
	u64 is_primary, stale_bytes, write_errors, read_errors;
	struct cdp_leg_stats stats;
};

struct cdp_measure {
	char name[CDP_NAME_TEXT];
	u64 up;				/* 0: remembered, but does not run; nothing else is set */
	enum cdp_health health;
	u64 size_bytes, suspended, bypassed, held, unreadable, resync_left_bytes, events;
	u32 nr_legs;
	struct cdp_leg_measure legs[CDP_MAX_LEGS];
};

void cdp_metrics_print(FILE *f, const struct cdp_measure *sets, u32 nr);

#endif
