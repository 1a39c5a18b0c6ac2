/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_FUNCTIONS_H
#define PCIFERRY_CLI_VM_FUNCTIONS_H

/* Which functions of this host a guest's definition names, for the commands of vm. */
#include "cli/cli.h"
#include "vm/guest.h"

struct vm_functions {
	struct vm_function *items; /* sorted and placed */
	size_t count;
	struct string_list texts; /* what the items point at */
};

/*
 * From DEVICE arguments: these, and all others of their groups that can go, since libvirt
 * lets VFIO have none of a group unless each is free; where there are no groups, the
 * other functions of their slots. For vm_functions_free(), also on failure. Opens the
 * view, with the uses.
 */
int vm_functions_select(const struct cli *cli, struct cli_view *view, int argc,
			char **argv, bool all_matching,
			struct vm_functions *ret_functions, struct error *err);
void vm_functions_free(struct vm_functions *functions);

/* One more function, each once; and what one DEVICE means, with what goes along, neither
 * sorted nor placed. */
int vm_functions_add(struct vm_functions *functions, const struct vm_function *function);
int vm_functions_add_named(const struct cli_view *view, const char *argument,
			   bool all_matching, struct vm_functions *functions,
			   struct error *err);

/* --rom's value, DEVICE=FILE, and --mac's, DEVICE=MAC or DEVICE=MAC,VLAN. */
int vm_functions_set_rom(const struct cli_view *view, struct vm_functions *functions,
			 const char *text, struct error *err);
int vm_functions_set_mac(const struct cli_view *view, struct vm_functions *functions,
			 const char *text, struct error *err);

/*
 * Whether it goes to a guest on its driver, which hands it over: NVIDIA's vGPU without
 * mediated devices. -ENODEV: its driver hands it to none, as it has no type. Returns 0 or
 * -errno.
 */
int vm_function_stays(const struct host *host, const struct pci_address *address,
		      bool *ret_stays, struct error *err);

#endif
