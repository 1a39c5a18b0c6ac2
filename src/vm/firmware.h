/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_FIRMWARE_H
#define PCIFERRY_VM_FIRMWARE_H

#include <stddef.h>

#include "host/host.h"

struct error;

enum vm_firmware_kind { VM_FIRMWARE_PLAIN, VM_FIRMWARE_SECURE };

/* UEFI firmware, from QEMU's descriptors (docs/interop/firmware.json of QEMU). */
struct vm_firmware {
	char *code; /* path of the executable, mapped read-only */
	char *code_format;
	char *vars_template; /* path of what each guest gets a copy of */
	char *vars_format;
	enum vm_firmware_kind kind;
};

/*
 * Finds firmware for an x86-64 q35 guest that boots with UEFI from flash: plain, without
 * Secure Boot and SMM, or with both and the usual keys enrolled. Descriptors in
 * /etc/qemu/firmware take the place of those of the same name in
 * /usr/share/qemu/firmware; an empty one hides it. Lower names come first.
 */
int vm_find_firmware(const struct host *host, enum vm_firmware_kind kind,
		     struct vm_firmware *ret_firmware, struct error *err);
void vm_firmware_free(struct vm_firmware *firmware); /* takes NULL */

/*
 * Parses one descriptor. Returns 0; -ENOENT when it describes firmware of another kind;
 * or -EINVAL when it is no descriptor.
 */
int vm_firmware_parse(const char *text, size_t len, enum vm_firmware_kind kind,
		      struct vm_firmware *ret_firmware);

#endif
