/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_VM_H
#define PCIFERRY_VM_VM_H

/* A guest run by QEMU directly, with devices of this host. */
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/launch.h"
#include "base/text.h"
#include "host/host.h"
#include "pci/address.h"
#include "vm/firmware.h"

struct error;
struct vm_slice;
struct vm_tuning;
struct vm_usb;

enum vm_accelerator { VM_KVM, VM_TCG };

enum vm_network {
	VM_NETWORK_NONE,
	VM_NETWORK_USER,   /* QEMU itself is the guest's way out; takes no rights */
	VM_NETWORK_TAP,	   /* an interface that is there */
	VM_NETWORK_BRIDGE, /* one that is made for it, in a bridge that is there */
};

/* Where the guest's sound goes, by the name of QEMU's driver. */
enum vm_audio {
	VM_AUDIO_NONE,
	VM_AUDIO_PA,   /* a server that speaks PulseAudio's protocol */
	VM_AUDIO_ALSA, /* the default device of whoever runs QEMU */
};

/* What QEMU may not do any more once it has started (seccomp). */
enum vm_sandbox {
	VM_SANDBOX_NONE,
	VM_SANDBOX_USUAL, /* but start programs: what it is told to may need some */
	VM_SANDBOX_FULL,
};

/* A controller has that many ports (QEMU's hw/usb/hcd-xhci.h, XHCI_MAXPORTS_2), one of
 * which is the tablet's. */
enum { VM_USB_MAX = 14 };

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
	const char *bridge; /* of VM_NETWORK_BRIDGE */
	const char *tap;    /* of both: the interface's name */
	int tap_fd;	    /* by which QEMU has it; 0: by its name */
	const char *mac;    /* the guest's; NULL: QEMU's usual one */
	enum vm_audio audio;
	const char *audio_server;  /* of VM_AUDIO_PA: its socket */
	const struct vm_line *tpm; /* at which swtpm is (vm/tpm.h); NULL: no TPM */

	const struct vm_usb *usb; /* devices of the host's USB, VM_USB_MAX at most */
	size_t n_usb;
	const int *usb_fds; /* at which QEMU has them open; NULL: it finds them itself */

	const struct vm_slice *slices; /* mediated devices (vm/guest.h) */
	size_t n_slices;

	/* Where its processors, as many as cpus, and its memory are; NULL: anywhere. */
	const struct vm_tuning *tuning;
	bool binds_memory;     /* to the node of these */
	unsigned int page_kib; /* its memory is of huge pages; 0: it is not */
	int pins_fd;	       /* at which QEMU tells its threads; 0: nobody asks */

	const char *monitor; /* a socket that speaks QMP; NULL: none */
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
 * The guest's processors are threads of QEMU's, to which their places are given from
 * outside: its own filter does not let it. QEMU tells which they are by QMP.
 */
struct vm_pins {
	const struct vm_tuning *tuning;
	int ours, its; /* ends of the line, -1 when closed; its: QEMU's, pins_fd */
};

/* For vm_pins_close(). Returns 0 or -errno. */
int vm_pins_open(const struct vm_tuning *tuning, struct vm_pins *ret_pins,
		 struct error *err);
void vm_pins_close(struct vm_pins *pins); /* takes a zeroed one */

/*
 * Waits for QEMU to tell its threads, and gives each its place. Returns 0, also where
 * QEMU has ended or one of these signals, which are blocked, has come meanwhile; or
 * -errno.
 */
int vm_pin(const struct vm_pins *pins, pid_t qemu, const sigset_t *until,
	   struct error *err);

/*
 * A line of QMP: 1 and the threads, by the processor's number, where it is the answer to
 * query-cpus-fast (docs/interop/qemu-qmp-ref, CpuInfoFast); 0: it is something else;
 * -EBADMSG: it is none, or not of that many processors.
 */
int vm_threads_parse(const char *text, size_t len, pid_t *ret_threads, size_t count);

/*
 * Runs the program and waits for its end. SIGINT, SIGTERM and SIGHUP, which the caller
 * has blocked, are passed on to it as SIGTERM, so that the caller lives to clean up.
 * Its threads get their places first, pins NULL: they have none; where that fails it is
 * ended. Returns 0 and sets *ret_status to its exit status (128 + number for a signal),
 * or -errno.
 */
int vm_run(const struct launch *launch, struct vm_pins *pins, int *ret_status,
	   struct error *err);

#endif
