/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_CPUSET_H
#define PCIFERRY_VM_CPUSET_H

/* Sets of processors, by the kernel's numbers. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As many as libvirt knows of (VIR_DOMAIN_CPUMASK_LEN, src/conf/domain_conf.h), and more
 * than an x86 kernel can be built for (NR_CPUS_RANGE_END, arch/x86/Kconfig). */
enum { VM_CPUSET_MAX = 16384, VM_CPUSET_WORDS = VM_CPUSET_MAX / 64 };

/* All zero is the empty one. */
struct vm_cpuset {
	uint64_t words[VM_CPUSET_WORDS];
};

/*
 * "0-3,8" as the kernel and libvirt write it, "0-3 8" as systemd does, "0 - 3, ^2" as
 * libvirt lets people write it (virBitmapParse(), src/util/virbitmap.c): what is behind a
 * "^" is taken out of what stands before. White space at the end, and no number at all,
 * are taken. Returns 0 or -EINVAL.
 */
int vm_cpuset_parse(const char *text, size_t len, struct vm_cpuset *ret_set);

/* "0-3,8". The caller frees it; NULL: no memory. */
char *vm_cpuset_format(const struct vm_cpuset *set);

bool vm_cpuset_has(const struct vm_cpuset *set, unsigned int number);
bool vm_cpuset_is_empty(const struct vm_cpuset *set);
bool vm_cpuset_is_same(const struct vm_cpuset *a, const struct vm_cpuset *b);

/* The set gets those of another one, too; loses them; keeps those alone. */
void vm_cpuset_add(struct vm_cpuset *set, const struct vm_cpuset *other);
void vm_cpuset_remove(struct vm_cpuset *set, const struct vm_cpuset *other);
void vm_cpuset_keep(struct vm_cpuset *set, const struct vm_cpuset *other);

#endif
