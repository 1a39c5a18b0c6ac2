/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PLAN_FORESEE_H
#define PCIFERRY_PLAN_FORESEE_H

/*
 * Which driver the devices of a plan, or of the tab, will have after the next boot of
 * each kernel, and what was foreseen before this one: docs/design/next-boot.md.
 */
#include <stdbool.h>
#include <stddef.h>

#include "bootcfg/next.h"
#include "pci/address.h"
#include "vm/reserve.h"

struct error;

struct plan_prediction {
	struct pci_address address;
	char *release;	 /* of the kernel */
	char wanted[64]; /* the driver that it is to have */
	bool remade;	 /* its image is not made yet */
	struct bootcfg_next next;
};

/* Of huge pages, which pciferry.service reserves. */
struct plan_pages_prediction {
	struct vm_reserve wanted;
	enum fact fact; /* ABSENT: they will not be there; UNREADABLE: it is not known */
	char reason[200]; /* one clause, for a person */
};

struct plan_predictions {
	struct plan_prediction *items; /* a device's stand together */
	size_t count;
	struct plan_pages_prediction *pages; /* in the order of the tab */
	size_t n_pages;
};

/*
 * What the next boot makes of each device and all huge pages in the tab; release: of that
 * kernel alone, NULL: of all. Returns 0, also without a tab, or -errno; -ENOENT: there is
 * no such kernel.
 */
int plan_foresee_tab(const struct host *host, const char *release,
		     struct plan_predictions *ret_predictions, struct error *err);
void plan_predictions_free(struct plan_predictions *predictions); /* takes NULL */

/* It is known that the device will not have its driver. */
bool plan_prediction_fails(const struct plan_prediction *prediction);

/* "nvme", "no driver" or "unknown". */
const char *plan_prediction_name(const struct plan_prediction *prediction);

/* Whether they differ in nothing but the kernel. */
bool plan_prediction_is_same(const struct plan_prediction *one,
			     const struct plan_prediction *other);

/*
 * Keeps them on the host, until they are kept the next time, for what comes after the
 * boot. Returns 0 or -errno.
 */
int plan_predictions_keep(const struct host *host,
			  const struct plan_predictions *predictions, struct error *err);

/* What was foreseen of a device, before the boot that the host is in. */
struct plan_foreseen {
	enum fact fact;	 /* ABSENT: nothing; UNREADABLE: it could not be told */
	char driver[64]; /* "": no driver */
};
struct plan_foreseen plan_foreseen_read(const struct host *host, const char *release,
					const struct pci_address *address);

#endif
