/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Intel 82574 (driver e1000e): it sends itself one frame, by the loopback of its MAC, and
 * writes it to a receive buffer. Intel 82574 GbE Controller Family datasheet, revision
 * 3.4: chapter 7 (legacy descriptors), chapter 10 (registers, by their names there).
 * Where nothing comes back, which is no fault of the card's, it cannot be tested.
 */
#include <endian.h>
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#include "base/cleanup.h"
#include "vfio/dma_kind.h"

/* Offsets of registers; those from BASE_LOW on are within a queue's. */
enum {
	CTRL = 0x0000,
	STATUS = 0x0008,
	ICR = 0x00c0,
	IMS = 0x00d0,
	IMC = 0x00d8,
	RCTL = 0x0100,
	TCTL = 0x0400,
	RECEIVE_QUEUE = 0x2800,
	TRANSMIT_QUEUE = 0x3800,
	TXDCTL = 0x3828,
	RAL = 0x5400,
	RAH = 0x5404,
	BASE_LOW = 0x00,
	BASE_HIGH = 0x04,
	LENGTH = 0x08,
	HEAD = 0x10,
	TAIL = 0x18,
};

enum {
	CTRL_FD = 1 << 0,
	CTRL_MASTER_DISABLE = 1 << 2,
	CTRL_SLU = 1 << 6,
	CTRL_SPEED_1000 = 2 << 8,
	CTRL_FRCSPD = 1 << 11,
	CTRL_FRCDPX = 1 << 12,
	CTRL_RST = 1 << 26,
	STATUS_MASTER_ENABLE = 1 << 19,
	RCTL_EN = 1 << 1,
	RCTL_LBM_MAC = 1 << 6,
	TCTL_EN = 1 << 1,
	TCTL_PSP = 1 << 3,
	TXDCTL_GRAN = 1 << 22,
	CAUSE_RXT0 = 1 << 7,
};

/* The page with rings and frame; a descriptor begins with the buffer's address. */
enum {
	DESCRIPTORS = 8,
	DESCRIPTOR_SIZE = 16,
	TRANSMIT_RING = 0,
	RECEIVE_RING = 1024,
	FRAME = 2048,
	FRAME_SIZE = 60,
	COMMAND_EOP = 1 << 24,
	COMMAND_IFCS = 1 << 25,
	MASTER_MS = 100,
	RESET_PAUSE_MS = 10,
	RESET_MS = 1000,
	FRAME_MS = 2000,
};

static bool is_82574(const struct pci_device *device)
{
	return device->ids == FACT_KNOWN && device->vendor_id == 0x8086 &&
	       device->device_id == 0x10d3;
}

static int reset(const struct vfio_dma_run *run, struct error *err)
{
	static const struct vfio_dma_wait wait = {
		.offset = CTRL,
		.mask = CTRL_RST,
		.deadline_ms = RESET_MS,
		.what = "it did not come out of its reset (CTRL.RST)",
	};
	static const struct vfio_dma_wait idle = {
		.offset = STATUS,
		.mask = STATUS_MASTER_ENABLE,
		.deadline_ms = MASTER_MS,
		.what = "it did not end its transfers (STATUS)",
	};
	const struct vfio_transport *transport = run->request->session->transport;
	uint32_t control = 0;
	int r = vfio_dma_set(run, IMC, UINT32_MAX, err);

	if (r == 0)
		r = vfio_dma_get(run, CTRL, &control, err);
	if (r == 0)
		r = vfio_dma_set(run, CTRL, control | CTRL_MASTER_DISABLE, err);
	/* A reset in the midst of a transfer may hang the bus; what goes on is reset all
	 * the same, as e1000e does it (e1000e_disable_pcie_master()). */
	if (r == 0)
		vfio_dma_await(run, &idle, NULL);
	if (r == 0)
		r = vfio_dma_set(run, CTRL, control | CTRL_RST, err);
	/* It must not be asked at once, and reads its EEPROM first. */
	transport->pause(transport, RESET_PAUSE_MS);
	if (r == 0)
		r = vfio_dma_await(run, &wait, err);
	return r < 0 ? r : vfio_dma_set(run, IMC, UINT32_MAX, err);
}

static void describe(const struct vfio_dma_run *run, size_t ring, uint64_t address,
		     uint32_t command)
{
	address = htole64(address);
	command = htole32(command);
	for (size_t i = 0; i < DESCRIPTORS; i++) {
		uint8_t *one = run->pages[0].memory + ring + i * DESCRIPTOR_SIZE;

		memcpy(one, &address, sizeof(address));
		memcpy(one + 8, &command, sizeof(command));
	}
}

static int set_up_queue(const struct vfio_dma_run *run, uint64_t queue, size_t ring,
			struct error *err)
{
	uint64_t address = run->pages[0].address + ring;
	const struct vfio_dma_value values[] = {
		{ queue + BASE_LOW, (uint32_t)address },
		{ queue + BASE_HIGH, (uint32_t)(address >> 32) },
		{ queue + LENGTH, DESCRIPTORS * DESCRIPTOR_SIZE },
		{ queue + HEAD, 0 },
		{ queue + TAIL, 0 },
	};

