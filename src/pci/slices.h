/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PCI_SLICES_H
#define PCIFERRY_PCI_SLICES_H

/*
 * One device cut into several, of which each can go to a guest: docs/design/mdev.md.
 *
 * A parent is the device that is cut: mostly a PCI function, by its address, but any
 * device can be one ("mtty", "matrix"). What it can be cut into are its types.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "host/host.h"
#include "pci/address.h"

struct error;

enum pci_slice_kind {
	/* A mediated device, which has a UUID: drivers/vfio/mdev in Linux. */
	PCI_SLICE_MDEV,

	/* A virtual function that stays on NVIDIA's driver, which is told a type in
	 * nvidia/current_vgpu_type. */
	PCI_SLICE_VENDOR,

	/* A virtual function of a GPU that is one slice as it is (SR-IOV). */
	PCI_SLICE_FUNCTION,
};
const char *pci_slice_kind_name(enum pci_slice_kind kind);

/* The mediated devices, and their parents by their names: links to their folders. */
#define PCI_SLICE_BUS	  "sys/bus/mdev/devices"
#define PCI_SLICE_PARENTS "sys/class/mdev_bus"

/*
 * The type that NVIDIA's driver has given to a virtual function, 0: none. FACT_ABSENT: it
 * is none that gets one.
 */
enum fact pci_slice_vendor_type(const struct host *host,
				const struct pci_address *address, long long *ret_type);

/* Whether a virtual function would get that type now. Returns 0 or -ENOMEM. */
int pci_slice_vendor_offers(const struct host *host, const struct pci_address *function,
			    unsigned int number, bool *ret_offers);

/* A virtual function of this one that has no type, would get that one, and is not passed
 * over. -ENOENT: there is none. */
int pci_slice_vendor_find(const struct host *host, const struct pci_address *physical,
			  unsigned int number,
			  bool (*passes_over)(const struct pci_address *, void *argument),
			  void *argument, struct pci_address *ret_function);

struct pci_device;

/* Whether it is graphics of a generation that Linux's GVT-g is for. */
bool pci_slice_has_gvt(const struct pci_device *device);

/* What a slice has of its parent, as far as it is told. */
enum pci_slice_field {
	PCI_SLICE_MEMORY,	 /* MiB, the guest's own */
	PCI_SLICE_APERTURE,	 /* MiB, graphics memory that the CPU can see (GVT-g) */
	PCI_SLICE_HIDDEN,	 /* MiB, graphics memory that it cannot (GVT-g) */
	PCI_SLICE_FENCES,	 /* registers for tiled surfaces (GVT-g) */
	PCI_SLICE_WEIGHT,	 /* share of the time, to the others' */
	PCI_SLICE_WIDTH,	 /* pixels, of the largest picture */
	PCI_SLICE_HEIGHT,	 /* pixels */
	PCI_SLICE_HEADS,	 /* displays */
	PCI_SLICE_FRAMES,	 /* pictures a second, at most */
	PCI_SLICE_MAX_INSTANCES, /* of the type on one parent, when there is nothing else
				  */
	PCI_SLICE_FIELDS,
};

struct pci_slice_cost {
	unsigned int known; /* a bit for each field, 1 << PCI_SLICE_MEMORY */
	uint64_t values[PCI_SLICE_FIELDS];
};

/*
 * From a type's `description`: five lines "low_gm_size: 128MB" of GVT-g
 * (intel_vgpu_show_description() in drivers/gpu/drm/i915/gvt/kvmgt.c), one line
 * "num_heads=4, framebuffer=2048M" of NVIDIA (vGPU user guide), or "virtual display,
 * 640x480 framebuffer" of the sample mdpy. What is not understood is passed over.
 */
void pci_slice_cost_parse(const char *text, size_t len, struct pci_slice_cost *ret_cost);

/* From the name of one of NVIDIA's: "NVIDIA L40S-2Q" has 2 GiB. */
void pci_slice_cost_of_name(const char *name, struct pci_slice_cost *ret_cost);

/* What NVIDIA's driver offers a virtual function: nvidia/creatable_vgpu_types. */
struct pci_vendor_type {
	unsigned int number; /* means something on this card alone */
	char *name;
};

struct pci_vendor_types {
	struct pci_vendor_type *items; /* in their order */
	size_t count;
};

/*
 * Lines "1148  : NVIDIA L40S-2Q", beneath a heading; or with the number at the end. Those
 * that are otherwise are passed over. Returns 0 or -ENOMEM.
 */
int pci_vendor_types_parse(const char *text, size_t len,
			   struct pci_vendor_types *ret_types);
void pci_vendor_types_free(struct pci_vendor_types *types); /* takes NULL */

struct pci_slice_type {
	enum pci_slice_kind kind;
	char *parent; /* of functions the physical one's address */
	char *folder; /* the parent's, beneath the root, as it is written to */
	char *type;   /* "i915-GVTg_V5_4"; a vendor's number; "vf" */

	/* NULL: not told. */
	char *name;
	char *api;	   /* "vfio-pci" */
	char *description; /* as the driver tells it */

	/* How many more there can be, for one kind alone: as many fewer of others.
	 * FACT_ABSENT: nothing tells, free_functions is the most. */
	enum fact left_fact;
	long long left;

	size_t made; /* those that there are */

	/* Of a vendor's type: functions without a type to which it is offered. There can
	 * be fewer: how much memory is left nothing tells. Of virtual functions those
	 * that are not there; a driver may make none (sriov_numvfs_store() in
	 * drivers/pci/iov.c), nor more of them before all have gone. */
	size_t free_functions;
	struct pci_slice_cost cost;
};

/* Sorted by parent and type. */
struct pci_slice_types {
	struct pci_slice_type *items;
	size_t count;
};

/* What can be made on this host, and of what. Returns 0 or -errno. */
int pci_slice_types_read(const struct host *host, struct pci_slice_types *ret_types,
			 struct error *err);
void pci_slice_types_free(struct pci_slice_types *types); /* takes NULL */

struct pci_slice {
	enum pci_slice_kind kind;
	char *id;     /* UUID, or a function's address */
	char *parent; /* NULL: not told */
	char *type;   /* NULL: not told */

	/* Its removal has begun and waits for who holds it: it is on no bus any more. */
	bool is_leaving;

	enum fact group_fact; /* its group on VFIO: /dev/vfio/N */
	unsigned int group;
	struct string_list nodes; /* "/dev/vfio/N", "/dev/vfio/devices/vfioN" */
	bool has_unread_nodes;	  /* there may be more */
};

/* Mediated devices and virtual functions with a vendor's type, sorted by parent and id.
 */
struct pci_slices {
	struct pci_slice *items;
	size_t count;
};

int pci_slices_read(const struct host *host, struct pci_slices *ret_slices,
		    struct error *err);

/* The mediated devices alone, in no order. Returns 0 or -errno. */
int pci_slices_mediated(const struct host *host, struct pci_slices *ret_slices,
			struct error *err);
void pci_slices_free(struct pci_slices *slices); /* takes NULL */

/* NULL: there is none. */
const struct pci_slice *pci_slice_find(const struct pci_slices *slices, const char *id);

#endif
