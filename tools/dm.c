// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <libdevmapper.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "dm.h"
#include "fault.h"
#include "msg.h"
#include "run.h"

#define TARGET	"cdp"
#define BRIEF_S	2.0

static char last_log[256];

__attribute__((format(printf, 5, 6)))
static void on_log(int level, const char *file, int ln, int err, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	(void)file;
	(void)ln;
	(void)err;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if ((level & 7) <= 4)
		memcpy(last_log, text, sizeof(text));
	if ((level & 7) <= 6)
		cdp_debug("libdevmapper: %s", text);
}

void cdp_dm_init(void)
{
	dm_log_with_errno_init(on_log);
	dm_lib_init();
}

/*----------------------------------------------------------------*/

/*
 * The kernel tells why a table was refused only in its log. Read what it
 * adds there during one ioctl; a kernel that does not let us costs only
 * the reason in the sentence.
 */
static int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* A record is "<numbers>;device-mapper: table: 253:0: cdp: REASON (-EINVAL)". */
static bool kmsg_reason(const char *record, char *reason, size_t size)
{
	const char *text = strchr(record, ';');
	const char *p;

	if (!text || !strstr(text, "device-mapper"))
		return false;
	p = strstr(text, ": cdp: ");
	if (!p)
		return false;
	p += strlen(": cdp: ");
	cdp_print(reason, size, "%.*s", (int)strcspn(p, "\n"), p);
	return true;
}

