/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_tune.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/output.h"
#include "vm/pages.h"
#include "vm/reserve.h"

int vm_tune_take(const char *text, struct vm_tune_wish *wish, struct error *err)
{
	uint64_t node;

	wish->is_wanted = true;
	if (!text)
		return 0;
	if (text_parse_number(text, HOST_NUMA_NODE_MAX, &node) < 0)
		return error_usage(err, "--tune", "%s is no number of a NUMA node", text);
	wish->has_node = true;
	wish->node = (unsigned int)node;
	return 0;
}

/* FACT_ABSENT: the firmware does not say (-1). */
static enum fact read_node(const struct cli_view *view, const struct pci_address *address,
			   unsigned int *ret_node)
{
	const struct pci_device *device = pci_find(&view->devices, address);

	return device ? pci_read_node(view->host, device, ret_node) : FACT_UNREADABLE;
}

/* One line for each device of which it is known. */
static void show_nodes(const struct cli_view *view, const struct vm_guest *guest,
		       struct error *err)
{
	for (size_t i = 0; i < guest->n_functions; i++) {
		const struct pci_address *address = &guest->functions[i].host;
		char text[PCI_ADDRESS_SIZE];
		unsigned int node;

		if (read_node(view, address, &node) == FACT_KNOWN)
			error_evidence(err, "%s is at node %u",
				       pci_address_format(address, text), node);
	}
}

/* Where the devices are, or what was asked for. */
static int choose_node(const struct cli_view *view, const struct vm_tune_wish *wish,
		       const struct vm_guest *guest, const struct vm_cpus *cpus,
		       unsigned int *ret_node, struct error *err)
{
	bool found = false;

	*ret_node = wish->has_node ? wish->node : cpus->items[0].node;
	if (wish->has_node || vm_count_nodes(view->host) == 1)
		return 0;
	for (size_t i = 0; i < guest->n_functions; i++) {
		unsigned int node;

		if (read_node(view, &guest->functions[i].host, &node) != FACT_KNOWN)
			continue;
		if (found && node != *ret_node) {
			error_set(err, EINVAL, "--tune",
				  "the devices are at several nodes");
			error_hint(err, "--tune=NODE says which one the guest is at");
			show_nodes(view, guest, err);
			return -EINVAL;
		}
		*ret_node = node;
		found = true;
	}
	if (found)
		return 0;
	error_set(err, ENODATA, "--tune",
		  "this host does not say at which node the"
		  " devices are");
	error_hint(err, "its manual shows the slots of each processor; --tune=NODE");
	return -ENODATA;
}

/* "CPU 8", "CPUs 0-3,8". The caller frees it; NULL: no memory. */
static char *list_ranges(const unsigned int *numbers, size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (stream)
		fprintf(stream, count == 1 ? "CPU " : "CPUs ");
	for (size_t i = 0, last; stream && i < count; i = last + 1) {
		for (last = i;
		     last + 1 < count && numbers[last + 1] == numbers[last] + 1;)
			last++;
		fprintf(stream, "%s%u", i ? "," : "", numbers[i]);
		if (last > i)
			fprintf(stream, "-%u", numbers[last]);
	}
	return stream && fclose(stream) == 0 ? text : NULL;
}

static int tell_processors(const struct vm_tuning *tuning)
{
	_cleanup_free_ char *vcpus = list_ranges(tuning->vcpus, tuning->n_vcpus);
	_cleanup_free_ char *others = list_ranges(tuning->others, tuning->n_others);
	char threads[64] = "", caches[64] = "";

	if (!vcpus || !others)
		return -ENOMEM;
	if (tuning->threads > 1)
		snprintf(threads, sizeof(threads), " of %u threads", tuning->threads);
	else if (tuning->core_threads > 1)
		snprintf(threads, sizeof(threads), ", the first thread of each alone");
	if (tuning->caches > 1)
		snprintf(caches, sizeof(caches), ", in %u L3 caches", tuning->caches);
	output_talk("the guest's processors, in their order: %s of node %u: %u whole"
		    " %score%s%s%s",
		    vcpus, tuning->node, tuning->cores, tuning->is_fast ? "fast " : "",
		    tuning->cores == 1 ? "" : "s", threads, caches);
	if (tuning->takes_first)
		output_talk("the node's first core is among them, which interrupts of the"
			    " host use: it has no other to spare");
	output_talk("QEMU's own threads: %s", others);
	return 0;
}

static void tell_isolation(const struct vm_guest *guest)
{
	if (!guest->isolates)
		return;
	output_talk("while it runs, the host's other tasks are kept off its cores; its"
		    " interrupts, the kernel's own threads and the timer's ticks are"
		    " not");
}

static void tell_memory(const struct cli_view *view, const struct vm_guest *guest)
{
	unsigned int node = guest->tuning->node;
	unsigned long long kib;

	if (guest->binds_memory)
		output_talk("its memory: of node %u", node);
	else if (vm_node_memory(view->host, node, &kib) == FACT_ABSENT)
		output_talk("its memory: node %u has none, so it is not bound: the kernel"
			    " takes the nearest that has some",
			    node);
	for (size_t i = 0; i < guest->n_functions; i++) {
		const struct pci_address *address = &guest->functions[i].host;
		char text[PCI_ADDRESS_SIZE];
		unsigned int its;

		if (guest->binds_memory && read_node(view, address, &its) == FACT_KNOWN &&
		    its != node)
			output_talk("%s is farther away, at node %u",
				    pci_address_format(address, text), its);
	}
}

