/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_IOMMU_REGISTERED_H
#define PCIFERRY_IOMMU_REGISTERED_H

/*
 * The units that the running kernel drives, from /sys/class/iommu
 * (Documentation/ABI/testing/sysfs-class-iommu-{intel,amd}-iommu, since Linux 3.17). With
 * the IOMMU off there are none, whatever the firmware's table says. Any user can read
 * them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"
#include "iommu/units.h"

/* Extended Capability Register: VT-d 4.1, 11.4.3. */
enum { DMAR_ECAP_INTR_REMAP = 1 << 3 };

struct iommu_registered_unit {
	char name[32];	      /* "dmar0", "ivhd1" */
	enum iommu_kind kind; /* IOMMU_NONE: of neither, as on Arm */

	/* Of a DMAR unit: the address of its registers, as in its DRHD. */
	enum fact base_fact;
	uint64_t base;

	/* Of an IVRS unit: the function that it is, as in its IVHD. */
	enum fact function_fact;
	struct pci_address function;

	/* ecap: the Extended Capability Register; or AMD's features, the Extended
	 * Feature Register. */
	enum fact extended_fact;
	uint64_t extended;
};

struct iommu_registered {
	enum fact fact;			     /* ABSENT: the kernel drives none */
	struct iommu_registered_unit *items; /* sorted by name */
	size_t count;
};

/* Returns 0 or -ENOMEM. */
int iommu_registered_read(const struct host *host,
			  struct iommu_registered *ret_registered, struct error *err);
void iommu_registered_free(struct iommu_registered *registered); /* takes NULL */

/*
 * Whether the kernel can remap interrupts, by what it asks for. VT-d: the table's flag,
 * and the capability of every unit (intel_prepare_irq_remapping() in
 * drivers/iommu/intel/irq_remapping.c). AMD-Vi: the I/O APIC of the southbridge is in the
 * table (check_ioapic_information() in drivers/iommu/amd/init.c).
 *
 * FACT_KNOWN and false is certain. True means that it is possible: the command line can
 * prevent it, which is seen in /proc/interrupts alone. FACT_ABSENT: there is no table.
 * FACT_UNREADABLE: what was readable does not decide it.
 */
enum fact iommu_remaps_interrupts(const struct iommu_firmware *firmware,
				  const struct iommu_registered *registered,
				  bool *ret_remaps);

#endif
