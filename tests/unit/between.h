/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What another task does in the middle of a call, at one point after the other:
 * before every access of core/ to words that are shared (tests/sim/point.h).
 *
 *   do {
 *	... set the scene
 *	between(at++, other, arg);
 *	... the call
 *	more = between_end();
 *	... must()
 *   } while (more);
 */
#ifndef CDP_BETWEEN_H
#define CDP_BETWEEN_H

#include "port.h"

/* Call @other(@arg) when @points points were passed. */
void between(u32 points, void (*other)(void *arg), void *arg);
/* Was it called? If not, it is now: the call that it was to disturb is over. */
bool between_end(void);

#endif
