// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "msg.h"
#include "size.h"

#define HEAD		"# Written by cdpctl, which rewrites it when the set changes; see cdpctl(8).\n"
#define SUFFIX		".conf"
#define LINE_BYTES	200	/* inih takes no longer ones */
#define VALUE_PER_LINE	150	/* longer values go on in lines that begin with a space */
#define MAX_FILE_BYTES	(256 * 1024)
#define LOCK_S		10.0

/* One table that prints and parses. */
enum kind { KIND_UUID, KIND_TEXT, KIND_U64, KIND_U32, KIND_BOOL };

struct key {
	const char *name;
	u32 at;
	u32 size;		/* of a text, with NUL */
	enum kind kind;
	bool iscsi;		/* printed for legs on iSCSI only */
	bool may_lack;
	bool if_true;		/* printed only then; of a text or number: when there is one */
};

#define TEXT(s, field)	.at = offsetof(struct s, field), .kind = KIND_TEXT, \
			.size = sizeof(((struct s *)0)->field)
#define OTHER(s, field, k) .at = offsetof(struct s, field), .kind = k

static const struct key set_keys[] = {
	{ "uuid", OTHER(cdp_conf, uuid, KIND_UUID) },
	{ "length", OTHER(cdp_conf, length, KIND_U64) },
	{ "region_sectors", OTHER(cdp_conf, region_sectors, KIND_U32) },
	{ "features", TEXT(cdp_conf, features), .may_lack = true },
	{ "under", TEXT(cdp_conf, under), .may_lack = true, .if_true = true },
	{ "under_uuid", TEXT(cdp_conf, under_uuid), .may_lack = true, .if_true = true },
	{ "under_mark", TEXT(cdp_conf, under_mark), .may_lack = true, .if_true = true },
};

static const struct key leg_keys[] = {
	{ "uuid", OTHER(cdp_conf_leg, uuid, KIND_UUID) },
	{ "device", TEXT(cdp_conf_leg, device) },
	{ "device_id", TEXT(cdp_conf_leg, device_id), .may_lack = true, .if_true = true },
	{ "device_sectors", OTHER(cdp_conf_leg, device_sectors, KIND_U64), .may_lack = true,
	  .if_true = true },
	{ "data_start", OTHER(cdp_conf_leg, data_start, KIND_U64), .may_lack = true },
	{ "meta_device", TEXT(cdp_conf_leg, meta_device) },
	{ "meta_start", OTHER(cdp_conf_leg, meta_start, KIND_U64) },
	{ "taken_out", OTHER(cdp_conf_leg, taken_out, KIND_BOOL), .may_lack = true,
	  .if_true = true },
	{ "iscsi_target", TEXT(cdp_conf_leg, iscsi.target), .iscsi = true },
	{ "iscsi_host", TEXT(cdp_conf_leg, iscsi.host), .iscsi = true },
	{ "iscsi_port", OTHER(cdp_conf_leg, iscsi.port, KIND_U32), .iscsi = true },
	{ "iscsi_lun", OTHER(cdp_conf_leg, iscsi.lun, KIND_U32), .iscsi = true },
	{ "iscsi_user", TEXT(cdp_conf_leg, iscsi.user), .iscsi = true, .may_lack = true },
	{ "iscsi_made_record", OTHER(cdp_conf_leg, iscsi.made_record, KIND_BOOL), .iscsi = true },
	{ "iscsi_logged_in", OTHER(cdp_conf_leg, iscsi.logged_in, KIND_BOOL), .iscsi = true },
};

#define NR_KEYS		ARRAY_SIZE(leg_keys)	/* the longer table */
static_assert(ARRAY_SIZE(set_keys) <= ARRAY_SIZE(leg_keys), "NR_KEYS");

struct parser {
	struct cdp_conf *c;
	const char *next;		/* text that is not read yet */
	u32 line;
	bool continued;			/* the line begins with a blank */
	u32 seen[CDP_MAX_LEGS + 1];	/* keys, as bits; [0] is [set], then the legs */
	char what[128];			/* section and name, for the sentence */
	char why[200];			/* the first complaint */
	u32 why_line;
};

