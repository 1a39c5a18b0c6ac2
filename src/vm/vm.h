/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_VM_H
#define PCIFERRY_VM_VM_H

/* A guest run by QEMU directly, with devices of this host. */
#include <stdbool.h>
#include <stddef.h>

#include "base/launch.h"
#include "base/text.h"
#include "host/host.h"
#include "pci/address.h"
#include "vm/firmware.h"

struct error;

enum vm_accelerator { VM_KVM, VM_TCG };

enum vm_network {
	VM_NETWORK_NONE,
	VM_NETWORK_USER,   /* QEMU itself is the guest's way out; takes no rights */
	VM_NETWORK_TAP,	   /* an interface that is there */
	VM_NETWORK_BRIDGE, /* one that is made for it, in a bridge that is there */
};

/* What QEMU may not do any more once it has started (seccomp). */
enum vm_sandbox {
	VM_SANDBOX_NONE,
	VM_SANDBOX_USUAL, /* but start programs: what it is told to may need some */
	VM_SANDBOX_FULL,
};

/* A socket to another program. */
struct vm_line {
	const char *path; /* NULL: by a descriptor */
	int fd;		  /* that QEMU finds under this number */
};

struct vm_config {
	const char *qemu; /* path or name of the program */
	const char *name;
	enum vm_accelerator accelerator;
	unsigned int memory_mib;
	unsigned int cpus;
	const struct vm_firmware *firmware;   /* NULL: the BIOS that QEMU brings */
	const char *vars;		      /* the guest's copy of the variables */
	const char *kernel, *initrd, *append; /* NULL: boot from disk */
	const char *display;		      /* QEMU's -display; NULL: none */
	const char *screen;	  /* a socket that shows the guest's by VNC; NULL: none */
	const char *const *disks; /* files; "*.qcow2" is qcow2, others are raw */
	size_t n_disks;
	const char *const *cdroms;
	size_t n_cdroms;
	enum vm_network network;
	const char *bridge;	   /* of VM_NETWORK_BRIDGE */
	const char *tap;	   /* of both: the interface's name */
	int tap_fd;		   /* by which QEMU has it; 0: by its name */
	const char *mac;	   /* the guest's, of both; NULL: QEMU's usual one */
	const struct vm_line *tpm; /* at which swtpm is (vm/tpm.h); NULL: no TPM */
	const char *monitor;	   /* a socket that speaks QMP; NULL: none */
	enum vm_sandbox sandbox;
	const struct pci_address *devices; /* sorted */
	size_t n_devices;
	bool serial_monitor; /* QEMU's monitor on the serial line, by Ctrl-A C */
	char *const *extra;  /* more arguments, NULL-terminated; may be NULL */
};

/*
 * QEMU's argument vector. Functions of one slot of the host share one slot of the guest,
 * and keep their numbers, unless function 0 is not among them: then the lowest becomes
 * it, since a slot without a function 0 is not found (PCIe 6.0, 7.5.1.1.9).
 */
int vm_build_argv(const struct vm_config *config, struct string_list *ret_argv);

/* For a value in a list of QEMU's options, where a comma in it is written twice. As
 * vm_shell_quote(). */
char *vm_double_commas(const char *text);

/* One word for a POSIX shell, quoted where it must be. The caller frees it; NULL: no
 * memory. */
char *vm_shell_quote(const char *word);

/*
 * Runs the program and waits for its end. SIGINT, SIGTERM and SIGHUP, which the caller
 * has blocked, are passed on to it as SIGTERM, so that the caller lives to clean up.
 * Returns 0 and sets *ret_status to its exit status (128 + number for a signal), or
 * -errno.
 */
int vm_run(const struct launch *launch, int *ret_status, struct error *err);

#endif
