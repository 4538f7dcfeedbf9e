// SPDX-License-Identifier: GPL-2.0
/* iscsi:// URLs: good ones taken apart, wrong ones refused by their part. */
#include "unit.h"
#include "iscsi-url.h"

#define IQN	"iqn.2026-01.org.example:disk.1"

TEST(good)
{
	static const struct {
		const char *url, *user, *host, *target, *portal;
		u32 port, lun;
	} rows[] = {
		{ "iscsi://10.0.0.1/" IQN "/0", "", "10.0.0.1", IQN, "10.0.0.1:3260", 3260, 0 },
		{ "iscsi://store.example:1/" IQN "/7", "", "store.example", IQN,
		  "store.example:1", 1, 7 },
		{ "iscsi://cdp@h:65535/" IQN "/16383", "cdp", "h", IQN, "h:65535", 65535, 16383 },
		{ "iscsi://[fe80::1%eth0]/" IQN "/1", "", "fe80::1%eth0", IQN,
		  "[fe80::1%eth0]:3260", 3260, 1 },
		{ "iscsi://u@[::1]:99/eui.0123456789abcdef/1", "u", "::1",
		  "eui.0123456789abcdef", "[::1]:99", 99, 1 },
		{ "iscsi://h/naa.62004567ba64678d/0", "", "h", "naa.62004567ba64678d", "h:3260",
		  3260, 0 },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char portal[CDP_ISCSI_PORTAL_TEXT];
		struct cdp_iscsi t;
		const char *why;

		must(!cdp_iscsi_url_parse(rows[i].url, &t, &why) && !why, "%s: %s", rows[i].url,
		     why);
		ck_assert_str_eq(t.user, rows[i].user);
		ck_assert_str_eq(t.host, rows[i].host);
		ck_assert_str_eq(t.target, rows[i].target);
		ck_assert_str_eq(cdp_iscsi_portal(&t, portal), rows[i].portal);
		must(t.port == rows[i].port && t.lun == rows[i].lun, "%s", rows[i].url);
		must(!t.made_record && !t.logged_in, "nothing was done yet");
	}
}

