/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOT_BOOT_H
#define PCIFERRY_BOOT_BOOT_H

/*
 * Makes the edits (change/edit.h) after which a host boots otherwise; nothing here
 * writes. docs/design/boot-loaders.md.
 */
#include "boot/text.h"
#include "bootcfg/boot.h"
#include "change/edit.h"

struct error;

/*
 * Edits after which the kernel gets these parameters at each boot, of whichever installed
 * kernel, but for recovery entries: those must stay a way back. What is so already is
 * left alone. Where a file cannot be edited safely, or this loader's cannot at all, a
 * line for the person is added to ret_instructions instead, and no edit is made. Returns
 * 0 or -errno.
 */
int boot_edit_parameters(const struct host *host, const struct bootcfg_boot *boot,
			 const struct boot_parameters *parameters,
			 struct change_edits *edits, struct string_list *ret_instructions,
			 struct error *err);

#endif
