// SPDX-License-Identifier: GPL-2.0-or-later
#include <ctype.h>
#include <libsmartcols.h>
#include <stdlib.h>

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

	if (c->flags & (o->json ? OUT_TABLE_ONLY : OUT_JSON_ONLY))
		return NULL;
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

struct cdp_out *cdp_out_new(const char *name, const struct cdp_out_column *columns, u32 nr,
			    bool json)
{
	struct cdp_out *o = calloc(1, sizeof(*o));
	u32 i;

	if (!o || nr > MAX_COLUMNS)
		goto out_free;
	o->table = scols_new_table();
	if (!o->table)
		goto out_free;
	o->json = json;
	o->nr = nr;
	scols_table_set_name(o->table, name);
	scols_table_enable_json(o->table, json);
	for (i = 0; i < nr; i++)
		o->columns[i] = add_column(o, &columns[i]);
	return o;
out_free:
	free(o);
	return NULL;
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
