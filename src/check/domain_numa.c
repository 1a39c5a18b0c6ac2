/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a guest's CPUs, memory and devices are on one NUMA node of the host. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/domain_internal.h"
#include "vm/cpuset.h"

#define NODES  "sys/devices/system/node"
#define ONLINE "sys/devices/system/cpu/online"

/* Nodes: as many as a set of them has bits. */
enum { NODE_BITS = 64, VCPU_MAX = 4096 };

/* The guest's CPUs, and the nodes that each is pinned to, as bits; 0: it is not pinned.
 */
struct pins {
	unsigned long long *nodes;
	size_t count, n_pinned;
	unsigned long long all; /* of those that are pinned */
	struct vm_cpuset set;	/* of the one that is looked at */
	struct vm_cpuset of_node[NODE_BITS], online;
	size_t n_nodes;
	bool knows_online;
};

/* What cannot be understood has none: libvirt does not take it either. */
static void take_set(const char *text, struct vm_cpuset *ret_set)
{
	memset(ret_set, 0, sizeof(*ret_set));
	vm_cpuset_parse(text, strlen(text), ret_set);
}

static bool has_shared(const struct vm_cpuset *a, const struct vm_cpuset *b)
{
	struct vm_cpuset both = *a;

	vm_cpuset_keep(&both, b);
	return !vm_cpuset_is_empty(&both);
}

static unsigned long long nodes_of(const struct pins *pins)
{
	unsigned long long nodes = 0;

	for (unsigned int node = 0; node < NODE_BITS; node++)
		if (has_shared(&pins->set, &pins->of_node[node]))
			nodes |= 1ULL << node;
	return nodes;
}

static void read_host(const struct host *host, struct pins *pins)
{
	char path[64], text[HOST_ATTRIBUTE_MAX];

	for (unsigned int node = 0; node < NODE_BITS; node++) {
		snprintf(path, sizeof(path), NODES "/node%u/cpulist", node);
		if (host_read(host, path, text, sizeof(text)) != FACT_KNOWN)
			continue;
		take_set(text, &pins->of_node[node]);
		pins->n_nodes++;
	}
	pins->knows_online = host_read(host, ONLINE, text, sizeof(text)) == FACT_KNOWN;
	if (pins->knows_online)
		take_set(text, &pins->online);
}

/* The set of the guest's CPU: its own, or that of all. NULL: it is anywhere. */
static const char *find_set(const xmlNode *root, size_t vcpu)
{
	const xmlNode *tune = vm_tree_child(root, "cputune");
	unsigned long number;

	for (const xmlNode *pin = tune ? tune->children : NULL; pin; pin = pin->next)
		if (vm_tree_is(pin, "vcpupin") &&
		    vm_tree_number(pin, "vcpu", VCPU_MAX, &number) == 0 && number == vcpu)
			return vm_tree_attribute(pin, "cpuset");
	return vm_tree_attribute(vm_tree_child(root, "vcpu"), "cpuset");
}

static int tell_no_cpu(struct check_run *run, size_t vcpu, const char *set, bool none)
{
	int r = check_tell(run, none ? CHECK_FAIL : CHECK_WARN, NULL,
			   "its CPU %zu is pinned to %s, %s this host has not", vcpu, set,
			   none ? "which" : "some of which");

	if (r == 0)
		r = check_why(run, none ? "the guest does not start"
					: "it runs on those that are there");
	return r == 0 ? check_fix(run, "pin it to CPUs of /" ONLINE) : r;
}

static int look_at_set(struct check_run *run, const struct pins *pins, size_t vcpu,
		       const char *set)
{
	bool any = has_shared(&pins->set, &pins->online);
	struct vm_cpuset lacks = pins->set;

	vm_cpuset_remove(&lacks, &pins->online);
	if (!pins->knows_online || (any && vm_cpuset_is_empty(&lacks)))
		return 0;
	return tell_no_cpu(run, vcpu, set, !any);
}

static int take_pins(struct check_run *run, struct pins *pins)
{
	const xmlNode *root = run->domain->tree.root;
	const char *text = vm_tree_text(vm_tree_child(root, "vcpu"));
	int r = 0;

	pins->count = text ? strtoul(text, NULL, 10) : 0;
	if (!pins->count || pins->count > VCPU_MAX)
		pins->count = 1;
	pins->nodes = calloc(pins->count, sizeof(*pins->nodes));
	if (!pins->nodes)
		return -ENOMEM;
	for (size_t vcpu = 0; r == 0 && vcpu < pins->count; vcpu++) {
		const char *set = find_set(root, vcpu);

		if (!set)
			continue;
		take_set(set, &pins->set);
		r = look_at_set(run, pins, vcpu, set);
		pins->nodes[vcpu] = nodes_of(pins);
		pins->all |= pins->nodes[vcpu];
		pins->n_pinned++;
	}
	return r;
}

