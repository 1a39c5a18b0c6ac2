/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * NVMe: the controller writes what it is, by Identify through an admin queue of our own.
 * No command goes to a namespace. NVM Express Base Specification 2.0c: 3.1.3 (registers),
 * 3.5.1 (initialization), 3.3.3 (queue entries), 5.17 (Identify).
 */
#include <endian.h>
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vfio/dma_kind.h"

/* 3.1.3: offsets of registers, and of the doorbells (NVMe over PCIe Transport 1.0, 3.1).
 */
enum {
	CAP_LOW = 0x00,
	CAP_HIGH = 0x04,
	CC = 0x14,
	CSTS = 0x1c,
	AQA = 0x24,
	ASQ_LOW = 0x28,
	ASQ_HIGH = 0x2c,
	ACQ_LOW = 0x30,
	ACQ_HIGH = 0x34,
	DOORBELLS = 0x1000,
};

/* 3.1.3.5 CC, 3.1.3.6 CSTS. */
enum {
	CC_EN = 1 << 0,
	CC_CSS_NVM = 0 << 4,
	CC_CSS_ALL = 6 << 4,
	CC_CSS_ADMIN_ONLY = 7 << 4,
	CC_SHN_NORMAL = 1 << 14,
	CC_SHN = 3 << 14,
	CC_IOSQES_64 = 6 << 16,
	CC_IOCQES_16 = 4 << 20,
	CSTS_RDY = 1 << 0,
	CSTS_CFS = 1 << 1,
	CSTS_SHST_DONE = 2 << 2,
	CSTS_SHST = 3 << 2,
};

enum {
	/*
	 * That some controllers are not to be read after CC.EN was cleared: those of
	 * Linux's NVME_QUIRK_DELAY_BEFORE_CHK_RDY, and not only those are like that.
	 */
	UNREAD_MS = 2300,
	DEPTH = 8,
	COMMAND_SIZE = 64,
	COMPLETION_SIZE = 16,
	IDENTIFY = 0x06,
	CNS_CONTROLLER = 0x01,
	COMMAND_MS = 5000,
	SHUTDOWN_MS = 5000,    /* as Linux's shutdown_timeout */
	TIMEOUT_UNIT_MS = 500, /* CAP.TO */
	IDENTIFY_SIZE = 4096,
	LAID_OUT = 0xa5,
};

static bool is_nvme(const struct pci_device *device)
{
	/* PCI Code and ID Assignment 1.9: NVM Express I/O controller. */
	return device->ids == FACT_KNOWN && device->class_code == 0x010802;
}

static int await_ready(const struct vfio_dma_run *run, bool ready, struct error *err)
{
	const struct vfio_dma_wait wait = {
		.offset = CSTS,
		.mask = CSTS_RDY,
		.wanted = ready ? CSTS_RDY : 0,
		.failed = ready ? CSTS_CFS : 0,
		/* One unit more: 0 is what some say. */
		.deadline_ms = ((run->cap_low >> 24) + 1) * TIMEOUT_UNIT_MS,
		.what = ready ? "the controller did not become ready (CSTS.RDY)"
			      : "the controller did not stop (CSTS.RDY)",
	};

	return vfio_dma_await(run, &wait, err);
}

static int program(struct vfio_dma_run *run, struct error *err)
{
	uint64_t asq = run->pages[0].address, acq = run->pages[1].address;
	const struct vfio_dma_value values[] = {
		{ AQA, (DEPTH - 1) << 16 | (DEPTH - 1) }, { ASQ_LOW, (uint32_t)asq },
		{ ASQ_HIGH, (uint32_t)(asq >> 32) },	  { ACQ_LOW, (uint32_t)acq },
		{ ACQ_HIGH, (uint32_t)(acq >> 32) },
	};

	return vfio_dma_set_all(run, values, ARRAY_SIZE(values), err);
}

/* 3.1.3.5: EN is to be cleared when RDY is set; who enabled it has waited for that. */
static int disable(const struct vfio_dma_run *run, struct error *err)
{
	const struct vfio_transport *transport = run->request->session->transport;
	uint32_t control = 0;
	int r = vfio_dma_get(run, CC, &control, err);

	if (r == 0 && control & CC_EN) {
		r = vfio_dma_set(run, CC, control & ~(uint32_t)(CC_EN | CC_SHN), err);
		if (r == 0)
			transport->pause(transport, UNREAD_MS);
	}
	return r < 0 ? r : await_ready(run, false, err);
}

/* CAP.CSS, in bits 44:37. Linux takes what says nothing of it for NVM, too. */
static uint32_t choose_css(uint32_t cap_high)
{
	if (cap_high >> 5 & 1)
		return CC_CSS_NVM;
	if (cap_high >> 11 & 1)
		return CC_CSS_ALL;
	return cap_high >> 12 & 1 ? CC_CSS_ADMIN_ONLY : CC_CSS_NVM;
}

