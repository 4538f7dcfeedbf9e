// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "history.h"
#include "msg.h"
#include "size.h"

#define SUFFIX		".history"
#define SEEN		".seen"
#define MAX_BYTES	(512 * 1024)	/* about 4000 outages */

static const char *const kind_name[HISTORY_KINDS] = {
#define x(name, text) [HISTORY_##name] = text,
	CDP_HISTORY_KINDS(x)
#undef x
};

/*----------------------------------------------------------------*/

/* The next word of *line, which ends at @end; NULL when there is none that fits. */
static char *take_word(const char **line, const char *end, char word[64])
{
	size_t n = 0;

	while (*line + n < end && (*line)[n] != ' ')
		n++;
	if (!n || n >= 64 || *line + n == end)
		return NULL;
	memcpy(word, *line, n);
	word[n] = '\0';
	*line += n + 1;
	return word;
}

static bool take_number(const char **line, const char *end, u64 *n)
{
	char word[64];

	return take_word(line, end, word) && !cdp_number_parse(word, UINT64_MAX, n);
}

static bool take_kind(const char **line, const char *end, enum cdp_history_kind *kind)
{
	char word[64];
	u32 i;

	if (!take_word(line, end, word))
		return false;
	for (i = 0; i < HISTORY_KINDS && strcmp(kind_name[i], word); i++)
		;
	*kind = i;
	return i < HISTORY_KINDS;
}

int cdp_history_parse(const char *line, struct cdp_history_record *r)
{
	const char *end = line + strcspn(line, "\n");
	char uuid[64];

	memset(r, 0, sizeof(*r));
	if (!take_number(&line, end, &r->seconds) || !take_kind(&line, end, &r->kind) ||
	    !take_word(&line, end, uuid) || cdp_uuid_parse(uuid, &r->leg) ||
	    !take_number(&line, end, &r->seq) || !take_number(&line, end, &r->missed_bytes) ||
	    !take_number(&line, end, &r->copied_bytes) ||
	    end - line >= CDP_HISTORY_TEXT)
		return -EINVAL;
	if (end - line != 1 || *line != '-')
		cdp_print(r->text, sizeof(r->text), "%.*s", (int)(end - line), line);
	return 0;
}

