// SPDX-License-Identifier: GPL-2.0
/*
 * blk VERB DEVICE...   direct I/O with data that can be recognized. Places and lengths are
 *                      in KiB; "OFF LEN" may be left out for the whole device.
 *   fill DEV SEED [OFF LEN]     every 512 bytes carry SEED and their place
 *   check DEV SEED [OFF LEN]    are they there? says how many KiB are not
 *   cmp A B [OFF LEN]           "equal", or how many KiB differ, and where it begins
 *   zero|discard|zeroout DEV OFF LEN    write zeroes, BLKDISCARD, BLKZEROOUT
 *   iszero|read DEV [OFF LEN]
 *   sum DEV [OFF LEN]           a checksum
 *   copy FROM TO OFF LEN        the same place on another device
 *   put DEV SEED OFF LEN        like fill, each write with RWF_DSYNC
 *   flush DEV
 *   flip DEV FIRST COUNT       a bit in each of these sectors (not KiB)
 *   odd DEV SEED OFF            requests whose memory begins at, or is divided at, an odd
 *                               address: each is refused with EINVAL, or done right
 *   scribble DEV SECONDS        write from buffers that another thread keeps changing
 *   app DEV MODEL [THREADS [errors|zeroes]...]
 *                      a guest: reads, writes, flushes and checks what it reads until
 *                      SIGTERM. Every write carries (block, sequence number); MODEL, a file
 *                      or a device, is told before a write is sent and after it was
 *                      acknowledged. The first error or wrong read ends it; with "errors" errors
 *                      are counted. MODEL.max (if MODEL is a file) gets the longest answer in ms.
 *   verify DEV MODEL   every block holds a sequence number from the last acknowledged to
 *                      the last sent
 * Exit status: 0, or 1 with a sentence.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "port.h"

#define KIB	1024ull
#define CHUNK	(256 * KIB)
#define BLOCK	4096u
#define RUN	32u		/* blocks of the longest request; a sector of the model */
#define SPARE	(1024 * KIB)	/* at the end, left alone by the app */

static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	exit(1);
}

static void *buffer(size_t n)
{
	void *p = NULL;

	if (posix_memalign(&p, BLOCK, n))
		die("no memory");
	return p;
}

static u64 size_of(int fd)
{
	struct stat st;
	u64 n = 0;

	fstat(fd, &st);
	if (!S_ISBLK(st.st_mode))
		return (u64)st.st_size;
	ioctl(fd, BLKGETSIZE64, &n);
	return n;
}

