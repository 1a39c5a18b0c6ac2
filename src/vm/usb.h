/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_USB_H
#define PCIFERRY_VM_USB_H

/* Devices of the host's USB that a guest is to have, one by one. */
#include "vm/guest.h"

struct error;

/*
 * Finds a device by its IDs, "046d:c52b", or by the port that it is in, as the kernel
 * names it (drivers/usb/core/usb.c, usb_alloc_dev): "1-4.2". By IDs there must be one;
 * it can then be found again wherever it is plugged in. The numbers that the result has
 * are its until it is plugged in again.
 *
 * A hub goes with no guest; nor does one whose disk the kernel has claimed, or whose
 * network interface is up: -EBUSY, a refusal. Returns 0; -ENOENT; -ENOTUNIQ, with what
 * there is as evidence; -EINVAL; or what kept it from being read.
 */
int vm_usb_find(const struct host *host, const char *text, struct vm_usb *ret_usb,
		struct error *err);

#endif
