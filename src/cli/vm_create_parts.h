/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_CREATE_PARTS_H
#define PCIFERRY_CLI_VM_CREATE_PARTS_H

/* What `vm create` gives a guest besides functions: disks, inputs, folders and others. */
#include "cli/vm_create_options.h"

/*
 * libvirt's daemon, with another working directory, opens it. *ret_path is the request's.
 * Returns 0 or -errno.
 */
int vm_keep_path(struct vm_create_request *request, const char *path,
		 const char **ret_path, bool *ret_is_block, struct error *err);

/* The values of options: return 0 or -errno. */
int vm_take_disk(struct vm_create_request *request, const char *text, struct error *err);
int vm_take_cdrom(struct vm_create_request *request, const char *path, struct error *err);
int vm_take_evdev(struct vm_create_request *request, const char *path, struct error *err);
int vm_take_share(struct vm_create_request *request, const char *text, struct error *err);
int vm_take_looking_glass(struct vm_create_request *request, const char *text,
			  struct error *err);

/* Finds what --usb and --evdev named. Returns 0 or -errno. */
int vm_find_parts(const struct host *host, struct vm_create_request *request,
		  struct error *err);

/*
 * Makes the disks that are to be made, all or none; a guest that cannot be defined then
 * has them removed again. Returns 0 or -errno.
 */
int vm_make_disks(const struct vm_guest *guest, struct error *err);
void vm_remove_made_disks(const struct vm_guest *guest);

#endif
