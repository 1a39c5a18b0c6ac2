/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/dma_test.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "iommu/units.h"
#include "vfio/dma_kind.h"
#include "vfio/dma_log.h"
#include "vfio/irq.h"

enum {
	ARRIVAL_MS =
		2000,	 /* of what a device has said that it wrote, and its interrupt */
	FAULT_MS = 3000, /* the kernel is told by an interrupt, too */
};

static const struct vfio_dma_kind *const kinds[] = {
	&vfio_dma_nvme,
	&vfio_dma_edu,
	&vfio_dma_82574,
};

const char *vfio_dma_verdict_name(enum vfio_dma_verdict verdict)
{
	static const char *const names[] = {
		[VFIO_DMA_NOT_ASKED] = "not_asked",
		[VFIO_DMA_ISOLATED] = "isolated",
		[VFIO_DMA_NOT_PROVEN] = "not_proven",
		[VFIO_DMA_NOT_ISOLATED] = "not_isolated",
		[VFIO_DMA_FAILED] = "failed",
	};

	return names[verdict];
}

static const struct vfio_dma_kind *find_kind(const struct pci_device *device)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i]->is_it(device))
			return kinds[i];
	return NULL;
}

int vfio_dma_can_test(const struct pci_device *device, struct error *err)
{
	char address[PCI_ADDRESS_SIZE];

	if (find_kind(device))
		return 0;
	error_set(err, EOPNOTSUPP, pci_address_format(&device->address, address),
		  "there is no DMA test for such a device");
	error_hint(err, "there is one for NVMe, Intel's 82574 (e1000e) and QEMU's edu");
	return -EOPNOTSUPP;
}

/* Whether the device may write; read back, after which it does not any more if not. */
static int set_master(const struct vfio_dma_run *run, bool on, struct error *err)
{
	const struct vfio_session *session = run->request->session;
	const struct vfio_region *config =
		vfio_region(run->request->described, VFIO_PCI_CONFIG_REGION_INDEX);
	uint8_t bytes[2];
	int r;

	if (!config)
		return error_set(err, ENODEV, session->device_name,
				 "VFIO shows no configuration space of it");
	r = vfio_region_read(session, config, PCI_COMMAND, bytes, sizeof(bytes), err);
	if (r < 0)
		return r;
	bytes[0] &= (uint8_t)~PCI_COMMAND_MASTER;
	bytes[0] |= PCI_COMMAND_MEMORY | (on ? PCI_COMMAND_MASTER : 0);
	r = vfio_region_write(session, config, PCI_COMMAND, bytes, sizeof(bytes), err);
	if (r == 0)
		r = vfio_region_read(session, config, PCI_COMMAND, bytes, sizeof(bytes),
				     err);
	if (r == 0 && !(bytes[0] & PCI_COMMAND_MASTER) == on)
		r = error_set(err, EIO, session->device_name,
			      "its bus mastering cannot be turned %s", on ? "on" : "off");
	return r;
}

static int map(const struct vfio_dma_run *run, const struct vfio_dma_page *page,
	       unsigned int access, struct error *err)
{
	return vfio_dma_map(run->request->session, page->memory, run->page_size,
			    page->address, access, err);
}

/* The preferred one of those that it has. Without any, it is tested without. */
static int listen(struct vfio_dma_run *run, struct vfio_dma_test *test, struct error *err)
{
	const struct vfio_device *device = run->request->described;

	for (size_t i = 0; i < VFIO_DMA_IRQS; i++) {
		unsigned int index = run->kind->irqs[i];

		if (index >= device->n_irqs || !device->irqs[index].count ||
		    !device->irqs[index].eventfd)
			continue;
		run->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (run->event < 0)
			return error_set(err, errno, run->request->session->device_name,
					 "eventfd: %s", strerror(errno));
		run->irq = test->irq = index;
		test->has_interrupt = true;
		return vfio_irq_listen(run->request->session, index, &run->event, 1, err);
	}
	return 0;
}

static bool has_arrived(const struct vfio_dma_run *run)
{
	const struct vfio_session *session = run->request->session;
	long long end = vfio_dma_deadline(session, ARRIVAL_MS);

	while (!run->kind->arrived(run))
		if (!vfio_dma_pause(session, end))
			return false;
	return true;
}

static bool has_interrupted(const struct vfio_dma_run *run)
{
	const struct vfio_session *session = run->request->session;
	long long end = vfio_dma_deadline(session, ARRIVAL_MS);

	while (vfio_irq_wait(run->event, 0, NULL) < 0)
		if (!vfio_dma_pause(session, end))
			return false;
	return true;
}

/* What came before the device was told to write is no interrupt of that. */
static void forget_interrupts(const struct vfio_dma_run *run)
{
	const struct vfio_device *device = run->request->described;
	uint64_t count;

	if (run->event >= 0 && read(run->event, &count, sizeof(count)) > 0 &&
	    device->irqs[run->irq].automasked)
		vfio_irq_unmask(run->request->session, run->irq, NULL);
}

