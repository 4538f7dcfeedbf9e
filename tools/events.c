// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "dm.h"
#include "events.h"
#include "msg.h"

static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return line + (*line == '\n');
}

static bool same(const struct cdp_event *a, const struct cdp_event *b)
{
	return a->seq == b->seq && a->seconds == b->seconds && !strcmp(a->what, b->what) &&
		!strcmp(a->leg, b->leg);
}

const char *cdp_events_unseen(const char *text, const struct cdp_event *last)
{
	struct cdp_event e;
	const char *line;

	for (line = text; *line; line = next_line(line))
		if (!cdp_event_parse(line, &e) && same(&e, last))
			return next_line(line);
	return text;	/* a new list */
}

/* An answer has whole lines, but not always all of them: then more are asked for. */
static int read_part(const char *name, FILE *f, u64 *since)
{
	char request[40], *answer;
	struct cdp_event e;
	const char *line;
	u64 from = *since;
	int r;

	cdp_print(request, sizeof(request), "events %llu", (unsigned long long)from);
	r = cdp_dm_message(name, request, &answer);
	if (r)
		return r;
	for (line = answer; *line; line = next_line(line))
		if (!cdp_event_parse(line, &e) && e.seq > *since)
			*since = e.seq;
	if (*answer)
		fprintf(f, "%s\n", answer);
	free(answer);
	return *since > from;
}

static int read_all(const char *name, char **text)
{
	u64 since = 0;
	size_t size;
	FILE *f = open_memstream(text, &size);
	int r;

	if (!f)
		return -ENOMEM;
	do {
		r = read_part(name, f, &since);
	} while (r > 0);
	return fclose(f) ? -ENOMEM : r;
}

int cdp_events_new(const char *name, struct cdp_event *last,
		   int (*each)(const struct cdp_event *e, void *ctx), void *ctx)
{
	char *text = NULL;
	const char *line;
	struct cdp_event e;
	int r = read_all(name, &text);

	for (line = r ? "" : cdp_events_unseen(text, last); *line && !r; line = next_line(line)) {
		if (cdp_event_parse(line, &e)) {
			cdp_warn("%s: an event is not understood: %.*s", name,
				 (int)strcspn(line, "\n"), line);
			continue;
		}
		*last = e;
		r = each(&e, ctx);
	}
	free(text);
	return r;
}
