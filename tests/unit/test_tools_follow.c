// SPDX-License-Identifier: GPL-2.0
/* What is shown and judged: events, progress, when a wait is over, features. */
#include "unit.h"
#include "event.h"
#include "follow.h"
#include "md-io.h"
#include "msg.h"
#include "new-leg.h"
#include "opts.h"

#define LINE	"12 1795308208 leg-failed " UUID " write error at 8\nnext"
#define UUID	"53e24a9a-ab6d-4e44-a694-3159f1b80114"

TEST(events)
{
	struct cdp_event e;

	must(!cdp_event_parse(LINE, &e), "refused");
	must(e.seq == 12 && e.seconds == 1795308208, "numbers");
	ck_assert_str_eq(e.what, "leg-failed");
	ck_assert_str_eq(e.leg, UUID);
	ck_assert_str_eq(e.detail, "write error at 8");
	must(!cdp_event_parse("1 2 optimal -", &e) && !e.detail[0], "no detail");
	must(cdp_event_parse("", &e) && cdp_event_parse("1", &e) && cdp_event_parse("1 2 x", &e) &&
	     cdp_event_parse("x 2 x -", &e) && cdp_event_parse("1 -2 x -", &e) &&
	     cdp_event_parse("1 2 averyveryveryveryveryverylongwor -", &e), "taken");
	must(!cdp_event_parse("1 2 averyveryveryveryveryverylongwo -", &e) &&
	     strlen(e.what) == sizeof(e.what) - 1, "the longest word");
}

TEST(progress)
{
	char text[256];

	cdp_progress_line(text, sizeof(text), 512 << 20, 1 << 30, 64 << 20, 10);
	ck_assert_str_eq(text, "#####.....  50.0%  512.0 MiB of 1.0 GiB  64.0 MiB/s  8 s left");
	cdp_progress_line(text, sizeof(text), 0, 1 << 30, 0, 0);
	ck_assert_str_eq(text, "  0.0%  0 B of 1.0 GiB");
	cdp_progress_line(text, sizeof(text), 2048, 1024, 10, 4);	/* never beyond the end */
	ck_assert_str_eq(text, "#### 100.0%  2.0 KiB of 1.0 KiB");
	cdp_progress_line(text, sizeof(text), 0, 0, 0, 1000);
	must(strlen(text) < 100, "the bar is as long as the wish");
}

static struct cdp_status status_of(const char *legs, enum cdp_resync_state resync)
{
	struct cdp_status s = { .resync = resync };

	for (; *legs; legs++)
		s.legs[s.nr_legs++].state = *legs == 'i' ? LEG_IN_SYNC : *legs == 's' ? LEG_STALE :
			*legs == 'f' ? LEG_FAULTY : LEG_MISSING;
	return s;
}

TEST(judged)
{
	static const struct {
		const char *legs;
		enum cdp_resync_state resync;
		enum cdp_follow_state in_sync, rebuilt;
	} rows[] = {
		{ "ii", RESYNC_IDLE, FOLLOW_DONE, FOLLOW_DONE },
		{ "is", RESYNC_RUNNING, FOLLOW_GO_ON, FOLLOW_GO_ON },
		{ "is", RESYNC_PAUSED, FOLLOW_GO_ON, FOLLOW_GO_ON },
		{ "is", RESYNC_IDLE, FOLLOW_STUCK, FOLLOW_STUCK },
		{ "if", RESYNC_IDLE, FOLLOW_STUCK, FOLLOW_DONE },
		{ "mi", RESYNC_IDLE, FOLLOW_STUCK, FOLLOW_DONE },
		{ "ism", RESYNC_RUNNING, FOLLOW_GO_ON, FOLLOW_GO_ON },
		{ "ff", RESYNC_IDLE, FOLLOW_STUCK, FOLLOW_STUCK },
		{ "fs", RESYNC_RUNNING, FOLLOW_STUCK, FOLLOW_STUCK },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cdp_status s = status_of(rows[i].legs, rows[i].resync);

		must(cdp_follow_judge(&s, FOLLOW_IN_SYNC) == rows[i].in_sync, "row %u", i);
		must(cdp_follow_judge(&s, FOLLOW_REBUILT) == rows[i].rebuilt, "row %u", i);
		must(cdp_follow_judge(&s, FOLLOW_EVENT) == FOLLOW_GO_ON, "row %u", i);
	}
}

TEST(features)
{
	char words[CDP_FEATURES_TEXT];
	struct cdp_features f;

	must(!cdp_features_parse("", &f), "%s", cdp_why_text());
	cdp_features_print(&f, words);
	ck_assert_str_eq(words, "");
	must(!cdp_features_parse("leg_timeout_ms 3000 no_copy on_last_error queue", &f), "%s",
	     cdp_why_text());
	must(f.leg_timeout_ms == 3000 && f.no_copy && f.on_last_error == ON_LAST_ERROR_QUEUE,
	     "values");
	cdp_features_print(&f, words);
	ck_assert_str_eq(words, "leg_timeout_ms 3000 no_copy on_last_error queue");
	must(cdp_features_parse("no_such_thing", &f) == -EINVAL, "an unknown word");
	must(cdp_features_parse("leg_timeout_ms", &f) == -EINVAL, "no value");
	must(cdp_features_parse("no_copy no_copy", &f) == -EINVAL, "twice");
}

/* Every find has to be named, in any spelling of capitals. */
TEST(forced)
{
	struct cdp_device d = { .nr_finds = 2, .finds = { { "ext4" }, { "gpt" } } };
	char missing[128];

	must(!cdp_new_leg_finds_forced(&d, missing, sizeof(missing)), "no force");
	ck_assert_str_eq(missing, "--force=ext4 --force=gpt");
	cdp_opts.force[cdp_opts.nr_force++] = "EXT4";
	must(!cdp_new_leg_finds_forced(&d, missing, sizeof(missing)), "one of two");
	ck_assert_str_eq(missing, "--force=gpt");
	cdp_opts.force[cdp_opts.nr_force++] = "gpt";
	must(cdp_new_leg_finds_forced(&d, missing, sizeof(missing)), "%s", missing);
	d.nr_finds = 0;
	cdp_opts.nr_force = 0;
	must(cdp_new_leg_finds_forced(&d, missing, sizeof(missing)), "nothing was found");
}

TEST(exit_codes)
{
	must(cdp_exit_code(0) == 0 && cdp_exit_code(-EIO) == 1 && cdp_exit_code(-ECDP_USAGE) == 2 &&
	     cdp_exit_code(-ECDP_REFUSED) == 3 && cdp_exit_code(-ECDP_DEGRADED) == 4, "codes");
}

/* examine has to look far enough for any area that attach can make. */
TEST(largest_area)
{
	u32 i, shift;

	for (shift = 12; shift <= 41; shift++)
		for (i = 0; CDP_MIN_REGION_SECTORS << i <= CDP_MAX_REGION_SECTORS; i++) {
			u32 region = CDP_MIN_REGION_SECTORS << i;
			struct cdp_geometry g;
			const char *why;

			if (cdp_geometry_set(&g, 1ull << shift, region, CDP_MAX_LEGS, &why))
				continue;
			must(cdp_area_blocks(&g) * CDP_BLOCK_SECTORS <=
			     cdp_md_largest_area(1ull << shift), "2^%u sectors in regions of %u",
			     shift, region);
		}
}

UNIT_MAIN("follow", events, progress, judged, features, forced, exit_codes, largest_area)
