/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which processors a guest is given. What is real: hwloc, which makes each host from a
 * description of its own (hwloc, "Synthetic topologies"), and what is read of it. The
 * hosts are not. Why an expert would choose so stands beside each.
 */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vm/tune.h"

/* What only a made host takes. */
#define MAKER_FUNCTIONS(X)          \
	X(hwloc_bitmap_alloc)       \
	X(hwloc_bitmap_free)        \
	X(hwloc_bitmap_list_sscanf) \
	X(hwloc_cpukinds_register)  \
	X(hwloc_topology_restrict)  \
	X(hwloc_topology_set_synthetic)

struct maker {
	MAKER_FUNCTIONS(LIBRARY_POINTER)
};

static const struct library_function maker_functions[] = {
#define MAKER_ROW(name) { #name, offsetof(struct maker, name) },
	MAKER_FUNCTIONS(MAKER_ROW)
#undef MAKER_ROW
};

/* As Linux counts: the first threads of all cores, then the second ones. */
#define TWO_SOCKETS "pack:2 [numa] l3:1 core:8 pu:2(indexes=core:pack)"
#define TWO_DIES    "pack:1 [numa] l3:2 core:8 pu:2(indexes=core:l3)"
#define EIGHT_DIES  "pack:1 [numa] l3:8 core:4 pu:2(indexes=core:l3)"
/* HP ProLiant SL390s G7, as its owner has recorded it: even numbers at one socket, odd
 * ones at the other (hwloc, tests/hwloc/xml/24em64t-2n6c2t-pci.xml). */
#define SL390S                                                                        \
	"pack:2 [numa] l3:1 core:6 pu:2(indexes=0,12,2,14,4,16,6,18,8,20,10,22,1,13," \
	"3,15,5,17,7,19,9,21,11,23)"
/* Of a desktop with fast cores of two threads, and slow ones of one. */
#define HYBRID "pack:1 [numa] l3:1 core:16 pu:2"
#define SLOW   "0-16,18,20,22,24,26,28,30"
#define NO_SMT "pack:1 [numa] l3:1 core:8 pu:1"

struct row {
	const char *synthetic;
	const char *online, *fast; /* NULL: all; none is slower */
	unsigned int node, wanted;
	const char *vcpus, *others; /* NULL: refused */
	unsigned int threads, dies;
	bool takes_first;
	const char *message, *hint;
};

