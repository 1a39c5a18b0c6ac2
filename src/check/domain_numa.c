/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a guest's CPUs, memory and devices are on one NUMA node of the host. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "check/domain_internal.h"

#define NODES "sys/devices/system/node"

enum { CPU_MAX = 8192, NODE_MAX = 64 };

/* Which of them; zero-initialised is none. */
struct cpus {
	unsigned char has[CPU_MAX];
};

/* "0-3,^2,8", as the kernel and libvirt write sets; what is none is passed over. */
static void add_cpus(struct cpus *cpus, const char *text)
{
	while (*text) {
		bool without = *text == '^';
		char *end;
		unsigned long first = strtoul(text + without, &end, 10), last = first;

		if (end != text + without && *end == '-')
			last = strtoul(end + 1, &end, 10);
		for (; end != text + without && first <= last && first < CPU_MAX; first++)
			cpus->has[first] = !without;
		text = end + strcspn(end, ",");
		text += *text == ',';
	}
}

/* The NUMA nodes of the host's that the CPUs are on, as bits. FACT_ABSENT: it has one. */
static enum fact find_nodes(const struct host *host, const struct cpus *cpus,
			    unsigned long long *ret_nodes)
{
	_cleanup_free_ struct cpus *of_node = NULL;
	size_t count = 0;

	*ret_nodes = 0;
	for (unsigned int node = 0; node < NODE_MAX; node++) {
		char path[64], text[HOST_ATTRIBUTE_MAX];

		snprintf(path, sizeof(path), NODES "/node%u/cpulist", node);
		if (host_read(host, path, text, sizeof(text)) != FACT_KNOWN)
			continue;
		free(of_node);
		of_node = calloc(1, sizeof(*of_node));
		if (!of_node)
			return FACT_UNREADABLE;
		add_cpus(of_node, text);
		count++;
		for (size_t i = 0; i < CPU_MAX; i++)
			if (cpus->has[i] && of_node->has[i])
				*ret_nodes |= 1ULL << node;
	}
	if (!count)
		return FACT_UNREADABLE;
	return count == 1 ? FACT_ABSENT : FACT_KNOWN;
}

/* Whether it pins any; CPUs that it does not pin are anywhere. */
static bool take_pins(const xmlNode *root, struct cpus *cpus)
{
	const xmlNode *tune = vm_tree_child(root, "cputune");
	const char *all = vm_tree_attribute(vm_tree_child(root, "vcpu"), "cpuset");
	bool pins = false;

	for (const xmlNode *pin = tune ? tune->children : NULL; pin; pin = pin->next) {
		const char *set = vm_tree_attribute(pin, "cpuset");

		if (!vm_tree_is(pin, "vcpupin") || !set)
			continue;
		add_cpus(cpus, set);
		pins = true;
	}
	if (!pins && all)
		add_cpus(cpus, all);
	return pins || all;
}

static const char *node_names(unsigned long long nodes, char *buffer, size_t size)
{
	size_t len = 0;

	buffer[0] = '\0';
	for (unsigned int node = 0; node < NODE_MAX && len < size; node++)
		if (nodes >> node & 1)
			len += (size_t)snprintf(buffer + len, size - len, "%s%u",
						len ? ", " : "", node);
	return buffer;
}

static int check_spread(struct check_run *run, unsigned long long nodes)
{
	const xmlNode *root = run->domain->tree.root;
	char names[256];
	int r;

	if (!(nodes & (nodes - 1)) || vm_tree_child(vm_tree_child(root, "cpu"), "numa"))
		return 0;
	r = check_tell(run, CHECK_WARN, NULL, "its CPUs are pinned to nodes %s",
		       node_names(nodes, names, sizeof(names)));
	if (r == 0)
		r = check_why(run, "the guest takes them for one node, and half of its"
				   " accesses to memory go to the other");
	return r == 0 ? check_fix(run, "pin them all to one node, or give the guest nodes"
				       " of its own (<cpu><numa>)")
		      : r;
}

static int check_memory_nodes(struct check_run *run, unsigned long long nodes)
{
	const char *set = vm_tree_attribute(
		vm_tree_child(vm_tree_child(run->domain->tree.root, "numatune"),
			      "memory"),
		"nodeset");
	_cleanup_free_ struct cpus *memory = NULL;
	char names[256];
	int r;

	if (!set)
		return 0;
	memory = calloc(1, sizeof(*memory));
	if (!memory)
		return -ENOMEM;
	add_cpus(memory, set);
	for (unsigned int node = 0; node < NODE_MAX; node++)
		if (memory->has[node] && nodes >> node & 1)
			return 0;
	r = check_tell(run, CHECK_WARN, NULL,
		       "its memory is on nodes %s, its CPUs are on %s", set,
		       node_names(nodes, names, sizeof(names)));
	if (r == 0)
		r = check_why(run, "each access to memory goes to another node");
	return r == 0 ? check_fix(run, "name the CPUs' node in <numatune>") : r;
}

static int check_device_node(struct check_run *run, unsigned long long nodes)
{
	char path[64], text[PCI_ADDRESS_SIZE], names[256];
	long long node;
	int r;

	pci_address_format(&run->device->address, text);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/numa_node", text);
	if (host_read_number(run->facts->host, path, &node) != FACT_KNOWN || node < 0 ||
	    node >= NODE_MAX || nodes >> node & 1)
		return 0;
	r = check_tell(run, CHECK_WARN, NULL,
		       "it is on node %lld, the domain's CPUs are on %s", node,
		       node_names(nodes, names, sizeof(names)));
	if (r == 0)
		r = check_why(run, "its interrupts and its data cross from node to node");
	return r == 0 ? check_fix(run,
				  "pin the CPUs to those of node %lld (/" NODES
				  "/node%lld/cpulist)",
				  node, node)
		      : r;
}

static int tell_no_cpu(struct check_run *run)
{
	int r = check_tell(run, CHECK_FAIL, NULL,
			   "it pins its CPUs to none that this host has");

	if (r == 0)
		r = check_why(run, "the guest does not start");
	return r == 0 ? check_fix(run, "pin them to CPUs of /" NODES "/node*/cpulist")
		      : r;
}

int check_domain_numa(struct check_run *run)
{
	_cleanup_free_ struct cpus *cpus = calloc(1, sizeof(*cpus));
	size_t before = run->findings->count;
	const xmlNode *node = NULL;
	struct pci_address address;
	unsigned long long nodes;
	enum fact fact;
	bool pins;
	int r;

	if (!cpus)
		return -ENOMEM;
	pins = take_pins(run->domain->tree.root, cpus);
	fact = find_nodes(run->facts->host, cpus, &nodes);
	if (fact == FACT_UNREADABLE)
		return check_tell_unread(run, NODES);
	if (fact == FACT_ABSENT)
		return check_tell(run, CHECK_PASS, NULL, "this host has one node");
	if (!pins)
		return check_tell(run, CHECK_INFO, NULL, "its CPUs are not pinned");
	if (!nodes)
		return tell_no_cpu(run);
	r = check_spread(run, nodes);
	if (r == 0)
		r = check_memory_nodes(run, nodes);
	while (r == 0 && (node = check_domain_next(run->domain, node)))
		if (check_domain_look(run, node, &address))
			r = check_device_node(run, nodes);
	return r < 0 ? r : check_domain_end(run, before, "all is on one node");
}
