// SPDX-License-Identifier: GPL-2.0
/* Numbers as people write them. */
#include "unit.h"
#include "size.h"

TEST(sizes)
{
	static const struct {
		const char *text;
		int r;
		u64 bytes;
	} rows[] = {
		{ "0", 0, 0 },
		{ "512", 0, 512 },
		{ "64K", 0, 65536 },
		{ "64k", 0, 65536 },
		{ "64KiB", 0, 65536 },
		{ "1M", 0, 1 << 20 },
		{ "20G", 0, 20ull << 30 },
		{ "3T", 0, 3ull << 40 },
		{ "1PiB", 0, 1ull << 50 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -EINVAL, 0 },
		{ "16383P", 0, 16383ull << 50 },
		{ "16384P", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "K", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1.5G", -EINVAL, 0 },
		{ "1KB", -EINVAL, 0 },
		{ "1KiBx", -EINVAL, 0 },
		{ "1E", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1iB", -EINVAL, 0 },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 bytes = 1;
		int r = cdp_size_parse(rows[i].text, &bytes);

		must(r == rows[i].r, "\"%s\"", rows[i].text);
		must(r || bytes == rows[i].bytes, "\"%s\": %llu", rows[i].text,
		     (unsigned long long)bytes);
	}
}

TEST(numbers)
{
	u64 n;

	must(!cdp_number_parse("7", 7, &n) && n == 7, "the largest");
	must(cdp_number_parse("8", 7, &n) == -EINVAL, "above");
	must(cdp_number_parse("", 7, &n) == -EINVAL, "empty");
	must(cdp_number_parse("7x", 70, &n) == -EINVAL, "more behind");
	must(cdp_number_parse("99999999999999999999", UINT64_MAX, &n) == -EINVAL, "overflow");
}

static void prints(u64 bytes, const char *expected)
{
	char text[CDP_SIZE_TEXT];

	ck_assert_str_eq(cdp_size_print(bytes, text), expected);
}

TEST(printed)
{
	char text[CDP_TIME_TEXT];

	prints(0, "0 B");
	prints(1023, "1023 B");
	prints(1024, "1.0 KiB");
	prints(1536, "1.5 KiB");
	prints((1 << 20) - 1, "1.0 MiB");	/* not 1024.0 KiB */
	prints(20ull << 30, "20.0 GiB");
	prints(UINT64_MAX, "16384.0 PiB");
	ck_assert_str_eq(cdp_time_print(0, text), "0 s");
	ck_assert_str_eq(cdp_time_print(59, text), "59 s");
	ck_assert_str_eq(cdp_time_print(200, text), "3 min 20 s");
	ck_assert_str_eq(cdp_time_print(7500, text), "2 h 5 min");
	ck_assert_str_eq(cdp_time_print(UINT64_MAX, text), "over 100 h");
}

UNIT_MAIN("size", sizes, numbers, printed)
