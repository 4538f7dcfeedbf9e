// SPDX-License-Identifier: GPL-2.0-or-later
#include "event.h"
#include "size.h"

/* The next word of *line into @to; false when there is none or it is too long. */
static bool take_word(const char **line, char *to, size_t size)
{
	const char *start = *line + strspn(*line, " ");
	size_t len = strcspn(start, "\n ");

	if (!len || len >= size)
		return false;
	memcpy(to, start, len);
	to[len] = '\0';
	*line = start + len;
	return true;
}

int cdp_event_parse(const char *line, struct cdp_event *e)
{
	char seq[24], seconds[24];

	memset(e, 0, sizeof(*e));
	if (!take_word(&line, seq, sizeof(seq)) || !take_word(&line, seconds, sizeof(seconds)) ||
	    !take_word(&line, e->what, sizeof(e->what)) ||
	    !take_word(&line, e->leg, sizeof(e->leg)))
		return -EINVAL;
	if (cdp_number_parse(seq, UINT64_MAX, &e->seq) ||
	    cdp_number_parse(seconds, INT64_MAX, &e->seconds))
		return -EINVAL;
	line += strspn(line, " ");
	cdp_print(e->detail, sizeof(e->detail), "%.*s", (int)strcspn(line, "\n"), line);
	return 0;
}
