/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list behind catalog.h. */
#ifndef CDP_TOOLS_TOPICS_H
#define CDP_TOOLS_TOPICS_H

#include "catalog.h"

extern const struct cdp_topic cdp_topics[];
extern const u32 cdp_nr_topics;

#endif
