/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/probe.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pci/config.h"
#include "vfio/internal.h"
#include "vfio/irq.h"

enum {
	LOOP_DEADLINE_MS = 1000,
	UNKNOWN_BUDGET = 64 << 20, /* where nothing tells how much memory is free */
};

/* The sizes of pages that the IOMMUs of x86 have. */
static const uint64_t pieces[VFIO_PACES] = { 1 << 12, 1 << 21, 1 << 30 };

/* What one way in is probed with. */
struct look {
	const struct vfio_probe_request *request;
	struct vfio_probe *probe;
	struct vfio_seen *seen;
	struct vfio_session *session;
};

/* Whether it can be opened at all; else what its user has to do first. */
static int look_at_driver(const struct vfio_probe_request *request, struct error *err)
{
	const struct pci_device *device = request->device;
	char address[PCI_ADDRESS_SIZE];

	pci_address_format(&device->address, address);
	if (!request->group) {
		error_set(err, ENODEV, address, "it is in no IOMMU group");
		error_hint(err, "pciferry check names what is missing");
		return -ENODEV;
	}
	if (iommu_member_stays(device))
		return error_set(err, EINVAL, address, "a bridge stays with the host");
	if (device->driver && iommu_is_vfio_driver(device->driver))
		return 0;
	if (device->driver_fact == FACT_UNREADABLE)
		return error_set(err, EACCES, address, "its driver could not be read");
	error_set(err, ENODEV, address, "%s has it, not VFIO",
		  device->driver ? device->driver : "no driver");
	error_hint(err,
		   "pciferry probe %s --bind binds its group for the time of the"
		   " probe, and gives it back",
		   address);
	return -ENODEV;
}

/* The name of its own node, where the kernel has such. */
static bool find_cdev(const struct vfio_probe_request *request, char *name, size_t size)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char path[PCI_ATTRIBUTE_PATH_SIZE], node[64];

	if (!host_exists(request->host, "dev/iommu") ||
	    host_list(request->host,
		      pci_attribute_path(&request->device->address, "vfio-dev", path),
		      &names) < 0 ||
	    !names.count)
		return false;
	snprintf(name, size, "%s", names.items[0]);
	snprintf(node, sizeof(node), "dev/vfio/devices/%s", name);
	return host_exists(request->host, node);
}

static int compare(const struct look *look, struct error *err)
{
	const struct vfio_probe_request *request = look->request;
	struct vfio_comparison *result = &look->probe->configuration;
	_cleanup_free_ char *own = NULL, *through = NULL;
	const struct vfio_region *region =
		vfio_region(&look->probe->device, VFIO_PCI_CONFIG_REGION_INDEX);
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	size_t own_len = 0;
	int r;

	if (!region || region->size < PCI_CONFIG_HEADER_SIZE ||
	    region->size > PCI_CONFIG_MAX)
		return vfio_failed(look->session->device_name,
				   "VFIO_DEVICE_GET_REGION_INFO", -EPROTO, err);
	through = calloc(1, region->size);
	if (!through)
		return error_oom(err);
	r = vfio_region_read(look->session, region, 0, through, region->size, err);
	if (r < 0)
		return r;
	/* While it is open here it is awake, so that reading wakes nothing. */
	if (host_read_file(request->host,
			   pci_attribute_path(&request->device->address, "config", path),
			   &own, &own_len) < 0)
		own_len = 0;
	if (vfio_compare(request->device, (const uint8_t *)through, region->size,
			 (const uint8_t *)own, own_len, result) < 0)
		return error_oom(err);
	if (!memcmp(through, "\xff\xff\xff\xff", 4))
		return error_set(
			err, EIO, look->session->device_name,
			"it does not answer: its configuration space is all ones");
	if (!result->wrong.count)
		return 0;
	error_set(err, EIO, look->session->device_name,
		  "VFIO shows another device than sysfs");
	for (size_t i = 0; i < result->wrong.count; i++)
		error_evidence(err, "%s", result->wrong.items[i]);
	return -EIO;
}

static int try_loop(const struct look *look, unsigned int index, enum vfio_loop *ret_loop,
		    struct error *err)
{
	_cleanup_close_ int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int r;

	*ret_loop = VFIO_LOOP_REFUSED;
	if (event < 0)
		return error_set(err, errno, look->session->device_name, "eventfd: %s",
				 strerror(errno));
	r = vfio_irq_listen(look->session, index, &event, 1, err);
	if (r < 0)
		return r;
	r = vfio_irq_pretend(look->session, index, 0, err);
	if (r == 0)
		*ret_loop = vfio_irq_wait(event, LOOP_DEADLINE_MS, NULL) == 0
				    ? VFIO_LOOP_CAME
				    : VFIO_LOOP_LOST;
	/* What was listened to is let go of whatever came of it. */
	if (vfio_irq_end(look->session, index, r == 0 ? err : NULL) < 0 && r == 0)
		r = -EIO;
	if (r == 0 && *ret_loop == VFIO_LOOP_LOST)
		r = error_set(err, ETIMEDOUT, look->session->device_name,
			      "%s: the event that was asked for did not come",
			      vfio_irq_name(index));
	return r;
}

