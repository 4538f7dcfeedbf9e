// SPDX-License-Identifier: GPL-2.0-or-later
#include <time.h>

#include "size.h"

static const char units[] = "KMGTP";

static int digits(const char **p, u64 *n)
{
	const char *s = *p;

	for (*n = 0; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, (u64)(*s - '0'), n))
			return -EINVAL;
	if (s == *p)
		return -EINVAL;
	*p = s;
	return 0;
}

int cdp_number_parse(const char *text, u64 max, u64 *n)
{
	if (digits(&text, n) || *text || *n > max)
		return -EINVAL;
	return 0;
}

int cdp_size_parse(const char *text, u64 *bytes)
{
	const char *unit;
	u32 shift = 0;

	if (digits(&text, bytes))
		return -EINVAL;
	unit = *text ? strchr(units, *text & ~0x20) : NULL;
	if (unit && *unit) {
		shift = 10 * (u32)(unit - units + 1);
		text++;
		if (!strcmp(text, "iB"))
			text += 2;
	}
	if (*text || *bytes > UINT64_MAX >> shift)
		return -EINVAL;
	*bytes <<= shift;
	return 0;
}

const char *cdp_size_print(u64 bytes, char text[CDP_SIZE_TEXT])
{
	double n = (double)bytes;
	int i = -1;

	while (n >= 1023.95 && i < (int)sizeof(units) - 2) {
		n /= 1024;
		i++;
	}
	if (i < 0)
		cdp_print(text, CDP_SIZE_TEXT, "%u B", (u32)bytes);
	else
		cdp_print(text, CDP_SIZE_TEXT, "%.1f %ciB", n, units[i]);
	return text;
}

const char *cdp_time_print(u64 s, char text[CDP_TIME_TEXT])
{
	if (s < 60)
		cdp_print(text, CDP_TIME_TEXT, "%u s", (u32)s);
	else if (s < 3600)
		cdp_print(text, CDP_TIME_TEXT, "%u min %u s", (u32)(s / 60), (u32)(s % 60));
	else if (s < 360000)
		cdp_print(text, CDP_TIME_TEXT, "%u h %u min", (u32)(s / 3600),
			  (u32)(s % 3600 / 60));
	else
		cdp_print(text, CDP_TIME_TEXT, "over 100 h");
	return text;
}

const char *cdp_when_print(u64 seconds, char text[CDP_WHEN_TEXT])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!seconds || !localtime_r(&t, &tm) ||
	    !strftime(text, CDP_WHEN_TEXT, "%Y-%m-%d %H:%M:%S", &tm))
		strcpy(text, "-");
	return text;
}