static int complain(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int complain(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	if (!p->why[0]) {
		p->why_line = p->line;
		va_start(ap, fmt);
		vsnprintf(p->why, sizeof(p->why), fmt, ap);
		va_end(ap);
	}
	return 0;	/* what inih takes for a failure */
}

static int take_text(struct parser *p, char *to, u32 size, const char *value, bool more)
{
	size_t have = more ? strlen(to) : 0;

	/* what inih would take for a comment, or drop at the end of a line */
	if (!cdp_text_is_plain(value))
		return complain(p, "the value of %s has a ; or #, two spaces in a row, or a control character",
				p->what);
	if (have + strlen(value) >= size)
		return complain(p, "the value of %s is longer than %u characters", p->what,
				size - 1);
	strcpy(to + have, value);
	return 1;
}

static int take_number(struct parser *p, void *to, enum kind kind, const char *value)
{
	u64 n;

	if (cdp_number_parse(value, kind == KIND_U32 ? UINT32_MAX : INT64_MAX, &n))
		return complain(p, "the value of %s is not a number: %.40s", p->what, value);
	if (kind == KIND_U32)
		*(u32 *)to = (u32)n;
	else
		*(u64 *)to = n;
	return 1;
}

static int take_bool(struct parser *p, bool *to, const char *value)
{
	*to = !strcmp(value, "yes");
	if (!*to && strcmp(value, "no"))
		return complain(p, "the value of %s must be yes or no, not %.40s", p->what, value);
	return 1;
}

static int take_value(struct parser *p, const struct key *k, void *base, const char *value,
		      bool more)
{
	void *to = (char *)base + k->at;

	if (more && k->kind != KIND_TEXT)
		return complain(p, "the value of %s goes on in another line", p->what);
	switch (k->kind) {
	case KIND_TEXT:
		return take_text(p, to, k->size, value, more);
	case KIND_BOOL:
		return take_bool(p, to, value);
	case KIND_UUID:
		if (cdp_uuid_parse(value, to))
			return complain(p, "the value of %s is not a UUID: %.40s", p->what, value);
		return 1;
	default:
		return take_number(p, to, k->kind, value);
	}
}

static int take_key(struct parser *p, u32 part, void *base, const char *name, const char *value)
{
	const struct key *keys = part ? leg_keys : set_keys;
	u32 nr = part ? ARRAY_SIZE(leg_keys) : ARRAY_SIZE(set_keys), i;

	for (i = 0; i < nr && strcmp(keys[i].name, name); i++)
		;
	if (i == nr)
		return complain(p, "unknown key %s", p->what);
	if (p->seen[part] & 1u << i && !p->continued)
		return complain(p, "%s is given twice", p->what);
	p->seen[part] |= 1u << i;
	return take_value(p, &keys[i], base, value, p->continued);
}

/* inih gives the name of the key again for a line that continues a value. */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
	struct parser *p = user;
	u64 leg;

	cdp_print(p->what, sizeof(p->what), "%.60s in [%.40s]", name, section);
	if (!strcmp(section, "set"))
		return take_key(p, 0, p->c, name, value);
	if (strncmp(section, "leg ", 4) || cdp_number_parse(section + 4, CDP_MAX_LEGS - 1, &leg))
		return complain(p, "unknown section [%.40s]: [set] and [leg 0] to [leg %u] are known",
				section, CDP_MAX_LEGS - 1);
	if (leg >= p->c->nr_legs)
		p->c->nr_legs = (u32)leg + 1;
	return take_key(p, (u32)leg + 1, &p->c->legs[leg], name, value);
}

/* As fgets(), but a line that inih would cut is a fault, and lines are counted. */
static char *on_line(char *to, int size, void *user)
{
	struct parser *p = user;
	size_t len = strcspn(p->next, "\n");

	if (!*p->next || p->why[0])
		return NULL;
	p->line++;
	if ((int)len + 2 > size || len + 2 > LINE_BYTES) {
		complain(p, "the line is longer than %u characters (a value may go on in a line that begins with a space)",
			 LINE_BYTES - 2);
		return NULL;
	}
	p->continued = *p->next == ' ' || *p->next == '\t';
	memcpy(to, p->next, len);
	to[len] = '\n';
	to[len + 1] = '\0';
	p->next += len + (p->next[len] == '\n');
	return to;
}

