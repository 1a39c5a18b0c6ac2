/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHECK_CHECK_H
#define PCIFERRY_CHECK_CHECK_H

/*
 * Whether a host is ready to give devices to guests: a table of checks, each of which
 * says what it saw, why that matters and what to do. Checks read and never change, but
 * for what root's remember in /run/pciferry/images; they start no program.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "host/host.h"
#include "iommu/groups.h"
#include "pci/device.h"

struct error;

/* In the order of what a person should look at last to first. */
enum check_status {
	CHECK_PASS,
	CHECK_INFO,    /* worth knowing; nothing to do */
	CHECK_UNKNOWN, /* what decides it could not be read, or does not apply here */
	CHECK_WARN,    /* works, with a risk or a loss */
	CHECK_FAIL,    /* this stands in the way */
};

/* "PASS", "INFO", ... */
const char *check_status_name(enum check_status status);

struct check_run;

/* A row of the table. */
struct check {
	const char *id;	     /* "iommu-on": stable, for --only, --skip and JSON */
	const char *area;    /* "iommu": the line that it is summed up in */
	const char *meaning; /* what it looks at, as `check --list` shows it */
	bool per_device; /* runs for each DEVICE that was named, and not without one */

	/* Tells at least one finding. Returns 0 or -ENOMEM. */
	int (*run)(struct check_run *run);

	/* It reads files that may hold passwords: no recording is to keep them. */
	bool is_private;

	/* It takes so long that a person has to ask for it. */
	bool is_slow;
};

/* All checks, from 0 on, those of an area together; NULL: no more. */
const struct check *check_at(size_t index);

/* What a check found; texts are one line each and owned by it, "" where there is none. */
struct check_finding {
	const struct check *check;
	enum check_status status;
	char *subject; /* a device, a file, a kernel; "": the host */
	char *seen;    /* the evidence, with where it stands */
	char *why;     /* what it means for the person; "" on PASS */
	char *fix; /* what to do, for this distribution; "" where nothing is to be done */
};

struct check_findings {
	struct check_finding *items;
	size_t count;
};
void check_findings_free(struct check_findings *findings); /* takes NULL */

struct check_request {
	const struct pci_devices *devices; /* all of the host */
	const struct iommu_groups *groups;
	struct pci_device *const *named;
	size_t n_named;
	bool (*wanted)(const struct check *check, void *argument); /* NULL: all */
	void *argument;
};

/*
 * Runs the checks that are wanted, in their order. Returns 0 and *ret_findings, or
 * -errno.
 */
int check_host(const struct host *host, const struct check_request *request,
	       struct check_findings *ret_findings, struct error *err);

#endif
