// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

#include "host.h"

#define MOST_TEXT	65536

static const char *root(void)
{
	const char *dir = getenv("CDP_ROOT");

	return dir ? dir : "";
}

const char *cdp_host_path(char path[CDP_PATH_TEXT], const char *fmt, ...)
{
	va_list ap;
	int n = cdp_print(path, CDP_PATH_TEXT, "%s", root());

	va_start(ap, fmt);
	vsnprintf(path + n, CDP_PATH_TEXT - (size_t)n, fmt, ap);
	va_end(ap);
	return path;
}

void cdp_host_each(const char *pattern, void (*each)(const char *path, void *ctx), void *ctx)
{
	char path[CDP_PATH_TEXT];
	glob_t g;
	size_t i;

	if (glob(cdp_host_path(path, "%s", pattern), 0, NULL, &g))
		return;
	for (i = 0; i < g.gl_pathc; i++)
		each(g.gl_pathv[i] + strlen(root()), ctx);
	globfree(&g);
}

static void note(const char *path, void *ctx)
{
	(void)path;
	*(bool *)ctx = true;
}

bool cdp_host_has(const char *pattern)
{
	bool any = false;

	cdp_host_each(pattern, note, &any);
	return any;
}

bool cdp_host_read(const char *path, char *text, size_t size)
{
	char real[CDP_PATH_TEXT];
	int fd = open(cdp_host_path(real, "%s", path), O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	return n >= 0;
}

/* Behind @key and what separates it from its value; NULL if the line is another's. */
static const char *value_in(const char *line, const char *key)
{
	size_t len = strlen(key);

	line += strspn(line, " \t");
	if (strncmp(line, key, len) || !strchr(" \t=", line[len]))
		return NULL;
	line += len;
	return line + strspn(line, " \t=");
}

bool cdp_host_value(const char *path, const char *key, char *value, size_t size)
{
	char *text = malloc(MOST_TEXT), *line, *save;
	bool found = false;

	if (text && cdp_host_read(path, text, MOST_TEXT))
		for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			const char *v = value_in(line, key);

			if (!v)
				continue;
			v += *v == '"';
			cdp_print(value, size, "%.*s", (int)strcspn(v, "\"\n"), v);
			found = true;
		}
	free(text);
	return found;
}
