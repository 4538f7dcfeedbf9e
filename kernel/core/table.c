// SPDX-License-Identifier: GPL-2.0-or-later
#include "table.h"

/* No device has more sectors than this: its size in bytes is a signed 64-bit number. */
#define MAX_SECTOR	((1ull << 54) - 1)

/* Features: one table that counts, prints and parses. */
enum keyword_kind { KIND_FLAG, KIND_WORD, KIND_NUMBER, KIND_LIMIT };

struct keyword {
	const char *name;
	u32 field;		/* offset in struct cdp_features */
	u32 dflt;
	enum keyword_kind kind;
	u32 max;
	const char *words[3];
};

static const struct keyword keywords[] = {
#define FLAG		KIND_FLAG, 1, { NULL }
#define WORD(...)	KIND_WORD, 0, { __VA_ARGS__ }
#define NUMBER(max)	KIND_NUMBER, max, { NULL }
#define LIMIT(off, on, max) KIND_LIMIT, max, { off, on }
#define x(name, values, dflt) { #name, offsetof(struct cdp_features, name), dflt, values },
	CDP_FEATURES(x)
#undef x
#undef LIMIT
#undef NUMBER
#undef WORD
#undef FLAG
};

static const char *const leg_state_names[] = {
#define x(name, text) text,
	CDP_LEG_STATES(x)
#undef x
};

static const char *const health_names[] = {
#define x(name, text) text,
	CDP_HEALTHS(x)
#undef x
};

static const char *const resync_names[] = {
	[RESYNC_IDLE] = "idle", [RESYNC_RUNNING] = "running", [RESYNC_PAUSED] = "paused",
};

static const char *name_of(const char *const *names, u32 count, u32 i)
{
	return i < count ? names[i] : "-";
}

const char *cdp_leg_state_name(enum cdp_leg_state state)
{
	return name_of(leg_state_names, LEG_STATES, state);
}

const char *cdp_health_name(enum cdp_health health)
{
	return name_of(health_names, HEALTHS, health);
}

const char *cdp_resync_name(enum cdp_resync_state state)
{
	return name_of(resync_names, RESYNC_STATES, state);
}

/*
 * What both lines need: refusals, numbers, words.
 */

static bool is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != '\\';
}

/* A refusal quotes what was given, which may hold anything: it goes to logs. */
static int refused(char *why)
{
	for (; *why; why++)
		if (*why != ' ' && !is_plain(*why))
			*why = '?';
	return -EINVAL;
}

#define refuse(why, ...) (cdp_print(why, CDP_WHY_TEXT, __VA_ARGS__), refused(why))

/* Decimal digits at @text; where they end, or NULL for none or too many. */
static const char *digits(const char *text, u64 *v)
{
	const char *p = text;

	for (*v = 0; *p >= '0' && *p <= '9'; p++) {
		u32 d = (u32)(*p - '0');

		if (*v > ~0ull / 10 || (*v == ~0ull / 10 && d > ~0ull % 10))
			return NULL;
		*v = *v * 10 + d;
	}
	return p == text ? NULL : p;
}

static bool number(const char *text, u64 max, u64 *v)
{
	const char *end = digits(text, v);

	return end && !*end && *v <= max;
}

static bool is_none(const char *text)
{
	return !strcmp(text, "-");
}

/*
 * Table line.
 */

struct args {
	u32 argc;
	char **argv;
	u32 at;
	char *why;
	char subject[16];	/* "leg 1: " while a leg is read */
};

static int take(struct args *a, const char *what, const char **word)
{
	if (a->at >= a->argc)
		return refuse(a->why, "%s%s is missing", a->subject, what);
	*word = a->argv[a->at++];
	return 0;
}

static int take_number(struct args *a, const char *what, const char *shall, u64 max, u64 *v)
{
	const char *word;
	int r = take(a, what, &word);

	if (!r && !number(word, max, v))
		r = refuse(a->why, "%s%s '%.40s' is not %s", a->subject, what, word, shall);
	return r;
}

static int take_device(struct args *a, const char *what, const char **dev)
{
	const char *p;
	int r = take(a, what, dev);

	if (r)
		return r;
	for (p = *dev; is_plain(*p); p++)
		;
	if (p == *dev || *p)
		return refuse(a->why, "%s%s '%.40s' is not a device name", a->subject, what, *dev);
	return 0;
}

