/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/cpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "vm/cpuset.h"

enum {
	/* More than any kernel of a distribution is built for (CONFIG_NR_CPUS). */
	NUMBER_MAX = 1 << 16,
	/* hwloc reads some files of /sys for each processor. */
	DISCOVERY_MS = 10000,
};

static const char cpus_file[] = "pciferry/cpus";

/* "cpu 9 core 1 cache 0 node 0 kind 0" */
static int parse_line(char *line, struct vm_cpu *ret_cpu)
{
	static const char *const words[] = { "cpu", "core", "cache", "node", "kind" };
	unsigned int values[ARRAY_SIZE(words)];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		const char *word = strsep(&line, " "), *text = strsep(&line, " ");
		uint64_t value;

		if (!text || strcmp(word, words[i]) != 0 ||
		    text_parse_number(text, NUMBER_MAX, &value) < 0)
			return -EINVAL;
		values[i] = (unsigned int)value;
	}
	*ret_cpu =
		(struct vm_cpu){ values[0], values[1], values[2], values[3], values[4] };
	return line ? -EINVAL : 0;
}

static int compare(const void *a, const void *b)
{
	const struct vm_cpu *left = a, *right = b;

	return (left->number > right->number) - (left->number < right->number);
}

int vm_cpus_parse(const char *text, size_t len, struct vm_cpus *ret_cpus)
{
	_cleanup_(vm_cpus_free) struct vm_cpus cpus = { 0 };
	_cleanup_free_ char *copy = strndup(text, len);
	char *rest = copy, *line;

	if (!copy)
		return -ENOMEM;
	while ((line = strsep(&rest, "\n"))) {
		struct vm_cpu *larger;

		if (!*line)
			continue;
		larger = reallocarray(cpus.items, cpus.count + 1, sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		cpus.items = larger;
		if (parse_line(line, &larger[cpus.count]) < 0)
			return -EINVAL;
		cpus.count++;
	}
	if (!cpus.count)
		return -EINVAL;
	qsort(cpus.items, cpus.count, sizeof(*cpus.items), compare);
	for (size_t i = 1; i < cpus.count; i++)
		if (cpus.items[i].number == cpus.items[i - 1].number)
			return -EINVAL;
	*ret_cpus = cpus;
	memset(&cpus, 0, sizeof(cpus));
	return 0;
}

void vm_cpus_free(struct vm_cpus *cpus)
{
	if (!cpus)
		return;
	free(cpus->items);
	memset(cpus, 0, sizeof(*cpus));
}

/* What this one is in; NULL: in none such. */
static hwloc_obj_t above(hwloc_obj_t object, hwloc_obj_type_t type)
{
	while (object && object->type != type)
		object = object->parent;
	return object;
}

static unsigned int count_of(const struct libhwloc *library, hwloc_topology_t topology,
			     hwloc_obj_type_t type)
{
	return library->hwloc_get_nbobjs_by_depth(
		topology, library->hwloc_get_type_depth(topology, type));
}

/* Its rank among the kinds of processors, where hwloc could rank them. */
static unsigned int kind_of(const struct libhwloc *library, hwloc_topology_t topology,
			    hwloc_bitmap_t buffer, unsigned int number)
{
	int count = library->hwloc_cpukinds_get_nr(topology, 0), rank = -1;

	for (int i = 0; i < count; i++)
		if (library->hwloc_cpukinds_get_info(topology, (unsigned int)i, buffer,
						     &rank, NULL, NULL, 0) == 0 &&
		    library->hwloc_bitmap_isset(buffer, number))
			return rank < 0 ? 0 : (unsigned int)rank;
	return 0;
}

/*
 * Of the nodes the first: memory that has no processors of its own has a higher number. A
 * processor without a core is one, and those that have no cache have none together.
 */
static void print_cpu(const struct libhwloc *library, hwloc_topology_t topology,
		      hwloc_bitmap_t buffer, hwloc_obj_t pu, FILE *stream)
{
	hwloc_obj_t core = above(pu, HWLOC_OBJ_CORE);
	hwloc_obj_t cache = above(pu, HWLOC_OBJ_L3CACHE);
	int node = library->hwloc_bitmap_first(pu->nodeset);

	fprintf(stream, "cpu %u core %u cache %u node %d kind %u\n", pu->os_index,
		core ? core->logical_index
		     : count_of(library, topology, HWLOC_OBJ_CORE) + pu->logical_index,
		cache ? cache->logical_index
		      : count_of(library, topology, HWLOC_OBJ_L3CACHE),
		node < 0 ? 0 : node, kind_of(library, topology, buffer, pu->os_index));
}

int vm_cpus_print(const struct libhwloc *library, hwloc_topology_t topology,
		  char **ret_text, size_t *ret_len)
{
	int depth = library->hwloc_get_type_depth(topology, HWLOC_OBJ_PU);
	unsigned int count = library->hwloc_get_nbobjs_by_depth(topology, depth);
	hwloc_bitmap_t buffer = library->hwloc_bitmap_alloc();
	FILE *stream = buffer ? open_memstream(ret_text, ret_len) : NULL;

	for (unsigned int i = 0; stream && i < count; i++)
		print_cpu(library, topology, buffer,
			  library->hwloc_get_obj_by_depth(topology, depth, i), stream);
	library->hwloc_bitmap_free(buffer);
	return !stream || fclose(stream) != 0 ? -ENOMEM : 0;
}

/* For host_read_made_within(). */
static int discover(void *argument, char **ret_text, size_t *ret_len)
{
	const struct libhwloc *library = argument;
	hwloc_topology_t topology;
	int r = -EIO;

	/* This is a child, but standard error is the program's. */
	setenv("HWLOC_HIDE_ERRORS", "2", true);
	if (library->hwloc_topology_init(&topology) < 0)
		return -ENOMEM;
	/* Else it runs on each processor in turn, and waits for one on which something
	 * of real-time priority does not let go. */
	if (library->hwloc_topology_set_flags(
		    topology, HWLOC_TOPOLOGY_FLAG_DONT_CHANGE_BINDING) == 0 &&
	    library->hwloc_topology_load(topology) == 0)
		r = vm_cpus_print(library, topology, ret_text, ret_len);
	library->hwloc_topology_destroy(topology);
	return r;
}

/*
 * The kernel says which are Intel's fast ones (arch/x86/events/intel/core.c, the hybrid
 * PMUs). hwloc 2.9 has only how fast each may run, and of x86 that says nothing: it
 * differs among equal cores, by a fifth on a Threadripper (hwloc's issues 502 and 690).
 */
static void read_kinds(const struct host *host, bool is_x86, struct vm_cpus *cpus)
{
	struct vm_cpuset fast = { { 0 } };
	char list[HOST_ATTRIBUTE_MAX];
	bool is_hybrid = host_read(host, "sys/devices/cpu_core/cpus", list,
				   sizeof(list)) == FACT_KNOWN;

	if (!is_hybrid && !is_x86)
		return;
	/* A list that is none has none of them. */
	if (is_hybrid)
		vm_cpuset_parse(list, strlen(list), &fast);
	for (size_t i = 0; i < cpus->count; i++)
		cpus->items[i].kind = vm_cpuset_has(&fast, cpus->items[i].number);
}

static void read_vendor(const struct host *host, struct vm_cpus *cpus, bool *ret_is_x86)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	*ret_is_x86 = false;
	if (host_read_file(host, "proc/cpuinfo", &text, &len) < 0)
		return;
	/* Arm's has "CPU implementer" (arch/arm64/kernel/cpuinfo.c). */
	*ret_is_x86 = strstr(text, "vendor_id") != NULL;
	/* Hygon's are AMD's design. */
	cpus->is_amd = strstr(text, "AuthenticAMD") || strstr(text, "HygonGenuine");
}

int vm_cpus_read(const struct host *host, struct vm_cpus *ret_cpus, struct error *err)
{
	struct libhwloc library = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t len;
	bool is_x86;
	int r = host_is_live(host) ? libhwloc_load(&library, err) : 0;

	if (r < 0)
		return r;
	r = host_read_made_within(host, cpus_file, DISCOVERY_MS, discover, &library,
				  &text, &len);
	if (r == 0)
		r = vm_cpus_parse(text, len, ret_cpus);
	if (r < 0) {
		error_set(err, -r, cpus_file,
			  "how its processors hang together is not"
			  " known: %s",
			  strerror(-r));
		if (!host_is_live(host))
			error_hint(err, "pciferry record keeps it, a copy of /sys has it"
					" not; or leave --tune out");
		return r;
	}
	read_vendor(host, ret_cpus, &is_x86);
	read_kinds(host, is_x86, ret_cpus);
	return 0;
}
