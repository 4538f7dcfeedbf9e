// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "doing.h"
#include "iscsi.h"
#include "msg.h"
#include "run.h"

#define NODES_DIR	"/etc/iscsi/nodes"
#define RUN_S		40u	/* iscsiadm; a login to a portal that is not there takes about 15 */
#define DISK_S		20u	/* from the login to the disk */

/* Exit statuses of iscsiadm(8) that we act on. */
enum {
	ISCSI_TRANS = 4, ISCSI_TRANS_TIMEOUT = 8, ISCSI_PDU_TIMEOUT = 11, ISCSI_SESS_EXISTS = 15,
	ISCSI_NOTCONN = 20, ISCSI_NO_OBJS = 21, ISCSI_HOST = 23, ISCSI_AUTH = 24,
};

/*
 * Settings of a node record for a leg of a set. The defaults of open-iscsi
 * are for a disk without a copy elsewhere: better wait two minutes than fail.
 * A leg has a copy elsewhere, so it shall fail soon, and be copied later.
 */
static const struct setting {
	const char *key, *value;
} settings[] = {
	/* cdp.service logs in, when it assembles the set */
	{ "node.startup", "manual" },
	/*
	 * The set's own deadline (5 s) decides; the error of the transport has to come
	 * soon after, because a leg is not let in again before it has answered. A lost
	 * connection fails its I/O after 5 s, not 120: less would turn one that is made
	 * again in time into an error.
	 */
	{ "node.session.timeo.replacement_timeout", "5" },
	/* A silent one is given up within 5 + 5 s. With less a busy server is cut off. */
	{ "node.conn[0].timeo.noop_out_interval", "5" },
	{ "node.conn[0].timeo.noop_out_timeout", "5" },
	/* a command that hangs: abort and resets give up soon, or they hold the leg for 75 s */
	{ "node.session.err_timeo.abort_timeout", "5" },
	{ "node.session.err_timeo.lu_reset_timeout", "5" },
	{ "node.session.err_timeo.tgt_reset_timeout", "5" },
	/* a portal that is not there: assembling goes on without the leg after 10 s, not 120 */
	{ "node.conn[0].timeo.login_timeout", "5" },
	{ "node.session.initial_login_retry_max", "2" },
	/* resync keeps many large requests in flight beside those of the VM */
	{ "node.session.cmds_max", "256" },
	{ "node.session.queue_depth", "128" },
};

/*----------------------------------------------------------------*/

#define NO_ANSWER	"the portal does not answer: check the network, the address and the port"
#define NO_LOGIN	\
	"the target refused the login: check its ACL for this initiator (/etc/iscsi/initiatorname.iscsi)"
#define NO_ISCSID	"iscsid is not running: systemctl start iscsid (package open-iscsi)"
#define NO_CHAP		\
	"the target refused the user or the secret (CHAP): check USER@ in the URL and --secret-file"

static const struct meaning {
	int status;
	const char *text;
} meanings[] = {
	{ ISCSI_TRANS, NO_ANSWER },
	{ ISCSI_TRANS_TIMEOUT, NO_ANSWER },
	{ ISCSI_PDU_TIMEOUT, NO_ANSWER },
	{ 5, NO_LOGIN },
	{ 19, NO_LOGIN },
	{ 12, "the kernel module is missing: modprobe iscsi_tcp" },
	{ 13, "not allowed: cdpctl must run as root" },
	{ 18, NO_ISCSID },
	{ ISCSI_NOTCONN, NO_ISCSID },
	{ ISCSI_NO_OBJS, "there is no record of the target, or the portal offers none" },
	{ ISCSI_HOST, "the host name cannot be resolved" },
	{ ISCSI_AUTH, NO_CHAP },
	{ 28, "the session is in use" },
};

static const char *meaning(int status)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(meanings); i++)
		if (meanings[i].status == status)
			return meanings[i].text;
	return NULL;
}

