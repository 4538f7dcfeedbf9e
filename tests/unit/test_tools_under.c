// SPDX-License-Identifier: GPL-2.0
/* Which tables may move beneath a set, and was a device written past it. */
#include "unit.h"
#include "under.h"

#define LV	"LVM-0123456789abcdefghijklmnopqrstuv0123456789abcdefghijklmnopqrstuv"

static void judge(const char *uuid, const char *lines, const char *word)
{
	char target[32];
	const char *why = cdp_under_judge(uuid, lines, target);

	must(word ? why && strstr(why, word) : !why, "%s: %s", lines, why ? why : "fine");
	must(why || !*target, "a target without a reason");
}

TEST(tables)
{
	judge("", "0 100 linear 8:16 0\n", NULL);
	judge(LV, "0 100 linear 8:16 0\n100 50 striped 2 8 8:16 0 8:32 0\n", NULL);
	judge("CRYPT-LUKS2-x", "0 100 crypt aes-xts-plain64 0123 0 8:16 0\n", NULL);
	judge("CRYPT-LUKS2-x", "0 100 crypt aes-xts-plain64 :64:logon:key 0 8:16 0\n", "keyring");
	judge(LV, "0 100 snapshot-origin 253:4\n", "snapshots");
	judge(LV, "0 100 thin 253:4 1\n", "thin");
	judge(LV, "0 100 cache 253:4 253:5 253:6 128\n", "uncache");
	judge(LV, "0 50 linear 8:16 0\n50 50 mirror core 1 1024 2 8:16 0 8:32 0\n", "pvmove");
	judge("", "0 100 cdp 128 1 8:16 0 - 0 0\n", "a set itself");
	judge("", "0 100 era 8:16 8:32 128\n", "state of its own");
	judge(LV "-real", "0 100 linear 8:16 0\n", "internal part");
	judge("", "", "no table");
	judge("", "nonsense\n", "not understood");
}

TEST(leads)
{
	must(cdp_under_is_lead("0 100 linear 253:7 0\n", 100, 253, 7), "it does");
	must(!cdp_under_is_lead("0 100 linear 253:7 8\n", 100, 253, 7), "elsewhere on it");
	must(!cdp_under_is_lead("0 99 linear 253:7 0\n", 100, 253, 7), "a part");
	must(!cdp_under_is_lead("0 100 linear 253:8 0\n", 100, 253, 7), "another");
	must(!cdp_under_is_lead("0 50 linear 253:7 0\n50 50 linear 253:7 50\n", 100, 253, 7),
	     "not as we write it");
}

TEST(data_leg)
{
	must(cdp_under_is_data("v", "/dev/mapper/v-data") && !cdp_under_is_data("v", "/dev/sdb"),
	     "by its path");
}

static void carry(const char *before, const char *now, bool untouched, const char *what)
{
	char mark[CDP_MARK_TEXT];

	cdp_under_carry(before, now, mark);
	must(!strcmp(mark, untouched ? now : "-"), "%s: %s", what, mark);
}

TEST(marks)
{
	carry("b 7 8 0", "b 7 8 0", true, "the same");
	carry("b 7 8 0", "b 7 16 0", false, "written");
	carry("b 7 8 0", "b 7 8 1", false, "discarded");
	carry("b 7 8 0", "b 7 80 0", false, "written, a longer number");
	carry("b 7 0 0", "b 9 0 0", false, "made anew, which says nothing about before");
	carry("b 7 8 0", "c 7 8 0", false, "stopped by hand, then another boot");
	carry("b 7 0 0", "c 7 0 0", false, "the same, with nothing written now");
	carry("b 7 8 0 ending", "c 5 0 0", true, "shut down");
	carry("b 7 8 0 ending", "c 5 8 0", false, "and it was written after that");
	carry("b 7 8 0 ending", "b 7 8 0", true, "the shutdown was called off");
	carry("b 7 8 0 ending", "b 9 0 0", false, "and it was made anew");
	carry("leads b", "c 5 0 0", true, "the host was cut off");
	carry("leads b", "c 5 24 0", false, "and it was written after that");
	carry("leads b", "b 7 0 0", false, "it led to it in this boot, and does no more");
	carry("", "c 5 0 0", false, "nothing is remembered");
	carry("b 24 0", "c 5 0 0", false, "what was remembered before there was a number");
	carry("-", "c 5 0 0", false, "it was used up");
	carry("-", "-", false, "nobody counts");
	carry("leads b", "-", false, "nobody counts now");
}

UNIT_MAIN("under", tables, leads, data_leg, marks)