static const struct row rows[] = {
	/* The device's socket, though CPU 0 is at the other. The node's first core is
	 * left to interrupts; a guest's core is a host's core, both its threads. */
	{ TWO_SOCKETS, .node = 1, .wanted = 8, .vcpus = "9,25,10,26,11,27,12,28",
	  .others = "8,13,14,15,24,29,30,31", .threads = 2, .dies = 1 },
	/* All that the node can spare. */
	{ TWO_SOCKETS, .node = 0, .wanted = 14,
	  .vcpus = "1,17,2,18,3,19,4,20,5,21,6,22,7,23", .others = "0,16", .threads = 2,
	  .dies = 1 },
	/* The other socket's cores would reach the device and the memory by way of the
	 * link between the two: a smaller guest is faster. */
	{ TWO_SOCKETS, .node = 1, .wanted = 32,
	  .message = "8 cores of 2 threads, one of them for the host: too few for 32",
	  .hint = "--cpus 14 fits" },
	/* The host needs a core of the node: QEMU's own threads serve the device, too. */
	{ TWO_SOCKETS, .node = 1, .wanted = 16, .message = "too few for 16",
	  .hint = "--cpus 14 fits" },
	{ TWO_SOCKETS, .node = 2, .wanted = 2, .message = "no processor is there",
	  .hint = "--tune=NODE" },
	/* Three have three cores, whose second threads slow nobody down. */
	{ TWO_SOCKETS, .node = 0, .wanted = 3, .vcpus = "1,2,3",
	  .others = "0,4,5,6,7,16,20,21,22,23", .threads = 1, .dies = 1 },
	/* An odd number that has no room would have it as an even one. */
	{ TWO_SOCKETS, .node = 0, .wanted = 9, .message = "too few for 9",
	  .hint = "--cpus 10 fits" },

	/* Neighbours by number are at two sockets. */
	{ SL390S, .node = 1, .wanted = 8, .vcpus = "3,15,5,17,7,19,9,21",
	  .others = "1,11,13,23", .threads = 2, .dies = 1 },

	/* The cache that the host's first core does not use, and no other. */
	{ TWO_DIES, .wanted = 8, .vcpus = "8,24,9,25,10,26,11,27",
	  .others = "0,1,2,3,4,5,6,7,12,13,14,15,16,17,18,19,20,21,22,23,28,29,30,31",
	  .threads = 2, .dies = 1 },
	/* All of one. */
	{ TWO_DIES, .wanted = 16,
	  .vcpus = "8,24,9,25,10,26,11,27,12,28,13,29,14,30,15,31",
	  .others = "0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23", .threads = 2, .dies = 1 },
	/* As many of each, so that the guest sees two caches; of eight and two it would
	 * see one, and move work across. */
	{ TWO_DIES, .wanted = 20,
	  .vcpus = "8,24,9,25,10,26,11,27,12,28,1,17,2,18,3,19,4,20,5,21",
	  .others = "0,6,7,13,14,15,16,22,23,29,30,31", .threads = 2, .dies = 2 },
	/* Also where all but the first core are needed for that. */
	{ TWO_DIES, .wanted = 28,
	  .vcpus = "8,24,9,25,10,26,11,27,12,28,13,29,14,30,1,17,2,18,3,19,4,20,5,21,6,"
		   "22,7,23",
	  .others = "0,15,16,31", .threads = 2, .dies = 2 },
	/* Nine cannot be: all of one, the rest of the other. The guest sees one. */
	{ TWO_DIES, .wanted = 18,
	  .vcpus = "8,24,9,25,10,26,11,27,12,28,13,29,14,30,15,31,1,17",
	  .others = "0,2,3,4,5,6,7,16,18,19,20,21,22,23", .threads = 2, .dies = 1 },
	/* Of no more caches than it takes: not two of each of three. */
	{ EIGHT_DIES, .wanted = 12, .vcpus = "4,36,5,37,6,38,8,40,9,41,10,42",
	  .others = "0,1,2,3,7,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,"
		    "30,31,32,33,34,35,39,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,"
		    "58,59,60,61,62,63",
	  .threads = 2, .dies = 2 },
	/* Two caches, whole, and the guest's scheduler knows that they are two. */
	{ EIGHT_DIES, .wanted = 16, .vcpus = "4,36,5,37,6,38,7,39,8,40,9,41,10,42,11,43",
	  .others = "0,1,2,3,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,"
		    "32,33,34,35,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,"
		    "62,63",
	  .threads = 2, .dies = 2 },

	/* The slow cores are the host's, and the first fast one. */
	{ HYBRID, SLOW, "0-15", .wanted = 8, .vcpus = "2,3,4,5,6,7,8,9",
	  .others = "0,1,10,11,12,13,14,15,16,18,20,22,24,26,28,30", .threads = 2,
	  .dies = 1 },
	/* All fast ones: the host has the slow ones. */
	{ HYBRID, SLOW, "0-15", .wanted = 16,
	  .vcpus = "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
	  .others = "16,18,20,22,24,26,28,30", .threads = 2, .dies = 1,
	  .takes_first = true },
	/* Slow ones among them would hold up what waits for all of them. */
	{ HYBRID, SLOW, "0-15", .wanted = 20,
	  .message = "8 fast cores of 2 threads, too few for 20 virtual CPUs; slower",
	  .hint = "--cpus 16 fits" },

	/* Without SMT a core is a thread. */
	{ NO_SMT, .wanted = 3, .vcpus = "1,2,3", .others = "0,4,5,6,7", .threads = 1,
	  .dies = 1 },
	{ NO_SMT, .wanted = 8, .message = "8 cores, one of them for the host",
	  .hint = "--cpus 7 fits" },
	{ "pack:1 [numa] core:1 pu:1", .wanted = 1, .message = "1 core, one of them for",
	  .hint = "leave --tune out" },
	/* A virtual machine's processors tell of no cache. */
	{ "pack:1 [numa] core:4 pu:1", .wanted = 2, .vcpus = "1,2", .others = "0,3",
	  .threads = 1, .dies = 1 },
	/* Of the second core one thread is off: it is no core like the others. */
	{ "pack:1 [numa] l3:1 core:4 pu:2", "0-2,4-7", .wanted = 4, .vcpus = "4,5,6,7",
	  .others = "0,1,2", .threads = 2, .dies = 1 },
};

