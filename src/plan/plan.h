/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PLAN_PLAN_H
#define PCIFERRY_PLAN_PLAN_H

/*
 * From a wish, devices that are free at each boot, to the edits that bring it about, and
 * to what a person ought to know before: docs/design/plans.md.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "boot/text.h"
#include "change/edit.h"
#include "pci/address.h"
#include "pci/identity.h"
#include "plan/foresee.h"
#include "vm/reserve.h"

struct error;
struct plan_saved;

/* What a person decides; plan_saved_write() writes each down. */
struct plan_options {
	bool from_tab; /* what /etc/pciferry.tab names, and nothing else */
	bool by_id;    /* by IDs, not by address */
	bool adopt;    /* settings by hand go, where the tab says the same */
	bool headless; /* the host may be without a picture */
};

/* Huge pages that a NUMA node is to have at each boot, in all. */
struct plan_pages {
	unsigned long long kib; /* of memory; 0: no line of the tab any more */
	unsigned int page_kib;	/* of one page; 0: the kernel's default */
	bool has_node;		/* else that of the devices */
	unsigned int node;
};

struct plan_request {
	const struct pci_address
		*addresses; /* those that were named; not with from_tab */
	size_t count;
	const struct plan_pages *pages;
	size_t n_pages;
	bool gvt; /* the processor's graphics can be cut into slices (docs/design/mdev.md)
		   */
	struct plan_options options;
	bool trial;			/* for one boot alone, and back by itself */
	const struct plan_saved *saved; /* what must come of it; NULL: anything */
};

/* A function that will be free: one that was named, or that goes along. */
struct plan_member {
	struct pci_address address;
	bool named;
	struct pci_identity identity;
	char driver[64]; /* that it will have: "vfio-pci" */
};

/* What a person once wrote by hand for one of them. */
struct plan_found {
	char *place;		    /* "/etc/modprobe.d/vfio.conf:2" */
	char *text;		    /* as it stands there */
	char *meaning;		    /* what it does, in words */
	struct string_list devices; /* the members that it is about, addresses */
	struct string_list also;    /* others that it is about as well */
	bool fights;		    /* it wants something else than the plan */
	bool can_be_adopted, adopted;
};

struct plan {
	struct plan_member *members; /* sorted by address */
	size_t count;
	/* Addresses that images bind by an older tab, and the next ones do not. */
	struct string_list released;
	struct vm_reserve *pages; /* as the tab has them then; a count of 0: not */
	size_t n_pages;
	bool gvt;
	struct pci_address graphics; /* of gvt */
	struct plan_found *found;
	size_t n_found;
	struct change_edits edits; /* looked at: what is so already is not in it */
	/* What a person has to do where an edit is not safe: then there are no edits. */
	struct string_list instructions;
	struct string_list losses;  /* what the host will be without, a line each */
	struct string_list risks;   /* what may go wrong all the same */
	struct string_list returns; /* the ways back, the easiest first */
	struct boot_parameters parameters;   /* that the edits add and take out */
	struct plan_predictions predictions; /* of the next boot, with the edits made */
	unsigned int trial; /* the number of the change that is tried; 0: it is none */
	bool predicted;	    /* the groups are not the kernel's own: its IOMMU is off */
};

/*
 * Refused (ERROR_REFUSED, with all the evidence) when the host would not boot without a
 * device, or would have too little memory left, when the person would lose the way in,
 * when no guest could get it, or when not that comes of it which was saved; when the tab
 * has a line that does not count, or that is about another device than is there. Returns
 * 0 or -errno.
 */
int plan_make(const struct host *host, const struct plan_request *request,
	      struct plan *ret_plan, struct error *err);
void plan_free(struct plan *plan); /* takes NULL */

/* Whether huge pages of that size at that node are among what it is about. */
bool plan_has_pages(const struct plan *plan, const struct vm_reserve *reserve);
void plan_found_free(struct plan_found *found, size_t count);

#endif
