/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The superblock: between the block on disk and a struct one can compute with. */
#ifndef CDP_CORE_SUPER_H
#define CDP_CORE_SUPER_H

#include "geometry.h"

struct cdp_uuid {
	u8 b[CDP_UUID_BYTES];
};

#define CDP_UUID_TEXT	37	/* 36 characters and a NUL */

static inline bool cdp_uuid_equal(const struct cdp_uuid *a, const struct cdp_uuid *b)
{
	return !memcmp(a->b, b->b, sizeof(a->b));
}

static inline bool cdp_uuid_is_null(const struct cdp_uuid *u)
{
	return cdp_is_zero(u->b, sizeof(u->b));
}

/* Lower case with hyphens; returns @text. */
const char *cdp_uuid_print(const struct cdp_uuid *u, char text[CDP_UUID_TEXT]);

/* Exactly 36 characters; 0 or -EINVAL. */
int __must_check cdp_uuid_parse(const char *text, struct cdp_uuid *u);

/* One entry of the leg table; its index is the leg's slot, and its tracker's. */
struct cdp_leg_entry {
	struct cdp_uuid uuid;
	u64 generation;
	u64 sequence;
	u64 changed;		/* seconds since 1970 */
	u32 state;		/* enum cdp_disk_leg_state */
	u32 order;
};

struct cdp_super {
	struct cdp_uuid set_uuid;
	struct cdp_uuid leg_uuid;	/* whose copy this is */
	struct cdp_uuid preferred;
	u32 slot;
	u32 flags;
	u32 compat, ro_compat, incompat;
	u64 sequence;
	u64 data_sectors;
	u64 data_start;
	u32 region_sectors;
	u32 trackers;
	u32 logical_block_bytes;
	u64 created, updated;		/* seconds since 1970 */
	u64 generation;
	u64 ancestors[CDP_ANCESTORS];	/* newest first, 0 ends the list */
	struct cdp_leg_entry legs[CDP_MAX_LEGS];
};

/* What one superblock block turned out to be. */
enum cdp_super_kind {
	SUPER_BLANK,		/* all zero */
	SUPER_VALID,
	SUPER_DAMAGED,		/* ours by its magic, but torn or altered */
	SUPER_FOREIGN,		/* something else is there */
	SUPER_UNSUPPORTED,	/* valid, but of a later format */
};

/* Block of an area that the superblock with @sequence goes to. */
static inline u64 cdp_super_block(u64 sequence)
{
	return sequence & 1;
}

/* Fill a 4 KiB block. @s->leg_uuid, slot and data_start name the leg it is for. */
void cdp_super_encode(const struct cdp_super *s, struct cdp_super_disk *d);

/**
 * cdp_super_decode() - read one superblock.
 * @block: 0 or 1, where it was read from
 * @why:   a sentence for everything but SUPER_VALID
 *
 * Every field is checked; @s is only meaningful for SUPER_VALID.
 */
enum cdp_super_kind cdp_super_decode(const struct cdp_super_disk *d, u64 block,
				     struct cdp_super *s, const char **why);

/**
 * cdp_super_choose() - the superblock of an area from its two blocks.
 *
 * Return: SUPER_VALID with the newer valid one in @s (its twin may be damaged,
 * foreign or blank, but not of a later format: later software has been here;
 * two valid ones of different sets or legs are SUPER_DAMAGED), SUPER_BLANK only
 * if both are blank, else the worse of the two. With SUPER_VALID, too, @why is
 * set if the twin is not valid.
 */
enum cdp_super_kind cdp_super_choose(const struct cdp_super_disk *a,
				     const struct cdp_super_disk *b,
				     struct cdp_super *s, const char **why);

/* Index of the leg with @uuid in the leg table, or -1. */
int cdp_super_find(const struct cdp_super *s, const struct cdp_uuid *uuid);

/*
 * Is @generation an ancestor of what @s holds? The newest are remembered; and, however
 * many came since, those in which the legs were last in-sync.
 */
bool cdp_super_descends(const struct cdp_super *s, u64 generation);

/* Start a new line of history: @generation becomes current. */
void cdp_super_mint(struct cdp_super *s, u64 generation);

/*
 * Bitmap pages.
 */

/* Seal a page whose words are filled in (in disk order, see cdp_page_put()). */
void cdp_page_seal(struct cdp_page_disk *d, const struct cdp_uuid *set, u64 block,
		   enum cdp_block_kind kind, u32 slot, u64 sequence);

/* 0, or -EILSEQ with @why set when the page is not what belongs at that place. */
int __must_check cdp_page_check(const struct cdp_page_disk *d, const struct cdp_uuid *set,
				u64 block, enum cdp_block_kind kind, u32 slot,
				const char **why);

static inline u64 cdp_page_get(const struct cdp_page_disk *d, u32 word)
{
	return le64_to_cpu(d->words[word]);
}

static inline void cdp_page_put(struct cdp_page_disk *d, u32 word, u64 v)
{
	d->words[word] = cpu_to_le64(v);
}

/* All of them. */
static inline void cdp_page_fill(struct cdp_page_disk *d, const u64 *words)
{
	u32 i;

	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		memcpy(d->words, words, sizeof(d->words));
	else
		for (i = 0; i < CDP_PAGE_WORDS; i++)
			cdp_page_put(d, i, words[i]);
}

#endif
