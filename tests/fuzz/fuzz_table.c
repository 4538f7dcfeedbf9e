// SPDX-License-Identifier: GPL-2.0
/* A table line; words end at spaces and newlines, as in device-mapper. */
#include "fuzz.h"
#include "table.h"

#define WORDS	128u

static u32 split(char *text, char **argv)
{
	u32 argc = 0;
	char *p, *save;

	for (p = strtok_r(text, "\n ", &save); p && argc < WORDS; p = strtok_r(NULL, "\n ", &save))
		argv[argc++] = p;
	return argc;
}

static bool same(const struct cdp_table *a, const struct cdp_table *b)
{
	return cdp_table_same_legs(a, b) && a->region_sectors == b->region_sectors &&
	       !memcmp(&a->features, &b->features, sizeof(a->features));
}

/* No line can grow when printed by more than what normal numbers and spaces take. */
static void check_round_trip(const struct cdp_table *t, size_t size)
{
	size_t room = size + 64;
	char *line = malloc(room), *again = malloc(room), *argv[WORDS], why[CDP_WHY_TEXT];
	struct cdp_table back;
	int n;

	must(line && again);
	n = cdp_table_print(t, line, room);
	must(n == (int)strlen(line) && n < (int)room - 1);
	strcpy(again, line);
	must(!cdp_table_parse(&back, split(again, argv), argv, why));
	must(same(t, &back));
	free(line);
	free(again);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *text = fuzz_text(data, size), *why = malloc(CDP_WHY_TEXT), *argv[WORDS];
	struct cdp_table t;
	int r;

	must(why);
	r = cdp_table_parse(&t, split(text, argv), argv, why);
	must(r == (why[0] ? -EINVAL : 0) && strlen(why) < CDP_WHY_TEXT);
	if (!r) {
		must(t.nr_legs >= 1 && t.nr_legs <= CDP_MAX_LEGS);
		check_round_trip(&t, size);
	}
	free(why);
	free(text);
	return 0;
}
