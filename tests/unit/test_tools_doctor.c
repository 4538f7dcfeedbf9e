// SPDX-License-Identifier: GPL-2.0
/* What doctor finds on hosts that are made up of files. */
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "unit.h"
#include "dir.h"
#include "checks.h"
#include "host.h"

static struct cdp_findings found;

static void host_begin(void)
{
	setenv("CDP_ROOT", unit_dir(), 1);
	memset(&found, 0, sizeof(found));
}

/* A file with its directories. */
static char *put(const char *path, const char *text)
{
	static char real[CDP_PATH_TEXT];
	char *slash;
	FILE *f;

	cdp_host_path(real, "%s", path);
	slash = real + strlen(unit_dir());
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		mkdir(real, 0755);
		*slash = '/';
	}
	if (!text)
		return real;
	f = fopen(real, "w");
	must(f && fputs(text, f) >= 0 && !fclose(f), "%s", real);
	return real;
}

static const struct cdp_finding *find(const char *code)
{
	u32 i;

	for (i = 0; i < found.nr; i++)
		if (!strcmp(found.list[i].topic->code, code))
			return &found.list[i];
	return NULL;
}

static void expect(const char *code, const char *about, const char *command)
{
	const struct cdp_finding *x = find(code);

	must(x, "%s is not found", code);
	must(strstr(x->about, about), "%s: about \"%s\", not \"%s\"", code, x->about, about);
	must(!strcmp(x->command, command), "%s: \"%s\", not \"%s\"", code, x->command, command);
}

/*----------------------------------------------------------------*/

#define RECORD	"/etc/iscsi/nodes/iqn.x:y/10.0.0.1,3260,1/default"

static const struct cdp_conf conf = {
	.name = "vm1", .nr_legs = 2,
	.legs[1].iscsi = { .host = "10.0.0.1", .port = 3260, .target = "iqn.x:y" },
};

TEST(iscsi)
{
	host_begin();
	cdp_check_iscsi(&found, &conf);
	must(found.nr == 1, "%u", found.nr);
	expect("iscsi-record", "vm1, leg 1: iqn.x:y",
	       "iscsiadm -m discovery -t sendtargets -p 10.0.0.1:3260");
	found.nr = 0;
	put(RECORD, "node.name = iqn.x:y\nnode.session.timeo.replacement_timeout = 120\n"
	    "node.conn[0].timeo.noop_out_interval = 0\nnode.conn[0].timeo.noop_out_timeout = 5\n");
	put("/sys/class/iscsi_session/session3/targetname", "iqn.x:y\n");
	put("/sys/class/iscsi_session/session3/recovery_tmo", "-1\n");
	put("/sys/class/iscsi_session/session4/targetname", "iqn.other\n");
	put("/sys/class/iscsi_session/session4/recovery_tmo", "1000\n");
	cdp_check_iscsi(&found, &conf);
	must(found.nr == 3, "%u", found.nr);
	expect("iscsi-replacement", "is 120", "iscsiadm -m node -T iqn.x:y -p 10.0.0.1:3260 -o update -n node.session.timeo.replacement_timeout -v 5");
	expect("iscsi-noop", "noop_out_interval is 0", "iscsiadm -m node -T iqn.x:y -p 10.0.0.1:3260 -o update -n node.conn[0].timeo.noop_out_interval -v 5");
	expect("iscsi-session", "is -1", "echo 5 >/sys/class/iscsi_session/session3/recovery_tmo");
	found.nr = 0;
	put(RECORD, "node.session.timeo.replacement_timeout = 5\n");
	put("/sys/class/iscsi_session/session3/recovery_tmo", "5\n");
	cdp_check_iscsi(&found, &conf);
	must(!found.nr, "in order");
}

TEST(grab)
{
	host_begin();
	cdp_check_grab(&found);
	must(found.nr == 2 && find("rules-missing"), "an empty host: %u", found.nr);
	found.nr = 0;
	put("/lib/udev/rules.d/60-cdp.rules", "x");
	cdp_check_grab(&found);
	must(found.nr == 1, "%u", found.nr);
	expect("rules-missing", "61-cdp-legs.rules", "");
	found.nr = 0;
	put("/lib/udev/rules.d/61-cdp-legs.rules", "x");
	put("/etc/multipath.conf", "defaults {\n\tfind_multipaths\tgreedy\n}\n");
	put("/etc/lvm/lvm.conf", "devices {\n\t# global_filter = [ \"a|.*|\" ]\n}\n");
	cdp_check_grab(&found);
	must(found.nr == 2, "%u", found.nr);
	expect("multipath-grab", "find_multipaths greedy", "");
	expect("lvm-grab", "/etc/lvm/lvm.conf", "");
	found.nr = 0;
	put("/etc/multipath.conf", "defaults {\n\tfind_multipaths \"strict\"\n}\n");
	put("/etc/lvm/lvm.conf", "devices {\n\tglobal_filter = [ \"r|/dev/sd.*|\" ]\n}\n");
	cdp_check_grab(&found);
	must(!found.nr, "in order");
	put("/etc/lvm/lvm.conf", "devices {\n\texternal_device_info_source = \"udev\"\n}\n");
	put("/etc/lvm/lvmlocal.conf", "devices {\n\tfw_raid_component_detection = 1\n}\n");
	cdp_check_grab(&found);
	must(!found.nr, "asks udev");
	put("/etc/lvm/lvmlocal.conf", "devices {\n\tfw_raid_component_detection = 1\n"
	    "\texternal_device_info_source = \"none\"\n}\n");
	cdp_check_grab(&found);
	must(found.nr == 1, "%u", found.nr);
	expect("lvm-grab", "lvmlocal.conf", "");
}