/* Those of the device stop a guest; the others are of the host's own. */
static int try_loops(const struct look *look, struct error *err)
{
	const struct vfio_device *device = &look->probe->device;
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < device->n_irqs && i < VFIO_LOOPS; i++) {
		bool is_own = i <= VFIO_PCI_MSIX_IRQ_INDEX;

		if (!device->irqs[i].count || !device->irqs[i].eventfd)
			continue;
		r = try_loop(look, i, &look->probe->loops[i], is_own ? err : NULL);
		if (!is_own)
			r = 0;
	}
	return r;
}

/* Half of what is free, and no more than may be locked. */
static uint64_t choose_budget(const struct host *host, const struct vfio_limit *limit)
{
	uint64_t allowed = vfio_limit_bytes(limit), budget = UNKNOWN_BUDGET, free_kib;

	if (host_read_behind(host, "proc/meminfo", "\nMemAvailable:", 10, &free_kib) ==
	    FACT_KNOWN)
		budget = free_kib * 512;
	return budget < allowed ? budget : allowed;
}

/* One page is enough for a verdict; how fast more go is told as far as there is room. */
static int map(const struct look *look, struct error *err)
{
	uint64_t budget = choose_budget(look->request->host, &look->probe->limit);
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct vfio_pace one;
	int r;

	r = vfio_pace_measure(look->session, &look->seen->iommu, page,
			      budget < page ? budget : page, &one, err);
	if (r < 0)
		return r;
	if (!one.count) {
		error_set(err, ENOMEM, look->session->device_name,
			  "no page of memory may be locked for it");
		error_hint(err, "ulimit -l is how much memory may be locked; root may"
				" lock all");
		return -ENOMEM;
	}
	look->seen->mapped = true;
	for (size_t i = 0; i < VFIO_PACES; i++)
		vfio_pace_measure(look->session, &look->seen->iommu,
				  pieces[i] > page ? pieces[i] : page, budget,
				  &look->seen->paces[i], NULL);
	return 0;
}

/* May refuse, which is the caller's. */
static int reset(const struct look *look, struct error *failure, struct error *err)
{
	const struct vfio_probe_request *request = look->request;
	int r = request->may_reset(&look->seen->hot_reset, request->argument, err);

	if (r < 0)
		return r;
	if (vfio_reset(look->session, failure) < 0)
		return 0;
	look->probe->was_reset = true;
	return 0;
}

/* What each way has of its own. */
static int describe_way(const struct look *look, struct error *failure)
{
	struct vfio_seen *seen = look->seen;
	int r = vfio_iommu_describe(look->session, &seen->iommu, failure);

	if (r == 0)
		r = vfio_hot_reset_set(look->session, &seen->hot_reset, failure);
	return r;
}

static int test_dma(const struct look *look, struct error *err)
{
	const struct vfio_dma_request request = {
		.host = look->request->host,
		.device = look->request->device,
		.session = look->session,
		.described = &look->probe->device,
		.iommu = &look->seen->iommu,
	};

	return vfio_dma_test(&request, &look->probe->dma, err);
}

/*
 * Of what is the device's own, whichever way leads to it: true once, for the first way
 * that comes so far.
 */
static bool begin_check(const struct look *look, enum vfio_step step)
{
	const unsigned int bit = 1U << step;
	bool is_first = !(look->probe->checked & bit);

	look->seen->step = step;
	look->probe->checked |= bit;
	return is_first;
}

/*
 * What stops it is in *failure, which is empty else. Returns 0 or what may_reset()
 * returned.
 */
static int look_around(const struct look *look, struct error *failure, struct error *err)
{
	const struct vfio_probe_request *request = look->request;
	struct vfio_probe *probe = look->probe;
	int r;

	look->seen->step = VFIO_STEP_DESCRIBE;
	if (describe_way(look, failure) < 0)
		return 0;
	if (!probe->described) {
		if (vfio_device_describe(look->session, &probe->device, failure) < 0)
			return 0;
		probe->described = true;
		probe->described_by = look->seen->way;
	}
	if (request->may_reset && begin_check(look, VFIO_STEP_RESET)) {
		r = reset(look, failure, err);
		if (r < 0 || error_is_set(failure))
			return r;
	}
	if (begin_check(look, VFIO_STEP_CONFIG) && compare(look, failure) < 0)
		return 0;
	look->seen->step = VFIO_STEP_MAP;
	if (map(look, failure) < 0)
		return 0;
	if (begin_check(look, VFIO_STEP_INTERRUPT) && try_loops(look, failure) < 0)
		return 0;
	if (request->dma_test && begin_check(look, VFIO_STEP_DMA) &&
	    test_dma(look, failure) < 0)
		return 0;
	look->seen->step = VFIO_STEP_DONE;
	return 0;
}

