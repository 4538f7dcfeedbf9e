// SPDX-License-Identifier: GPL-2.0-or-later
#include "msg.h"
#include "silent.h"

static bool is_silent(const struct cdp_silent *s, const struct cdp_iscsi *t)
{
	u32 i;

	for (i = 0; i < s->nr; i++)
		if (!strcmp(s->hosts[i], t->host))
			return true;
	return false;
}

int cdp_silent_login(struct cdp_silent *s, struct cdp_iscsi *t, char device[CDP_PATH_TEXT])
{
	int r;

	if (!cdp_iscsi_find(t, device))
		return 0;
	if (is_silent(s, t))
		return cdp_why(-EHOSTUNREACH, "iSCSI target %s: not logged in to, as %s has not answered a moment ago",
			       t->target, t->host);
	r = cdp_iscsi_login(t, device);
	if ((r == -EHOSTUNREACH || r == -ETIMEDOUT) && s->nr < CDP_MAX_SILENT)
		strcpy(s->hosts[s->nr++], t->host);
	return r;
}
