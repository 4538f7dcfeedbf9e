// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "doing.h"
#include "fault.h"
#include "msg.h"

#define SUFFIX	".doing"
#define WAYS	(2 * CDP_NAME_TEXT + 80)
/* What is kept after the words; none of ours begins so. */
#define KEPT	'+'	/* "+key value" */
#define LAST	'='	/* what is to be told at the end */

static struct {
	int argc;
	char **argv;		/* from the verb on, */
	const char *verb;	/* which argp knows by another name */
	char path[CDP_PATH_TEXT];
	char name[CDP_NAME_TEXT];
	int fd;
	bool again;
	char words[sizeof(((struct cdp_doing *)0)->text)];	/* what is being done: lines, */
	char kept[2048];					/* and more of them */
	char last[CDP_MSG_TEXT];
} own = { .fd = -1 };

const char *const cdp_doing_no_reminder[] = { CDP_DOING_RESUMED "=1", NULL };

void cdp_doing_line(int argc, char **argv)
{
	own.argc = argc;
	own.argv = argv;
	own.verb = argv[0];
}

static const char *path_of(const char *name, char path[CDP_PATH_TEXT])
{
	cdp_print(path, CDP_PATH_TEXT, "%s/%s" SUFFIX, cdp_conf_dir(), name);
	return path;
}

bool cdp_doing_is_there(const char *name)
{
	char path[CDP_PATH_TEXT];

	return !access(path_of(name, path), F_OK);
}

static void split(struct cdp_doing *d)
{
	char *save, *w;

	d->nr = d->nr_kept = 0;
	d->last = "";
	for (w = strtok_r(d->text, "\n", &save);
	     w && *w != KEPT && *w != LAST && d->nr < CDP_DOING_WORDS;
	     w = strtok_r(NULL, "\n", &save))
		d->words[d->nr++] = w;
	for (; w && *w == KEPT && d->nr_kept < CDP_DOING_KEPT; w = strtok_r(NULL, "\n", &save))
		d->kept[d->nr_kept++] = w + 1;
	if (w && *w == LAST)
		d->last = w + 1;
	d->words[d->nr] = NULL;
}

const char *cdp_doing_value(const struct cdp_doing *d, const char *key)
{
	size_t len = strlen(key);
	u32 i;

	for (i = 0; i < d->nr_kept; i++)
		if (!strncmp(d->kept[i], key, len) && d->kept[i][len] == ' ')
			return d->kept[i] + len + 1;
	return NULL;
}

static int read_file(struct cdp_doing *d, int fd)
{
	ssize_t n = pread(fd, d->text, sizeof(d->text) - 1, 0);

	d->text[n > 0 ? n : 0] = '\0';
	split(d);
	return n < 0 ? -errno : 0;
}

int cdp_doing_load(struct cdp_doing *d, const char *name)
{
	char path[CDP_PATH_TEXT];
	int fd = open(path_of(name, path), O_RDONLY | O_CLOEXEC), r;

	if (fd < 0)
		return cdp_why(-errno, errno == ENOENT ? "%s: nothing is unfinished" :
			       "%s: what is being done cannot be read", name);
	d->busy = flock(fd, LOCK_SH | LOCK_NB);
	r = read_file(d, fd);
	close(fd);
	/* killed before the first word was written: nothing was done */
	return r || d->nr ? r : cdp_why(-ENOENT, "%s: nothing is unfinished", name);
}

const char *cdp_doing_print(const struct cdp_doing *d, char *line, size_t size)
{
	size_t n = 0;
	u32 i;

	*line = '\0';
	for (i = 0; i < d->nr && n + 1 < size; i++)
		n += (size_t)cdp_print(line + n, size - n, "%s%s", i ? " " : "", d->words[i]);
	return line;
}

static int own_words(struct cdp_doing *d)
{
	size_t n = 0;
	int i;

	if (own.argc > CDP_DOING_WORDS)
		return cdp_why(-E2BIG, "the command line has too many words");
	for (i = 0; i < own.argc; i++) {
		const char *w = i ? own.argv[i] : own.verb;

		if (!*w || *w == KEPT || *w == LAST || strchr(w, '\n') ||
		    n + strlen(w) + 2 > sizeof(d->text))
			return cdp_why(-ECDP_USAGE, "the command line has an empty word, one with a line break, one that begins with + or =, or is too long");
		n += (size_t)cdp_print(d->text + n, sizeof(d->text) - n, "%s\n", w);
	}
	return 0;
}

