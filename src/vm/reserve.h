/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_RESERVE_H
#define PCIFERRY_VM_RESERVE_H

/*
 * Huge pages that are to be reserved at a NUMA node, a pages line of /etc/pciferry.tab
 * each: docs/design/guests.md, "Huge pages".
 */
#include "bootcfg/tab.h"
#include "change/change.h"
#include "vm/pages.h"

struct error;

/* As many of them in all, those that others have reserved among them. */
struct vm_reserve {
	unsigned int node, kib; /* of one page */
	unsigned int count;
};

/*
 * How many pages of that size the host's tab has for the node; 0 also where there is no
 * tab that can be read.
 */
unsigned int vm_reserved_by_tab(const struct host *host, unsigned int node,
				unsigned int kib);

/*
 * The lines that count, and those of the host's own tab. The caller frees *ret_items. The
 * one returns 0 or -ENOMEM, the other as bootcfg_tab_read().
 */
int vm_reserves_of(const struct bootcfg_tab *tab, struct vm_reserve **ret_items,
		   size_t *ret_count);
int vm_reserves_read(const struct host *host, struct vm_reserve **ret_items,
		     size_t *ret_count);

/* "2 MiB", "8192 huge pages of 2 MiB". Each returns the buffer. */
enum { VM_PAGE_TEXT_SIZE = BOOTCFG_PAGE_SIZE + sizeof(" iB"), VM_RESERVE_TEXT_SIZE = 64 };
const char *vm_page_text(unsigned int kib, char text[VM_PAGE_TEXT_SIZE]);
const char *vm_reserve_text(unsigned int count, unsigned int kib,
			    char text[VM_RESERVE_TEXT_SIZE]);

/*
 * Whether the host can spare the one beside what is reserved at its node already, and
 * what the others are to reserve there. Returns 0; -ENOENT: there is no such node, or no
 * page of that size; -ENODATA: it is not known; or refused (ERROR_REFUSED) where too
 * little memory would be left.
 */
int vm_reserve_check(const struct host *host, const struct vm_reserve *one,
		     const struct vm_reserve *all, size_t count, struct error *err);

/* The step that has the kernel reserve it, as far as it finds the memory. 0 or -ENOMEM.
 */
int vm_reserve_add_step(const struct host *host, const struct vm_reserve *one,
			struct change_steps *steps);

#endif
