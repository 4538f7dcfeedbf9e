/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as people write them: sizes, times, plain counts. Pure. */
#ifndef CDP_TOOLS_SIZE_H
#define CDP_TOOLS_SIZE_H

#include "port.h"

#define CDP_SECTOR_BYTES	512u
#define CDP_SIZE_TEXT		24
#define CDP_TIME_TEXT		24
#define CDP_WHEN_TEXT		24

/* "64K", "1.5 GiB" is not: a whole number with an optional K, M, G, T or P
 * (powers of 1024; "KiB" and so on are the same). 0 or -EINVAL.
 */
int __must_check cdp_size_parse(const char *text, u64 *bytes);

/* A whole decimal number not above @max, nothing around it. 0 or -EINVAL. */
int __must_check cdp_number_parse(const char *text, u64 max, u64 *n);

/* "4.0 GiB", at most one place; returns @text. */
const char *cdp_size_print(u64 bytes, char text[CDP_SIZE_TEXT]);

/* "7 s", "3 min 20 s", "2 h 5 min"; returns @text. */
const char *cdp_time_print(u64 seconds, char text[CDP_TIME_TEXT]);

/* "2026-01-31 12:34:56", local time, of seconds since 1970; "-" for 0. Returns @text. */
const char *cdp_when_print(u64 seconds, char text[CDP_WHEN_TEXT]);

#endif
