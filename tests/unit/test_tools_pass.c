// SPDX-License-Identifier: GPL-2.0
/* A pass of verify: the kernel's answer, the file, and what a rest adds. */
#include <stdlib.h>

#include "unit.h"
#include "pass.h"

#define A	"53e24a9a-ab6d-4e44-a694-3159f1b80114"
#define B	"53e24a9a-ab6d-4e44-a694-3159f1b80115"
#define ANSWER \
	"verify.state stopped\nverify.from 0\nverify.to 4096\nverify.position 1024\n" \
	"verify.compared 1000\nverify.skipped 24\nverify.unreadable 0\nverify.rate 7\nverify.later 9\n" \
	"difference 5-5 1 0\ndifference 64-127 0 1\ndifference 9-8 1 0\ndifference 9-9 2 0\nnonsense"
#define REST \
	"verify.state finished\nverify.from 1024\nverify.to 4096\nverify.position 4096\n" \
	"verify.compared 3072\ndifference 6-9 1 0\ndifference 6-6 0 1\n"

static struct cdp_status status(void)
{
	struct cdp_status st = { .nr_legs = 2 };

	must(!cdp_uuid_parse(A, &st.legs[0].uuid) && !cdp_uuid_parse(B, &st.legs[1].uuid), "uuids");
	return st;
}

TEST(answer)
{
	struct cdp_status st = status();
	struct cdp_pass p;

	cdp_pass_parse_status(ANSWER, &st, &p);
	must(p.state == PASS_STOPPED && p.to == 4096 && p.position == 1024 && p.compared == 1000 &&
	     p.skipped == 24, "numbers");
	must(p.nr == 2 && p.diffs[0].first == 5 && p.diffs[0].sectors == 1 &&
	     p.diffs[1].sectors == 64, "what is no range of a known leg is left out");
	must(cdp_uuid_equal(&p.diffs[0].leg, &st.legs[1].uuid) &&
	     cdp_uuid_equal(&p.diffs[1].against, &st.legs[1].uuid), "legs");
	must(cdp_pass_is_open(&p), "a rest is to be done");
	cdp_pass_parse_status("", &st, &p);
	must(p.state == PASS_IDLE && !cdp_pass_is_open(&p), "nothing");
}

TEST(file)
{
	struct cdp_status st = status();
	struct cdp_pass p, again;
	char *text;

	cdp_pass_parse_status(ANSWER, &st, &p);
	p.began = 1795308208;
	text = cdp_pass_print(&p);
	must(!cdp_pass_parse(text, &again), "parses");
	must(!memcmp(&p, &again, offsetof(struct cdp_pass, diffs)) &&
	     !memcmp(p.diffs, again.diffs, p.nr * sizeof(p.diffs[0])), "to the same");
	free(text);
	must(cdp_pass_parse("", &p) && cdp_pass_parse("state running\nto 5\n", &p) &&
	     cdp_pass_parse("began 1\nto 5\nposition 6\n", &p), "damaged");
}

TEST(the_rest)
{
	struct cdp_status st = status();
	struct cdp_pass p, rest;

	cdp_pass_parse_status(ANSWER, &st, &p);
	cdp_pass_parse_status(REST, &st, &rest);
	cdp_pass_add(&p, &rest);
	must(p.state == PASS_FINISHED && p.compared == 4072 && p.position == 4096 && !p.from, "sums");
	must(p.nr == 3 && p.diffs[0].first == 5 && p.diffs[0].sectors == 5 && p.diffs[2].first == 6,
	     "ranges that touch are one, on the same legs");
	must(!cdp_pass_is_open(&p), "done");
}

UNIT_MAIN("tools/pass", answer, file, the_rest)
