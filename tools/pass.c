// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "history.h"
#include "msg.h"
#include "pass.h"
#include "size.h"

#define SUFFIX	".verify"

static const char *const state_name[PASS_STATES] = {
#define x(name, text) [PASS_##name] = text,
	CDP_PASS_STATES(x)
#undef x
};

/* Numbers, by the names that they have in the kernel's answer and in the file. */
static const struct field {
	const char *name;
	size_t at;
} fields[] = {
#define x(name) { #name, offsetof(struct cdp_pass, name) },
	x(began) x(ended) x(from) x(to) x(position) x(compared) x(skipped) x(unreadable)
#undef x
};

const char *cdp_pass_state_name(enum cdp_pass_state state)
{
	return state_name[state];
}

/*----------------------------------------------------------------*/

static void take_value(struct cdp_pass *p, const char *name, const char *value)
{
	u64 n;
	u32 i;

	for (i = 0; !strcmp(name, "state") && i < PASS_STATES; i++)
		if (!strcmp(value, state_name[i]))
			p->state = i;
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(name, fields[i].name) && !cdp_number_parse(value, UINT64_MAX, &n))
			*(u64 *)((char *)p + fields[i].at) = n;
}

static struct cdp_pass_diff *next_diff(struct cdp_pass *p, const char *first, const char *last)
{
	struct cdp_pass_diff *d = &p->diffs[p->nr];
	u64 end;

	if (p->nr == CDP_PASS_DIFFS || cdp_number_parse(first, INT64_MAX, &d->first) ||
	    cdp_number_parse(last, INT64_MAX, &end) || end < d->first)
		return NULL;
	d->sectors = end - d->first + 1;
	return d;
}

/* "difference FIRST-LAST LEG AGAINST": places in the table, or without @st UUIDs. */
static bool take_diff(struct cdp_pass *p, const char *line, const struct cdp_status *st)
{
	char first[24], last[24], leg[40], against[40];
	struct cdp_pass_diff *d;
	u64 a, b;

	if (sscanf(line, "difference %23[0-9]-%23[0-9] %39[0-9a-f-] %39[0-9a-f-]", first, last, leg,
		   against) != 4)
		return false;
	d = next_diff(p, first, last);
	if (!d)
		return true;
	if (!st) {
		p->nr += !cdp_uuid_parse(leg, &d->leg) && !cdp_uuid_parse(against, &d->against);
	} else if (!cdp_number_parse(leg, st->nr_legs - 1, &a) &&
		   !cdp_number_parse(against, st->nr_legs - 1, &b)) {
		d->leg = st->legs[a].uuid;
		d->against = st->legs[b].uuid;
		p->nr++;
	}
	return true;
}

static void take_lines(const char *text, const char *prefix, const struct cdp_status *st,
		       struct cdp_pass *p)
{
	size_t skip = strlen(prefix);
	char name[32], value[32];

	memset(p, 0, sizeof(*p));
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		if (!take_diff(p, text, st) && !strncmp(text, prefix, skip) &&
		    sscanf(text + skip, "%31[a-z] %31[a-z0-9]", name, value) == 2)
			take_value(p, name, value);
}

void cdp_pass_parse_status(const char *text, const struct cdp_status *st, struct cdp_pass *p)
{
	take_lines(text, "verify.", st, p);
}

int cdp_pass_parse(const char *text, struct cdp_pass *p)
{
	take_lines(text, "", NULL, p);
	return p->began && p->from < p->to && p->position <= p->to ? 0 : -EINVAL;
}

char *cdp_pass_print(const struct cdp_pass *p)
{
	char leg[CDP_UUID_TEXT], against[CDP_UUID_TEXT], *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	u32 i;

	if (!f)
		return NULL;
	fprintf(f, "state %s\n", state_name[p->state]);
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		fprintf(f, "%s %llu\n", fields[i].name,
			*(const unsigned long long *)((const char *)p + fields[i].at));
	for (i = 0; i < p->nr; i++)
		fprintf(f, "difference %llu-%llu %s %s\n", (unsigned long long)p->diffs[i].first,
			(unsigned long long)(p->diffs[i].first + p->diffs[i].sectors - 1),
			cdp_uuid_print(&p->diffs[i].leg, leg),
			cdp_uuid_print(&p->diffs[i].against, against));
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

/*----------------------------------------------------------------*/

/* The same difference, known better by now: it begins anywhere in @d, or touches it. */
static bool extend(struct cdp_pass_diff *d, const struct cdp_pass_diff *n)
{
	u64 end = d->first + d->sectors;

	if (!cdp_uuid_equal(&d->leg, &n->leg) || !cdp_uuid_equal(&d->against, &n->against) ||
	    n->first > end || d->first > n->first + n->sectors)
		return false;
	if (n->first + n->sectors > end)
		end = n->first + n->sectors;
	if (n->first < d->first)
		d->first = n->first;
	d->sectors = end - d->first;
	return true;
}

void cdp_pass_add(struct cdp_pass *p, const struct cdp_pass *rest)
{
	u32 i, k;

	p->state = rest->state;
	p->position = rest->position;
	p->compared += rest->compared;
	p->skipped += rest->skipped;
	p->unreadable += rest->unreadable;
	for (i = 0; i < rest->nr && p->nr < CDP_PASS_DIFFS; i++) {
		for (k = 0; k < p->nr && !extend(&p->diffs[k], &rest->diffs[i]); k++)
			;
		if (k == p->nr)
			p->diffs[p->nr++] = rest->diffs[i];
	}
}

/*----------------------------------------------------------------*/

int cdp_pass_load(const char *name, struct cdp_pass *p)
{
	char *text;
	int r = cdp_state_read(name, SUFFIX, &text);

	memset(p, 0, sizeof(*p));
	if (r)
		return r;
	if (!*text)
		r = -ENOENT;
	else if (cdp_pass_parse(text, p))
		r = cdp_why(-EINVAL, "%s/%s%s is damaged; remove it", cdp_state_dir(), name,
			    SUFFIX);
	free(text);
	return r;
}

int cdp_pass_save(const char *name, const struct cdp_pass *p)
{
	char *text = cdp_pass_print(p);
	int r = text ? cdp_state_write(name, SUFFIX, text) : -ENOMEM;

	free(text);
	return r;
}
