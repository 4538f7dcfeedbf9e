/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What every unit test needs: a main() and numbers from a seed.
 *
 *   TEST(adds) { must(1 + 1 == 2, "sum"); }
 *   UNIT_MAIN("arithmetic", adds)
 */
#ifndef CDP_UNIT_H
#define CDP_UNIT_H

#include <check.h>
#include <stdlib.h>

#include "port.h"

/* Check's END_TEST expands to nothing and is left out. */
#define TEST(name)	START_TEST(name)

/* Like ck_assert_msg(), but free when it holds: for loops of millions. */
#define must(condition, format, ...) \
	do { \
		if (!(condition)) \
			ck_abort_msg("%s: " format, #condition, ##__VA_ARGS__); \
	} while (0)

/* A number from a sequence that only depends on where *@seed began (splitmix64). */
static inline u64 unit_random(u64 *seed)
{
	u64 z = *seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/* A number below @n. */
static inline u32 unit_below(u64 *seed, u32 n)
{
	return (u32)(unit_random(seed) >> 16) % n;
}

static inline int unit_run(const char *name, const TTest **tests, u32 count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;
	u32 i;

	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	for (i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define UNIT_MAIN(name, ...) \
	int main(void) \
	{ \
		const TTest *tests[] = { __VA_ARGS__ }; \
		\
		exit(unit_run(name, tests, ARRAY_SIZE(tests))); \
	}

#endif
