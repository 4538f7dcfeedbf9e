/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ON-DISK FORMAT, version 1.
 *
 * OVERVIEW
 *
 * Each leg of a set has a metadata area, on the leg's own device behind the
 * data or on another device. The data itself is never touched: it starts at
 * the leg's first data sector, unchanged. An area is a run of 4 KiB blocks:
 *
 *   block 0      superblock A  \  written in turn: the sequence number's
 *   block 1      superblock B  /  lowest bit names the block
 *   block 2...   groups, each for the same span of the data:
 *
 *     +--------+------------------+------------------+-- ... --+
 *     | intent | tracker page 0   | tracker page 1   |  64 pages
 *     | page   | slot 0 .. slot T | slot 0 .. slot T |
 *     +--------+------------------+------------------+-- ... --+
 *
 * A bitmap page holds 504 words of 64 bits. One word of a tracker is one
 * extent (64 regions), one bit of an intent page is one extent, so an intent
 * page and 64 tracker pages cover the same 32256 extents: that is a group.
 * Because groups follow one another, a set grows by appending groups.
 * 1 TiB in 64 KiB regions with 4 trackers takes 8.2 MiB.
 *
 * BLOCKS
 *
 * Every block begins with the same header: magic, xxh64 of all that follows
 * that field, its own block number, the set's UUID, a sequence number, its
 * kind and slot. A block that was torn, zeroed, moved or taken
 * from another set is known by that. Reserved bytes are zero and checked.
 * All numbers are little-endian.
 *
 * SUPERBLOCK
 *
 * Says who the leg is (leg_uuid, header.slot), what it is part of (set UUID,
 * geometry), and what is known of every leg (the leg table). The same record
 * is written to every leg that takes part; only leg_uuid, slot and data_start
 * differ. The valid one of A and B with the higher sequence counts. A leg
 * whose superblocks are both all zero was never formatted.
 *
 * header.sequence counts the commits of the set. An activation commits twice
 * before it lets a write through, so a leg that shows a sequence lower by
 * two or more than its entry in a newer leg table is an old copy (a restored
 * snapshot), not the leg that was there. An activation goes on from the highest
 * number that any of its legs has seen: two lines of history that a leg was part of do
 * not number their commits alike.
 *
 * generation names a line of data history; ancestors are the earlier ones,
 * newest first, and those in the leg table. It is replaced when the set takes a write or
 * a flush without a leg that could go on alone.
 *
 * WRITE ORDER, and what a crash leaves at each arrow
 *
 *   intent bit durable -> data on the legs -> acknowledgement
 *      after a crash every extent with intent may differ between legs; they
 *      are added to the tracker of every leg but the source and copied.
 *
 *   leg lost: data on the others -> superblock without the leg -> acknowledged
 *      the leg's own superblock still calls it in-sync, but with a lower
 *      sequence or an ancestor generation: its tracker tells what it lacks.
 *
 *   all writes of an extent done -> flush on every leg -> tracker pages
 *   -> intent bit cleared
 *      a bit that is still set costs a copy; it is never cleared early.
 *
 *   region copied -> flush of the target -> tracker page
 *   all of a leg's tracker clear -> superblock with the leg in-sync
 *
 * Only the kernel writes an area that is part of a running set.
 */
#ifndef CDP_CORE_FORMAT_H
#define CDP_CORE_FORMAT_H

#include "port.h"

#define CDP_BLOCK_BYTES		4096u
#define CDP_BLOCK_SECTORS	8u
#define CDP_MAGIC		"dmcdp001"
#define CDP_FORMAT_VERSION	1u
#define CDP_UUID_BYTES		16u

#define CDP_MAX_LEGS		8u
#define CDP_MIN_TRACKERS	4u
#define CDP_ANCESTORS		16u

