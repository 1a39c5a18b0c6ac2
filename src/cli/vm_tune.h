/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_TUNE_H
#define PCIFERRY_CLI_VM_TUNE_H

/* Where a guest's processors and memory are on its host: vm create --tune. */
#include "cli/cli.h"
#include "vm/guest.h"
#include "vm/tune.h"

struct vm_tune_wish {
	bool is_wanted;
	bool has_node; /* else the devices' */
	unsigned int node;
	bool wants_pages; /* huge ones, also where too few are free */
	bool starts_now;  /* they have to be free */
};

/* --tune's value, NODE; NULL: none. Returns 0 or -EINVAL. */
int vm_tune_take(const char *text, struct vm_tune_wish *wish, struct error *err);

/*
 * Chooses them, says so, and sets them in the guest, whose functions are there. The guest
 * points at *ret_tuning, for vm_tuning_free(). Returns 0 or -errno.
 */
int vm_tune_guest(const struct cli *cli, const struct cli_view *view,
		  const struct vm_tune_wish *wish, struct vm_guest *guest,
		  struct vm_tuning *ret_tuning, struct error *err);

#endif
