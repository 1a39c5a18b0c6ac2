/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_IMAGE_H
#define PCIFERRY_VM_IMAGE_H

#include "vm/guest.h"

struct error;

/*
 * Makes an image as large as the disk, over a file that is there, by qemu-img. Returns 0;
 * -ENOENT: it is not installed; or -EIO, when it has said why itself.
 */
int vm_make_image(const struct vm_disk *disk, const char *path, struct error *err);

#endif
