/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device says of itself, whatever it is called: "wwid=naa.5000c500a1b2c3d4". A leg
 * whose metadata is elsewhere has no mark on its data, and is known by this. No device is
 * opened for it.
 */
#ifndef CDP_TOOLS_IDENTITY_H
#define CDP_TOOLS_IDENTITY_H

#include "conf.h"
#include "msg.h"

/* The best that there is; false when it says nothing of itself. */
bool cdp_identity_of(u32 major, u32 minor, char id[CDP_PATH_TEXT]);

/* Is this the device that said @id? */
bool cdp_identity_is(u32 major, u32 minor, const char *id);

/* Is the metadata of @l on another device than its data? */
bool cdp_identity_counts(const struct cdp_conf_leg *l);

/* Remember that the data of @l is on this device; what is known stays while it says nothing.
 * Return: was something else remembered?
 */
bool cdp_identity_remember(struct cdp_conf_leg *l, u32 major, u32 minor);

/* Does it say now what is remembered of @l? Not while it comes, or goes. */
bool cdp_identity_is_said(const struct cdp_conf_leg *l, u32 major, u32 minor);

/**
 * cdp_identity_differs() - is this another device than is remembered of @l?
 *
 * Return: NULL, or the second half of a sentence that began with the device, in @text.
 */
const char *cdp_identity_differs(const struct cdp_conf_leg *l, u32 major, u32 minor,
				 char text[CDP_MSG_TEXT]);

#endif
