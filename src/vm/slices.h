/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_SLICES_H
#define PCIFERRY_VM_SLICES_H

/*
 * The mediated devices of a guest, which are made when it starts and go when it ends:
 * docs/design/mdev.md. What each one is, its definition says (bootcfg/mdevctl.h).
 */
#include "base/text.h"
#include "change/change.h"

struct error;

/* For the change in which they are made or removed. */
extern const struct change_options vm_slices_late;

/*
 * Whether one is there, or can be made; nothing is changed. -ENOENT: it is not defined;
 * -EEXIST: for several parents; -EINVAL: so that mdevctl could not make it either;
 * -ENOTSUP: it has attributes, which are not set here; and what bind_slice_plan_make()
 * returns. Returns 0 or -errno.
 */
int vm_slice_check(const struct host *host, const char *uuid, struct error *err);

/*
 * The same of each of them, when nothing is under way on it any more: before devices are
 * moved for the guest.
 */
int vm_slices_check(struct change *change, const struct string_list *uuids,
		    struct error *err);

/*
 * Makes those that are not there, and notes each for the guest. When one fails, the ones
 * before it are left to vm_slices_remove(). Returns what vm_slice_check() does.
 */
int vm_slices_make(struct change *change, const struct string_list *uuids,
		   const char *guest, struct error *err);

/*
 * Removes those that were made for the guest, as many as go; of what was there before it
 * none. Returns 0, or -errno of the first that stays.
 */
int vm_slices_remove(struct change *change, const char *guest, struct error *err);

#endif
