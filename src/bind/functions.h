/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BIND_FUNCTIONS_H
#define PCIFERRY_BIND_FUNCTIONS_H

/*
 * How many virtual functions a physical one has (SR-IOV): Documentation/PCI/pci-iov-howto
 * and sriov_numvfs_store() in drivers/pci/iov.c; docs/design/binding.md.
 *
 * The kernel makes all of them or none: between two numbers stands 0, and whatever was
 * there goes.
 */
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

#include "bind/function_settings.h"
#include "change/change.h"
#include "pci/address.h"

struct error;

enum { BIND_FUNCTIONS_MAX = 65535 }; /* the field's size: PCIe 6.0, 9.3.3.7 */

struct bind_functions {
	struct pci_address physical;
	unsigned int total;	   /* as many as device and driver allow */
	struct pci_address *items; /* those there are, by index */
	size_t count;
	bool probing;  /* the kernel gives new ones to drivers, as is usual */
	bool left_off; /* it did before a run of ours that has not come to its end */

	/* With bind_functions_plan(). */
	unsigned int wanted;
	const char *driver; /* the request's */

	/* Of each function alone; and, where one is set or goes, how they were before. */
	struct bind_function_settings settings;
	char interface[IF_NAMESIZE]; /* the physical function's; "": none */
	struct host_link link;

	/* With last_look: the disks of those that go, which nobody may take meanwhile. */
	struct string_list disks;
};

/* Those there are. -ENODEV, or -ENOTSUP: it can have none. Returns 0 or -errno. */
int bind_functions_read(const struct host *host, const struct pci_address *physical,
			struct bind_functions *ret_functions, struct error *err);
void bind_functions_free(struct bind_functions *functions); /* takes NULL */

struct bind_functions_request {
	struct pci_address physical;
	unsigned int wanted;
	bool as_many;	    /* as there are; `wanted` does not count */
	const char *driver; /* for them, before any other has them; NULL: the kernel's */

	/* Before any driver has new ones; NULL: none. Of one in use none is changed. */
	const struct bind_function_settings *settings;
	bool last_look; /* it will be carried out: ask the kernel about disks, too */
};

/*
 * The network interface through which a device's virtual functions are set. FACT_ABSENT:
 * it has none.
 */
enum fact bind_functions_find_interface(const struct host *host,
					const struct pci_address *physical,
					char ret_name[IF_NAMESIZE]);

/*
 * Refused (ERROR_REFUSED, with the evidence) where one that would go, or be set
 * otherwise, is in use. ERROR_USAGE for settings of functions that it would not have.
 * Returns 0 or -errno.
 */
int bind_functions_plan(const struct host *host,
			const struct bind_functions_request *request,
			struct bind_functions *ret_functions, struct error *err);

/* Whether no driver has new ones before they are set, or bound. */
bool bind_functions_hold_back(const struct bind_functions *functions);

/*
 * The steps that make and set them, in order, for change_steps_free(). Returns 0 or
 * -ENOMEM.
 */
int bind_functions_steps(const struct bind_functions *functions,
			 struct change_steps *ret_steps);

/*
 * Waits, for one deadline at most, until no step of an earlier run is under way on the
 * device. Before the plan is made: its number may be one in between. Returns 0 or
 * -ETIMEDOUT.
 */
int bind_functions_wait(struct change *change, const struct pci_address *physical,
			struct error *err);

/*
 * Carries a plan out that was made while the change was in progress: the functions, their
 * settings, their driver. Where that does not succeed there are as many as before, set as
 * before, unless the kernel has not come back (-ETIMEDOUT). Returns 0 or -errno.
 */
int bind_functions_make(struct change *change, const struct bind_functions *functions,
			struct error *err);

/* For change_options.came_back: drivers may have new ones again; one of them that was to
 * be bound is brought back. */
void bind_functions_came_back(struct change *change, const char *device, void *argument);

#endif