static int check_part(struct parser *p, u32 part)
{
	const struct key *keys = part ? leg_keys : set_keys;
	u32 nr = part ? ARRAY_SIZE(leg_keys) : ARRAY_SIZE(set_keys), i;
	bool iscsi = part && p->c->legs[part - 1].iscsi.target[0];

	for (i = 0; i < nr; i++)
		if (!(p->seen[part] & 1u << i) && !keys[i].may_lack && (!keys[i].iscsi || iscsi)) {
			char leg[24];

			cdp_print(leg, sizeof(leg), part ? "leg %u" : "set", part - 1);
			return complain(p, "%s is missing in [%s]", keys[i].name, leg);
		}
	return 1;
}

static void check_all(struct parser *p)
{
	u32 i;

	for (i = 0; i <= p->c->nr_legs; i++)
		if (!check_part(p, i))
			return;
	if (!p->c->nr_legs)
		complain(p, "there is no [leg 0]");
}

int cdp_conf_parse(struct cdp_conf *c, const char *from, const char *text)
{
	struct parser p = { .c = c, .next = text };
	int line;

	memset(c, 0, sizeof(*c));
	line = ini_parse_stream(on_line, &p, on_key, &p);
	if (line && !p.why[0]) {
		p.line = (u32)line;
		complain(&p, "neither [section] nor key = value");
	}
	if (!p.why[0]) {
		check_all(&p);
		p.why_line = 0;
	}
	if (!p.why[0])
		return 0;
	if (p.why_line)
		return cdp_why(-EINVAL, "%s: line %u: %s", from, p.why_line, p.why);
	return cdp_why(-EINVAL, "%s: %s", from, p.why);
}

/*----------------------------------------------------------------*/

static void print_text(FILE *f, const char *value)
{
	while (strlen(value) > VALUE_PER_LINE) {
		int cut = VALUE_PER_LINE;

		while (value[cut - 1] == ' ' || value[cut] == ' ')
			cut--;
		fprintf(f, "%.*s\n ", cut, value);
		value += cut;
	}
	fprintf(f, "%s\n", value);
}

static void print_key(FILE *f, const struct key *k, const void *base)
{
	const void *from = (const char *)base + k->at;
	char uuid[CDP_UUID_TEXT];

	if (k->if_true && !(k->kind == KIND_U64 ? *(const u64 *)from : *(const u8 *)from))
		return;
	fprintf(f, "%s = ", k->name);
	if (k->kind == KIND_TEXT)
		print_text(f, from);
	else if (k->kind == KIND_UUID)
		fprintf(f, "%s\n", cdp_uuid_print(from, uuid));
	else if (k->kind == KIND_BOOL)
		fprintf(f, "%s\n", *(const bool *)from ? "yes" : "no");
	else if (k->kind == KIND_U32)
		fprintf(f, "%u\n", *(const u32 *)from);
	else
		fprintf(f, "%llu\n", (unsigned long long)*(const u64 *)from);
}

char *cdp_conf_print(const struct cdp_conf *c)
{
	char *text = NULL;
	size_t size, i;
	FILE *f = open_memstream(&text, &size);
	u32 leg;

	if (!f)
		return NULL;
	fputs(HEAD "\n[set]\n", f);
	for (i = 0; i < ARRAY_SIZE(set_keys); i++)
		print_key(f, &set_keys[i], c);
	for (leg = 0; leg < c->nr_legs; leg++) {
		fprintf(f, "\n[leg %u]\n", leg);
		for (i = 0; i < ARRAY_SIZE(leg_keys); i++)
			if (!leg_keys[i].iscsi || c->legs[leg].iscsi.target[0])
				print_key(f, &leg_keys[i], &c->legs[leg]);
	}
	return fclose(f) ? NULL : text;
}

/*----------------------------------------------------------------*/

bool cdp_name_is_valid(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-");

	return len && !name[len] && len < CDP_NAME_TEXT && !strchr(".-+", *name);
}

const char *cdp_conf_dir(void)
{
	const char *dir = getenv("CDP_CONF_DIR");

	return dir && *dir ? dir : "/etc/cdp";
}

const char *cdp_conf_path(const char *name, char path[CDP_PATH_TEXT])
{
	cdp_print(path, CDP_PATH_TEXT, "%s/%s" SUFFIX, cdp_conf_dir(), name);
	return path;
}