static int dev(const char *path, int flags)
{
	int fd = open(path, flags | O_DIRECT | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	return fd;
}

struct range {
	u64 at, end;
};

static struct range range(int fd, int n, char **a)
{
	struct range r = { 0, size_of(fd) };

	if (n > 1) {
		r.at = strtoull(a[0], NULL, 0) * KIB;
		r.end = r.at + strtoull(a[1], NULL, 0) * KIB;
	}
	return r;
}

static size_t step(const struct range *r)
{
	return r->end - r->at < CHUNK ? r->end - r->at : CHUNK;
}

static void io_error(const char *what, u64 at)
{
	die("%s at %llu KiB: %s", what, (unsigned long long)(at / KIB), strerror(errno));
}

/*----------------------------------------------------------------
 * Patterns
 *--------------------------------------------------------------*/

static void stamp(u64 *p, size_t n, u64 at, u64 seed)
{
	size_t i;

	for (i = 0; i < n / 8; i++)
		p[i] = i % 64 ? seed * 0x9e3779b97f4a7c15ull + i % 64 : at + i * 8;
}

static int fill(int argc, char **a, int dsync)
{
	int fd = dev(a[0], O_RDWR);
	struct range r = range(fd, argc - 2, a + 2);
	u64 seed = strtoull(a[1], NULL, 0), *p = buffer(CHUNK);

	for (; r.at < r.end; r.at += step(&r)) {
		struct iovec v = { p, step(&r) };

		stamp(p, v.iov_len, r.at, seed);
		if (pwritev2(fd, &v, 1, (off_t)r.at, dsync ? RWF_DSYNC : 0) !=
		    (ssize_t)v.iov_len)
			io_error("write", r.at);
	}
	return 0;
}

static u64 kib_different(const char *a, const char *b, size_t n)
{
	u64 bad = 0;
	size_t i;

	for (i = 0; i < n; i += KIB)
		bad += memcmp(a + i, b + i, KIB) != 0;
	return bad;
}

static int compare(int fd, int other, struct range r, const char *seed)
{
	char *p = buffer(CHUNK), *q = buffer(CHUNK);
	u64 bad = 0, first = 0;

	for (; r.at < r.end; r.at += step(&r)) {
		size_t n = step(&r);
		u64 d = 0;

		if (pread(fd, p, n, (off_t)r.at) != (ssize_t)n)
			io_error("read", r.at);
		if (other >= 0 && pread(other, q, n, (off_t)r.at) != (ssize_t)n)
			io_error("read of the second", r.at);
		else if (other < 0 && seed)
			stamp((u64 *)q, n, r.at, strtoull(seed, NULL, 0));
		else if (other < 0)
			memset(q, 0, n);
		if (memcmp(p, q, n))
			d = kib_different(p, q, n);
		if (d && !bad)
			first = r.at / KIB;
		bad += d;
	}
	if (bad)
		printf("%llu KiB differ, the first between %llu and %llu KiB\n",
		       (unsigned long long)bad, (unsigned long long)first,
		       (unsigned long long)(first + CHUNK / KIB));
	else
		puts("equal");
	return bad != 0;
}

static int read_all(int fd, struct range r)
{
	char *p = buffer(CHUNK);

	for (; r.at < r.end; r.at += step(&r))
		if (pread(fd, p, step(&r), (off_t)r.at) != (ssize_t)step(&r))
			io_error("read", r.at);
	return 0;
}

static int sum(int fd, struct range r)
{
	u64 *p = buffer(CHUNK), s = 14695981039346656037ull;
	size_t i;

	for (; r.at < r.end; r.at += step(&r)) {
		if (pread(fd, p, step(&r), (off_t)r.at) != (ssize_t)step(&r))
			io_error("read", r.at);
		for (i = 0; i < step(&r) / 8; i++)
			s = (s ^ p[i]) * 1099511628211ull;
	}
	printf("%016llx\n", (unsigned long long)s);
	return 0;
}

static int copy(int fd, int to, struct range r)
{
	char *p = buffer(CHUNK);

	for (; r.at < r.end; r.at += step(&r)) {
		if (pread(fd, p, step(&r), (off_t)r.at) != (ssize_t)step(&r))
			io_error("read", r.at);
		if (pwrite(to, p, step(&r), (off_t)r.at) != (ssize_t)step(&r))
			io_error("write", r.at);
	}
	return 0;
}

static int zero(int fd, struct range r)
{
	char *p = buffer(CHUNK);

	memset(p, 0, CHUNK);
	for (; r.at < r.end; r.at += step(&r))
		if (pwrite(fd, p, step(&r), (off_t)r.at) != (ssize_t)step(&r))
			io_error("write", r.at);
	return 0;
}

static int trim(int fd, struct range r, unsigned long request)
{
	u64 v[2] = { r.at, r.end - r.at };

	if (ioctl(fd, request, v))
		io_error(request == BLKDISCARD ? "discard" : "zeroout", r.at);
	return 0;
}

/* Memory at an odd address, and in two pieces of odd lengths. */
static int odd(int fd, u64 seed, u64 at)
{
	char *p = buffer(3 * BLOCK), *q = buffer(BLOCK);
	struct iovec one = { p + 1, BLOCK }, two[2] = { { p, 511 }, { p + BLOCK + 1, BLOCK - 511 } };
	struct { struct iovec *v; int n; } how[] = { { &one, 1 }, { two, 2 } };
	u32 i, way;

	for (i = 0; i < 4; i++) {
		struct iovec *v = how[i / 2].v;
		int n = how[i / 2].n, reads = i % 2, k;
		ssize_t r;

		stamp((u64 *)q, BLOCK, at, seed + i);
		if (reads && pwrite(fd, q, BLOCK, (off_t)at) != BLOCK)
			io_error("write", at);
		for (k = 0, way = 0; !reads && k < n; way += (u32)v[k++].iov_len)
			memcpy(v[k].iov_base, q + way, v[k].iov_len);
		r = reads ? preadv(fd, v, n, (off_t)at) : pwritev(fd, v, n, (off_t)at);
		if (r < 0 && errno == EINVAL)
			continue;
		if (r != BLOCK)
			io_error(reads ? "odd read" : "odd write", at);
		if (!reads && pread(fd, q, BLOCK, (off_t)at) != BLOCK)
			io_error("read", at);
		for (k = 0, way = 0; k < n; way += (u32)v[k++].iov_len)
			if (memcmp(v[k].iov_base, q + way, v[k].iov_len))
				die("an odd %s went wrong", reads ? "read" : "write");
	}
	puts("refused or done");
	return 0;
}

/*----------------------------------------------------------------
 * Buffers that change
 *--------------------------------------------------------------*/

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void *change(void *p)
{
	u64 *w = p, n = 0;

	while (!stop) {
		size_t i;

		for (i = 0; i < 64 * KIB / 8; i += 7)
			w[i] = ++n;
	}
	return NULL;
}

static int scribble(int fd, unsigned int seconds)
{
	char *p = buffer(64 * KIB);
	u64 end = size_of(fd), at = 0;
	pthread_t t;

	signal(SIGALRM, on_signal);
	alarm(seconds);
	pthread_create(&t, NULL, change, p);
	for (; !stop; at += 64 * KIB) {
		if (at + 64 * KIB > end)
			at = 0;
		if (pwrite(fd, p, 64 * KIB, (off_t)at) < 0)
			io_error("write", at);
	}
	pthread_join(t, NULL);
	return 0;
}

/*----------------------------------------------------------------
 * A guest
 *--------------------------------------------------------------*/

#define IS_ZERO	(1ull << 63)	/* in "sent": the block was zeroed, with that number */

struct entry {
	u64 acked, sent;
};

static struct {
	int fd, model, model_is_dev, errors_ok, zeroes;
	u64 blocks, errors;
	struct entry *e;
	unsigned int max_ms;
	pthread_mutex_t lock;
} app = { .lock = PTHREAD_MUTEX_INITIALIZER };

struct worker {
	u64 first, end, seed, *p;
};

static u32 rnd(struct worker *w, u64 n)
{
	w->seed = w->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)((w->seed >> 33) % n);
}

