// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf.h"
#include "msg.h"
#include "wake.h"

#define CONTROL		"/dev/mapper/control"
#define BUFFER_BYTES	(1024 * 1024)
#define ISCSI_GROUP	1u	/* where connection errors are told; iscsid is the other listener */

static int netlink(int protocol, u32 group)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_groups = group };
	int size = BUFFER_BYTES;
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if (!bind(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	close(fd);
	return -1;
}

static int watch_conf(void)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0 && inotify_add_watch(fd, cdp_conf_dir(), IN_MOVED_TO | IN_DELETE) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/*
 * libdevmapper can arm its own descriptor, but does not give it away to be
 * polled, so this one is opened beside it.
 */
int cdp_wake_arm(struct cdp_wake *w)
{
	char dropped[4096];
	struct dm_ioctl d = {
		.version = { DM_VERSION_MAJOR, 0, 0 },
		.data_size = sizeof(d),
		.data_start = offsetof(struct dm_ioctl, data),
	};

	/* not after the list was read, which would lack one that came between */
	while (w->fds[WAKE_CONF].fd >= 0 &&
	       read(w->fds[WAKE_CONF].fd, dropped, sizeof(dropped)) > 0)
		;
	/* it comes with the first login, unless the module was there before */
	if (w->fds[WAKE_ISCSI].fd < 0 && !access("/sys/class/iscsi_transport", F_OK))
		w->fds[WAKE_ISCSI].fd = netlink(NETLINK_ISCSI, ISCSI_GROUP);
	if (!ioctl(w->fds[WAKE_DM].fd, DM_DEV_ARM_POLL, &d))
		return 0;
	return cdp_why(-errno, CONTROL ": cannot wait for events: %s", strerror(errno));
}

int cdp_wake_open(struct cdp_wake *w)
{
	u32 i;

	w->fds[WAKE_DM].fd = open(CONTROL, O_RDWR | O_CLOEXEC);
	if (w->fds[WAKE_DM].fd < 0)
		return cdp_why(-errno, CONTROL ": %s (modprobe dm-mod; only root may open it)",
			       strerror(errno));
	w->fds[WAKE_UEVENT].fd = netlink(NETLINK_KOBJECT_UEVENT, 1);
	w->fds[WAKE_ISCSI].fd = -1;
	w->fds[WAKE_CONF].fd = watch_conf();
	for (i = 0; i < WAKES; i++)
		w->fds[i].events = POLLIN;
	if (w->fds[WAKE_UEVENT].fd >= 0)
		return 0;
	return cdp_why(-errno, "cannot listen to the kernel's uevents: %s", strerror(errno));
}

void cdp_wake_close(struct cdp_wake *w)
{
	u32 i;

	for (i = 0; i < WAKES; i++)
		if (w->fds[i].fd >= 0)
			close(w->fds[i].fd);
}

/*----------------------------------------------------------------*/

/* Only what the kernel itself sends counts. */
static ssize_t receive(int fd, char *data, size_t size)
{
	struct sockaddr_nl from = { 0 };
	socklen_t len = sizeof(from);
	ssize_t n;

	do {
		n = recvfrom(fd, data, size, 0, (struct sockaddr *)&from, &len);
	} while (n >= 0 && from.nl_pid);
	return n;
}

static void take(int fd, bool iscsi, void (*each)(const struct cdp_uevent *u, void *ctx), void *ctx)
{
	union {
		struct nlmsghdr header;
		char data[8192];
	} b;
	struct cdp_uevent u;
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = receive(fd, b.data, sizeof(b))) >= 0 || errno == ENOBUFS || errno == EINTR) {
		memset(&u, 0, sizeof(u));
		if (n < 0)
			u.kind = errno == ENOBUFS ? UEVENT_LOST : UEVENT_OTHER;
		else if (iscsi)
			cdp_uevent_parse_iscsi(b.data, (size_t)n, &u);
		else
			cdp_uevent_parse(b.data, (size_t)n, &u);
		if (u.kind != UEVENT_OTHER)
			each(&u, ctx);
	}
}

void cdp_wake_take(struct cdp_wake *w, void (*each)(const struct cdp_uevent *u, void *ctx),
		   void *ctx)
{
	take(w->fds[WAKE_ISCSI].fd, true, each, ctx);
	take(w->fds[WAKE_UEVENT].fd, false, each, ctx);
}