static hwloc_bitmap_t read_set(const struct maker *maker, const char *list)
{
	hwloc_bitmap_t set = maker->hwloc_bitmap_alloc();

	assert_non_null(set);
	assert_int_equal(maker->hwloc_bitmap_list_sscanf(set, list), 0);
	return set;
}

static void make_host(const struct row *row, struct vm_cpus *cpus)
{
	struct libhwloc library;
	struct maker maker;
	_cleanup_free_ char *text = NULL;
	hwloc_topology_t topology;
	hwloc_bitmap_t set;
	size_t len;

	assert_int_equal(libhwloc_load(&library, NULL), 0);
	assert_int_equal(library_load("libhwloc.so.15", "hwloc", maker_functions,
				      ARRAY_SIZE(maker_functions), &maker, NULL),
			 0);
	assert_int_equal(library.hwloc_topology_init(&topology), 0);
	assert_int_equal(maker.hwloc_topology_set_synthetic(topology, row->synthetic), 0);
	assert_int_equal(library.hwloc_topology_load(topology), 0);
	if (row->online) {
		set = read_set(&maker, row->online);
		assert_int_equal(maker.hwloc_topology_restrict(topology, set, 0), 0);
		maker.hwloc_bitmap_free(set);
	}
	if (row->fast) {
		set = read_set(&maker, row->online);
		assert_int_equal(
			maker.hwloc_cpukinds_register(topology, set, 0, 0, NULL, 0), 0);
		maker.hwloc_bitmap_free(set);
		set = read_set(&maker, row->fast);
		assert_int_equal(
			maker.hwloc_cpukinds_register(topology, set, 1, 0, NULL, 0), 0);
		maker.hwloc_bitmap_free(set);
	}
	assert_int_equal(vm_cpus_print(&library, topology, &text, &len), 0);
	library.hwloc_topology_destroy(topology);
	assert_int_equal(vm_cpus_parse(text, len, cpus), 0);
}

static void expect_list(const unsigned int *numbers, size_t count, const char *wanted)
{
	char text[1024] = "";
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%u",
					i ? "," : "", numbers[i]);
	assert_string_equal(text, wanted);
}

static void a_guest_has_the_cores_that_an_expert_would_give_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct vm_tuning tuning = { 0 };
		struct vm_cpus cpus = { 0 };
		struct error err = ERROR_INIT;
		int r;

		make_host(row, &cpus);
		r = vm_tune(&cpus, row->node, row->wanted, &tuning, &err);
		print_message("%s: %u at node %u\n", row->synthetic, row->wanted,
			      row->node);
		if (row->vcpus) {
			assert_int_equal(r, 0);
			expect_list(tuning.vcpus, tuning.n_vcpus, row->vcpus);
			expect_list(tuning.others, tuning.n_others, row->others);
			assert_int_equal(tuning.threads, row->threads);
			assert_int_equal(tuning.dies, row->dies);
			assert_int_equal(tuning.takes_first, row->takes_first);
			assert_int_equal(tuning.is_fast, row->fast != NULL);
		} else {
			assert_true(r < 0);
			assert_non_null(strstr(err.message, row->message));
			assert_non_null(strstr(err.hint, row->hint));
		}
		error_clear(&err);
		vm_tuning_free(&tuning);
		vm_cpus_free(&cpus);
	}
}

/* On every host, for every size: what must never be, whatever is chosen. */
static void no_core_is_shared_with_the_host_or_with_another_of_the_guests(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct vm_cpus cpus = { 0 };

		make_host(&rows[i], &cpus);
		for (unsigned int wanted = 1; wanted <= 64; wanted++) {
			_cleanup_(vm_tuning_free) struct vm_tuning tuning = { 0 };
			unsigned int owner[64] = { 0 };

			if (vm_tune(&cpus, rows[i].node, wanted, &tuning, NULL) < 0)
				continue;
			assert_int_equal(tuning.n_vcpus, wanted);
			assert_true(tuning.n_others > 0);
			assert_int_equal(wanted % (tuning.threads * tuning.dies), 0);
			for (size_t j = 0; j < cpus.count; j++) {
				const struct vm_cpu *cpu = &cpus.items[j];
				unsigned int its = 0;

				for (unsigned int k = 0; k < wanted; k++)
					if (tuning.vcpus[k] == cpu->number)
						its = 1 + k / tuning.threads;
				for (size_t k = 0; k < tuning.n_others; k++)
					if (tuning.others[k] == cpu->number)
						its = UINT32_MAX;
				if (!its)
					continue;
				assert_int_equal(cpu->node, rows[i].node);
				assert_true(!owner[cpu->core] || owner[cpu->core] == its);
				owner[cpu->core] = its;
			}
		}
		vm_cpus_free(&cpus);
	}
}

