/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_CLAIMS_H
#define PCIFERRY_PCI_CLAIMS_H

/*
 * Which drivers say that they are for a function, loaded or not: the patterns that
 * modpost writes into modules.alias, and into modules.builtin.modinfo for what is built
 * in.
 */
#include <stddef.h>

#include "base/text.h"
#include "host/host.h"

struct pci_device;

/*
 * Adds the modules whose pattern in modules.alias ("alias PATTERN MODULE") fits, each
 * once. With a modalias that begins with "vfio_pci:" those are found that take the
 * function for VFIO in vfio-pci's place. Returns 0 or -ENOMEM.
 */
int pci_aliases_parse(const char *text, size_t len, const char *modalias,
		      struct string_list *ret_modules);

/* The same in modules.builtin.modinfo: "module.alias=PATTERN", each ended by a NUL. */
int pci_builtin_aliases_parse(const char *bytes, size_t len, const char *modalias,
			      struct string_list *ret_modules);

/* Both files of a kernel, for asking them of any number of functions. */
struct pci_aliases {
	enum fact fact; /* FACT_UNREADABLE: they are not there to be asked */
	char *modules, *builtin;
	size_t modules_len, builtin_len;
};

/* The running kernel's. */
void pci_aliases_read(const struct host *host, struct pci_aliases *ret_aliases);
void pci_aliases_free(struct pci_aliases *aliases); /* takes NULL */

/*
 * The drivers of a kernel, whose folder is "lib/modules/6.1.0-56-amd64", that claim a
 * function. FACT_UNREADABLE: the kernel's modules are not there to be asked.
 */
enum fact pci_read_claims_of(const struct host *host, const char *folder,
			     const struct pci_device *device,
			     struct string_list *ret_modules);

/* The same of the running kernel. */
enum fact pci_read_claims(const struct host *host, const struct pci_device *device,
			  struct string_list *ret_modules);

/*
 * The modules that take the function for VFIO in vfio-pci's place ("mlx5_vfio_pci":
 * PCI_DRIVER_OVERRIDE_DEVICE_VFIO in include/linux/pci.h). As above; FACT_ABSENT:
 * vfio-pci alone does.
 */
enum fact pci_find_vfio_variants(const struct host *host,
				 const struct pci_aliases *aliases,
				 const struct pci_device *device,
				 struct string_list *ret_modules);

#endif
