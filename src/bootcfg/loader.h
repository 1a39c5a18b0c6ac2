/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_LOADER_H
#define PCIFERRY_BOOTCFG_LOADER_H

/*
 * Which boot loader started the running kernel. What is installed does not decide it:
 * several often are. A loader that tells its name in a variable of the firmware is
 * believed (https://systemd.io/BOOT_LOADER_INTERFACE), then the file that the firmware
 * started (BootCurrent, UEFI specification 2.10, 3.1.3), then what is there.
 */
#include <stdbool.h>
#include <stddef.h>

#include "host/host.h"

enum bootcfg_loader_kind {
	LOADER_UNKNOWN,
	LOADER_GRUB,
	LOADER_SYSTEMD_BOOT,
	LOADER_LIMINE,
	LOADER_REFIND,
	LOADER_FIRMWARE, /* it started the kernel, or a unified kernel image, itself */
};

struct bootcfg_loader {
	enum bootcfg_loader_kind kind;
	char name[64];	    /* "systemd-boot 252.31", "GRUB"; "": unknown */
	char evidence[288]; /* how it is known, in words */
	bool certain;	    /* it, or the firmware, says so itself */
	bool starts_once;   /* it says that it can be told what to start the next time */
	/* The file that the firmware started, without a leading slash; "": unknown. */
	char program[256];
};

void bootcfg_loader_read(const struct host *host, struct bootcfg_loader *ret_loader);

/*
 * The text of a variable in efivarfs: four bytes of attributes, then UTF-16. What is not
 * ASCII becomes "?". Returns 0, -EINVAL, or -ENAMETOOLONG.
 */
int bootcfg_efi_text(const void *bytes, size_t len, char *buffer, size_t size);

/*
 * The file in a variable Boot####, "EFI/debian/shimx64.efi" (UEFI specification 2.10,
 * 3.1.3 and 10.3.5.4), as bootcfg_efi_text(); "" when it starts none.
 */
int bootcfg_efi_program(const void *bytes, size_t len, char *buffer, size_t size);

/* The folder that the EFI system partition is mounted on, by what it holds; NULL: none.
 */
const char *bootcfg_find_esp(const struct host *host);

#endif
