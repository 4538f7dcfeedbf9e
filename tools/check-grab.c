// SPDX-License-Identifier: GPL-2.0-or-later
#include "checks.h"
#include "host.h"

#define MULTIPATH	"/etc/multipath.conf"
#define LVM		"/etc/lvm/lvm.conf"

/* Without a configuration multipath-tools are strict, as Debian builds them. */
static void check_multipath(struct cdp_findings *f)
{
	char value[32];

	if (!cdp_host_value(MULTIPATH, "find_multipaths", value, sizeof(value)))
		return;
	if (!strncmp(value, "no", 2) || !strncmp(value, "off", 3) || !strncmp(value, "greedy", 6))
		cdp_find_add(f, "multipath-grab", MULTIPATH ": find_multipaths %s", value);
}

/* LVM takes only what its devices file names, or what its filter lets through. */
static void check_lvm(struct cdp_findings *f)
{
	char filter[400];

	if (!cdp_host_has(LVM) || cdp_host_has("/etc/lvm/devices/system.devices"))
		return;
	if (cdp_host_value(LVM, "global_filter", filter, sizeof(filter)))
		return;
	cdp_find_add(f, "lvm-grab", LVM " has no global_filter, and there is no devices file");
}

static void check_rules(struct cdp_findings *f)
{
	static const char *const places[] = {
		"/usr/lib/udev/rules.d/60-cdp.rules", "/lib/udev/rules.d/60-cdp.rules",
		"/etc/udev/rules.d/60-cdp.rules",
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (cdp_host_has(places[i]))
			return;
	cdp_find_add(f, "rules-missing", "60-cdp.rules");
}

void cdp_check_grab(struct cdp_findings *f)
{
	check_multipath(f);
	check_lvm(f);
	check_rules(f);
}