int cdp_history_print(const struct cdp_history_record *r, char line[CDP_HISTORY_LINE])
{
	char uuid[CDP_UUID_TEXT], *c;
	int head, n;

	head = cdp_print(line, CDP_HISTORY_LINE, "%llu %s %s %llu %llu %llu ",
			 (unsigned long long)r->seconds, kind_name[r->kind],
			 cdp_uuid_print(&r->leg, uuid), (unsigned long long)r->seq,
			 (unsigned long long)r->missed_bytes, (unsigned long long)r->copied_bytes);
	n = head + cdp_print(line + head, CDP_HISTORY_LINE - (size_t)head - 1, "%.*s",
			     CDP_HISTORY_TEXT - 1, *r->text ? r->text : "-");
	for (c = line + head; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	strcpy(line + n, "\n");
	return n + 1;
}

/*----------------------------------------------------------------*/

/* Call @each for every whole line that is a record. */
static int each_record(const char *text,
		       int (*each)(const struct cdp_history_record *r, void *ctx), void *ctx)
{
	struct cdp_history_record r;
	const char *end;
	int res = 0;

	for (; !res && (end = strchr(text, '\n')); text = end + 1)
		if (!cdp_history_parse(text, &r))
			res = each(&r, ctx);
	return res;
}

struct list {
	struct cdp_outage *all;
	u32 nr, room;
};

/* The one of this leg that goes on. */
static struct cdp_outage *open_outage(struct list *l, const struct cdp_uuid *leg)
{
	u32 i;

	for (i = l->nr; i; i--)
		if (cdp_uuid_equal(&l->all[i - 1].leg, leg))
			return l->all[i - 1].end ? NULL : &l->all[i - 1];
	return NULL;
}

static int begin(struct list *l, const struct cdp_history_record *r)
{
	struct cdp_outage *o;

	if (l->nr == l->room) {
		u32 room = l->room ? 2 * l->room : 16;

		o = realloc(l->all, room * sizeof(*o));
		if (!o)
			return -ENOMEM;
		l->all = o;
		l->room = room;
	}
	o = &l->all[l->nr++];
	memset(o, 0, sizeof(*o));
	o->leg = r->leg;
	o->begin = r->seconds;
	o->seq = r->seq;
	o->missed_bytes = r->missed_bytes;
	o->copied_bytes = r->copied_bytes;
	memcpy(o->cause, r->text, sizeof(o->cause));
	return 0;
}

static int take(const struct cdp_history_record *r, void *ctx)
{
	struct list *l = ctx;
	struct cdp_outage *o = open_outage(l, &r->leg);

	if (r->kind == HISTORY_BEGIN)
		return o ? 0 : begin(l, r);
	if (!o)
		return 0;	/* its begin was cut off with the older half */
	if (r->kind == HISTORY_CAUSE)
		memcpy(o->cause, r->text, sizeof(o->cause));
	if (r->kind == HISTORY_REFUSED)
		memcpy(o->refused, r->text, sizeof(o->refused));
	if (r->kind != HISTORY_END)
		return 0;
	o->end = r->seconds ? r->seconds : 1;
	memcpy(o->gone, r->text, sizeof(o->gone));
	o->missed_bytes = r->missed_bytes;
	o->copied_bytes = r->copied_bytes;
	return 0;
}

int cdp_history_outages(const char *text, struct cdp_outage **list)
{
	struct list l = { 0 };
	int r = each_record(text, take, &l);

	if (r) {
		free(l.all);
		l.all = NULL;
	}
	*list = l.all;
	return r ? r : (int)l.nr;
}

struct out {
	const struct cdp_uuid *leg;
	u64 at;
};

static int take_out(const struct cdp_history_record *r, void *ctx)
{
	struct out *o = ctx;

	if (!cdp_uuid_equal(o->leg, &r->leg))
		return 0;
	if (r->kind == HISTORY_END && !*r->text)
		o->at = 0;
	else if (r->kind == HISTORY_BEGIN && !o->at)
		o->at = r->seconds;
	return 0;
}

u64 cdp_history_out(const char *text, const struct cdp_uuid *leg)
{
	struct out o = { leg, 0 };

	return each_record(text, take_out, &o) ? 0 : o.at;
}

struct last {
	const struct cdp_uuid *leg;
	struct cdp_history_record *r;
	bool found;
};

static int take_last(const struct cdp_history_record *r, void *ctx)
{
	struct last *l = ctx;

	if (!l->leg || cdp_uuid_equal(l->leg, &r->leg)) {
		*l->r = *r;
		l->found = true;
	}
	return 0;
}

bool cdp_history_last(const char *text, const struct cdp_uuid *leg, struct cdp_history_record *r)
{
	struct last l = { leg, r, false };

	return !each_record(text, take_last, &l) && l.found;
}

/*----------------------------------------------------------------*/

const char *cdp_state_dir(void)
{
	const char *dir = getenv("CDP_STATE_DIR");

	return dir && *dir ? dir : "/var/lib/cdp";
}

int cdp_state_prepare(void)
{
	if ((mkdir(cdp_state_dir(), 0755) && errno != EEXIST) || access(cdp_state_dir(), W_OK))
		return cdp_why(-errno, "%s: the history cannot be kept there: %s", cdp_state_dir(),
			       strerror(errno));
	return 0;
}

static const char *path_in(const char *name, const char *suffix, char path[CDP_PATH_TEXT])
{
	cdp_print(path, CDP_PATH_TEXT, "%s/%s%s", cdp_state_dir(), name, suffix);
	return path;
}

static const char *path_of(const char *name, char path[CDP_PATH_TEXT])
{
	return path_in(name, SUFFIX, path);
}

/* NULs, which a crash can leave, would hide what follows. */
static int read_all(int fd, char **text)
{
	struct stat st;
	ssize_t n = 0;
	size_t i, len = 0;

	if (fstat(fd, &st))
		return -errno;
	*text = malloc((size_t)st.st_size + 1);
	if (!*text)
		return -ENOMEM;
	while (len < (size_t)st.st_size &&
	       (n = pread(fd, *text + len, (size_t)st.st_size - len, (off_t)len)) > 0)
		len += (size_t)n;
	for (i = 0; i < len; i++)
		if (!(*text)[i])
			(*text)[i] = '?';
	(*text)[len] = '\0';
	return n < 0 ? -errno : 0;
}

int cdp_state_read(const char *name, const char *suffix, char **text)
{
	char path[CDP_PATH_TEXT];
	int fd = open(path_in(name, suffix, path), O_RDONLY | O_CLOEXEC), r;

	*text = NULL;
	if (fd < 0 && errno == ENOENT) {
		*text = strdup("");
		return *text ? 0 : -ENOMEM;
	}
	r = fd < 0 ? -errno : read_all(fd, text);
	if (fd >= 0)
		close(fd);
	return r ? cdp_why(r, "%s: cannot be read: %s", path, strerror(-r)) : 0;
}

int cdp_history_read(const char *name, char **text)
{
	return cdp_state_read(name, SUFFIX, text);
}

static int write_all(int fd, const char *text, size_t len)
{
	ssize_t n = write(fd, text, len);

	if (n == (ssize_t)len)
		return fdatasync(fd) ? -errno : 0;
	return n < 0 ? -errno : -ENOSPC;
}

/* What is not known to be durable goes again: it may be written once more. */
static int append(int fd, const char *text, size_t len)
{
	struct stat st;
	int r;

	if (fstat(fd, &st))
		return -errno;
	r = write_all(fd, text, len);
	if (r && ftruncate(fd, st.st_size))
		cdp_debug("a line may be there twice: %s", strerror(errno));
	return r;
}

/* In one step. */
static int replace(const char *path, const char *text)
{
	char tmp[CDP_PATH_TEXT + 8];
	int fd, r;

	cdp_print(tmp, sizeof(tmp), "%s.new", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	close(fd);
	if (!r && rename(tmp, path))
		r = -errno;
	return r;
}

int cdp_state_write(const char *name, const char *suffix, const char *text)
{
	char path[CDP_PATH_TEXT];
	int r = cdp_state_prepare();

	if (r)
		return r;
	r = replace(path_in(name, suffix, path), text);
	return r ? cdp_why(r, "%s: cannot be written: %s", path, strerror(-r)) : 0;
}

static void print_open(FILE *f, const struct cdp_outage *o)
{
	struct cdp_history_record r = {
		.seconds = o->begin, .kind = HISTORY_BEGIN, .leg = o->leg, .seq = o->seq,
		.missed_bytes = o->missed_bytes, .copied_bytes = o->copied_bytes,
	};
	char line[CDP_HISTORY_LINE];

	memcpy(r.text, o->cause, sizeof(r.text));
	cdp_history_print(&r, line);
	fputs(line, f);
	if (!*o->refused)
		return;
	r = (struct cdp_history_record) {
		.seconds = o->begin, .kind = HISTORY_REFUSED, .leg = o->leg,
	};
	memcpy(r.text, o->refused, sizeof(r.text));
	cdp_history_print(&r, line);
	fputs(line, f);
}

/* The newer half, and of the older one what goes on: its end would have no begin. */
static char *newer_half(const char *text)
{
	const char *middle = strchr(text + strlen(text) / 2, '\n');
	size_t size, older = middle ? (size_t)(middle + 1 - text) : strlen(text);
	char *half = strndup(text, older), *newer = NULL;
	struct cdp_outage *list = NULL;
	int nr = half ? cdp_history_outages(half, &list) : -ENOMEM, i;
	FILE *f = nr < 0 ? NULL : open_memstream(&newer, &size);

	for (i = 0; f && i < nr; i++)
		if (!list[i].end)
			print_open(f, &list[i]);
	if (f)
		fputs(text + older, f);
	free(list);
	free(half);
	return f && !fclose(f) ? newer : NULL;
}

static int shorten(const char *path, const char *text)
{
	char *newer = newer_half(text);
	int r = newer ? replace(path, newer) : -ENOMEM;

	free(newer);
	return r;
}

/* Cut a torn line off, and the older half if it is time. */
static int tidy(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), r;
	char *text = NULL, *end;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = read_all(fd, &text);
	if (!r) {
		end = strrchr(text, '\n');
		end = end ? end + 1 : text;
		if (*end && ftruncate(fd, end - text))
			r = -errno;
		*end = '\0';
	}
	close(fd);
	if (!r && strlen(text) > MAX_BYTES)
		r = shorten(path, text);
	free(text);
	return r;
}

int cdp_history_add(const char *name, const struct cdp_history_record *rec)
{
	char path[CDP_PATH_TEXT], line[CDP_HISTORY_LINE];
	int fd, n, r = cdp_state_prepare();

	if (r)
		return r;
	r = tidy(path_of(name, path));
	fd = r ? -1 : open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (!r && fd < 0)
		r = -errno;
	n = cdp_history_print(rec, line);
	if (!r)
		r = append(fd, line, (size_t)n);
	if (fd >= 0)
		close(fd);
	return r ? cdp_why(r, "%s: cannot be written: %s", path, strerror(-r)) : 0;
}

/*----------------------------------------------------------------*/

bool cdp_count_on(struct cdp_count *c, u64 missed_now, u64 copied_now)
{
	bool anew = missed_now < c->missed_at || copied_now < c->copied_at;

	c->missed_bytes += missed_now - (anew ? 0 : c->missed_at);
	c->copied_bytes += copied_now - (anew ? 0 : c->copied_at);
	c->missed_at = missed_now;
	c->copied_at = copied_now;
	return anew;
}

struct cdp_count cdp_seen_count(const struct cdp_seen *s, const struct cdp_outage *o)
{
	u32 i;

	for (i = 0; i < s->nr_legs; i++)
		if (cdp_uuid_equal(&s->legs[i].uuid, &o->leg))
			return s->legs[i].count;
	return (struct cdp_count) { .missed_at = o->missed_bytes, .copied_at = o->copied_bytes };
}

static void take_count(struct cdp_seen *s, const char *line)
{
	struct cdp_seen_leg *l = &s->legs[s->nr_legs];
	struct cdp_count *c = &l->count;
	char uuid[CDP_UUID_TEXT];

	if (sscanf(line, "%36s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, uuid,
		   &c->missed_bytes, &c->copied_bytes, &c->missed_at, &c->copied_at) == 5 &&
	    !cdp_uuid_parse(uuid, &l->uuid))
		s->nr_legs++;
}

void cdp_history_seen(const char *name, struct cdp_seen *s)
{
	char path[CDP_PATH_TEXT], line[320] = "";
	FILE *f = fopen(path_in(name, SEEN, path), "re");

	memset(s, 0, sizeof(*s));
	if (!f)
		return;
	if (!fgets(line, sizeof(line), f) || cdp_event_parse(line, &s->last))
		memset(&s->last, 0, sizeof(s->last));
	while (s->nr_legs < CDP_MAX_LEGS && fgets(line, sizeof(line), f))
		take_count(s, line);
	fclose(f);
}

int cdp_history_see(const char *name, const struct cdp_seen *s)
{
	char text[1024], uuid[CDP_UUID_TEXT];
	int n;
	u32 i;

	n = cdp_print(text, sizeof(text), "%llu %llu %s %s\n", (unsigned long long)s->last.seq,
		      (unsigned long long)s->last.seconds, s->last.what, s->last.leg);
	for (i = 0; i < s->nr_legs; i++) {
		const struct cdp_count *c = &s->legs[i].count;

		n += cdp_print(text + n, sizeof(text) - (size_t)n, "%s %llu %llu %llu %llu\n",
			       cdp_uuid_print(&s->legs[i].uuid, uuid),
			       (unsigned long long)c->missed_bytes,
			       (unsigned long long)c->copied_bytes,
			       (unsigned long long)c->missed_at, (unsigned long long)c->copied_at);
	}
	return cdp_state_write(name, SEEN, text);
}
