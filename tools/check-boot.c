// SPDX-License-Identifier: GPL-2.0-or-later
/* Will the sets be there after the next boot, and may the module be loaded? */
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "checks.h"
#include "host.h"
#include "run.h"

#ifndef CDP_VERSION
#define CDP_VERSION "unknown"
#endif

#define ENABLED		"/etc/systemd/system/*.wants/"
#define SECURE_BOOT	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define MODULES		"/lib/modules/"
#define MOK_IMPORT	"mokutil --import /var/lib/dkms/mok.pub"

/*----------------------------------------------------------------
 * Units
 *--------------------------------------------------------------*/

/* Where systemd finds a unit, the first that counts. */
static bool find_unit(const char *name, char path[CDP_PATH_TEXT])
{
	static const char *const dirs[] = {
		"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
		"/usr/lib/systemd/system", "/lib/systemd/system",
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		cdp_print(path, CDP_PATH_TEXT, "%s/%s", dirs[i], name);
		if (cdp_host_has(path))
			return true;
	}
	return false;
}

static bool is_masked(const char *name)
{
	char path[CDP_PATH_TEXT], target[16];
	ssize_t n = readlink(cdp_host_path(path, "/etc/systemd/system/%s", name), target,
			     sizeof(target));

	return n == 9 && !memcmp(target, "/dev/null", 9);
}

static bool is_enabled(const char *name)
{
	char pattern[CDP_PATH_TEXT];

	cdp_print(pattern, sizeof(pattern), ENABLED "%s", name);
	return cdp_host_has(pattern);
}

/* A unit that is there but not started at boot. */
static void check_enabled(struct cdp_findings *f, const char *name, const char *code)
{
	if (is_masked(name))
		cdp_find_mend(cdp_find_add(f, "unit-masked", "%s", name), false,
			      "systemctl unmask %s", name);
	else if (!is_enabled(name))
		cdp_find_mend(cdp_find_add(f, code, "%s", name), true, "systemctl enable %s", name);
}

/* Is @other named in a line Before= of the unit? */
static void look_for(const char *path, void *ctx)
{
	const char **other = ctx;
	char text[8192], *line, *save;

	if (!*other || !cdp_host_read(path, text, sizeof(text)))
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "Before=", 7) && strstr(line, *other)) {
			*other = NULL;	/* found */
			return;
		}
}

static void check_order(struct cdp_findings *f, const char *unit)
{
	static const char *const users[] = {
		"libvirtd.service", "virtqemud.service", "libvirt-guests.service",
	};
	char path[CDP_PATH_TEXT];
	const char *other;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(users); i++) {
		other = users[i];
		if (!find_unit(other, path))
			continue;
		look_for(unit, &other);
		cdp_host_each("/etc/systemd/system/cdp.service.d/*.conf", look_for, &other);
		if (other)
			cdp_find_add(f, "unit-order", "%s has no Before=%s", unit, other);
	}
}

void cdp_check_units(struct cdp_findings *f)
{
	char path[CDP_PATH_TEXT];

	if (!find_unit("cdp-shutdown.service", path))
		cdp_find_add(f, "unit-missing", "cdp-shutdown.service");
	if (!find_unit("cdp.service", path)) {
		cdp_find_add(f, "unit-missing", "cdp.service");
		return;
	}
	check_enabled(f, "cdp.service", "unit-disabled");
	check_order(f, path);
	if (find_unit("cdp-monitor.service", path))
		check_enabled(f, "cdp-monitor.service", "monitor-disabled");
	if (find_unit("iscsid.service", path) && !is_enabled("iscsid.service") &&
	    !is_enabled("iscsid.socket") && !is_enabled("open-iscsi.service"))
		cdp_find_mend(cdp_find_add(f, "iscsid-disabled", "iscsid.service"), true,
			      "systemctl enable iscsid.service");
}

/*----------------------------------------------------------------
 * The module
 *--------------------------------------------------------------*/

/* The file of the module for a kernel, as depmod has listed it. */
static bool find_module(const char *release, char path[CDP_PATH_TEXT])
{
	char dep[CDP_PATH_TEXT], real[CDP_PATH_TEXT], line[4096];
	bool found = false;
	FILE *f;

	cdp_print(dep, sizeof(dep), MODULES "%s/modules.dep", release);
	f = fopen(cdp_host_path(real, "%s", dep), "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, ":")] = '\0';
		found = strstr(line, "/dm-cdp.ko");
		cdp_print(path, CDP_PATH_TEXT, MODULES "%s/%s", release, line);
	}
	if (f)
		fclose(f);
	return found;
}