	return vfio_dma_set_all(run, values, ARRAY_SIZE(values), err);
}

/* To itself, of the type for experiments (IEEE 802-2014, 9.2.4). */
static int make_frame(const struct vfio_dma_run *run, struct error *err)
{
	uint8_t *frame = run->pages[0].memory + FRAME;
	uint32_t low = 0, high = 0;
	int r = vfio_dma_get(run, RAL, &low, err);

	if (r == 0)
		r = vfio_dma_get(run, RAH, &high, err);
	for (size_t i = 0; i < FRAME_SIZE; i++)
		frame[i] = (uint8_t)(i + 0x40);
	for (size_t i = 0; i < 6; i++)
		frame[i] = frame[i + 6] =
			(uint8_t)(i < 4 ? low >> 8 * i : high >> 8 * (i - 4));
	frame[12] = 0x88;
	frame[13] = 0xb5;
	return r;
}

static int is_off(const struct vfio_dma_run *run, uint64_t offset, uint32_t enabled,
		  struct error *err)
{
	const struct vfio_dma_wait wait = {
		.offset = offset,
		.mask = enabled,
		.deadline_ms = RESET_MS,
		.what = "it went on sending or receiving after its reset",
	};

	return vfio_dma_await(run, &wait, err);
}

static int quiesce(struct vfio_dma_run *run, struct error *err)
{
	static const struct vfio_dma_value off[] = { { RCTL, 0 }, { TCTL, 0 } };
	int r = vfio_dma_set_all(run, off, ARRAY_SIZE(off), err);

	if (r == 0)
		r = reset(run, err);
	if (r == 0)
		r = is_off(run, RCTL, RCTL_EN, err);
	return r < 0 ? r : is_off(run, TCTL, TCTL_EN, err);
}

static int program(struct vfio_dma_run *run, struct error *err)
{
	int r = make_frame(run, err);

	describe(run, TRANSMIT_RING, run->pages[0].address + FRAME,
		 COMMAND_EOP | COMMAND_IFCS | FRAME_SIZE);
	describe(run, RECEIVE_RING, run->target.address, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (r == 0)
		r = set_up_queue(run, RECEIVE_QUEUE, RECEIVE_RING, err);
	return r < 0 ? r : set_up_queue(run, TRANSMIT_QUEUE, TRANSMIT_RING, err);
}

static int enable(struct vfio_dma_run *run, struct error *err)
{
	static const struct vfio_dma_value last[] = {
		{ CTRL,
		  CTRL_FD | CTRL_SLU | CTRL_SPEED_1000 | CTRL_FRCSPD | CTRL_FRCDPX },
		{ TXDCTL, TXDCTL_GRAN },
		{ RCTL, RCTL_EN | RCTL_LBM_MAC },
		{ TCTL, TCTL_EN | TCTL_PSP },
		{ IMS, CAUSE_RXT0 },
	};

	return vfio_dma_set_all(run, last, ARRAY_SIZE(last), err);
}

static void lay_out(struct vfio_dma_run *run)
{
	memset(run->target.memory, 0, run->page_size);
}

static int write_target(struct vfio_dma_run *run, struct error *err)
{
	const struct vfio_dma_wait wait = {
		.offset = RECEIVE_QUEUE + HEAD,
		.mask = UINT32_MAX,
		.wanted = ++run->round,
		.deadline_ms = FRAME_MS,
		.what = "no frame came back by the loopback of its MAC",
	};
	int r;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	/* One buffer for each frame. */
	r = vfio_dma_set(run, RECEIVE_QUEUE + TAIL, run->round, err);
	if (r == 0)
		r = vfio_dma_set(run, TRANSMIT_QUEUE + TAIL, run->round, err);
	if (r == 0)
		r = vfio_dma_await(run, &wait, err);
	run->untestable = r == -ETIMEDOUT;
	return r;
}

static bool arrived(const struct vfio_dma_run *run)
{
	return !memcmp(run->target.memory, run->pages[0].memory + FRAME, FRAME_SIZE);
}

static void stop(struct vfio_dma_run *run)
{
	uint32_t causes;

	vfio_dma_set(run, RCTL, 0, NULL);
	vfio_dma_set(run, TCTL, 0, NULL);
	reset(run, NULL);
	/* Reading them acknowledges them. */
	vfio_dma_get(run, ICR, &causes, NULL);
}

const struct vfio_dma_kind vfio_dma_82574 = {
	.name = "82574",
	.is_it = is_82574,
	.last = UINT64_MAX,
	.n_pages = 1,
	.hears_others = true,
	.irqs = { VFIO_PCI_MSI_IRQ_INDEX },
	.quiesce = quiesce,
	.program = program,
	.enable = enable,
	.lay_out = lay_out,
	.write = write_target,
	.arrived = arrived,
	.stop = stop,
};
