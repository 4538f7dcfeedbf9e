/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of the kernel interface: table line, status line, and the names
 * of states. Printing and parsing stand side by side and share one keyword
 * table, so kernel, cdpctl and tests cannot drift apart.
 *
 *   table:  <region_sectors> <#legs> {<data_dev> <data_start> <meta_dev> <meta_start>}...
 *           <#features> [<feature> [<value>]]...
 *           A leg that is known but not there: "- 0 - 0". No metadata: "- 0".
 *   status: <set-uuid> <health> <read_leg> <#legs>
 *           {<leg-uuid> <data_dev> <state> <stale>/<regions> <write_errors> <read_errors>}...
 *           <idle|running|paused> <copied>/<to_copy> <generation>
 *
 * Both are without "<start> <length> cdp", which device-mapper itself adds.
 */
#ifndef CDP_CORE_TABLE_H
#define CDP_CORE_TABLE_H

#include "super.h"

#define CDP_MAX_TIMEOUT_MS 3600000u
#define CDP_USUAL_TIMEOUT_MS 5000u
#define CDP_MAX_RISE 10000u
#define CDP_DEV_TEXT	64	/* longest device name in a status line, with NUL */

/*
 * Every feature: name, values it takes, default. FLAG is a word alone (0 or 1),
 * WORD(...) one of the words, counted from 0 as in the enums below, NUMBER(n) a
 * number from 0 to n, LIMIT(off, on, n) the word off, stored as 0, or the word on
 * and a number from 1 to n. The order is the order of printing.
 */
#define CDP_FEATURES(x) \
	x(on_protect_error,	WORD("degrade", "block"),	0) \
	x(on_protect_slow,	LIMIT("wait", "detach", 3600000), 0) \
	x(leg_timeout_ms,	NUMBER(CDP_MAX_TIMEOUT_MS),	CDP_USUAL_TIMEOUT_MS) \
	x(no_copy,		FLAG,				0) \
	x(copy_pool_mb,		NUMBER(65536),			64) \
	x(read_copy,		WORD("auto", "always", "never"), 0) \
	x(read_error_limit,	NUMBER(1000000),		20) \
	x(on_last_error,	WORD("fail", "queue"),		0) \
	x(read_policy,		WORD("primary", "balance"),	0) \
	x(resync_window,	NUMBER(1024),			0) \
	x(resync_max_mbps,	NUMBER(1000000),		0) \
	x(latency_rise,		NUMBER(CDP_MAX_RISE),		100) \
	x(assume_clean,		FLAG,				0) \
	x(no_discard,		FLAG,				0)

enum cdp_on_protect_error { ON_PROTECT_ERROR_DEGRADE, ON_PROTECT_ERROR_BLOCK };
enum cdp_on_last_error { ON_LAST_ERROR_FAIL, ON_LAST_ERROR_QUEUE };
enum cdp_read_policy { READ_POLICY_PRIMARY, READ_POLICY_BALANCE };
enum cdp_read_copy { READ_COPY_AUTO, READ_COPY_ALWAYS, READ_COPY_NEVER };

struct cdp_features {
#define x(name, values, dflt) u32 name;
	CDP_FEATURES(x)
#undef x
};

struct cdp_table_leg {
	const char *data_dev;	/* "-" when the leg is missing */
	u64 data_start;
	const char *meta_dev;	/* "-" when the leg has no metadata */
	u64 meta_start;
};

struct cdp_table {
	u32 region_sectors;
	u32 nr_legs;
	struct cdp_table_leg legs[CDP_MAX_LEGS];
	struct cdp_features features;
};

/* Longest sentence that the functions below write to @why. */
#define CDP_WHY_TEXT	160

/**
 * cdp_table_parse() - read the arguments of a table line.
 * @why: CDP_WHY_TEXT bytes; on error a sentence that names the argument
 *
 * Strings of @t point into @argv. Everything is checked that can be known
 * without looking at devices: counts, ranges, words, a feature given twice,
 * a present leg without (or a missing one with) a data device, legs of which
 * only some have metadata, values left over.
 *
 * Return: 0 or -EINVAL.
 */
int __must_check cdp_table_parse(struct cdp_table *t, u32 argc, char **argv, char *why);

/* The arguments that would recreate @t; features only where not the default.
 * Return: number of characters stored, without the NUL.
 */
int cdp_table_print(const struct cdp_table *t, char *buf, size_t size);

/* Have two tables the same legs at the same places? */
bool cdp_table_same_legs(const struct cdp_table *a, const struct cdp_table *b);

/* States of a leg and of a set, as status shows them. */
#define CDP_LEG_STATES(x) \
	x(MISSING,	"missing") \
	x(FAULTY,	"faulty") \
	x(STALE,	"stale") \
	x(IN_SYNC,	"in-sync")

enum cdp_leg_state {
#define x(name, text) LEG_##name,
	CDP_LEG_STATES(x)
#undef x
	LEG_STATES
};

#define CDP_HEALTHS(x) \
	x(OPTIMAL,	"optimal") \
	x(DEGRADED,	"degraded") \
	x(RESYNC,	"resync") \
	x(FAILED,	"failed")

enum cdp_health {
#define x(name, text) HEALTH_##name,
	CDP_HEALTHS(x)
#undef x
	HEALTHS
};

enum cdp_resync_state { RESYNC_IDLE, RESYNC_RUNNING, RESYNC_PAUSED, RESYNC_STATES };

const char *cdp_leg_state_name(enum cdp_leg_state state);
const char *cdp_health_name(enum cdp_health health);
const char *cdp_resync_name(enum cdp_resync_state state);

struct cdp_leg_status {
	struct cdp_uuid uuid;		/* all zero prints and parses as "-" */
	char data_dev[CDP_DEV_TEXT];	/* "" prints and parses as "-" */
	enum cdp_leg_state state;
	u64 stale_regions, regions;
	u64 write_errors, read_errors;
};

struct cdp_status {
	struct cdp_uuid set_uuid;
	enum cdp_health health;
	int read_leg;			/* -1 prints and parses as "-" */
	u32 nr_legs;
	struct cdp_leg_status legs[CDP_MAX_LEGS];
	enum cdp_resync_state resync;
	u64 copied, to_copy;		/* regions */
	u64 generation;			/* 16 hexadecimal digits */
};

/* Return: number of characters stored. */
int cdp_status_print(const struct cdp_status *s, char *buf, size_t size);

/* Parse a status line (without start, length and target). 0 or -EINVAL with @why. */
int __must_check cdp_status_parse(struct cdp_status *s, const char *line, char *why);

#endif
