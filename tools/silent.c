// SPDX-License-Identifier: GPL-2.0-or-later
#include "msg.h"
#include "silent.h"

static bool is_silent(const struct cdp_silent *s, const char *portal)
{
	u32 i;

	for (i = 0; i < s->nr; i++)
		if (!strcmp(s->portals[i], portal))
			return true;
	return false;
}

int cdp_silent_login(struct cdp_silent *s, struct cdp_iscsi *t, char device[CDP_PATH_TEXT])
{
	char portal[CDP_ISCSI_PORTAL_TEXT];
	int r;

	if (!cdp_iscsi_find(t, device))
		return 0;
	if (is_silent(s, cdp_iscsi_portal(t, portal)))
		return cdp_why(-EHOSTUNREACH, "iSCSI target %s: not logged in to, as %s has not answered a moment ago",
			       t->target, portal);
	r = cdp_iscsi_login(t, device);
	if ((r == -EHOSTUNREACH || r == -ETIME) && s->nr < CDP_MAX_SILENT)
		strcpy(s->portals[s->nr++], portal);
	return r;
}
