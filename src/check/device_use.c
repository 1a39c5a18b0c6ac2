/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who uses a device: the host, and the firmware behind the kernel's back. */
#include <string.h>

#include "base/cleanup.h"
#include "check/internal.h"

static const char *way_out(enum usage_kind kind)
{
	static const char *const ways[] = {
		[USAGE_ROOT] = "the host runs from it: it cannot do without",
		[USAGE_MOUNT] = "umount it, and take it out of /etc/fstab",
		[USAGE_SWAP] = "swapoff it, and take it out of /etc/fstab",
		[USAGE_HOLDER] = "take down what is built on it",
		[USAGE_POOL] = "export the pool, or take the disk out of it",
		[USAGE_BOOT] = "take it out of /etc/fstab and /etc/crypttab",
		[USAGE_SSH] = "come in another way: this one will be gone",
		[USAGE_ROUTE] = "let its routes lead through another interface",
		[USAGE_NETWORK] = "take the interface down, also in its configuration",
		[USAGE_DISPLAY] = "end what draws on it, or show it on another display",
		[USAGE_CONSOLE] = "the host's console needs another display",
		[USAGE_FRAMEBUFFER] = "see device-framebuffer",
		[USAGE_KEYBOARD] = "plug the keyboard in elsewhere",
		[USAGE_SOUND] = "end what plays or records",
		[USAGE_PROCESS] = "end that process, or keep it off the device",
		[USAGE_VFIO] = "shut that guest down first",
		[USAGE_FUNCTION] = "free its virtual functions first",
		[USAGE_SLICE] = "remove it: pciferry mdev remove UUID",
	};

	return (size_t)kind < ARRAY_SIZE(ways) && ways[kind] ? ways[kind] : "";
}

static int look_at_use(struct check_run *run, const struct pci_device *device,
		       const struct usage_finding *use)
{
	bool unread = use->kind == USAGE_UNREADABLE;
	char address[PCI_ADDRESS_SIZE];
	int r;

	pci_address_format(&device->address, address);
	r = check_tell(run, unread ? CHECK_UNKNOWN : CHECK_WARN, NULL, "%s%s%s",
		       device == run->device ? "" : address,
		       device == run->device ? "" : ": ", use->detail);
	if (r == 0)
		r = check_why(run, unread ? "it counts as in use until that is known"
					  : "what the host uses must be freed before a"
					    " guest can have it");
	return r < 0 ? r : check_fix(run, "%s", way_out(use->kind));
}

static int look_at_stuck(struct check_run *run, const struct pci_device *device)
{
	char address[PCI_ADDRESS_SIZE];
	int r;

	if (!device->stuck)
		return 0;
	r = check_tell(run, CHECK_WARN, NULL, "%s does not answer: its driver hangs",
		       pci_address_format(&device->address, address));
	if (r == 0)
		r = check_why(run, "a process holds it while its driver lets it go");
	return r < 0 ? r
		     : check_fix(run, "end the process that holds it; else only a"
				      " reboot helps");
}

int check_device_in_use(struct check_run *run)
{
	size_t before = run->findings->count;
	const struct pci_device *along;
	int r = 0;

	for (size_t i = 0; r == 0 && (along = check_goes_along(run, i)); i++) {
		const struct usage_findings *uses =
			usage_of(&run->facts->device.usage, along);

		r = look_at_stuck(run, along);
		for (size_t j = 0; r == 0 && j < uses->count; j++)
			r = look_at_use(run, along, &uses->items[j]);
	}
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL, "nothing on the host uses it");
}

/* relaxable: what the firmware uses at boot only (device_rmrr_is_relaxable() in
 * drivers/iommu/intel/iommu.c: USB controllers and displays). */
static int tell_memory(struct check_run *run, bool relaxable, uint64_t start,
		       uint64_t end, const char *where)
{
	int r = check_tell(run, relaxable ? CHECK_INFO : CHECK_FAIL, NULL,
			   "the firmware uses memory 0x%llx-0x%llx through it (%s)",
			   (unsigned long long)start, (unsigned long long)end, where);

	if (r < 0)
		return r;
	if (relaxable)
		return check_why(run, "only while the host boots: the kernel lets a"
				      " guest have it");
	r = check_why(run, "the kernel gives such a device to no guest: its DMA must go"
			   " on reaching that memory");
	return r < 0 ? r
		     : check_fix(run, "look for a setting of the firmware that ends it"
				      " (servers have one for each slot), for a newer"
				      " firmware, or use another slot");
}

/* While the IOMMU is off only the firmware's table tells. */
static int firmware_memory(struct check_run *run)
{
	const struct check_facts *facts = run->facts;
	bool relaxable =
		facts->firmware.kind == IOMMU_DMAR &&
		(pci_is_display(run->device) || run->device->class_code >> 8 == 0x0c03);
	size_t before = run->findings->count;
	uint64_t start, end;
	enum fact fact;
	int r = 0;

	for (size_t i = 0; r == 0; i++) {
		fact = iommu_firmware_memory(&facts->firmware, &facts->device.topology,
					     check_node(run), i, &start, &end);
		if (fact != FACT_KNOWN)
			break;
		r = tell_memory(run, relaxable, start, end,
				facts->firmware.kind == IOMMU_DMAR ? "RMRR" : "IVMD");
	}
	if (r < 0 || run->findings->count > before)
		return r;
	if (fact == FACT_UNREADABLE || facts->firmware.fact != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "it is in no group, and no table of the firmware"
				  " tells");
	return check_tell(run, CHECK_PASS, NULL, "the firmware's table names none");
}

int check_device_memory(struct check_run *run)
{
	const struct iommu_group *group =
		iommu_group_of(&run->facts->groups, run->device, NULL);
	_cleanup_free_ struct iommu_reserved *regions = NULL;
	size_t count = 0, before = run->findings->count;
	int r = 0;

	if (!group)
		return firmware_memory(run);
	if (iommu_reserved_read(run->facts->host, group->number, &regions, &count) !=
	    FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "the reserved_regions of group %u could not be read",
				  group->number);
	for (size_t i = 0; r == 0 && i < count; i++)
		if (!strncmp(regions[i].type, "direct", strlen("direct")))
			r = tell_memory(run, strcmp(regions[i].type, "direct") != 0,
					regions[i].start, regions[i].end,
					regions[i].type);
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL,
			  "none in the reserved_regions of group %u", group->number);
}
