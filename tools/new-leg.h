/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device that is to become a leg: inspected, guarded, and prepared. */
#ifndef CDP_TOOLS_NEW_LEG_H
#define CDP_TOOLS_NEW_LEG_H

#include "conf.h"
#include "iscsi.h"
#include "place.h"

struct cdp_new_leg {
	const char *spec;		/* as given: a device or an iSCSI URL */
	const char *meta;		/* --meta, or NULL or "-" for internal */
	bool keeps_data;		/* leg 0 of a new set, or with --assume-clean */
	bool is_known;			/* false in a dry run, before an iSCSI leg is there */
	struct cdp_iscsi iscsi;
	struct cdp_iscsi_job job;
	char secret[CDP_ISCSI_SECRET_TEXT];
	struct cdp_device dev, meta_dev;
	u64 meta_start;
	char path[CDP_PATH_TEXT];	/* for the table line */
	char meta_path[CDP_PATH_TEXT];
};

/* Take the words apart, and get the secret if one is needed. */
int __must_check cdp_new_leg_parse(struct cdp_new_leg *l, const char *spec, const char *meta);

/* Steps that bring an iSCSI leg here; none for a device of this machine. */
void cdp_new_leg_plan_login(struct cdp_steps *p, struct cdp_new_leg *l);

/* Look at the devices. A dry run goes on without an iSCSI disk that is not here. */
int __must_check cdp_new_leg_inspect(struct cdp_new_leg *l, bool dry_run);

/* Look at one whose data device is in use, and will be known as @path (under.h). Its
 * metadata device is not looked at when a set has it already.
 */
int __must_check cdp_new_leg_inspect_under(struct cdp_new_leg *l, const struct cdp_device *used,
					   const char *path, bool has_meta);

/**
 * cdp_new_leg_guard() - refuse what must not be overwritten.
 *
 * Return: 0, or -ECDP_REFUSED with a sentence that names what was found, and
 * the --force words or the other way out.
 */
int __must_check cdp_new_leg_guard(const struct cdp_new_leg *l);

/* Say what the disk of a server that is switched off may cost, and the remedy. */
void cdp_new_leg_advise(const struct cdp_new_leg *l);

/* No device twice among @nr legs, and no leg with larger blocks than leg 0. */
int __must_check cdp_new_legs_check(const struct cdp_new_leg *legs, u32 nr);

/* Where the metadata goes: what cdp_place() wants to know, and its answer. */
void cdp_new_leg_to_place(const struct cdp_new_leg *l, struct cdp_place_leg *p);
int __must_check cdp_new_leg_place_failed(int err, const char *why, const char *leg);

/* Step: make the superblocks blank, so that the kernel formats the area. */
void cdp_new_leg_plan_wipe(struct cdp_steps *p, struct cdp_new_leg *l);

/* Its part of the table line and of the configuration. */
void cdp_new_leg_to_table(const struct cdp_new_leg *l, struct cdp_table_leg *t);
void cdp_new_leg_to_conf(const struct cdp_new_leg *l, struct cdp_conf_leg *c);

/* Pure: may the finds be overwritten, given the words of --force? @missing gets
 * the options that lack: "--force=gpt --force=ext4".
 */
bool cdp_new_leg_finds_forced(const struct cdp_device *d, char *missing, size_t size);

#endif