static int failed(const struct cdp_iscsi *t, const char *doing, struct cdp_run *run)
{
	char portal[CDP_ISCSI_PORTAL_TEXT];
	const char *why = meaning(run->status);

	return cdp_why(run->status == ISCSI_NO_OBJS ? -ENOENT :
		       why && !strcmp(why, NO_ANSWER) ? -EHOSTUNREACH : -EIO,
		       "iSCSI target %s at %s: cannot %s: %s (iscsiadm exit status %d)",
		       t->target, cdp_iscsi_portal(t, portal), doing,
		       why ? why : cdp_run_line(run->err), run->status);
}

static int no_iscsiadm(int r)
{
	if (r == -ENOENT)
		return cdp_why(-ENOPKG, "iscsiadm is not installed, which a leg on iSCSI needs: apt install open-iscsi");
	return r;
}

static double until;	/* 0: no end */

void cdp_iscsi_until(double end)
{
	until = end;
}

/* @seconds, or what is left of the time. */
static u32 bound(u32 seconds)
{
	double left = until - cdp_seconds();

	if (!until || left >= seconds)
		return seconds;
	return left < 1 ? 1 : (u32)left;
}

/* iscsiadm -m node -T TARGET -p PORTAL, and up to six more words. */
static int node(const struct cdp_iscsi_job *j, struct cdp_run *run, const char *const more[])
{
	char portal[CDP_ISCSI_PORTAL_TEXT], full[CDP_ISCSI_PORTAL_TEXT + 8];
	const char *argv[16] = { "iscsiadm", "-m", "node", "-T", j->target->target, "-p", full };
	u32 i;

	cdp_print(full, sizeof(full), "%s%s%s", cdp_iscsi_portal(j->target, portal),
		  j->tag[0] ? "," : "", j->tag);
	for (i = 0; more[i] && i < 8; i++)
		argv[7 + i] = more[i];
	return no_iscsiadm(cdp_run(run, bound(RUN_S), argv));
}

#define NODE(j, run, ...) node(j, run, (const char *const[]) { __VA_ARGS__, NULL })

/*----------------------------------------------------------------*/

/* Nothing is stored: a stored discovery leaves records of every target that the portal has. */
static int discover(void *arg)
{
	struct cdp_iscsi_job *j = arg;
	char portal[CDP_ISCSI_PORTAL_TEXT], offers[1024];
	const char *const argv[] = {
		"iscsiadm", "-m", "discovery", "-t", "sendtargets", "-o", "nonpersistent",
		"-p", cdp_iscsi_portal(j->target, portal), NULL,
	};
	struct cdp_run run;
	int r = no_iscsiadm(cdp_run(&run, bound(RUN_S), argv));

	if (r)
		return r;
	if (run.status == ISCSI_TRANS || run.status == ISCSI_TRANS_TIMEOUT ||
	    run.status == ISCSI_PDU_TIMEOUT || run.status == ISCSI_HOST ||
	    run.status == ISCSI_NOTCONN)
		return failed(j->target, "ask for its targets", &run);
	if (run.status) {
		cdp_note("%s does not tell its targets (iscsiadm exit status %d); going on with the one named",
			 portal, run.status);
		return 0;
	}
	if (cdp_iscsi_offer(run.out, j->target, j->tag, offers, sizeof(offers)))
		return 0;
	return cdp_why(-ENOENT, "the portal %s has no target %s; it offers: %s", portal,
		       j->target->target, *offers ? offers : "none");
}

/*
 * What is ours is known when all is done. For who goes on if we are killed before, it is
 * kept with the command, ahead of what makes it: by LUN, as the first of several legs on
 * a target has made what all of them use.
 */
#define KEPT_RECORD	"record"
#define KEPT_SESSION	"session"

static const char *kept_text(const struct cdp_iscsi *t, char text[CDP_MSG_TEXT])
{
	char portal[CDP_ISCSI_PORTAL_TEXT];

	cdp_print(text, CDP_MSG_TEXT, "%s %s %u", cdp_iscsi_portal(t, portal), t->target, t->lun);
	return text;
}

static bool is_kept(const struct cdp_iscsi *t, const char *key)
{
	char text[CDP_MSG_TEXT];

	return cdp_doing_has_kept(key, kept_text(t, text));
}

