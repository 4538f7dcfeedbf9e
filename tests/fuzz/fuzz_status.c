// SPDX-License-Identifier: GPL-2.0
/* A status line, as cdpctl gets it from device-mapper. */
#include "fuzz.h"
#include "table.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *text = fuzz_text(data, size), *why = malloc(CDP_WHY_TEXT), line[2048];
	struct cdp_status s, back;
	int r, n;

	must(why);
	r = cdp_status_parse(&s, text, why);
	must(r == (why[0] ? -EINVAL : 0) && strlen(why) < CDP_WHY_TEXT);
	if (!r) {
		must(s.nr_legs >= 1 && s.nr_legs <= CDP_MAX_LEGS);
		must(s.read_leg >= -1 && s.read_leg < (int)s.nr_legs);
		n = cdp_status_print(&s, line, sizeof(line));
		must(n == (int)strlen(line) && n < (int)sizeof(line) - 1);
		must(!cdp_status_parse(&back, line, why));
		must(!memcmp(&s, &back, sizeof(s)));
	}
	free(why);
	free(text);
	return 0;
}
