/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of a host that is looked at: below $CDP_ROOT, if that is set, so that tests (and
 * rescue systems) can show another one than this.
 */
#ifndef CDP_TOOLS_HOST_H
#define CDP_TOOLS_HOST_H

#include "probe.h"

/* The path of one that is named from "/"; returns @path. */
const char *cdp_host_path(char path[CDP_PATH_TEXT], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Is there such a file, which may be a link that leads nowhere? @pattern as of glob(3). */
bool cdp_host_has(const char *pattern);

/* Call @each for every match; @path is from "/" again. */
void cdp_host_each(const char *pattern, void (*each)(const char *path, void *ctx), void *ctx);

/* The first bytes of a file as a text, without the last newline; false when there is none. */
bool cdp_host_read(const char *path, char *text, size_t size);

/* A file of "KEY = VALUE" or "KEY VALUE" lines: what the last one of @key has, without quotes. */
bool cdp_host_value(const char *path, const char *key, char *value, size_t size);

#endif
