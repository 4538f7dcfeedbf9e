// SPDX-License-Identifier: GPL-2.0-or-later
#include <unistd.h>

#include "arrival.h"
#include "dm.h"
#include "find.h"
#include "msg.h"
#include "silent.h"
#include "under.h"

#define AGAIN_MS	1000

/* One look at all legs. */
struct look {
	u32 lacking;
	struct cdp_conf_leg lacked;	/* the first one, and of which set */
	char set[CDP_NAME_TEXT];
	struct cdp_silent silent;
};

static void bring(struct look *l, struct cdp_iscsi *t)
{
	char device[CDP_PATH_TEXT];

	if (t->target[0] && cdp_silent_login(&l->silent, t, device))
		cdp_debug("%s", cdp_why_text());
	cdp_why_clear();
}

static bool is_awaited(const struct cdp_conf_leg *leg)
{
	return !leg->taken_out && strcmp(leg->device, CDP_META_NONE);
}

/* The data leg of one under a device is made of that, when the set is started. */
static bool is_to_be_made(const struct cdp_conf *c, const struct cdp_conf_leg *leg,
			  const struct cdp_found *found)
{
	char path[CDP_PATH_TEXT];

	cdp_print(path, sizeof(path), "/dev/mapper/%s", c->under);
	return c->under[0] && cdp_under_is_data(c->name, leg->device) && found->meta[0] &&
	       !access(path, F_OK);
}

/* What is wrong with a set is said when it is started, not here. */
static int look_at(const char *name, void *ctx)
{
	static struct cdp_found found[CDP_MAX_LEGS];
	static struct cdp_conf c;
	struct cdp_dm_info info;
	struct look *l = ctx;
	u32 i;

	if (cdp_conf_load(&c, name) || cdp_dm_info(name, &info) || info.exists)
		goto out;
	for (i = 0; i < c.nr_legs; i++)
		if (is_awaited(&c.legs[i]))
			bring(l, &c.legs[i].iscsi);
	if (cdp_find_legs(&c, found))
		goto out;
	for (i = 0; i < c.nr_legs; i++)
		if (is_awaited(&c.legs[i]) && !found[i].here &&
		    !is_to_be_made(&c, &c.legs[i], &found[i]) && !l->lacking++) {
			l->lacked = c.legs[i];
			cdp_print(l->set, sizeof(l->set), "%s", name);
		}
out:
	cdp_why_clear();
	return 0;
}

void cdp_arrival_wait(const char *name, u32 seconds)
{
	static struct look l;
	double end = cdp_seconds() + seconds;
	bool said = false;

	cdp_iscsi_until(end);
	while (!cdp_interrupted()) {
		memset(&l, 0, sizeof(l));
		if (name ? look_at(name, &l) : cdp_conf_list(look_at, &l))
			return;
		if (!l.lacking || cdp_seconds() >= end)
			return;
		if (!said)
			cdp_note("%s: waiting up to %u s for %s%s", l.set, seconds,
				 l.lacked.iscsi.target[0] ? l.lacked.iscsi.target : l.lacked.device,
				 l.lacking > 1 ? " and other legs" : "");
		said = true;
		cdp_sleep_ms(AGAIN_MS);
	}
}