TEST(units)
{
	char real[CDP_PATH_TEXT];

	host_begin();
	cdp_check_units(&found);
	must(found.nr == 2 && find("unit-missing"), "nothing is there");
	found.nr = 0;
	put("/lib/systemd/system/cdp.service", "[Unit]\nBefore=libvirt-guests.service\n");
	put("/lib/systemd/system/cdp-shutdown.service", "[Unit]\n");
	put("/lib/systemd/system/cdp-monitor.service", "[Unit]\n");
	put("/lib/systemd/system/iscsid.service", "[Unit]\n");
	put("/lib/systemd/system/libvirtd.service", "[Unit]\n");
	put("/etc/systemd/system/multi-user.target.wants/", NULL);
	cdp_check_units(&found);
	must(found.nr == 4, "%u", found.nr);
	expect("unit-disabled", "cdp.service", "systemctl enable cdp.service");
	expect("monitor-disabled", "cdp-monitor.service", "systemctl enable cdp-monitor.service");
	expect("iscsid-disabled", "iscsid.service", "systemctl enable iscsid.service");
	expect("unit-order", "Before=libvirtd.service", "");
	found.nr = 0;
	put("/etc/systemd/system/multi-user.target.wants/cdp.service", "x");
	put("/etc/systemd/system/multi-user.target.wants/cdp-monitor.service", "x");
	put("/etc/systemd/system/sockets.target.wants/iscsid.socket", "x");
	put("/etc/systemd/system/cdp.service.d/more.conf", "[Unit]\nBefore=libvirtd.service\n");
	cdp_check_units(&found);
	must(!found.nr, "in order: %s", found.list[0].about);
	must(!symlink("/dev/null", cdp_host_path(real, "/etc/systemd/system/cdp.service")), "masked");
	cdp_check_units(&found);
	expect("unit-masked", "cdp.service", "systemctl unmask cdp.service");
}

#define EFI	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define KO	"updates/dkms/dm-cdp.ko"

TEST(modules)
{
	host_begin();
	put("/proc/sys/kernel/osrelease", "6.1.0-1\n");
	put("/lib/modules/6.1.0-1/modules.dep", "kernel/x.ko:\n");
	put("/lib/modules/6.12.0-1/modules.dep", "kernel/x.ko:\n");
	cdp_check_modules(&found);
	must(found.nr == 2, "%u", found.nr);
	expect("module-missing", "6.1.0-1", "dkms autoinstall -k 6.1.0-1");
	expect("module-next", "6.12.0-1", "dkms autoinstall -k 6.12.0-1");
	found.nr = 0;
	put("/lib/modules/6.1.0-1/modules.dep", "kernel/x.ko:\n" KO ": kernel/x.ko\n");
	put("/lib/modules/6.12.0-1/modules.dep", KO ":\n");
	put("/lib/modules/6.1.0-1/" KO, "ELF and so on");
	put("/sys/module/module/parameters/sig_enforce", "N\n");
	put("/sys/module/dm_cdp/version", CDP_VERSION "\n");
	cdp_check_modules(&found);
	must(!found.nr, "in order: %s", found.list[0].about);
	put("/sys/module/dm_cdp/version", "0.0.1\n");
	put("/sys/module/module/parameters/sig_enforce", "Y\n");
	cdp_check_modules(&found);
	must(found.nr == 3, "%u", found.nr);
	expect("module-version", "module 0.0.1", "");
	expect("module-unsigned", "/lib/modules/6.1.0-1/" KO, "mokutil --import /var/lib/dkms/mok.pub");
	expect("module-key", "mok.pub", "dkms generate_mok");
	found.nr = 0;
	put("/sys/module/dm_cdp/version", CDP_VERSION "\n");
	put("/var/lib/dkms/mok.pub", "key");
	put("/lib/modules/6.1.0-1/" KO, "ELF~Module signature appended~\n");
	cdp_check_modules(&found);
	must(!found.nr, "signed");
}

