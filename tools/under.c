// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "doing.h"
#include "look.h"
#include "md-io.h"
#include "msg.h"
#include "under.h"

#define LVM_UUID	"LVM-"
#define LVM_UUID_TEXT	(4 + 64)	/* more: an internal part of a volume */
#define KEY_AWAY \
	"has its key in the kernel's keyring, where a second table does not find it; open it with cryptsetup --disable-keyring"
#define MOMENT_S	2.0	/* in which lvm has exchanged a table */
#define BOOT_ID		"/proc/sys/kernel/random/boot_id"
#define BOOT_TEXT	48
#define LEADS		"leads "
#define ENDING		" ending"

/* Targets of which two may hold one table: what they do is in it, and nowhere else. */
static const char *const plain[] = {
	"linear", "striped", "unstriped", "crypt", "delay", "flakey", "error", "zero",
};

/* The others that are met most, and why not. */
static const struct {
	const char *target, *why;
} refused[] = {
	{ "cdp", "is a set itself" },
	{
		"snapshot-origin",
		"has snapshots, for which lvm loads its table again; remove them first (lvremove)",
	},
	{ "snapshot", "is a snapshot, which lvm loads again as it grows" },
	{
		"snapshot-merge",
		"is being merged with a snapshot; wait until that has ended (lvs)",
	},
	{
		"thin",
		"is a thin volume, whose table lvm loads again for each snapshot; protect the disk that its user sees, or a plain volume",
	},
	{
		"cache",
		"is cached, and a cache serves one mapping; take it off first (lvconvert --uncache)",
	},
	{
		"writecache",
		"is cached, and a cache serves one mapping; take it off first (lvconvert --uncache)",
	},
	{
		"mirror",
		"is a mirror, or is being moved (pvmove); wait until that has ended, or use a plain volume",
	},
	{ "raid", "is a RAID, whose metadata serves one mapping; use a plain volume" },
	{
		"multipath",
		"is a multipath map, which multipathd loads again; put a linear mapping on it and protect that",
	},
};

static const char *judge_target(const char *target)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(plain); i++)
		if (!strcmp(plain[i], target))
			return NULL;
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		if (!strcmp(refused[i].target, target))
			return refused[i].why;
	return "has a target that keeps state of its own, of which there cannot be two";
}

/* "0 N crypt CIPHER KEY ...": :SIZE:TYPE:NAME is a key in the kernel's keyring. */
static bool keeps_key_away(const char *line)
{
	char target[32], key[2];

	return sscanf(line, "%*u %*u %31s %*s %1s", target, key) == 2 &&
	       !strcmp(target, "crypt") && key[0] == ':';
}

const char *cdp_under_judge(const char *uuid, const char *lines, char target[32])
{
	const char *line, *why;

	*target = '\0';
	if (!strncmp(uuid, LVM_UUID, strlen(LVM_UUID)) && strlen(uuid) > LVM_UUID_TEXT)
		return "is an internal part of a logical volume";
	if (!*lines)
		return "has no table";
	for (line = lines; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		if (sscanf(line, "%*u %*u %31s", target) != 1)
			return "has a table that is not understood";
		why = judge_target(target);
		if (why)
			return why;
		if (keeps_key_away(line))
			return KEY_AWAY;
	}
	*target = '\0';
	return NULL;
}

bool cdp_under_is_lead(const char *lines, u64 sectors, u32 major, u32 minor)
{
	char lead[96];

	cdp_print(lead, sizeof(lead), "0 %llu linear %u:%u 0\n", (unsigned long long)sectors,
		  major, minor);
	return !strcmp(lines, lead);
}

bool cdp_under_is_data(const char *set, const char *path)
{
	char data[CDP_PATH_TEXT];

	cdp_print(data, sizeof(data), "/dev/mapper/%s" CDP_DATA_SUFFIX, set);
	return !strcmp(path, data);
}

/*----------------------------------------------------------------*/

