/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The only user of libsmartcols: one list of columns gives the table for
 * people and the same rows as JSON.
 */
#ifndef CDP_TOOLS_OUT_H
#define CDP_TOOLS_OUT_H

#include "port.h"

enum {
	OUT_NUMBER	= 1,	/* JSON number; an empty cell is null */
	OUT_BOOL	= 2,	/* JSON boolean: "1" or "0" */
	OUT_RIGHT	= 4,
	OUT_TREE	= 8,	/* children are drawn below their parent */
	OUT_JSON_ONLY	= 16,
	OUT_TABLE_ONLY	= 32,
};

struct cdp_out_column {
	const char *name;	/* JSON key; in capitals the heading */
	u32 flags;
};

/*
 * Long tables are declared as one list, with x(ID, "name", flags) for each column:
 * CDP_OUT_COLUMNS(LIST); makes of it the numbers COL_ID and the array "columns".
 */
#define CDP_OUT_COLUMN_ID(id, name, flags)	COL_##id,
#define CDP_OUT_COLUMN(id, name, flags)		{ name, flags },
#define CDP_OUT_COLUMNS(list) \
	enum column { list(CDP_OUT_COLUMN_ID) }; \
	static const struct cdp_out_column columns[] = { list(CDP_OUT_COLUMN) }

struct cdp_out;			/* a table */
struct cdp_out_row;

/* @name: of the JSON array. NULL without memory; all calls below accept that. */
struct cdp_out *cdp_out_new(const char *name, const struct cdp_out_column *columns, u32 nr,
			    bool json);
/*
 * The same with the columns of @list in its order, "name,size_bytes", whatever form they
 * are for. NULL, with a sentence, if one of them is unknown. Without a list as above.
 */
struct cdp_out *cdp_out_new_list(const char *name, const struct cdp_out_column *columns, u32 nr,
				 bool json, const char *list);
struct cdp_out_row *cdp_out_row(struct cdp_out *o, struct cdp_out_row *parent);
void cdp_out_set(struct cdp_out *o, struct cdp_out_row *row, u32 column, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Print to stdout and free. 0 or -errno. */
int __must_check cdp_out_print(struct cdp_out *o);
/* Free without printing. */
void cdp_out_drop(struct cdp_out *o);

#endif
