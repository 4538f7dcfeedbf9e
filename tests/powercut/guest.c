// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's side of the power cuts.
 *
 *   guest write DEV SECONDS SEED THREADS FIRST COUNT PAUSE_US SEQ
 *      writes stamped sectors [FIRST, FIRST + COUNT), and says on its output:
 *        i SEQ SECTOR N   a write is about to be issued      a SEQ   it is acknowledged
 *        j SEQ SECTOR N   the same with FUA                  e SEQ ERRNO   it failed
 *        f ID             a flush is about to be issued      F ID    it is acknowledged
 *      Each line is one write(2), so the order of the lines is that of the events:
 *      an i-line is on its way before the write is, an a-line after the write is over.
 *
 *   guest sum <LIST      of each line "NAME DEV SECTORS [BOUNDS]" the device's sum, and
 *      whether each sector shows a write within the bounds:  NAME SUM ok|bad TEXT...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "stamp.h"

#define CHUNK		64u		/* sectors; a chunk is written by one thread only */
#define READ_BYTES	(1u << 20)

static const char *dev;
static unsigned int threads, pause_us;
static u64 first, count, deadline;
static u32 next_seq, next_flush;

struct writer {
	pthread_t thread;
	unsigned int number;
	u64 rnd;
	int fd;
	aio_context_t aio;
	struct stamp *buf;
};

static void die(const char *what)
{
	fprintf(stderr, "guest: %s: %s\n", what, strerror(errno));
	exit(1);
}

static u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

static unsigned int rnd(struct writer *w, unsigned int below)
{
	w->rnd = w->rnd * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)((w->rnd >> 33) % below);
}

__attribute__((format(printf, 1, 2)))
static void say(const char *fmt, ...)
{
	char line[96];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (write(1, line, (size_t)n) != n)
		die("report");
}

static void flush(struct writer *w)
{
	u32 id = __atomic_add_fetch(&next_flush, 1, __ATOMIC_SEQ_CST);

	say("f %u\n", id);
	if (!fsync(w->fd))
		say("F %u\n", id);
	else
		say("e flush %d\n", errno);
}

/* With pwritev2() the kernel would flush after a FUA write, and hide one that is none. */
static bool write_fua(struct writer *w, u64 offset, u64 bytes)
{
	struct iocb cb = {
		.aio_lio_opcode = IOCB_CMD_PWRITE,
		.aio_fildes = (u32)w->fd,
		.aio_buf = (uintptr_t)w->buf,
		.aio_nbytes = bytes,
		.aio_offset = (long long)offset,
		.aio_rw_flags = RWF_DSYNC,
	};
	struct iocb *list[1] = { &cb };
	struct io_event done;

	if (syscall(SYS_io_submit, w->aio, 1, list) != 1 ||
	    syscall(SYS_io_getevents, w->aio, 1, 1, &done, NULL) != 1)
		return false;
	errno = done.res < 0 ? (int)-done.res : EIO;
	return done.res == (long long)bytes;
}

static void write_some(struct writer *w)
{
	u64 chunks = count / CHUNK / threads;
	u64 chunk = (u64)rnd(w, (unsigned int)chunks) * threads + w->number;
	unsigned int at, n, i, fua = rnd(w, 100) < 15;
	u64 sector;
	u32 seq = __atomic_add_fetch(&next_seq, 1, __ATOMIC_SEQ_CST);
	bool ok;

	if (rnd(w, 4)) {
		at = 8 * rnd(w, CHUNK / 8);
		n = 8 * (1 + rnd(w, (CHUNK - at) / 8));
	} else {
		at = rnd(w, CHUNK);
		n = 1 + rnd(w, CHUNK - at < 9 ? CHUNK - at : 9);
	}
	sector = first + chunk * CHUNK + at;
	for (i = 0; i < n; i++)
		stamp_make(&w->buf[i], sector + i, seq);
	say("%c %u %llu %u\n", fua ? 'j' : 'i', seq, (unsigned long long)sector, n);
	if (fua)
		ok = write_fua(w, sector * SECTOR, n * SECTOR);
	else
		ok = pwrite(w->fd, w->buf, n * SECTOR, (off_t)(sector * SECTOR)) == n * SECTOR;
	if (ok)
		say("a %u\n", seq);
	else
		say("e %u %d\n", seq, errno);
}