static int keep(const struct cdp_iscsi *t, const char *key)
{
	char text[CDP_MSG_TEXT];
	int r = is_kept(t, key) ? 0 : cdp_doing_keep(key, kept_text(t, text));

	if (r != -E2BIG)
		return r;
	cdp_why_clear();	/* seven legs with the longest names: no reason to give up */
	return 0;
}

void cdp_iscsi_recall(struct cdp_iscsi *t)
{
	if (!t->target[0])
		return;
	t->made_record = is_kept(t, KEPT_RECORD);
	t->logged_in = is_kept(t, KEPT_SESSION);
}

static int make_record(void *arg)
{
	struct cdp_iscsi_job *j = arg;
	struct cdp_run run;
	int r = NODE(j, &run, "-o", "show");

	if (r)
		return r;
	j->target->made_record = !run.status && is_kept(j->target, KEPT_RECORD);
	if (!run.status) {
		if (!j->target->made_record)
			cdp_note("iSCSI target %s has a node record already; its settings are kept",
				 j->target->target);
		return 0;
	}
	r = keep(j->target, KEPT_RECORD);
	if (!r)
		r = NODE(j, &run, "-o", "new");
	if (!r && run.status)
		r = failed(j->target, "make a node record", &run);
	if (!r)
		j->target->made_record = true;
	return r;
}

static void remove_record(void *arg)
{
	struct cdp_iscsi_job *j = arg;
	struct cdp_run run;

	if (!j->target->made_record)
		return;
	if (NODE(j, &run, "-o", "delete") || run.status)
		cdp_warn("the node record of iSCSI target %s could not be deleted (iscsiadm -m node -T %s -o delete)",
			 j->target->target, j->target->target);
	else
		j->target->made_record = false;
}

static int update(struct cdp_iscsi_job *j, const char *key, const char *value)
{
	struct cdp_run run;
	int r = NODE(j, &run, "-o", "update", "-n", key, "-v", value);

	return !r && run.status ? failed(j->target, key, &run) : r;
}

static int set_record(void *arg)
{
	struct cdp_iscsi_job *j = arg;
	u32 i;
	int r = 0;

	if (!j->target->made_record)
		return 0;
	for (i = 0; !r && i < ARRAY_SIZE(settings); i++)
		r = update(j, settings[i].key, settings[i].value);
	return r;
}

/*----------------------------------------------------------------*/

static int copy_lines(FILE *from, FILE *to, const char *key, const char *value)
{
	size_t len = strlen(key), size = 0;
	char *l = NULL;
	bool put = false;

	while (getline(&l, &size, from) > 0) {
		bool hit = !strncmp(l, key, len) && l[len] == ' ';
		bool end = !strncmp(l, "# END RECORD", 12);

		if ((hit || end) && !put) {
			fprintf(to, "%s = %s\n", key, value);
			put = true;
		}
		if (!hit)
			fputs(l, to);
	}
	free(l);
	return put && !ferror(from) && !fflush(to) && !fsync(fileno(to)) ? 0 : -EIO;
}

int cdp_iscsi_record_set(const char *path, const char *key, const char *value)
{
	char tmp[PATH_MAX];
	FILE *from = fopen(path, "re"), *to;
	const char *nodes = strstr(path, "/nodes/");
	int fd, r;

	if (!from)
		return -errno;
	/* Beside "nodes": inside it, the file would be taken for a record. */
	cdp_print(tmp, sizeof(tmp), "%.*s/.cdpctl.XXXXXX",
		  nodes ? (int)(nodes - path) : (int)(strrchr(path, '/') - path), path);
	fd = mkostemp(tmp, O_CLOEXEC);		/* mode 0600 */
	to = fd < 0 ? NULL : fdopen(fd, "w");
	r = to ? copy_lines(from, to, key, value) : -errno;
	if (to)
		fclose(to);
	if (!r && rename(tmp, path))
		r = -errno;
	if (r && fd >= 0)
		unlink(tmp);
	fclose(from);
	return r;
}

/*
 * iscsiadm takes a password only as an argument, and arguments can be read
 * by every user while it runs. So this one key is written into the record's
 * file, as iscsiadm itself would.
 */