static int parse_head(struct args *a, struct cdp_table *t)
{
	const char *shall = "a power of two from 8 to 32768";
	u64 v = 0;
	int r = take_number(a, "region size", shall, CDP_MAX_REGION_SECTORS, &v);

	if (!r && (v < CDP_MIN_REGION_SECTORS || (v & (v - 1))))
		r = refuse(a->why, "region size '%.40s' is not %s", a->argv[0], shall);
	if (r)
		return r;
	t->region_sectors = (u32)v;

	shall = "a number from 1 to 8";
	r = take_number(a, "number of legs", shall, CDP_MAX_LEGS, &v);
	if (!r && !v)
		r = refuse(a->why, "number of legs '0' is not %s", shall);
	if (!r)
		t->nr_legs = (u32)v;
	return r;
}

/* A missing leg is "- 0 - 0", a leg without metadata ends in "- 0". */
static int check_leg(struct args *a, const struct cdp_table_leg *leg)
{
	if (is_none(leg->meta_dev) && leg->meta_start)
		return refuse(a->why, "%smetadata start must be 0 without a metadata device",
			      a->subject);
	if (!is_none(leg->data_dev))
		return 0;
	if (leg->data_start)
		return refuse(a->why, "%sdata start must be 0 without a data device", a->subject);
	if (!is_none(leg->meta_dev))
		return refuse(a->why, "%smetadata without a data device", a->subject);
	return 0;
}

static int parse_leg(struct args *a, struct cdp_table_leg *leg)
{
	const char *sectors = "a number of sectors";
	int r = take_device(a, "data device", &leg->data_dev);

	if (!r)
		r = take_number(a, "data start", sectors, MAX_SECTOR, &leg->data_start);
	if (!r)
		r = take_device(a, "metadata device", &leg->meta_dev);
	if (!r)
		r = take_number(a, "metadata start", sectors, MAX_SECTOR, &leg->meta_start);
	return r ? r : check_leg(a, leg);
}

static int parse_legs(struct args *a, struct cdp_table *t)
{
	u32 i;
	int r = 0;

	for (i = 0; !r && i < t->nr_legs; i++) {
		cdp_print(a->subject, sizeof(a->subject), "leg %u: ", i);
		r = parse_leg(a, &t->legs[i]);
	}
	a->subject[0] = '\0';
	return r;
}

/* What is wrong with two present legs in one set. */
static int check_pair(const struct cdp_table *t, u32 i, u32 k, char *why)
{
	const struct cdp_table_leg *a = &t->legs[i], *b = &t->legs[k];

	if (!strcmp(a->data_dev, b->data_dev))
		return refuse(why, "legs %u and %u have the same data device '%.40s'",
			      i, k, a->data_dev);
	if (is_none(a->meta_dev) != is_none(b->meta_dev))
		return refuse(why, "leg %u has metadata and leg %u has none: all legs or no leg",
			      is_none(a->meta_dev) ? k : i, is_none(a->meta_dev) ? i : k);
	if (!is_none(a->meta_dev) && !strcmp(a->meta_dev, b->meta_dev) &&
	    a->meta_start == b->meta_start)
		return refuse(why, "legs %u and %u have their metadata at the same place", i, k);
	return 0;
}

static int check_legs(const struct cdp_table *t, char *why)
{
	u32 i, k, present = 0;

	for (i = 0; i < t->nr_legs; i++) {
		if (is_none(t->legs[i].data_dev))
			continue;
		present++;
		for (k = 0; k < i; k++)
			if (!is_none(t->legs[k].data_dev) && check_pair(t, k, i, why))
				return -EINVAL;
	}
	return present ? 0 : refuse(why, "no leg has a data device");
}

/*
 * Features.
 */

static u32 *value_of(struct cdp_features *f, const struct keyword *k)
{
	return (u32 *)((u8 *)f + k->field);
}

static u32 value_in(const struct cdp_features *f, const struct keyword *k)
{
	return *(const u32 *)((const u8 *)f + k->field);
}

static const struct keyword *find_keyword(const char *name)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(keywords); i++)
		if (!strcmp(keywords[i].name, name))
			return &keywords[i];
	return NULL;
}

