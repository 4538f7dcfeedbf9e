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

TEST(marks)
{
	must(cdp_under_same_mark("b 8 0", "b 8 0"), "the same");
	must(!cdp_under_same_mark("b 8 0", "b 16 0"), "written");
	must(!cdp_under_same_mark("b 8 0", "c 8 0"), "another start of the host");
	must(cdp_under_same_mark("b 8 0", "c 0 0"), "made anew, and not written");
	must(cdp_under_same_mark("", "c 0 0"), "the host was cut off");
	must(!cdp_under_same_mark("", "c 3 24 0"), "and it was written after that");
	must(!cdp_under_same_mark("-", "-"), "nobody counts");
}

UNIT_MAIN("under", tables, leads, data_leg, marks)
