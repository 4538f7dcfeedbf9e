// SPDX-License-Identifier: GPL-2.0
/* A configuration file: refused with its line, or read, printed and read back the same. */
#include "fuzz.h"
#include "conf.h"
#include "msg.h"

static void round_trip(const struct cdp_conf *c)
{
	struct cdp_conf *back = malloc(sizeof(*back));
	char *text = cdp_conf_print(c), *again;

	must(back && text);
	must(!cdp_conf_parse(back, "printed", text));
	again = cdp_conf_print(back);
	must(again && !strcmp(text, again));
	free(again);
	free(text);
	free(back);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *text = fuzz_text(data, size);
	struct cdp_conf *c = malloc(sizeof(*c));
	int r;

	must(c);
	cdp_why_clear();
	r = cdp_conf_parse(c, "input", text);
	must(r ? r == -EINVAL && strstr(cdp_why_text(), "input: ") : !*cdp_why_text());
	if (!r) {
		must(c->nr_legs >= 1 && c->nr_legs <= CDP_MAX_LEGS);
		round_trip(c);
	}
	free(c);
	free(text);
	return 0;
}