static int look_for_data(struct cdp_under *u)
{
	struct cdp_dm_info data;
	int r = cdp_dm_info(u->data, &data);

	if (r)
		return r;
	u->has_data = data.exists;
	if (data.exists && strncmp(data.uuid, CDP_DATA_UUID, strlen(CDP_DATA_UUID)))
		return cdp_why(-EEXIST, "there is a mapping %s already that is not of cdpctl; choose another name for the set",
			       u->data);
	return 0;
}

static int take_names(struct cdp_under *u, const char *set)
{
	if (strlen(set) + strlen(CDP_DATA_SUFFIX) >= sizeof(u->data))
		return cdp_why(-ENAMETOOLONG, "%s: the name is too long", set);
	cdp_print(u->set, sizeof(u->set), "%s", set);
	cdp_print(u->data, sizeof(u->data), "%s" CDP_DATA_SUFFIX, set);
	cdp_print(u->data_path, sizeof(u->data_path), "/dev/mapper/%s", u->data);
	return 0;
}

int cdp_under_open(struct cdp_under *u, const char *device, const char *set)
{
	char path[CDP_PATH_TEXT];
	struct cdp_dm_info beneath;
	int r;

	memset(u, 0, sizeof(*u));
	cdp_print(path, sizeof(path), "%s%s", strchr(device, '/') ? "" : "/dev/mapper/", device);
	r = take_names(u, set);
	if (!r)
		r = look_for_data(u);
	if (!r)
		r = cdp_probe_device(path, &u->dev);
	if (r)
		return r;
	if (cdp_dm_name(u->dev.major, u->dev.minor, u->name))
		return cdp_refuse("not-movable", "%s is no device-mapper device, so nothing can be put under it while it is used; end its use, then cdpctl attach --primary %s",
			       device, device);
	r = cdp_dm_info(u->name, &u->info);
	if (!r)
		r = cdp_dm_lines(u->name, &u->lines);
	if (!r)
		r = cdp_dm_info(set, &beneath);
	u->leads = !r && beneath.exists &&
		   cdp_under_is_lead(u->lines, u->dev.sectors, beneath.major, beneath.minor);
	return r;
}

static bool is_held(const struct cdp_under *u)
{
	return u->info.suspended && !u->leads;
}

static int refuse_held(const struct cdp_under *u)
{
	return cdp_why(-EBUSY, "%s: %s " CDP_UNDER_HELD, u->set, u->name);
}

int cdp_under_open_conf(struct cdp_under *u, const struct cdp_conf *c)
{
	double end = cdp_seconds() + MOMENT_S;
	int r = cdp_under_open(u, c->under, c->name);

	while (!r && is_held(u) && cdp_seconds() < end && !cdp_interrupted()) {
		cdp_under_close(u);
		cdp_sleep_ms(100);
		r = cdp_under_open(u, c->under, c->name);
	}
	if (r == -ENOENT)
		return cdp_why(-ENODEV, "%s: the device that it protects, %s, is not there; activate it first",
			       c->name, c->under);
	if (!r && (strcmp(u->info.uuid, c->under_uuid) || u->dev.sectors != c->length))
		r = cdp_why(-ESTALE, "%s: %s is not the device that it protected: another uuid or size; if it was replaced or resized on purpose, cdpctl detach --live %s ends the set",
			    c->name, c->under, c->name);
	if (!r && is_held(u))
		r = refuse_held(u);
	return r;
}

void cdp_under_close(struct cdp_under *u)
{
	free(u->lines);
	u->lines = NULL;
}

bool cdp_under_is_bypassed(const struct cdp_conf *c, bool runs)
{
	struct cdp_under u;
	bool is;

	if (!c->under[0])
		return false;
	is = !cdp_under_open(&u, c->under, c->name) && !u.leads && (runs || u.info.open_count);
	cdp_under_close(&u);
	cdp_why_clear();
	return is;
}

/* Does the table lead to a volume that lvm is moving? */
static bool is_moving(const char *lines)
{
	char name[CDP_DM_NAME_TEXT];
	const char *p;
	u32 ma, mi;

	for (p = lines; *p; p += strcspn(p, "\n"), p += *p == '\n')
		if (sscanf(p, "%*u %*u linear %u:%u", &ma, &mi) == 2 &&
		    !cdp_dm_name(ma, mi, name) && strstr(name, "pvmove"))
			return true;
	return false;
}