static bool is_loaded(void)
{
	return cdp_host_has("/sys/module/dm_cdp");
}

static void check_kernel(const char *path, void *ctx)
{
	char release[128], running[128] = "", module[CDP_PATH_TEXT];
	struct cdp_findings *f = ctx;
	bool missing;

	cdp_print(release, sizeof(release), "%.*s", (int)strcspn(path + strlen(MODULES), "/"),
		  path + strlen(MODULES));
	if (find_module(release, module))
		return;
	cdp_host_read("/proc/sys/kernel/osrelease", running, sizeof(running));
	missing = !strcmp(release, running) && !is_loaded();
	cdp_find_mend(cdp_find_add(f, missing ? "module-missing" : "module-next", "%s", release),
		      true, "dkms autoinstall -k %s", release);
}

static void check_version(struct cdp_findings *f)
{
	char version[64];

	if (cdp_host_read("/sys/module/dm_cdp/version", version, sizeof(version)) &&
	    strcmp(version, CDP_VERSION))
		cdp_find_add(f, "module-version", "module %s, cdpctl " CDP_VERSION, version);
}

/* The last of an EFI variable's five bytes: the first four are attributes. */
static bool is_secure_boot(void)
{
	char text[8] = "";
	char path[CDP_PATH_TEXT];
	FILE *f = fopen(cdp_host_path(path, SECURE_BOOT), "re");
	bool on = f && fread(text, 1, 5, f) == 5 && text[4] == 1;

	if (f)
		fclose(f);
	return on;
}

static bool wants_signatures(void)
{
	char text[64];

	if (is_secure_boot())
		return true;
	if (cdp_host_read("/sys/module/module/parameters/sig_enforce", text, sizeof(text)) &&
	    *text == 'Y')
		return true;
	return cdp_host_read("/sys/kernel/security/lockdown", text, sizeof(text)) &&
		!strstr(text, "[none]");
}

/* kmod knows what is in a compressed one; else a signature ends the file. */
static bool is_signed(const char *path)
{
	static const char mark[] = "~Module signature appended~\n";
	char real[CDP_PATH_TEXT], end[sizeof(mark)] = "";
	const char *argv[] = { "modinfo", "-F", "signer", real, NULL };
	static struct cdp_run run;
	FILE *f;

	cdp_host_path(real, "%s", path);
	if (strcmp(path + strlen(path) - 3, ".ko"))
		return cdp_run(&run, 10, argv) || run.out[0];
	f = fopen(real, "re");
	if (f && !fseek(f, -(long)strlen(mark), SEEK_END) &&
	    fread(end, 1, strlen(mark), f) != strlen(mark))
		end[0] = '\0';
	if (f)
		fclose(f);
	return !strcmp(end, mark);
}

/* A signature may be of a key that the kernel does not know, which only the kernel can tell. */
static void check_refusal(struct cdp_findings *f, const char *release)
{
	static const char *const argv[] = { "modprobe", "dm-cdp", NULL };
	static struct cdp_run run;
	struct utsname here;

	if (is_loaded() || uname(&here) || strcmp(here.release, release) ||
	    cdp_run(&run, 30, argv) || !run.status)
		return;
	cdp_find_mend(cdp_find_add(f, "module-refused", "%s", cdp_run_line(run.err)), false,
		      MOK_IMPORT);
}

static void check_signature(struct cdp_findings *f)
{
	char release[128], module[CDP_PATH_TEXT];

	if (!wants_signatures())
		return;
	if (cdp_host_read("/proc/sys/kernel/osrelease", release, sizeof(release)) &&
	    find_module(release, module)) {
		if (is_signed(module))
			check_refusal(f, release);
		else
			cdp_find_mend(cdp_find_add(f, "module-unsigned", "%s", module), false,
				      MOK_IMPORT);
	}
	if (!cdp_host_has("/var/lib/dkms/mok.pub") &&
	    !cdp_host_has("/var/lib/shim-signed/mok/MOK.der"))
		cdp_find_mend(cdp_find_add(f, "module-key", "/var/lib/dkms/mok.pub"), true,
			      "dkms generate_mok");
}

void cdp_check_modules(struct cdp_findings *f)
{
	cdp_host_each(MODULES "*/modules.dep", check_kernel, f);
	check_version(f);
	check_signature(f);
}