TEST(wrong)
{
	static const struct {
		const char *url, *word;	/* of the refusal */
	} rows[] = {
		{ "", "begins with iscsi://" },
		{ "http://h/" IQN "/0", "begins with iscsi://" },
		{ "iscsi://", "lacks the target" },
		{ "iscsi://h", "lacks the target" },
		{ "iscsi:///" IQN "/0", "host" },
		{ "iscsi://h/" IQN, "lacks the LUN" },
		{ "iscsi://h/" IQN "/", "LUN" },
		{ "iscsi://h/" IQN "/x", "LUN" },
		{ "iscsi://h/" IQN "/-1", "LUN" },
		{ "iscsi://h/" IQN "/16384", "LUN" },
		{ "iscsi://h/" IQN "/0/1", "target" },
		{ "iscsi://h/disk/0", "must begin with iqn." },
		{ "iscsi://h//0", "target" },
		{ "iscsi://h/iqn.a b/0", "target" },
		{ "iscsi://h/iqn.;x/0", "target" },
		{ "iscsi://h:/" IQN "/0", "port" },
		{ "iscsi://h:0/" IQN "/0", "port" },
		{ "iscsi://h:65536/" IQN "/0", "port" },
		{ "iscsi://h:99999999999/" IQN "/0", "port" },
		{ "iscsi://h:1:2/" IQN "/0", "port" },
		{ "iscsi://fe80::1/" IQN "/0", "port" },
		{ "iscsi://[%]:326/" IQN "/0", "IPv6" },
		{ "iscsi://[::1/" IQN "/0", "bracket" },
		{ "iscsi://[::1]x/" IQN "/0", "only :PORT" },
		{ "iscsi://h ost/" IQN "/0", "host" },
		{ "iscsi://-oProxy/" IQN "/0", "begin with -" },
		{ "iscsi://@h/" IQN "/0", "user" },
		{ "iscsi://a b@h/" IQN "/0", "user" },
		{ "iscsi://u:secret@h/" IQN "/0", "password" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cdp_iscsi t;
		const char *why = NULL;

		must(cdp_iscsi_url_parse(rows[i].url, &t, &why) == -EINVAL, "%s", rows[i].url);
		must(why && strstr(why, rows[i].word), "%s: %s", rows[i].url, why);
		must(cdp_is_zero(&t, sizeof(t)), "%s: half a result", rows[i].url);
	}
}

/* One character more than fits, for each part. */
TEST(too_long)
{
	char url[1024], part[300];
	struct cdp_iscsi t;
	const char *why;

	memset(part, 'a', sizeof(part));
	snprintf(url, sizeof(url), "iscsi://h/iqn.%.219s/0", part);
	must(!cdp_iscsi_url_parse(url, &t, &why) && strlen(t.target) == 223, "%s", why);
	snprintf(url, sizeof(url), "iscsi://h/iqn.%.220s/0", part);
	must(cdp_iscsi_url_parse(url, &t, &why) && strstr(why, "target"), "%s", why);
	snprintf(url, sizeof(url), "iscsi://%.255s/" IQN "/0", part);
	must(!cdp_iscsi_url_parse(url, &t, &why), "%s", why);
	snprintf(url, sizeof(url), "iscsi://%.256s/" IQN "/0", part);
	must(cdp_iscsi_url_parse(url, &t, &why) && strstr(why, "host"), "%s", why);
	snprintf(url, sizeof(url), "iscsi://%.128s@h/" IQN "/0", part);
	must(cdp_iscsi_url_parse(url, &t, &why) && strstr(why, "user"), "%s", why);
}

/* The group is that of the portal that was asked, not of the first that the target has. */
TEST(offer)
{
#define TWO	"10.0.0.2:3260,1 " IQN "\n10.0.0.3:3260,2 " IQN "\n"
	static const struct {
		const char *host, *out;
		bool found;
		const char *tag, *offers;
	} rows[] = {
		{ "10.0.0.3", TWO, true, "2", "" },
		{ "10.0.0.2", TWO, true, "1", "" },
		{ "10.0.0.3", "10.0.0.3:3261,1 " IQN "\n10.0.0.3:3260,2 " IQN "\n", true, "2", "" },
		{ "fe80::1", "10.0.0.3:3260,1 " IQN "\n[fe80::1]:3260,7 " IQN "\n", true, "7", "" },
		{ "store", TWO, true, "", "" },
		{ "store", "10.0.0.2:3260,3 " IQN "\n10.0.0.3:3260,3 " IQN "\n", true, "3", "" },
		{ "store", "10.0.0.2:3260,3 iqn.x\nrubbish\n10.0.0.3:3260,4 " IQN "\n", true, "4",
		  "iqn.x" },
		{ "10.0.0.3", "10.0.0.3:3260 " IQN "\n", true, "", "" },
		{ "10.0.0.3", "10.0.0.3:3260,1 iqn.x\n10.0.0.3:3260,2 iqn.y", false, "",
		  "iqn.x, iqn.y" },
		{ "10.0.0.3", "", false, "", "" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cdp_iscsi t = { .port = 3260, .target = IQN };
		char out[256], tag[CDP_ISCSI_TAG_TEXT], offers[64];

		strcpy(t.host, rows[i].host);
		strcpy(out, rows[i].out);
		must(cdp_iscsi_offer(out, &t, tag, offers, sizeof(offers)) == rows[i].found,
		     "row %u", i);
		must(!strcmp(tag, rows[i].tag) && !strcmp(offers, rows[i].offers), "row %u: %s %s",
		     i, tag, offers);
	}
}

UNIT_MAIN("url", good, wrong, too_long, offer)
