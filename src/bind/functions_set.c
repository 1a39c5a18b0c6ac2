/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is set of virtual functions through their physical function's interface. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/functions.h"
#include "bind/internal.h"

/* As the network is asked elsewhere: a driver may keep its lock while its card works. */
enum { NAME_MS = 3000 };

/*
 * In switchdev mode the device's folder has interfaces that stand for its functions, too:
 * "pf0vf1", "c1pf0sf2" (Documentation/networking/devlink/devlink-port.rst). Reading it
 * begins anew for as long as another has the network's lock (phys_port_name_show() in
 * net/core/net-sysfs.c). FACT_ABSENT: none that stands for one.
 */
static enum fact stands_for_function(const struct host *host, const char *folder)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	const char *const paths[] = { path };
	_cleanup_free_ char *name = NULL;
	enum fact fact;
	bool stuck;

	snprintf(path, sizeof(path), "%s/phys_port_name", folder);
	if (host_read_locked(host, paths, 1, NAME_MS, &fact, &name, &stuck) < 0 || stuck)
		return FACT_UNREADABLE;
	/* Drivers without one have it fail (EOPNOTSUPP). */
	if (fact != FACT_KNOWN)
		return FACT_ABSENT;
	return strstr(name, "vf") || strstr(name, "sf") ? FACT_KNOWN : FACT_ABSENT;
}

enum fact bind_functions_find_interface(const struct host *host,
					const struct pci_address *physical,
					char ret_name[IF_NAMESIZE])
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char above[PCI_ATTRIBUTE_PATH_SIZE], folder[PCI_ATTRIBUTE_PATH_SIZE];
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	long long best = -1;
	int r = host_list(host, pci_attribute_path(physical, "net", above), &names);

	if (r < 0)
		return r == -ENOENT ? FACT_ABSENT : FACT_UNREADABLE;
	for (size_t i = 0; i < names.count; i++) {
		long long port = 0;
		enum fact stands;

		if (strlen(names.items[i]) >= IF_NAMESIZE)
			continue;
		snprintf(folder, sizeof(folder), "%s/%s", above, names.items[i]);
		stands = stands_for_function(host, folder);
		if (stands == FACT_UNREADABLE)
			return FACT_UNREADABLE;
		if (stands == FACT_KNOWN)
			continue;
		/* A card with two ports behind one function counts them. */
		snprintf(path, sizeof(path), "%s/dev_port", folder);
		host_read_number(host, path, &port);
		if (best >= 0 && port >= best)
			continue;
		best = port;
		snprintf(ret_name, IF_NAMESIZE, "%s", names.items[i]);
	}
	return best < 0 ? FACT_ABSENT : FACT_KNOWN;
}

static int could_not_read(const char *subject, const char *what, struct error *err)
{
	error_set(err, EIO, subject, "%s could not be read: nothing was changed", what);
	error_hint(err, "a driver that hangs keeps the whole network from answering: the"
			" kernel log may tell which, dmesg | tail");
	return -EIO;
}

/* For want of one nothing can be set, whatever the number. */
static int refuse_without_interface(const struct bind_view *view,
				    const struct bind_functions *functions,
				    enum fact fact, struct error *err)
{
	const struct pci_device *device = pci_find(&view->devices, &functions->physical);
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(&functions->physical, address);
	if (fact == FACT_UNREADABLE)
		return could_not_read(address, "which network interface it has", err);
	error_set(err, ENOTSUP, address,
		  "it has no network interface, through which its virtual functions would"
		  " be set: nothing was changed");
	if (device && device->driver)
		error_evidence(err, "its driver is %s", device->driver);
	error_hint(err,
		   "load its network driver; an interface in another network namespace"
		   " is not seen from here");
	return -ENOTSUP;
}

static int read_link(const struct host *host, struct bind_functions *functions,
		     struct error *err)
{
	host_link_free(&functions->link);
	if (host_link_read(host, functions->interface, &functions->link) == FACT_KNOWN)
		return 0;
	return could_not_read(functions->interface,
			      "what it has set of the virtual functions", err);
}

/* Those that are there and would be set otherwise stay as they are while in use. */
static int refuse_set_in_use(struct bind_view *view,
			     const struct bind_functions *functions, struct error *err)
{
	bool refused = false;

	for (size_t i = 0; i < functions->settings.count; i++) {
		const struct host_function *wanted = &functions->settings.items[i];
		const struct pci_device *device =
			wanted->index < functions->count
				? pci_find(&view->devices,
					   &functions->items[wanted->index])
				: NULL;

		if (device &&
		    host_function_differs(wanted, host_link_find(&functions->link,
								 wanted->index)))
			bind_object_function(view, device, wanted->index,
					     "would be set otherwise", &refused, err);
	}
	if (!refused)
		return 0;
	error_hint(err, "shut the guest down, or free it, first");
	return -EBUSY;
}

