// SPDX-License-Identifier: GPL-2.0
/*
 * dm VERB ... [: VERB ...]...   what dmsetup does, in a static program: under emulation
 *                               dmsetup takes 0.1 s to start, this takes 0.01 s
 *   create NAME TABLE           TABLE: lines of "START LENGTH TARGET ARGUMENTS"
 *   new NAME                    without a table
 *   load NAME TABLE             into the inactive slot
 *   clear NAME
 *   swap NAME TABLE             load and resume, without flush or freeze
 *   suspend|resume NAME [noflush]
 *   remove NAME [deferred]      remove_all: everything, by force
 *   status|table NAME           info: open count, event number, suspended, has tables
 *   message NAME WORD...
 *   wait NAME EVENT             until the event number is larger
 *   ls
 *   nth N VERB...               the same with the N-th allocation of this process failing, on
 *                               a kernel that can; "done", "beyond" (there are not so many), or
 *                               the error
 *   fuzz NAME SEED N            N broken table lines loaded, N broken messages sent to
 *                               NAME, made from its own; prints the number of each errno
 * Exit status: 0, or 1 with the first error.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "port.h"

#define BUF 65536

static int control;
static union {
	struct dm_ioctl d;
	char bytes[BUF];
} u;
#define DATA (u.bytes + sizeof(u.d))

static void prepare(const char *name, unsigned int flags)
{
	memset(u.bytes, 0, sizeof(u.d) + 64);
	u.d.version[0] = 4;
	u.d.data_size = BUF;
	u.d.data_start = sizeof(u.d);
	u.d.flags = flags;
	snprintf(u.d.name, sizeof(u.d.name), "%s", name);
}

static int call(unsigned long request)
{
	return ioctl(control, request, &u.d) ? -errno : 0;
}

static int simple(unsigned long request, const char *name, unsigned int flags)
{
	prepare(name, flags);
	return call(request);
}

static int load(const char *name, const char *table)
{
	const char *line = table;
	char *at = DATA;

	prepare(name, 0);
	while (line && *line) {
		struct dm_target_spec *s = (struct dm_target_spec *)at;
		const char *end = strchr(line, '\n');
		unsigned long long start, length;
		char type[16];
		int used = 0;
		size_t n;

		if (sscanf(line, "%llu %llu %15s%n", &start, &length, type, &used) < 3)
			return -EINVAL;
		used += line[used] == ' ';
		n = end ? (size_t)(end - line - used) : strlen(line + used);
		if (at + sizeof(*s) + n + 8 > u.bytes + BUF)
			return -E2BIG;
		memset(s, 0, sizeof(*s));
		s->sector_start = start;
		s->length = length;
		strcpy(s->target_type, type);
		memcpy(at + sizeof(*s), line + used, n);
		at[sizeof(*s) + n] = '\0';
		s->next = (sizeof(*s) + n + 8) & ~7ul;
		at += s->next;
		u.d.target_count++;
		line = end ? end + 1 : NULL;
	}
	return call(DM_TABLE_LOAD);
}

static void node(const char *name, int there)
{
	char path[160], dev[32];

	snprintf(path, sizeof(path), "/dev/mapper/%s", name);
	unlink(path);
	if (!there)
		return;
	snprintf(dev, sizeof(dev), "/dev/dm-%u", minor(u.d.dev));
	if (symlink(dev, path))
		perror(path);
}

static int new(const char *name)
{
	int r = simple(DM_DEV_CREATE, name, 0);

	if (!r)
		node(name, 1);
	return r;
}

static int create(const char *name, const char *table)
{
	int r = new(name);

	if (r)
		return r;
	r = load(name, table);
	if (!r)
		r = simple(DM_DEV_SUSPEND, name, 0);
	if (r) {
		simple(DM_DEV_REMOVE, name, 0);
		node(name, 0);
	}
	return r;
}

static int show(const char *name, unsigned int flags)
{
	struct dm_target_spec *s = (struct dm_target_spec *)DATA;
	unsigned int i;
	int r;

	r = simple(DM_TABLE_STATUS, name, flags | DM_NOFLUSH_FLAG);
	for (i = 0; !r && i < u.d.target_count; i++) {
		printf("%llu %llu %s %s\n", (unsigned long long)s->sector_start,
		       (unsigned long long)s->length, s->target_type, (char *)(s + 1));
		s = (struct dm_target_spec *)(DATA + s->next);
	}
	return r;
}

static int info(const char *name)
{
	int r = simple(DM_DEV_STATUS, name, 0);

	if (!r)
		printf("open %d event %u suspended %d live %d inactive %d\n", u.d.open_count,
		       u.d.event_nr, !!(u.d.flags & DM_SUSPEND_FLAG),
		       !!(u.d.flags & DM_ACTIVE_PRESENT_FLAG),
		       !!(u.d.flags & DM_INACTIVE_PRESENT_FLAG));
	return r;
}

static int message(const char *name, const char *text, int print)
{
	struct dm_target_msg *m = (struct dm_target_msg *)DATA;
	int r;

	prepare(name, 0);
	m->sector = 0;
	snprintf(m->message, BUF - sizeof(u.d) - sizeof(*m), "%s", text);
	r = call(DM_TARGET_MSG);
	if (!r && print && u.d.flags & DM_DATA_OUT_FLAG)
		puts(DATA);
	return r;
}

static int list(void)
{
	struct dm_name_list *l = (struct dm_name_list *)DATA;
	int r = simple(DM_LIST_DEVICES, "", 0);

	while (!r && l->dev) {
		puts(l->name);
		if (!l->next)
			break;
		l = (struct dm_name_list *)((char *)l + l->next);
	}
	return r;
}

/*----------------------------------------------------------------
 * Broken lines
 *--------------------------------------------------------------*/