int cdp_under_check(const struct cdp_under *u)
{
	char target[32];
	const char *why = cdp_under_judge(u->info.uuid, u->lines, target);

	if (!why && is_moving(u->lines))
		why = "is being moved (pvmove); wait until that has ended (lvs -a)";
	if (!why && u->info.suspended)
		why = CDP_UNDER_HELD;
	if (!why && u->info.has_inactive && !cdp_doing_again())
		why = "is being changed: a table is loaded (dmsetup clear drops it)";
	if (!why && u->info.read_only)
		why = "is read-only";
	if (!why && !cdp_name_is_valid(u->name))
		why = "has a name with other characters than letters, digits and . _ + -";
	if (why)
		return cdp_refuse("not-movable", "%s %s%s%s%s", u->name, why,
				  *target ? " (target " : "", target, *target ? ")" : "");
	return 0;
}

/*----------------------------------------------------------------*/

static void summary(const char *lines, char *text, size_t size)
{
	char target[32], last[32] = "";
	const char *p;
	int n = 0;

	*text = '\0';
	for (p = lines; *p; p += strcspn(p, "\n"), p += *p == '\n') {
		if (sscanf(p, "%*u %*u %31s", target) != 1 || !strcmp(target, last))
			continue;
		strcpy(last, target);
		n += cdp_print(text + n, size - (size_t)n, "%s%s", n ? ", " : "", target);
	}
}

/* What is left of an earlier try may be of another time: the table is taken anew. */
static int make_data(void *arg)
{
	struct cdp_under *u = arg;
	char uuid[CDP_DM_UUID_TEXT];

	if (u->leads)
		return 0;
	cdp_print(uuid, sizeof(uuid), CDP_DATA_UUID "%s", u->set);
	return u->has_data ? cdp_dm_swap(u->data, u->lines) : cdp_dm_make(u->data, uuid, u->lines);
}

static void drop(void *arg)
{
	struct cdp_under *u = arg;

	if (cdp_dm_remove(u->data))
		cdp_warn("%s", cdp_why_text());
}

void cdp_under_plan_data(struct cdp_steps *p, struct cdp_under *u)
{
	char targets[128];

	summary(u->lines, targets, sizeof(targets));
	cdp_steps_add(p, make_data, u->leads ? NULL : drop, u,
		      "dm: create %s with the table of %s (%s)", u->data, u->name, targets);
}

static int lead(void *arg)
{
	struct cdp_under *u = arg;
	struct cdp_dm_info set;
	char lines[96], *now = NULL;
	int r = cdp_dm_info(u->set, &set);

	if (!r)
		r = cdp_dm_lines(u->name, &now);
	if (!r && cdp_under_is_lead(now, u->dev.sectors, set.major, set.minor)) {
		free(now);
		return 0;
	}
	if (!r && strcmp(now, u->lines))
		r = cdp_why(-EAGAIN, "%s was changed by somebody else meanwhile; try again",
			    u->name);
	cdp_print(lines, sizeof(lines), "0 %llu linear %u:%u 0\n",
		  (unsigned long long)u->dev.sectors, set.major, set.minor);
	free(now);
	return r ? r : cdp_dm_swap(u->name, lines);
}

void cdp_under_plan_longer(struct cdp_steps *p, struct cdp_under *u, u64 sectors)
{
	u->dev.sectors = sectors;
	cdp_steps_add(p, lead, NULL, u, "dm: load into %s the table: 0 %llu linear /dev/mapper/%s 0",
		      u->name, (unsigned long long)sectors, u->set);
}

static int restore(void *arg)
{
	struct cdp_under *u = arg;
	char *lines;
	int r = u->has_data ? cdp_dm_lines(u->data, &lines) : 0;

	if (r || !u->has_data)
		return r;
	r = cdp_dm_swap(u->name, lines);
	free(lines);
	return r;
}

static void lead_no_more(void *arg)
{
	struct cdp_under *u = arg;

	if (cdp_dm_swap(u->name, u->lines))
		cdp_warn("%s", cdp_why_text());
}

