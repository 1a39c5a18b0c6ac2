/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bind/functions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/internal.h"

void bind_functions_free(struct bind_functions *functions)
{
	if (!functions)
		return;
	free(functions->items);
	memset(functions, 0, sizeof(*functions));
}

/* Under which it is kept that drivers are to take new ones again. */
enum { PROBING_NAME_SIZE = PCI_ADDRESS_SIZE + sizeof(".probing") };

static const char *probing_name(const struct pci_address *physical,
				char name[PROBING_NAME_SIZE])
{
	char address[PCI_ADDRESS_SIZE];

	snprintf(name, PROBING_NAME_SIZE, "%s.probing",
		 pci_address_format(physical, address));
	return name;
}

static int read_items(const struct host *host, const struct pci_device *device,
		      struct bind_functions *functions, struct error *err)
{
	_cleanup_(pci_details_free) struct pci_details details = { 0 };
	int r = pci_details_read(host, device, &details, err);

	if (r < 0)
		return r;
	functions->items = steal(details.virtual_functions);
	functions->count = details.n_virtual_functions;
	details.n_virtual_functions = 0;
	return 0;
}

static int read_functions(const struct host *host, const struct pci_devices *devices,
			  const struct pci_address *physical,
			  struct bind_functions *functions, struct error *err)
{
	const struct pci_device *device = pci_find(devices, physical);
	char path[PCI_ATTRIBUTE_PATH_SIZE], address[PCI_ADDRESS_SIZE];
	_cleanup_free_ char *kept = NULL;
	long long total = 0, probing = 0;
	char name[PROBING_NAME_SIZE];
	enum fact fact;

	pci_address_format(physical, address);
	if (!device)
		return error_set(err, ENODEV, address, "no such device");
	fact = host_read_number(
		host, pci_attribute_path(physical, "sriov_totalvfs", path), &total);
	if (fact == FACT_UNREADABLE || total < 0 || total > BIND_FUNCTIONS_MAX)
		return error_set(err, EIO, address,
				 "how many virtual functions it may have could not be"
				 " read");
	if (fact == FACT_ABSENT) {
		error_set(err, ENOTSUP, address,
			  "it is no physical function: it can have no virtual ones");
		error_hint(err, "pciferry show names SR-IOV among the features of one"
				" that can");
		return -ENOTSUP;
	}
	functions->physical = *physical;
	functions->total = (unsigned int)total;
	/* Since Linux 4.12; before, each goes to a driver, and from there to VFIO's. */
	fact = host_read_number(
		host, pci_attribute_path(physical, "sriov_drivers_autoprobe", path),
		&probing);
	functions->probing = fact == FACT_KNOWN && probing;
	functions->left_off =
		fact == FACT_KNOWN && !probing &&
		change_read_state(host, probing_name(physical, name), &kept) == 0;
	return read_items(host, device, functions, err);
}

int bind_functions_read(const struct host *host, const struct pci_address *physical,
			struct bind_functions *ret_functions, struct error *err)
{
	_cleanup_(bind_functions_free) struct bind_functions functions = { 0 };
	_cleanup_(pci_devices_free) struct pci_devices devices = { 0 };
	int r = pci_scan(host, &devices, err);

	if (r == 0)
		r = read_functions(host, &devices, physical, &functions, err);
	if (r < 0)
		return r;
	*ret_functions = functions;
	memset(&functions, 0, sizeof(functions));
	return 0;
}

/* Its driver makes them: without one there are none to be had. */
static int check_number(const struct bind_view *view,
			const struct bind_functions *functions, struct error *err)
{
	const struct pci_device *device = pci_find(&view->devices, &functions->physical);
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(&functions->physical, address);
	if (functions->wanted > functions->total)
		return error_set(err, ERANGE, address,
				 "it can have %u virtual functions at most",
				 functions->total);
	if (functions->wanted && device->driver_fact == FACT_ABSENT) {
		error_set(err, ENODEV, address,
			  "it has no driver, and its driver makes the virtual functions");
		error_hint(err, "pciferry release %s gives it back to its driver",
			   address);
		return -ENODEV;
	}
	return 0;
}

/* All that are there go, even where more are wanted. */
static int refuse_in_use(struct bind_view *view, const struct bind_functions *functions,
			 bool last_look, struct error *err)
{
	bool refused = false;

	for (size_t i = 0; i < functions->count; i++) {
		const struct pci_device *device =
			pci_find(&view->devices, &functions->items[i]);
		const struct usage_findings *findings;
		char address[PCI_ADDRESS_SIZE];
		int r;

		if (!device)
			continue;
		pci_address_format(&device->address, address);
		r = last_look ? usage_look_for_claims(&view->usage, device) : 0;
		if (r < 0)
			return error_set(err, -r, address, "who uses its disks: %s",
					 strerror(-r));
		findings = usage_of(&view->usage, device);
		if (!refused && findings->count)
			error_refuse(err, address,
				     "virtual function %zu is in use and would go, so"
				     " nothing was changed",
				     i);
		refused |= findings->count > 0;
		for (size_t j = 0; j < findings->count; j++)
			error_evidence(err, "%s: %s", address, findings->items[j].detail);
	}
	if (refused)
		error_hint(err, "free it first; the kernel changes their number only by"
				" way of 0");
	return refused ? -EBUSY : 0;
}

int bind_functions_plan(const struct host *host,
			const struct bind_functions_request *request,
			struct bind_functions *ret_functions, struct error *err)
{
	_cleanup_(bind_functions_free) struct bind_functions functions = { 0 };
	_cleanup_(bind_view_close) struct bind_view view = { 0 };
	int r = bind_view_open(host, &view, err);

