// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "dm.h"
#include "doing.h"
#include "identity.h"
#include "live.h"
#include "msg.h"
#include "size.h"

#define MAX_WORDS	128

u32 cdp_words_split(char *line, char **words, u32 max)
{
	char *save, *w;
	u32 nr = 0;

	for (w = strtok_r(line, " \t\n", &save); w && nr < max; w = strtok_r(NULL, " \t\n", &save))
		words[nr++] = w;
	return nr;
}

/*----------------------------------------------------------------*/

/* The grammar of features is that of the table line: parse and print one around them. */
int cdp_features_parse(const char *text, struct cdp_features *f)
{
	char line[CDP_FEATURES_TEXT], legs[] = "128 1 x 0 - 0", why[CDP_WHY_TEXT], count[8];
	char *words[MAX_WORDS];
	struct cdp_table t;
	u32 nr, nr_words;
	int r;

	cdp_print(line, sizeof(line), "%s", text);
	nr = cdp_words_split(legs, words, MAX_WORDS);
	words[nr] = count;
	nr_words = cdp_words_split(line, words + nr + 1, MAX_WORDS - nr - 1);
	cdp_print(count, sizeof(count), "%u", nr_words);
	r = cdp_table_parse(&t, nr + 1 + nr_words, words, why);
	if (r)
		return cdp_why(r, "features \"%s\": %s", text, why);
	*f = t.features;
	return 0;
}

