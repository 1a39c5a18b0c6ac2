/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "iommu/reserved.h"
#include "vfio/internal.h"
#include "vfio/probe.h"

/* The words of the field, and behind them what the kernel said. */
static void reword(struct error *failure, const char *words)
{
	char subject[ERROR_SUBJECT_SIZE], said[128], hint[ERROR_HINT_SIZE];

	snprintf(subject, sizeof(subject), "%s", failure->subject);
	snprintf(said, sizeof(said), "%s", failure->message);
	snprintf(hint, sizeof(hint), "%s", failure->hint);
	error_set(failure, failure->code, subject, "%s (%s)", words, said);
	if (hint[0])
		error_hint(failure, "%s", hint);
}

static void add_members_in_the_way(const struct vfio_probe_request *request,
				   struct error *failure)
{
	for (size_t i = 0; i < request->group->count; i++) {
		const struct pci_device *member = request->group->members[i];
		char address[PCI_ADDRESS_SIZE];
		const char *driver;

		if (!iommu_member_allows_vfio(member, &driver))
			error_evidence(failure, "%s is on %s",
				       pci_address_format(&member->address, address),
				       driver);
	}
	if (failure->evidence)
		error_hint(failure, "pciferry probe ADDRESS --bind takes the whole group,"
				    " and gives it back");
	else
		error_hint(failure, "no member is on a driver of the host's: a guest may"
				    " have one of them by its own node");
}

/* Memory that the firmware goes on using, which the kernel gives to no guest. */
static bool add_firmwares_memory(const struct vfio_probe_request *request,
				 struct error *failure)
{
	_cleanup_free_ struct iommu_reserved *regions = NULL;
	size_t count = 0;
	bool found = false;

	if (iommu_reserved_read(request->host, request->group->number, &regions,
				&count) != FACT_KNOWN)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(regions[i].type, "direct") != 0)
			continue;
		if (!found)
			reword(failure, "the firmware uses memory with the device, so"
					" that no guest gets it");
		found = true;
		error_evidence(failure, "reserved: 0x%llx to 0x%llx",
			       (unsigned long long)regions[i].start,
			       (unsigned long long)regions[i].end);
	}
	if (found)
		error_hint(failure, "some firmware can be told to stop that: \"RMRR\","
				    " \"shared memory\" or the device's own setting");
	return found;
}

static void explain_iommu(const struct vfio_probe_request *request, enum vfio_step step,
			  struct error *failure)
{
	/*
	 * Where a group or a device is claimed as well: the kernel blocks its DMA then
	 * (__iommu_device_set_domain(), require_direct).
	 */
	if (failure->code == EPERM || failure->code == EINVAL)
		if (add_firmwares_memory(request, failure))
			return;
	if (failure->code == EPERM && step == VFIO_STEP_JOIN) {
		reword(failure, "another has the group: a guest by iommufd, perhaps");
		error_hint(failure, "try again when the guest has ended");
	} else if (failure->code == EPERM && step == VFIO_STEP_BIND) {
		reword(failure, "either another has the group, such as a guest, or the"
				" IOMMU does not remap interrupts");
		error_hint(failure, "pciferry check --only iommu-interrupts tells whether"
				    " it does");
	} else if (failure->code == EINVAL && step == VFIO_STEP_BIND) {
		reword(failure, "another may have it open by its own node, such as a"
				" guest");
		error_hint(failure, "try again when the guest has ended");
	} else if (failure->code == EPERM) {
		reword(failure, "the IOMMU does not remap interrupts, so that a guest"
				" could send any to the host");
		error_hint(failure,
			   "pciferry check --only iommu-interrupts; for guests that are"
			   " trusted: allow_unsafe_interrupts=1 of %s",
			   step == VFIO_STEP_ATTACH ? "iommufd" : "vfio_iommu_type1");
	} else if (failure->code == EBUSY) {
		reword(failure, "a member of its group is in the hands of the host or of"
				" a guest");
		add_members_in_the_way(request, failure);
	}
}

