/* SPDX-License-Identifier: GPL-2.0 */
/* What was said on stderr: said_begin(); ...; text = said_end(); */
#ifndef CDP_UNIT_SAID_H
#define CDP_UNIT_SAID_H

void said_begin(void);
/* Valid until the next one ends. */
const char *said_end(void);

#endif