static void put_block(u64 *p, u64 block, u64 seq)
{
	unsigned int i;

	for (i = 0; i < BLOCK / 8; i++)
		p[i] = i % 64 ? seq * 0x9e3779b97f4a7c15ull + i % 64 : block << 8 | i / 64;
	for (i = 1; i < BLOCK / 8; i += 64)
		p[i] = seq;
}

/* What is wrong with a block; NULL: nothing. */
static const char *judge(const u64 *p, u64 block)
{
	static __thread char text[160];
	const struct entry *e = &app.e[block];
	u64 seq = p[1], want[BLOCK / 8], i, sent = e->sent & ~IS_ZERO;

	if (!e->acked)
		return NULL;	/* what was there before is not known */
	for (i = 0; i < BLOCK / 8 && !p[i]; i++)
		;
	if (i == BLOCK / 8 && (e->sent & IS_ZERO || e->acked & IS_ZERO))
		return NULL;
	put_block(want, block, seq);
	if (memcmp(p, want, BLOCK))
		snprintf(text, sizeof(text), "block %llu is torn or another's",
			 (unsigned long long)block);
	else if (seq < (e->acked & ~IS_ZERO) || seq > sent)
		snprintf(text, sizeof(text), "block %llu has %llu, %llu was acknowledged, %llu sent",
			 (unsigned long long)block, (unsigned long long)seq,
			 (unsigned long long)(e->acked & ~IS_ZERO), (unsigned long long)sent);
	else
		return NULL;
	return text;
}

/* Entries of a run lie in one sector of the model. */
static void save(u64 block)
{
	static __thread char *p;
	u64 first = block / RUN * RUN;

	if (!app.model_is_dev)
		return;
	if (!p)
		p = buffer(BLOCK);
	memcpy(p, &app.e[first], RUN * sizeof(struct entry));
	if (pwrite(app.model, p, 512, (off_t)(first * sizeof(struct entry))) != 512)
		die("model: %s", strerror(errno));
}

static u64 ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000 + (u64)t.tv_nsec / 1000000;
}