/* A controller that is reset has no queues, and no memory of the host's (3.7.2). */
static int quiesce(struct vfio_dma_run *run, struct error *err)
{
	const char *name = run->request->session->device_name;
	uint32_t low = 0, high = 0, control = 0;
	int r = vfio_dma_get(run, CAP_LOW, &low, err);

	if (r == 0)
		r = vfio_dma_get(run, CAP_HIGH, &high, err);
	if (r < 0)
		return r;
	if (low == UINT32_MAX && high == UINT32_MAX)
		return error_set(err, ENODEV, name,
				 "the controller does not answer: CAP is all ones");
	/* CAP.MPSMIN, in bits 51:48: 2^(12 + n) bytes. */
	run->untestable = high >> 16 & 0xf;
	if (run->untestable)
		return error_set(err, EOPNOTSUPP, name,
				 "the controller has no pages of 4 KiB (CAP.MPSMIN)");
	run->doorbell_stride = 4ULL << (high & 0xf);
	run->css = choose_css(high);
	run->cap_low = low;
	/* It may have been left on its way to be ready. */
	r = vfio_dma_get(run, CC, &control, err);
	if (r == 0 && control & CC_EN)
		await_ready(run, true, NULL);
	return r < 0 ? r : disable(run, err);
}

static int enable(struct vfio_dma_run *run, struct error *err)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	int r = vfio_dma_set(run, CC, run->css | CC_IOSQES_64 | CC_IOCQES_16 | CC_EN,
			     err);

	if (r == 0)
		r = await_ready(run, true, err);
	if (r < 0 && host_exists(run->request->host,
				 pci_attribute_path(&run->request->device->address,
						    "physfn", path)))
		error_hint(err, "a virtual function's controller is to be set online by"
				" the physical one first: nvme virt-mgmt");
	return r;
}

static void lay_out(struct vfio_dma_run *run)
{
	memset(run->target.memory, LAID_OUT, run->page_size);
}

/* The entry of the completion queue, once its phase has turned. */
static int await_completion(struct vfio_dma_run *run, uint32_t *ret_status,
			    struct error *err)
{
	size_t slot = run->round % DEPTH;
	uint32_t phase = !(run->round / DEPTH & 1);
	uint32_t *last =
		(uint32_t *)(void *)(run->pages[1].memory + slot * COMPLETION_SIZE + 12);
	const struct vfio_session *session = run->request->session;
	long long end = vfio_dma_deadline(session, COMMAND_MS);

	for (;;) {
		uint32_t value = le32toh(__atomic_load_n(last, __ATOMIC_ACQUIRE));

		if ((value >> 16 & 1) == phase) {
			*ret_status = value >> 17 & 0x7ff;
			return 0;
		}
		if (!vfio_dma_pause(session, end))
			return error_set(err, ETIMEDOUT, session->device_name,
					 "Identify was not completed within %d s",
					 COMMAND_MS / 1000);
	}
}

static int write_target(struct vfio_dma_run *run, struct error *err)
{
	size_t slot = run->round % DEPTH;
	uint32_t next = (uint32_t)((slot + 1) % DEPTH), status = 0;
	uint8_t *command = run->pages[0].memory + slot * COMMAND_SIZE;
	uint32_t first = htole32(IDENTIFY | (uint32_t)(run->round + 1) << 16);
	uint64_t prp1 = htole64(run->target.address);
	uint32_t cdw10 = htole32(CNS_CONTROLLER);
	int r;

	memset(command, 0, COMMAND_SIZE);
	memcpy(command, &first, sizeof(first));
	memcpy(command + 24, &prp1, sizeof(prp1));
	memcpy(command + 40, &cdw10, sizeof(cdw10));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	r = vfio_dma_set(run, DOORBELLS, next, err);
	if (r == 0)
		r = await_completion(run, &status, err);
	run->round++;
	if (r == 0)
		r = vfio_dma_set(run, DOORBELLS + run->doorbell_stride, next, err);
	if (r == 0 && status)
		r = error_set(err, EIO, run->request->session->device_name,
			      "Identify: the controller says 0x%x (Status Code Type and"
			      " Status Code)",
			      status);
	return r;
}

/* What it says of itself is its own affair: that it said something is enough. */
static bool arrived(const struct vfio_dma_run *run)
{
	for (size_t i = 0; i < IDENTIFY_SIZE; i++)
		if (run->target.memory[i] != LAID_OUT)
			return true;
	return false;
}

/* Without a notice it counts a loss of power as unsafe (3.6.1). */
static void stop(struct vfio_dma_run *run)
{
	static const struct vfio_dma_wait wait = {
		.offset = CSTS,
		.mask = CSTS_SHST,
		.wanted = CSTS_SHST_DONE,
		.failed = CSTS_CFS,
		.deadline_ms = SHUTDOWN_MS,
		.what = "the controller did not shut down (CSTS.SHST)",
	};
	uint32_t control = 0;

	if (vfio_dma_get(run, CC, &control, NULL) == 0 && control & CC_EN &&
	    vfio_dma_set(run, CC, (control & ~(uint32_t)CC_SHN) | CC_SHN_NORMAL, NULL) ==
		    0)
		vfio_dma_await(run, &wait, NULL);
	disable(run, NULL);
}

const struct vfio_dma_kind vfio_dma_nvme = {
	.name = "nvme",
	.is_it = is_nvme,
	.last = UINT64_MAX,
	.n_pages = 2,
	.irqs = { VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX },
	.quiesce = quiesce,
	.program = program,
	.enable = enable,
	.lay_out = lay_out,
	.write = write_target,
	.arrived = arrived,
	.stop = stop,
};
