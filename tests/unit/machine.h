/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_TESTS_MACHINE_H
#define PCIFERRY_TESTS_MACHINE_H

/*
 * A machine with memory, an IOMMU and an NVMe controller that is open through VFIO, made
 * behind the transport: what a real one has only when something is broken in it. Its
 * memory is that of the process which asks where it is; the controller knows Identify.
 * Any other memory that DMA would hit fails the test.
 */
#include "tree.h"

#include <stdbool.h>

#include "pci/device.h"
#include "vfio/dma_test.h"

enum { MACHINE_MAPPINGS = 16, MACHINE_AREAS = 32 };

struct machine {
	struct host *host;
	struct pci_device device;
	struct vfio_transport transport;
	struct vfio_session session;
	struct vfio_device described;
	struct vfio_region regions[9];
	struct vfio_irq irqs[5];
	struct vfio_iommu iommu;
	struct vfio_range range;

	/* What is wrong with it; all false: nothing. */
	bool passes_through; /* the IOMMU translates nothing */
	bool forgets_unmap;  /* what was mapped stays so for the device */
	bool says_nothing;   /* no fault reaches the kernel's log */
	bool hides_frames;   /* the kernel does not tell where memory is */
	bool never_ready, fails, gone;
	bool has_large_pages; /* and no small ones: CAP.MPSMIN */
	bool writes_nothing, sends_nothing;
	bool never_stops;    /* by CC.EN */
	bool keeps_master;   /* bus mastering cannot be turned off */
	bool cannot_listen;  /* its interrupt can have no event */
	bool writes_late;    /* what it writes is there only as it is stopped */
	bool faults_early;   /* at the target, before it is taken away, and never again */
	bool faults_reading; /* the kernel's lines are of reads */
	bool sends_early;    /* an event comes as it is enabled */
	bool is_moved_by_pinning; /* its memory, and each other page as it was told */
	bool is_moved_late;	  /* while the device is at work */
	bool refuses_command;	  /* what is written to its configuration space fails */
	bool hears_another;	  /* a frame of the network's comes instead of its own */
	const char *requester;	  /* in the kernel's lines: "03:00.0" */

	/* What it is like. */
	const struct tree *tree;
	struct {
		uint8_t *memory;
		uint64_t address, len;
	} mappings[MACHINE_MAPPINGS], areas[MACHINE_AREAS];
	size_t n_mappings, n_areas;
	uint64_t memory;	    /* the lowest address of it */
	uint32_t registers[0x1800]; /* the first 24 KiB of BAR 0 */
	uint8_t buffer[4096];	    /* of edu */
	bool shut_down;		    /* NVMe was told that it is to be disabled */
	uint16_t command;
	unsigned int head;
	int event, touched;	/* of MSI-X; writes to registers */
	unsigned int unread_ms; /* so long its registers are not to be read */
	long long now_ms;	/* its clock, which only a pause moves */
	uint8_t *late;
	unsigned int n_live; /* mappings that were taken away while it was a master */
	bool is_closed;
};

void machine_make(struct machine *machine, const struct tree *tree);
void machine_free(struct machine *machine);

/* With another device in the controller's place. */
void machine_make_edu(struct machine *machine);
void machine_make_82574(struct machine *machine);

/* Left enabled by whoever had it before, and told of memory that is not the test's. */
void machine_leave_enabled(struct machine *machine);

/* Runs the test on it. */
int machine_test(struct machine *machine, struct vfio_dma_test *ret_test,
		 struct error *err);

/* Nothing of the test is left: that is asserted. */
void machine_is_quiet(const struct machine *machine);

#endif