static int set_secret(const struct cdp_iscsi_job *j)
{
	char pattern[PATH_MAX];
	glob_t g;
	size_t i;
	int r = -ENOENT;

	/* A file named HOST,PORT,TAG, or a directory of that name with one file per interface. */
	cdp_print(pattern, sizeof(pattern), NODES_DIR "/%s/%s,%u{,\\,*}{,/*}", j->target->target,
		  j->target->host, j->target->port);
	if (!glob(pattern, GLOB_BRACE, NULL, &g)) {
		for (i = 0; i < g.gl_pathc; i++) {
			struct stat st;

			if (!stat(g.gl_pathv[i], &st) && S_ISREG(st.st_mode)) {
				r = cdp_iscsi_record_set(g.gl_pathv[i],
							 "node.session.auth.password", j->secret);
				if (r)
					break;
			}
		}
		globfree(&g);
	}
	if (!r)
		return 0;
	return cdp_why(r, "iSCSI target %s: the secret cannot be written to its record in %s: %s",
		       j->target->target, NODES_DIR, strerror(-r));
}

static int set_chap(void *arg)
{
	struct cdp_iscsi_job *j = arg;
	int r;

	if (!j->target->made_record) {
		cdp_warn("iSCSI target %s has a node record already; its user and secret are kept",
			 j->target->target);
		return 0;
	}
	r = update(j, "node.session.auth.authmethod", "CHAP");
	if (!r)
		r = update(j, "node.session.auth.username", j->target->user);
	return r ? r : set_secret(j);
}

/*----------------------------------------------------------------*/

static bool read_word(const char *dir, const char *file, char *text, int size)
{
	char path[PATH_MAX];
	FILE *f;
	bool ok;

	cdp_print(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "re");
	ok = f && fgets(text, size, f);
	if (f)
		fclose(f);
	if (ok)
		text[strcspn(text, "\n")] = '\0';
	return ok;
}

/* A session of another portal of the same target is not ours. A host given by name matches any. */
static bool same_portal(const char *session, const struct cdp_iscsi *t)
{
	char dir[PATH_MAX], address[CDP_ISCSI_HOST_TEXT];
	bool numeric = strchr(t->host, ':') ||
		strspn(t->host, "0123456789.") == strlen(t->host);

	cdp_print(dir, sizeof(dir), "/sys/class/iscsi_connection/connection%s:0",
		  strrchr(session, '/') + 1 + strlen("session"));
	return !numeric || !read_word(dir, "persistent_address", address, sizeof(address)) ||
		!strcmp(address, t->host);
}

/* Directory of the session's devices in sysfs. */
static bool find_session(const struct cdp_iscsi *t, char device_dir[PATH_MAX])
{
	char name[CDP_ISCSI_TARGET_TEXT], path[PATH_MAX];
	bool found = false;
	glob_t g;
	size_t i;

	if (glob("/sys/class/iscsi_session/session*", 0, NULL, &g))
		return false;
	for (i = 0; i < g.gl_pathc && !found; i++) {
		if (!read_word(g.gl_pathv[i], "targetname", name, sizeof(name)) ||
		    strcmp(name, t->target) || !same_portal(g.gl_pathv[i], t))
			continue;
		cdp_print(path, sizeof(path), "%s/device", g.gl_pathv[i]);
		found = realpath(path, device_dir);
	}
	globfree(&g);
	return found;
}

static int each_disk(const char *session_dir, int (*each)(const char *node, u32 lun, void *ctx),
		     void *ctx)
{
	char pattern[PATH_MAX], path[CDP_PATH_TEXT];
	glob_t g;
	size_t i;
	int r = 0;

	cdp_print(pattern, sizeof(pattern), "%.3900s/target*/*:*:*:*/block/*", session_dir);
	if (glob(pattern, 0, NULL, &g))
		return 0;
	for (i = 0; i < g.gl_pathc && !r; i++) {
		char *block = strstr(g.gl_pathv[i], "/block/");

		cdp_print(path, sizeof(path), "/dev/%.400s", block + strlen("/block/"));
		*block = '\0';
		r = each(path, (u32)strtoul(strrchr(g.gl_pathv[i], ':') + 1, NULL, 10), ctx);
	}
	globfree(&g);
	return r;
}

