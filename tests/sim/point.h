/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Forced in front of core/ and the kernel shell: port.h for user space, with a
 * point at which another task may run before every access to shared words.
 */
#ifndef SIM_POINT_H
#define SIM_POINT_H

#include "port.h"

/* Another task may run here, if the dice say so. */
void sim_point(void);

#define cdp_atomic_get(a)		(sim_point(), (cdp_atomic_get)(a))
#define cdp_atomic_swap(a, old, new)	(sim_point(), (cdp_atomic_swap)(a, old, new))
#define cdp_atomic_sub(a, v)		(sim_point(), (cdp_atomic_sub)(a, v))
#define cdp_word_get(w)			(sim_point(), (cdp_word_get)(w))
#define cdp_word_or(w, bits)		(sim_point(), (cdp_word_or)(w, bits))
#undef cdp_load
#undef cdp_store
#define cdp_load(x)			(sim_point(), (x))
#define cdp_store(x, v)			(sim_point(), (x) = (v))

#endif
