/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_LIBVIRT_H
#define PCIFERRY_VM_LIBVIRT_H

/* Which libvirt a host has: by its files alone. Nothing here talks to it. */
#include "host/host.h"

struct error;

/* Where its daemon for QEMU's guests may be; ended by NULL. */
extern const char *const vm_libvirt_paths[];

struct vm_libvirt {
	enum fact fact; /* whether it is there */
	enum fact version_fact;
	unsigned int major, minor;

	/* The daemon that calls hooks, while it runs: "libvirtd". NULL: none does. */
	const char *daemon;
};

void vm_libvirt_read(const struct host *host, struct vm_libvirt *ret_libvirt);

/*
 * Whether it calls the hooks in qemu.d: 0, also where that is not known; -ENOENT: it is
 * not there; -ENOTSUP: it is too old.
 */
int vm_libvirt_check_hooks(const struct vm_libvirt *libvirt, struct error *err);

#endif