/* Signed, but with a key that this kernel does not know: only modprobe can tell. */
TEST(refused)
{
	struct utsname here;
	char dep[300], dir[CDP_PATH_TEXT];

	host_begin();
	must(!uname(&here), "uname");
	put("/proc/sys/kernel/osrelease", here.release);
	cdp_print(dep, sizeof(dep), "/lib/modules/%s/modules.dep", here.release);
	put(dep, KO ":\n");
	cdp_print(dep, sizeof(dep), "/lib/modules/%s/" KO, here.release);
	put(dep, "ELF~Module signature appended~\n");
	put("/var/lib/dkms/mok.pub", "key");
	put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
	chmod(put("/bin/modprobe", "#!/bin/sh\necho \"$1: Key was rejected\" >&2\nexit 1\n"),
	      0755);
	setenv("PATH", cdp_host_path(dir, "/bin"), 1);
	cdp_check_modules(&found);
	must(found.nr == 1, "%u", found.nr);
	expect("module-refused", "dm-cdp: Key was rejected", "mokutil --import /var/lib/dkms/mok.pub");
	found.nr = 0;
	chmod(put("/bin/modprobe", "#!/bin/sh\n"), 0755);
	cdp_check_modules(&found);
	must(!found.nr, "the key is enrolled");
}

TEST(secure_boot)
{
	FILE *f;

	host_begin();
	f = fopen(put(EFI, ""), "w");
	must(f && fwrite("\6\0\0\0\1", 1, 5, f) == 5 && !fclose(f), "on");
	cdp_check_modules(&found);
	must(found.nr == 1 && find("module-key"), "on: %u", found.nr);
	f = fopen(put(EFI, ""), "w");
	must(f && fwrite("\6\0\0\0\0", 1, 5, f) == 5 && !fclose(f), "off");
	found.nr = 0;
	cdp_check_modules(&found);
	must(!found.nr, "off");
}

TEST(here)
{
	host_begin();
	chmod(put("/etc/cdp/hooks.d/mail", "#!/bin/sh\n"), 0777);
	chmod(put("/etc/cdp/hooks.d/good", "#!/bin/sh\n"), 0755);
	cdp_check_hooks(&found);
	must(found.nr == 1, "%u", found.nr);
	expect("hook-unsafe", "hooks.d/mail", "chmod go-w /etc/cdp/hooks.d/mail");
	cdp_check_room(&found, "/var/lib/cdp", 1ull << 30);
	cdp_check_clock(&found, true);
	must(found.nr == 1, "room, and a clock");
	cdp_check_room(&found, "/var/lib/cdp", 1024);
	cdp_check_clock(&found, false);
	expect("space", "/var/lib/cdp has 1.0 KiB left", "");
	expect("clock", "", "timedatectl set-ntp true");
}

/*----------------------------------------------------------------*/

static struct cdp_live live = {
	.name = "vm1", .status = {
		.health = HEALTH_OPTIMAL, .nr_legs = 2,
		.legs = { { .state = LEG_IN_SYNC, .data_dev = "8:0" },
			  { .state = LEG_IN_SYNC, .data_dev = "8:16" } },
	},
	.table = { .nr_legs = 2, .legs = { { "8:0", 0, "8:0", 9 }, { "8:16", 0, "8:16", 9 } } },
};

TEST(sets)
{
	struct cdp_stats stats = { 0 };

	memset(&found, 0, sizeof(found));
	cdp_check_state(&found, &live, &stats, false);
	must(!found.nr, "in order");
	live.status.health = HEALTH_FAILED;
	live.status.legs[1].state = LEG_FAULTY;
	live.status.legs[0].read_errors = 3;
	live.table.legs[0].meta_dev = "-";
	stats.held = 7;
	stats.nr_unreadable = 1;
	cdp_print(stats.unreadable, sizeof(stats.unreadable), "8-15");
	cdp_check_state(&found, &live, &stats, true);
	must(found.nr == 7, "%u", found.nr);
	expect("set-failed", "vm1", "");
	expect("set-suspended", "vm1", "dmsetup resume vm1");
	expect("set-holds", "vm1: 7 requests", "cdpctl release vm1");
	expect("set-unreadable", "8-15", "cdpctl events vm1");
	expect("set-degraded", "leg 1", "cdpctl leg rejoin vm1 1");
	expect("leg-errors", "0 write errors, 3 read errors", "");
	expect("leg-no-metadata", "leg 0", "");
	cdp_find_sort(&found);
	must(found.list[0].topic->severity == SEVERITY_ERROR &&
	     found.list[6].topic->severity == SEVERITY_WARNING, "errors first");
	must(cdp_find_count(&found, SEVERITY_ERROR) == 3, "counted");
}

TEST(many)
{
	u32 i;

	memset(&found, 0, sizeof(found));
	for (i = 0; i < CDP_FINDINGS + 5; i++)
		cdp_find_mend(cdp_find_add(&found, "clock", "%u", i), true, "x");
	must(found.nr == CDP_FINDINGS, "no more");
}

UNIT_MAIN("doctor", iscsi, grab, units, modules, refused, secure_boot, here, sets, many)