static bool same_words(const struct cdp_doing *a, const struct cdp_doing *b)
{
	u32 i;

	for (i = 0; i < a->nr && i < b->nr && !strcmp(a->words[i], b->words[i]); i++)
		;
	return i == a->nr && i == b->nr;
}

bool cdp_doing_has_word(const struct cdp_doing *d, const char *word)
{
	u32 i;

	for (i = 0; i < d->nr && strcmp(d->words[i], word); i++)
		;
	return i < d->nr;
}

/* What can be done about it: a leg that has joined, and a size, are not taken back. */
static const char *ways(const struct cdp_doing *d, const char *name, const char *goes_on,
			char text[WAYS])
{
	bool back = !strcmp(d->words[0], "attach") ||
		    (!strcmp(d->words[0], "leg") && cdp_doing_has_word(d, "replace"));
	int n = cdp_print(text, WAYS, "cdpctl resume %s %s it", name, goes_on);

	if (back)
		cdp_print(text + n, WAYS - (size_t)n, ", cdpctl resume %s --undo undoes it", name);
	return text;
}

static int refuse(const char *name, const struct cdp_doing *d)
{
	char line[1024], text[WAYS];

	return cdp_refuse("unfinished", "%s: this is unfinished: cdpctl %s; %s", name,
			  cdp_doing_print(d, line, sizeof(line)), ways(d, name, "finishes", text));
}

/* In one piece: it is shorter than a block of any filesystem. */
static int write_file(void)
{
	static struct cdp_doing d;
	size_t n = (size_t)cdp_print(d.text, sizeof(d.text), "%s%s", own.words, own.kept);

	if (*own.last)
		n += (size_t)cdp_print(d.text + n, sizeof(d.text) - n, "%c%s\n", LAST, own.last);
	if (n + 1 >= sizeof(d.text))
		return cdp_why(-E2BIG, "%s: there is too much to keep", own.path);
	if (pwrite(own.fd, d.text, n, 0) != (ssize_t)n || ftruncate(own.fd, (off_t)n) ||
	    fsync(own.fd))
		return cdp_why(-errno, "%s: cannot be written: %s", own.path, strerror(errno));
	return 0;
}

static int sync_dir(void)
{
	int r = cdp_conf_sync();

	return r ? cdp_why(r, "%s: %s", cdp_conf_dir(), strerror(-r)) : 0;
}

static void take_kept(const struct cdp_doing *before)
{
	size_t n = 0;
	u32 i;

	*own.kept = '\0';
	for (i = 0; i < before->nr_kept; i++)
		n += (size_t)cdp_print(own.kept + n, sizeof(own.kept) - n, "%c%s\n", KEPT,
				       before->kept[i]);
	cdp_print(own.last, sizeof(own.last), "%s", before->last);
}

/* own.fd is open and locked. */
static int take(const char *name, bool dry_run)
{
	static struct cdp_doing now, before;
	int r = read_file(&before, own.fd);

	if (!r)
		r = own_words(&now);
	if (r && !before.nr)
		unlink(own.path);
	if (r)
		return r;
	own.again = false;
	*own.last = '\0';
	cdp_print(own.words, sizeof(own.words), "%s", now.text);
	if (!before.nr) {
		r = dry_run ? 0 : write_file();
		return r || dry_run ? r : sync_dir();
	}
	split(&now);
	own.again = same_words(&now, &before);
	take_kept(&before);
	return own.again ? 0 : refuse(name, &before);
}

/* Who only looks whether somebody is at it has it for a moment. */
static bool lock(int fd)
{
	u32 tries = 25;

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (!--tries)
			return false;
		cdp_sleep_ms(20);
	}
	return true;
}

/* own.fd is open. */
static int lock_own(const char *name)
{
	if (lock(own.fd) && !cdp_conf_is_gone(own.fd))
		return 0;
	return cdp_why(-EBUSY, "%s: another cdpctl is at work on it; wait until it has ended",
		       name);
}