static u64 seed;

static u32 rnd(u32 n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (u32)(seed >> 33) % n;
}

static const char * const odd[] = {
	"", "-", "0", "1", "2", "3", "7", "8", "9", "-1", "+1", "16", "17", "00", "0x10", "1e3", "%s%n",
	"4294967295", "4294967296", "18446744073709551615", "18446744073709551616",
	"9223372036854775808", "99999999999999999999999", "/dev/null", "/dev/ram15", "/dev/nothing",
	"1:1", "999:999", "\\", "\"", "\x01", "\xff\xfe", "on_protect_error", "degrade", "block",
	"leg_timeout_ms", "no_copy", "on_last_error", "fail", "queue", "read_policy", "primary",
	"balance", "resync_window", "resync_max_mbps", "assume_clean", "no_discard",
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
};

#define PICK(a) ((a)[rnd(sizeof(a) / sizeof(*(a)))])
#define WORDS 64

static int split(char *text, char **w)
{
	int n = 0;

	for (text = strtok(text, " "); text && n < WORDS; text = strtok(NULL, " "))
		w[n++] = text;
	return n;
}

static void insert(const char **w, int *n, int at, const char *what)
{
	if (*n == WORDS)
		return;
	memmove(w + at + 1, w + at, (size_t)(*n - at) * sizeof(*w));
	w[at] = what;
	++*n;
}

/* One to three changes: a word replaced, added, dropped, doubled, or cut. */
static void mutate(const char **w, int *n)
{
	static char cut[3][64];
	int changes;

	for (changes = 1 + (int)rnd(3); changes && *n; changes--) {
		int at = (int)rnd((u32)*n);

		switch (rnd(5)) {
		case 0:
			w[at] = PICK(odd);
			break;
		case 1:
			insert(w, n, at, PICK(odd));
			break;
		case 2:
			memmove(w + at, w + at + 1, (size_t)(*n - at - 1) * sizeof(*w));
			--*n;
			break;
		case 3:
			insert(w, n, at, w[at]);
			break;
		default:
			snprintf(cut[changes - 1], sizeof(cut[0]), "%s", w[at]);
			cut[changes - 1][strlen(cut[changes - 1]) / 2] = '\0';
			w[at] = cut[changes - 1];
		}
	}
}

