// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <unistd.h>

#include "said.h"
#include "unit.h"

static FILE *file;
static int old;

void said_begin(void)
{
	file = tmpfile();
	old = dup(STDERR_FILENO);
	must(file && old >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0, "stderr into a file");
}

const char *said_end(void)
{
	static char text[8192];

	fflush(stderr);
	dup2(old, STDERR_FILENO);
	close(old);
	rewind(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}
