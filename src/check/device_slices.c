/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a device can be cut into slices for several guests: docs/design/mdev.md. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "check/internal.h"
#include "pci/slices.h"

enum { VENDOR_INTEL = 0x8086, VENDOR_NVIDIA = 0x10de };

static bool has_driver(const struct check_run *run, const char *name)
{
	return run->device->driver && !strcmp(run->device->driver, name);
}

/* GuC submission was not cleared for these generations before 5.3 (commit a2904ade3dc2):
 * i915 itself then fails with both. */
static int look_at_guc(struct check_run *run, bool *ret_done)
{
	bool since = true;
	long long guc = 0;

	*ret_done = false;
	if (host_read_number(run->facts->host, "sys/module/i915/parameters/enable_guc",
			     &guc) != FACT_KNOWN ||
	    guc < 0 || !(guc & 1) ||
	    check_kernel_since(run->facts, 5, 3, &since) != FACT_KNOWN || since)
		return 0;
	*ret_done = true;
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
	static const char parameter[] = "sys/module/i915/parameters/enable_gvt";
	const struct host *host = run->facts->host;
	char value[8];
	enum fact fact;
	bool done;
	int r;

	if (!pci_slice_has_gvt(run->device))
		return check_tell(
			run, CHECK_PASS, NULL,
			"GVT-g is for Broadwell to Comet Lake, which this is not");
	if (!has_driver(run, "i915"))
		return check_tell(run, CHECK_PASS, NULL,
				  "i915, whose GVT-g could, has not got it");
	r = look_at_guc(run, &done);
	if (r < 0 || done)
		return r;
	fact = host_read(host, parameter, value, sizeof(value));
	if (fact == FACT_UNREADABLE)
		return check_tell_unread(run, parameter);
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
			     : check_fix(run, "modprobe kvmgt; at each boot: a line kvmgt"
					      " in /etc/modules-load.d/kvmgt.conf");
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

/* Of it, or of its virtual functions. */
static size_t count_types(const struct pci_slice_types *types, const char *address)
{
	size_t count = 0;

	for (size_t i = 0; i < types->count; i++)
		count += !strcmp(types->items[i].parent, address);
	return count;
}

int check_device_slices(struct check_run *run)
{
	_cleanup_(pci_slice_types_free) struct pci_slice_types types = { 0 };
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	char address[PCI_ADDRESS_SIZE];
	size_t count;
	int r = pci_slice_types_read(run->facts->host, &types, &failure);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return check_tell(run, CHECK_UNKNOWN, NULL, "%s: %s", failure.subject,
				  failure.message);
	count = count_types(&types, pci_address_format(&run->device->address, address));
	if (count)
		return check_tell(run, CHECK_PASS, NULL,
				  "it can be cut into slices of %zu type%s: pciferry mdev"
				  " types %s",
				  count, count == 1 ? "" : "s", address);
	if (run->device->ids != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "what it is could not be read");
	if (pci_is_display(run->device) && run->device->vendor_id == VENDOR_INTEL)
		return look_at_gvt(run);
	if (pci_is_display(run->device) && run->device->vendor_id == VENDOR_NVIDIA)
		return look_at_vgpu(run);
	return check_tell(run, CHECK_PASS, NULL, "its driver cuts it into no slices");
}
