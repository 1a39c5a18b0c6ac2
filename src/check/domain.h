/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHECK_DOMAIN_H
#define PCIFERRY_CHECK_DOMAIN_H

/* What is wrong or slow in a domain's definition, on this host. */
#include "check/check.h"

struct pci_config;
struct pci_topology;
struct usage;
struct vm_definition;
struct vm_domain_list;

struct check_domain_request {
	const struct pci_devices *devices; /* all of the host */
	const struct iommu_groups *groups;
	const struct pci_topology *topology;
	const struct pci_config *configs; /* by the device's index */
	const struct usage *usage;	  /* of all devices */
	const char *bytes;		  /* the definition */
	size_t len;
	const char *file;		  /* it is in; NULL: it is libvirt's */
	const struct vm_definition *live; /* what the guest runs with; NULL: not known */
	const struct vm_domain_list *others; /* NULL: not known; itself may be there */
};

/* The same as check_host(), for the checks of a definition, whose area is "domain". */
int check_domain(const struct host *host, const struct check_domain_request *request,
		 struct check_findings *ret_findings, struct error *err);

#endif
