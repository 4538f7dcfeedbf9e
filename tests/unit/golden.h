/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A metadata area as version 1 of the format writes it, and the text form in
 * which tests/data/ keeps it: "OFFSET: 32 bytes", all hexadecimal; lines of
 * zeros are left out and '#' begins a comment.
 */
#ifndef CDP_GOLDEN_H
#define CDP_GOLDEN_H

#include "sample.h"

#define GOLDEN_BLOCKS	11u	/* 2 superblocks, 1 intent page, 2 pages of 4 trackers */
#define GOLDEN_BYTES	(GOLDEN_BLOCKS * CDP_BLOCK_BYTES)

/* The newer superblock; its predecessor differs in the sequence and is not clean. */
void golden_super(struct cdp_super *s);
struct cdp_geometry golden_geometry(void);

/* What a word of a bitmap holds: nearly all are zero. */
u64 golden_word(enum cdp_block_kind kind, u32 slot, u32 page, u32 word);

void golden_make(u8 area[GOLDEN_BYTES]);

/* 0 or -errno. */
int golden_write(const u8 area[GOLDEN_BYTES], const char *path);
int golden_read(u8 area[GOLDEN_BYTES], const char *path);

#endif