static void fault(const char *what, u64 block)
{
	int e = errno;

	pthread_mutex_lock(&app.lock);
	app.errors++;
	pthread_mutex_unlock(&app.lock);
	if (!app.errors_ok)
		die("app: %s of block %llu: %s", what, (unsigned long long)block, strerror(e));
	usleep(10000);
}

static void write_run(struct worker *w, u64 b, u64 n, int zeroes)
{
	struct iovec v = { w->p, n * BLOCK };
	u64 i, r[2] = { b * BLOCK, n * BLOCK };
	int ok;

	for (i = 0; i < n; i++) {
		struct entry *e = &app.e[b + i];

		e->sent = ((e->sent & ~IS_ZERO) + 1) | (zeroes ? IS_ZERO : 0);
		put_block(w->p + i * BLOCK / 8, b + i, e->sent & ~IS_ZERO);
	}
	save(b);
	if (zeroes)
		ok = !ioctl(app.fd, BLKZEROOUT, r);
	else
		ok = pwritev2(app.fd, &v, 1, (off_t)(b * BLOCK), rnd(w, 8) ? 0 : RWF_DSYNC) ==
		     (ssize_t)v.iov_len;
	for (i = 0; ok && i < n; i++)
		app.e[b + i].acked = app.e[b + i].sent;
	save(b);
	if (!ok)
		fault(zeroes ? "zeroing" : "write", b);
}

static void read_run(struct worker *w, u64 b, u64 n)
{
	u64 i;

	if (pread(app.fd, w->p, n * BLOCK, (off_t)(b * BLOCK)) != (ssize_t)(n * BLOCK)) {
		fault("read", b);
		return;
	}
	for (i = 0; i < n; i++) {
		const char *why = judge(w->p + i * BLOCK / 8, b + i);

		if (why)
			die("app: read: %s", why);
	}
}

static void one(struct worker *w)
{
	u64 span = w->end - w->first, t = ms();
	u64 b = w->first + rnd(w, span), n = 1 + rnd(w, rnd(w, 4) ? 4 : RUN);
	u32 what = rnd(w, 32);

	if (n > RUN - b % RUN)
		n = RUN - b % RUN;
	if (what < 18) {
		write_run(w, b, n, 0);
	} else if (what < 19 && app.zeroes) {
		write_run(w, b, n, 1);
	} else if (what < 20) {
		if (fdatasync(app.fd))
			fault("flush", b);
	} else {
		read_run(w, b, n);
	}
	t = ms() - t;
	pthread_mutex_lock(&app.lock);
	if (t > app.max_ms)
		app.max_ms = (unsigned int)t;
	pthread_mutex_unlock(&app.lock);
}

static void *work(void *arg)
{
	struct worker *w = arg;

	w->p = buffer(RUN * BLOCK);
	while (!stop)
		one(w);
	return NULL;
}

static void open_model(const char *path, int flags)
{
	struct stat st;
	size_t n = app.blocks * sizeof(struct entry);

	app.e = buffer((n + BLOCK) & ~(BLOCK - 1ul));
	memset(app.e, 0, n);
	app.model_is_dev = !stat(path, &st) && S_ISBLK(st.st_mode);
	app.model = open(path, flags | (app.model_is_dev ? O_DIRECT : O_CREAT), 0600);
	if (app.model < 0)
		die("%s: %s", path, strerror(errno));
	if (pread(app.model, app.e, (n + BLOCK - 1) & ~(BLOCK - 1ul), 0) < 0)
		die("%s: %s", path, strerror(errno));
}

static void save_max(const char *model)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s.max", model);
	f = fopen(path, "w");
	if (f) {
		fprintf(f, "%u\n", app.max_ms);
		fclose(f);
	}
}

