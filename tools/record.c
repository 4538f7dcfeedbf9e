// SPDX-License-Identifier: GPL-2.0-or-later
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf.h"
#include "msg.h"
#include "record.h"

#define QUEUE_BYTES	(16 << 20)	/* all legs of a thousand sets, and what was seen of them */
#define AGAIN_MS	1000u

struct letter {
	char name[CDP_NAME_TEXT];
	enum { HISTORY, SEEN } kind;
	union {
		struct cdp_history_record record;
		struct cdp_seen seen;
	};
};

static int to_writer = -1;
static pid_t writer;
static bool full;

static int write_letter(const struct letter *l)
{
	return l->kind == HISTORY ? cdp_history_add(l->name, &l->record) :
				    cdp_history_see(l->name, &l->seen);
}

/*----------------------------------------------------------------
 * The process
 *--------------------------------------------------------------*/

/* Other failures are those of one file, and must not hold up all others. */
static bool may_pass(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EROFS || r == -ENOENT || r == -ENOTDIR ||
	       r == -ENOMEM || r == -EMFILE || r == -ENFILE;
}

static bool is_over(int from)
{
	struct pollfd p = { .fd = from };

	return poll(&p, 1, 0) > 0 && p.revents & POLLHUP;
}

/* Return: 0, or it is left out. */
static int persist(const struct letter *l, int from)
{
	bool told = false;
	int r;

	while ((r = write_letter(l)) && may_pass(r) && !is_over(from)) {
		if (!told)
			cdp_warn("%s; it is tried again", cdp_why_text());
		told = true;
		cdp_why_clear();
		cdp_sleep_ms(AGAIN_MS);
	}
	return r;
}

/*
 * What a monitor has left that was killed its successor takes from the events again, and knows
 * better what came after it.
 */
static void __attribute__((noreturn)) be_writer(int from, pid_t monitor)
{
	bool was_over = false;
	struct letter l;
	u32 left_out = 0;
	ssize_t n;

	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	while ((n = read(from, &l, sizeof(l))) == (ssize_t)sizeof(l) || (n < 0 && errno == EINTR)) {
		if (n > 0 && getppid() != monitor)
			break;
		if (n < 0 || !persist(&l, from))
			continue;
		if (!was_over)
			cdp_warn("%s: left out of the history: %s", l.name, cdp_why_text());
		cdp_why_clear();
		was_over = is_over(from);
		left_out += was_over;
	}
	if (left_out > 1)
		cdp_warn("the monitor ends, and %u records are left out", left_out);
	_exit(0);
}

int cdp_record_start(void)
{
	int fds[2], bytes = QUEUE_BYTES, r;
	pid_t us = getpid();

	/* a letter is sent as a whole, or not at all */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return cdp_why(-errno, "no socket for what is recorded: %s", strerror(errno));
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
	writer = fork();
	if (!writer) {
		close(fds[1]);
		be_writer(fds[0], us);
	}
	r = writer < 0 ? -errno : 0;
	close(fds[0]);
	if (r)
		close(fds[1]);
	else
		to_writer = fds[1];
	return r ? cdp_why(r, "no process for what is recorded: %s", strerror(-r)) : 0;
}

void cdp_record_end(double most_s)
{
	int fd = to_writer < 0 ? -1 : pidfd_open(writer, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (to_writer >= 0)
		close(to_writer);
	to_writer = -1;
	if (fd < 0)
		return;
	if (poll(&p, 1, (int)(most_s * 1000)) > 0)
		waitpid(writer, NULL, 0);
	close(fd);
}

/*----------------------------------------------------------------
 * The monitor
 *--------------------------------------------------------------*/

/* Somebody has killed it: we go on as if there had never been one. */
static void writer_died(void)
{
	cdp_warn("the process that writes the history was killed: what happened just now may be left out");
	waitpid(writer, NULL, 0);
	close(to_writer);
	to_writer = -1;
}

/* It is only given to one of us: two would write in any order. */
static bool give(const struct letter *l)
{
	bool was_full = full;

	full = send(to_writer, l, sizeof(*l), MSG_DONTWAIT | MSG_NOSIGNAL) < 0;
	if (!full)
		return true;
	if (errno == EPIPE || errno == ECONNRESET)
		writer_died();
	else if (!was_full)
		cdp_warn("the history cannot be written, or not fast enough, for too long: something may be left out");
	return false;
}

static bool take(const struct letter *l)
{
	if (to_writer >= 0)
		return give(l);
	if (!write_letter(l))
		return true;
	cdp_warn("%s", cdp_why_text());
	cdp_why_clear();
	return false;
}

bool cdp_record_history(const char *name, const struct cdp_history_record *r)
{
	struct letter l = { .kind = HISTORY, .record = *r };

	cdp_print(l.name, sizeof(l.name), "%s", name);
	return take(&l);
}

void cdp_record_seen(const char *name, const struct cdp_seen *s)
{
	struct letter l = { .kind = SEEN, .seen = *s };

	cdp_print(l.name, sizeof(l.name), "%s", name);
	take(&l);
}
