/* SPDX-License-Identifier: GPL-2.0 */
/* A superblock that is valid and in which no field is zero by chance; for tests and fuzzers. */
#ifndef CDP_SAMPLE_H
#define CDP_SAMPLE_H

#include "super.h"

static inline struct cdp_uuid sample_uuid(u8 n)
{
	struct cdp_uuid u;
	u32 i;

	for (i = 0; i < CDP_UUID_BYTES; i++)
		u.b[i] = (u8)(n * 16 + i);
	return u;
}

static inline void sample_super(struct cdp_super *s)
{
	u32 i;

	memset(s, 0, sizeof(*s));
	s->set_uuid = sample_uuid(9);
	s->slot = 1;
	s->flags = CDP_SUPER_CLEAN;
	s->sequence = 6;
	s->data_sectors = 40001;
	s->data_start = 2048;
	s->region_sectors = 128;
	s->trackers = 4;
	s->logical_block_bytes = 512;
	s->created = 1700000000;
	s->updated = 1700000100;
	s->generation = 0x1122334455667788ull;
	for (i = 0; i < 3; i++) {
		s->ancestors[i] = 0xa0a0a0a000000000ull + i;
		s->legs[i].uuid = sample_uuid((u8)i + 1);
		s->legs[i].generation = s->generation;
		s->legs[i].sequence = s->sequence;
		s->legs[i].changed = 1700000050 + i;
		s->legs[i].state = i == 2 ? DISK_LEG_STALE : DISK_LEG_IN_SYNC;
		s->legs[i].order = i;
	}
	s->leg_uuid = s->legs[s->slot].uuid;
	s->preferred = s->legs[0].uuid;
}

/* Make the checksum of a block right again after it was altered. */
static inline void sample_reseal(void *block)
{
	struct cdp_header_disk *h = block;
	const u32 skip = offsetof(struct cdp_header_disk, block);

	h->hash = cpu_to_le64(cdp_hash((const u8 *)block + skip, CDP_BLOCK_BYTES - skip));
}

#endif
