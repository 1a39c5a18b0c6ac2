/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a guest gets a device as new: resets, and the parts whose resets fail. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

enum { METHODS_SIZE = 128 };

/*
 * The attribute is there since Linux 5.15, and only for functions that have a method
 * (pci_dev_reset_method_attr_is_visible() in drivers/pci/pci.c). FACT_ABSENT: it has
 * none.
 */
static enum fact read_methods(const struct check_run *run,
			      const struct pci_device *device, char methods[METHODS_SIZE])
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	bool told = false;
	enum fact fact;

	pci_attribute_path(&device->address, "reset_method", path);
	fact = host_read(run->facts->host, path, methods, METHODS_SIZE);
	if (fact == FACT_KNOWN && !methods[0])
		return FACT_ABSENT;
	if (fact == FACT_ABSENT &&
	    (check_kernel_since(run->facts, 5, 15, &told) != FACT_KNOWN || !told))
		return FACT_UNREADABLE;
	return fact;
}

/* Those behind the same bridge that would be reset, and do not go along. */
static void list_others(const struct check_run *run, const struct pci_node *first,
			struct check_names *names)
{
	for (; first; first = first->next) {
		if (!first->physical && !pci_is_bridge(first->device) &&
		    !check_is_along(run, first->device))
			check_add_address(names, first->device);
		list_others(run, first->children, names);
	}
}

static int tell_dirty(struct check_run *run, const char *name)
{
	int r = check_tell(run, CHECK_WARN, NULL, "%s has no reset at all", name);

	if (r == 0)
		r = check_why(run, "a guest finds it as the last one left it: it may not"
				   " start, and may read what was left in it");
	return r < 0 ? r
		     : check_fix(run, "reboot the host between guests where it does not"
				      " start; look for a newer firmware of the device");
}

/* All behind the bridge are reset together: VFIO does so when all are in one guest. */
static int tell_bus_reset(struct check_run *run, const struct pci_node *node,
			  const char *name)
{
	struct check_names others = { 0 };
	int r;

	list_others(run, node->parent->children, &others);
	if (!others.len) {
		r = check_tell(run, CHECK_INFO, NULL,
			       "%s is reset with its bus only, and all on it go along",
			       name);
		return r < 0 ? r
			     : check_why(run, "the reset works while one guest has them"
					      " all");
	}
	r = check_tell(run, CHECK_WARN, NULL, "%s is reset with its bus only, with %s",
		       name, others.text);
	if (r == 0)
		r = check_why(run, "a reset would hit those as well, so the kernel does"
				   " not do it unless they are in the same guest");
	return r < 0 ? r
		     : check_fix(run, "give them to the same guest, or use a slot that"
				      " is behind a port of its own");
}

static int look_at_reset(struct check_run *run, const struct pci_device *device)
{
	const struct pci_node *node =
		&run->facts->device.topology.nodes[device - run->facts->devices.items];
	char methods[METHODS_SIZE], name[PCI_ADDRESS_SIZE] = "it";
	enum fact fact = read_methods(run, device, methods);

	if (device != run->device)
		pci_address_format(&device->address, name);
	if (fact == FACT_UNREADABLE)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "how %s is reset could not be read (the kernel tells it"
				  " since 5.15)",
				  name);
	if (fact == FACT_KNOWN && pci_resets_alone(methods))
		return 0;
	if (node->parent_fact == FACT_UNREADABLE)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "what is reset with %s could not be read", name);
	if (!node->parent || node->physical)
		return tell_dirty(run, name);
	/* Alone behind its bridge it needs no other. */
	if (fact == FACT_KNOWN && node->parent->children == node && !node->next)
		return 0;
	return tell_bus_reset(run, node, name);
}

int check_device_reset(struct check_run *run)
{
	size_t before = run->findings->count;
	const struct pci_device *along;
	int r = 0;

	for (size_t i = 0; r == 0 && (along = check_goes_along(run, i)); i++)
		if (!iommu_member_stays(along))
			r = look_at_reset(run, along);
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL, "%s",
			  iommu_member_stays(run->device)
				  ? "a bridge goes to no guest"
				  : "each function that goes to the guest has a reset");
}

/*
 * Displays of AMD's that a second guest finds unusable. The families are those that the
 * module vendor-reset is for (its README and src/device-db.h), the IDs of each those that
 * the PCI ID database has for the chip.
 */
static const struct {
	uint16_t first, last;
	const char *family;
} amd_families[] = {
	{ 0x66a0, 0x66af, "Vega 20" },	  { 0x67c0, 0x67df, "Polaris 10" },
	{ 0x67e0, 0x67ff, "Polaris 11" }, { 0x6860, 0x687f, "Vega 10" },
	{ 0x6980, 0x699f, "Polaris 12" }, { 0x6fdf, 0x6fdf, "Polaris 20" },
	{ 0x7310, 0x731f, "Navi 10" },	  { 0x7340, 0x734f, "Navi 14" },
	{ 0x7360, 0x7362, "Navi 12" },
};

static int look_at_amd(struct check_run *run, const char *family)
{
	char methods[METHODS_SIZE];
	enum fact fact = read_methods(run, run->device, methods);
	int r;

	if (fact == FACT_UNREADABLE)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "an AMD %s; how it is reset could not be read", family);
	if (fact == FACT_KNOWN && strstr(methods, "device_specific"))
		return check_tell(run, CHECK_PASS, NULL,
				  "an AMD %s, with a reset made for it", family);
	r = check_tell(run, CHECK_WARN, NULL,
		       "an AMD %s without device_specific in reset_method", family);
	if (r == 0)
		r = check_why(run, "many of them do not start in a guest a second time:"
				   " no standard reset brings them back");
	return r < 0 ? r
		     : check_fix(run, "it needs the module vendor-reset, or a reboot of"
				      " the host between guests");
}

int check_device_known(struct check_run *run)
{
	const struct pci_device *device = run->device;
	int r;

	if (device->ids != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, NULL, "its IDs could not be read");
	for (size_t i = 0; i < ARRAY_SIZE(amd_families); i++)
		if (pci_is_display(device) && device->vendor_id == 0x1002 &&
		    device->device_id >= amd_families[i].first &&
		    device->device_id <= amd_families[i].last)
			return look_at_amd(run, amd_families[i].family);
	if (!pci_is_display(device) || device->vendor_id != 0x10de)
		return check_tell(run, CHECK_PASS, NULL,
				  "nothing is known against its model");
	r = check_tell(run, CHECK_INFO, NULL, "a display of NVIDIA's");
	if (r == 0)
		r = check_why(run, "drivers before 465 refuse a GeForce in a guest (Error"
				   " 43) unless the guest is hidden from them");
	return r < 0 ? r : check_fix(run, "use driver 465 or later in the guest");
}