static void join(char *out, size_t size, const char **w, int n)
{
	size_t len = 0;
	int i;

	*out = '\0';
	for (i = 0; i < n && len < size; i++)
		len += (size_t)snprintf(out + len, size - len, "%s%s", i ? " " : "", w[i]);
}

/*
 * Messages that do what they say are left out: a fuzzer that says "leg fail 1" by
 * chance would change the state that has to stay.
 */
static const char * const messages[] = {
	"stats x", "regions 0", "regions 0 0", "regions 4096 1", "regions 0 4097", "events",
	"events x", "failover x", "failover 9", "failover 0 1", "leg fail", "leg fail 9",
	"leg rejoin", "leg rejoin x", "leg x 0", "leg up 0", "resync", "resync x",
	"resync rate", "resync rate x", "resync rate 1000001", "resync pause now",
	"verify x y", "tracker x", "tracker read x y z", "stats stats", "nothing",
	"stats", "regions 0 4096", "regions 4000 7", "events 0", "events 3",
};

static int does_something(const char *text)
{
	char word[3][32] = { "", "", "" };
	int n = sscanf(text, "%31s %31s %31s", word[0], word[1], word[2]);

	return n < 1 || !strcasecmp(word[0], "failover") || !strcasecmp(word[1], "fail") ||
	       !strcasecmp(word[1], "pause") || !strcasecmp(word[1], "resume") ||
	       !strcasecmp(word[1], "rate") || *text == '@';
}

struct tally {
	unsigned int ok, inval, other;
};

static void count(struct tally *t, int r)
{
	if (!r)
		t->ok++;
	else if (r == -EINVAL)
		t->inval++;
	else
		t->other++;
}

static int fuzz(const char *name, u64 from, unsigned int n)
{
	char line[4096], text[4096], tmp[160], *own[WORDS];
	struct tally t = { 0, 0, 0 }, m = { 0, 0, 0 };
	const char *w[WORDS + 8];
	int have, i, r;
	unsigned int k;

	seed = from;
	r = simple(DM_TABLE_STATUS, name, DM_STATUS_TABLE_FLAG | DM_NOFLUSH_FLAG);
	if (r)
		return r;
	snprintf(line, sizeof(line), "%.4000s", DATA + sizeof(struct dm_target_spec));
	snprintf(tmp, sizeof(tmp), "0 %llu cdp ",
		 (unsigned long long)((struct dm_target_spec *)DATA)->length);
	have = split(line, own);
	for (k = 0; k < n; k++) {
		int words = have;

		for (i = 0; i < have; i++)
			w[i] = own[i];
		mutate(w, &words);
		snprintf(text, sizeof(text), "%s", tmp);
		join(text + strlen(text), sizeof(text) - strlen(text), w, words);
		count(&t, load(name, text));
	}
	r = simple(DM_TABLE_CLEAR, name, 0);
	for (k = 0; k < n; k++) {
		char *words[WORDS];
		int j;

		snprintf(line, sizeof(line), "%s", PICK(messages));
		j = split(line, words);
		for (i = 0; i < j; i++)
			w[i] = words[i];
		if (rnd(2))
			mutate(w, &j);
		join(text, sizeof(text), w, j);
		if (!does_something(text))
			count(&m, message(name, text, 0));
	}
	printf("tables: %u loaded, %u EINVAL, %u others\n", t.ok, t.inval, t.other);
	printf("messages: %u answered, %u EINVAL, %u others\n", m.ok, m.inval, m.other);
	return r;
}

/*----------------------------------------------------------------
 * Verbs
 *--------------------------------------------------------------*/

static int has(int n, char **a, const char *word)
{
	return n > 2 && !strcmp(a[2], word);
}

