/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's memory: huge pages, and the room for its devices' own memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/domain_internal.h"
#include "vm/guest.h"
#include "vm/pages.h"

#define TRANSPARENT "sys/kernel/mm/transparent_hugepage/enabled"

/* Of <memory> or <page>, in KiB (virScaleInteger()); 0: not known. */
static unsigned long long scale(const char *text, const char *unit)
{
	static const struct {
		const char *name;
		unsigned long long bytes;
	} units[] = {
		{ "b", 1 },	     { "bytes", 1 },	    { "KB", 1000 },
		{ "k", 1ULL << 10 }, { "KiB", 1ULL << 10 }, { "MB", 1000000 },
		{ "M", 1ULL << 20 }, { "MiB", 1ULL << 20 }, { "GB", 1000000000 },
		{ "G", 1ULL << 30 }, { "GiB", 1ULL << 30 }, { "TB", 1000000000000 },
		{ "T", 1ULL << 40 }, { "TiB", 1ULL << 40 },
	};
	unsigned long long number = text ? strtoull(text, NULL, 10) : 0;

	if (number > UINT32_MAX * 1024ULL)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(unit ? unit : "KiB", units[i].name))
			return number > UINT64_MAX / units[i].bytes
				       ? 0
				       : number * units[i].bytes / 1024;
	return 0;
}

/* Its memory is not in pages that were reserved. */
static int tell_usual_pages(struct check_run *run)
{
	char text[HOST_ATTRIBUTE_MAX];
	int r;

	/* QEMU asks for them (ram_block_add() in system/physmem.c), so "madvise" will do.
	 */
	if (host_read(run->facts->host, TRANSPARENT, text, sizeof(text)) != FACT_KNOWN ||
	    !strstr(text, "[never]"))
		return check_tell(
			run, CHECK_INFO, NULL,
			"no <hugepages/> in <memoryBacking>: the kernel gives it"
			" huge pages as it finds them");
	r = check_tell(run, CHECK_WARN, NULL,
		       "no <hugepages/> in <memoryBacking>, and /" TRANSPARENT
		       " is never");
	if (r == 0)
		r = check_why(run,
			      "its memory is in small pages: it starts slower, and may"
			      " run slower");
	if (r == 0)
		r = check_fix(run,
			      "reserve huge pages for all of its memory"
			      " (pciferry apply --hugepages SIZE), then add"
			      " <memoryBacking><hugepages/></memoryBacking>; or write"
			      " madvise there");
	return r;
}

/* How many are free; false: not known. */
static bool count_unused(const struct host *host, unsigned int kib, long long *ret_unused)
{
	bool known = false;

	*ret_unused = 0;
	for (unsigned int node = 0; node <= HOST_NUMA_NODE_MAX; node++) {
		struct vm_pages pages;

		if (vm_pages_read_of(host, node, kib, &pages) != FACT_KNOWN)
			continue;
		*ret_unused += pages.unused;
		known = true;
	}
	return known;
}

static int compare_pages(struct check_run *run, unsigned int kib,
			 unsigned long long memory_kib)
{
	unsigned long long needs = kib ? (memory_kib + kib - 1) / kib : 0;
	long long unused;
	int r;

	if (!needs || !count_unused(run->facts->host, kib, &unused))
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "whether enough huge pages are free is not known");
	if (unused >= 0 && (unsigned long long)unused >= needs)
		return check_tell(run, CHECK_PASS, NULL,
				  "it needs %llu huge pages of %u KiB, %lld are free",
				  needs, kib, unused);
	r = check_tell(run, CHECK_WARN, NULL,
		       "it needs %llu huge pages of %u KiB, %lld are free", needs, kib,
		       unused);
	if (r == 0)
		r = check_why(run, "the guest does not start until they are there");
	return r == 0 ? check_fix(run, "pciferry apply --hugepages SIZE, for all of its"
				       " memory beside what other guests have")
		      : r;
}