/* What it is given is where it is without an IOMMU: so nothing else can be hit. */
static int reach(struct vfio_dma_run *run, struct vfio_dma_test *test, struct error *err)
{
	const char *name = run->request->session->device_name;
	int r = run->kind->enable(run, err);

	if (r < 0)
		return r;
	run->kind->lay_out(run);
	forget_interrupts(run);
	r = run->kind->write(run, err);
	if (r < 0)
		return r;
	test->reached = has_arrived(run);
	run->untestable = !test->reached && run->kind->hears_others;
	if (!test->reached)
		return error_set(err, EIO, name,
				 "it says that it wrote, and nothing came to the memory"
				 " that it was given");
	if (test->has_interrupt)
		test->interrupted = has_interrupted(run);
	return 0;
}

static void *copy(const void *bytes, size_t len)
{
	void *own = malloc(len);

	return own ? memcpy(own, bytes, len) : NULL;
}

/* The same once more, where the memory is no longer given to it. */
static int aim(struct vfio_dma_run *run, struct vfio_dma_log *log, void **ret_before,
	       struct vfio_dma_test *test, struct error *err)
{
	const struct vfio_dma_page *target = &run->target;
	int r = vfio_dma_unmap(run->request->session, target->address, run->page_size,
			       err);

	run->untestable = r < 0;
	if (r < 0)
		return r;
	run->kind->lay_out(run);
	*ret_before = copy(target->memory, run->page_size);
	run->untestable = !*ret_before;
	if (!*ret_before)
		return error_oom(err);
	vfio_dma_log_forget(log, run->page_size);
	test->aimed = true;
	test->outside = target->address;
	/* What a device makes of being refused is its own: a write gets no answer. */
	run->kind->write(run, NULL);
	run->untestable = false;
	vfio_dma_log_await(log, run->page_size, FAULT_MS, test);
	return 0;
}

/* What the device may have written is looked for where the memory was. */
static int look_whether_it_stayed(struct vfio_dma_run *run, struct error *err)
{
	const struct vfio_session *session = run->request->session;
	uint64_t address = 0;
	int r = session->transport->locate(session->transport, run->target.memory, 1,
					   &address);

	if (r == 0 && address == run->target.address)
		return 0;
	run->untestable = true;
	return error_set(err, EAGAIN, session->device_name,
			 "the kernel moved the memory during the test; try again");
}

static int judge(const struct vfio_dma_run *run, struct vfio_dma_test *test,
		 struct error *err)
{
	const char *name = run->request->session->device_name;
	unsigned long long outside = test->outside;

	if (!test->unchanged) {
		test->verdict = VFIO_DMA_NOT_ISOLATED;
		test->reason[0] = '\0';
		error_set(err, EFAULT, name,
			  "its DMA is not held back: it wrote where it may not");
		error_evidence(err,
			       "memory at 0x%llx, which it had been given no longer,"
			       " was changed by it",
			       outside);
		error_hint(err, "give it to no guest; pciferry check names what is wrong"
				" with an IOMMU");
		return -EFAULT;
	}
	if (test->has_interrupt && !test->interrupted) {
		test->verdict = VFIO_DMA_FAILED;
		return error_set(err, ETIMEDOUT, name,
				 "its interrupt (%s) did not come within %d s",
				 vfio_irq_name(test->irq), ARRIVAL_MS / 1000);
	}
	test->verdict = test->reason[0] ? VFIO_DMA_NOT_PROVEN : VFIO_DMA_ISOLATED;
	return 0;
}

static void tell_it_was_not_reset(struct vfio_dma_run *run, struct error *err)
{
	char said[128];

	run->untestable = true;
	if (!err)
		return;
	snprintf(said, sizeof(said), "%s", err->message);
	error_set(err, ETIMEDOUT, run->request->session->device_name,
		  "the kernel could not reset it as it was opened, and it cannot be made"
		  " quiet, so that it would write where it was told to before: %s",
		  said);
}

/*
 * While it cannot write. Only then nothing is left in it of what it was told by whoever
 * had it before: the kernel opens a device that it cannot reset as it was left
 * (vfio_pci_core_enable()).
 */
static int prepare(struct vfio_dma_run *run, struct error *err)
{
	int r = set_master(run, false, err);

	if (r == 0)
		r = run->kind->quiesce(run, err);
	if (r == -ETIMEDOUT && !run->request->described->can_reset)
		tell_it_was_not_reset(run, err);
	return r < 0 ? r : run->kind->program(run, err);
}

/* What it was given, and what it was not; then it is stopped, and only then judged. */
static int perform(struct vfio_dma_run *run, struct vfio_dma_log *log,
		   struct vfio_dma_test *test, struct error *err)
{
	_cleanup_free_ void *before = NULL;
	int r, stopped;