struct lun_search {
	u32 lun;
	char *device;
};

/* Linux shows a LUN from 256 on in the flat address space, 16384 higher. */
static int is_lun(const char *path, u32 lun, void *ctx)
{
	struct lun_search *s = ctx;

	if (lun != s->lun && lun != s->lun + 16384)
		return 0;
	cdp_print(s->device, CDP_PATH_TEXT, "%s", path);
	return 1;
}

int cdp_iscsi_find(const struct cdp_iscsi *t, char device[CDP_PATH_TEXT])
{
	struct lun_search s = { .lun = t->lun, .device = device };
	char dir[PATH_MAX];

	if (find_session(t, dir) && each_disk(dir, is_lun, &s) && !access(device, F_OK))
		return 0;
	return -ENODEV;
}

/*
 * The disk is looked for in sysfs, where it is known by session and LUN
 * whatever name the portal was given; then udev, if it runs, is waited for,
 * so that the links to the disk are there.
 */
static int wait_disk(void *arg)
{
	struct cdp_iscsi_job *j = arg;
	u32 limit = bound(DISK_S);
	double end = cdp_seconds() + limit;
	const char *const udev[] = { "udevadm", "wait", "--timeout=10", j->device, NULL };
	struct cdp_run run;

	while (cdp_iscsi_find(j->target, j->device)) {
		if (cdp_interrupted())
			return cdp_why(-EINTR, "interrupted while waiting for the disk");
		if (cdp_seconds() > end)
			return cdp_why(-ENODEV, "iSCSI target %s: logged in, but no disk with LUN %u came up within %u s; does the target have that LUN?",
				       j->target->target, j->target->lun, limit);
		cdp_sleep_ms(100);
	}
	if (!access("/run/udev/control", F_OK) && cdp_run(&run, 15, udev))
		cdp_debug("udevadm wait: %s", cdp_why_text());
	return 0;
}

/*
 * Somebody else may be about to log in, for another LUN: iscsiadm calls that a session
 * that exists, and it is none before it has ended well. If it does not, it is our turn.
 */
static int ask_to_log_in(const struct cdp_iscsi_job *j, struct cdp_run *run)
{
	double end = cdp_seconds() + bound(RUN_S);
	char dir[PATH_MAX];
	int r;

	for (;;) {
		r = NODE(j, run, "--login");
		if (r || run->status != ISCSI_SESS_EXISTS || find_session(j->target, dir))
			return r;
		if (cdp_interrupted())
			return cdp_why(-EINTR, "interrupted while waiting for another login to %s",
				       j->target->target);
		if (cdp_seconds() > end)
			return cdp_why(-EBUSY, "iSCSI target %s: another login to it is under way, and does not end",
				       j->target->target);
		cdp_sleep_ms(500);
	}
}

static int login(void *arg)
{
	struct cdp_iscsi_job *j = arg;
	char dir[PATH_MAX];
	struct cdp_run run;
	int r;

	if (find_session(j->target, dir)) {	/* perhaps with a LUN that came later */
		if (!cdp_iscsi_find(j->target, j->device))
			return 0;
		return NODE(j, &run, "-R");
	}
	if (until && cdp_seconds() >= until)
		return cdp_why(-ETIME, "iSCSI target %s: not logged in to, the time to wait for it is over",
			       j->target->target);
	r = ask_to_log_in(j, &run);
	if (r)
		return r;
	if (run.status && run.status != ISCSI_SESS_EXISTS)
		return failed(j->target, "log in", &run);
	j->target->logged_in = !run.status;
	return 0;
}

/* The first one, which is undone when the leg leaves. */
static int login_first(void *arg)
{
	struct cdp_iscsi_job *j = arg;
	char dir[PATH_MAX];
	bool is_there = find_session(j->target, dir);
	bool ours = is_there && is_kept(j->target, KEPT_SESSION);
	int r = is_there ? 0 : keep(j->target, KEPT_SESSION);

	if (!r)
		r = login(j);
	j->target->logged_in |= !r && ours;
	return r;
}

