// SPDX-License-Identifier: GPL-2.0
/*
 * hog MIB PASSES     uses MIB of memory: writes all of its pages PASSES times, in another
 *                    order each time, and looks whether each holds what it wrote before.
 *                    More than there is has to be swapped. Says "hog: as written" at the end,
 *                    and "hog: pass N" after each on standard error.
 * At most 12 MiB/s, or the kernel, which sees all it has under way to an emulated disk,
 * would kill something. It would be this.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "port.h"

#define PAGE		4096ull
#define BATCH		32u	/* pages between two pauses */
#define PAUSE_US	10000

static void die_first(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd < 0 || write(fd, "1000", 4) != 4)
		perror("oom_score_adj");
	close(fd);
}

static u64 value(u64 page, u64 word, u64 pass)
{
	return (page * 512 + word) * 0x9e3779b97f4a7c15ull ^ pass << 48;
}

/* Words here and there: the rest of a page costs time and shows nothing. */
static int visit(u64 *p, u64 page, u64 pass)
{
	u64 i;

	for (i = page % 7; i < PAGE / 8; i += 37) {
		if (pass && p[i] != value(page, i, pass - 1))
			return -1;
		p[i] = value(page, i, pass);
	}
	return 0;
}

int main(int argc, char **argv)
{
	u64 pages = argc == 3 ? strtoull(argv[1], NULL, 0) * 256 : 0;
	u64 passes = argc == 3 ? strtoull(argv[2], NULL, 0) : 0, pass, n, stride, page;
	u64 *p;

	if (!pages)
		return 2;
	die_first();
	p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		perror("hog");
		return 1;
	}
	for (pass = 0; pass < passes; pass++) {
		/* 256 pages to a MiB, so that odd strides need only miss the factors of MIB */
		stride = pass % 2 ? 1 : 7919;
		for (n = 0; n < pages; n++) {
			page = n * stride % pages;
			if (visit(p + page * PAGE / 8, page, pass)) {
				printf("hog: page %llu is wrong in pass %llu\n",
				       (unsigned long long)page, (unsigned long long)pass);
				return 1;
			}
			if (n % BATCH == 0)
				usleep(PAUSE_US);
		}
		fprintf(stderr, "hog: pass %llu\n", (unsigned long long)pass);
	}
	puts("hog: as written");
	return 0;
}