bool cdp_conf_exists(const char *name)
{
	char path[CDP_PATH_TEXT];

	return !access(cdp_conf_path(name, path), F_OK);
}

int cdp_conf_load(struct cdp_conf *c, const char *name)
{
	char path[CDP_PATH_TEXT];
	char *text = malloc(MAX_FILE_BYTES);
	FILE *f = fopen(cdp_conf_path(name, path), "re");
	size_t n;
	int r;

	if (!f) {
		r = cdp_why(-errno, "%s: %s", path, errno == ENOENT ?
			    "there is no such file, so no set of that name is remembered" :
			    strerror(errno));
	} else if (!text) {
		r = -ENOMEM;
	} else {
		n = fread(text, 1, MAX_FILE_BYTES - 1, f);
		text[n] = '\0';
		if (n == MAX_FILE_BYTES - 1 || strlen(text) != n)
			r = cdp_why(-EINVAL, "%s is not a configuration file", path);
		else
			r = cdp_conf_parse(c, path, text);
		cdp_print(c->name, sizeof(c->name), "%s", name);
	}
	if (f)
		fclose(f);
	free(text);
	return r;
}

static int write_all(int fd, const char *text)
{
	size_t len = strlen(text);

	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd) ? -errno : 0;
}

/* A rename is on the disk when the directory is. */
int cdp_conf_sync(void)
{
	int fd = open(cdp_conf_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r;
}

int cdp_conf_prepare(void)
{
	if ((mkdir(cdp_conf_dir(), 0755) && errno != EEXIST) || access(cdp_conf_dir(), W_OK))
		return cdp_why(-errno, "%s: the configuration cannot be kept there: %s",
			       cdp_conf_dir(), strerror(errno));
	return 0;
}

static int lock_fd = -1;
static double lock_s = LOCK_S;

void cdp_conf_never_wait(void)
{
	lock_s = 0;
}

int cdp_conf_lock(void)
{
	double end = cdp_seconds() + lock_s;
	int r = cdp_conf_prepare();

	if (r || lock_fd >= 0)
		return r;
	lock_fd = open(cdp_conf_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock_fd < 0)
		return cdp_why(-errno, "%s: %s", cdp_conf_dir(), strerror(errno));
	while (flock(lock_fd, LOCK_EX | LOCK_NB)) {
		if (cdp_seconds() > end || cdp_interrupted()) {
			cdp_conf_unlock();
			return cdp_why(-EBUSY, "another cdpctl is changing a set; try again");
		}
		cdp_sleep_ms(50);
	}
	return 0;
}

void cdp_conf_unlock(void)
{
	if (lock_fd >= 0)
		close(lock_fd);
	lock_fd = -1;
}

bool cdp_conf_is_gone(int fd)
{
	struct stat st;

	return fstat(fd, &st) || !st.st_nlink;
}

/* Its lock says that somebody is at it. */
static int make_beside(const char *path, char tmp[CDP_PATH_TEXT + 8])
{
	int fd;

	for (;;) {
		cdp_print(tmp, CDP_PATH_TEXT + 8, "%s.XXXXXX", path);
		fd = mkostemp(tmp, O_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX) || !cdp_conf_is_gone(fd))
			return fd;
		close(fd);	/* taken for one that was left */
	}
}

static bool is_beside(const char *name, const char *file)
{
	size_t len = strlen(file);
	u32 i;

	if (strncmp(name, file, len) || name[len] != '.' || strlen(name + len) != 7)
		return false;
	for (i = 1; i < 7 && isalnum((unsigned char)name[len + i]); i++)
		;
	return i == 7;	/* the file of another set has a dot there */
}

