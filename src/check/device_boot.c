/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who else wants a device: drivers at boot, other tools, and settings for its twins. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/overrides.h"
#include "bootcfg/precedence.h"
#include "check/images.h"
#include "check/internal.h"
#include "pci/claims.h"

static int tell_driver(struct check_run *run, const struct check_wanted *wanted,
		       const char *module, bool builtin)
{
	char address[PCI_ADDRESS_SIZE];
	int r = check_tell(run, CHECK_INFO, NULL, "its driver %s is %s", module,
			   builtin ? "built into the kernel" : "loaded");

	pci_address_format(&run->device->address, address);
	if (r == 0)
		r = check_why(run, builtin ? "it takes the device at boot before"
					     " anything else can"
					   : "at boot it takes the device where it is"
					     " loaded before vfio-pci has it");
	if (r < 0)
		return r;
	if (builtin)
		return check_fix(run,
				 "take it from the driver once the host is up: pciferry"
				 " bind %s",
				 address);
	if (wanted->ids)
		return check_fix(
			run,
			"add %04x:%04x to the ids of vfio-pci in /%s, and a line"
			" \"softdep %s pre: vfio-pci\", and make the initramfs anew;"
			" or pciferry bind %s once the host is up",
			run->device->vendor_id, run->device->device_id, wanted->ids_file,
			module, address);
	return check_fix(
		run,
		"\"softdep %s pre: vfio-pci\" and \"options vfio-pci"
		" ids=%04x:%04x\" in /etc/modprobe.d, and the initramfs made anew;"
		" or pciferry bind %s once the host is up",
		module, run->device->vendor_id, run->device->device_id, address);
}

/* Whether vfio-pci is loaded first at boot, and takes the device by its IDs. */
static bool comes_too_late(const struct check_run *run, const struct check_wanted *wanted,
			   const char *module)
{
	if (!bootcfg_comes_after(&run->facts->modprobe, module, "vfio-pci"))
		return false;
	for (size_t i = 0; i < wanted->n_devices; i++)
		if (wanted->devices[i] == run->device)
			return true;
	return false;
}

static int tell_unread_drivers(struct check_run *run)
{
	return check_tell(run, CHECK_UNKNOWN, NULL,
			  "which drivers the kernel has for it could not be read"
			  " (/lib/modules, /sys/module)");
}

static int look_at_driver(struct check_run *run, struct bootcfg_kernel *kernel,
			  const struct check_wanted *wanted, const char *module)
{
	enum bootcfg_state state = bootcfg_module(kernel, module);
	char path[160];

	if (iommu_is_vfio_driver(module))
		return 0;
	if (state == BOOTCFG_UNKNOWN)
		return tell_unread_drivers(run);
	snprintf(path, sizeof(path), "sys/module/%s", module);
	if (state != BOOTCFG_BUILTIN &&
	    (!host_exists(run->facts->host, path) || comes_too_late(run, wanted, module)))
		return 0;
	return tell_driver(run, wanted, module, state == BOOTCFG_BUILTIN);
}

int check_device_driver(struct check_run *run)
{
	_cleanup_(string_list_free) struct string_list modules = { 0 };
	_cleanup_(check_wanted_free) struct check_wanted wanted = { 0 };
	struct bootcfg_kernel *kernel = bootcfg_running_kernel(run->facts->kernels);
	const struct host *host = run->facts->host;
	size_t before = run->findings->count;
	int r = 0;

	if (pci_read_claims(host, run->device, &modules) == FACT_UNREADABLE ||
	    !host_exists(host, "sys/module") || !kernel || !kernel->folder)
		return tell_unread_drivers(run);
	r = check_wanted_read(run->facts, kernel->release, &wanted);
	for (size_t i = 0; r == 0 && i < modules.count; i++)
		r = look_at_driver(run, kernel, &wanted, modules.items[i]);
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL,
			  modules.count ? "no driver that is for it comes before vfio-pci"
					: "this kernel has no driver for it");
}

static int look_at_driverctl(struct check_run *run)
{
	char path[BOOTCFG_DRIVERCTL_SIZE], driver[64], address[PCI_ADDRESS_SIZE];
	enum fact fact;
	int r;

	pci_address_format(&run->device->address, address);
	bootcfg_driverctl_path(address, path);
	fact = host_read(run->facts->host, path, driver, sizeof(driver));
	if (fact == FACT_ABSENT)
		return 0;
	if (fact == FACT_UNREADABLE)
		return check_tell_unread(run, path);
	r = check_tell(run, CHECK_INFO, NULL, "driverctl gives it to %s at boot (/%s)",
		       driver, path);
	if (r == 0)
		r = check_why(run, "two tools that choose its driver undo each other's"
				   " work");
	return r < 0 ? r
		     : check_fix(run,
				 "leave it to one of them: driverctl unset-override"
				 " %s",
				 address);
}

static int look_at_override(struct check_run *run)
{
	const struct pci_device *device = run->device;
	char address[PCI_ADDRESS_SIZE];
	int r;

	if (device->override_fact != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "its driver_override could not be read");
	if (!device->driver_override[0] || iommu_is_vfio_driver(device->driver_override))
		return 0;
	r = check_tell(run, CHECK_WARN, NULL, "its driver_override is %s",
		       device->driver_override);
	if (r == 0)
		r = check_why(run, "the kernel gives it to no other driver, so vfio-pci"
				   " does not get it by itself");
	return r < 0 ? r
		     : check_fix(run,
				 "echo > /sys/bus/pci/devices/%s/driver_override, and"
				 " end what set it",
				 pci_address_format(&device->address, address));
}

int check_device_override(struct check_run *run)
{
	size_t before = run->findings->count;
	int r = look_at_override(run);

	if (r == 0)
		r = look_at_driverctl(run);
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL, "%s%s",
			  run->device->driver_override[0] ? "its driver_override is "
							  : "no driver_override is set",
			  run->device->driver_override);
}

int check_device_siblings(struct check_run *run)
{
	const struct pci_devices *devices = &run->facts->devices;
	const struct pci_device *device = run->device;
	struct check_names names = { 0 };
	int r;

	if (device->ids != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, NULL, "its IDs could not be read");
	for (size_t i = 0; i < devices->count; i++) {
		const struct pci_device *other = &devices->items[i];

		if (other->ids == FACT_KNOWN && other->vendor_id == device->vendor_id &&
		    other->device_id == device->device_id &&
		    !check_is_along(run, other) && other != device)
			check_add_address(&names, other);
	}
	if (!names.len)
		return check_tell(run, CHECK_PASS, NULL, "no other %04x:%04x",
				  device->vendor_id, device->device_id);
	r = check_tell(run, CHECK_INFO, NULL, "the same model (%04x:%04x) as %s",
		       device->vendor_id, device->device_id, names.text);
	if (r == 0)
		r = check_why(run, "vfio-pci.ids and options in modprobe.d go by model,"
				   " and would take them all");
	return r < 0 ? r : check_fix(run, "name it by its address, not by its IDs");
}
