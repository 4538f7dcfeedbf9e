// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "hooks.h"
#include "msg.h"

#define DEADLINE_S	30u
#define MOST_QUEUED	1000u
#define NR_ENV		9

struct job {
	struct job *next;
	char path[CDP_PATH_TEXT];
	char *env[NR_ENV + 1];
};

static struct job *first, **last = &first;
static u32 queued;
static bool full;
static struct cdp_child child = CDP_CHILD_NONE;

bool cdp_hook_is_one(const char *dir, const char *name)
{
	char path[CDP_PATH_TEXT];
	size_t len = strlen(name);
	struct stat st;

	cdp_print(path, sizeof(path), "%s/%s", dir, name);
	if (name[0] == '.' || name[len - 1] == '~' || strstr(name, ".dpkg-") ||
	    strstr(name, ".rpm") || stat(path, &st) || !S_ISREG(st.st_mode) ||
	    !(st.st_mode & 0111))
		return false;
	if (st.st_uid == geteuid() && !(st.st_mode & 022))
		return true;
	cdp_warn("the hook %s is not run: somebody else than its owner, root, may write to it",
		 path);
	return false;
}

static void free_job(struct job *j)
{
	u32 i;

	for (i = 0; i < NR_ENV; i++)
		free(j->env[i]);
	free(j);
}

static void set(struct job *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void set(struct job *j, const char *fmt, ...)
{
	va_list ap;
	u32 i;

	for (i = 0; j->env[i]; i++)
		;
	va_start(ap, fmt);
	if (vasprintf(&j->env[i], fmt, ap) < 0)
		j->env[i] = NULL;
	va_end(ap);
}

static void add(const char *dir, const char *name, const struct cdp_hook_event *e)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return;
	cdp_print(j->path, sizeof(j->path), "%s/%s", dir, name);
	set(j, "CDP_SET=%s", e->set);
	set(j, "CDP_EVENT=%s", e->event);
	set(j, "CDP_LEG=%s", e->leg);
	set(j, "CDP_LEG_UUID=%s", e->leg_uuid);
	set(j, "CDP_DEVICE=%s", e->device);
	set(j, "CDP_SEQ=%llu", (unsigned long long)e->seq);
	set(j, "CDP_TIME=%llu", (unsigned long long)e->seconds);
	set(j, "CDP_DETAIL=%s", e->detail);
	set(j, "CDP_HEALTH=%s", e->health);
	*last = j;
	last = &j->next;
	queued++;
}

void cdp_hooks_queue(const struct cdp_hook_event *e)
{
	char dir[CDP_PATH_TEXT];
	struct dirent **list;
	int n, i;

	cdp_print(dir, sizeof(dir), "%s/hooks.d", cdp_conf_dir());
	n = scandir(dir, &list, NULL, alphasort);
	if (n < 0)
		return;
	for (i = 0; i < n; i++) {
		if (queued >= MOST_QUEUED && !full)
			cdp_warn("%u hooks are waiting to be run; events are left out until they are fewer",
				 MOST_QUEUED);
		full = queued >= MOST_QUEUED;
		if (!full && cdp_hook_is_one(dir, list[i]->d_name))
			add(dir, list[i]->d_name, e);
		free(list[i]);
	}
	free(list);
}

static void reap(void)
{
	int status = cdp_child_end(&child, NULL, 0);

	if (status > 128)
		cdp_warn("the hook %s was killed by signal %d (it has %u s)", first->path,
			 status - 128, DEADLINE_S);
	else if (status > 0)
		cdp_warn("the hook %s ended with status %d", first->path, status);
}

static void start(void)
{
	const char *const argv[] = { first->path, NULL };

	if (!cdp_child_start(&child, argv, (const char *const *)first->env, 0, DEADLINE_S))
		return;
	cdp_warn("%s", cdp_why_text());
	cdp_why_clear();
}

static void drop_first(void)
{
	struct job *j = first;

	first = j->next;
	if (!first)
		last = &first;
	queued--;
	free_job(j);
}

bool cdp_hooks_step(void)
{
	if (cdp_child_runs(&child)) {
		reap();
		if (cdp_child_runs(&child))
			return true;
		drop_first();
	}
	while (first) {
		start();
		if (cdp_child_runs(&child))
			return true;
		drop_first();
	}
	return false;
}

int cdp_hooks_fd(void)
{
	return child.pidfd;
}

double cdp_hooks_end_s(void)
{
	return child.killed ? 0 : child.end_s;
}
