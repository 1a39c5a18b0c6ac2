/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device: what goes to a guest with it, and the table of its checks. */
#include <stdio.h>
#include <string.h>

#include "check/internal.h"

const struct pci_device *check_goes_along(const struct check_run *run, size_t n)
{
	const struct iommu_group *group =
		iommu_group_of(&run->facts->groups, run->device, NULL);

	if (!group)
		return n ? NULL : run->device;
	for (size_t i = 0; i < group->count; i++)
		if (!iommu_member_stays(group->members[i]) && !n--)
			return group->members[i];
	return NULL;
}

bool check_is_along(const struct check_run *run, const struct pci_device *device)
{
	const struct pci_device *along;

	for (size_t i = 0; (along = check_goes_along(run, i)); i++)
		if (along == device)
			return true;
	return false;
}

const struct pci_node *check_node(const struct check_run *run)
{
	return &run->facts->device.topology
			.nodes[run->device - run->facts->devices.items];
}

enum fact check_kernel_since(const struct check_facts *facts, unsigned int major,
			     unsigned int minor, bool *ret_since)
{
	const struct bootcfg_kernel *kernel = bootcfg_running_kernel(facts->kernels);

	if (!kernel || !kernel->version)
		return FACT_UNREADABLE;
	*ret_since = !bootcfg_is_before(kernel, major, minor);
	return FACT_KNOWN;
}

/* With whom it would be in a group, as far as configuration space tells. */
static void predicted_words(const struct check_run *run, char *buffer, size_t size)
{
	const struct iommu_prediction *prediction = &run->facts->device.prediction;
	const struct pci_devices *devices = &run->facts->devices;
	const struct iommu_predicted *own =
		&prediction->of_device[run->device - devices->items];
	struct check_names names = { 0 };

	buffer[0] = '\0';
	if (own->group < 0 || iommu_predicted_uncertain(prediction, own->group))
		return;
	for (size_t i = 0; i < devices->count; i++)
		if (prediction->of_device[i].group == own->group &&
		    &devices->items[i] != run->device)
			check_add_address(&names, &devices->items[i]);
	snprintf(buffer, size, "; with the IOMMU on it would %s%s",
		 names.len ? "share its group with " : "have a group of its own",
		 names.text);
}

static int tell_no_group(struct check_run *run, enum fact fact)
{
	char words[512];
	int r;

	if (fact != FACT_ABSENT)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "its IOMMU group could not be read");
	predicted_words(run, words, sizeof(words));
	r = check_tell(run, CHECK_FAIL, NULL, "it is in no IOMMU group%s", words);
	if (r == 0)
		r = check_why(run, "a guest gets whole groups, and it is in none");
	if (r < 0)
		return r;
	return check_fix(run, run->facts->groups.count
				      ? "no IOMMU is for it: look for a newer firmware,"
					" or use another slot"
				      : "turn the IOMMU on: see iommu-table and"
					" iommu-groups");
}

/* Adds what a member of the group says against giving the group to a guest. */
static int look_at_member(struct check_run *run, const struct pci_device *member)
{
	char address[PCI_ADDRESS_SIZE];
	const char *driver;
	int r;

	pci_address_format(&member->address, address);
	if (member->ids != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "%s is in its group, and what it is could not be read",
				  address);
	if (!iommu_member_stays(member) || iommu_member_allows_vfio(member, &driver))
		return 0;
	if (!driver)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "the driver of %s, a bridge of its group, could not be"
				  " read",
				  address);
	r = check_tell(run, CHECK_FAIL, NULL, "%s, a bridge of its group, is on %s",
		       address, driver);
	if (r == 0)
		r = check_why(run, "VFIO gives out no group while such a driver, which"
				   " may do DMA itself, has a bridge of it");
	return r < 0 ? r
		     : check_fix(run,
				 "echo %s > /sys/bus/pci/drivers/%s/unbind, and keep %s"
				 " from loading at boot",
				 address, driver, driver);
}

static int group(struct check_run *run)
{
	size_t before = run->findings->count;
	const struct iommu_group *group;
	const struct pci_device *along;
	struct check_names names = { 0 };
	enum fact fact;
	int r = 0;

	if (iommu_member_stays(run->device)) {
		r = check_tell(run, CHECK_FAIL, NULL, "it is a bridge");
		if (r == 0)
			r = check_why(run, "bridges stay with the host, always");
		return r < 0 ? r : check_fix(run, "name the devices behind it");
	}
	group = iommu_group_of(&run->facts->groups, run->device, &fact);
	if (!group)
		return tell_no_group(run, fact);
	for (size_t i = 0; r == 0 && i < group->count; i++)
		r = look_at_member(run, group->members[i]);
	for (size_t i = 0; (along = check_goes_along(run, i)); i++)
		if (along != run->device)
			check_add_address(&names, along);
	if (r == 0 && names.len) {
		r = check_tell(run, CHECK_INFO, NULL, "in group %u with %s",
			       group->number, names.text);
		if (r == 0)
			r = check_why(run, "a guest gets whole groups: it takes these"
					   " along, and the host loses them");
	}
	if (r < 0 || run->findings->count > before)
		return r;
	return check_tell(run, CHECK_PASS, NULL, "alone in group %u", group->number);
}

const struct check check_device_table[] = {
	{ "device-group", "device", "its group can go to a guest, and who goes along",
	  true, group },
	{ "device-in-use", "device", "nothing on the host uses it", true,
	  check_device_in_use },
	{ "device-memory", "device", "the firmware uses no memory through it", true,
	  check_device_memory },
	{ "device-reset", "device", "a guest gets it as new", true, check_device_reset },
	{ "device-display", "device", "the host keeps a picture without it", true,
	  check_device_display },
	{ "device-framebuffer", "device",
	  "the firmware's framebuffer is not in its memory", true,
	  check_device_framebuffer },
	{ "device-rom", "device", "a display has an option ROM", true, check_device_rom },
	{ "device-link", "device", "its link does what both ends can", true,
	  check_device_link },
	{ "device-power", "device", "it has power", true, check_device_power },
	{ "device-vmd", "device", "no other function stands for it", true,
	  check_device_vmd },
	{ "device-slices", "device", "whether it could be cut into slices", true,
	  check_device_slices },
	{ "device-known", "device", "nothing is known against its model", true,
	  check_device_known },
	{ "device-driver", "device", "no other driver takes it at boot", true,
	  check_device_driver },
	{ "device-override", "device", "nobody else chose its driver", true,
	  check_device_override },
	{ "device-siblings", "device", "no other device has its IDs", true,
	  check_device_siblings },
	{ "device-mentioned", "device", "no file names it by its address", true,
	  check_device_mentioned, true },
	{ 0 },
};
