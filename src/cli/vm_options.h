/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_OPTIONS_H
#define PCIFERRY_CLI_VM_OPTIONS_H

/* What the options of `vm run` say. */
#include "cli/take.h"
#include "cli/vm_slices.h"
#include "cli/vm_tune.h"
#include "cli/vm_user.h"
#include "vm/vm.h"

struct vm_audio_wish {
	bool is_wanted;
	enum vm_audio driver; /* VM_AUDIO_NONE: whichever there is */

	/* What cli/vm_audio.h has found: a socket; or a node, "": none. */
	char server[VM_SESSION_SIZE + sizeof("/pulse/native")];
	char control[sizeof("/dev/snd/controlC4294967295")];
};

struct vm_request {
	struct take_options take;
	struct vm_config config;
	struct string_list disks, cdroms, usb_names;
	struct vm_usb *usb; /* found by these (cli/vm_usb.h) */
	int *usb_fds;
	struct vm_slices slices;
	struct vm_user user;
	struct vm_audio_wish audio;
	struct vm_tune_wish tune;
	struct vm_tuning tuning;
	bool bios;
	bool has_tpm;
	bool script;	  /* write one instead of running */
	const char *vars; /* NULL: by the guest's name */
};

/*
 * Up to "--"; what stands behind it is QEMU's. *ret_words: how many of argv are ours, of
 * which those from optind on name devices. Texts stay argv's. To be freed on failure as
 * well. Returns 0 or -EINVAL.
 */
int vm_request_parse(struct cli *cli, int argc, char **argv,
		     struct vm_request *ret_request, int *ret_words, struct error *err);
void vm_request_free(struct vm_request *request);

/*
 * "2048", "2048M" or "4G", up to 2^20 of either, of len characters. Returns 0 or -EINVAL.
 */
int vm_parse_size(const char *text, size_t len, unsigned int *ret_mib);

/* --memory's value, "2048", "2048M" or "4G", and --cpus's. Return 0 or -EINVAL. */
int vm_parse_memory(const char *text, unsigned int *ret_mib, struct error *err);
int vm_parse_cpus(const char *text, unsigned int *ret_cpus, struct error *err);

/* --connect's value, which stays the caller's: libvirt of this host. 0 or -EINVAL. */
int vm_parse_uri(const char *text, const char **ret_uri, struct error *err);

#endif
