// SPDX-License-Identifier: GPL-2.0
/* The monitor's records, when their disk is full, or gone, for a while. */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"
#include "dir.h"
#include "msg.h"
#include "record.h"

static char dir[128];

/* In place of the directory there is a file: nothing can be written. */
static void break_dir(void)
{
	FILE *f;

	cdp_print(dir, sizeof(dir), "%s/state", unit_dir());
	setenv("CDP_STATE_DIR", dir, 1);
	f = fopen(dir, "w");
	must(f && !fclose(f), "%s", dir);
}

static struct cdp_history_record a_record(u64 seconds)
{
	return (struct cdp_history_record) {
		.seconds = seconds, .kind = HISTORY_BEGIN, .leg.b[15] = 1,
	};
}

static void is_written(const char *want)
{
	double end = cdp_seconds() + 20;
	char *text = NULL;

	while ((cdp_history_read("vm", &text) || strcmp(text, want)) && cdp_seconds() < end) {
		cdp_why_clear();
		free(text);
		text = NULL;
		cdp_sleep_ms(20);
	}
	ck_assert_str_eq(text, want);
	free(text);
}

#define LINE(seconds)	#seconds " begin 00000000-0000-0000-0000-000000000001 0 0 0 -\n"

/* It is not waited for, and it is written in order when it can be. */
TEST(later)
{
	struct cdp_history_record first = a_record(1), second = a_record(2);
	struct cdp_seen seen = { .last = { 7, 2, "leg-failed", "-" } }, back;

	break_dir();
	must(!cdp_record_start(), "%s", cdp_why_text());
	cdp_record_history("vm", &first);
	cdp_record_seen("vm", &seen);
	cdp_record_history("vm", &second);
	cdp_sleep_ms(100);
	must(!unlink(dir), "%s", dir);
	is_written(LINE(1) LINE(2));
	cdp_history_seen("vm", &back);
	must(back.last.seq == 7, "%llu", (unsigned long long)back.last.seq);
	cdp_record_end(20);
}

/* What cannot be written holds up nobody at the end; what can be is written before it. */
TEST(end)
{
	struct cdp_history_record r = a_record(3);
	double begin = cdp_seconds();

	break_dir();
	must(!cdp_record_start(), "%s", cdp_why_text());
	cdp_record_history("vm", &r);
	cdp_record_end(20);
	must(cdp_seconds() < begin + 10, "it is waited for");
	must(!unlink(dir), "%s", dir);
	must(!cdp_record_start(), "%s", cdp_why_text());
	cdp_record_history("vm", &r);
	cdp_record_end(20);
	is_written(LINE(3));
}

/* The file of one set cannot be written, whatever comes: the others do not wait for it. */
TEST(one_file)
{
	struct cdp_history_record r = a_record(5);
	char path[160];

	break_dir();
	cdp_print(path, sizeof(path), "%s/other.history", dir);
	must(!unlink(dir) && !mkdir(dir, 0755) && !mkdir(path, 0755), "%s", path);
	must(!cdp_record_start(), "%s", cdp_why_text());
	must(cdp_record_history("other", &r) && cdp_record_history("vm", &r), "not taken");
	is_written(LINE(5));
	cdp_record_end(20);
}

/* With nobody to write them they are written at once. */
TEST(alone)
{
	struct cdp_history_record r = a_record(4);

	break_dir();
	must(!unlink(dir), "%s", dir);
	cdp_record_history("vm", &r);
	is_written(LINE(4));
}

UNIT_MAIN("record", later, end, one_file, alone)