static void kmsg_read(int fd, char *reason, size_t size)
{
	char record[1024];
	ssize_t n;

	*reason = '\0';
	if (fd < 0)
		return;
	while ((n = read(fd, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		record[n] = '\0';
		if (kmsg_reason(record, reason, size))
			break;
	}
}

/*----------------------------------------------------------------*/

static struct dm_task *task_new(int type, const char *name)
{
	struct dm_task *t;

	last_log[0] = '\0';
	t = dm_task_create(type);
	if (t && name && !dm_task_set_name(t, name)) {
		dm_task_destroy(t);
		t = NULL;
	}
	return t;
}

static bool have_kernel(void)
{
	return !access("/dev/mapper/control", F_OK) ||
		!access("/sys/class/misc/device-mapper", F_OK);
}

static int no_kernel(void)
{
	return cdp_why(-ENODEV, "device-mapper is not in the kernel: modprobe dm-mod");
}

static int no_task(const char *name)
{
	if (!have_kernel())
		return no_kernel();
	return cdp_why(-ENOMEM, "%s: cannot prepare a device-mapper call: %s", name,
		       last_log[0] ? last_log : "the kernel has none (modprobe dm-mod), or out of memory");
}

static int no_set(const char *name)
{
	return cdp_why(-ENOENT, "no set named %s is running: see cdpctl status", name);
}

static int task_failed(struct dm_task *t, const char *name, const char *doing, const char *reason)
{
	int err = dm_task_get_errno(t);

	if (geteuid())
		return cdp_why(-EPERM, "%s: only root may use device-mapper", name);
	if (!err && !have_kernel())
		return no_kernel();
	if (err == ENXIO)
		return no_set(name);
	if (err == EBUSY && *reason)
		return cdp_why(-EBUSY, "%s: %s", name, reason);
	return cdp_why(err ? -err : -EIO, "%s: the kernel refused to %s: %s%s", name, doing,
		       *reason ? reason : err ? strerror(err) : last_log,
		       *reason ? "" : " (its log may say more: dmesg)");
}

/* Is udev waited for, until it has made, or removed, the device node? And does it do more? */
enum udev { UDEV_NOT, UDEV_WAIT, UDEV_ALONE };

#define LEAVE_ALONE \
	(DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG | DM_UDEV_DISABLE_DISK_RULES_FLAG | \
	 DM_UDEV_DISABLE_OTHER_RULES_FLAG)

/* Run and destroy. */
static int task_end(struct dm_task *t, const char *name, const char *doing, enum udev udev)
{
	uint16_t flags = udev == UDEV_ALONE ? LEAVE_ALONE : 0;
	char reason[256] = "";
	uint32_t cookie = 0;
	int fd = kmsg_open();
	int r = 0;

	if (udev && !dm_task_set_cookie(t, &cookie, flags)) {
		r = no_task(name);
	} else if (!dm_task_run(t)) {
		kmsg_read(fd, reason, sizeof(reason));
		r = task_failed(t, name, doing, reason);
	}
	if (udev && cookie)
		dm_udev_wait(cookie);
	dm_task_destroy(t);
	if (udev)
		dm_task_update_nodes();
	if (fd >= 0)
		close(fd);
	return r;
}

int cdp_dm_info(const char *name, struct cdp_dm_info *info)
{
	struct dm_task *t = task_new(DM_DEVICE_INFO, name);
	struct dm_info i;
	int r = 0;

	memset(info, 0, sizeof(*info));
	if (!t)
		return no_task(name);
	if (!dm_task_run(t) || !dm_task_get_info(t, &i)) {
		r = task_failed(t, name, "tell about it", "");
	} else if (i.exists) {
		const char *uuid = dm_task_get_uuid(t);

		info->exists = true;
		info->suspended = i.suspended;
		info->read_only = i.read_only;
		info->has_inactive = i.inactive_table;
		info->open_count = (u32)i.open_count;
		info->event_nr = i.event_nr;
		info->major = i.major;
		info->minor = i.minor;
		cdp_print(info->uuid, sizeof(info->uuid), "%s", uuid ? uuid : "");
	}
	dm_task_destroy(t);
	return r;
}

static int find_target(bool *found)
{
	struct dm_task *t = task_new(DM_DEVICE_LIST_VERSIONS, NULL);
	struct dm_versions *v;

	*found = false;
	if (!t)
		return no_task(TARGET);
	if (!dm_task_run(t)) {
		int r = task_failed(t, TARGET, "list its targets", "");

		dm_task_destroy(t);
		return r;
	}
	for (v = dm_task_get_versions(t); v; v = (void *)((char *)v + v->next)) {
		if (!strcmp(v->name, TARGET))
			*found = true;
		if (!v->next)
			break;
	}
	dm_task_destroy(t);
	return 0;
}

int cdp_dm_have_target(void)
{
	static const char *const modprobe[] = { "modprobe", "dm-cdp", NULL };
	struct cdp_run run;
	bool found = false;
	int r = find_target(&found);

	if (r || found)
		return r;
	r = cdp_run(&run, 30, modprobe);
	if (!r)
		r = find_target(&found);
	if (r || found)
		return r;
	return cdp_why(-ENODEV, "the kernel has no target \"cdp\"; modprobe dm-cdp says: %s (cdpctl doctor tells what mends it)",
		       run.status ? cdp_run_line(run.err) : "nothing, but it is not there");
}

int cdp_dm_create(const char *name, const char *uuid, u64 length, const char *params)
{
	struct dm_task *t = task_new(DM_DEVICE_CREATE, name);

	if (!t)
		return no_task(name);
	if ((uuid && !dm_task_set_uuid(t, uuid)) ||
	    !dm_task_add_target(t, 0, length, TARGET, params)) {
		dm_task_destroy(t);
		return no_task(name);
	}
	return task_end(t, name, "create the mapping", UDEV_WAIT);
}

/* The device is not suspended first: resume swaps the tables, so a tool that
 * dies in between leaves nothing frozen. A filesystem on it needs no freeze,
 * its data does not move.
 */
static int load(struct dm_task *t, const char *name)
{
	int r = t ? task_end(t, name, "take the new table", UDEV_NOT) : no_task(name);

	if (!r)
		cdp_fault_point("loaded");
	return r;
}

static int resume(const char *name)
{
	struct dm_task *t = task_new(DM_DEVICE_RESUME, name);

	if (!t || !dm_task_skip_lockfs(t))
		return no_task(name);
	return task_end(t, name, "resume with the new table", UDEV_WAIT);
}

static int load_and_resume(const char *name, u64 length, const char *params)
{
	struct dm_task *t = task_new(DM_DEVICE_RELOAD, name);

	if (!t || !dm_task_add_target(t, 0, length, TARGET, params))
		return no_task(name);
	return load(t, name) ?: resume(name);
}

int cdp_dm_reload(const char *name, u64 length, const char *params)
{
	char *old = NULL;
	u64 old_length;
	int r = cdp_dm_table(name, &old_length, &old);

	if (r)
		return r;
	r = load_and_resume(name, length, params);
	if (r) {
		char first[512];

		cdp_print(first, sizeof(first), "%s", cdp_why_text());
		if (load_and_resume(name, old_length, old))
			cdp_warn("%s: the table before could not be restored: %s", name,
				 cdp_why_text());
		cdp_why(r, "%s", first);
	}
	free(old);
	return r;
}

int cdp_dm_remove(const char *name)
{
	struct dm_task *t = task_new(DM_DEVICE_REMOVE, name);

	if (!t)
		return no_task(name);
	dm_task_retry_remove(t);	/* udev may hold it open for a moment */
	return task_end(t, name, "remove the mapping", UDEV_WAIT);
}

/* udev opens a device for a moment after each event: that is waited for. */
int cdp_dm_unused(const char *name)
{
	struct cdp_dm_info info;
	double end = cdp_seconds() + BRIEF_S;
	int r;

	do {
		r = cdp_dm_info(name, &info);
		if (r || !info.open_count)
			return r;
		cdp_sleep_ms(100);
	} while (cdp_seconds() < end && !cdp_interrupted());
	return cdp_refuse("in-use", "%s is in use (opened %u times): unmount it, or end what uses /dev/mapper/%s, first",
		       name, info.open_count, name);
}

int cdp_dm_set_uuid(const char *name, const char *uuid)
{
	struct dm_task *t = task_new(DM_DEVICE_RENAME, name);

	if (!t)
		return no_task(name);
	if (!dm_task_set_newuuid(t, uuid)) {
		dm_task_destroy(t);
		return no_task(name);
	}
	return task_end(t, name, "set its uuid", UDEV_WAIT);
}

/*----------------------------------------------------------------
 * Any mapping's table
 *--------------------------------------------------------------*/

static int print_targets(struct dm_task *t, char **lines)
{
	uint64_t start, length;
	char *target, *params;
	void *next = NULL;
	size_t size;
	FILE *f = open_memstream(lines, &size);

	if (!f)
		return -ENOMEM;
	do {
		target = NULL;
		next = dm_get_next_target(t, next, &start, &length, &target, &params);
		if (target)
			fprintf(f, "%llu %llu %s %s\n", (unsigned long long)start,
				(unsigned long long)length, target, params ? params : "");
	} while (next);
	return fclose(f) ? -ENOMEM : 0;
}

int cdp_dm_lines(const char *name, char **lines)
{
	struct dm_task *t = task_new(DM_DEVICE_TABLE, name);
	struct dm_info info;
	int r;

	*lines = NULL;
	if (!t)
		return no_task(name);
	if (!dm_task_run(t))
		r = task_failed(t, name, "tell its table", "");
	else if (!dm_task_get_info(t, &info) || !info.exists)
		r = cdp_why(-ENOENT, "there is no mapping %s", name);
	else
		r = print_targets(t, lines);
	dm_task_destroy(t);
	return r;
}

static bool add_line(struct dm_task *t, char *line)
{
	unsigned long long start, length;
	char target[64];
	int n = 0;

	return sscanf(line, "%llu %llu %63s %n", &start, &length, target, &n) == 3 &&
	       dm_task_add_target(t, start, length, target, line + n);
}

/* A task that carries the table. */
static struct dm_task *task_with(int type, const char *name, const char *lines)
{
	struct dm_task *t = task_new(type, name);
	char *text = strdup(lines), *save, *line;
	bool ok = t && text;

	for (line = ok ? strtok_r(text, "\n", &save) : NULL; line && ok;
	     line = strtok_r(NULL, "\n", &save))
		ok = add_line(t, line);
	free(text);
	if (!ok && t)
		dm_task_destroy(t);
	return ok ? t : NULL;
}

int cdp_dm_make(const char *name, const char *uuid, const char *lines)
{
	struct dm_task *t = task_with(DM_DEVICE_CREATE, name, lines);

	if (!t || !dm_task_set_uuid(t, uuid))
		return no_task(name);
	return task_end(t, name, "create the mapping", UDEV_ALONE);
}

int cdp_dm_clear(const char *name)
{
	struct dm_task *t = task_new(DM_DEVICE_CLEAR, name);

	return t ? task_end(t, name, "forget the table that was loaded", UDEV_NOT) : no_task(name);
}

int cdp_dm_swap(const char *name, const char *lines)
{
	int r = load(task_with(DM_DEVICE_RELOAD, name, lines), name);
	char why[CDP_MSG_TEXT];

	if (r)
		return r;
	r = resume(name);
	if (!r)
		return 0;
	cdp_print(why, sizeof(why), "%s", cdp_why_text());
	if (cdp_dm_clear(name))
		cdp_warn("%s", cdp_why_text());
	/* the kernel suspends it, and leaves it so when it cannot exchange the tables */
	if (resume(name))
		cdp_warn("%s", cdp_why_text());
	return cdp_why(r, "%s", why);
}

int cdp_dm_name(u32 major, u32 minor, char name[CDP_DM_NAME_TEXT])
{
	struct dm_task *t = task_new(DM_DEVICE_INFO, NULL);
	struct dm_info i;
	const char *found = NULL;

	if (!t || !dm_task_set_major(t, (int)major) || !dm_task_set_minor(t, (int)minor))
		return no_task("device-mapper");
	if (dm_task_run(t) && dm_task_get_info(t, &i) && i.exists)
		found = dm_task_get_name(t);
	if (found)
		cdp_print(name, CDP_DM_NAME_TEXT, "%s", found);
	dm_task_destroy(t);
	return found ? 0 : -ENODEV;
}

/*----------------------------------------------------------------*/

static int get_line(int type, const char *name, u64 *length, char **line)
{
	uint64_t start = 0, len = 0;
	char *target = NULL, *params = NULL;
	struct dm_task *t = task_new(type, name);
	struct dm_info info;
	int r = 0;

	*line = NULL;
	if (!t)
		return no_task(name);
	if (type == DM_DEVICE_STATUS)
		dm_task_no_flush(t);
	if (!dm_task_run(t)) {
		r = task_failed(t, name, "tell its status", "");
	} else if (!dm_task_get_info(t, &info) || !info.exists) {
		r = no_set(name);
	} else {
		dm_get_next_target(t, NULL, &start, &len, &target, &params);
		if (!target || strcmp(target, TARGET))
			r = cdp_why(-EMEDIUMTYPE, "%s is a mapping, but not a cdp set", name);
		else
			*line = strdup(params ? params : "");
		if (!r && !*line)
			r = -ENOMEM;
	}
	*length = len;
	dm_task_destroy(t);
	return r;
}

int cdp_dm_status(const char *name, u64 *length, char **line)
{
	return get_line(DM_DEVICE_STATUS, name, length, line);
}

int cdp_dm_table(const char *name, u64 *length, char **line)
{
	return get_line(DM_DEVICE_TABLE, name, length, line);
}

int cdp_dm_message(const char *name, const char *message, char **answer)
{
	struct dm_task *t = task_new(DM_DEVICE_TARGET_MSG, name);
	char reason[256], doing[128];
	int fd, r = 0;

	if (answer)
		*answer = NULL;
	if (!t || !dm_task_set_sector(t, 0) || !dm_task_set_message(t, message))
		return no_task(name);
	cdp_debug("message %s: %s", name, message);
	fd = kmsg_open();
	if (!dm_task_run(t)) {
		kmsg_read(fd, reason, sizeof(reason));
		cdp_print(doing, sizeof(doing), "do \"%s\"", message);
		r = task_failed(t, name, doing, reason);
	} else if (answer) {
		const char *text = dm_task_get_message_response(t);

		*answer = strdup(text ? text : "");
		r = *answer ? 0 : -ENOMEM;
	}
	if (fd >= 0)
		close(fd);
	dm_task_destroy(t);
	return r;
}

/*----------------------------------------------------------------*/

static void on_alarm(int sig)
{
	(void)sig;
}

/* The wait has no timeout of its own. The timer repeats, so that a signal
 * which comes before the ioctl sleeps is not the last one.
 */
static void timer(u32 ms)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct timeval t = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	struct itimerval it = { .it_value = t, .it_interval = { .tv_usec = ms ? 50000 : 0 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
}

int cdp_dm_wait(const char *name, u32 event_nr, u32 timeout_ms)
{
	struct dm_task *t = task_new(DM_DEVICE_WAITEVENT, name);
	int r = 0;

	if (!t || !dm_task_set_event_nr(t, event_nr))
		return no_task(name);
	if (cdp_interrupted()) {
		dm_task_destroy(t);
		return -EINTR;
	}
	timer(timeout_ms);
	if (!dm_task_run(t)) {
		if (dm_task_get_errno(t) != EINTR)
			r = task_failed(t, name, "wait for an event", "");
		else
			r = cdp_interrupted() ? -EINTR : -ETIME;
	}
	timer(0);
	dm_task_destroy(t);
	return r;
}

/*----------------------------------------------------------------*/

static bool is_set(const char *name)
{
	char *line;
	u64 length;
	int r = cdp_dm_status(name, &length, &line);

	free(line);
	return !r;
}

int cdp_dm_list(int (*each)(const char *name, void *ctx), void *ctx)
{
	struct dm_task *t = task_new(DM_DEVICE_LIST, NULL);
	struct dm_names *n;
	int r = 0;

	if (!t)
		return no_task("device-mapper");
	if (!dm_task_run(t)) {
		r = task_failed(t, "device-mapper", "list its mappings", "");
		dm_task_destroy(t);
		return r;
	}
	n = dm_task_get_names(t);
	while (n && n->dev) {
		if (is_set(n->name)) {
			r = each(n->name, ctx);
			if (r)
				break;
		}
		if (!n->next)
			break;
		n = (void *)((char *)n + n->next);
	}
	dm_task_destroy(t);
	return r;
}
