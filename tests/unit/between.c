// SPDX-License-Identifier: GPL-2.0
/* The points of core/ in unit tests: nothing happens there, or one other call. */
#include "between.h"

void sim_point(void);

static void (*other)(void *arg);
static void *other_arg;
static u32 left;

static void come(void)
{
	void (*f)(void *arg) = other;

	/* nobody comes between who came between */
	other = NULL;
	f(other_arg);
}

void sim_point(void)
{
	if (other && !left--)
		come();
}

void between(u32 points, void (*f)(void *arg), void *arg)
{
	other = f;
	other_arg = arg;
	left = points;
}

bool between_end(void)
{
	if (!other)
		return true;
	come();
	return false;
}
