/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOT_SLICES_H
#define PCIFERRY_BOOT_SLICES_H

/*
 * Mediated devices at each boot: the file in which mdevctl has each defined, which
 * libvirt shows as well. docs/design/mdev.md.
 */
#include <stdbool.h>

#include "change/edit.h"

struct error;

struct boot_slice {
	const char *uuid; /* in small letters */
	const char *parent;
	const char *type;
	bool starts; /* by itself, at each boot; else when a guest that has it starts */
};

/*
 * Edits after which it is defined so, and pciferry.service makes those that start. A file
 * that is there keeps all else that is in it. What its start depends on is added to
 * ret_notes. Refused (ERROR_REFUSED, with what is in it) where that file is damaged;
 * -EEXIST where the UUID is defined for another device, or as another type. Returns 0 or
 * -errno.
 */
int boot_edit_slice(const struct host *host, const struct boot_slice *slice,
		    struct change_edits *edits, struct string_list *ret_notes,
		    struct error *err);

/*
 * Edits after which it is not defined any more; of which parent NULL: of the one that
 * has it. None where it is not defined. -EEXIST: several have it. Returns 0 or -errno.
 */
int boot_edit_slice_away(const struct host *host, const char *uuid, const char *parent,
			 struct change_edits *edits, struct error *err);

#endif
