/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_IMAGE_H
#define PCIFERRY_VM_IMAGE_H

#include "vm/guest.h"

struct error;

/*
 * Makes an image of the disk's size at its path, over a file that is there, by qemu-img.
 * Returns 0; -ENOENT: it is not installed; or -EIO, when it has said why itself.
 */
int vm_make_image(const struct vm_disk *disk, struct error *err);

#endif
