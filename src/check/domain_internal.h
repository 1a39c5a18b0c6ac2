/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHECK_DOMAIN_INTERNAL_H
#define PCIFERRY_CHECK_DOMAIN_INTERNAL_H

#include "check/domain.h"
#include "check/internal.h"
#include "vm/definition.h"
#include "vm/tree.h"

/* What the checks of a definition look at. */
struct check_domain {
	const struct check_domain_request *request;
	struct vm_tree tree;
	const xmlNode *devices; /* <devices>; NULL: there is none */
	struct vm_definition definition;
};

/* The next element of <devices> that names a function, behind this one; NULL: the first.
 */
const xmlNode *check_domain_next(const struct check_domain *domain, const xmlNode *node);

/* Its function and, where it is there, the device, which the run then is about. */
const struct pci_device *check_domain_look(struct check_run *run, const xmlNode *node,
					   struct pci_address *ret_address);

/* PASS with these words where nothing was found since `before`. */
int check_domain_end(struct check_run *run, size_t before, const char *seen);

/*
 * "pciferry vm detach 'web two' 0000:01:00.0", or with --xml FILE, for a shell. The
 * caller frees it; NULL: no memory.
 */
char *check_domain_command(const struct check_run *run, const char *verb,
			   const char *address);

bool check_domain_boots_uefi(const xmlNode *root);

/* Those in domain_devices.c, domain_slices.c, domain_memory.c and domain_numa.c. */
int check_domain_device(struct check_run *run);
int check_domain_use(struct check_run *run);
int check_domain_siblings(struct check_run *run);
int check_domain_shared(struct check_run *run);
int check_domain_rom(struct check_run *run);
int check_domain_slices(struct check_run *run);
int check_domain_memory(struct check_run *run);
int check_domain_window(struct check_run *run);
int check_domain_numa(struct check_run *run);

#endif
