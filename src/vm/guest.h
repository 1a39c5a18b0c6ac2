/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_GUEST_H
#define PCIFERRY_VM_GUEST_H

/* What a guest is to be, before it is told to libvirt. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "host/host.h"
#include "pci/device.h"
#include "vm/firmware.h"

struct error;
struct vm_tuning;

/* A function of this host, and where the guest finds it. */
struct vm_function {
	struct pci_address host;

	/* Set by vm_place_functions() or vm_definition_place(). */
	unsigned int port;     /* a root port, from 1, and the bus behind it */
	unsigned int function; /* in slot 0 of that bus */
	bool multifunction;    /* it is function 0 of several */
	bool unplaced;	       /* libvirt finds it a place; none of these count */

	/* On its driver, which hands it to guests itself: NVIDIA's vGPU without mediated
	 * devices (docs/design/mdev.md). */
	bool stays;

	bool boots; /* the guest's firmware may start a system from it: a disk */

	const char *rom; /* instead of the device's own option ROM; NULL: its own */

	/* Of a virtual function of a network card: set by its physical function before
	 * the guest has it. Both may be left out. */
	const char *mac;   /* NULL: none, and none of what stands below */
	unsigned int vlan; /* 0: none */
};

/*
 * Gives each function, sorted by address, its place. Functions of one slot of the host
 * share one slot of the guest, and keep their numbers, unless function 0 is not among
 * them: then the lowest becomes it, since a slot without a function 0 is not found
 * (PCIe 6.0, 7.5.1.1.9). Root ports count from 1.
 */
void vm_place_functions(struct vm_function *functions, size_t count);

/*
 * For a definition that is there and not known, which may have these places taken: leaves
 * to libvirt where each placed function goes that shares its slot with no other.
 */
void vm_unplace_single_functions(struct vm_function *functions, size_t count);

/*
 * How much address space above 4 GiB the guest's firmware must give to these, placed: of
 * each port the 64-bit ranges that may be prefetched, and what aligning them costs, as a
 * bridge has one window for them (PCIe 6.0, 7.5.1.3.9). Bytes, a power of two. What the
 * host itself had no room for counts for nothing. FACT_UNREADABLE: of one it is not
 * known.
 */
enum fact vm_measure_window(const struct host *host, const struct pci_devices *devices,
			    const struct vm_function *functions, size_t count,
			    uint64_t *ret_bytes);

/* What firmware gives unasked: QEMU's default for q35 (hw/pci-host/q35.c,
 * Q35_PCI_HOST_HOLE64_SIZE_DEFAULT), and that of OVMF (PcdPciMmio64Size). */
#define VM_USUAL_WINDOW (32ULL << 30)

struct vm_disk {
	const char *path;
	uint64_t size; /* in bytes, of one that is to be made; 0: it is there */
	bool is_block; /* a device node of the host */
	bool is_qcow2; /* else raw: never guessed from what a guest can write */
	bool is_cdrom;
};

/* Of a port, "1-4.2": a bus, and seven numbers of up to three digits at most. */
enum { VM_USB_PORT_SIZE = 48 };

/* A device of the host's USB. */
struct vm_usb {
	unsigned int vendor, product;
	unsigned int bus, device; /* its numbers until it is plugged in again */
	char port[VM_USB_PORT_SIZE];
	bool is_any; /* it was named by its IDs: any one like it will do */
};

/* Whose events QEMU reads, while it has them for itself (QEMU's input-linux). */
struct vm_input {
	const char *path;
	bool is_keyboard; /* both Ctrl keys together give all inputs to the other side */
};

/* A folder of the host's, which the guest mounts by its tag (virtiofs). */
struct vm_share {
	const char *path;
	const char *tag;
};

/* A mediated device of this host: docs/design/mdev.md. */
struct vm_slice {
	char uuid[UUID_SIZE];
	bool shows; /* its picture is the guest's screen */
	/* GVT-g, whose drivers look for the card's OpRegion, and whose picture is in the
	 * card's memory: that takes OpenGL. */
	bool is_intels;
	const char *rom; /* an option ROM, since it has none; NULL: none */
};

enum vm_screen { VM_SCREEN_NONE, VM_SCREEN_VNC, VM_SCREEN_SPICE };

struct vm_guest {
	const char *name;
	bool has_kvm; /* else QEMU emulates the processor, slowly */
	unsigned int memory_mib;
	unsigned int cpus;

	/* Where they are on the host, as many as cpus; NULL: where it likes. */
	const struct vm_tuning *tuning;
	bool binds_memory;     /* to the node of these */
	unsigned int page_kib; /* its memory is of huge pages; 0: it is not */
	bool isolates;	       /* the host's tasks are kept off its cores, by the hook */

	const struct vm_firmware *firmware; /* NULL: the BIOS that QEMU brings */

	/* What the firmware starts; NULL: what is on a disk. */
	const char *kernel, *initrd, *append;

	const struct vm_disk *disks;
	size_t n_disks;

	const struct vm_usb *usb;
	size_t n_usb;
	const struct vm_input *inputs;
	size_t n_inputs;
	const struct vm_share *shares;
	size_t n_shares;
	const struct vm_slice *slices;
	size_t n_slices;

	/* In which Looking Glass leaves the picture for a program of the host's; 0: none.
	 */
	unsigned int picture_mib;

	const char *network; /* a network of libvirt's; NULL: none, or a bridge */
	const char *bridge;
	enum vm_screen screen;
	bool has_tpm;
	bool is_windows;     /* what QEMU can do for it: timers, Hyper-V's interfaces */
	bool hides;	     /* that it is a guest, from drivers that refuse one */
	const char *battery; /* a file, an ACPI table with a battery; NULL: none */

	const struct vm_function *functions; /* placed */
	size_t n_functions;
	uint64_t window; /* by vm_measure_window(); 0: not known */

	/* pciferry's hook hands the functions over, instead of libvirt itself. */
	bool hands_over;
};

/* The one whose picture is the guest's screen. NULL: it has a card of QEMU's, or none. */
const struct vm_slice *vm_shown_slice(const struct vm_slice *slices, size_t count);

/*
 * A domain's definition for libvirt, which the caller frees; or, for
 * vm_define_functions(), the elements for its functions alone. -ENOENT: no libxml2;
 * -EILSEQ: a text in it is not UTF-8; -ERANGE: a function in a domain that libvirt has no
 * number for.
 */
int vm_define(const struct vm_guest *guest, char **ret_xml, struct error *err);
int vm_define_functions(const struct vm_guest *guest, char **ret_xml, struct error *err);

#endif