static int run_app(int argc, char **a)
{
	unsigned int i, n = argc > 2 ? (unsigned int)atoi(a[2]) : 4;
	struct worker w[64];
	pthread_t t[64];

	for (i = 3; (int)i < argc; i++) {
		app.errors_ok |= !strcmp(a[i], "errors");
		app.zeroes |= !strcmp(a[i], "zeroes");
	}
	app.fd = dev(a[0], O_RDWR);
	app.blocks = (size_of(app.fd) - SPARE) / BLOCK / RUN * RUN;
	open_model(a[1], O_RDWR);
	signal(SIGTERM, on_signal);
	puts("app: runs");
	for (i = 0; i < n; i++) {
		u64 share = app.blocks / n / RUN * RUN;

		w[i] = (struct worker) { i * share, (i + 1) * share, ms() * 7919 + i, NULL };
		pthread_create(&t[i], NULL, work, &w[i]);
	}
	for (i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	if (!app.model_is_dev) {
		if (pwrite(app.model, app.e, app.blocks * sizeof(struct entry), 0) < 0)
			die("model: %s", strerror(errno));
		save_max(a[1]);
	}
	puts(app.errors ? "app: saw errors" : "app: ok");
	return 0;
}

static int verify(char **a)
{
	u64 b, i, bad = 0, *p = buffer(CHUNK);

	app.fd = dev(a[0], O_RDONLY);
	app.blocks = (size_of(app.fd) - SPARE) / BLOCK / RUN * RUN;
	open_model(a[1], O_RDONLY);
	for (b = 0; b < app.blocks; b += RUN) {
		if (pread(app.fd, p, RUN * BLOCK, (off_t)(b * BLOCK)) != RUN * BLOCK)
			io_error("read", b * BLOCK);
		for (i = 0; i < RUN; i++) {
			const char *why = judge(p + i * BLOCK / 8, b + i);

			if (why && !bad++)
				puts(why);
		}
	}
	if (bad)
		printf("%llu blocks are wrong\n", (unsigned long long)bad);
	else
		puts("as acknowledged");
	return bad != 0;
}

static int flip(int fd, u64 first, u64 count)
{
	char *p = buffer(BLOCK);

	for (; count--; first++) {
		if (pread(fd, p, 512, (off_t)(first * 512)) != 512)
			io_error("read", first * 512);
		p[first % 512] ^= 1;
		if (pwrite(fd, p, 512, (off_t)(first * 512)) != 512)
			io_error("write", first * 512);
	}
	return fsync(fd);
}

int main(int argc, char **argv)
{
	char **a = argv + 2, *v = argc > 2 ? argv[1] : "";
	int n = argc - 2, fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(v, "fill") || !strcmp(v, "put"))
		return fill(n, a, *v == 'p');
	if (!strcmp(v, "app"))
		return run_app(n, a);
	if (!strcmp(v, "verify"))
		return verify(a);
	if (!strcmp(v, "check")) {
		fd = dev(a[0], O_RDONLY);
		return compare(fd, -1, range(fd, n - 2, a + 2), a[1]);
	}
	if (!strcmp(v, "cmp")) {
		fd = dev(a[0], O_RDONLY);
		return compare(fd, dev(a[1], O_RDONLY), range(fd, n - 2, a + 2), NULL);
	}
	if (!strcmp(v, "copy")) {
		fd = dev(a[0], O_RDONLY);
		return copy(fd, dev(a[1], O_RDWR), range(fd, n - 2, a + 2));
	}
	if (!strcmp(v, "sum")) {
		fd = dev(a[0], O_RDONLY);
		return sum(fd, range(fd, n - 1, a + 1));
	}
	if (!strcmp(v, "iszero") || !strcmp(v, "read")) {
		fd = dev(a[0], O_RDONLY);
		return *v == 'r' ? read_all(fd, range(fd, n - 1, a + 1)) :
				   compare(fd, -1, range(fd, n - 1, a + 1), NULL);
	}
	if (!*v)
		die("blk VERB DEVICE...");
	fd = dev(a[0], O_RDWR);
	if (!strcmp(v, "zero"))
		return zero(fd, range(fd, n - 1, a + 1));
	if (!strcmp(v, "discard"))
		return trim(fd, range(fd, n - 1, a + 1), BLKDISCARD);
	if (!strcmp(v, "zeroout"))
		return trim(fd, range(fd, n - 1, a + 1), BLKZEROOUT);
	if (!strcmp(v, "flip"))
		return flip(fd, strtoull(a[1], NULL, 0), strtoull(a[2], NULL, 0));
	if (!strcmp(v, "flush"))
		return fsync(fd) ? die("flush: %s", strerror(errno)), 1 : 0;
	if (!strcmp(v, "odd"))
		return odd(fd, strtoull(a[1], NULL, 0), strtoull(a[2], NULL, 0) * KIB);
	if (!strcmp(v, "scribble"))
		return scribble(fd, (unsigned int)atoi(a[1]));
	die("no verb '%s'", v);
}
