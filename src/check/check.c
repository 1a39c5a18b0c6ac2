/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running the table, and what the checks tell their findings with. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "check/internal.h"
#include "host/kernellog.h"

static const struct check *const tables[] = {
	check_cpu_table,  check_firmware_table, check_kernel_table, check_iommu_table,
	check_boot_table, check_modprobe_table, check_vfio_table,   check_stack_table,
	check_log_table,  check_device_table,
};

const struct check *check_at(size_t index)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct check *row = tables[i]; row->id; row++)
			if (!index--)
				return row;
	return NULL;
}

const char *check_status_name(enum check_status status)
{
	static const char *const names[] = {
		[CHECK_PASS] = "PASS", [CHECK_INFO] = "INFO", [CHECK_UNKNOWN] = "UNKNOWN",
		[CHECK_WARN] = "WARN", [CHECK_FAIL] = "FAIL",
	};

	return names[status];
}

void check_findings_free(struct check_findings *findings)
{
	if (!findings)
		return;
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->items[i].subject);
		free(findings->items[i].seen);
		free(findings->items[i].why);
		free(findings->items[i].fix);
	}
	free(findings->items);
	memset(findings, 0, sizeof(*findings));
}

static int format(char **ret_text, const char *pattern, va_list args)
{
	char *text = NULL;

	if (vasprintf(&text, pattern, args) < 0)
		return -ENOMEM;
	free(*ret_text);
	*ret_text = text;
	return 0;
}

int check_tell(struct check_run *run, enum check_status status, const char *subject,
	       const char *seen, ...)
{
	struct check_findings *findings = run->findings;
	struct check_finding *finding;
	char address[PCI_ADDRESS_SIZE] = "";
	va_list args;
	int r;

	finding = reallocarray(findings->items, findings->count + 1, sizeof(*finding));
	if (!finding)
		return -ENOMEM;
	findings->items = finding;
	finding += findings->count;
	if (run->device)
		pci_address_format(&run->device->address, address);
	*finding = (struct check_finding){
		.check = run->check,
		.status = status,
		.subject = strdup(subject ? subject : address),
		.why = strdup(""),
		.fix = strdup(""),
	};
	findings->count++;
	va_start(args, seen);
	r = format(&finding->seen, seen, args);
	va_end(args);
	return r < 0 || !finding->subject || !finding->why || !finding->fix ? -ENOMEM : 0;
}

int check_tell_unread(struct check_run *run, const char *path)
{
	return check_tell(run, CHECK_UNKNOWN, NULL, "/%s could not be read", path);
}

static struct check_finding *last_finding(const struct check_run *run)
{
	return &run->findings->items[run->findings->count - 1];
}

int check_why(struct check_run *run, const char *why, ...)
{
	va_list args;
	int r;

	va_start(args, why);
	r = format(&last_finding(run)->why, why, args);
	va_end(args);
	return r;
}

int check_fix(struct check_run *run, const char *fix, ...)
{
	va_list args;
	int r;

	va_start(args, fix);
	r = format(&last_finding(run)->fix, fix, args);
	va_end(args);
	return r;
}

enum fact check_presence(const struct host *host, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder = NULL;
	char target[PATH_MAX];

	if (host_exists(host, path))
		return FACT_KNOWN;
	/* Unlike host_exists(), this tells what is not there from what was never asked.
	 */
	if (!slash || host_link_target(host, path, target, sizeof(target)) != FACT_ABSENT)
		return FACT_UNREADABLE;
	folder = strndup(path, (size_t)(slash - path));
	return folder && host_exists(host, folder) ? FACT_ABSENT : FACT_UNREADABLE;
}

static void facts_free(struct check_facts *facts)
{
	pci_slice_types_free(&facts->device.slices);
	usage_free(&facts->device.usage);
	iommu_prediction_free(&facts->device.prediction);
	pci_configs_free(facts->device.configs, facts->devices.count);
	pci_topology_free(&facts->device.topology);
	bootcfg_modprobe_free(&facts->loads);
	bootcfg_modprobe_free(&facts->modprobe);
	bootcfg_images_free(&facts->images);
	bootcfg_boot_free(&facts->boot);
	bootcfg_kernels_free(facts->kernels);
	free(facts->kernels);
	bootcfg_cmdline_free(&facts->cmdline);
	free(facts->cpuinfo);
	free(facts->log);
	iommu_registered_free(&facts->units);
	iommu_firmware_free(&facts->firmware);
}

