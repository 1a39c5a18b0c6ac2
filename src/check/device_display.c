/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Displays: whether the host keeps a picture, and whether the guest gets one. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

/* PASS for what is no display, UNKNOWN for what may be one; *ret_done: it is told. */
static int look_at_class(struct check_run *run, bool *ret_done)
{
	*ret_done = !pci_is_display(run->device);
	if (!*ret_done)
		return 0;
	if (run->device->ids != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "what it is could not be read");
	return check_tell(run, CHECK_PASS, NULL, "it is no display");
}

/* Displays with the same picture for the host when this one is gone. */
static size_t count_others(const struct check_run *run)
{
	const struct pci_devices *devices = &run->facts->devices;
	size_t count = 0;

	for (size_t i = 0; i < devices->count; i++)
		count += pci_gives_picture(&devices->items[i]) &&
			 !check_is_along(run, &devices->items[i]);
	return count;
}

/* VGA displays alone have boot_vga (pci_dev_attrs_are_visible(), drivers/pci). */
static enum fact read_boot_vga(const struct check_run *run, bool *ret_boot)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	long long value = 0;
	enum fact fact;

	pci_attribute_path(&run->device->address, "boot_vga", path);
	fact = host_read_number(run->facts->host, path, &value);
	*ret_boot = fact == FACT_KNOWN && value == 1;
	return fact == FACT_ABSENT && run->device->class_code >> 8 == 0x0300
		       ? FACT_UNREADABLE
		       : fact;
}

int check_device_display(struct check_run *run)
{
	bool done, boot, only;
	enum fact fact;
	int r = look_at_class(run, &done);

	if (done || r < 0)
		return r;
	fact = read_boot_vga(run, &boot);
	only = pci_gives_picture(run->device) && !count_others(run);
	if (!only && !boot)
		return fact == FACT_UNREADABLE
			       ? check_tell(run, CHECK_UNKNOWN, NULL,
					    "whether the firmware booted with it could"
					    " not be read")
			       : check_tell(run, CHECK_PASS, NULL,
					    "the firmware booted with another display");
	r = check_tell(run, CHECK_WARN, NULL, "%s",
		       only ? "it is the only display"
			    : "the firmware booted with it (boot_vga is 1)");
	if (r == 0)
		r = check_why(run, "the host will have no picture while a guest has it");
	return r < 0 ? r
		     : check_fix(run, only ? "see that the host can be reached by network"
					     " or serial console before"
					   : "choose another display as the first in the"
					     " firmware's set-up, or see that the host"
					     " can be reached otherwise");
}

/*
 * What holds the memory decides what sets it free: efifb and vesafb are told by their
 * names to stay away; the others are drivers for the device that sysfb_init() in
 * drivers/firmware/sysfb.c makes.
 */
static int tell_framebuffer(struct check_run *run, const char *detail)
{
	const char *parameter = strstr(detail, "(efifb)")    ? "video=efifb:off"
				: strstr(detail, "(vesafb)") ? "video=vesafb:off"
							     : NULL;
	int r = check_tell(run, CHECK_WARN, NULL, "%s", detail);

	if (r == 0)
		r = check_why(run, "while it is there, vfio-pci may not get that memory"
				   " (BAR: can't reserve), and the guest no picture");
	if (r < 0)
		return r;
	return check_fix_parameter(run, parameter ? parameter
						  : "initcall_blacklist=sysfb_init");
}

int check_device_framebuffer(struct check_run *run)
{
	const struct usage_findings *uses =
		usage_of(&run->facts->device.usage, run->device);
	size_t before = run->findings->count, len;
	_cleanup_free_ char *iomem = NULL;
	bool done;
	int r = look_at_class(run, &done);

	if (done || r < 0)
		return r;
	if (host_read_file(run->facts->host, "proc/iomem", &iomem, &len) < 0)
		return check_tell_unread(run, "proc/iomem");
	for (size_t i = 0; r == 0 && i < uses->count; i++)
		if (uses->items[i].kind == USAGE_FRAMEBUFFER)
			r = tell_framebuffer(run, uses->items[i].detail);
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL,
			  "/proc/iomem has no framebuffer of the firmware in it");
}

int check_device_rom(struct check_run *run)
{
	struct pci_resource resources[PCI_RESOURCE_COUNT];
	bool done, boot;
	enum fact fact;
	int r = look_at_class(run, &done);

	if (done || r < 0)
		return r;
	if (pci_resources_read(run->facts->host, run->device, resources) != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "what memory it has could not be read");
	if (resources[PCI_RESOURCE_ROM].is_shadow)
		return check_tell(
			run, CHECK_PASS, NULL,
			"the kernel has the copy of its option ROM that the BIOS"
			" left");
	if (resources[PCI_RESOURCE_ROM].size)
		return check_tell(run, CHECK_PASS, NULL, "it has an option ROM");
	fact = read_boot_vga(run, &boot);
	if (boot)
		return check_tell(run, CHECK_PASS, NULL,
				  "no option ROM, and the firmware booted with it: the"
				  " kernel has a copy");
	if (fact == FACT_UNREADABLE)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "no option ROM; whether the firmware booted with it"
				  " could not be read");
	r = check_tell(run, CHECK_INFO, NULL, "it has no option ROM");
	if (r == 0)
		r = check_why(run, "the guest's firmware shows nothing with it, and some"
				   " drivers do not start it");
	return r < 0 ? r
		     : check_fix(run, "where the guest needs one, give it the ROM as a"
				      " file (romfile)");
}