static const char *node_names(unsigned long long nodes, char *buffer, size_t size)
{
	size_t len = 0;

	buffer[0] = '\0';
	for (unsigned int node = 0; node < NODE_BITS && len < size; node++)
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

/* who: whose memory, "its" or "its node 1's". */
static int compare_memory(struct check_run *run, const char *who, const char *set,
			  unsigned long long nodes)
{
	struct vm_cpuset memory;
	bool shares = false, strays = false;
	char names[256];
	int r;

	take_set(set, &memory);
	for (unsigned int node = 0; node < NODE_BITS; node++) {
		shares |= vm_cpuset_has(&memory, node) && nodes >> node & 1;
		strays |= vm_cpuset_has(&memory, node) && !(nodes >> node & 1);
	}
	if (!nodes || !strays)
		return 0;
	r = check_tell(run, CHECK_WARN, NULL,
		       "%s memory is on nodes %s, the CPUs are on %s", who, set,
		       node_names(nodes, names, sizeof(names)));
	if (r == 0)
		r = check_why(run, "%s to memory goes to another node",
			      shares ? "one access or another" : "each access");
	return r == 0 ? check_fix(run, "name the CPUs' node in <numatune>") : r;
}

/* Of a node of the guest's own. */
static int check_memnode(struct check_run *run, struct pins *pins, const xmlNode *memnode)
{
	const xmlNode *cpu = vm_tree_child(run->domain->tree.root, "cpu");
	const xmlNode *numa = vm_tree_child(cpu, "numa");
	const char *set = vm_tree_attribute(memnode, "nodeset");
	unsigned long wanted, number, next = 0;
	unsigned long long nodes = 0;
	char who[64];

	if (!set || vm_tree_number(memnode, "cellid", NODE_BITS, &wanted) < 0)
		return 0;
	for (const xmlNode *cell = numa ? numa->children : NULL; cell;
	     cell = cell->next) {
		const char *cpus = vm_tree_attribute(cell, "cpus");

		if (!vm_tree_is(cell, "cell"))
			continue;
		number = next++;
		if (vm_tree_attribute(cell, "id") &&
		    vm_tree_number(cell, "id", NODE_BITS, &number) < 0)
			continue;
		if (number != wanted || !cpus)
			continue;
		take_set(cpus, &pins->set);
		for (unsigned int i = 0; i < pins->count; i++)
			nodes |= vm_cpuset_has(&pins->set, i) ? pins->nodes[i] : 0;
	}
	snprintf(who, sizeof(who), "its node %lu's", wanted);
	return compare_memory(run, who, set, nodes);
}

static int check_memory_nodes(struct check_run *run, struct pins *pins)
{
	const xmlNode *tune = vm_tree_child(run->domain->tree.root, "numatune");
	const char *set = vm_tree_attribute(vm_tree_child(tune, "memory"), "nodeset");
	bool has_own = false;
	int r = 0;

	for (const xmlNode *child = tune ? tune->children : NULL; r == 0 && child;
	     child = child->next)
		if (vm_tree_is(child, "memnode")) {
			r = check_memnode(run, pins, child);
			has_own = true;
		}
	return r < 0 || has_own || !set ? r : compare_memory(run, "its", set, pins->all);
}

static int check_device_node(struct check_run *run, unsigned long long nodes)
{
	char path[64], text[PCI_ADDRESS_SIZE], names[256];
	long long node;
	int r;

	pci_address_format(&run->device->address, text);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/numa_node", text);
	if (host_read_number(run->facts->host, path, &node) != FACT_KNOWN || node < 0 ||
	    node >= NODE_BITS || nodes >> node & 1)
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

static int check_nodes(struct check_run *run, struct pins *pins)
{
	const xmlNode *node = NULL;
	struct pci_address address;
	int r = check_spread(run, pins->all);

	if (r == 0)
		r = check_memory_nodes(run, pins);
	while (r == 0 && pins->all && (node = check_domain_next(run->domain, node)))
		if (check_domain_look(run, node, &address))
			r = check_device_node(run, pins->all);
	run->device = NULL;
	return r;
}

static int look_at_pins(struct check_run *run, struct pins *pins)
{
	size_t before = run->findings->count;
	char names[256], seen[384];
	int r;

	read_host(run->facts->host, pins);
	r = take_pins(run, pins);
	if (r < 0)
		return r;
	/* A kernel that knows of no nodes has no such folder (CONFIG_NUMA). */
	if (!pins->n_nodes && check_presence(run->facts->host, NODES) != FACT_ABSENT)
		return check_tell_unread(run, NODES);
	if (pins->n_nodes < 2)
		return check_domain_end(run, before, "this host has one node");
	if (pins->n_pinned)
		r = check_nodes(run, pins);
	if (r == 0 && pins->n_pinned < pins->count)
		return check_tell(run, CHECK_INFO, NULL,
				  "%zu of its %zu CPUs are not pinned",
				  pins->count - pins->n_pinned, pins->count);
	snprintf(seen, sizeof(seen), "its CPUs and devices are on nodes %s%s",
		 node_names(pins->all, names, sizeof(names)),
		 vm_tree_child(run->domain->tree.root, "numatune")
			 ? ", and so is its memory"
			 : "; the kernel chooses where its memory is");
	return r < 0 ? r : check_domain_end(run, before, seen);
}

int check_domain_numa(struct check_run *run)
{
	struct pins *pins = calloc(1, sizeof(*pins));
	int r = pins ? look_at_pins(run, pins) : -ENOMEM;

	if (pins)
		free(pins->nodes);
	free(pins);
	return r;
}
