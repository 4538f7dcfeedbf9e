// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <strings.h>

#include "msg.h"
#include "out.h"

#define MAX_COLUMNS	64

struct cdp_out {
	struct libscols_table *table;
	bool json;
	u32 nr;
	struct libscols_column *columns[MAX_COLUMNS];	/* NULL: not shown in this form */
};

/* JSON keys are as given; the heading of a table is "WRITE ERRORS" for "write_errors". */
static void heading(const char *name, bool json, char *text, size_t size)
{
	size_t i;

	for (i = 0; name[i] && i < size - 1; i++)
		text[i] = json ? name[i] : name[i] == '_' ? ' ' : (char)toupper(name[i]);
	text[i] = '\0';
}

static struct libscols_column *add_column(struct cdp_out *o, const struct cdp_out_column *c)
{
	struct libscols_column *col;
	char name[64];
	int flags = 0;

	if (c->flags & (OUT_NUMBER | OUT_RIGHT))
		flags |= SCOLS_FL_RIGHT;
	if (c->flags & OUT_TREE)
		flags |= SCOLS_FL_TREE;
	heading(c->name, o->json, name, sizeof(name));
	col = scols_table_new_column(o->table, name, 0, flags);
	if (col && c->flags & OUT_NUMBER)
		scols_column_set_json_type(col, SCOLS_JSON_NUMBER);
	if (col && c->flags & OUT_BOOL)
		scols_column_set_json_type(col, SCOLS_JSON_BOOLEAN);
	return col;
}

static struct cdp_out *new_table(const char *name, u32 nr, bool json)
{
	struct cdp_out *o = calloc(1, sizeof(*o));

	if (!o || nr > MAX_COLUMNS)
		goto out_free;
	o->table = scols_new_table();
	if (!o->table)
		goto out_free;
	o->json = json;
	o->nr = nr;
	scols_table_set_name(o->table, name);
	scols_table_enable_json(o->table, json);
	return o;
out_free:
	free(o);
	return NULL;
}

struct cdp_out *cdp_out_new(const char *name, const struct cdp_out_column *columns, u32 nr,
			    bool json)
{
	struct cdp_out *o = new_table(name, nr, json);
	u32 i;

	for (i = 0; o && i < nr; i++)
		if (!(columns[i].flags & (json ? OUT_TABLE_ONLY : OUT_JSON_ONLY)))
			o->columns[i] = add_column(o, &columns[i]);
	return o;
}

static int unknown(const char *column, const struct cdp_out_column *columns, u32 nr)
{
	char all[CDP_MSG_TEXT / 2];
	int n = 0;
	u32 i;

	for (i = 0; i < nr; i++)
		n += cdp_print(all + n, sizeof(all) - (size_t)n, "%s%s", i ? "," : "",
			       columns[i].name);
	return cdp_why(-ECDP_USAGE, "there is no column \"%s\"; there are: %s", column, all);
}

static int find_column(const char *name, const struct cdp_out_column *columns, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (!strcasecmp(columns[i].name, name))
			return (int)i;
	return unknown(name, columns, nr);
}

/* They stand in the order of the list; what is named twice is there once. */
static int add_list(struct cdp_out *o, const struct cdp_out_column *columns, char *list)
{
	char *name, *save;
	int i = 0;

	for (name = strtok_r(list, ",", &save); name && i >= 0; name = strtok_r(NULL, ",", &save)) {
		i = find_column(name, columns, o->nr);
		if (i >= 0 && !o->columns[i])
			o->columns[i] = add_column(o, &columns[i]);
	}
	return i < 0 ? i : 0;
}

struct cdp_out *cdp_out_new_list(const char *name, const struct cdp_out_column *columns, u32 nr,
				 bool json, const char *list)
{
	struct cdp_out *o;
	char *copy;

	if (!list)
		return cdp_out_new(name, columns, nr, json);
	o = new_table(name, nr, json);
	copy = strdup(list);
	if (o && (!copy || add_list(o, columns, copy))) {
		cdp_out_drop(o);
		o = NULL;
	}
	free(copy);
	return o;
}

struct cdp_out_row *cdp_out_row(struct cdp_out *o, struct cdp_out_row *parent)
{
	return o ? (void *)scols_table_new_line(o->table, (void *)parent) : NULL;
}

void cdp_out_set(struct cdp_out *o, struct cdp_out_row *row, u32 column, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int r;

	if (!o || !row || column >= o->nr || !o->columns[column])
		return;
	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0)
		return;
	if (scols_line_refer_column_data((void *)row, o->columns[column], text))
		free(text);
}

int cdp_out_print(struct cdp_out *o)
{
	int r;

	if (!o)
		return cdp_why(-ENOMEM, "out of memory for the table");
	r = scols_print_table(o->table);
	if (!r && fflush(stdout))
		r = -errno;
	cdp_out_drop(o);
	return r;
}

void cdp_out_drop(struct cdp_out *o)
{
	if (o)
		scols_unref_table(o->table);
	free(o);
}