static int check_lock(const struct look *look, struct error *failure)
{
	uint64_t wanted = look->request->memory + VFIO_LOCKED_BESIDES;
	uint64_t allowed = vfio_limit_bytes(&look->probe->limit);

	if (!look->request->memory || allowed >= wanted)
		return 0;
	look->seen->step = VFIO_STEP_LOCK;
	error_set(failure, ENOMEM, "RLIMIT_MEMLOCK",
		  "%llu MiB may be locked, and a guest of %llu MiB wants up to %llu",
		  (unsigned long long)(allowed >> 20),
		  (unsigned long long)(look->request->memory >> 20),
		  (unsigned long long)(wanted >> 20));
	error_hint(failure, "ulimit -l; for a service LimitMEMLOCK=; libvirt and pciferry"
			    " vm run, as root, raise it themselves");
	return -ENOMEM;
}

static int probe_way(const struct vfio_probe_request *request, struct vfio_probe *probe,
		     struct vfio_seen *seen, const char *cdev, struct error *err)
{
	_cleanup_(vfio_close) struct vfio_session session = { 0 };
	struct look look = { request, probe, seen, &session };
	int r;

	seen->offered = true;
	r = cdev ? vfio_open_by_cdev(request->transport, &request->device->address, cdev,
				     &session, &seen->failure)
		 : vfio_open_by_group(request->transport, &request->device->address,
				      request->group->number, &session, &seen->failure);
	seen->step = session.step;
	seen->type = session.type;
	seen->device_id = session.device_id;
	r = r < 0 ? 0 : look_around(&look, &seen->failure, err);
	if (r == 0 && !error_is_set(&seen->failure))
		check_lock(&look, &seen->failure);
	if (error_is_set(&seen->failure))
		vfio_explain(request, seen->step, &seen->failure);
	return r;
}

/* A kernel may have been built without containers (CONFIG_VFIO_GROUP, Linux 6.6). */
static bool has_groups(const struct vfio_probe_request *request, bool has_cdev)
{
	return !has_cdev || host_exists(request->host, "dev/vfio/vfio");
}

/*
 * The kernel guards a physical function and its virtual ones against each other, by a
 * token; by cdev it does so only since Linux 6.17 (commit 86624ba3b522).
 */
static bool is_guarded(const struct vfio_seen *by_group)
{
	return by_group->step == VFIO_STEP_DEVICE && by_group->failure.code == EACCES;
}

static void leave_out(const struct vfio_probe_request *request, struct vfio_seen *by_cdev)
{
	char address[PCI_ADDRESS_SIZE];

	by_cdev->offered = true;
	error_set(&by_cdev->failure, EACCES,
		  pci_address_format(&request->device->address, address),
		  "not tried, since by its group the kernel guards it");
}

int vfio_probe(const struct vfio_probe_request *request, struct vfio_probe *ret_probe,
	       struct error *err)
{
	struct vfio_probe probe = {
		.ways = { { .way = VFIO_BY_GROUP }, { .way = VFIO_BY_CDEV } },
	};
	struct vfio_seen *first = &probe.ways[VFIO_BY_GROUP];
	char cdev[32];
	bool has_cdev;
	int r = 0;

	vfio_limit_read(request->host, &probe.limit);
	if (look_at_driver(request, &first->failure) < 0) {
		first->offered = true;
		*ret_probe = probe;
		return 0;
	}
	has_cdev = find_cdev(request, cdev, sizeof(cdev));
	if (has_groups(request, has_cdev))
		r = probe_way(request, &probe, first, NULL, err);
	if (r == 0 && has_cdev && is_guarded(first))
		leave_out(request, &probe.ways[VFIO_BY_CDEV]);
	else if (r == 0 && has_cdev)
		r = probe_way(request, &probe, &probe.ways[VFIO_BY_CDEV], cdev, err);
	if (r < 0) {
		vfio_probe_free(&probe);
		return r;
	}
	*ret_probe = probe;
	return 0;
}

void vfio_probe_free(struct vfio_probe *probe)
{
	if (!probe)
		return;
	for (size_t i = 0; i < VFIO_WAYS; i++) {
		error_clear(&probe->ways[i].failure);
		vfio_iommu_free(&probe->ways[i].iommu);
		vfio_hot_reset_free(&probe->ways[i].hot_reset);
	}
	vfio_device_free(&probe->device);
	vfio_comparison_free(&probe->configuration);
}

/* What failed is no matter of the way by which the device was opened. */
static bool is_the_devices_own(const struct vfio_seen *seen)
{
	return error_is_set(&seen->failure) &&
	       (seen->step == VFIO_STEP_RESET || seen->step == VFIO_STEP_CONFIG ||
		seen->step == VFIO_STEP_INTERRUPT || seen->step == VFIO_STEP_DMA);
}

const struct vfio_seen *vfio_probe_obstacle(const struct vfio_probe *probe)
{
	const struct vfio_seen *found = NULL;
	bool works = false;

	for (size_t i = 0; i < VFIO_WAYS; i++)
		if (is_the_devices_own(&probe->ways[i]))
			return &probe->ways[i];
	for (size_t i = 0; i < VFIO_WAYS; i++) {
		const struct vfio_seen *seen = &probe->ways[i];

		works |= seen->offered && !error_is_set(&seen->failure);
		if (seen->offered && !found)
			found = seen;
	}
	return works ? NULL : found;
}
