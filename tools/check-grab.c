// SPDX-License-Identifier: GPL-2.0-or-later
#include "checks.h"
#include "host.h"

#define MULTIPATH	"/etc/multipath.conf"
#define LVM		"/etc/lvm/lvm.conf"
#define LVM_LOCAL	"/etc/lvm/lvmlocal.conf"

/* Without a configuration multipath-tools are strict, as Debian builds them. */
static void check_multipath(struct cdp_findings *f)
{
	char value[32];

	if (!cdp_host_value(MULTIPATH, "find_multipaths", value, sizeof(value)))
		return;
	if (!strncmp(value, "no", 2) || !strncmp(value, "off", 3) || !strncmp(value, "greedy", 6))
		cdp_find_add(f, "multipath-grab", MULTIPATH ": find_multipaths %s", value);
}

/* The last one counts: lvm reads its local file behind the other. */
static bool lvm_says(const char *key, const char *wanted)
{
	char value[400];

	return (cdp_host_value(LVM_LOCAL, key, value, sizeof(value)) ||
		cdp_host_value(LVM, key, value, sizeof(value))) &&
		(!wanted || !strcmp(value, wanted));
}

/*
 * LVM takes only what its devices file names, or what its filter lets through. Our udev
 * rules keep it from what it would activate by itself; its commands ask udev only if told to.
 */
static void check_lvm(struct cdp_findings *f)
{
	if (!cdp_host_has(LVM) || cdp_host_has("/etc/lvm/devices/system.devices"))
		return;
	if (lvm_says("global_filter", NULL))
		return;
	if (lvm_says("external_device_info_source", "udev") &&
	    lvm_says("fw_raid_component_detection", "1"))
		return;
	cdp_find_add(f, "lvm-grab", LVM " and " LVM_LOCAL " let LVM's commands read legs");
}

static bool has_rules(const char *file)
{
	static const char *const places[] = {
		"/usr/lib/udev/rules.d", "/lib/udev/rules.d", "/etc/udev/rules.d",
	};
	char path[CDP_PATH_TEXT];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		cdp_print(path, sizeof(path), "%s/%s", places[i], file);
		if (cdp_host_has(path))
			return true;
	}
	return false;
}

static void check_rules(struct cdp_findings *f)
{
	static const char *const files[] = { "60-cdp.rules", "61-cdp-legs.rules" };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (!has_rules(files[i]))
			cdp_find_add(f, "rules-missing", "%s", files[i]);
}

void cdp_check_grab(struct cdp_findings *f)
{
	check_multipath(f);
	check_lvm(f);
	check_rules(f);
}
