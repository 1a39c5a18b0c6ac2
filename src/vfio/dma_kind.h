/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VFIO_DMA_KIND_H
#define PCIFERRY_VFIO_DMA_KIND_H

/*
 * A kind of device that can be made to do DMA: a file of its own, and a row in
 * dma_test.c. Only for vfio/ itself.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio/dma_test.h"

enum { VFIO_DMA_PAGES = 3, VFIO_DMA_IRQS = 3 };

/*
 * A page of this process, pinned, and where it is in the machine's memory. The device is
 * given it there, if at all: at the address at which it would find it without an IOMMU.
 */
struct vfio_dma_page {
	uint8_t *memory;
	uint64_t address;
};

struct vfio_dma_kind;

/* A test at work. */
struct vfio_dma_run {
	const struct vfio_dma_request *request;
	const struct vfio_dma_kind *kind;
	const struct vfio_region *registers; /* BAR 0 */
	struct vfio_dma_page target;
	struct vfio_dma_page pages[VFIO_DMA_PAGES]; /* those that the kind asked for */
	size_t page_size;
	unsigned int irq; /* index of its interrupts' type, */
	int event;	  /* and that of the first one; -1: it has none */

	/* What failed is not the device's doing: it is no worse for it. */
	bool untestable;
	bool at_work; /* the device was touched */

	unsigned int round;	  /* how many times it was told to write */
	uint64_t doorbell_stride; /* of NVMe, in bytes, */
	uint32_t cap_low, css;	  /* and what its CAP says */
};

struct vfio_dma_kind {
	const char *name;
	bool (*is_it)(const struct pci_device *device);
	uint64_t last;	   /* the highest address that it reaches */
	size_t n_pages;	   /* besides the target, mapped all the time; zeroed */
	bool hears_others; /* what it writes may be another's, and not what it was told */

	/* Types of interrupts, the preferred one first; the rest is INTx, index 0. */
	unsigned int irqs[VFIO_DMA_IRQS];

	/*
	 * The way to where it can do DMA; each returns 0 or -errno. While bus mastering
	 * is off: ends what it does, and makes it forget which memory it was told of by
	 * whoever had it before, and sees that this is so; then tells it of the pages.
	 */
	int (*quiesce)(struct vfio_dma_run *run, struct error *err);
	int (*program)(struct vfio_dma_run *run, struct error *err);

	/* Bus mastering is on. */
	int (*enable)(struct vfio_dma_run *run, struct error *err);

	/*
	 * Has it write to the target's address, and waits until it says that it is done.
	 * What the target is to hold before is laid out first. Returns 0 or -errno.
	 */
	void (*lay_out)(struct vfio_dma_run *run);
	int (*write)(struct vfio_dma_run *run, struct error *err);

	/* Whether the target holds what it was to write. */
	bool (*arrived)(const struct vfio_dma_run *run);

	/* Ends all that it does, also after failures. */
	void (*stop)(struct vfio_dma_run *run);
};

extern const struct vfio_dma_kind vfio_dma_nvme, vfio_dma_edu, vfio_dma_82574;

/* A register of 32 bits, at an offset in BAR 0. Each returns 0 or -errno. */
int vfio_dma_get(const struct vfio_dma_run *run, uint64_t offset, uint32_t *ret_value,
		 struct error *err);
int vfio_dma_set(const struct vfio_dma_run *run, uint64_t offset, uint32_t value,
		 struct error *err);

/* Several, one after the other, until one fails. */
struct vfio_dma_value {
	uint64_t offset;
	uint32_t value;
};
int vfio_dma_set_all(const struct vfio_dma_run *run, const struct vfio_dma_value *values,
		     size_t count, struct error *err);

/* What a register is waited for, and how long. */
struct vfio_dma_wait {
	uint64_t offset;
	uint32_t mask, wanted; /* these bits are to be so */
	uint32_t failed;       /* any of these: it will not happen any more */
	unsigned int deadline_ms;
	const char *what; /* did not happen: "the controller did not become ready" */
};

/*
 * Returns 0; -ETIMEDOUT; -EIO, it failed; -ENODEV, the register is all ones, which a
 * device reads as that is gone; or another -errno.
 */
int vfio_dma_await(const struct vfio_dma_run *run, const struct vfio_dma_wait *wait,
		   struct error *err);

/*
 * Until when something is waited for. Between two looks at it: whether that is still to
 * come; then a little time has passed.
 */
long long vfio_dma_deadline(const struct vfio_session *session, unsigned int ms);
bool vfio_dma_pause(const struct vfio_session *session, long long deadline);

/*
 * Whether memory is known to be what a device finds in it: not encrypted, on a machine
 * whose processor's cache devices see. False: for which reason.
 */
bool vfio_dma_memory_is_plain(const struct host *host, char *ret_reason, size_t size);

/* Pages of a test, and what they are taken from. Zero-initialised is none. */
enum { VFIO_DMA_AREAS = 32 };
struct vfio_dma_pages {
	const struct vfio_session *session;
	struct vfio_dma_page items[VFIO_DMA_PAGES + 1];
	size_t count, page_size;
	uint64_t pins; /* where they are mapped, one behind the other, to stay in place */
	void *areas[VFIO_DMA_AREAS];
	size_t n_areas, area_len;
	size_t spared; /* so many pages of memory stay free */
	bool hidden;   /* the kernel does not tell this user where they are */
};

/*
 * Takes so many pages that a device reaches, up to the address `last`. They are pinned by
 * being mapped at addresses that the device is never told, and which are none of theirs.
 * Returns 1; 0: there are none, for which reason; or -errno.
 */
int vfio_dma_pages_take(const struct vfio_dma_request *request, uint64_t last,
			size_t count, struct vfio_dma_pages *ret_pages, char *ret_reason,
			size_t reason_size, struct error *err);
void vfio_dma_pages_free(struct vfio_dma_pages *pages); /* takes NULL */

#endif
