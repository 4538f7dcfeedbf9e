// SPDX-License-Identifier: GPL-2.0
/* Two superblocks: the first byte says which, the rest changes it (see fuzz.h). */
#include "fuzz.h"

static void make(struct cdp_super_disk *d, u64 sequence, const u8 *data, size_t size)
{
	struct cdp_super s;

	sample_super(&s);
	s.sequence = sequence;
	cdp_super_encode(&s, d);
	fuzz_change(d, data, size);
}

/* What is valid encodes to the very block it came from. */
static enum cdp_super_kind check(const struct cdp_super_disk *d, u64 block, struct cdp_super *s)
{
	struct cdp_super_disk again;
	struct cdp_geometry g;
	const char *why;
	enum cdp_super_kind kind = cdp_super_decode(d, block, s, &why);

	must(!why == (kind == SUPER_VALID));
	if (kind != SUPER_VALID)
		return kind;
	cdp_super_encode(s, &again);
	must(!memcmp(d, &again, sizeof(again)));
	must(cdp_super_find(s, &s->leg_uuid) == (int)s->slot);
	must(!cdp_geometry_set(&g, s->data_sectors, s->region_sectors, s->trackers, &why));
	must(cdp_area_blocks(&g) > cdp_block_tracker(&g, s->slot, g.tracker_pages - 1));
	return kind;
}

static void check_pair(const struct cdp_super_disk *a, const struct cdp_super_disk *b)
{
	struct cdp_super sa, sb, s;
	const char *why;
	enum cdp_super_kind ka = check(a, 0, &sa), kb = check(b, 1, &sb);
	enum cdp_super_kind kind = cdp_super_choose(a, b, &s, &why);

	must(!why == (kind == SUPER_VALID && ka == SUPER_VALID && kb == SUPER_VALID));
	must(kind != SUPER_BLANK || (ka == SUPER_BLANK && kb == SUPER_BLANK));
	if (kind == SUPER_VALID) {
		must(ka == SUPER_VALID || kb == SUPER_VALID);
		must(ka != SUPER_VALID || s.sequence >= sa.sequence);
		must(kb != SUPER_VALID || s.sequence >= sb.sequence);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct cdp_super_disk a, b;
	u8 what = size ? data[0] : 0;

	if (size) {
		data++;
		size--;
	}
	make(&a, 6, what & 1 ? data : NULL, what & 1 ? size : 0);
	make(&b, what & 4 ? 5 : 7, what & 2 ? data : NULL, what & 2 ? size : 0);
	if (what & 8) {
		memset(what & 1 ? &a : &b, 0, sizeof(a));
		fuzz_change(what & 1 ? &a : &b, data, size);
	}
	check_pair(&a, &b);
	sample_reseal(&a);
	sample_reseal(&b);
	check_pair(&a, &b);
	return 0;
}
