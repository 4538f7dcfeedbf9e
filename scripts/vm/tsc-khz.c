// SPDX-License-Identifier: GPL-2.0
/*
 * Rate of this processor's time stamp counter, in kHz. An emulated guest sees
 * the same counter, but finds out its rate at a time when both processors may
 * be busy with something else: then its clock runs several times too fast.
 */
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(void)
{
	double t0 = now(), t1;
	unsigned long long c0 = __rdtsc(), c1;

	do {
		t1 = now();
		c1 = __rdtsc();
	} while (t1 - t0 < 300);
	printf("%.0f\n", (c1 - c0) / (t1 - t0));
	return 0;
}
