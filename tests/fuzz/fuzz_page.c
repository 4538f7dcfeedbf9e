// SPDX-License-Identifier: GPL-2.0
/* A bitmap page, changed (see fuzz.h); an odd first byte gives it a right checksum again. */
#include "fuzz.h"

#define AT	70000ull
#define SLOT	3u

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct cdp_uuid set = sample_uuid(9);
	struct cdp_page_disk d, was;
	const char *why;
	u32 i;
	int r;

	for (i = 0; i < CDP_PAGE_WORDS; i++)
		cdp_page_put(&d, i, i * 0x9e3779b97f4a7c15ull);
	cdp_page_seal(&d, &set, AT, BLOCK_TRACKER, SLOT, 5);
	was = d;
	if (size > 1)
		fuzz_change(&d, data + 1, size - 1);
	if (size && data[0] & 1)
		sample_reseal(&d);

	r = cdp_page_check(&d, &set, AT, BLOCK_TRACKER, SLOT, &why);
	must(r == (why ? -EILSEQ : 0));
	if (!(size && data[0] & 1))
		must(!r == !memcmp(&d, &was, sizeof(d)));
	if (r)
		return 0;

	/* sealed anew it is the same page: nothing of it was overlooked */
	was = d;
	memset(&d.header, 0xff, sizeof(d.header));
	cdp_page_seal(&d, &set, AT, BLOCK_TRACKER, SLOT, le64_to_cpu(was.header.sequence));
	must(!memcmp(&d, &was, sizeof(d)));
	return 0;
}
