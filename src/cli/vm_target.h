/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_TARGET_H
#define PCIFERRY_CLI_VM_TARGET_H

/* The domain that vm attach, vm detach and vm lint are about: libvirt's, or a file. */
#include "cli/cli.h"
#include "vm/connect.h"
#include "vm/definition.h"

struct vm_target_request {
	const char *uri;  /* libvirt's; NULL: the system's QEMU */
	const char *file; /* instead of libvirt; NULL: none */
	bool config, live;
	bool only_looks; /* nothing is to be changed */
	bool all_matching;
	bool shared; /* other guests that do not run may have the device, too */
	unsigned int deadline_ms;
	struct string_list roms, macs; /* values of --rom and --mac */
};

enum vm_target_verb { VM_TARGET_ATTACH, VM_TARGET_DETACH, VM_TARGET_LINT };

/*
 * argv[*ret_words] is the first that names a device; *ret_name the domain, NULL with a
 * file. To be freed on failure as well. Returns 0 or -errno.
 */
int vm_target_parse(struct cli *cli, enum vm_target_verb verb, int argc, char **argv,
		    struct vm_target_request *ret_request, const char **ret_name,
		    int *ret_words, struct error *err);
void vm_target_request_free(struct vm_target_request *request);

/* A definition, and what it says. */
struct vm_side {
	char *text; /* NULL: it is not there */
	size_t len;
	bool is_meant; /* it is there, and to be changed */
	struct vm_definition definition;
};

struct vm_target {
	const char *name;
	struct vm_connection *connection; /* NULL: of a file */
	struct vm_side config;		  /* what it starts with */
	struct vm_side live;		  /* what it runs with */
};

/*
 * Reads the sides that it has; meant are those that are asked for, by default all. A
 * domain of libvirt's that is to be changed is on this machine, or refused as by
 * change_check_host(). For vm_target_close(), also on failure.
 */
int vm_target_open(const struct host *host, const struct vm_target_request *request,
		   const char *name, struct vm_target *ret_target, struct error *err);
void vm_target_close(struct vm_target *target);

/*
 * Makes `edited` what the guest starts with, unless someone changed it since it was read
 * (-ESTALE); where the domain is a file, prints it.
 */
int vm_target_save(const struct vm_target *target, char *edited, size_t len,
		   struct error *err);

#endif
