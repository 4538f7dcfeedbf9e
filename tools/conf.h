/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What cdpctl remembers of a set: /etc/cdp/NAME.conf. The only user of inih.
 *
 * A leg is found by its UUID; its device is a hint where to look first.
 * [leg N] is leg N of the table line.
 */
#ifndef CDP_TOOLS_CONF_H
#define CDP_TOOLS_CONF_H

#include "iscsi-url.h"
#include "probe.h"
#include "table.h"

#define CDP_NAME_TEXT		128
#define CDP_FEATURES_TEXT	256
#define CDP_META_INTERNAL	"internal"	/* behind the data of the same device */
#define CDP_META_NONE		"-"

struct cdp_conf_leg {
	struct cdp_uuid uuid;
	char device[CDP_PATH_TEXT];
	/* which device that was, when no metadata on it tells: identity.h; "" and 0 for unknown */
	char device_id[CDP_PATH_TEXT];
	u64 device_sectors;
	u64 data_start;
	char meta_device[CDP_PATH_TEXT];	/* a path, "internal" or "-" */
	u64 meta_start;
	bool taken_out;		/* by hand (leg fail): only a hand brings it back */
	struct cdp_iscsi iscsi;
};

struct cdp_conf {
	char name[CDP_NAME_TEXT];
	struct cdp_uuid uuid;
	u64 length;
	u32 region_sectors;
	char features[CDP_FEATURES_TEXT];	/* as in the table line, without count */
	/* attach --live: the mapping that leads to the set, see under.h; "" for no such */
	char under[CDP_NAME_TEXT];
	char under_uuid[CDP_NAME_TEXT + 1];
	char under_mark[128];			/* see under.h */
	u32 nr_legs;
	struct cdp_conf_leg legs[CDP_MAX_LEGS];
};

/* May a set be called so? Letters, digits and . _ + -, not first . or -. */
bool cdp_name_is_valid(const char *name);

/**
 * cdp_conf_parse() - read the text of a configuration file.
 * @from: what to call it in a sentence
 *
 * Return: 0, or -EINVAL with a recorded sentence that names the line.
 */
int __must_check cdp_conf_parse(struct cdp_conf *c, const char *from, const char *text);

/* The text that parses to the same; the caller frees it. NULL without memory. */
char *cdp_conf_print(const struct cdp_conf *c);

/* The same with the file of the set. -ENOENT when there is none. */
int __must_check cdp_conf_load(struct cdp_conf *c, const char *name);
/* Can one be saved? Makes the directory. For before anything else is done. */
int __must_check cdp_conf_prepare(void);
/* What was made, renamed or removed in the directory lasts. 0 or -errno. */
int __must_check cdp_conf_sync(void);
/* Was it removed between our open and our lock? */
bool cdp_conf_is_gone(int fd);
/* One process at a time changes what is remembered, and the tables that belong to
 * it. Waits a few seconds at most, -EBUSY then; ends with the process.
 */
int __must_check cdp_conf_lock(void);
void cdp_conf_unlock(void);
/* For who tends many sets: -EBUSY at once. A table is changed for as long as a disk hangs. */
void cdp_conf_never_wait(void);
/* Could what is saved be read again? For before anything else is done. */
int __must_check cdp_conf_check(const struct cdp_conf *c);
/* Replaces the file in one step, if anything is other; not by what could not be read again. */
int __must_check cdp_conf_save(const struct cdp_conf *c);
/* Could it be saved? For who does first what cannot be undone. */
int __must_check cdp_conf_try(const struct cdp_conf *c);
int __must_check cdp_conf_remove(const char *name);
bool cdp_conf_exists(const char *name);

/* $CDP_CONF_DIR or /etc/cdp. */
const char *cdp_conf_dir(void);

/* Its path; returns @path. */
const char *cdp_conf_path(const char *name, char path[CDP_PATH_TEXT]);

/* Call @each with the name of every remembered set, in order of name; stops
 * at the first non-zero result and returns it.
 */
int __must_check cdp_conf_list(int (*each)(const char *name, void *ctx), void *ctx);

#endif
