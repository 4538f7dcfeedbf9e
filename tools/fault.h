/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Points at which a test has cdpctl die (build/cdpctl-fault, CDP_DIE_AT=N: at the N-th);
 * nothing at all in what is installed.
 */
#ifndef CDP_TOOLS_FAULT_H
#define CDP_TOOLS_FAULT_H

#ifdef CDP_FAULT
void cdp_fault_point(const char *what);
#else
static inline void cdp_fault_point(const char *what)
{
	(void)what;
}
#endif

#endif