/* What somebody has left beside @path who was killed while he wrote it. */
static void drop_left(const char *path)
{
	const char *file = strrchr(path, '/') + 1;
	DIR *dir = opendir(cdp_conf_dir());
	struct dirent *e;
	int fd;

	while (dir && (e = readdir(dir))) {
		if (!is_beside(e->d_name, file))
			continue;
		fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
			unlinkat(dirfd(dir), e->d_name, 0);
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
}

/* Beside @path, under the name that @tmp gets; an open file or -errno. */
static int write_beside(const char *path, const char *text, char tmp[CDP_PATH_TEXT + 8])
{
	int fd, r = cdp_conf_prepare();

	if (r)
		return r;
	drop_left(path);
	fd = make_beside(path, tmp);
	if (fd < 0)
		return fd;
	r = write_all(fd, text);
	if (!r)
		return fd;
	unlink(tmp);
	close(fd);
	return r;
}

static int replace(const char *path, const char *text)
{
	char tmp[CDP_PATH_TEXT + 8];
	int fd = write_beside(path, text, tmp), r = 0;

	if (fd < 0)
		return fd;
	if (fchmod(fd, 0644) || rename(tmp, path)) {
		r = -errno;
		unlink(tmp);
	}
	close(fd);
	return r ? r : cdp_conf_sync();
}

static int try(const char *path, const char *text)
{
	char tmp[CDP_PATH_TEXT + 8];
	int fd = write_beside(path, text, tmp), r;

	if (fd < 0)
		return fd;
	r = unlink(tmp) ? -errno : 0;
	close(fd);
	return r;
}

static bool is_there(const char *path, const char *text)
{
	size_t len = strlen(text);
	char *now = malloc(len + 1);
	FILE *f = fopen(path, "re");
	bool same = f && now && fread(now, 1, len + 1, f) == len && !memcmp(now, text, len);

	if (f)
		fclose(f);
	free(now);
	return same;
}

/* Does the text say what it was made of? */
static int check_text(const struct cdp_conf *c, const char *text)
{
	static struct cdp_conf back;
	char path[CDP_PATH_TEXT], *again = NULL;
	int r = cdp_conf_parse(&back, "what it would hold", text);

	if (!r) {
		again = cdp_conf_print(&back);
		r = again ? 0 : -ENOMEM;
	}
	if (again && strcmp(again, text))
		r = cdp_why(-EINVAL, "a value begins or ends with a space");
	free(again);
	return r ? cdp_why(r, "%s: cannot be written: %s", cdp_conf_path(c->name, path),
			   r == -ENOMEM ? strerror(ENOMEM) : cdp_why_text()) : 0;
}

int cdp_conf_check(const struct cdp_conf *c)
{
	char *text = cdp_conf_print(c);
	int r = text ? check_text(c, text) : -ENOMEM;

	free(text);
	return r;
}

static int write_or_try(const struct cdp_conf *c, int (*how)(const char *path, const char *text))
{
	char path[CDP_PATH_TEXT];
	char *text = cdp_conf_print(c);
	int r = text ? check_text(c, text) : -ENOMEM;

	cdp_conf_path(c->name, path);
	if (!r && (how == try || !is_there(path, text))) {
		r = how(path, text);
		if (r)
			cdp_why(r, "%s: cannot be written: %s", path, strerror(-r));
	}
	free(text);
	return r;
}

int cdp_conf_save(const struct cdp_conf *c)
{
	return write_or_try(c, replace);
}

int cdp_conf_try(const struct cdp_conf *c)
{
	return write_or_try(c, try);
}

int cdp_conf_remove(const char *name)
{
	char path[CDP_PATH_TEXT];

	if (unlink(cdp_conf_path(name, path)) && errno != ENOENT)
		return cdp_why(-errno, "%s: cannot be removed: %s", path, strerror(errno));
	return cdp_conf_sync() == -ENOENT ? 0 : cdp_conf_sync();
}

static int is_conf(const struct dirent *e)
{
	size_t len = strlen(e->d_name), tail = strlen(SUFFIX);

	return len > tail && !strcmp(e->d_name + len - tail, SUFFIX) && e->d_name[0] != '.';
}

int cdp_conf_list(int (*each)(const char *name, void *ctx), void *ctx)
{
	struct dirent **list;
	int n = scandir(cdp_conf_dir(), &list, is_conf, alphasort), i, r = 0;

	if (n < 0)
		return errno == ENOENT ? 0 :
		       cdp_why(-errno, "%s: %s", cdp_conf_dir(), strerror(errno));
	for (i = 0; i < n; i++) {
		list[i]->d_name[strlen(list[i]->d_name) - strlen(SUFFIX)] = '\0';
		if (!r)
			r = each(list[i]->d_name, ctx);
		free(list[i]);
	}
	free(list);
	return r;
}
