/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHECK_MENTION_H
#define PCIFERRY_CHECK_MENTION_H

/*
 * Where a text names a function by its address, which is another one's once a card was
 * added. Each returns the first place, on the line where it is named, or NULL. The text
 * goes up to `end`, where a NUL is.
 */
#include "pci/address.h"

typedef const char *(*mention_finder)(const char *text, const char *end,
				      const struct pci_address *address);

/* "0000:01:00.0" or, in domain 0, "01:00.0", in lines that are no comments. */
const char *mention_in_lines(const char *text, const char *end,
			     const struct pci_address *address);

/*
 * The same, and the names that udev makes of an address: "enp1s0", "enP2p1s0f1"
 * (systemd.net-naming-scheme(7)).
 */
const char *mention_in_interfaces(const char *text, const char *end,
				  const struct pci_address *address);

/*
 * A guest's definition (libvirt's formatdomain): an <address> in a <source> is the
 * host's, any other the guest's own; and arguments for QEMU.
 */
const char *mention_in_domain(const char *text, const char *end,
			      const struct pci_address *address);

#endif
