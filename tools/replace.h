/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A leg in service is exchanged for another: it leaves when the new one is in-sync. */
#ifndef CDP_TOOLS_REPLACE_H
#define CDP_TOOLS_REPLACE_H

#include "live.h"

/**
 * cdp_replace() - do it, and wait for the copy between its two halves.
 * @old: as the user names it
 * @spec: the new leg
 * @undone: nothing is left to be done when it fails
 */
int __must_check cdp_replace(struct cdp_live *s, const char *old, const char *spec,
			     const char *meta, bool *undone);

/* What of it was done is undone: the new leg leaves, if the old one is still there. */
int __must_check cdp_replace_undo(struct cdp_live *s, const char *old, const char *spec);

#endif
