/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a device can be cut into slices for several guests: docs/design/mdev.md. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "check/internal.h"
#include "pci/slices.h"

static const char enable_gvt[] = "sys/module/i915/parameters/enable_gvt";

enum { VENDOR_INTEL = 0x8086, VENDOR_NVIDIA = 0x10de };

static bool has_driver(const struct check_run *run, const char *name)
{
	return run->device->driver && !strcmp(run->device->driver, name);
}

/* One that is no parent: a function that NVIDIA's driver hands to guests. */
static int tell_function(struct check_run *run, long long type)
{
	char parent[PCI_ADDRESS_SIZE] = "";
	struct pci_address physical;

	if (type)
		return check_tell(run, CHECK_PASS, NULL,
				  "it is a slice itself, of type %lld", type);
	if (pci_read_physical(run->facts->host, run->device, &physical) == FACT_KNOWN)
		pci_address_format(&physical, parent);
	return check_tell(run, CHECK_PASS, NULL,
			  "a slice can be made of it: pciferry mdev types %s", parent);
}

/* sriov_totalvfs says what the device could, and not whether the driver does. */
static int look_at_functions(struct check_run *run, bool *ret_done)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	bool is_i915 = has_driver(run, "i915");
	long long most = 0;
	int r;

	*ret_done = (is_i915 || has_driver(run, "xe")) &&
		    host_read_number(run->facts->host,
				     pci_attribute_path(&run->device->address,
							"sriov_totalvfs", path),
				     &most) == FACT_KNOWN &&
		    most > 0;
	if (!*ret_done)
		return 0;
	r = check_tell(run, CHECK_INFO, NULL,
		       "its driver, %s, makes none of its %lld virtual functions",
		       run->device->driver, most);
	if (r == 0)
		r = check_why(run, "each could go to a guest of its own");
	if (r < 0)
		return r;
	return is_i915 ? check_fix(run, "Linux's own i915 cannot; xe does for newer"
					" graphics, and there are i915 modules of others"
					" that do (i915-sriov-dkms)")
		       : check_fix(run, "xe.max_vfs is 0: take it out, or raise it, where"
					" this kernel supports the device");
}

/* GuC submission was not cleared for these generations before 5.3 (commit a2904ade3dc2):
 * i915 itself then fails with both. */
static int look_at_guc(struct check_run *run, bool *ret_done)
{
	bool since = true;
	long long guc = 0;
	char gvt[8];

	*ret_done = false;
	if (host_read(run->facts->host, enable_gvt, gvt, sizeof(gvt)) != FACT_KNOWN ||
	    host_read_number(run->facts->host, "sys/module/i915/parameters/enable_guc",
			     &guc) != FACT_KNOWN ||
	    guc < 0 || !(guc & 1) ||
	    check_kernel_since(run->facts, 5, 3, &since) != FACT_KNOWN || since)
		return 0;
	*ret_done = true;
	if (*gvt != 'Y') {
		if (check_tell(run, CHECK_INFO, NULL,
			       "GVT-g is off; i915.enable_guc=%lld would be in its way on"
			       " a kernel before 5.3",
			       guc) < 0)
			return -ENOMEM;
		return check_fix(run, "for GVT-g take i915.enable_guc out, or set it to 0"
				      " or 2; then: pciferry apply --gvt");
	}
	if (check_tell(run, CHECK_FAIL, NULL,
		       "i915.enable_guc=%lld is set, on a kernel before 5.3", guc) < 0 ||
	    check_why(run, "with GVT-g turned on, i915 gives up and the host has no"
			   " picture") < 0)
		return -ENOMEM;
	return check_fix(run, "take i915.enable_guc out, or set it to 0 or 2");
}

static int tell_gvt_off(struct check_run *run)
{
	int r = check_tell(run, CHECK_INFO, NULL, "GVT-g is off (i915.enable_gvt)");

	if (r == 0)
		r = check_why(run, "the processor's graphics could be cut into slices for"
				   " several guests");
	return r < 0 ? r : check_fix(run, "for that: pciferry apply --gvt");
}

/* What the driver has of it; the types, where there are any, were looked for before. */
static int look_at_gvt(struct check_run *run)
{
	const struct host *host = run->facts->host;
	char value[8];
	enum fact fact;
	bool done;
	int r;

	if (!pci_slice_has_gvt(run->device)) {
		r = look_at_functions(run, &done);
		if (r < 0 || done)
			return r;
		return check_tell(
			run, CHECK_PASS, NULL,
			"GVT-g is for Broadwell to Comet Lake, which this is not");
	}
	r = look_at_guc(run, &done);
	if (r < 0 || done)
		return r;
	if (!has_driver(run, "i915"))
		return check_tell(run, CHECK_PASS, NULL,
				  "i915, whose GVT-g could, has not got it");
	fact = host_read(host, enable_gvt, value, sizeof(value));
	if (fact == FACT_UNREADABLE)
		return check_tell_unread(run, enable_gvt);
	if (fact == FACT_ABSENT)
		return check_tell(run, CHECK_PASS, NULL,
				  "this kernel's i915 was made without GVT-g");
	if (*value != 'Y')
		return tell_gvt_off(run);
	if (check_presence(host, "sys/module/kvmgt") == FACT_ABSENT) {
		r = check_tell(run, CHECK_WARN, NULL,
			       "GVT-g is turned on, and kvmgt is not loaded");
		if (r == 0)
			r = check_why(run, "without it there are no types to make slices"
					   " of");
		return r < 0 ? r
			     : check_fix(run,
					 "modprobe kvmgt; at each boot: pciferry apply"
					 " --gvt");
	}
	r = check_tell(run, CHECK_WARN, NULL,
		       "GVT-g is turned on, and i915 offers no types");
	if (r == 0)
		r = check_why(run, "this kernel may know fewer generations, or the"
				   " graphics aperture may be too small");
	return r < 0 ? r : check_fix(run, "dmesg | grep -i gvt tells which");
}