void cdp_features_print(const struct cdp_features *f, char words[CDP_FEATURES_TEXT])
{
	struct cdp_table t = {
		.region_sectors = 128, .nr_legs = 1, .legs[0] = { "x", 0, "-", 0 }, .features = *f,
	};
	char line[CDP_FEATURES_TEXT + 64];
	const char *p = line;
	int skip;

	cdp_table_print(&t, line, sizeof(line));
	for (skip = 0; skip < 7 && p; skip++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	cdp_print(words, CDP_FEATURES_TEXT, "%s", p ? p : "");
}

/*----------------------------------------------------------------*/

static int read_status(struct cdp_live *s)
{
	char why[CDP_WHY_TEXT], *line;
	struct cdp_dm_info info;
	int r = cdp_dm_info(s->name, &info);

	if (r)
		return r;
	s->event_nr = info.event_nr;
	r = cdp_dm_status(s->name, &s->length, &line);
	if (r)
		return r;
	r = cdp_status_parse(&s->status, line, why);
	free(line);
	if (r)
		return cdp_why(-EPROTO, "%s: the status line of the kernel is not understood: %s; cdpctl and the module are of different versions?",
			       s->name, why);
	return 0;
}

static int read_table(struct cdp_live *s)
{
	char why[CDP_WHY_TEXT], *words[MAX_WORDS];
	u64 length;
	u32 nr;
	int r = cdp_dm_table(s->name, &length, &s->table_line);

	if (r)
		return r;
	nr = cdp_words_split(s->table_line, words, MAX_WORDS);
	r = cdp_table_parse(&s->table, nr, words, why);
	if (r)
		return cdp_why(-EPROTO, "%s: the table line of the kernel is not understood: %s",
			       s->name, why);
	/* For a new set only; a leg that joins later is always copied. */
	s->table.features.assume_clean = 0;
	return 0;
}

/* "8:16" from the kernel becomes a path that is found again. */
static void conf_device(const char *dev, char path[CDP_PATH_TEXT])
{
	char node[CDP_PATH_TEXT];
	u32 ma, mi;

	if (cdp_probe_numbers(dev, &ma, &mi))
		cdp_probe_stable(cdp_probe_name(ma, mi, node), path);
	else
		cdp_print(path, CDP_PATH_TEXT, "%s", dev);
}

static void conf_leg_from_kernel(const struct cdp_live *s, u32 i, struct cdp_conf_leg *l)
{
	const struct cdp_table_leg *t = &s->table.legs[i];

	memset(l, 0, sizeof(*l));
	l->uuid = s->status.legs[i].uuid;
	conf_device(t->data_dev, l->device);
	l->data_start = t->data_start;
	l->meta_start = t->meta_start;
	if (!strcmp(t->meta_dev, t->data_dev) && strcmp(t->meta_dev, CDP_META_NONE))
		cdp_print(l->meta_device, sizeof(l->meta_device), CDP_META_INTERNAL);
	else
		conf_device(t->meta_dev, l->meta_device);
}

static void conf_from_kernel(struct cdp_live *s)
{
	struct cdp_conf *c = &s->conf;
	u32 i;

	memset(c, 0, sizeof(*c));
	cdp_print(c->name, sizeof(c->name), "%s", s->name);
	c->uuid = s->status.set_uuid;
	c->length = s->length;
	c->region_sectors = s->table.region_sectors;
	cdp_features_print(&s->table.features, c->features);
	c->nr_legs = s->table.nr_legs;
	for (i = 0; i < c->nr_legs; i++)
		conf_leg_from_kernel(s, i, &c->legs[i]);
}

/* What the file says of leg @i: by its UUID, or of this place if that is the same device. */
static const struct cdp_conf_leg *leg_in_file(const struct cdp_live *s, const struct cdp_conf *file,
					      u32 i)
{
	const struct cdp_leg_status *l = &s->status.legs[i];
	u32 k, ma, mi;

	for (k = 0; k < file->nr_legs && !cdp_uuid_is_null(&l->uuid); k++)
		if (cdp_uuid_equal(&file->legs[k].uuid, &l->uuid))
			return &file->legs[k];
	if (i < file->nr_legs && (!cdp_probe_numbers(l->data_dev, &ma, &mi) ||
				  cdp_probe_is(file->legs[i].device, ma, mi)))
		return &file->legs[i];
	return NULL;
}

/* Somebody may have been killed between a new table and the file. */
static void conf_from_both(struct cdp_live *s, const struct cdp_conf *file)
{
	u32 i;

	s->conf = *file;
	s->conf.nr_legs = s->table.nr_legs;
	for (i = 0; i < s->table.nr_legs; i++) {
		const struct cdp_conf_leg *known = leg_in_file(s, file, i);

		if (known)
			s->conf.legs[i] = *known;
		else
			conf_leg_from_kernel(s, i, &s->conf.legs[i]);
	}
}

int cdp_live_peek(struct cdp_live *s, const char *name)
{
	static struct cdp_conf file;
	int r;

	memset(s, 0, sizeof(*s));
	cdp_print(s->name, sizeof(s->name), "%s", name);
	r = read_status(s);
	if (!r)
		r = read_table(s);
	if (!r && s->table.nr_legs != s->status.nr_legs)
		r = cdp_why(-EAGAIN, "%s is being changed by somebody else; try again", name);
	if (r)
		return r;
	s->remembered = cdp_conf_exists(name);
	if (s->remembered) {
		r = cdp_conf_load(&file, name);
		s->nr_remembered = file.nr_legs;
		if (!r)
			conf_from_both(s, &file);
	} else {
		conf_from_kernel(s);
	}
	return r;
}

int cdp_live_open(struct cdp_live *s, const char *name)
{
	int r = cdp_live_peek(s, name);

	/* who is at it, or has to finish it, knows */
	if (!r && s->remembered && s->nr_remembered != s->table.nr_legs &&
	    !cdp_doing_is_there(name))
		cdp_warn("%s: the configuration has %u legs and the running set has %u; the running set counts",
			 name, s->nr_remembered, s->table.nr_legs);
	return r;
}

void cdp_live_close(struct cdp_live *s)
{
	free(s->table_line);
	s->table_line = NULL;
}

int cdp_live_refresh(struct cdp_live *s)
{
	return read_status(s);
}

/*----------------------------------------------------------------*/

static bool leg_is(const struct cdp_live *s, u32 i, const char *text)
{
	const struct cdp_leg_status *l = &s->status.legs[i];
	char uuid[CDP_UUID_TEXT];
	u32 ma, mi;

	if (!strcasecmp(text, cdp_uuid_print(&l->uuid, uuid)) || !strcmp(text, l->data_dev) ||
	    !strcmp(text, s->conf.legs[i].device))
		return true;
	return cdp_probe_numbers(l->data_dev, &ma, &mi) && cdp_probe_is(text, ma, mi);
}

int cdp_live_leg(const struct cdp_live *s, const char *text)
{
	u64 n;
	u32 i;

	if (!cdp_number_parse(text, CDP_MAX_LEGS - 1, &n) && n < s->status.nr_legs)
		return (int)n;
	for (i = 0; i < s->status.nr_legs; i++)
		if (leg_is(s, i, text))
			return (int)i;
	return cdp_why(-ENOENT, "%s has no leg %s: give its number from 0 to %u, its UUID or its device (see cdpctl status %s)",
		       s->name, text, s->status.nr_legs - 1, s->name);
}

const char *cdp_live_leg_device(const struct cdp_leg_status *l, char path[CDP_PATH_TEXT])
{
	u32 ma, mi;

	if (cdp_probe_numbers(l->data_dev, &ma, &mi))
		return cdp_probe_name(ma, mi, path);
	cdp_print(path, CDP_PATH_TEXT, "%s", l->data_dev[0] ? l->data_dev : "-");
	return path;
}

const char *cdp_live_leg_text(const struct cdp_live *s, u32 leg, char text[CDP_LEG_TEXT])
{
	char path[CDP_PATH_TEXT];

	if (s->status.legs[leg].data_dev[0])
		cdp_live_leg_device(&s->status.legs[leg], path);
	else
		cdp_print(path, sizeof(path), "%s", s->conf.legs[leg].device);
	cdp_print(text, CDP_LEG_TEXT, "leg %u (%s)", leg, path);
	return text;
}

u32 cdp_live_in_sync(const struct cdp_live *s)
{
	u32 i, n = 0;

	for (i = 0; i < s->status.nr_legs; i++)
		n += s->status.legs[i].state == LEG_IN_SYNC;
	return n;
}

bool cdp_live_has_failed(const struct cdp_live *s, u32 leg)
{
	enum cdp_leg_state state = s->status.legs[leg].state;

	return state == LEG_FAULTY || state == LEG_MISSING;
}

/*
 * A leg that is missing is found by the UUID that it had. The kernel may have another one in
 * its place: of one that was struck off while it was away, and will be a new leg.
 */
static void take_status(struct cdp_live *s)
{
	u32 i, ma, mi;

	s->conf.uuid = s->status.set_uuid;
	s->conf.length = s->length;
	for (i = 0; i < s->status.nr_legs; i++) {
		if (s->status.legs[i].state != LEG_MISSING ||
		    cdp_uuid_is_null(&s->conf.legs[i].uuid))
			s->conf.legs[i].uuid = s->status.legs[i].uuid;
		if (cdp_probe_numbers(s->status.legs[i].data_dev, &ma, &mi))
			cdp_identity_remember(&s->conf.legs[i], ma, mi);
	}
}

/* The mark is not of the running set: who starts or stops it may have written it meanwhile. */
int cdp_live_save(struct cdp_live *s)
{
	static struct cdp_conf file;
	int r;

	if (!s->remembered)
		return 0;
	take_status(s);
	r = cdp_conf_lock();
	if (!r)
		r = cdp_conf_load(&file, s->name);
	if (!r) {
		strcpy(s->conf.under_mark, file.under_mark);
		r = cdp_conf_save(&s->conf);
	}
	cdp_conf_unlock();
	return r;
}

int cdp_live_save_uuids(const char *name)
{
	struct cdp_live s;
	int r = cdp_live_open(&s, name);

	if (!r)
		r = cdp_live_save(&s);
	cdp_live_close(&s);
	return r;
}

int cdp_live_unload(const char *name)
{
	struct cdp_dm_info info;
	int r = cdp_dm_info(name, &info);

	if (r || !info.has_inactive)
		return r;
	r = cdp_conf_lock();
	if (!r)
		r = cdp_dm_clear(name);
	cdp_conf_unlock();
	return r;
}

/* Only this is changed: the rest is as the file has it now. */
int cdp_live_take_out(struct cdp_live *s, u32 leg, bool taken_out)
{
	static struct cdp_conf c;
	int r;

	s->conf.legs[leg].taken_out = taken_out;
	if (!s->remembered)
		return 0;
	r = cdp_conf_lock();
	if (!r)
		r = cdp_conf_load(&c, s->name);
	if (!r && leg < c.nr_legs && c.legs[leg].taken_out != taken_out) {
		c.legs[leg].taken_out = taken_out;
		r = cdp_conf_save(&c);
	}
	cdp_conf_unlock();
	return r;
}

static int send_message(void *arg)
{
	struct cdp_live_message *m = arg;

	return cdp_dm_message(m->name, m->text, NULL);
}

void cdp_live_plan_message(struct cdp_steps *p, struct cdp_live_message *m,
			   const struct cdp_live *s, const char *fmt, ...)
{
	va_list ap;

	m->name = s->name;
	va_start(ap, fmt);
	vsnprintf(m->text, sizeof(m->text), fmt, ap);
	va_end(ap);
	cdp_steps_add(p, send_message, NULL, m, "dm: send %s the message: %s", s->name, m->text);
}

static int save(void *arg)
{
	return cdp_live_save(arg);
}

void cdp_live_plan_features(struct cdp_steps *p, struct cdp_live *s, const struct cdp_features *f)
{
	char path[CDP_PATH_TEXT];

	if (!s->remembered)
		return;
	cdp_features_print(f, s->conf.features);
	cdp_steps_add(p, save, NULL, s, "conf: write %s", cdp_conf_path(s->name, path));
}

/*----------------------------------------------------------------*/

void cdp_live_change_begin(struct cdp_live_change *c, struct cdp_live *s)
{
	c->set = s;
	c->table = s->table;
	c->conf = s->conf;
	c->stays = false;
}

static bool same_hand(const struct cdp_conf *a, const struct cdp_conf *b)
{
	u32 i;

	for (i = 0; i < a->nr_legs; i++)
		if (a->legs[i].taken_out != b->legs[i].taken_out)
			return false;
	return true;
}

/* The plan was made from what was read a while ago; somebody else may have been quicker. */
static int check_unchanged(const struct cdp_live *s)
{
	struct cdp_live now;
	int r = cdp_live_open(&now, s->name);

	if (!r && (memcmp(&now.table.features, &s->table.features, sizeof(now.table.features)) ||
		   !cdp_table_same_legs(&now.table, &s->table) || !same_hand(&now.conf, &s->conf)))
		r = cdp_why(-EAGAIN, "%s was changed by somebody else meanwhile; try again",
			    s->name);
	cdp_live_close(&now);
	return r;
}

static int load_change(void *arg)
{
	struct cdp_live_change *c = arg;
	int r = cdp_conf_lock();

	if (!r)
		r = check_unchanged(c->set);
	if (!r)
		r = cdp_dm_reload(c->set->name, c->set->length, c->line);
	if (!r)
		r = cdp_live_refresh(c->set);
	if (r || !c->set->remembered)
		cdp_conf_unlock();
	return r;
}

static int save_change(void *arg)
{
	struct cdp_live_change *c = arg;

	int r;

	c->set->conf = c->conf;
	r = cdp_live_save(c->set);
	cdp_conf_unlock();
	return r;
}

/* The table before is at c->set->table until the set is opened again. */
static void unload_change(void *arg)
{
	struct cdp_live_change *c = arg;

	cdp_table_print(&c->set->table, c->line, sizeof(c->line));
	c->stays = cdp_dm_reload(c->set->name, c->set->length, c->line);
	if (c->stays || cdp_live_save_uuids(c->set->name))
		cdp_warn("%s", cdp_why_text());
}

void cdp_live_change_plan(struct cdp_steps *p, struct cdp_live_change *c)
{
	char path[CDP_PATH_TEXT];

	cdp_table_print(&c->table, c->line, sizeof(c->line));
	cdp_steps_add(p, load_change, unload_change, c, "dm: load into %s the table: 0 %llu cdp %s",
		      c->set->name, (unsigned long long)c->set->length, c->line);
	if (c->set->remembered)
		cdp_steps_add(p, save_change, NULL, c, "conf: write %s",
			      cdp_conf_path(c->set->name, path));
}