static int clear(void *arg)
{
	struct cdp_under *u = arg;

	return cdp_dm_clear(u->name);
}

void cdp_under_plan_clear(struct cdp_steps *p, struct cdp_under *u)
{
	if (u->info.has_inactive)
		cdp_steps_add(p, clear, NULL, u, "dm: forget the table that was loaded into %s and not resumed",
			      u->name);
}

void cdp_under_plan_lead(struct cdp_steps *p, struct cdp_under *u)
{
	cdp_steps_add(p, lead, u->leads ? NULL : lead_no_more, u, "dm: load into %s the table: 0 %llu linear /dev/mapper/%s 0; requests wait for that moment",
		      u->name, (unsigned long long)u->dev.sectors, u->set);
}

void cdp_under_plan_restore(struct cdp_steps *p, struct cdp_under *u)
{
	if (u->leads)
		cdp_steps_add(p, restore, NULL, u, "dm: load into %s its own table again, which is that of %s; requests wait for that moment",
			      u->name, u->data);
}

static int drop_data(void *arg)
{
	struct cdp_under *u = arg;

	return u->has_data ? cdp_dm_remove(u->data) : 0;
}

void cdp_under_plan_drop(struct cdp_steps *p, struct cdp_under *u)
{
	cdp_steps_add(p, drop_data, NULL, u, "dm: remove %s", u->data);
}

/*----------------------------------------------------------------*/

static bool read_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(line, (int)size, f);

	if (f)
		fclose(f);
	line[ok ? strcspn(line, "\n") : 0] = '\0';
	return ok;
}

struct counts {
	unsigned long long reads, written, discards;	/* requests; sectors; requests */
};

static bool read_counts(const struct cdp_under *u, struct counts *n)
{
	char path[96], line[256];

	cdp_print(path, sizeof(path), "/sys/dev/block/%u:%u/stat", u->dev.major, u->dev.minor);
	return read_line(path, line, sizeof(line)) &&
	       sscanf(line, "%llu %*u %*u %*u %*u %*u %llu %*u %*u %*u %*u %llu", &n->reads,
		      &n->written, &n->discards) == 3;
}

static u8 read_block(const struct cdp_look *l, void *ctx)
{
	u8 block[CDP_BLOCK_BYTES] __attribute__((aligned(CDP_BLOCK_BYTES)));
	struct cdp_md_file f;

	(void)ctx;
	return !cdp_md_open(&f, l->path, 0, false) && !cdp_md_block_read(&f, 0, block);
}

static int look(const struct cdp_under *u, struct cdp_look *l)
{
	return cdp_look_at(l, &u->dev, CDP_ANSWER_S, read_block, NULL);
}

int cdp_under_answers(const struct cdp_under *u)
{
	struct cdp_look l;
	int r = u->info.suspended ? refuse_held(u) : look(u, &l);

	return r || !l.silent ? r : cdp_why(-ETIME, "%s: %s %s", u->set, u->name, l.silent);
}

/* A read is seen to count: queue/iostats does not tell, 6.1 counts whatever it says. */
static bool is_counted(const struct cdp_under *u, struct counts *n)
{
	struct counts before;
	struct cdp_look l;

	return read_counts(u, &before) && !look(u, &l) && l.found && read_counts(u, n) &&
	       n->reads != before.reads;
}

/* Not requests written: a flush is one on 6.1. */
void cdp_under_mark(const struct cdp_under *u, char mark[CDP_MARK_TEXT])
{
	char boot[BOOT_TEXT], seq[24], path[96];
	struct counts n;

	cdp_print(path, sizeof(path), "/sys/dev/block/%u:%u/diskseq", u->dev.major, u->dev.minor);
	cdp_print(mark, CDP_MARK_TEXT, CDP_MARK_LOST);
	if (read_line(BOOT_ID, boot, sizeof(boot)) && read_line(path, seq, sizeof(seq)) &&
	    is_counted(u, &n))
		cdp_print(mark, CDP_MARK_TEXT, "%s %s %llu %llu", boot, seq, n.written, n.discards);
}

