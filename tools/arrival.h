/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wait for the legs of sets that do not run yet: disks and servers come late at boot. */
#ifndef CDP_TOOLS_ARRIVAL_H
#define CDP_TOOLS_ARRIVAL_H

#include "port.h"

/**
 * cdp_arrival_wait() - until every leg of the set @name (NULL: of all) is here
 * @seconds: at most so long; after that nothing waits for a storage server any more
 *
 * iSCSI legs are logged in to. A leg that was taken out by hand is not waited for, nor
 * one that is on another host.
 */
void cdp_arrival_wait(const char *name, u32 seconds);

#endif
