/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of a host's processors its guests have for themselves, and what that leaves. What
 * is real: the sets, and the text that is kept. The host is a folder; systemd is asked in
 * tests/golden/test_vm_isolate.py and, itself, in tests/lab/test_boot_service.py. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vm/isolate.h"

static struct vm_cpuset set_of(const char *text)
{
	struct vm_cpuset set;

	if (vm_cpuset_parse(text, strlen(text), &set) < 0)
		fail_msg("%s", text);
	return set;
}

static void assert_set(const struct vm_cpuset *set, const char *expected)
{
	char *text = vm_cpuset_format(set);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
}

static void assert_left(const struct vm_isolation *isolation, size_t unit,
			const char *expected)
{
	const struct vm_cpuset all = set_of("0-15");
	struct vm_cpuset left;

	vm_isolation_left(isolation, unit, &all, &left);
	assert_set(&left, expected);
}

static void a_list_means_what_the_kernel_libvirt_and_systemd_mean_by_it(void **state)
{
	static const char *const lists[][2] = {
		{ "", "" },
		{ "\n", "" },
		{ "0", "0" },
		{ "0-3,8\n", "0-3,8" },
		{ "0-1 4 5", "0-1,4-5" },
		{ "63-64,127-128", "63-64,127-128" },
		{ "16383", "16383" },
		{ "7,3,5-6,5", "3,5-7" },
		{ "0-3, ^2 ,8", "0-1,3,8" },
		{ "^2,0-3", "0-3" },
		{ "0 - 3 5", "0-3,5" },
		{ "1,", "1" },
	};
	static const char *const none[] = { "-",   "1-",    "-1",
					    "3-1", "1-2-3", "0x1",
					    "a",   "^",	    "^^1",
					    "^a",  "0^1",   "0 -",
					    "1;2", "16384", "0-99999999999999999999" };
	struct vm_cpuset set;

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		set = set_of(lists[i][0]);
		assert_set(&set, lists[i][1]);
		assert_int_equal(vm_cpuset_is_empty(&set), !lists[i][1][0]);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(vm_cpuset_parse(none[i], strlen(none[i]), &set),
				 -EINVAL);
	/* No further than its length. */
	assert_int_equal(vm_cpuset_parse("1-23", 3, &set), 0);
	assert_set(&set, "1-2");
	assert_false(vm_cpuset_has(&set, VM_CPUSET_MAX));
}

static void the_host_keeps_what_no_guest_has_and_gets_back_what_one_had(void **state)
{
	struct vm_isolation isolation = { .first = { { { 0 } }, set_of("0-11") } };
	struct vm_cpuset web = set_of("2-3,10-11"), mail = set_of("4,12");

	(void)state;
	assert_left(&isolation, 0, "0-15");
	assert_int_equal(vm_isolation_take(&isolation, "web", &web, 1), 0);
	assert_left(&isolation, 0, "0-1,4-9,12-15");
	/* What it was given first is not made more. */
	assert_left(&isolation, 1, "0-1,4-9");
	assert_int_equal(vm_isolation_take(&isolation, "mail", &mail, 2), 0);
	assert_left(&isolation, 0, "0-1,5-9,13-15");
	/* Started again with others: it has these alone. */
	web = set_of("2");
	assert_int_equal(vm_isolation_take(&isolation, "web", &web, 3), 0);
	assert_int_equal(isolation.n_guests, 2);
	assert_left(&isolation, 0, "0-1,3,5-11,13-15");
	vm_isolation_drop(&isolation, "web");
	vm_isolation_drop(&isolation, "nobody");
	assert_left(&isolation, 0, "0-3,5-11,13-15");
	vm_isolation_drop(&isolation, "mail");
	assert_left(&isolation, 0, "0-15");
	assert_left(&isolation, 1, "0-11");
	vm_isolation_free(&isolation);
}

