/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iscsi://[USER@]HOST[:PORT]/TARGET/LUN, and what is remembered of such a leg. Pure. */
#ifndef CDP_TOOLS_ISCSI_URL_H
#define CDP_TOOLS_ISCSI_URL_H

#include "port.h"

#define CDP_ISCSI_SCHEME	"iscsi://"
#define CDP_ISCSI_PORT		3260u
#define CDP_ISCSI_USER_TEXT	128
#define CDP_ISCSI_HOST_TEXT	256
#define CDP_ISCSI_TARGET_TEXT	224	/* RFC 7143: at most 223 bytes */
#define CDP_ISCSI_MAX_LUN	16383u

struct cdp_iscsi {
	char user[CDP_ISCSI_USER_TEXT];		/* "": no CHAP */
	char host[CDP_ISCSI_HOST_TEXT];		/* an IPv6 address without its brackets */
	u32 port;
	char target[CDP_ISCSI_TARGET_TEXT];	/* "": the leg is not on iSCSI */
	u32 lun;
	bool made_record;			/* what cdpctl did, and so has to undo */
	bool logged_in;
};

/* Is @text meant to be such a URL? (It may still be wrong.) */
bool cdp_iscsi_is_url(const char *text);

/**
 * cdp_iscsi_url_parse() - take a URL apart.
 * @why: on error a sentence that names the part
 *
 * A password in it is refused: a command line can be read by every user.
 * Return: 0 or -EINVAL.
 */
int __must_check cdp_iscsi_url_parse(const char *url, struct cdp_iscsi *t, const char **why);

/* "HOST:PORT", an IPv6 address in brackets; returns @buf. */
#define CDP_ISCSI_PORTAL_TEXT	(CDP_ISCSI_HOST_TEXT + 9)
const char *cdp_iscsi_portal(const struct cdp_iscsi *t, char buf[CDP_ISCSI_PORTAL_TEXT]);

/**
 * cdp_iscsi_offer() - is @t among the targets that a portal told of?
 * @out: lines "ADDRESS:PORT,TAG TARGET", taken apart
 * @tag: gets the group of the portal in @t. A host given by name is in no line: then it is the
 *       one group of all portals of the target, or "" when there are several
 * @offers: gets the other targets
 */
#define CDP_ISCSI_TAG_TEXT	8
bool cdp_iscsi_offer(char *out, const struct cdp_iscsi *t, char tag[CDP_ISCSI_TAG_TEXT],
		     char *offers, size_t size);

#endif
