/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_TUNE_H
#define PCIFERRY_VM_TUNE_H

/* Which processors of its host a guest has: docs/design/guests.md, "Tuning". */
#include "vm/cpus.h"

struct vm_tuning {
	unsigned int node; /* of all of them */

	/* By the number of the guest's processor, the host's. */
	unsigned int *vcpus;
	size_t n_vcpus;

	/* The others of the node, where QEMU's own threads run: at least one. Sorted. */
	unsigned int *others;
	size_t n_others;

	/* The host's cores that are the guest's alone, and the caches that they have. */
	unsigned int cores, core_threads, caches;
	bool is_fast;	  /* the fast ones of a hybrid processor */
	bool takes_first; /* the node's first is among them */

	/* As the guest is to see it: threads of a core; and dies, since QEMU gives each
	 * its own cache of the third level (cpu_x86_cpuid(), target/i386/cpu.c). */
	unsigned int threads, dies;

	/* An AMD processor tells of threads by a feature that QEMU gives nobody unasked
	 * (no_autoenable_flags of FEAT_8000_0001_ECX, there). */
	bool needs_topoext;
};

/*
 * Chooses whole cores of a node for this many processors. Returns 0; -ENOENT: the node
 * has no processor; -ERANGE: there is no room, with what there is room for; or -ENOMEM.
 */
int vm_tune(const struct vm_cpus *cpus, unsigned int node, unsigned int n_vcpus,
	    struct vm_tuning *ret_tuning, struct error *err);
void vm_tuning_free(struct vm_tuning *tuning); /* takes NULL */

#endif