static void add_power(const struct vfio_probe_request *request, struct error *failure)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], state[16];

	if (host_read(request->host,
		      pci_attribute_path(&request->device->address, "power_state", path),
		      state, sizeof(state)) == FACT_KNOWN)
		error_evidence(failure, "power state: %s", state);
}

static void explain_token(const struct vfio_probe_request *request, struct error *failure)
{
	const struct pci_address *address = &request->device->address;
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	if (host_exists(request->host, pci_attribute_path(address, "physfn", path))) {
		reword(failure, "a virtual function whose physical one is on VFIO, too,"
				" is opened with that one's token alone");
		error_hint(failure, "leave the physical function to a driver of the"
				    " host's");
	} else if (host_exists(request->host,
			       pci_attribute_path(address, "sriov_numvfs", path))) {
		reword(failure, "it is a physical function, and somebody has one of its"
				" virtual ones, or opened it with a token");
		error_hint(failure, "end the guests that have its virtual functions");
	}
}

static void explain_device(const struct vfio_probe_request *request,
			   struct error *failure)
{
	switch (failure->code) {
	case EACCES:
		explain_token(request, failure);
		break;
	case EAGAIN:
		reword(failure, "the kernel is busy with it: it is being reset or bound");
		error_hint(failure, "try again in a moment");
		break;
	case EIO:
	case ENODEV:
	case ENXIO:
		reword(failure, "it does not wake up, or is no longer there");
		add_power(request, failure);
		error_hint(failure, "if it sleeps in D3cold: pciferry bind DEVICE --set"
				    " d3cold_allowed=0");
		break;
	}
}

static void explain_group(const struct vfio_probe_request *request, struct error *failure)
{
	char path[64];

	snprintf(path, sizeof(path), "dev/vfio/noiommu-%u", request->group->number);
	if (failure->code != ENOENT)
		return;
	if (host_exists(request->host, path)) {
		reword(failure, "VFIO has it without an IOMMU, which holds back none of"
				" its DMA: no guest gets it");
		error_hint(failure, "pciferry check names what is missing");
	} else {
		reword(failure, "the group has no node");
		error_hint(failure, "udevadm settle, where it was just bound");
	}
}

static void explain_interrupt(struct error *failure)
{
	if (failure->code == EBUSY) {
		reword(failure, "its interrupt line is shared, and it cannot say when it"
				" is its own");
		error_hint(failure, "unbind what shares the line (/proc/interrupts), or"
				    " move the card to another slot");
	} else if (failure->code == ENOSPC) {
		reword(failure, "the host has no interrupt vectors left");
	}
}

void vfio_explain(const struct vfio_probe_request *request, enum vfio_step step,
		  struct error *failure)
{
	switch (step) {
	case VFIO_STEP_CONTAINER:
		if (failure->code == ENOENT || failure->code == ENODEV)
			error_hint(failure, "sudo modprobe vfio-pci");
		/* fall through */
	case VFIO_STEP_IOMMUFD:
	case VFIO_STEP_CDEV:
		if (failure->code == EACCES)
			error_hint(failure, "run it with sudo, or give the file to your"
					    " user");
		break;
	case VFIO_STEP_GROUP:
		explain_group(request, failure);
		break;
	case VFIO_STEP_VIABLE:
		add_members_in_the_way(request, failure);
		break;
	case VFIO_STEP_JOIN:
	case VFIO_STEP_IOMMU:
	case VFIO_STEP_BIND:
	case VFIO_STEP_ATTACH:
		if (failure->code == EACCES)
			explain_token(request, failure);
		explain_iommu(request, step, failure);
		break;
	case VFIO_STEP_DEVICE:
		explain_device(request, failure);
		break;
	case VFIO_STEP_INTERRUPT:
		explain_interrupt(failure);
		break;
	default:
		break;
	}
}