	run->at_work = true;
	r = prepare(run, err);
	if (r < 0)
		return r;
	r = set_master(run, true, err);
	if (r == 0)
		r = reach(run, test, err);
	if (r == 0)
		r = aim(run, log, &before, test, err);
	run->kind->stop(run);
	stopped = set_master(run, false, r == 0 ? err : NULL);
	if (r < 0)
		return r;
	test->unchanged = !memcmp(before, run->target.memory, run->page_size);
	if (test->unchanged)
		r = stopped < 0 ? stopped : look_whether_it_stayed(run, err);
	return r < 0 ? r : judge(run, test, err);
}

static int with_interrupt(struct vfio_dma_run *run, struct vfio_dma_log *log,
			  struct vfio_dma_test *test, struct error *err)
{
	int r = listen(run, test, err);

	if (r == 0)
		r = perform(run, log, test, err);
	if (run->event >= 0) {
		vfio_irq_end(run->request->session, run->irq, NULL);
		close(run->event);
	}
	return r;
}

static int with_pages(struct vfio_dma_run *run, const struct vfio_dma_pages *pages,
		      struct vfio_dma_log *log, struct vfio_dma_test *test,
		      struct error *err)
{
	size_t mapped = 0;
	int r = 0;

	run->page_size = pages->page_size;
	run->target = pages->items[0];
	memcpy(run->pages, pages->items + 1, sizeof(run->pages));
	while (r == 0 && mapped < pages->count) {
		memset(pages->items[mapped].memory, 0, run->page_size);
		r = map(run, &pages->items[mapped], VFIO_DMA_READ | VFIO_DMA_WRITE, err);
		mapped += r == 0;
	}
	log->target = run->target.address;
	if (r == 0)
		r = with_interrupt(run, log, test, err);
	return r;
}

/* A device that is as it should be, and with which the test cannot be made. */
static int give_up(struct vfio_dma_test *test, struct error *err)
{
	test->verdict = VFIO_DMA_NOT_PROVEN;
	snprintf(test->reason, sizeof(test->reason), "%s",
		 err ? err->message : "the device does not do what the test wants");
	error_clear(err);
	return 0;
}

/* Without that there is nothing to prove, and no fault is made for nothing. */
static bool understands_log(const struct vfio_dma_request *request,
			    struct vfio_dma_test *test)
{
	char name[32];

	if (iommu_unit_name(request->host, request->device, name, sizeof(name)) !=
		    FACT_KNOWN ||
	    !strncmp(name, "dmar", strlen("dmar")) ||
	    !strncmp(name, "ivhd", strlen("ivhd")))
		return true;
	snprintf(test->reason, sizeof(test->reason),
		 "its IOMMU is %s, and what the kernel says of such a one's faults is not"
		 " understood here",
		 name);
	return false;
}

int vfio_dma_test(const struct vfio_dma_request *request, struct vfio_dma_test *ret_test,
		  struct error *err)
{
	struct vfio_dma_run run = {
		.request = request,
		.kind = find_kind(request->device),
		.registers = vfio_region(request->described, VFIO_PCI_BAR0_REGION_INDEX),
		.event = -1,
	};
	_cleanup_(vfio_dma_pages_free) struct vfio_dma_pages pages = { 0 };
	_cleanup_(vfio_dma_log_free) struct vfio_dma_log log = { .fd = -1 };
	struct vfio_dma_test *test = ret_test;
	int r;

	*test = (struct vfio_dma_test){ .verdict = VFIO_DMA_FAILED };
	r = vfio_dma_can_test(request->device, err);
	if (r < 0)
		return r;
	if (!run.registers)
		return error_set(err, ENODEV, request->session->device_name,
				 "its registers (BAR 0) are not to be had");
	test->kind = run.kind->name;
	if (!vfio_dma_memory_is_plain(request->host, test->reason,
				      sizeof(test->reason))) {
		test->verdict = VFIO_DMA_NOT_PROVEN;
		return 0;
	}
	if (!understands_log(request, test)) {
		test->verdict = VFIO_DMA_NOT_PROVEN;
		return 0;
	}
	r = vfio_dma_pages_take(request, run.kind->last, run.kind->n_pages + 1, &pages,
				test->reason, sizeof(test->reason), err);
	if (r == 0)
		test->verdict = VFIO_DMA_NOT_PROVEN;
	if (r <= 0)
		return r;
	vfio_dma_log_begin(request, &log, test);
	r = with_pages(&run, &pages, &log, test, err);
	/* First the kernel ends what the device does, then its memory is given back. */
	vfio_close(request->session);
	if (r < 0 && (run.untestable || !run.at_work))
		return give_up(test, err);
	if (r < 0 && !test->reached)
		vfio_dma_log_add_evidence(&log, run.page_size, err);
	return r;
}
