/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_DISPLAY_H
#define PCIFERRY_CLI_DISPLAY_H

/* Graphics cards of a host that runs. */
#include "bind/bind.h"

struct json_object;

/*
 * Of those devices that are displays and are not bound yet: warns where one is known not
 * to come back from a guest, or the host has no picture without it. Returns 0 or -errno.
 */
int display_warn(const struct host *host, const struct bind_plan *plan,
		 struct error *err);

/*
 * What shows a picture no more, to a JSON array, or as text where that is NULL. The
 * firmware's framebuffer seldom comes back: vfio-pci ends it, as drivers of cards do.
 */
void display_tell_ended(const struct bind_member *member, struct json_object *array);

#endif
