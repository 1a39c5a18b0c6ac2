/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_functions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/slices.h"

void vm_functions_free(struct vm_functions *functions)
{
	free(functions->items);
	string_list_free(&functions->texts);
}

static int compare(const void *a, const void *b)
{
	const struct vm_function *left = a, *right = b;

	return pci_address_compare(&left->host, &right->host);
}

static struct vm_function *find(const struct vm_functions *functions,
				const struct pci_address *address)
{
	for (size_t i = 0; i < functions->count; i++)
		if (!pci_address_compare(&functions->items[i].host, address))
			return &functions->items[i];
	return NULL;
}

int vm_functions_add(struct vm_functions *functions, const struct vm_function *function)
{
	struct vm_function *larger;

	if (find(functions, &function->host))
		return 0;
	larger = reallocarray(functions->items, functions->count + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	functions->items = larger;
	larger[functions->count++] = *function;
	return 0;
}

int vm_function_stays(const struct host *host, const struct pci_address *address,
		      bool *ret_stays, struct error *err)
{
	char text[PCI_ADDRESS_SIZE];
	long long type = 0;
	enum fact fact = pci_slice_vendor_type(host, address, &type);

	*ret_stays = fact != FACT_ABSENT;
	if (fact != FACT_KNOWN || type)
		return 0;
	error_set(err, ENODEV, pci_address_format(address, text),
		  "its driver hands it to no guest yet: it has no type");
	error_hint(err,
		   "pciferry mdev create %s TYPE gives it one; pciferry mdev types shows"
		   " which",
		   text);
	return -ENODEV;
}

static int add_device(const struct cli_view *view, const struct pci_device *device,
		      struct vm_functions *functions, struct error *err)
{
	struct vm_function function = {
		.host = device->address,
		.boots = pci_has_class(device, PCI_CLASS_STORAGE),
	};
	int r = vm_function_stays(view->host, &device->address, &function.stays, err);

	if (r < 0)
		return r;
	return vm_functions_add(functions, &function) < 0 ? error_oom(err) : 0;
}

/* Each that goes with it, itself among them. */
static int add_with_kin(const struct cli_view *view, const struct pci_device *device,
			struct vm_functions *functions, struct error *err)
{
	const struct iommu_group *group = iommu_group_of(&view->groups, device, NULL);
	char text[PCI_ADDRESS_SIZE];
	int r = 0;

	if (iommu_member_stays(device))
		return error_refuse(err, pci_address_format(&device->address, text),
				    "a bridge never goes to a guest");
	for (size_t i = 0; r == 0 && group && i < group->count; i++)
		if (!iommu_member_stays(group->members[i]))
			r = add_device(view, group->members[i], functions, err);
	for (size_t i = 0; r == 0 && !group && i < view->devices.count; i++) {
		const struct pci_device *other = &view->devices.items[i];

		if (pci_address_same_slot(&other->address, &device->address) &&
		    !iommu_member_stays(other))
			r = add_device(view, other, functions, err);
	}
	return r;
}

int vm_functions_add_named(const struct cli_view *view, const char *argument,
			   bool all_matching, struct vm_functions *functions,
			   struct error *err)
{
	_cleanup_free_ struct pci_device **devices = NULL;
	size_t count = 0;
	int r = cli_select_to_change(view, argument, all_matching, &devices, &count, err);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = add_with_kin(view, devices[i], functions, err);
	return r;
}

int vm_functions_select(const struct cli *cli, struct cli_view *view, int argc,
			char **argv, bool all_matching,
			struct vm_functions *ret_functions, struct error *err)
{
	struct vm_functions *functions = ret_functions;
	int r = cli_view_open(cli, view, CLI_NEEDS_USAGE, err);

	for (int i = 0; r == 0 && i < argc; i++)
		r = vm_functions_add_named(view, argv[i], all_matching, functions, err);
	if (r < 0)
		return r;
	if (functions->count)
		qsort(functions->items, functions->count, sizeof(*functions->items),
		      compare);
	vm_place_functions(functions->items, functions->count);
	return 0;
}

/* Cuts DEVICE off DEVICE=VALUE; *ret_value is the list's. */
static int take_apart(const struct cli_view *view, struct vm_functions *functions,
		      const char *option, const char *text,
		      struct vm_function **ret_function, char **ret_value,
		      struct error *err)
{
	_cleanup_free_ struct pci_device **devices = NULL;
	_cleanup_free_ char *copy = strdup(text);
	char *value = copy, *name = strsep(&value, "=");
	size_t count = 0;
	bool several;
	int r;

	if (!copy)
		return error_oom(err);
	if (!value || !*value)
		return error_usage(err, option, "%s is no DEVICE=VALUE", text);
	r = cli_select(view, name, &devices, &count, &several, err);
	if (r < 0)
		return r;
	*ret_function = count == 1 ? find(functions, &devices[0]->address) : NULL;
	if (!*ret_function)
		return error_usage(err, option,
				   "%s is not one of the functions that go to the guest",
				   name);
	if (string_list_add(&functions->texts, value) < 0)
		return error_oom(err);
	*ret_value = functions->texts.items[functions->texts.count - 1];
	return 0;
}

int vm_functions_set_rom(const struct cli_view *view, struct vm_functions *functions,
			 const char *text, struct error *err)
{
	struct vm_function *function;
	char *value;
	int r = take_apart(view, functions, "--rom", text, &function, &value, err);

	if (r < 0)
		return r;
	if (value[0] != '/')
		return error_usage(err, "--rom", "%s is no absolute path", value);
	function->rom = value;
	return 0;
}

/* "52:54:00:12:34:56", an address of one card (IEEE 802: bit 0 of the first byte says
 * that it is of many). */
static bool is_mac(const char *text)
{
	unsigned int first = 0;

	for (size_t i = 0; i < 6; i++) {
		uint32_t byte;

		if (strlen(text) < 2 || text_parse_hex(text, 2, &byte) < 0 ||
		    text[2] != (i < 5 ? ':' : '\0'))
			return false;
		if (i == 0)
			first = byte;
		text += 3;
	}
	return !(first & 1);
}

/* Of any other one libvirt has nobody to ask. */
static bool is_network_function(const struct cli_view *view,
				const struct pci_address *address)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	return pci_has_class(pci_find(&view->devices, address), PCI_CLASS_NETWORK) &&
	       host_exists(view->host, pci_attribute_path(address, "physfn", path));
}

int vm_functions_set_mac(const struct cli_view *view, struct vm_functions *functions,
			 const char *text, struct error *err)
{
	struct vm_function *function;
	uint64_t vlan = 0;
	char *value, *mac;
	int r = take_apart(view, functions, "--mac", text, &function, &value, err);

	if (r < 0)
		return r;
	if (!is_network_function(view, &function->host))
		return error_usage(err, "--mac",
				   "%.*s is no virtual function of a network card",
				   (int)strcspn(text, "="), text);
	mac = strsep(&value, ",");
	if (!is_mac(mac))
		return error_usage(err, "--mac", "%s is no address of a network card",
				   mac);
	if (value && (text_parse_number(value, 4094, &vlan) < 0 || !vlan))
		return error_usage(err, "--mac", "%s is no VLAN from 1 to 4094", value);
	function->mac = mac;
	function->vlan = (unsigned int)vlan;
	return 0;
}
