/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the host boots. */
#include "check/internal.h"

const struct check check_boot_table[] = {
	{ "boot-image-age", "boot",
	  "the initramfs images are not older than what goes into them", false,
	  check_boot_image_age },
	{ "boot-image", "boot", "in each initramfs image vfio-pci has its devices first",
	  false, check_boot_image, .is_slow = true },
	{ 0 },
};
