/* SPDX-License-Identifier: GPL-2.0 */
/* A directory for a test that needs one. */
#ifndef CDP_UNIT_DIR_H
#define CDP_UNIT_DIR_H

/* New and empty with the first call; it goes, with all in it, when the process exits. */
const char *unit_dir(void);

#endif