struct user {
	const struct cdp_iscsi_job *j;
	char path[CDP_PATH_TEXT];
};

static int is_used(const char *path, u32 lun, void *ctx)
{
	struct user *u = ctx;
	struct cdp_device d;
	int r = cdp_probe_node(path, &d);

	/* what is left of the set may have its leg: the end of the session ends that */
	if (!r && (cdp_probe_recovers(&d) || (u->j->silent && lun == u->j->target->lun)))
		r = cdp_probe_user(&d);
	else if (!r)
		r = cdp_probe_unused(&d);
	cdp_why_clear();
	if (r == -EBUSY)
		cdp_print(u->path, sizeof(u->path), "%s", path);
	return r == -EBUSY;
}

/* Another set, or anything else, may use another LUN of the session. */
static void logout(void *arg)
{
	struct cdp_iscsi_job *j = arg;
	struct user user = { .j = j };
	struct cdp_run run;
	char dir[PATH_MAX];

	if (!j->target->logged_in)
		return;
	if (find_session(j->target, dir) && each_disk(dir, is_used, &user)) {
		cdp_note("the session with %s stays, because %s on it is in use", j->target->target,
			 user.path);
		j->target->made_record = false;
		return;
	}
	if (NODE(j, &run, "--logout") || (run.status && run.status != ISCSI_NO_OBJS))
		cdp_warn("could not log out of %s: %s", j->target->target, cdp_run_line(run.err));
	else
		j->target->logged_in = false;
}

/*----------------------------------------------------------------*/

static void settings_text(char *text, size_t size)
{
	u32 i;
	int n = 0;

	for (i = 0; i < ARRAY_SIZE(settings); i++)
		n += cdp_print(text + n, size - (size_t)n, "\n    %s = %s", settings[i].key,
			       settings[i].value);
}

void cdp_iscsi_plan_login(struct cdp_steps *p, struct cdp_iscsi_job *j)
{
	const struct cdp_iscsi *t = j->target;
	char portal[CDP_ISCSI_PORTAL_TEXT], text[1024];

	cdp_iscsi_portal(t, portal);
	settings_text(text, sizeof(text));
	cdp_steps_add(p, discover, NULL, j, "iscsi: ask %s for its targets", portal);
	cdp_steps_add(p, make_record, remove_record, j,
		      "iscsi: make a node record of %s at %s, unless there is one", t->target,
		      portal);
	cdp_steps_add(p, set_record, NULL, j, "iscsi: set in the new record:%s", text);
	if (t->user[0])
		cdp_steps_add(p, set_chap, NULL, j,
			      "iscsi: set CHAP user %s and the secret in the new record", t->user);
	cdp_steps_add(p, login_first, logout, j, "iscsi: log in to %s, unless there is a session",
		      t->target);
	cdp_steps_add(p, wait_disk, NULL, j, "iscsi: wait for the disk with LUN %u", t->lun);
}

static int undo_all(void *arg)
{
	logout(arg);
	remove_record(arg);
	return 0;
}

void cdp_iscsi_plan_logout(struct cdp_steps *p, struct cdp_iscsi_job *j)
{
	const struct cdp_iscsi *t = j->target;

	if (t->logged_in || t->made_record)
		cdp_steps_add(p, undo_all, NULL, j, "iscsi: %s%s%s of %s",
			      t->logged_in ? "log out" : "",
			      t->logged_in && t->made_record ? " and " : "",
			      t->made_record ? "delete the node record" : "", t->target);
}

int cdp_iscsi_login(struct cdp_iscsi *t, char device[CDP_PATH_TEXT])
{
	struct cdp_iscsi_job j = { .target = t };
	bool logged_in = t->logged_in;
	int r = login(&j);

	if (!r)
		r = wait_disk(&j);
	t->logged_in = logged_in;	/* what attach did is what detach undoes */
	if (!r)
		cdp_print(device, CDP_PATH_TEXT, "%s", j.device);
	return r;
}
