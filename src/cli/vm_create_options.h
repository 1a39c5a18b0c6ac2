/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_CREATE_OPTIONS_H
#define PCIFERRY_CLI_VM_CREATE_OPTIONS_H

/* What the options of `vm create` and `vm xml` say. */
#include "cli/cli.h"
#include "cli/vm_slices.h"
#include "cli/vm_tune.h"
#include "vm/guest.h"

struct vm_create_request {
	struct vm_guest guest;
	struct vm_disk *disks; /* guest.disks; and so on */
	struct vm_usb *usb;
	struct vm_input *inputs;
	struct vm_share *shares;
	struct vm_slices slices;
	struct string_list usb_names;  /* values of --usb, for vm_find_parts() */
	struct string_list roms, macs; /* values of --rom and --mac, for vm_functions.h */
	struct string_list made;       /* texts that the guest points at */
	enum vm_firmware_kind firmware_kind;
	bool bios;
	bool screen_is_chosen;
	const char *uri; /* libvirt's; NULL: the system's QEMU */
	bool only_xml;
	bool start;
	bool all_matching;
	struct vm_tune_wish tune;
};

extern const char vm_create_help[], vm_xml_help[];

/*
 * Other texts stay argv's. From optind on stand, for create, the name, and what names
 * devices. To be freed on failure as well. Returns 0 or -errno.
 */
int vm_create_request_parse(struct cli *cli, int argc, char **argv,
			    struct vm_create_request *ret_request, struct error *err);
int vm_xml_request_parse(struct cli *cli, int argc, char **argv,
			 struct vm_create_request *ret_request, struct error *err);
void vm_create_request_free(struct vm_create_request *request);

#endif