static int words(int n, char **a)
{
	char text[4096];

	join(text, sizeof(text), (const char **)a + 2, n - 2);
	return message(a[1], text, 1);
}

/* The N-th from now on; 0: none. Answers what is left of the last one. */
static int fail_nth(int n)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR), left = 0;
	char text[16] = "";

	if (fd < 0 || pread(fd, text, sizeof(text) - 1, 0) < 0)
		return -errno;
	left = atoi(text);
	snprintf(text, sizeof(text), "%d", n);
	if (pwrite(fd, text, strlen(text), 0) < 0)
		left = -errno;
	close(fd);
	return left;
}

static int one(int n, char **a);

static int nth(int n, char **a)
{
	int r = fail_nth(atoi(a[1])), left;

	if (r < 0)
		return r;
	r = one(n - 2, a + 2);
	left = fail_nth(0);
	puts(r ? strerror(-r) : left > 0 ? "beyond" : "done");
	return 0;
}

static int one(int n, char **a)
{
	unsigned int noflush = has(n, a, "noflush") ? DM_NOFLUSH_FLAG | DM_SKIP_LOCKFS_FLAG : 0;
	const char *v = a[0], *name = n > 1 ? a[1] : "";
	int r;

	if (!strcmp(v, "create") && n == 3)
		return create(name, a[2]);
	if (!strcmp(v, "new"))
		return new(name);
	if (!strcmp(v, "load") && n == 3)
		return load(name, a[2]);
	if (!strcmp(v, "clear"))
		return simple(DM_TABLE_CLEAR, name, 0);
	if (!strcmp(v, "swap") && n == 3) {
		r = load(name, a[2]);
		return r ? r : simple(DM_DEV_SUSPEND, name,
				      DM_NOFLUSH_FLAG | DM_SKIP_LOCKFS_FLAG);
	}
	if (!strcmp(v, "suspend"))
		return simple(DM_DEV_SUSPEND, name, DM_SUSPEND_FLAG | noflush);
	if (!strcmp(v, "resume"))
		return simple(DM_DEV_SUSPEND, name, noflush);
	if (!strcmp(v, "remove")) {
		r = simple(DM_DEV_REMOVE, name, has(n, a, "deferred") ? DM_DEFERRED_REMOVE : 0);
		if (!r && !(u.d.flags & DM_DEFERRED_REMOVE))
			node(name, 0);
		return r;
	}
	if (!strcmp(v, "remove_all"))
		return simple(DM_REMOVE_ALL, "", 0);
	if (!strcmp(v, "status"))
		return show(name, 0);
	if (!strcmp(v, "table"))
		return show(name, DM_STATUS_TABLE_FLAG);
	if (!strcmp(v, "info"))
		return info(name);
	if (!strcmp(v, "message") && n > 2)
		return words(n, a);
	if (!strcmp(v, "ls"))
		return list();
	if (!strcmp(v, "wait") && n == 3) {
		prepare(name, 0);
		u.d.event_nr = (u32)atoi(a[2]);
		return call(DM_DEV_WAIT);
	}
	if (!strcmp(v, "nth") && n > 2)
		return nth(n, a);
	if (!strcmp(v, "fuzz") && n == 4)
		return fuzz(name, strtoull(a[2], NULL, 0), (unsigned int)atoi(a[3]));
	return -ENOSYS;
}

int main(int argc, char **argv)
{
	int i = 1;

	control = open("/dev/mapper/control", O_RDWR);
	if (control < 0) {
		perror("/dev/mapper/control");
		return 1;
	}
	while (i < argc) {
		int n = 0, r;

		while (i + n < argc && strcmp(argv[i + n], ":"))
			n++;
		r = n ? one(n, argv + i) : 0;
		if (r) {
			fflush(stdout);
			fprintf(stderr, "%s %s: %s\n", argv[i], n > 1 ? argv[i + 1] : "",
				strerror(-r));
			return 1;
		}
		i += n + 1;
	}
	return 0;
}