int bind_functions_plan_settings(struct bind_view *view,
				 const struct bind_functions_request *request,
				 struct bind_functions *functions, struct error *err)
{
	bool wishes = request->settings &&
		      (request->settings->count || request->settings->all.settings);
	bool goes = functions->wanted != functions->count && functions->count;
	enum fact fact;
	int r;

	if (!wishes && !goes)
		return 0;
	if (wishes) {
		r = bind_function_settings_spread(request->settings, functions->wanted,
						  &functions->settings, err);
		if (r < 0)
			return r;
	}
	fact = bind_functions_find_interface(view->usage.host, &functions->physical,
					     functions->interface);
	if (fact != FACT_KNOWN) {
		functions->interface[0] = '\0';
		return wishes ? refuse_without_interface(view, functions, fact, err) : 0;
	}
	r = read_link(view->usage.host, functions, wishes ? err : NULL);
	if (!wishes)
		return 0;
	if (r == 0 && functions->wanted == functions->count)
		r = refuse_set_in_use(view, functions, err);
	return r;
}

static int add_setting(const struct bind_functions *functions,
		       const struct host_function *function, unsigned int setting,
		       struct change_steps *steps)
{
	char text[HOST_FUNCTION_TEXT_SIZE], value[HOST_FUNCTION_TEXT_SIZE + 16];
	char address[PCI_ADDRESS_SIZE], interface[IF_NAMESIZE], purpose[192];
	struct change_step step = {
		.kind = CHANGE_SET_FUNCTION,
		.device = address,
		.target = interface,
		.value = value,
		.purpose = purpose,
	};

	/* The device is the one whose driver is called. */
	pci_address_format(&functions->physical, address);
	snprintf(interface, sizeof(interface), "%s", functions->interface);
	host_function_format(function, setting, text);
	snprintf(value, sizeof(value), "vf %u %s", function->index, text);
	snprintf(purpose, sizeof(purpose), "set vf%u through %s: %s", function->index,
		 functions->interface, text);
	return change_add(steps, &step);
}

int bind_functions_add_settings(const struct bind_functions *functions,
				const struct host_link *now, struct change_steps *steps)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < functions->settings.count; i++) {
		const struct host_function *wanted = &functions->settings.items[i];
		const struct host_function *is =
			now ? host_link_find(now, wanted->index) : NULL;
		unsigned int differs = host_function_differs(wanted, is);

		/* One at a time, so that what fails has a name. */
		for (unsigned int one = 1; r == 0 && one < HOST_SETTING_END; one <<= 1)
			if (differs & one)
				r = add_setting(functions, wanted, one, steps);
	}
	return r;
}

int bind_functions_set(struct change *change, const struct bind_functions *functions,
		       bool all_that_can_be, struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	_cleanup_(host_link_free) struct host_link now = { 0 };
	int r = 0;

	if (!functions->settings.count)
		return 0;
	if (host_link_read(change_host(change), functions->interface, &now) != FACT_KNOWN)
		return error_set(err, EIO, functions->interface,
				 "what it has set of the virtual functions could not be"
				 " read");
	if (bind_functions_add_settings(functions, &now, &steps) < 0)
		return error_oom(err);
	for (size_t i = 0; i < steps.count && (r == 0 || all_that_can_be); i++) {
		int one = change_perform(change, &steps.items[i], r == 0 ? err : NULL);

		if (one == -ETIMEDOUT)
			return one;
		r = r ? r : one;
	}
	return r;
}

/* As it was read before; of what was not known then, that it is not as it was. */
int bind_functions_want_back(const struct bind_functions *before,
			     struct bind_functions *back, struct error *err)
{
	snprintf(back->interface, sizeof(back->interface), "%s", before->interface);
	if (bind_function_settings_merge(
		    &back->settings,
		    &(struct bind_function_settings){ .items = before->link.functions,
						      .count = before->link.count }) < 0)
		return error_oom(err);
	for (size_t i = 0; before->wanted == before->count && i < before->settings.count;
	     i++) {
		const struct host_function *set = &before->settings.items[i];
		const struct host_function *was =
			host_link_find(&before->link, set->index);
		unsigned int unknown = set->settings & ~(was ? was->settings : 0);
		char text[HOST_FUNCTION_TEXT_SIZE];

		if (unknown)
			error_evidence(err,
				       "what vf%u had before instead of %s its driver did"
				       " not tell: that may have stayed",
				       set->index,
				       host_function_format(set, unknown, text));
	}
	return 0;
}
