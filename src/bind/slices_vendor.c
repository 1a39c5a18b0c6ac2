/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NVIDIA's slices that are virtual functions, which are made by giving one a type. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/internal.h"
#include "bind/slices.h"
#include "pci/slices.h"

static int has_another(const char *function, long long type, struct error *err)
{
	error_set(err, EEXIST, function, "it has a type already, %lld", type);
	error_hint(err, "pciferry mdev remove %s takes it off", function);
	return -EEXIST;
}

static int is_not_offered(const char *parent, unsigned int type, struct error *err)
{
	error_set(err, ENOSPC, parent,
		  "there is no room for a slice of type %u, or no"
		  " function for it",
		  type);
	error_hint(err,
		   "pciferry mdev types %s shows what there can be now: it depends on"
		   " what there is",
		   parent);
	return -ENOSPC;
}

/* The function itself was named. */
static int plan_function(const struct host *host, const struct pci_address *function,
			 long long current, unsigned int type,
			 struct bind_vendor_slice *ret_slice, struct error *err)
{
	char text[PCI_ADDRESS_SIZE];
	bool offers = false;

	pci_address_format(function, text);
	if (current && current != type)
		return has_another(text, current, err);
	if (!current && pci_slice_vendor_offers(host, function, type, &offers) < 0)
		return error_oom(err);
	if (!current && !offers)
		return is_not_offered(text, type, err);
	*ret_slice = (struct bind_vendor_slice){
		.function = *function,
		.type = type,
		.is_done = current != 0,
	};
	return 0;
}

/* Those where an earlier step hangs, which is no reason to make none at all. */
struct passing {
	struct change *change; /* NULL: nothing is carried out */
	bool any;
	struct pci_address last;
};

static bool passes_over(const struct pci_address *function, void *argument)
{
	struct passing *passing = argument;
	char text[PCI_ADDRESS_SIZE];

	pci_address_format(function, text);
	if (!passing->change ||
	    change_wait_for_device(passing->change, text, 0, NULL) != -ETIMEDOUT)
		return false;
	passing->any = true;
	passing->last = *function;
	return true;
}

int bind_vendor_plan_make(const struct host *host, struct change *change,
			  const struct pci_address *parent, unsigned int type,
			  struct bind_vendor_slice *ret_slice, struct error *err)
{
	struct passing passing = { .change = change };
	char text[PCI_ADDRESS_SIZE];
	struct pci_address function;
	long long current = 0;
	int r;

	pci_address_format(parent, text);
	switch (pci_slice_vendor_type(host, parent, &current)) {
	case FACT_KNOWN:
		return plan_function(host, parent, current, type, ret_slice, err);
	case FACT_UNREADABLE:
		return error_set(err, EIO, text, "which type it has could not be read");
	case FACT_ABSENT:
		break;
	}
	r = pci_slice_vendor_find(host, parent, type, passes_over, &passing, &function);
	if (r == -ENOENT && passing.any)
		return change_wait_for_device(
			change, pci_address_format(&passing.last, text), 0, err);
	if (r == -ENOENT)
		return is_not_offered(text, type, err);
	return r < 0 ? error_oom(err)
		     : plan_function(host, &function, 0, type, ret_slice, err);
}

int bind_vendor_plan_remove(const struct host *host, const struct pci_address *function,
			    struct bind_vendor_slice *ret_slice, struct error *err)
{
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	const struct pci_slice *slice;
	char text[PCI_ADDRESS_SIZE];
	int r = pci_slices_read(host, &slices, err);

	if (r < 0)
		return r;
	pci_address_format(function, text);
	slice = pci_slice_find(&slices, text);
	if (!slice) {
		error_set(err, ENODEV, text, "it is no slice: it has no type");
		error_hint(err, "pciferry mdev list shows what there is");
		return -ENODEV;
	}
	r = bind_slice_refuse_held(host, slice, err);
	*ret_slice = (struct bind_vendor_slice){ .function = *function };
	return r;
}

int bind_vendor_steps(const struct bind_vendor_slice *slice,
		      struct change_steps *ret_steps)
{
	char device[PCI_ADDRESS_SIZE], target[PCI_ATTRIBUTE_PATH_SIZE], value[16];
	struct change_step step = {
		.kind = CHANGE_WRITE_ATTRIBUTE,
		.device = device,
		.target = target,
		.value = value,
		.purpose =
			slice->type ? (char *)"give it a type" : (char *)"take its type",
	};

	if (slice->is_done)
		return 0;
	pci_address_format(&slice->function, device);
	pci_attribute_path(&slice->function, "nvidia/current_vgpu_type", target);
	snprintf(value, sizeof(value), "%u\n", slice->type);
	return change_add(ret_steps, &step);
}

/* Its driver's manager may say no although it was offered, and says why in its own log.
 */
static int driver_refused(const struct bind_vendor_slice *slice, int r, struct error *err)
{
	char text[PCI_ADDRESS_SIZE];

	error_clear(err);
	error_set(err, -r, pci_address_format(&slice->function, text),
		  "its driver did not %s",
		  slice->type ? "give it that type" : "take its type off");
	error_hint(err, "journalctl -u nvidia-vgpu-mgr, and dmesg | tail, may say why");
	return r;
}

int bind_vendor_perform(struct change *change, const struct bind_vendor_slice *slice,
			struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	char text[PCI_ADDRESS_SIZE];
	long long current = -1;
	int r;

	if (slice->is_done)
		return 0;
	r = change_wait_for_device(change, pci_address_format(&slice->function, text), 0,
				   err);
	if (r < 0)
		return r;
	if (bind_vendor_steps(slice, &steps) < 0)
		return error_oom(err);
	r = change_perform(change, &steps.items[0], err);
	if (r == -ETIMEDOUT)
		return r;
	if (r < 0)
		return driver_refused(slice, r, err);
	if (pci_slice_vendor_type(change_host(change), &slice->function, &current) !=
		    FACT_KNOWN ||
	    current != slice->type)
		return driver_refused(slice, -EIO, err);
	return 0;
}
