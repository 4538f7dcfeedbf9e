/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor's hand that writes: the history lies on a disk that may be one of those
 * which do not answer now, or is full. A process of its own writes in order, and tries
 * again while that may help; who tends the legs does not wait for it.
 */
#ifndef CDP_TOOLS_RECORD_H
#define CDP_TOOLS_RECORD_H

#include "history.h"

/*
 * Before anything is locked or opened that must end with the caller: the process may stay
 * behind. Without it the callers write themselves.
 */
int __must_check cdp_record_start(void);

/* Wait for what is still to be written, but not longer than @most_s. */
void cdp_record_end(double most_s);

/*
 * As cdp_history_add() and cdp_history_see(), which see, but later: what fails then is said by
 * the process. A record may not be taken (false), and is to come again.
 */
bool cdp_record_history(const char *name, const struct cdp_history_record *r);
void cdp_record_seen(const char *name, const struct cdp_seen *s);

#endif
