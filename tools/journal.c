// SPDX-License-Identifier: GPL-2.0-or-later
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

#include "catalog.h"
#include "journal.h"

bool cdp_journal_send(const struct cdp_hook_event *e)
{
	const struct cdp_topic *t = cdp_topic_find(e->event, TOPIC_EVENT);
	char id[CDP_MESSAGE_ID_TEXT] = "";

	if (!getenv("JOURNAL_STREAM"))
		return false;
	if (t)
		cdp_topic_id(t, id);
	return !sd_journal_send("MESSAGE=%s: %s%s%s%s%s", e->set, e->event, *e->leg ? " leg " : "",
				e->leg, *e->detail ? ": " : "", e->detail,
				"PRIORITY=%i", t ? (int)t->severity : SEVERITY_NOTE,
				"%s%s", t ? "MESSAGE_ID=" : "CDP_UNKNOWN=", t ? id : e->event,
				"CDP_SET=%s", e->set, "CDP_EVENT=%s", e->event,
				"CDP_LEG=%s", e->leg, "CDP_LEG_UUID=%s", e->leg_uuid,
				"CDP_DEVICE=%s", e->device, "CDP_DETAIL=%s", e->detail,
				"CDP_HEALTH=%s", e->health,
				"CDP_SEQ=%llu", (unsigned long long)e->seq, NULL);
}

void cdp_journal_notify(const char *state)
{
	sd_notify(0, state);
}