static void what_is_kept_is_found_again_and_nothing_else_is_taken_for_it(void **state)
{
	static const char text[] = "system.slice 0-7\nuser.slice \ninit.scope \n"
				   "guest 2-3 812 web\nguest 4 9 a name, with spaces\n";
	static const char *const broken[] = {
		"",
		"system.slice 0-7\nuser.slice \n",
		"user.slice \nsystem.slice \ninit.scope \n",
		"system.slice x\nuser.slice \ninit.scope \n",
		"system.slice\nuser.slice \ninit.scope \n",
		"system.slice 0 1\nuser.slice \ninit.scope \n",
		"system.slice \nuser.slice \ninit.scope \nguest 2-3 812\n",
		"system.slice \nuser.slice \ninit.scope \nguest 2-3 812 \n",
		"system.slice \nuser.slice \ninit.scope \nguest 2-3 x web\n",
		"system.slice \nuser.slice \ninit.scope \nother 2-3 812 web\n",
	};
	struct vm_isolation isolation = { 0 };
	char *again;

	(void)state;
	assert_int_equal(vm_isolation_parse(text, strlen(text), &isolation), 0);
	assert_set(&isolation.first[0], "0-7");
	assert_true(vm_cpuset_is_empty(&isolation.first[2]));
	assert_int_equal(isolation.n_guests, 2);
	assert_string_equal(isolation.guests[1].guest, "a name, with spaces");
	again = vm_isolation_format(&isolation);
	assert_string_equal(again, text);
	free(again);
	vm_isolation_free(&isolation);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		if (vm_isolation_parse(broken[i], strlen(broken[i]), &isolation) !=
		    -EINVAL)
			fail_msg("%s", broken[i]);
}

static void a_guest_whose_end_nobody_told_does_not_keep_its_cores(void **state)
{
	struct tree *tree = *state;
	struct host *host;
	static const char *const guests[] = { "runs", "dead", "gone", "starts", "odd" };
	struct vm_isolation isolation = { 0 };
	struct vm_cpuset one = set_of("1");

	tree_file(tree, "run/libvirt/qemu/runs.pid", "70\n");
	tree_file(tree, "run/libvirt/qemu/dead.pid", "71\n");
	tree_file(tree, "run/libvirt/qemu/odd.pid", "x\n");
	tree_file(tree, "proc/70/comm", "qemu\n");
	tree_folder(tree, "sys/bus/pci/devices");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++)
		assert_int_equal(vm_isolation_take(&isolation, guests[i], &one,
						   i == 3 ? 4500 : 1000),
				 0);
	vm_isolation_drop_ended(host, 5000, &isolation);
	assert_int_equal(isolation.n_guests, 3);
	for (size_t i = 0; i < isolation.n_guests; i++) {
		assert_string_not_equal(isolation.guests[i].guest, "dead");
		assert_string_not_equal(isolation.guests[i].guest, "gone");
	}
	vm_isolation_free(&isolation);
	host_free(host);
}

static int look(const struct tree *tree)
{
	struct host *host;
	int r;

	tree_folder(tree, "sys/bus/pci/devices");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	r = vm_isolate_check_host(host, NULL);
	host_free(host);
	return r;
}

static void a_host_that_cannot_do_it_is_told_before_a_guest_relies_on_it(void **state)
{
	struct tree *tree = *state;

	assert_int_equal(look(tree), -ENOTSUP);
	tree_file(tree, "run/systemd/system/x", "");
	assert_int_equal(look(tree), -ENOTSUP);
	tree_file(tree, "sys/fs/cgroup/cgroup.controllers", "cpu cpusets io\n");
	assert_int_equal(look(tree), -ENOTSUP);
	tree_file(tree, "sys/fs/cgroup/cgroup.controllers", "cpu io cpuset\n");
	assert_int_equal(look(tree), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_list_means_what_the_kernel_libvirt_and_systemd_mean_by_it),
		cmocka_unit_test(
			the_host_keeps_what_no_guest_has_and_gets_back_what_one_had),
		cmocka_unit_test(
			what_is_kept_is_found_again_and_nothing_else_is_taken_for_it),
		cmocka_unit_test_setup_teardown(
			a_guest_whose_end_nobody_told_does_not_keep_its_cores, tree_setup,
			tree_teardown),
		cmocka_unit_test_setup_teardown(
			a_host_that_cannot_do_it_is_told_before_a_guest_relies_on_it,
			tree_setup, tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