	if (r == 0)
		r = read_functions(host, &view.devices, &request->physical, &functions,
				   err);
	functions.wanted = request->wanted;
	functions.silent = request->silent;
	if (r == 0 && functions.wanted != functions.count)
		r = check_number(&view, &functions, err);
	if (r == 0 && functions.wanted != functions.count)
		r = refuse_in_use(&view, &functions, request->last_look, err);
	if (r < 0)
		return r;
	*ret_functions = functions;
	memset(&functions, 0, sizeof(functions));
	return 0;
}

static int add_write(struct change_steps *steps, const struct bind_functions *functions,
		     const char *attribute, unsigned int value, const char *purpose)
{
	char address[PCI_ADDRESS_SIZE], path[PCI_ATTRIBUTE_PATH_SIZE], text[16];
	char link[PCI_ATTRIBUTE_PATH_SIZE];
	struct change_step step = {
		.kind = CHANGE_WRITE_ATTRIBUTE,
		.device = address,
		.target = path,
		.value = text,
		.purpose = (char *)purpose,
	};

	pci_address_format(&functions->physical, address);
	pci_attribute_path(&functions->physical, attribute, path);
	snprintf(text, sizeof(text), "%u\n", value);
	/* What the driver says to 0 is not what it does. */
	if (!strcmp(attribute, "sriov_numvfs") && !value) {
		pci_attribute_path(&functions->physical, "virtfn0", link);
		step.link = link;
	}
	return change_add(steps, &step);
}

static int add_number(struct change_steps *steps, const struct bind_functions *functions,
		      unsigned int value)
{
	char purpose[64];

	if (value)
		snprintf(purpose, sizeof(purpose), "make %u virtual functions", value);
	else
		snprintf(purpose, sizeof(purpose), "remove its virtual functions");
	return add_write(steps, functions, "sriov_numvfs", value, purpose);
}

static int add_probing(struct change_steps *steps, const struct bind_functions *functions,
		       bool probed)
{
	return add_write(steps, functions, "sriov_drivers_autoprobe", probed,
			 probed ? "drivers may take new virtual functions again"
				: "no driver takes the new virtual functions");
}

static bool changes(const struct bind_functions *functions)
{
	return functions->wanted != functions->count;
}

static bool turns_off(const struct bind_functions *functions)
{
	return changes(functions) && functions->silent && functions->wanted &&
	       (functions->probing || functions->left_off);
}

static int make_steps(const struct bind_functions *functions, struct change_steps *steps)
{
	bool off = turns_off(functions);
	int r = 0;

	if (functions->left_off && !off)
		r = add_probing(steps, functions, true);
	if (r == 0 && changes(functions) && functions->count)
		r = add_number(steps, functions, 0);
	if (r == 0 && off)
		r = add_probing(steps, functions, false);
	if (r == 0 && changes(functions) && functions->wanted)
		r = add_number(steps, functions, functions->wanted);
	if (r == 0 && off)
		r = add_probing(steps, functions, true);
	return r;
}

int bind_functions_steps(const struct bind_functions *functions,
			 struct change_steps *ret_steps)
{
	struct change_steps steps = { 0 };
	int r = make_steps(functions, &steps);

	if (r < 0) {
		change_steps_free(&steps);
		return r;
	}
	*ret_steps = steps;
	return 0;
}

/* What is kept of functions that are gone is of no use, and another may have their
 * addresses next. */
static void forget(struct change *change, const struct bind_functions *functions)
{
	char address[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < functions->count; i++)
		change_drop_state(change,
				  pci_address_format(&functions->items[i], address));
}

static int perform(struct change *change, const struct bind_functions *functions,
		   const struct change_steps *steps, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < steps->count; i++) {
		r = change_perform(change, &steps->items[i], err);
		if (r == 0 && steps->items[i].link)
			forget(change, functions);
	}
	return r;
}

/* As many as there were, with the drivers that the kernel gives them. */
static int roll_back(struct change *change, const struct bind_functions *functions,
		     struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	_cleanup_(bind_functions_free) struct bind_functions now = { 0 };
	int r = bind_functions_read(change_host(change), &functions->physical, &now,
				    &failure);

	now.wanted = (unsigned int)functions->count;
	if (r == 0)
		r = make_steps(&now, &steps);
	if (r == 0)
		r = perform(change, &now, &steps, &failure);
	if (r < 0)
		error_evidence(err,
			       "there were %zu virtual functions, and that could not"
			       " be made so again: %s",
			       functions->count,
			       error_is_set(&failure) ? failure.message : strerror(-r));
	return r;
}

int bind_functions_make(struct change *change, const struct bind_functions *functions,
			struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	char address[PCI_ADDRESS_SIZE], name[PROBING_NAME_SIZE];
	int r, back = 0;

	if (make_steps(functions, &steps) < 0)
		return error_oom(err);
	pci_address_format(&functions->physical, address);
	probing_name(&functions->physical, name);
	r = change_wait_for_device(change, address, 0, err);
	if (r == 0 && turns_off(functions))
		r = change_keep_state(change, name, "1\n", err);
	if (r < 0)
		return r;
	r = perform(change, functions, &steps, err);
	if (r < 0) {
		/* sriov_numvfs_store(): no sriov_configure in struct pci_driver. */
		if (r == -ENOENT)
			error_evidence(err, "its driver makes no virtual functions");
		back = roll_back(change, functions, err);
	}
	if (back == 0)
		change_drop_state(change, name);
	return r;
}