static void *writer(void *arg)
{
	struct writer *w = arg;

	w->fd = open(dev, O_RDWR | O_DIRECT);
	if (w->fd < 0 || posix_memalign((void **)&w->buf, 4096, CHUNK * SECTOR) ||
	    syscall(SYS_io_setup, 1, &w->aio))
		die(dev);
	while (now_ms() < deadline) {
		if (rnd(w, 100) < 10)
			flush(w);
		else
			write_some(w);
		if (pause_us)
			usleep(rnd(w, 2 * pause_us));
	}
	return NULL;
}

static int do_write(char **a)
{
	struct writer w[16] = { 0 };
	unsigned int i;

	dev = a[0];
	deadline = now_ms() + (u64)(atof(a[1]) * 1000);
	threads = (unsigned int)atoi(a[3]);
	first = strtoull(a[4], NULL, 10);
	count = strtoull(a[5], NULL, 10);
	pause_us = (unsigned int)atoi(a[6]);
	next_seq = next_flush = (u32)atoi(a[7]);
	if (!threads || threads > 16 || count / CHUNK < threads)
		return 2;
	for (i = 0; i < threads; i++) {
		w[i].number = i;
		w[i].rnd = strtoull(a[2], NULL, 10) * 1000003 + i * 7919 + (u64)atoi(a[7]);
		rnd(&w[i], 2);
		if (pthread_create(&w[i].thread, NULL, writer, &w[i]))
			die("thread");
	}
	for (i = 0; i < threads; i++)
		pthread_join(w[i].thread, NULL);
	return 0;
}

static struct bounds *read_bounds(const char *file, u64 sectors)
{
	struct bounds *b = malloc(sectors * sizeof(*b));
	FILE *f = fopen(file, "r");

	if (!b || !f || fread(b, sizeof(*b), sectors, f) != sectors)
		die(file);
	fclose(f);
	return b;
}

static void sum_one(const char *name, const char *path, u64 sectors, const char *file)
{
	struct bounds *b = file ? read_bounds(file, sectors) : NULL;
	u64 sum = 14695981039346656037ull, s, done, bad = 0, bad_at = 0;
	long long bad_seq = 0;
	static u64 *buf;
	int fd = open(path, O_RDONLY | O_DIRECT);

	if (fd < 0 || (!buf && posix_memalign((void **)&buf, 4096, READ_BYTES))) {
		printf("%s 0 bad cannot open %s: %s\n", name, path, strerror(errno));
		return;
	}
	for (s = 0; s < sectors; s += done / SECTOR) {
		u64 want = (sectors - s) * SECTOR, i;

		want = want < READ_BYTES ? want : READ_BYTES;
		done = want;
		if (pread(fd, buf, want, (off_t)(s * SECTOR)) != (ssize_t)want) {
			printf("%s 0 bad read error at sector %llu\n", name, (unsigned long long)s);
			goto out;
		}
		for (i = 0; i < want / 8; i++)
			sum = (sum ^ buf[i]) * 1099511628211ull;
		for (i = 0; b && i < want / SECTOR; i++) {
			long long seq = stamp_read((struct stamp *)buf + i, s + i);

			if (seq >= b[s + i].min && seq <= b[s + i].max)
				continue;
			if (!bad++) {
				bad_at = s + i;
				bad_seq = seq;
			}
		}
	}
	if (bad)
		printf("%s %016llx bad %llu sectors, the first %llu: write %lld, allowed %u to %u\n",
		       name, (unsigned long long)sum, (unsigned long long)bad,
		       (unsigned long long)bad_at, bad_seq, b[bad_at].min, b[bad_at].max);
	else
		printf("%s %016llx ok\n", name, (unsigned long long)sum);
out:
	close(fd);
	free(b);
}

static int do_sum(void)
{
	char line[512], name[64], path[128], file[192];
	unsigned long long sectors;

	while (fgets(line, sizeof(line), stdin)) {
		int n = sscanf(line, "%63s %127s %llu %191s", name, path, &sectors, file);

		if (n < 3)
			return 2;
		sum_one(name, path, sectors, n == 4 ? file : NULL);
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 10 && !strcmp(argv[1], "write"))
		return do_write(argv + 2);
	if (argc == 2 && !strcmp(argv[1], "sum"))
		return do_sum();
	fputs("usage: see the head of guest.c\n", stderr);
	return 2;
}
