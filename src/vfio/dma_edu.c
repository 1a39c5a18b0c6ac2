/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU's device for education: its DMA engine has a buffer of 4 KiB, and reaches 28 bits.
 * docs/specs/edu.rst and hw/misc/edu.c of QEMU.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vfio/dma_kind.h"

enum {
	IDENTIFICATION = 0x00,
	INTERRUPT_STATUS = 0x24,
	INTERRUPT_ACKNOWLEDGE = 0x64,
	DMA_SOURCE = 0x80,
	DMA_DESTINATION = 0x88,
	DMA_COUNT = 0x90,
	DMA_COMMAND = 0x98,
	DMA_BUFFER = 0x40000,
};

enum {
	COMMAND_START = 1 << 0,
	COMMAND_TO_MEMORY = 1 << 1,
	COMMAND_INTERRUPT = 1 << 2,
	/* Of the buffer's 4096: QEMU 7.2 dies of a range that ends where it does. */
	MOVED_SIZE = 2048,
	DMA_MS = 5000, /* it takes 100 of the virtual machine's own */
};

static bool is_edu(const struct pci_device *device)
{
	return device->ids == FACT_KNOWN && device->vendor_id == 0x1234 &&
	       device->device_id == 0x11e8;
}

static void acknowledge(const struct vfio_dma_run *run)
{
	uint32_t status;

	if (vfio_dma_get(run, INTERRUPT_STATUS, &status, NULL) == 0 && status)
		vfio_dma_set(run, INTERRUPT_ACKNOWLEDGE, status, NULL);
}

static int await_end(const struct vfio_dma_run *run, struct error *err)
{
	static const struct vfio_dma_wait wait = {
		.offset = DMA_COMMAND,
		.mask = COMMAND_START,
		.deadline_ms = DMA_MS,
		.what = "its DMA engine did not come to an end",
	};

	return vfio_dma_await(run, &wait, err);
}

static int move(const struct vfio_dma_run *run, uint32_t from, uint32_t to,
		uint32_t command, struct error *err)
{
	const struct vfio_dma_value values[] = {
		{ DMA_SOURCE, from },
		{ DMA_DESTINATION, to },
		{ DMA_COUNT, MOVED_SIZE },
		{ DMA_COMMAND, command | COMMAND_START },
	};
	int r;

	acknowledge(run);
	r = vfio_dma_set_all(run, values, ARRAY_SIZE(values), err);
	return r < 0 ? r : await_end(run, err);
}

/* It forgets each transfer as it ends. */
static int quiesce(struct vfio_dma_run *run, struct error *err)
{
	uint32_t identification = 0;
	int r = vfio_dma_get(run, IDENTIFICATION, &identification, err);

	if (r == 0 && (identification & 0xff) != 0xed)
		return error_set(err, ENODEV, run->request->session->device_name,
				 "it identifies itself as 0x%08x, not as edu",
				 identification);
	return r < 0 ? r : await_end(run, err);
}

/* Each transfer has its own addresses. */
static int program(struct vfio_dma_run *run, struct error *err)
{
	(void)err;
	for (size_t i = 0; i < MOVED_SIZE; i++)
		run->pages[0].memory[i] = (uint8_t)(i * 7 + i / 256 + 1);
	return 0;
}

/* Fills its buffer with what it is to write. */
static int enable(struct vfio_dma_run *run, struct error *err)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return move(run, (uint32_t)run->pages[0].address, DMA_BUFFER, 0, err);
}

static void lay_out(struct vfio_dma_run *run)
{
	memset(run->target.memory, 0, run->page_size);
}

static int write_target(struct vfio_dma_run *run, struct error *err)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return move(run, DMA_BUFFER, (uint32_t)run->target.address,
		    COMMAND_TO_MEMORY | COMMAND_INTERRUPT, err);
}

static bool arrived(const struct vfio_dma_run *run)
{
	return !memcmp(run->target.memory, run->pages[0].memory, MOVED_SIZE);
}

static void stop(struct vfio_dma_run *run)
{
	await_end(run, NULL);
	acknowledge(run);
}

const struct vfio_dma_kind vfio_dma_edu = {
	.name = "edu",
	.is_it = is_edu,
	.last = (1 << 28) - 1,
	.n_pages = 1,
	.irqs = { VFIO_PCI_MSI_IRQ_INDEX },
	.quiesce = quiesce,
	.program = program,
	.enable = enable,
	.lay_out = lay_out,
	.write = write_target,
	.arrived = arrived,
	.stop = stop,
};
