/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A portal that does not answer is asked once, not again for each leg that it has. */
#ifndef CDP_TOOLS_SILENT_H
#define CDP_TOOLS_SILENT_H

#include "iscsi.h"

#define CDP_MAX_SILENT	32

struct cdp_silent {
	u32 nr;
	char portals[CDP_MAX_SILENT][CDP_ISCSI_PORTAL_TEXT];
};

/* cdp_iscsi_login(), unless the portal is known not to answer: -EHOSTUNREACH then. */
int __must_check cdp_silent_login(struct cdp_silent *s, struct cdp_iscsi *t,
				  char device[CDP_PATH_TEXT]);

#endif
