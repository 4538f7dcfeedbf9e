/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only user of libsystemd: events in the journal; a word to the service manager. */
#ifndef CDP_TOOLS_JOURNAL_H
#define CDP_TOOLS_JOURNAL_H

#include "hooks.h"

/*
 * One event as an entry with CDP_SET, CDP_EVENT and so on, and the message id by which
 * the catalogue explains it. False where no journal is, or stderr does not lead to it.
 */
bool cdp_journal_send(const struct cdp_hook_event *e);

/* "READY=1", if a service manager waits for it. */
void cdp_journal_notify(const char *state);

#endif
