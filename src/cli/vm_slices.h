/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_SLICES_H
#define PCIFERRY_CLI_VM_SLICES_H

/* The mediated devices of a guest, as --mdev names them. */
#include "cli/take.h"
#include "cli/vm_user.h"
#include "vm/guest.h"

/* As many as anybody has asked a guest to have. */
enum { VM_SLICES_MAX = 8 };

struct vm_slices {
	struct vm_slice items[VM_SLICES_MAX];
	size_t count;

	/* Whether each is there now, or only defined, by mdevctl's file. */
	bool is_there[VM_SLICES_MAX], is_defined[VM_SLICES_MAX];
	struct string_list texts; /* what the items point at */

	/* For whom those are noted that vm_slices_begin() makes; "": it makes none. */
	char run[sizeof("vm run, process 4294967295, ") + UUID_SIZE];
};

/* --mdev's value, UUID[,display][,rom=FILE]. Returns 0 or -errno. */
int vm_slices_take(struct vm_slices *slices, const char *text, struct error *err);
void vm_slices_free(struct vm_slices *slices);

/*
 * What each one is. -ENOENT: neither there nor defined; -ENOTSUP: it is none that a guest
 * of this kind can have. Returns 0 or -errno.
 */
int vm_slices_look(const struct host *host, struct vm_slices *slices, bool has_kvm,
		   struct error *err);

/*
 * Whether those that are not there can be made (vm_slices_check()). Where there are such,
 * it names this run, of which a keeper removes what was made when pciferry is killed.
 * Returns 0 or -errno.
 */
int vm_slices_foresee(const struct cli *cli, const struct host *host,
		      const struct take_options *options, struct vm_slices *slices,
		      struct error *err);

/*
 * Makes those that are not there, for as long as `vm run` runs the guest, and has the
 * user open each (vm_user_give_nodes()). For vm_slices_end(), also on failure. Returns 0
 * or -errno.
 */
int vm_slices_begin(const struct cli *cli, const struct host *host,
		    const struct take_options *options, struct vm_slices *slices,
		    struct vm_user *user, struct error *err);

/* Removes those that were made. Returns 0 or -errno. */
int vm_slices_end(const struct cli *cli, const struct host *host,
		  const struct take_options *options, const struct vm_slices *slices,
		  struct error *err);

#endif
