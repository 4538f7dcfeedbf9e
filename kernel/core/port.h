/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The border between the core and what surrounds it: the only file of core/
 * that knows whether it is being compiled for the kernel or for user space.
 *
 * The two halves define the same names with the same meaning, so nothing in
 * core/ behaves differently on the two sides:
 *
 *   u8 u16 u32 u64, bool, __le16 __le32 __le64, cpu_to_leNN(), leNN_to_cpu()
 *   memcpy() memset() memcmp() strlen() strcmp(), snprintf() (the kernel's
 *   scnprintf(): returns what was stored, never more than size - 1)
 *   cdp_hash(data, len)           xxh64 with seed 0
 *   cdp_popcount(u64), cdp_ctz(u64)
 *   cdp_atomic, cdp_word          32-bit counter-and-flags, 64-bit bit mask
 */
#ifndef CDP_CORE_PORT_H
#define CDP_CORE_PORT_H

#ifdef __KERNEL__

#include <linux/types.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/byteorder/generic.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/xxhash.h>

#define cdp_hash(data, len)	xxh64(data, len, 0)
#define cdp_popcount(w)		((u32)hweight64(w))
#define cdp_ctz(w)		((u32)__ffs64(w))
#define cdp_print		scnprintf

typedef atomic_t cdp_atomic;
typedef atomic64_t cdp_word;

static inline u32 cdp_atomic_get(const cdp_atomic *a)
{
	return (u32)atomic_read(a);
}

static inline void cdp_atomic_set(cdp_atomic *a, u32 v)
{
	atomic_set(a, (int)v);
}

/* Full barrier on success; on failure *old is what was found. */
static inline bool cdp_atomic_swap(cdp_atomic *a, u32 *old, u32 new)
{
	return atomic_try_cmpxchg(a, (int *)old, (int)new);
}

/* Full barrier; returns the value after. */
static inline u32 cdp_atomic_sub(cdp_atomic *a, u32 v)
{
	return (u32)atomic_sub_return((int)v, a);
}

static inline u64 cdp_word_get(const cdp_word *w)
{
	return (u64)atomic64_read(w);
}

static inline void cdp_word_set(cdp_word *w, u64 v)
{
	atomic64_set(w, (s64)v);
}

/* Full barrier after. */
static inline void cdp_word_or(cdp_word *w, u64 bits)
{
	atomic64_or((s64)bits, w);
	smp_mb__after_atomic();
}

#define cdp_load(x)		READ_ONCE(x)
#define cdp_store(x, v)		WRITE_ONCE(x, v)
#define cdp_full_barrier()	smp_mb()
#define cdp_read_barrier()	smp_rmb()

#else /* user space */

#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <linux/types.h>
#include <xxhash.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#ifdef __CHECKER__
#define CDP_FORCE		__attribute__((force))
#else
#define CDP_FORCE
#endif

#define cpu_to_le16(x)		((CDP_FORCE __le16)htole16(x))
#define cpu_to_le32(x)		((CDP_FORCE __le32)htole32(x))
#define cpu_to_le64(x)		((CDP_FORCE __le64)htole64(x))
#define le16_to_cpu(x)		le16toh((CDP_FORCE u16)(x))
#define le32_to_cpu(x)		le32toh((CDP_FORCE u32)(x))
#define le64_to_cpu(x)		le64toh((CDP_FORCE u64)(x))

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#endif
#ifndef __must_check
#define __must_check		__attribute__((warn_unused_result))
#endif
#ifndef fallthrough
#define fallthrough		__attribute__((fallthrough))
#endif

#define cdp_hash(data, len)	XXH64(data, len, 0)
#define cdp_popcount(w)		((u32)__builtin_popcountll(w))
#define cdp_ctz(w)		((u32)__builtin_ctzll(w))

__attribute__((format(printf, 3, 4)))
static inline int cdp_print(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!size)
		return 0;
	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	if (n < 0)
		return 0;
	return (size_t)n < size ? n : (int)(size - 1);
}

typedef u32 cdp_atomic;
typedef u64 cdp_word;

static inline u32 cdp_atomic_get(const cdp_atomic *a)
{
	return __atomic_load_n(a, __ATOMIC_RELAXED);
}

static inline void cdp_atomic_set(cdp_atomic *a, u32 v)
{
	__atomic_store_n(a, v, __ATOMIC_RELAXED);
}

static inline bool cdp_atomic_swap(cdp_atomic *a, u32 *old, u32 new)
{
	return __atomic_compare_exchange_n(a, old, new, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline u32 cdp_atomic_sub(cdp_atomic *a, u32 v)
{
	return __atomic_sub_fetch(a, v, __ATOMIC_SEQ_CST);
}

static inline u64 cdp_word_get(const cdp_word *w)
{
	return __atomic_load_n(w, __ATOMIC_RELAXED);
}

static inline void cdp_word_set(cdp_word *w, u64 v)
{
	__atomic_store_n(w, v, __ATOMIC_RELAXED);
}

static inline void cdp_word_or(cdp_word *w, u64 bits)
{
	__atomic_or_fetch(w, bits, __ATOMIC_SEQ_CST);
}

#define cdp_load(x)		__atomic_load_n(&(x), __ATOMIC_RELAXED)
#define cdp_store(x, v)		__atomic_store_n(&(x), v, __ATOMIC_RELAXED)
#define cdp_full_barrier()	__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define cdp_read_barrier()	__atomic_thread_fence(__ATOMIC_ACQUIRE)

#endif

/* memset() over everything, and "is it all zero": used on disk blocks. */
static inline bool cdp_is_zero(const void *data, size_t len)
{
	const u8 *p = data;
	size_t i;

	for (i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

#endif
