/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_CPUS_H
#define PCIFERRY_VM_CPUS_H

/*
 * The processors of a host, and how they hang together. Of this machine hwloc tells it
 * (https://www.open-mpi.org/projects/hwloc/doc/); a directory or a recording holds the
 * answer as the file "pciferry/cpus", a line for each:
 *
 *	cpu 9 core 1 cache 0 node 0 kind 0
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/libhwloc.h"
#include "host/host.h"

struct error;

struct vm_cpu {
	unsigned int number; /* the kernel's, and libvirt's */
	unsigned int core;   /* what several threads share */
	unsigned int cache;  /* what several cores share, of the third level */
	unsigned int node;   /* the kernel's number, whose memory is near */
	unsigned int kind;   /* of a hybrid processor: more is faster. Else all have 0 */
};

/* Sorted by number. Only those that are online, and that this process may use. */
struct vm_cpus {
	struct vm_cpu *items;
	size_t count;
	bool is_amd; /* which tells its guests of threads by a feature of its own */
};

/*
 * For vm_cpus_free(). Returns 0; -ENOENT where hwloc's library is not here, or nothing
 * was kept of that host; -ETIMEDOUT; or another -errno.
 */
int vm_cpus_read(const struct host *host, struct vm_cpus *ret_cpus, struct error *err);
void vm_cpus_free(struct vm_cpus *cpus); /* takes NULL */

/* The text above. Returns 0; -EINVAL where it is none; or -ENOMEM. */
int vm_cpus_parse(const char *text, size_t len, struct vm_cpus *ret_cpus);

/* What hwloc has found, as that text, which the caller frees. Returns 0 or -ENOMEM. */
int vm_cpus_print(const struct libhwloc *library, hwloc_topology_t topology,
		  char **ret_text, size_t *ret_len);

#endif
