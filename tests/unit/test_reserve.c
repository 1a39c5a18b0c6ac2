/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many huge pages a host can spare, and how the kernel is told. What is real:
 * nothing; the files are as Linux has them
 * (Documentation/admin-guide/mm/hugetlbpage.rst).
 */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vm/reserve.h"

enum { M2 = 2048, G1 = 1 << 20 };

static void pool(const struct tree *tree, const char *above, unsigned int kib,
		 unsigned int count)
{
	static const char *const names[] = { "nr_hugepages", "free_hugepages" };
	char path[PATH_MAX], text[16];

	snprintf(text, sizeof(text), "%u\n", count);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/hugepages/hugepages-%ukB/%s", above, kib,
			 names[i]);
		tree_file(tree, path, text);
	}
}

static struct host *open_host(const struct tree *tree)
{
	struct host *host;

	tree_folder(tree, "sys/bus/pci/devices");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	return host;
}

/* Two nodes of 10 GiB; at the second there are 2 GiB in pages of 1 GiB. */
static struct host *two_nodes(const struct tree *tree)
{
	static const char above[] = "sys/devices/system/node/node1";

	tree_file(tree, "sys/devices/system/node/node0/meminfo",
		  "Node 0 MemTotal:       10485760 kB\n");
	tree_file(tree, "sys/devices/system/node/node1/meminfo",
		  "Node 1 MemTotal:       10485760 kB\nNode 1 MemFree:         1 kB\n");
	pool(tree, "sys/devices/system/node/node0", M2, 0);
	pool(tree, above, M2, 100);
	pool(tree, above, G1, 2);
	return open_host(tree);
}

static int check(const struct host *host, struct vm_reserve one, struct error *err)
{
	return vm_reserve_check(host, &one, &one, 1, err);
}

static void what_would_leave_a_fifth_is_the_most(void **state)
{
	_cleanup_(host_cleanup) struct host *host = two_nodes(*state);
	_cleanup_(error_clear) struct error err = ERROR_INIT;

	/* Of 10 GiB 8, less the 2 that others have: 3072 pages. */
	assert_int_equal(check(host, (struct vm_reserve){ 1, M2, 3072 }, &err), 0);
	assert_int_equal(check(host, (struct vm_reserve){ 1, M2, 3073 }, &err), -EPERM);
	assert_int_equal(err.kind, ERROR_REFUSED);
	assert_string_equal(err.subject, "node 1");
	assert_non_null(err.evidence[1]);
	error_clear(&err);
	/* The other node's are its own. */
	assert_int_equal(check(host, (struct vm_reserve){ 0, M2, 4096 }, &err), 0);
	/* Fewer than are there: those stay, and count. */
	assert_int_equal(check(host, (struct vm_reserve){ 1, G1, 1 }, &err), 0);
	assert_int_equal(check(host, (struct vm_reserve){ 1, G1, 7 }, &err), 0);
	assert_int_equal(check(host, (struct vm_reserve){ 1, G1, 8 }, &err), -EPERM);
}

static void what_is_still_to_come_of_another_size_counts(void **state)
{
	_cleanup_(host_cleanup) struct host *host = two_nodes(*state);
	_cleanup_(error_clear) struct error err = ERROR_INIT;
	const struct vm_reserve all[] = { { 1, M2, 2048 },
					  { 1, G1, 4 },
					  { 0, M2, 9999 } };

	assert_int_equal(vm_reserve_check(host, &all[0], all, 2, &err), 0);
	assert_int_equal(vm_reserve_check(host, &all[1], all, 3, &err), 0);
	assert_int_equal(vm_reserve_check(host, &all[2], all, 3, &err), -EPERM);
}

static void a_kernel_without_nodes_has_one_pool(void **state)
{
	const struct tree *tree = *state;
	_cleanup_(host_cleanup) struct host *host = NULL;
	_cleanup_(error_clear) struct error err = ERROR_INIT;
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	const struct vm_reserve one = { 0, M2, 4096 };

	tree_file(tree, "proc/meminfo", "MemTotal:       10485760 kB\nMemFree: 1 kB\n");
	pool(tree, "sys/kernel/mm", M2, 0);
	host = open_host(tree);
	assert_int_equal(check(host, one, &err), 0);
	assert_int_equal(check(host, (struct vm_reserve){ 1, M2, 1 }, &err), -ENOENT);
	assert_int_equal(vm_reserve_add_step(host, &one, &steps), 0);
	assert_string_equal(steps.items[0].target,
			    "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
	assert_string_equal(steps.items[0].value, "4096\n");
}

static void the_step_is_for_its_node_alone(void **state)
{
	_cleanup_(host_cleanup) struct host *host = two_nodes(*state);
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	const struct vm_reserve one = { 1, G1, 1 };

	assert_int_equal(vm_reserve_add_step(host, &one, &steps), 0);
	assert_string_equal(steps.items[0].target,
			    "sys/devices/system/node/node1/hugepages/hugepages-1048576kB/"
			    "nr_hugepages");
	assert_string_equal(steps.items[0].purpose,
			    "have 1 huge page of 1 GiB at node 1");
}

static void what_cannot_be_read_is_not_taken_for_room(void **state)
{
	const struct tree *tree = *state;
	_cleanup_(host_cleanup) struct host *host = two_nodes(tree);
	_cleanup_(error_clear) struct error err = ERROR_INIT;
	const struct vm_reserve one = { 1, M2, 1 };

	assert_int_equal(check(host, (struct vm_reserve){ 1, 64, 1 }, &err), -ENOENT);
	error_clear(&err);
	tree_file(tree,
		  "sys/devices/system/node/node1/hugepages/hugepages-1048576kB/"
		  "nr_hugepages",
		  "x\n");
	assert_int_equal(check(host, one, &err), -ENODATA);
	error_clear(&err);
	tree_file(tree, "sys/devices/system/node/node1/meminfo",
		  "Node 1 MemFree: 1 kB\n");
	assert_int_equal(check(host, one, &err), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)
		TEST(what_would_leave_a_fifth_is_the_most),
		TEST(what_is_still_to_come_of_another_size_counts),
		TEST(a_kernel_without_nodes_has_one_pool),
		TEST(the_step_is_for_its_node_alone),
		TEST(what_cannot_be_read_is_not_taken_for_room),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
