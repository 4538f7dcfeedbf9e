// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "look.h"
#include "msg.h"

#define AT_ONCE		128u	/* a server that is silent has many disks */
#define DIES_MS		100	/* who can be killed is dead by then */
#define LOCK_DIR	"/run/cdp"

/* What would keep a reader waiting, of what can be seen without reading. */
static const char *cannot_answer(const struct cdp_look *l)
{
	const struct cdp_device d = { .major = l->major, .minor = l->minor };
	char path[64], text[8];

	cdp_print(path, sizeof(path), "/sys/dev/block/%u:%u/dm/suspended", l->major, l->minor);
	if (cdp_host_read(path, text, sizeof(text)) && *text == '1')
		return "is suspended";
	return cdp_probe_recovers(&d) ? "is being recovered by the kernel" : NULL;
}

/*
 * One reader of a device at a time, of all processes: else each try would leave one more at a
 * disk that does not answer. Without a lock it is read all the same.
 */
static void lock(const struct cdp_look *l)
{
	char path[64];
	int fd;

	if (mkdir(LOCK_DIR, 0755) && errno != EEXIST)
		return;
	cdp_print(path, sizeof(path), LOCK_DIR "/look-%u:%u", l->major, l->minor);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0 && flock(fd, LOCK_EX))
		close(fd);
}

/* It may outlive us: it holds no lock of ours, nor the pipe that somebody reads. */
static void let_go(void)
{
	int fd = open("/dev/null", O_RDWR);

	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	closefrom(3);
}

static void read_one(const struct cdp_look *l, u8 (*read)(const struct cdp_look *l, void *ctx),
		     void *ctx)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	let_go();
	lock(l);
	while (cannot_answer(l))
		cdp_sleep_ms(100);
	_exit(read(l, ctx));
}

struct reader {
	int pid;
	double end_s;
};

static int start(struct reader *p, struct pollfd *fd, const struct cdp_look *l, u32 seconds,
		 u8 (*read)(const struct cdp_look *l, void *ctx), void *ctx)
{
	p->pid = fork();
	if (!p->pid)
		read_one(l, read, ctx);
	if (p->pid < 0)
		return cdp_why(-errno, "%s cannot be looked at: %s", l->path, strerror(errno));
	p->end_s = cdp_seconds() + seconds;
	*fd = (struct pollfd) { .fd = pidfd_open(p->pid, 0), .events = POLLIN };
	return 0;
}

/* Has it ended, or is its time over? */
static bool end(struct reader *p, struct pollfd *fd, struct cdp_look *l)
{
	bool late = cdp_seconds() >= p->end_s;
	int st;

	if (late) {
		kill(p->pid, SIGKILL);
		poll(fd, 1, DIES_MS);
	}
	if (waitpid(p->pid, &st, WNOHANG) == p->pid) {
		if (WIFEXITED(st))
			l->found = (u8)WEXITSTATUS(st);
		late |= !WIFEXITED(st);
	} else if (!late) {
		return false;
	}
	if (late)
		l->silent = cannot_answer(l) ?: "does not answer";
	if (fd->fd >= 0)
		close(fd->fd);
	fd->fd = -1;
	p->pid = 0;
	return true;
}

static int wait_ms(const struct reader *readers, u32 nr)
{
	double next = cdp_seconds() + 60;
	u32 i;

	for (i = 0; i < nr; i++)
		if (readers[i].pid && readers[i].end_s < next)
			next = readers[i].end_s;
	next -= cdp_seconds();
	return next < 0 ? 0 : (int)(next * 1000) + 1;
}

static int look(struct cdp_look *all, u32 nr, struct reader *readers, struct pollfd *fds,
		u32 seconds, u8 (*read)(const struct cdp_look *l, void *ctx), void *ctx)
{
	u32 next = 0, running = 0, i;
	int r = 0;

	while (running || (next < nr && !r)) {
		for (; next < nr && running < AT_ONCE && !r; next++) {
			fds[next].fd = -1;
			all[next].silent = all[next].wanted ? NULL : cannot_answer(&all[next]);
			if (all[next].silent)
				continue;
			r = start(&readers[next], &fds[next], &all[next], seconds, read, ctx);
			running += !r;
		}
		if (running)
			poll(fds, next, wait_ms(readers, next));
		if (!r && cdp_interrupted())
			r = cdp_why(-EINTR, "interrupted");
		for (i = 0; i < next; i++) {
			if (r)	/* all is over: who still reads is killed */
				readers[i].end_s = 0;
			if (readers[i].pid && end(&readers[i], &fds[i], &all[i]))
				running--;
		}
	}
	return r;
}

int cdp_look(struct cdp_look *all, u32 nr, u32 seconds,
	     u8 (*read)(const struct cdp_look *l, void *ctx), void *ctx)
{
	struct reader *readers = calloc(nr + 1, sizeof(*readers));
	struct pollfd *fds = calloc(nr + 1, sizeof(*fds));
	int r = readers && fds ? look(all, nr, readers, fds, seconds, read, ctx) : -ENOMEM;

	free(readers);
	free(fds);
	return r;
}

void cdp_look_init(struct cdp_look *l, const struct cdp_device *d)
{
	*l = (struct cdp_look) { .major = d->major, .minor = d->minor };
	strcpy(l->path, d->path);
}

int cdp_look_at(struct cdp_look *l, const struct cdp_device *d, u32 seconds,
		u8 (*read)(const struct cdp_look *l, void *ctx), void *ctx)
{
	cdp_look_init(l, d);
	return cdp_look(l, 1, seconds, read, ctx);
}

void *cdp_look_room(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}