int check_domain_memory(struct check_run *run)
{
	const xmlNode *root = run->domain->tree.root, *page, *memory;
	const xmlNode *huge =
		vm_tree_child(vm_tree_child(root, "memoryBacking"), "hugepages");
	unsigned long long kib;
	unsigned int usual = 0;

	if (!run->domain->definition.n_held)
		return check_tell(run, CHECK_PASS, NULL, "no device pins its memory");
	if (!huge)
		return tell_usual_pages(run);
	if (run->domain->request->live)
		return check_tell(run, CHECK_PASS, NULL,
				  "it runs, and its huge pages are its own");
	page = vm_tree_child(huge, "page");
	memory = vm_tree_child(root, "memory");
	if (page && vm_tree_attribute(page, "nodeset"))
		return check_tell(
			run, CHECK_UNKNOWN, NULL,
			"huge pages of each of the guest's nodes are not counted");
	vm_pages_read_size(run->facts->host, &usual);
	kib = page ? scale(vm_tree_attribute(page, "size"),
			   vm_tree_attribute(page, "unit"))
		   : usual;
	return compare_pages(run, kib > UINT32_MAX ? 0 : (unsigned int)kib,
			     scale(vm_tree_text(memory),
				   vm_tree_attribute(memory, "unit")));
}

static int compare_functions(const void *a, const void *b)
{
	const struct vm_function *first = a, *second = b;

	return pci_address_compare(&first->host, &second->host);
}

/* Whether the definition gives the firmware more room than it takes by itself. */
static bool has_window(const struct check_run *run)
{
	const struct check_domain_request *request = run->domain->request;

	return memmem(request->bytes, request->len, "X-PciMmio64Mb",
		      strlen("X-PciMmio64Mb")) ||
	       memmem(request->bytes, request->len, "pcihole64", strlen("pcihole64")) ||
	       memmem(request->bytes, request->len, "pci-hole64-size",
		      strlen("pci-hole64-size"));
}

/* OVMF since 202211: as in vm/define.c. */
static int tell_window(struct check_run *run, uint64_t bytes)
{
	bool uefi = check_domain_boots_uefi(run->domain->tree.root);
	int r = check_tell(
		run, uefi ? CHECK_INFO : CHECK_WARN, NULL,
		"its devices need %llu GiB of addresses above 4 GiB, and it does"
		" not ask for room",
		(unsigned long long)(bytes >> 30));

	if (r == 0)
		r = check_why(run, "%s, and a driver whose device does not fit fails",
			      uefi ? "OVMF has that much unasked only since 202211"
				   : "QEMU gives its BIOS 32 GiB or less");
	if (r == 0 && !uefi)
		return check_fix(run,
				 "write <pcihole64 unit='KiB'>%llu</pcihole64> into the"
				 " <controller type='pci' index='0'>",
				 (unsigned long long)(bytes >> 10));
	return r < 0 ? r
		     : check_fix(run,
				 "with an older one ask for it: <qemu:commandline>"
				 "<qemu:arg value='-fw_cfg'/><qemu:arg"
				 " value='name=opt/ovmf/X-PciMmio64Mb,string=%llu'/>"
				 "</qemu:commandline>",
				 (unsigned long long)(bytes >> 20));
}

int check_domain_window(struct check_run *run)
{
	const struct vm_definition *definition = &run->domain->definition;
	_cleanup_free_ struct vm_function *functions =
		calloc(definition->n_held + 1, sizeof(*functions));
	size_t count = 0;
	uint64_t bytes;

	if (!functions)
		return -ENOMEM;
	/* That one is not there domain-device tells. */
	for (size_t i = 0; i < definition->n_held; i++)
		if (pci_find(&run->facts->devices, &definition->held[i].host))
			functions[count++].host = definition->held[i].host;
	qsort(functions, count, sizeof(*functions), compare_functions);
	vm_place_functions(functions, count);
	if (vm_measure_window(run->facts->host, &run->facts->devices, functions, count,
			      &bytes) != FACT_KNOWN)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "how much memory its devices have is not known");
	if (bytes <= VM_USUAL_WINDOW)
		return check_tell(run, CHECK_PASS, NULL,
				  "firmware has room for its devices' memory");
	if (has_window(run))
		return check_tell(
			run, CHECK_PASS, NULL,
			"its devices need %llu GiB of addresses, and it asks for"
			" room",
			(unsigned long long)(bytes >> 30));
	return tell_window(run, bytes);
}