/* The option that has enough of them reserved, beside those that others have. */
static const char *name_reservation(const struct vm_guest *guest,
				    const struct vm_pages *pages, long long wanted,
				    char *buffer, size_t size)
{
	unsigned long long mib =
		(unsigned long long)(pages->reserved + wanted - pages->unused) *
		pages->kib / 1024;
	bool is_gib = mib % 1024 == 0;
	char where[32] = "";

	if (guest->binds_memory)
		snprintf(where, sizeof(where), "@%u", guest->tuning->node);
	snprintf(buffer, size, "--hugepages %llu%c%s", is_gib ? mib >> 10 : mib,
		 is_gib ? 'G' : 'M', where);
	return buffer;
}

static void tell_shortage(const struct vm_tune_wish *wish, const struct vm_guest *guest,
			  const struct vm_pages *pages, long long wanted)
{
	char size[VM_PAGE_TEXT_SIZE], option[64];

	output_talk("huge pages: node %u has %lld of %lld free pages of %s: %s",
		    guest->tuning->node, pages->unused, wanted,
		    vm_page_text(pages->kib, size),
		    guest->page_kib    ? "the guest will not start until it has them"
		    : wish->starts_now ? "the guest goes without"
				       : "the guest is defined without");
	output_talk("pciferry apply %s reserves them at each boot, and pciferry bind"
		    " --tab then at once",
		    name_reservation(guest, pages, wanted, option, sizeof(option)));
}

static int refuse_shortage(const struct vm_guest *guest, const struct vm_pages *pages,
			   long long wanted, struct error *err)
{
	char size[VM_PAGE_TEXT_SIZE], option[64];

	error_set(err, ENOMEM, "--hugepages", "node %u has %lld of %lld free pages of %s",
		  guest->tuning->node, pages->unused, wanted,
		  vm_page_text(pages->kib, size));
	error_hint(err,
		   "pciferry apply %s reserves them at each boot, and pciferry bind --tab"
		   " then at once",
		   name_reservation(guest, pages, wanted, option, sizeof(option)));
	return -ENOMEM;
}

/* Where enough are free, or it was asked for. */
static int choose_pages(const struct cli *cli, const struct cli_view *view,
			const struct vm_tune_wish *wish, struct vm_guest *guest,
			struct error *err)
{
	unsigned long long kib = (unsigned long long)guest->memory_mib << 10;
	struct vm_pages pages = { 0 };
	char size[VM_PAGE_TEXT_SIZE];
	long long wanted, promised;

	if (vm_pages_read(view->host, guest->tuning->node, &pages) != FACT_KNOWN) {
		if (!wish->wants_pages)
			return 0;
		error_set(err, ENODATA, "--hugepages",
			  "what huge pages this host has is not known");
		error_hint(err, "leave it out");
		return -ENODATA;
	}
	vm_page_text(pages.kib, size);
	if (kib % pages.kib && wish->wants_pages)
		return error_usage(err, "--memory", "%u MiB are no whole pages of %s",
				   guest->memory_mib, size);
	if (kib % pages.kib)
		return 0;
	wanted = (long long)(kib / pages.kib);
	/* To other guests, from the next boot on. */
	promised = vm_reserved_by_tab(view->host, guest->tuning->node, pages.kib);
	if (promised > pages.reserved)
		pages.reserved = promised;
	if (wish->wants_pages && wish->starts_now && pages.unused < wanted)
		return refuse_shortage(guest, &pages, wanted, err);
	if (wish->wants_pages || pages.unused >= wanted)
		guest->page_kib = pages.kib;
	if (cli->quiet)
		return 0;
	if (pages.unused < wanted)
		tell_shortage(wish, guest, &pages, wanted);
	else
		output_talk("huge pages: %lld of %s, of %lld that are free there", wanted,
			    size, pages.unused);
	return 0;
}

int vm_tune_guest(const struct cli *cli, const struct cli_view *view,
		  const struct vm_tune_wish *wish, struct vm_guest *guest,
		  struct vm_tuning *ret_tuning, struct error *err)
{
	_cleanup_(vm_cpus_free) struct vm_cpus cpus = { 0 };
	unsigned long long kib;
	unsigned int node = 0;
	int r = vm_cpus_read(view->host, &cpus, err);

	if (r == 0)
		r = choose_node(view, wish, guest, &cpus, &node, err);
	if (r == 0)
		r = vm_tune(&cpus, node, guest->cpus, ret_tuning, err);
	if (r < 0)
		return r;
	guest->tuning = ret_tuning;
	/* Of one node there is nothing to choose, and to one that has no memory the
	 * kernel binds nothing (mpol_set_nodemask(), mm/mempolicy.c). */
	guest->binds_memory = vm_count_nodes(view->host) > 1 &&
			      vm_node_memory(view->host, node, &kib) != FACT_ABSENT;
	if (!cli->quiet && tell_processors(ret_tuning) < 0)
		return error_oom(err);
	if (!cli->quiet) {
		tell_isolation(guest);
		tell_memory(view, guest);
	}
	return choose_pages(cli, view, wish, guest, err);
}
