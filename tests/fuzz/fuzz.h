/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzzers share. Inputs for blocks are lists of changes to a block
 * that is valid, so that a checksum does not have to be guessed and no corpus
 * is needed: { u16 offset, u8 length % 32, bytes }...; the empty input is the
 * valid block.
 */
#ifndef CDP_FUZZ_H
#define CDP_FUZZ_H

#include <stdlib.h>

#include "../unit/sample.h"

#define must(condition) \
	do { \
		if (!(condition)) \
			fuzz_failed(#condition, __FILE__, __LINE__); \
	} while (0)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static inline void fuzz_failed(const char *condition, const char *file, int line)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

static inline void fuzz_change(void *block, const u8 *data, size_t size)
{
	size_t offset, n;

	while (size > 3) {
		offset = (size_t)(data[0] | data[1] << 8) % CDP_BLOCK_BYTES;
		n = data[2] % 32 + 1;
		data += 3;
		size -= 3;
		if (n > size)
			n = size;
		if (n > CDP_BLOCK_BYTES - offset)
			n = CDP_BLOCK_BYTES - offset;
		memcpy((u8 *)block + offset, data, n);
		data += n;
		size -= n;
	}
}

/* A copy that ends where the input ends, with a NUL behind it. */
static inline char *fuzz_text(const u8 *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

#endif
