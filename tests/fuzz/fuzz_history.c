// SPDX-License-Identifier: GPL-2.0
/* The history file: what is read prints to the same, and outages are in order. */
#include "fuzz.h"
#include "history.h"

static void check_line(const char *line)
{
	char text[CDP_HISTORY_LINE], again[CDP_HISTORY_LINE];
	struct cdp_history_record r, back;
	int n;

	if (cdp_history_parse(line, &r))
		return;
	n = cdp_history_print(&r, text);
	must(n == (int)strlen(text) && n < CDP_HISTORY_LINE && strchr(text, '\n') == text + n - 1);
	must(!cdp_history_parse(text, &back));
	cdp_history_print(&back, again);
	must(!strcmp(text, again));
	must(r.seconds == back.seconds && r.kind == back.kind && r.seq == back.seq &&
	     r.missed_bytes == back.missed_bytes && r.copied_bytes == back.copied_bytes);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct cdp_history_record r;
	struct cdp_outage *o;
	const char *line;
	int nr, i, open = 0;

	for (line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		check_line(line);
	nr = cdp_history_outages(text, &o);
	must(nr >= 0 && (nr > 0) == !!o);
	for (i = 0; i < nr; i++)
		open += !o[i].end;
	must(open <= nr);
	must(nr == 0 || cdp_history_last(text, &o[nr - 1].leg, &r));
	free(o);
	free(text);
	return 0;
}