static int parse_number(const struct keyword *k, const char *word, u32 min, u32 *value, char *why)
{
	u64 v = 0;

	if (!number(word, k->max, &v) || v < min)
		return refuse(why, "%s: '%.40s' is not a number from %u to %u",
			      k->name, word, min, k->max);
	*value = (u32)v;
	return 0;
}

static int parse_word(const struct keyword *k, const char *word, u32 *value, char *why)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(k->words) && k->words[i]; i++)
		if (!strcmp(word, k->words[i])) {
			*value = i;
			return 0;
		}
	if (i == 2)
		return refuse(why, "%s: '%.40s' is neither '%s' nor '%s'",
			      k->name, word, k->words[0], k->words[1]);
	return refuse(why, "%s: '%.40s' is none of '%s', '%s', '%s'",
		      k->name, word, k->words[0], k->words[1], k->words[2]);
}

static int parse_value(const struct keyword *k, struct args *a, u32 *value)
{
	const char *word;
	int r;

	if (k->kind == KIND_FLAG) {
		*value = 1;
		return 0;
	}
	if (a->at == a->argc)
		return refuse(a->why, "%s lacks its value", k->name);
	word = a->argv[a->at++];
	if (k->kind == KIND_NUMBER)
		return parse_number(k, word, 0, value, a->why);
	r = parse_word(k, word, value, a->why);
	if (r || k->kind == KIND_WORD || !*value)
		return r;
	if (a->at == a->argc)
		return refuse(a->why, "%s %s lacks its number", k->name, word);
	return parse_number(k, a->argv[a->at++], 1, value, a->why);
}

static int parse_feature(struct args *a, struct cdp_features *f, u32 *seen)
{
	const char *word = a->argv[a->at++];
	const struct keyword *k = find_keyword(word);
	u32 bit;

	if (!k)
		return refuse(a->why, "feature '%.40s' is not known", word);
	bit = 1u << (k - keywords);
	if (*seen & bit)
		return refuse(a->why, "%s given twice", k->name);
	*seen |= bit;
	return parse_value(k, a, value_of(f, k));
}

static int parse_features(struct args *a, struct cdp_features *f)
{
	u32 i, seen = 0;
	u64 announced = 0;
	int r = take_number(a, "number of features", "a number", ~0u, &announced);

	if (!r && announced != a->argc - a->at)
		r = refuse(a->why, "features: %u announced, %u given",
			   (u32)announced, a->argc - a->at);
	for (i = 0; i < ARRAY_SIZE(keywords); i++)
		*value_of(f, &keywords[i]) = keywords[i].dflt;
	while (!r && a->at < a->argc)
		r = parse_feature(a, f, &seen);
	return r;
}

int cdp_table_parse(struct cdp_table *t, u32 argc, char **argv, char *why)
{
	struct args a = { .argc = argc, .argv = argv, .why = why };
	int r;

	memset(t, 0, sizeof(*t));
	why[0] = '\0';
	r = parse_head(&a, t);
	if (!r)
		r = parse_legs(&a, t);
	if (!r)
		r = parse_features(&a, &t->features);
	return r ? r : check_legs(t, why);
}

/* Words that a feature takes in the line: none when it has its default. */
static u32 count_words(const struct keyword *k, u32 v)
{
	if (v == k->dflt)
		return 0;
	if (k->kind == KIND_FLAG)
		return 1;
	return k->kind == KIND_LIMIT && v ? 3 : 2;
}

static int print_feature(const struct keyword *k, u32 v, char *buf, size_t size)
{
	switch (k->kind) {
	case KIND_NUMBER:
		return cdp_print(buf, size, " %s %u", k->name, v);
	case KIND_WORD:
		return cdp_print(buf, size, " %s %s", k->name,
				 name_of(k->words, ARRAY_SIZE(k->words), v));
	case KIND_LIMIT:
		return v ? cdp_print(buf, size, " %s %s %u", k->name, k->words[1], v) :
			   cdp_print(buf, size, " %s %s", k->name, k->words[0]);
	default:
		return cdp_print(buf, size, " %s", k->name);
	}
}

