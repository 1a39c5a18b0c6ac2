/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_COMPARE_H
#define PCIFERRY_VFIO_COMPARE_H

/*
 * Configuration space as VFIO shows it to a guest, against the device's own. VFIO answers
 * for parts of it itself (drivers/vfio/pci/vfio_pci_config.c): the command register, base
 * addresses, the interrupt's line, what MSI is set to; and it leaves capabilities out of
 * the chains that a guest cannot be given. What tells what the device is has to be the
 * same.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "pci/device.h"

struct vfio_comparison {
	size_t size;		     /* bytes that were read by VFIO */
	size_t compared;	     /* of these, bytes that sysfs gave as well */
	struct string_list wrong;    /* "revision: 02 in sysfs, 01 through VFIO" */
	struct string_list hidden;   /* names of capabilities that VFIO does not show */
	struct string_list answered; /* names of what VFIO answers otherwise itself */
};

/*
 * Compares bytes from offset 0. The device's own IDs count where a virtual function has
 * none in its bytes (PCIe 6.0, 9.3.4.1.1). Returns 0 or -ENOMEM.
 */
int vfio_compare(const struct pci_device *device, const uint8_t *through_vfio,
		 size_t through_len, const uint8_t *own, size_t own_len,
		 struct vfio_comparison *ret_comparison);
void vfio_comparison_free(struct vfio_comparison *comparison); /* takes NULL */

#endif
