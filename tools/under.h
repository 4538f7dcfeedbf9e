/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set beneath a device in use (attach --live).
 *
 *            before                          while it is protected
 *
 *      VM ──> vg-lv                    VM ──> vg-lv   linear
 *               │ its table                     │
 *               v                               v
 *             disk                            NAME    cdp ──> other legs
 *                                               │
 *                                               v
 *                                             NAME-data   the table that vg-lv had
 *                                               │
 *                                               v
 *                                             disk
 *
 * The device keeps its name, number and openers. Its old table is nowhere but in the
 * kernel, as that of the data leg: it may hold a key.
 */
#ifndef CDP_TOOLS_UNDER_H
#define CDP_TOOLS_UNDER_H

#include "conf.h"
#include "dm.h"
#include "live.h"
#include "steps.h"

#define CDP_DATA_SUFFIX		"-data"
#define CDP_DATA_UUID		"CDPDATA-"	/* and the set's name: udev rules know it */
#define CDP_MARK_TEXT		sizeof(((struct cdp_conf *)0)->under_mark)
#define CDP_MARK_LOST		"-"
/* Why a mapping is left alone that we did not suspend ourselves. */
#define CDP_UNDER_HELD		"is suspended by somebody; resume it first (dmsetup resume)"

struct cdp_under {
	char set[CDP_NAME_TEXT];
	char data[CDP_DM_NAME_TEXT];		/* mapping of the data leg */
	char data_path[CDP_PATH_TEXT];
	char name[CDP_DM_NAME_TEXT];		/* of the device in use */
	struct cdp_dm_info info;
	struct cdp_device dev;
	char *lines;				/* its table now */
	bool leads;				/* which leads to the set */
	bool has_data;				/* the data leg's mapping is there */
};

/**
 * cdp_under_open() - look at a device in use.
 * @device: its path, or the name of its mapping
 * @set: name of the set that is, or shall be, beneath it
 */
int __must_check cdp_under_open(struct cdp_under *u, const char *device, const char *set);
/*
 * The same from what is remembered: -ENODEV when it is not there, -ESTALE when another is,
 * -EBUSY when it is suspended, for longer than a moment, and does not lead to the set.
 */
int __must_check cdp_under_open_conf(struct cdp_under *u, const struct cdp_conf *c);
void cdp_under_close(struct cdp_under *u);

/*
 * Does its disk answer? Else its table could not be exchanged: that waits for its requests.
 * -EBUSY when it is suspended.
 */
int __must_check cdp_under_answers(const struct cdp_under *u);

/* Does the device that the set was under not lead to it, though the set runs, or it is in use? */
bool cdp_under_is_bypassed(const struct cdp_conf *c, bool runs);

/* -ECDP_REFUSED when its table cannot be taken from it, or others would load it again. */
int __must_check cdp_under_check(const struct cdp_under *u);

/**
 * cdp_under_judge() - may this table move to another mapping? Pure.
 * @uuid: of the device
 * @target: set to the name of the target that the sentence is about, or ""
 *
 * Return: NULL, or the second half of a sentence that began with the device.
 */
const char *cdp_under_judge(const char *uuid, const char *lines, char target[32]);

/* Does the table lead to the mapping with this number, and nowhere else? Pure. */
bool cdp_under_is_lead(const char *lines, u64 sectors, u32 major, u32 minor);

/* Is this the path of the data leg of the set? Pure. */
bool cdp_under_is_data(const char *set, const char *path);

/* Steps; each looks whether it was done before. */
void cdp_under_plan_data(struct cdp_steps *p, struct cdp_under *u);
void cdp_under_plan_clear(struct cdp_steps *p, struct cdp_under *u);
void cdp_under_plan_lead(struct cdp_steps *p, struct cdp_under *u);
void cdp_under_plan_longer(struct cdp_steps *p, struct cdp_under *u, u64 sectors);
void cdp_under_plan_restore(struct cdp_steps *p, struct cdp_under *u);
void cdp_under_plan_drop(struct cdp_steps *p, struct cdp_under *u);

/*
 * What is remembered of the device, to know whether it was written to while it did not lead
 * to the set:
 *
 *  "leads BOOT"                         it leads to it, in this boot of the host
 *  "BOOT SEQ SECTORS DISCARDS"          it did not; its counters, of which nothing is missing
 *  "BOOT SEQ SECTORS DISCARDS ending"   the same, and the host was being shut down
 *  "-"                                  not known
 *
 * SEQ is the kernel's number of the device, which it has for this life of it: one that is
 * made anew (lvchange -an, -ay) counts from zero again, which says nothing about before.
 */

/* What is to be remembered while it leads to the set, or what it has written until now. */
void cdp_under_mark_leads(char mark[CDP_MARK_TEXT]);
void cdp_under_mark(const struct cdp_under *u, char mark[CDP_MARK_TEXT]);
/* Its counters, and the host ends: what it writes in the next boot will be counted from zero. */
void cdp_under_mark_ending(char mark[CDP_MARK_TEXT]);
/* Is nothing known of it? */
bool cdp_under_mark_is_lost(const char *mark);
bool cdp_under_mark_is_leads(const char *mark);
/* Has it counters? A mark of an earlier cdpctl had them otherwise. */
bool cdp_under_mark_counts(const char *mark);

/* Are its counters of this boot? Then they are not to be trusted more, or less, later on. */
bool cdp_under_mark_is_of_now(const char *mark);

/* In the configuration, unless it is another than that of @c by now: -EAGAIN. */
int __must_check cdp_under_remember(struct cdp_conf *c, const char *mark);

/**
 * cdp_under_carry() - what was remembered, and what is counted now, as one mark. Pure.
 * @mark: @now if nothing was written meanwhile, else "-"
 *
 * After another start of the host @now counts only if the device led to the set until the
 * end, or until the shutdown, and that once: from then on there is a mark of this boot.
 */
void cdp_under_carry(const char *before, const char *now, char mark[CDP_MARK_TEXT]);

/* Was nothing written past the set since @mark, which is of this boot? */
bool cdp_under_is_untouched(const struct cdp_under *u, const char *mark);

/* The place of the data leg in the running set, or -1. */
int cdp_under_data_leg(const struct cdp_under *u, const struct cdp_live *s);

#endif