static enum fact fact_of(int r)
{
	if (r == 0)
		return FACT_KNOWN;
	return r == -ENOENT ? FACT_ABSENT : FACT_UNREADABLE;
}

static int facts_read(const struct host *host, struct check_facts *facts,
		      struct error *err)
{
	size_t len;
	int r = iommu_firmware_read(host, &facts->firmware, err);

	if (r == 0)
		r = iommu_registered_read(host, &facts->units, err);
	if (r < 0)
		return r;
	facts->kernels = calloc(1, sizeof(*facts->kernels));
	if (!facts->kernels || bootcfg_kernels_read(host, facts->kernels) < 0 ||
	    bootcfg_modprobe_read(host, &facts->modprobe) < 0 ||
	    bootcfg_loads_read(host, &facts->loads) < 0)
		return error_oom(err);
	facts->cmdline_fact = bootcfg_cmdline_read(host, &facts->cmdline);
	bootcfg_distro_read(host, &facts->distro);
	if (bootcfg_boot_read(host, &facts->distro, &facts->boot) < 0 ||
	    bootcfg_images_read(host, facts->kernels, &facts->boot.entries,
				&facts->images) < 0)
		return error_oom(err);
	facts->cpuinfo_fact =
		fact_of(host_read_file(host, "proc/cpuinfo", &facts->cpuinfo, &len));
	facts->log_fact =
		fact_of(host_read_kernel_log(host, &facts->log, &facts->log_len));
	return 0;
}

/* One check of many asks for them: its finding is then that they are not known. */
static int read_slices(const struct host *host, struct check_device_facts *device,
		       struct error *err)
{
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	int r = pci_slice_types_read(host, &device->slices, &failure);

	if (r == -ENOMEM)
		return error_oom(err);
	if (r < 0)
		snprintf(device->slices_error, sizeof(device->slices_error), "%s: %s",
			 failure.subject, failure.message);
	return 0;
}

/* Those named and those that go along are looked at, and all that is behind a bridge. */
static int device_facts_read(struct check_facts *facts, struct error *err)
{
	_cleanup_free_ struct pci_device **all = pci_all(&facts->devices);
	struct check_device_facts *device = &facts->device;
	int r;

	if (!all)
		return error_oom(err);
	r = pci_read_overrides(facts->host, all, facts->devices.count, err);
	if (r == 0)
		r = pci_topology_read(facts->host, &facts->devices, &device->topology,
				      err);
	if (r == 0 && pci_configs_read(facts->host, &facts->devices, PCI_LET_SLEEP,
				       &device->configs) < 0)
		r = error_oom(err);
	if (r == 0)
		r = iommu_predict(&device->topology, device->configs, &facts->firmware,
				  NULL, &device->prediction, err);
	if (r == 0)
		r = usage_scan(facts->host, &facts->devices, &facts->groups, NULL,
			       &device->usage, err);
	return r < 0 ? r : read_slices(facts->host, device, err);
}

static bool is_wanted(const struct check_request *request, const struct check *check)
{
	return !request->wanted || request->wanted(check, request->argument);
}

static bool looks_at_devices(const struct check_request *request)
{
	const struct check *check;

	for (size_t i = 0; request->n_named && (check = check_at(i)); i++)
		if (check->per_device && is_wanted(request, check))
			return true;
	return false;
}

/* For each device that was named, or once. */
static int run_check(struct check_run *run, const struct check_request *request)
{
	int r = 0;

	if (!run->check->per_device)
		return run->check->run(run);
	for (size_t i = 0; r == 0 && i < request->n_named; i++) {
		run->device = request->named[i];
		r = run->check->run(run);
	}
	run->device = NULL;
	return r;
}

int check_host(const struct host *host, const struct check_request *request,
	       struct check_findings *ret_findings, struct error *err)
{
	_cleanup_(check_findings_free) struct check_findings findings = { 0 };
	_cleanup_(facts_free) struct check_facts facts = {
		.host = host,
		.devices = *request->devices,
		.groups = *request->groups,
	};
	const struct check *check;
	int r = facts_read(host, &facts, err);

	if (r == 0 && looks_at_devices(request))
		r = device_facts_read(&facts, err);
	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && (check = check_at(i)); i++) {
		struct check_run run = { check, &facts, NULL, &findings };

		if (is_wanted(request, check))
			r = run_check(&run, request);
	}
	if (r < 0)
		return error_oom(err);
	*ret_findings = findings;
	memset(&findings, 0, sizeof(findings));
	return 0;
}
