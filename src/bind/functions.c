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
	string_list_free(&functions->disks);
	bind_function_settings_free(&functions->settings);
	host_link_free(&functions->link);
	memset(functions, 0, sizeof(*functions));
}

static int read_items(const struct host *host, struct bind_functions *functions,
		      struct error *err)
{
	const struct pci_device device = { .address = functions->physical };
	_cleanup_(pci_details_free) struct pci_details details = { 0 };
	int r = pci_details_read(host, &device, &details, err);

	if (r < 0)
		return r;
	functions->items = steal(details.virtual_functions);
	functions->count = details.n_virtual_functions;
	details.n_virtual_functions = 0;
	return 0;
}

static int read_total(const struct host *host, const struct pci_address *physical,
		      unsigned int *ret_total, struct error *err)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], address[PCI_ADDRESS_SIZE];
	long long total = 0;
	enum fact fact;

	pci_address_format(physical, address);
	if (!host_exists(host, pci_attribute_path(physical, NULL, path)))
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
	*ret_total = (unsigned int)total;
	return 0;
}

int bind_functions_read(const struct host *host, const struct pci_address *physical,
			struct bind_functions *ret_functions, struct error *err)
{
	struct bind_functions functions = { .physical = *physical };
	char path[PCI_ATTRIBUTE_PATH_SIZE], name[BIND_KEPT_NAME_SIZE];
	_cleanup_free_ char *kept = NULL;
	long long probing = 0;
	enum fact fact;
	int r = read_total(host, physical, &functions.total, err);

	if (r < 0)
		return r;
	/* Since Linux 4.12; before, each goes to a driver of the host's first. */
	fact = host_read_number(
		host, pci_attribute_path(physical, "sriov_drivers_autoprobe", path),
		&probing);
	functions.probing = fact == FACT_KNOWN && probing;
	functions.left_off =
		fact == FACT_KNOWN && !probing &&
		change_read_state(host, bind_kept_name(physical, BIND_PROBING_KEPT, name),
				  &kept) == 0;
	r = read_items(host, &functions, err);
	if (r == 0)
		*ret_functions = functions;
	return r;
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

/* Where an unbind hangs the kernel would wait for it with the others half gone. */
static int refuse_stuck(const struct host *host, struct pci_device *const *devices,
			size_t count, struct error *err)
{
	char address[PCI_ADDRESS_SIZE];
	int r = pci_read_overrides(host, devices, count, err);

	for (size_t i = 0; r == 0 && i < count; i++) {
		if (!devices[i]->stuck)
			continue;
		error_refuse(err, pci_address_format(&devices[i]->address, address),
			     "this virtual function is stuck, its driver hangs in the"
			     " kernel, so nothing was changed");
		error_hint(err, "end the process that holds the device, or reboot");
		r = -EBUSY;
	}
	return r;
}

void bind_object_function(const struct bind_view *view, const struct pci_device *device,
			  size_t index, const char *what, bool *refused,
			  struct error *err)
{
	const struct usage_findings *findings = usage_of(&view->usage, device);
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(&device->address, address);
	if (!*refused && findings->count)
		error_refuse(err, address,
			     "virtual function %zu is in use and %s, so nothing was"
			     " changed",
			     index, what);
	*refused |= findings->count > 0;
	for (size_t i = 0; i < findings->count; i++)
		error_evidence(err, "%s: %s", address, findings->items[i].detail);
}

/* One child asks the kernel about the disks of all of them. */
static int look_for_claims(struct bind_view *view, struct pci_device *const *devices,
			   size_t count, struct string_list *ret_disks, struct error *err)
{
	_cleanup_free_ struct string_list *lists =
		calloc(count + 1, sizeof(struct string_list));
	int r;

	if (!lists)
		return error_oom(err);
	r = usage_look_for_claims(&view->usage, (const struct pci_device *const *)devices,
				  count, lists);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; r == 0 && j < lists[i].count; j++)
			if (!string_list_has(ret_disks, lists[i].items[j]))
				r = string_list_add(ret_disks, lists[i].items[j]);
		string_list_free(&lists[i]);
	}
	return r < 0 ? error_set(err, -r, host_name(view->usage.host),
				 "who uses its disks: %s", strerror(-r))
		     : 0;
}

/* All that are there go, even where more are wanted. */
static int refuse_in_use(struct bind_view *view, struct bind_functions *functions,
			 bool last_look, struct error *err)
{
	_cleanup_free_ struct pci_device **devices =
		calloc(functions->count + 1, sizeof(struct pci_device *));
	bool refused = false;
	size_t count = 0;
	int r;

	if (!devices)
		return error_oom(err);
	for (size_t i = 0; i < functions->count; i++) {
		devices[count] = pci_find(&view->devices, &functions->items[i]);
		count += devices[count] != NULL;
	}
	r = refuse_stuck(view->usage.host, devices, count, err);
	if (r == 0 && last_look)
		r = look_for_claims(view, devices, count, &functions->disks, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		bind_object_function(view, devices[i], i, "would go", &refused, err);
	if (r < 0 || !refused)
		return r;
	error_hint(err, "free it first; the kernel changes their number only by way of"
			" 0");
	return -EBUSY;
}

int bind_functions_plan(const struct host *host,
			const struct bind_functions_request *request,
			struct bind_functions *ret_functions, struct error *err)
{
	_cleanup_(bind_functions_free) struct bind_functions functions = { 0 };
	_cleanup_(bind_view_close) struct bind_view view = { 0 };
	int r;

	if (request->driver && !bind_is_driver_name(request->driver))
		return error_usage(err, request->driver, "not the name of a driver");
	r = bind_functions_read(host, &request->physical, &functions, err);
	if (r == 0)
		r = bind_view_open(host, &request->physical, 1, &view, err);
	functions.wanted =
		request->as_many ? (unsigned int)functions.count : request->wanted;
	functions.driver = request->driver;
	if (r == 0 && functions.wanted != functions.count)
		r = check_number(&view, &functions, err);
	if (r == 0 && functions.wanted != functions.count)
		r = refuse_in_use(&view, &functions, request->last_look, err);
	if (r == 0)
		r = bind_functions_plan_settings(&view, request, &functions, err);
	if (r < 0)
		return r;
	*ret_functions = functions;
	memset(&functions, 0, sizeof(functions));
	return 0;
}