static int print_features(const struct cdp_features *f, char *buf, size_t size)
{
	u32 i, words = 0;
	int n;

	for (i = 0; i < ARRAY_SIZE(keywords); i++)
		words += count_words(&keywords[i], value_in(f, &keywords[i]));
	n = cdp_print(buf, size, " %u", words);
	for (i = 0; i < ARRAY_SIZE(keywords); i++)
		if (count_words(&keywords[i], value_in(f, &keywords[i])))
			n += print_feature(&keywords[i], value_in(f, &keywords[i]),
					   buf + n, size - n);
	return n;
}

int cdp_table_print(const struct cdp_table *t, char *buf, size_t size)
{
	u32 i;
	int n = cdp_print(buf, size, "%u %u", t->region_sectors, t->nr_legs);

	for (i = 0; i < t->nr_legs; i++)
		n += cdp_print(buf + n, size - n, " %s %llu %s %llu",
			       t->legs[i].data_dev, (unsigned long long)t->legs[i].data_start,
			       t->legs[i].meta_dev, (unsigned long long)t->legs[i].meta_start);
	return n + print_features(&t->features, buf + n, size - n);
}

bool cdp_table_same_legs(const struct cdp_table *a, const struct cdp_table *b)
{
	u32 i;

	if (a->nr_legs != b->nr_legs)
		return false;
	for (i = 0; i < a->nr_legs; i++)
		if (strcmp(a->legs[i].data_dev, b->legs[i].data_dev) ||
		    strcmp(a->legs[i].meta_dev, b->legs[i].meta_dev) ||
		    a->legs[i].data_start != b->legs[i].data_start ||
		    a->legs[i].meta_start != b->legs[i].meta_start)
			return false;
	return true;
}

/*
 * Status line.
 */

static const char *uuid_text(const struct cdp_uuid *u, char text[CDP_UUID_TEXT])
{
	return cdp_uuid_is_null(u) ? "-" : cdp_uuid_print(u, text);
}

static int print_leg_status(const struct cdp_leg_status *l, char *buf, size_t size)
{
	char text[CDP_UUID_TEXT];

	return cdp_print(buf, size, " %s %s %s %llu/%llu %llu %llu",
			 uuid_text(&l->uuid, text), l->data_dev[0] ? l->data_dev : "-",
			 cdp_leg_state_name(l->state),
			 (unsigned long long)l->stale_regions, (unsigned long long)l->regions,
			 (unsigned long long)l->write_errors, (unsigned long long)l->read_errors);
}

int cdp_status_print(const struct cdp_status *s, char *buf, size_t size)
{
	char text[CDP_UUID_TEXT];
	u32 i;
	int n = cdp_print(buf, size, "%s %s ", uuid_text(&s->set_uuid, text),
			  cdp_health_name(s->health));

	if (s->read_leg < 0)
		n += cdp_print(buf + n, size - n, "- %u", s->nr_legs);
	else
		n += cdp_print(buf + n, size - n, "%d %u", s->read_leg, s->nr_legs);
	for (i = 0; i < s->nr_legs; i++)
		n += print_leg_status(&s->legs[i], buf + n, size - n);
	return n + cdp_print(buf + n, size - n, " %s %llu/%llu %016llx",
			     cdp_resync_name(s->resync), (unsigned long long)s->copied,
			     (unsigned long long)s->to_copy, (unsigned long long)s->generation);
}

struct line {
	const char *rest;
	char word[CDP_DEV_TEXT];
	char *why;
};

/* The next word of the line into @l->word. */
static int next_word(struct line *l, const char *what)
{
	u32 n = 0;

	while (*l->rest == ' ')
		l->rest++;
	for (; *l->rest && *l->rest != ' '; l->rest++) {
		if (n == sizeof(l->word) - 1 || !is_plain(*l->rest))
			return refuse(l->why, "status: %s is too long or not text", what);
		l->word[n++] = *l->rest;
	}
	l->word[n] = '\0';
	return n ? 0 : refuse(l->why, "status: %s is missing", what);
}

static int bad_word(struct line *l, const char *what)
{
	return refuse(l->why, "status: %s '%.40s' is not understood", what, l->word);
}

