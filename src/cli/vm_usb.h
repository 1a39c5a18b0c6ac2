/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_USB_H
#define PCIFERRY_CLI_VM_USB_H

/* The devices of the host's USB that a guest of `vm run` has. */
#include "cli/cli.h"
#include "cli/vm_options.h"

/*
 * Finds them, before a device is touched (vm/usb.h says what is refused), and whether
 * this user can hand them over. The request has them, and its config. 0 or -errno.
 */
int vm_usb_look(const struct cli *cli, const struct host *host,
		struct vm_request *request, struct error *err);

/*
 * Looks again, as one may be in use by now, and opens them for QEMU; vm_usb_end(), also
 * on failure, sees that they are the host's again. 0 or -errno.
 */
int vm_usb_begin(const struct host *host, struct vm_request *request, struct error *err);
void vm_usb_end(const struct vm_request *request);

/* In the keeper, which has none of them open: for those that vm_usb_look() has found. */
void vm_usb_end_instead(const struct host *host, const struct vm_request *request);

#endif
