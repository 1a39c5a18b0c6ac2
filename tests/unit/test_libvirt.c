/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which libvirt a host has. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "vm/libvirt.h"

static struct vm_libvirt read_libvirt(const struct tree *tree)
{
	struct vm_libvirt libvirt;
	struct host *host = NULL;

	tree_folder(tree, "sys/bus/pci/devices");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	vm_libvirt_read(host, &libvirt);
	host_free(host);
	return libvirt;
}

static int check(const struct vm_libvirt *libvirt, const char *words)
{
	struct error err = ERROR_INIT;
	int r = vm_libvirt_check_hooks(libvirt, &err);

	if (r < 0)
		assert_non_null(strstr(err.message, words));
	assert_int_equal(error_is_set(&err), r < 0);
	error_clear(&err);
	return r;
}

/* A hook that libvirt never calls would be believed to be at work. */
static void one_that_is_too_old_is_told_by_its_librarys_name(void **state)
{
	static const struct {
		const char *name;
		unsigned int major, minor;
		int result;
	} cases[] = {
		{ "libvirt.so.0.9000.0", 9, 0, 0 },
		{ "libvirt.so.0.6005.0", 6, 5, 0 },
		{ "libvirt.so.0.6004.0", 6, 4, -ENOTSUP },
		{ "libvirt.so.0.5010.0", 5, 10, -ENOTSUP },
		{ "libvirt.so.0.12001.0", 12, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct vm_libvirt libvirt;
		void *tree = NULL;

		assert_int_equal(tree_setup(&tree), 0);
		tree_file(tree, "usr/sbin/libvirtd", "");
		tree_link(tree, "usr/lib64/libvirt.so.0", cases[i].name);
		libvirt = read_libvirt(tree);
		assert_int_equal(libvirt.fact, FACT_KNOWN);
		assert_int_equal(libvirt.version_fact, FACT_KNOWN);
		assert_int_equal(libvirt.major, cases[i].major);
		assert_int_equal(libvirt.minor, cases[i].minor);
		assert_null(libvirt.daemon);
		assert_int_equal(check(&libvirt, "does not read hooks in qemu.d"),
				 cases[i].result);
		tree_teardown(&tree);
	}
}

static void none_and_unknown_are_not_the_same(void **state)
{
	const struct tree *tree = *state;
	struct vm_libvirt libvirt = read_libvirt(tree);

	assert_int_equal(libvirt.fact, FACT_UNREADABLE);
	assert_int_equal(libvirt.version_fact, FACT_UNREADABLE);
	assert_int_equal(check(&libvirt, ""), 0);
	tree_folder(tree, "usr/bin");
	libvirt = read_libvirt(tree);
	assert_int_equal(libvirt.fact, FACT_ABSENT);
	assert_int_equal(check(&libvirt, "it is not here"), -ENOENT);
	/* A library whose name tells nothing. */
	tree_file(tree, "usr/sbin/virtqemud", "");
	tree_link(tree, "usr/lib/libvirt.so.0", "libvirt.so");
	libvirt = read_libvirt(tree);
	assert_int_equal(libvirt.fact, FACT_KNOWN);
	assert_int_equal(libvirt.version_fact, FACT_UNREADABLE);
	assert_int_equal(check(&libvirt, ""), 0);
}

static void the_daemon_that_runs_is_the_one_to_restart(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, "run/libvirtd.pid", "7\n");
	assert_string_equal(read_libvirt(tree).daemon, "libvirtd");
	tree_file(tree, "run/virtqemud.pid", "8\n");
	assert_string_equal(read_libvirt(tree).daemon, "virtqemud");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_is_too_old_is_told_by_its_librarys_name),
		cmocka_unit_test_setup_teardown(none_and_unknown_are_not_the_same,
						tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(
			the_daemon_that_runs_is_the_one_to_restart, tree_setup,
			tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