int cdp_doing_begin(const char *name, bool dry_run)
{
	int r = dry_run ? 0 : cdp_conf_prepare();

	if (r)
		return r;
	cdp_print(own.name, sizeof(own.name), "%s", name);
	own.fd = open(path_of(name, own.path), dry_run ? O_RDONLY | O_CLOEXEC :
		      O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (own.fd < 0)
		return dry_run ? 0 : cdp_why(-errno, "%s: %s", own.path, strerror(errno));
	r = lock_own(name);
	if (!r)
		r = take(name, dry_run);
	if (r || dry_run) {
		close(own.fd);
		own.fd = -1;
	}
	if (!r && !dry_run)
		cdp_fault_point("begun");
	return r;
}

bool cdp_doing_again(void)
{
	return own.again;
}

int cdp_doing_adopt(const char *name)
{
	static struct cdp_doing d;
	size_t n = 0;
	u32 i;
	int r;

	cdp_print(own.name, sizeof(own.name), "%s", name);
	own.fd = open(path_of(name, own.path), O_RDWR | O_CLOEXEC);
	if (own.fd < 0)
		return cdp_why(-errno, "%s: %s", own.path, strerror(errno));
	r = lock_own(name);
	if (!r)
		r = read_file(&d, own.fd);
	if (r) {
		close(own.fd);
		own.fd = -1;
		return r;
	}
	for (i = 0; i < d.nr; i++)
		n += (size_t)cdp_print(own.words + n, sizeof(own.words) - n, "%s\n", d.words[i]);
	take_kept(&d);
	return 0;
}

int cdp_doing_keep(const char *key, const char *value)
{
	size_t n = strlen(own.kept);

	if (n + strlen(key) + strlen(value) + 4 > sizeof(own.kept))
		return cdp_why(-E2BIG, "there is too much to keep");
	cdp_print(own.kept + n, sizeof(own.kept) - n, "%c%s %s\n", KEPT, key, value);
	return own.fd < 0 ? 0 : write_file();
}

const char *cdp_doing_kept(const char *key)
{
	static struct cdp_doing d;

	cdp_print(d.text, sizeof(d.text), "%s", own.kept);
	split(&d);
	return cdp_doing_value(&d, key);
}

bool cdp_doing_has_kept(const char *key, const char *value)
{
	char line[CDP_MSG_TEXT];
	const char *at;

	cdp_print(line, sizeof(line), "%c%s %s\n", KEPT, key, value);
	for (at = own.kept; (at = strstr(at, line)); at++)
		if (at == own.kept || at[-1] == '\n')
			return true;
	return false;
}

int cdp_doing_keep_last(const char *text)
{
	if (own.fd < 0)		/* a dry run */
		return 0;
	cdp_print(own.last, sizeof(own.last), "%s", text);
	return write_file();
}

const char *cdp_doing_last(void)
{
	return own.last;
}

int cdp_doing_forget(const char *name)
{
	char path[CDP_PATH_TEXT];

	if (unlink(path_of(name, path)) && errno != ENOENT)
		return cdp_why(-errno, "%s: cannot be removed: %s", path, strerror(errno));
	return 0;
}

void cdp_doing_end(void)
{
	if (own.fd < 0)
		return;
	cdp_fault_point("before the end");
	if (cdp_doing_forget(own.name))
		cdp_warn("%s", cdp_why_text());
	close(own.fd);
	own.fd = -1;
	*own.kept = '\0';
}

void cdp_doing_close(int r, bool undone)
{
	static struct cdp_doing d;
	char text[WAYS];

	if (own.fd < 0)
		return;
	if (!r || undone) {
		cdp_doing_end();
		return;
	}
	if (!cdp_doing_load(&d, own.name))
		cdp_note("%s: what was begun is not done: %s", own.name,
			 ways(&d, own.name, "goes on with", text));
	close(own.fd);
	own.fd = -1;
	*own.kept = '\0';
}

/*----------------------------------------------------------------*/

static void remind_of(const char *name)
{
	static struct cdp_doing d;
	char line[1024], text[WAYS];

	if (!cdp_doing_load(&d, name) && !d.busy)
		cdp_note("%s: this was interrupted: cdpctl %s; %s", name,
			 cdp_doing_print(&d, line, sizeof(line)), ways(&d, name, "finishes", text));
}

void cdp_doing_remind(void)
{
	char name[CDP_NAME_TEXT];
	struct dirent *e;
	DIR *dir = getenv(CDP_DOING_RESUMED) ? NULL : opendir(cdp_conf_dir());

	while (dir && (e = readdir(dir))) {
		size_t len = strlen(e->d_name), tail = strlen(SUFFIX);

		if (len <= tail || len - tail >= sizeof(name) ||
		    strcmp(e->d_name + len - tail, SUFFIX))
			continue;
		cdp_print(name, sizeof(name), "%.*s", (int)(len - tail), e->d_name);
		remind_of(name);
	}
	if (dir)
		closedir(dir);
	cdp_why_clear();
}