static int next_uuid(struct line *l, const char *what, struct cdp_uuid *u)
{
	int r = next_word(l, what);

	if (!r && !is_none(l->word) && cdp_uuid_parse(l->word, u))
		r = bad_word(l, what);
	return r;
}

static int next_name(struct line *l, const char *what, const char *const *names,
		     u32 count, u32 *found)
{
	int r = next_word(l, what);

	for (*found = 0; !r && *found < count; ++*found)
		if (!strcmp(names[*found], l->word))
			return 0;
	return r ? r : bad_word(l, what);
}

static int next_number(struct line *l, const char *what, u64 max, u64 *v)
{
	int r = next_word(l, what);

	if (!r && !number(l->word, max, v))
		r = bad_word(l, what);
	return r;
}

/* "<a>/<b>" */
static int next_pair(struct line *l, const char *what, u64 *a, u64 *b)
{
	const char *p;
	int r = next_word(l, what);

	if (r)
		return r;
	p = digits(l->word, a);
	if (!p || *p != '/' || !number(p + 1, ~0ull, b))
		return bad_word(l, what);
	return 0;
}

static int next_generation(struct line *l, u64 *v)
{
	const char *what = "generation", *p;
	int r = next_word(l, what);

	*v = 0;
	for (p = l->word; !r && *p; p++) {
		if (*p >= '0' && *p <= '9')
			*v = *v << 4 | (u64)(*p - '0');
		else if (*p >= 'a' && *p <= 'f')
			*v = *v << 4 | (u64)(*p - 'a' + 10);
		else
			r = bad_word(l, what);
	}
	if (!r && p != l->word + 16)
		r = bad_word(l, what);
	return r;
}

static int parse_leg_status(struct line *l, struct cdp_leg_status *leg)
{
	u32 state;
	int r = next_uuid(l, "UUID of a leg", &leg->uuid);

	if (!r)
		r = next_word(l, "device of a leg");
	if (!r && !is_none(l->word))
		memcpy(leg->data_dev, l->word, strlen(l->word) + 1);
	if (!r)
		r = next_name(l, "state of a leg", leg_state_names, LEG_STATES, &state);
	if (r)
		return r;
	leg->state = (enum cdp_leg_state)state;

	r = next_pair(l, "stale regions", &leg->stale_regions, &leg->regions);
	if (!r)
		r = next_number(l, "write errors", ~0ull, &leg->write_errors);
	return r ? r : next_number(l, "read errors", ~0ull, &leg->read_errors);
}

/* From the start to the number of legs. */
static int parse_status_head(struct line *l, struct cdp_status *s)
{
	u64 legs, read_leg = 0;
	u32 health;
	bool none;
	int r = next_uuid(l, "UUID of the set", &s->set_uuid);

	if (!r)
		r = next_name(l, "health", health_names, HEALTHS, &health);
	if (!r)
		r = next_word(l, "read leg");
	if (r)
		return r;
	s->health = (enum cdp_health)health;
	none = is_none(l->word);
	if (!none && !number(l->word, CDP_MAX_LEGS - 1, &read_leg))
		return bad_word(l, "read leg");
	s->read_leg = none ? -1 : (int)read_leg;

	r = next_number(l, "number of legs", CDP_MAX_LEGS, &legs);
	if (!r && read_leg >= legs)
		r = bad_word(l, "number of legs");
	if (!r)
		s->nr_legs = (u32)legs;
	return r;
}

int cdp_status_parse(struct cdp_status *s, const char *line, char *why)
{
	struct line l = { .rest = line, .why = why };
	u32 i, resync;
	int r;

	memset(s, 0, sizeof(*s));
	why[0] = '\0';
	r = parse_status_head(&l, s);
	for (i = 0; !r && i < s->nr_legs; i++)
		r = parse_leg_status(&l, &s->legs[i]);
	if (!r)
		r = next_name(&l, "resync", resync_names, RESYNC_STATES, &resync);
	if (!r) {
		s->resync = (enum cdp_resync_state)resync;
		r = next_pair(&l, "copied regions", &s->copied, &s->to_copy);
	}
	if (!r)
		r = next_generation(&l, &s->generation);
	while (*l.rest == ' ' && !r)
		l.rest++;
	if (!r && *l.rest)
		r = refuse(why, "status: words are left over: '%.40s'", l.rest);
	return r;
}
