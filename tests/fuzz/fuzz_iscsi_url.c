// SPDX-License-Identifier: GPL-2.0
/* An iSCSI URL: refused with a reason, or taken apart into what makes the same URL. */
#include "fuzz.h"
#include "iscsi-url.h"

static void round_trip(const struct cdp_iscsi *t)
{
	char url[1024], portal[CDP_ISCSI_PORTAL_TEXT];
	struct cdp_iscsi back;
	const char *why;

	snprintf(url, sizeof(url), CDP_ISCSI_SCHEME "%s%s%s/%s/%u", t->user, t->user[0] ? "@" : "",
		 cdp_iscsi_portal(t, portal), t->target, t->lun);
	must(!cdp_iscsi_url_parse(url, &back, &why));
	must(!memcmp(t, &back, sizeof(back)));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *text = fuzz_text(data, size);
	const char *why = NULL;
	struct cdp_iscsi t;
	int r = cdp_iscsi_url_parse(text, &t, &why);

	must(r == (why ? -EINVAL : 0));
	if (!r) {
		must(t.host[0] && t.target[0] && t.port && t.port < 65536);
		must(t.host[0] != '-' && strlen(t.target) < sizeof(t.target));
		round_trip(&t);
	}
	free(text);
	return 0;
}
