// SPDX-License-Identifier: GPL-2.0
/* What is said of a leg, and the result of each verdict. */
#include "unit.h"
#include "explain.h"
#include "msg.h"
#include "sample.h"

TEST(says)
{
	struct cdp_uuid one = sample_uuid(1), three = sample_uuid(3), nobody = sample_uuid(8);
	char text[CDP_SAYS_TEXT];
	struct cdp_super s;

	setenv("TZ", "UTC", 1);
	sample_super(&s);
	ck_assert_str_eq(cdp_explain_says(&s, &one, text), "in-sync since 2023-11-14 22:14:10");
	ck_assert_str_eq(cdp_explain_says(&s, &three, text), "stale since 2023-11-14 22:14:12");
	s.legs[2].state = DISK_LEG_FAULTY;
	s.legs[2].changed = 0;
	ck_assert_str_eq(cdp_explain_says(&s, &three, text), "faulty or missing since -");
	ck_assert_str_eq(cdp_explain_says(&s, &nobody, text), "not a leg of the set");
}

/* Three legs: 0 is in-sync and away, 2 is here and knows it, 1 is here and knows less. */
static void make(struct cdp_still *s)
{
	u32 i;

	memset(s, 0, sizeof(*s));
	strcpy(s->conf.name, "vm1");
	s->conf.nr_legs = 3;
	for (i = 0; i < 3; i++) {
		struct cdp_plan_leg *l = &s->plan.legs[i];

		s->conf.legs[i].uuid = sample_uuid((u8)(i + 1));
		cdp_print(s->conf.legs[i].device, CDP_PATH_TEXT, "/nowhere/%u", i);
		l->present = s->found[i].here = i > 0;
		l->kind = SUPER_VALID;
		sample_super(&l->super);
		l->super.slot = i;
		l->super.leg_uuid = l->super.legs[i].uuid;
		l->super.legs[1].state = DISK_LEG_STALE;
	}
	s->plan.legs[1].super.legs[0].state = DISK_LEG_FAULTY;
	s->plan.legs[1].super.legs[2].state = DISK_LEG_IN_SYNC;
	s->plan.legs[1].super.generation = s->plan.legs[2].super.ancestors[0];
}

TEST(needed)
{
	static struct cdp_still s;

	make(&s);
	s.verdict = -ENODATA;
	ck_assert_int_eq(cdp_explain(&s), -ECDP_REFUSED);
	must(strstr(cdp_why_text(), "Needed is leg 0 (was at /nowhere/0)."), "%s",
	     cdp_why_text());
	strcpy(s.conf.legs[0].device, CDP_META_NONE);
	ck_assert_int_eq(cdp_explain(&s), -ECDP_REFUSED);
	must(strstr(cdp_why_text(), "Needed is leg 0 (of another host)."), "%s", cdp_why_text());
	s.plan.legs[2].super.legs[0].state = DISK_LEG_FAULTY;
	ck_assert_int_eq(cdp_explain(&s), -ECDP_REFUSED);
	must(strstr(cdp_why_text(), "does not know"), "%s", cdp_why_text());
}

TEST(verdicts)
{
	static struct cdp_still s;

	make(&s);
	ck_assert_int_eq(cdp_explain(&s), 0);
	strcpy(s.plan.why, "a reason");
	s.verdict = -EUCLEAN;
	ck_assert_int_eq(cdp_explain(&s), -ECDP_REFUSED);
	must(strstr(cdp_why_text(), "a reason"), "%s", cdp_why_text());
	s.verdict = -EINVAL;
	ck_assert_int_eq(cdp_explain(&s), -EINVAL);
}

/* Only legs that claim to be in-sync are offered as survivors. */
TEST(survivors)
{
	static struct cdp_still s;
	u32 i;

	make(&s);
	for (i = 0; i < 3; i++) {
		struct cdp_super *super = &s.plan.legs[i].super;

		s.plan.legs[i].present = s.found[i].here = true;
		strcpy(s.found[i].data, s.conf.legs[i].device);
		super->generation = 0x100 + i;
		super->legs[i].state = i == 2 ? DISK_LEG_STALE : DISK_LEG_IN_SYNC;
	}
	s.verdict = -ENOTUNIQ;
	ck_assert_int_eq(cdp_explain(&s), -ECDP_REFUSED);
	must(strstr(cdp_why_text(), "--keep /nowhere/0, or: cdpctl resolve vm1 --keep /nowhere/1"),
	     "%s", cdp_why_text());
	must(!strstr(cdp_why_text(), "/nowhere/2"), "%s", cdp_why_text());
}

UNIT_MAIN("explain", says, needed, verdicts, survivors)