/* Packages of NVIDIA's driver for hosts have it, and the ordinary one has not. */
static enum fact find_manager(const struct host *host)
{
	static const char *const places[] = { "sys/module/nvidia_vgpu_vfio",
					      "usr/bin/nvidia-vgpu-mgr",
					      "usr/lib/nvidia/sriov-manage" };
	enum fact found = FACT_ABSENT;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		enum fact one = check_presence(host, places[i]);

		if (one == FACT_KNOWN)
			return one;
		if (one == FACT_UNREADABLE)
			found = one;
	}
	return found;
}

static int look_at_vgpu(struct check_run *run)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], address[PCI_ADDRESS_SIZE];
	const struct pci_address *at = &run->device->address;
	long long most = 0, made = 0;
	int r;

	switch (find_manager(run->facts->host)) {
	case FACT_ABSENT:
		return check_tell(
			run, CHECK_PASS, NULL,
			"NVIDIA's vGPU manager is not here: it goes to one guest"
			" as a whole");
	case FACT_UNREADABLE:
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "whether NVIDIA's vGPU manager is here could not be"
				  " told");
	case FACT_KNOWN:
		break;
	}
	if (!has_driver(run, "nvidia"))
		return check_tell(run, CHECK_PASS, NULL,
				  "NVIDIA's driver, whose vGPU could, has not got it");
	if (host_read_number(run->facts->host,
			     pci_attribute_path(at, "sriov_totalvfs", path),
			     &most) == FACT_KNOWN &&
	    most > 0 &&
	    host_read_number(run->facts->host,
			     pci_attribute_path(at, "sriov_numvfs", path),
			     &made) == FACT_KNOWN &&
	    made == 0) {
		r = check_tell(run, CHECK_INFO, NULL,
			       "its virtual functions are not turned on (of %lld)", most);
		if (r == 0)
			r = check_why(run, "its slices are made of them");
		return r < 0 ? r
			     : check_fix(run, "/usr/lib/nvidia/sriov-manage -e %s",
					 pci_address_format(at, address));
	}
	r = check_tell(run, CHECK_WARN, NULL,
		       "NVIDIA's vGPU manager is here, and offers no types");
	if (r == 0)
		r = check_why(run, "nvidia-vgpu-mgr.service may have failed, or the card"
				   " may be none that it knows");
	return r < 0 ? r
		     : check_fix(run, "systemctl status nvidia-vgpud nvidia-vgpu-mgr");
}

static bool is_function_of(const struct check_run *run, const char *name)
{
	const struct pci_device *function;
	struct pci_address address, physical;

	if (pci_address_parse(name, &address) < 0)
		return false;
	function = pci_find(&run->facts->devices, &address);
	return function &&
	       pci_read_physical(run->facts->host, function, &physical) == FACT_KNOWN &&
	       !pci_address_compare(&physical, &run->device->address);
}

/*
 * Of it, or of its virtual functions, which are the parents of an Ampere's mediated
 * devices: each has the same types. *ret_parent: the first of these, or itself.
 */
static size_t count_types(const struct check_run *run,
			  const struct pci_slice_types *types, const char **ret_parent)
{
	char address[PCI_ADDRESS_SIZE];
	size_t count = 0;

	pci_address_format(&run->device->address, address);
	*ret_parent = NULL;
	for (size_t i = 0; i < types->count; i++) {
		const char *parent = types->items[i].parent;

		if (!*ret_parent &&
		    (!strcmp(parent, address) || is_function_of(run, parent)))
			*ret_parent = parent;
		count += *ret_parent && !strcmp(parent, *ret_parent);
	}
	return count;
}

int check_device_slices(struct check_run *run)
{
	const struct check_device_facts *facts = &run->facts->device;
	const char *parent;
	long long vendor;
	size_t count;

	if (facts->slices_error[0])
		return check_tell(run, CHECK_UNKNOWN, NULL, "%s", facts->slices_error);
	count = count_types(run, &facts->slices, &parent);
	if (count)
		return check_tell(run, CHECK_PASS, NULL,
				  "it can be cut into slices of %zu type%s: pciferry mdev"
				  " types %s",
				  count, count == 1 ? "" : "s", parent);
	if (pci_slice_vendor_type(run->facts->host, &run->device->address, &vendor) ==
	    FACT_KNOWN)
		return tell_function(run, vendor);
	if (run->device->ids != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "what it is could not be read");
	if (pci_is_display(run->device) && run->device->vendor_id == VENDOR_INTEL)
		return look_at_gvt(run);
	if (pci_is_display(run->device) && run->device->vendor_id == VENDOR_NVIDIA)
		return look_at_vgpu(run);
	return check_tell(run, CHECK_PASS, NULL, "its driver cuts it into no slices");
}