#define CDP_EXTENT_REGIONS	64u		/* one word of a tracker */
#define CDP_PAGE_WORDS		504u
#define CDP_TRACKER_EXTENTS	CDP_PAGE_WORDS	/* extents a tracker page covers */
#define CDP_INTENT_EXTENTS	(CDP_PAGE_WORDS * 64u)
#define CDP_GROUP_PAGES		(CDP_INTENT_EXTENTS / CDP_TRACKER_EXTENTS)

#define CDP_MIN_REGION_SECTORS	8u		/* 4 KiB */
#define CDP_MAX_REGION_SECTORS	32768u		/* 16 MiB */
#define CDP_MAX_DATA_SECTORS	(1ull << 41)	/* 1 PiB */

/* Kinds of blocks; the numbers are on disk. */
enum cdp_block_kind {
	BLOCK_SUPER	= 1,
	BLOCK_INTENT	= 2,
	BLOCK_TRACKER	= 3,
};

/* States of a leg as the leg table stores them; the numbers are on disk. */
enum cdp_disk_leg_state {
	DISK_LEG_UNUSED	= 0,
	DISK_LEG_IN_SYNC = 1,
	DISK_LEG_STALE	= 2,
	DISK_LEG_FAULTY	= 3,
};

#define CDP_SUPER_CLEAN		0x1u	/* nothing was in flight: no intent bit is set */

/* Feature words: what this code knows. An unknown bit in compat is ignored,
 * in ro_compat forbids activation (examine may read), in incompat forbids all.
 */
#define CDP_COMPAT_KNOWN	0u
#define CDP_RO_COMPAT_KNOWN	0u
#define CDP_INCOMPAT_KNOWN	0u

struct cdp_header_disk {
	u8	magic[8];
	__le64	hash;		/* xxh64 of the block from the next field on */
	__le64	block;		/* number of this block in the area */
	u8	set_uuid[16];
	__le64	sequence;
	__le32	kind;
	__le32	slot;		/* super: the holder's; tracker: the leg tracked */
	u8	reserved[8];
};

struct cdp_leg_disk {
	u8	uuid[16];
	__le64	generation;	/* the newest the leg was in-sync with */
	__le64	sequence;	/* the last commit it took part in, told where it stands */
	__le64	changed;	/* seconds since 1970 when the state changed */
	__le32	state;
	__le32	order;		/* place in the table line */
	u8	reserved[16];
};

struct cdp_super_disk {
	struct cdp_header_disk header;
	u8	leg_uuid[16];
	__le32	version;
	__le32	compat;
	__le32	ro_compat;
	__le32	incompat;
	__le64	data_sectors;
	__le64	data_start;	/* of this leg, on its data device */
	__le32	region_sectors;
	__le32	extent_regions;
	__le32	trackers;
	__le32	logical_block_bytes;
	__le64	created;	/* seconds since 1970 */
	__le64	updated;
	__le32	flags;
	__le32	reserved0;
	__le64	generation;
	__le64	ancestors[16];
	u8	preferred_uuid[16];
	u8	reserved1[208];
	struct cdp_leg_disk legs[8];
	u8	reserved2[3072];
};

struct cdp_page_disk {
	struct cdp_header_disk header;
	__le64	words[504];
};

#ifndef static_assert
#define static_assert _Static_assert
#endif
static_assert(sizeof(struct cdp_header_disk) == 64, "header");
static_assert(sizeof(struct cdp_leg_disk) == 64, "leg entry");
static_assert(offsetof(struct cdp_super_disk, leg_uuid) == 64, "leg_uuid");
static_assert(offsetof(struct cdp_super_disk, generation) == 152, "generation");
static_assert(offsetof(struct cdp_super_disk, preferred_uuid) == 288, "preferred");
static_assert(offsetof(struct cdp_super_disk, legs) == 512, "legs");
static_assert(sizeof(struct cdp_super_disk) == CDP_BLOCK_BYTES, "super");
static_assert(sizeof(struct cdp_page_disk) == CDP_BLOCK_BYTES, "page");

#endif
