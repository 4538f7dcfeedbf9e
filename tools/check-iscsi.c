// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "checks.h"
#include "host.h"

#define MOST_S		60	/* longer than that a leg that is out cannot come back */
#define MOST_PING_S	30

struct record {
	struct cdp_findings *f;
	const struct cdp_iscsi *target;
	bool any;
};

static long number(const char *path, const char *key, long missing)
{
	char value[32];

	return cdp_host_value(path, key, value, sizeof(value)) ? strtol(value, NULL, 10) : missing;
}

/* The command that sets a key of a node record. */
static void set_key(struct cdp_finding *x, const struct record *r, const char *key, long value)
{
	char portal[CDP_ISCSI_PORTAL_TEXT];

	cdp_find_mend(x, true, "iscsiadm -m node -T %s -p %s -o update -n %s -v %ld",
		      r->target->target, cdp_iscsi_portal(r->target, portal), key, value);
}

static void check_noop(struct record *r, const char *path, const char *key)
{
	long s = number(path, key, 5);

	if (s > 0 && s <= MOST_PING_S)
		return;
	set_key(cdp_find_add(r->f, "iscsi-noop", "%s: %s is %ld", r->target->target, key, s), r,
		key, 5);
}

/* A record is a file, below a directory for each interface. */
static void check_record(const char *path, void *ctx)
{
	static const char replacement[] = "node.session.timeo.replacement_timeout";
	struct record *r = ctx;
	char text[8];
	long s;

	if (!cdp_host_read(path, text, sizeof(text)))
		return;		/* a directory */
	r->any = true;
	s = number(path, replacement, 120);
	if (s <= 0 || s > MOST_S)
		set_key(cdp_find_add(r->f, "iscsi-replacement", "%s: %s is %ld", r->target->target,
				     replacement, s), r, replacement, 5);
	check_noop(r, path, "node.conn[0].timeo.noop_out_interval");
	check_noop(r, path, "node.conn[0].timeo.noop_out_timeout");
}

static void check_session(const char *path, void *ctx)
{
	char name[CDP_ISCSI_TARGET_TEXT], value[16], dir[CDP_PATH_TEXT];
	struct record *r = ctx;
	long s;

	cdp_print(dir, sizeof(dir), "%.*s", (int)(strlen(path) - strlen("/targetname")), path);
	if (!cdp_host_read(path, name, sizeof(name)) || strcmp(name, r->target->target))
		return;
	cdp_print(dir + strlen(dir), sizeof(dir) - strlen(dir), "/recovery_tmo");
	if (!cdp_host_read(dir, value, sizeof(value)))
		return;
	s = strtol(value, NULL, 10);
	if (s >= 0 && s <= MOST_S)
		return;
	cdp_find_mend(cdp_find_add(r->f, "iscsi-session", "%s: recovery_tmo is %ld",
				   r->target->target, s), false, "echo 5 >%s", dir);
}

static void check_leg(struct cdp_findings *f, const struct cdp_conf *c, u32 leg)
{
	const struct cdp_iscsi *t = &c->legs[leg].iscsi;
	struct record r = { .f = f, .target = t };
	char path[CDP_PATH_TEXT], portal[CDP_ISCSI_PORTAL_TEXT];

	cdp_print(path, sizeof(path), "/etc/iscsi/nodes/%s/*/*", t->target);
	cdp_host_each(path, check_record, &r);
	cdp_print(path, sizeof(path), "/etc/iscsi/nodes/%s/*", t->target);
	cdp_host_each(path, check_record, &r);
	if (!r.any)
		cdp_find_mend(cdp_find_add(f, "iscsi-record", "%s, leg %u: %s", c->name, leg,
					   t->target), false,
			      "iscsiadm -m discovery -t sendtargets -p %s",
			      cdp_iscsi_portal(t, portal));
	cdp_host_each("/sys/class/iscsi_session/session*/targetname", check_session, &r);
}

void cdp_check_iscsi(struct cdp_findings *f, const struct cdp_conf *c)
{
	u32 i;

	for (i = 0; i < c->nr_legs; i++)
		if (c->legs[i].iscsi.target[0])
			check_leg(f, c, i);
}
