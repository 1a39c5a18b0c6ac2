/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_DEFINITION_H
#define PCIFERRY_VM_DEFINITION_H

/* Which functions of this host a domain's definition names, and where there is room. */
#include <stdbool.h>
#include <stddef.h>

#include "pci/address.h"

struct error;
struct vm_function;

/* An element of <devices> that names a function. */
struct vm_held {
	struct pci_address host;
	size_t child;	  /* which element of <devices>, from 0 (vm_splice_remove()) */
	bool managed;	  /* libvirt binds it, and gives it back */
	bool shares_slot; /* of the guest, with another of its devices */
	bool is_disk;	  /* <disk type='nvme'>: QEMU's own driver has it */
};

enum vm_port {
	VM_PORT_NONE,  /* there is no such root port, or something is behind it */
	VM_PORT_COLD,  /* nothing can be plugged in while the guest runs */
	VM_PORT_READY, /* it is free */
};

enum { VM_PORT_COUNT = 256 }; /* as many as there are numbers of buses */

struct vm_definition {
	char *name;
	bool asks; /* pciferry's hook hands its devices over (domain.h) */
	struct vm_held *held;
	size_t n_held;
	enum vm_port ports[VM_PORT_COUNT]; /* PCIe root ports, by the bus behind them */
};

/*
 * What is not of the kind that libvirt reads is passed over, and so is an address that
 * can be none. For vm_definition_free(). Returns 0; -EINVAL: it is no definition;
 * -ENOENT: libxml2 is not installed; or -ENOMEM.
 */
int vm_definition_read(const char *bytes, size_t len,
		       struct vm_definition *ret_definition, struct error *err);
void vm_definition_free(struct vm_definition *definition); /* takes NULL */

/* NULL: it does not name it. */
const struct vm_held *vm_definition_find(const struct vm_definition *definition,
					 const struct pci_address *address);

/*
 * Gives each function, sorted by address, a place that is free there: functions of one
 * slot of the host share a root port, or, where it is to be plugged in while the guest
 * runs, each has its own, since libvirt plugs in only what is function 0
 * (virDomainPCIAddressEnsureAddr()). Where no port is free libvirt is left to find one.
 */
void vm_definition_place(const struct vm_definition *definition, bool runs,
			 struct vm_function *functions, size_t count);

#endif