void cdp_under_mark_leads(char mark[CDP_MARK_TEXT])
{
	char boot[BOOT_TEXT];

	cdp_print(mark, CDP_MARK_TEXT, CDP_MARK_LOST);
	if (read_line(BOOT_ID, boot, sizeof(boot)))
		cdp_print(mark, CDP_MARK_TEXT, LEADS "%s", boot);
}

void cdp_under_mark_ending(char mark[CDP_MARK_TEXT])
{
	size_t n = strlen(mark);

	if (!cdp_under_mark_is_lost(mark))
		cdp_print(mark + n, CDP_MARK_TEXT - n, ENDING);
}

bool cdp_under_mark_is_lost(const char *mark)
{
	return !strcmp(mark, CDP_MARK_LOST);
}

bool cdp_under_mark_is_leads(const char *mark)
{
	return !strncmp(mark, LEADS, strlen(LEADS));
}

bool cdp_under_mark_is_of_now(const char *mark)
{
	char of[BOOT_TEXT], boot[BOOT_TEXT];

	return cdp_under_mark_counts(mark) && sscanf(mark, "%47s", of) == 1 &&
	       read_line(BOOT_ID, boot, sizeof(boot)) && !strcmp(of, boot);
}

bool cdp_under_mark_counts(const char *mark)
{
	unsigned long long discards;

	return sscanf(mark, "%*s %*u %*u %llu", &discards) == 1;
}

/* The boot in which it led to the set to the end; false when it did not. */
static bool led_to_end(const char *mark, char boot[BOOT_TEXT])
{
	size_t n = strlen(mark), tail = strlen(ENDING);

	if (cdp_under_mark_is_leads(mark))
		mark += strlen(LEADS);
	else if (n <= tail || strcmp(mark + n - tail, ENDING))
		return false;
	return sscanf(mark, "%47s", boot) == 1;
}

void cdp_under_carry(const char *before, const char *now, char mark[CDP_MARK_TEXT])
{
	unsigned long long written = 1, discards = 1;
	char led[BOOT_TEXT], boot[BOOT_TEXT];
	size_t n = strlen(now);
	bool same;

	cdp_print(mark, CDP_MARK_TEXT, CDP_MARK_LOST);
	if (sscanf(now, "%47s %*u %llu %llu", boot, &written, &discards) != 3)
		return;
	same = !strncmp(before, now, n) && (!before[n] || !strcmp(before + n, ENDING));
	if (!same && led_to_end(before, led) && strcmp(led, boot))
		same = !written && !discards;
	if (same)
		cdp_print(mark, CDP_MARK_TEXT, "%s", now);
}

/* Only this is changed: the rest is as the file has it now. */
int cdp_under_remember(struct cdp_conf *c, const char *mark)
{
	static struct cdp_conf file;
	int r;

	if (!strcmp(c->under_mark, mark))
		return 0;
	r = cdp_conf_lock();
	if (!r)
		r = cdp_conf_load(&file, c->name);
	if (!r && strcmp(file.under_mark, c->under_mark))
		r = cdp_why(-EAGAIN, "%s was changed by somebody else meanwhile; try again",
			    c->name);
	if (!r) {
		cdp_print(file.under_mark, sizeof(file.under_mark), "%s", mark);
		r = cdp_conf_save(&file);
	}
	if (!r)
		strcpy(c->under_mark, file.under_mark);
	cdp_conf_unlock();
	return r;
}

bool cdp_under_is_untouched(const struct cdp_under *u, const char *mark)
{
	char now[CDP_MARK_TEXT], carried[CDP_MARK_TEXT];

	cdp_under_mark(u, now);
	cdp_under_carry(mark, now, carried);
	return !cdp_under_mark_is_lost(carried);
}

int cdp_under_data_leg(const struct cdp_under *u, const struct cdp_live *s)
{
	u32 i, ma, mi;

	for (i = 0; i < s->table.nr_legs; i++)
		if (cdp_probe_numbers(s->table.legs[i].data_dev, &ma, &mi) &&
		    cdp_probe_is(u->data_path, ma, mi))
			return (int)i;
	return -1;
}
