/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/dma_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "host/kernellog.h"
#include "iommu/fault.h"
#include "vfio/dma_kind.h"

void vfio_dma_log_begin(const struct vfio_dma_request *request,
			struct vfio_dma_log *ret_log, struct vfio_dma_test *test)
{
	*ret_log = (struct vfio_dma_log){ .session = request->session, .fd = -1 };
	iommu_requesters_read(request->host, request->device, &ret_log->requesters);
	ret_log->error = -host_kernel_log_follow(request->host, &ret_log->fd);
	test->log_fact = !ret_log->error	    ? FACT_KNOWN
			 : ret_log->error == ENOENT ? FACT_ABSENT
						    : FACT_UNREADABLE;
}

/* Whether a requester is one of the device's: its index, or -1. VT-d tells no domain. */
static int find_requester(const struct vfio_dma_log *log, const struct iommu_fault *fault)
{
	for (size_t i = 0; i < log->requesters.count; i++) {
		struct pci_address own = log->requesters.items[i];

		if (!fault->has_domain)
			own.domain = 0;
		if (pci_address_compare(&own, &fault->requester) == 0)
			return (int)i;
	}
	return -1;
}

static void take_line(struct vfio_dma_log *log, const char *line, size_t len,
		      uint64_t page_size, struct vfio_dma_test *test)
{
	struct iommu_fault fault;
	int which;

	if (iommu_fault_parse(line, len, &fault) < 0)
		return;
	which = find_requester(log, &fault);
	/* The test writes there; what is read there is another's. */
	if (!fault.is_write || (fault.address & ~(page_size - 1)) != log->target) {
		/* A line that finds no memory is one line of evidence less. */
		if (which >= 0 && log->others.count < 4)
			string_list_addf(&log->others, "%.*s", (int)len, line);
		return;
	}
	if (which < 0) {
		snprintf(log->stranger, sizeof(log->stranger), "%.*s", (int)len, line);
		return;
	}
	if (test->fault[0])
		return;
	snprintf(test->fault, sizeof(test->fault), "%.*s", (int)len, line);
	test->requester = log->requesters.items[which];
	test->by_alias = which > 0;
}

static void look(struct vfio_dma_log *log, uint64_t page_size, struct vfio_dma_test *test)
{
	_cleanup_free_ char *text = NULL;
	size_t len, at = 0;
	bool lost;

	if (log->fd < 0 || host_kernel_log_next(log->fd, &text, &len, &lost) < 0)
		return;
	log->lost |= lost;
	while (at < len) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t n = newline ? (size_t)(newline - text) - at : len - at;

		take_line(log, text + at, n, page_size, test);
		at += n + 1;
	}
}

void vfio_dma_log_forget(struct vfio_dma_log *log, uint64_t page_size)
{
	struct vfio_dma_test seen = { 0 };

	look(log, page_size, &seen);
	log->stranger[0] = '\0';
	log->lost = false;
}

static void explain(const struct vfio_dma_log *log, struct vfio_dma_test *test)
{
	size_t size = sizeof(test->reason);

	if (log->fd < 0)
		snprintf(test->reason, size, "the kernel's log cannot be read: %s",
			 strerror(log->error));
	else if (log->stranger[0])
		snprintf(test->reason, size, "the fault names another requester: %s",
			 log->stranger);
	else if (log->lost)
		snprintf(test->reason, size,
			 "the kernel's log was written over before it was read");
	else
		snprintf(test->reason, size,
			 "no line of the kernel's log tells of it; after many faults it"
			 " tells of none for some seconds");
}

void vfio_dma_log_await(struct vfio_dma_log *log, uint64_t page_size,
			unsigned int deadline_ms, struct vfio_dma_test *test)
{
	long long end = vfio_dma_deadline(log->session, deadline_ms);

	/* Without a log, too: what was said to be written may be on its way. */
	do {
		look(log, page_size, test);
		if (test->fault[0])
			return;
	} while (vfio_dma_pause(log->session, end));
	explain(log, test);
}

void vfio_dma_log_add_evidence(struct vfio_dma_log *log, uint64_t page_size,
			       struct error *err)
{
	struct vfio_dma_test seen = { 0 };

	look(log, page_size, &seen);
	if (seen.fault[0])
		error_evidence(err, "%s", seen.fault);
	for (size_t i = 0; i < log->others.count; i++)
		error_evidence(err, "%s", log->others.items[i]);
}

void vfio_dma_log_free(struct vfio_dma_log *log)
{
	if (!log)
		return;
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
	string_list_free(&log->others);
}
