/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Legs on iSCSI: the only runner of iscsiadm.
 *
 * What is done for a leg is remembered in its struct cdp_iscsi (made_record,
 * logged_in), and only that is undone: a node record or a session that was
 * there before stays.
 */
#ifndef CDP_TOOLS_ISCSI_H
#define CDP_TOOLS_ISCSI_H

#include "iscsi-url.h"
#include "probe.h"
#include "steps.h"

#define CDP_ISCSI_SECRET_TEXT	256

struct cdp_iscsi_job {
	struct cdp_iscsi *target;
	const char *secret;		/* for CHAP, when target->user is set */
	bool silent;			/* no answers: what is left of a set may claim the disk */
	char tag[CDP_ISCSI_TAG_TEXT];	/* portal group, as discovery told it; "" if it did not */
	char device[CDP_PATH_TEXT];	/* result: the disk */
};

/* Steps: discover, make and set the node record, log in, wait for the disk. */
void cdp_iscsi_plan_login(struct cdp_steps *p, struct cdp_iscsi_job *j);

/* What an earlier try of this command (doing.h) has done for the leg. */
void cdp_iscsi_recall(struct cdp_iscsi *t);

/* Step: undo what was done for the leg, if anything. */
void cdp_iscsi_plan_logout(struct cdp_steps *p, struct cdp_iscsi_job *j);

/* The disk of the leg, if it is there. -ENODEV when not. */
int __must_check cdp_iscsi_find(const struct cdp_iscsi *t, char device[CDP_PATH_TEXT]);

/* Log in again with the record that there is (-ENOENT: none), and find the disk. */
int __must_check cdp_iscsi_login(struct cdp_iscsi *t, char device[CDP_PATH_TEXT]);

/* From now on nothing is begun or waited for after cdp_seconds() says @end. */
void cdp_iscsi_until(double end);

/* The CHAP secret from a file that only its owner may read, or from the
 * terminal when @file is NULL.
 */
int __must_check cdp_iscsi_secret(const struct cdp_iscsi *t, const char *file,
				  char secret[CDP_ISCSI_SECRET_TEXT]);

/* Replace (or add) one key of a node record's file, keeping its mode 0600. */
int __must_check cdp_iscsi_record_set(const char *path, const char *key, const char *value);

#endif
