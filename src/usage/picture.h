/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_USAGE_PICTURE_H
#define PCIFERRY_USAGE_PICTURE_H

/*
 * What shows a picture by way of a graphics card, as far as it can be ended in order and
 * begun again later: for who takes the card from a host that runs.
 */
#include "base/text.h"
#include "usage/usage.h"

struct usage_picture {
	/* The display manager, and what else is known to hold such a card: systemd's
	 * units that run, "gdm.service". */
	struct string_list services;
	bool held_otherwise; /* a service that is none of those holds it, too */

	/* The kernel's consoles on its framebuffer: entries of sys/class/vtconsole. */
	struct string_list consoles;

	/* The firmware's framebuffer in its memory, "efi-framebuffer/efi-framebuffer.0":
	 * a driver of sys/bus/platform/drivers, and its device. */
	struct string_list framebuffers;
};

/* From a scan (usage_scan()), and what /sys says beside it. Returns 0 or -ENOMEM. */
int usage_picture_read(const struct usage *usage, const struct pci_device *device,
		       struct usage_picture *ret_picture);
void usage_picture_free(struct usage_picture *picture); /* takes NULL */

#endif