/* AMD's guests see no threads without it. */
static void an_amd_processor_with_threads_tells_its_guest_so(void **state)
{
	_cleanup_(vm_tuning_free) struct vm_tuning with = { 0 }, without = { 0 };
	struct vm_cpus cpus = { 0 };

	(void)state;
	make_host(&rows[0], &cpus);
	cpus.is_amd = true;
	assert_int_equal(vm_tune(&cpus, 0, 4, &with, NULL), 0);
	assert_true(with.needs_topoext);
	assert_int_equal(vm_tune(&cpus, 0, 3, &without, NULL), 0);
	assert_false(without.needs_topoext);
	vm_cpus_free(&cpus);
}

/* The kinds of two processors of a recorded host, of which hwloc has put one higher. */
static void read_kinds(const struct tree *tree, unsigned int kinds[2])
{
	_cleanup_(vm_cpus_free) struct vm_cpus cpus = { 0 };
	struct host *host;

	tree_folder(tree, "sys/bus/pci/devices");
	tree_file(tree, "pciferry/cpus",
		  "cpu 0 core 0 cache 0 node 0 kind 0\n"
		  "cpu 1 core 1 cache 0 node 0 kind 8\n");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	assert_int_equal(vm_cpus_read(host, &cpus, NULL), 0);
	assert_int_equal(cpus.count, 2);
	for (size_t i = 0; i < cpus.count; i++)
		kinds[i] = cpus.items[i].kind;
	host_free(host);
}

/* hwloc makes kinds of what each core may run at, which differs among equal ones. */
static void a_processor_whose_cores_are_alike_loses_none_of_them(void **state)
{
	const struct tree *tree = *state;
	unsigned int kinds[2];

	tree_file(tree, "proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\n");
	read_kinds(tree, kinds);
	assert_int_equal(kinds[0], kinds[1]);
	/* What Linux says of Intel's counts, whatever hwloc does. */
	tree_file(tree, "sys/devices/cpu_core/cpus", "0\n");
	read_kinds(tree, kinds);
	assert_true(kinds[0] > kinds[1]);
}

/* Arm's capacities are all that is known there. */
static void an_arm_processor_has_the_kinds_that_hwloc_knows(void **state)
{
	const struct tree *tree = *state;
	unsigned int kinds[2];

	tree_file(tree, "proc/cpuinfo", "processor\t: 0\nCPU implementer\t: 0x41\n");
	read_kinds(tree, kinds);
	assert_true(kinds[1] > kinds[0]);
}

/* It may come from anybody's recording. */
static void a_list_of_processors_that_makes_no_sense_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"cpu 0 core 0 cache 0 node 0\n",
		"cpu 0 core 0 cache 0 node 0 kind 0 more 0\n",
		"cpu 0 core 0 cache 0 node 0 kind -1\n",
		"cpu 0 core 0 cache 0 node 0 kind 99999999999\n",
		"cpu 0 core 0 node 0 cache 0 kind 0\n",
		"cpu 0 core 0 cache 0 node 0 kind 0\ncpu 0 core 1 cache 0 node 0 kind 0\n",
	};
	struct vm_cpus cpus = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(vm_cpus_parse(texts[i], strlen(texts[i]), &cpus),
				 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_has_the_cores_that_an_expert_would_give_it),
		cmocka_unit_test(
			no_core_is_shared_with_the_host_or_with_another_of_the_guests),
		cmocka_unit_test(an_amd_processor_with_threads_tells_its_guest_so),
		cmocka_unit_test_setup_teardown(
			a_processor_whose_cores_are_alike_loses_none_of_them, tree_setup,
			tree_teardown),
		cmocka_unit_test_setup_teardown(
			an_arm_processor_has_the_kinds_that_hwloc_knows, tree_setup,
			tree_teardown),
		cmocka_unit_test(a_list_of_processors_that_makes_no_sense_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
