/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set is put under a device while it is used, and taken out again; see under.h. */
#ifndef CDP_TOOLS_ATTACH_LIVE_H
#define CDP_TOOLS_ATTACH_LIVE_H

#include "table.h"

struct cdp_attach_live {
	const char *name, *under;
	const char *const *protects;	/* as given: devices or iSCSI URLs */
	const char *const *metas;	/* the data leg's, then in order of protects; or NULL */
	u32 nr_protects;
	u32 region_sectors;
	struct cdp_features features;
};

/*
 * Is there anything in the way? Before it is remembered that this was begun: done again, it
 * looks at nothing that an earlier try may have made.
 */
int __must_check cdp_attach_live_begin(const struct cdp_attach_live *a);

/*
 * The set begins with the data leg alone, so that nothing is copied while the device does
 * not lead to it yet; then it is led to it; then the other legs join. To be called
 * again with the same after it was killed. When it fails, everything is undone, unless
 * it was called again; *@undone says so.
 */
int __must_check cdp_attach_live(const struct cdp_attach_live *a, bool *undone);

/*
 * The set goes on with the data leg alone, so that nothing can be missing on it; then the
 * device gets its own table again. @again: an earlier try may have done some or all of it.
 * When it fails early, what it has done is undone.
 */
int __must_check cdp_detach_live(const char *name, bool again, bool *undone);

#endif
