/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_VM_AUDIO_H
#define PCIFERRY_CLI_VM_AUDIO_H

/* Where the sound of a guest of `vm run` goes. */
#include "cli/cli.h"
#include "cli/vm_options.h"

/* The value of --audio, NULL: none. It stays the caller's. Returns 0 or -EINVAL. */
int vm_audio_take(const char *text, struct vm_request *request, struct error *err);

/*
 * The sound server of the session of whom QEMU will be, or else a card that does not go
 * to the guest; unless one of them was asked for. Before a device is touched. The request
 * has it, and its config. Returns 0, -ENOENT: there is none; or another -errno.
 */
int vm_audio_look(const struct host *host, struct vm_request *request,
		  const struct pci_address *asked, size_t n_asked, struct error *err);

#endif
