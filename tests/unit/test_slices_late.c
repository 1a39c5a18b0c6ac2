/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is kept of a slice when a write to its device comes back too late, in a tree. */
#include "bind/slices.h"
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int setup(void **state)
{
	struct system *sys;

	if (system_setup(state) < 0)
		return -1;
	sys = *state;
	tree_folder(sys->tree, "run/pciferry");
	sys->change.run_dir =
		openat(sys->tree->fd, "run/pciferry", O_RDONLY | O_DIRECTORY);
	/* The write has failed in the end: nothing was made. */
	sys->change.late_result = -EIO;
	return sys->change.run_dir < 0;
}

static int teardown(void **state)
{
	struct system *sys = *state;

	close(sys->change.run_dir);
	return system_teardown(state);
}

static void one_that_was_not_made_is_forgotten(void **state)
{
	static const char uuid[] = "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001";
	static const char path[] =
		"run/pciferry/83b8f4f2-509f-382f-3c1e-e6bfe0fa1001.first";
	struct system *sys = *state;

	tree_file(sys->tree, path, "making\n");
	bind_slice_came_back(&sys->change, uuid, NULL);
	system_assert_gone(sys, path);
}

static void what_a_function_was_like_first_is_not_forgotten_with_its_type(void **state)
{
	static const char path[] = "run/pciferry/0000:41:00.4.first";
	struct system *sys = *state;

	sys->change.late_result = 0;
	tree_file(sys->tree, path, "nvidia\n");
	bind_slice_came_back(&sys->change, "0000:41:00.4", NULL);
	system_assert_file(sys, path, "nvidia\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_that_was_not_made_is_forgotten, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			what_a_function_was_like_first_is_not_forgotten_with_its_type,
			setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
