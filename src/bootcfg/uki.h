/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_UKI_H
#define PCIFERRY_BOOTCFG_UKI_H

/*
 * Unified kernel images: a kernel, its initramfs and its command line in the sections of
 * one EFI program (https://uapi-group.org/specifications/specs/unified_kernel_image/).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bootcfg/entries.h"
#include "host/host.h"

/* How much of a file's beginning bootcfg_pe_find() needs. */
enum { BOOTCFG_PE_HEADERS = 16384 };

/*
 * Where a section's bytes are in the file whose first bytes these are (Microsoft's
 * PE/COFF specification, "Section Table"). Returns 0, -ENOENT, or -EINVAL: no such
 * program.
 */
int bootcfg_pe_find(const void *bytes, size_t len, const char *name, uint32_t *ret_offset,
		    uint32_t *ret_size);

/* Whether the name ends in ".efi", or, as on a VFAT file system, ".EFI". */
bool bootcfg_is_efi(const char *path);

/* Adds what a digest of an image says; a file that is none adds nothing. 0 or -ENOMEM. */
int bootcfg_uki_parse(const char *digest, size_t len, const char *kernel,
		      const char *file, struct bootcfg_entries *entries);

/* The digest of an image: lines "cmdline ...", "uname ...". Returns 0 or -errno. */
int bootcfg_uki_read(const struct host *host, const char *path, char **ret_digest,
		     size_t *ret_len);

#endif
