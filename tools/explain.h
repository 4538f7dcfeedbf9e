/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Why a set cannot be started: what each leg holds, and what to do. */
#ifndef CDP_TOOLS_EXPLAIN_H
#define CDP_TOOLS_EXPLAIN_H

#include "still.h"

/* Print what is known, after cdp_still_judge(). Returns the result for the
 * verdict, with a sentence recorded: -ECDP_REFUSED or -errno; 0 for 0.
 */
int __must_check cdp_explain(const struct cdp_still *s);

/* "2.1 MiB (regions: 34)": what a leg wrote since @other left it. Returns @text. */
#define CDP_AMOUNT_TEXT	160
const char *cdp_explain_amount(const struct cdp_still *s, u32 leg, u32 other,
			       char text[CDP_AMOUNT_TEXT]);

/* "faulty since 2026-01-31 12:34:56": what @super says of the leg with @uuid. Pure. */
#define CDP_SAYS_TEXT	160
const char *cdp_explain_says(const struct cdp_super *super, const struct cdp_uuid *uuid,
			     char text[CDP_SAYS_TEXT]);

#endif
