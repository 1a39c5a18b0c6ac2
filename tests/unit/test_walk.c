/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of steps, in a tree: attributes are files, and one that hangs is a pipe that
 * nobody reads. What a kernel does with them is shown in the virtual host.
 */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int setup(void **state)
{
	struct system *sys;

	if (system_setup(state) < 0)
		return -1;
	sys = *state;
	tree_folder(sys->tree, "run/pciferry");
	tree_folder(sys->tree, "sys/bus/pci/devices/0000:01:00.0");
	tree_folder(sys->tree, "sys/bus/pci/devices/0000:02:00.0");
	sys->change.run_dir =
		openat(sys->tree->fd, "run/pciferry", O_RDONLY | O_DIRECTORY);
	sys->change.options.deadline_ms = 10000;
	for (char name[] = "sys/a"; name[4] < 'e'; name[4]++)
		tree_file(sys->tree, name, "0");
	return sys->change.run_dir < 0;
}

static int teardown(void **state)
{
	struct system *sys = *state;

	close(sys->change.run_dir);
	return system_teardown(state);
}

static void add(struct change_steps *steps, const char *device, const char *target)
{
	const struct change_step step = {
		.kind = CHANGE_WRITE_ATTRIBUTE,
		.device = (char *)device,
		.target = (char *)target,
		.value = (char *)"1",
		.purpose = (char *)"set it",
	};

	assert_int_equal(change_add(steps, &step), 0);
}

static void a_list_ends_where_a_step_fails_and_the_others_do_not(void **state)
{
	struct system *sys = *state;
	struct change_steps lists[3] = { 0 };

	add(&lists[0], "0000:01:00.0", "sys/a");
	add(&lists[0], "0000:02:00.0", "sys/missing");
	add(&lists[0], "0000:02:00.0", "sys/b");
	add(&lists[2], "0000:03:00.0", "sys/c");
	add(&lists[2], "0000:04:00.0", "sys/d");
	assert_int_equal(change_perform_all(&sys->change, lists, 3, &sys->err), -ENOENT);
	assert_string_equal(sys->err.subject, "0000:02:00.0");
	assert_non_null(strstr(sys->err.message, "set it: "));
	system_assert_file(sys, "sys/a", "1");
	system_assert_file(sys, "sys/b", "0");
	system_assert_file(sys, "sys/c", "1");
	system_assert_file(sys, "sys/d", "1");
	for (size_t i = 0; i < 3; i++)
		change_steps_free(&lists[i]);
}

static void each_failure_is_told(void **state)
{
	struct system *sys = *state;
	struct change_steps lists[2] = { 0 };

	add(&lists[0], "0000:01:00.0", "sys/missing");
	add(&lists[1], "0000:02:00.0", "sys/missing");
	assert_int_equal(change_perform_all(&sys->change, lists, 2, &sys->err), -ENOENT);
	assert_string_equal(sys->err.subject, "0000:01:00.0");
	assert_non_null(sys->err.evidence);
	assert_non_null(strstr(sys->err.evidence[0], "0000:02:00.0: set it"));
	assert_null(sys->err.evidence[1]);
	for (size_t i = 0; i < 2; i++)
		change_steps_free(&lists[i]);
}

/* Which device came back, as a file of that name. */
static void note_return(struct change *change, const char *device, void *argument)
{
	struct system *sys = argument;
	int fd = openat(sys->tree->fd, device, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)change;
	if (fd >= 0)
		close(fd);
}

static void a_hang_holds_nobody_up_and_nothing_follows_it(void **state)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct system *sys = *state;
	struct change_steps lists[2] = { 0 };
	bool came_back = false;
	int fd;

	sys->change.options = (struct change_options){
		.deadline_ms = 1500,
		.came_back = note_return,
		.argument = sys,
	};
	assert_int_equal(mkfifoat(sys->tree->fd, "sys/hangs", 0600), 0);
	add(&lists[0], "0000:01:00.0", "sys/a");
	add(&lists[0], "0000:02:00.0", "sys/hangs");
	add(&lists[0], "0000:03:00.0", "sys/b");
	add(&lists[1], "0000:04:00.0", "sys/c");
	assert_int_equal(change_perform_all(&sys->change, lists, 2, &sys->err),
			 -ETIMEDOUT);
	assert_string_equal(sys->err.subject, "0000:02:00.0");
	system_assert_file(sys, "sys/a", "1");
	system_assert_file(sys, "sys/c", "1");
	system_forget(sys);
	/* The one before it is free, it itself is the child's. */
	assert_int_equal(change_wait_for_device(&sys->change, "0000:01:00.0", 0, NULL),
			 0);
	assert_int_equal(change_wait_for_device(&sys->change, "0000:02:00.0", 0, NULL),
			 -ETIMEDOUT);
	fd = openat(sys->tree->fd, "sys/hangs", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	for (int i = 0; i < 2000 && !came_back; i++) {
		nanosleep(&pause, NULL);
		came_back = faccessat(sys->tree->fd, "0000:02:00.0", F_OK, 0) == 0;
	}
	close(fd);
	assert_true(came_back);
	assert_int_equal(
		change_wait_for_device(&sys->change, "0000:02:00.0", 10000, NULL), 0);
	system_assert_file(sys, "sys/b", "0");
	for (size_t i = 0; i < 2; i++)
		change_steps_free(&lists[i]);
}

static void what_has_not_come_true_is_a_failure(void **state)
{
	struct system *sys = *state;
	struct change_steps list = { 0 };
	const struct change_step step = {
		.kind = CHANGE_WRITE_ATTRIBUTE,
		.device = (char *)"0000:01:00.0",
		.target = (char *)"sys/a",
		.value = (char *)"1",
		.purpose = (char *)"bind to vfio-pci",
		.link = (char *)"sys/driver",
		.link_name = (char *)"vfio-pci",
	};

	tree_link(sys->tree, "sys/driver", "drivers/nvme");
	assert_int_equal(change_add(&list, &step), 0);
	add(&list, "0000:01:00.0", "sys/b");
	assert_int_equal(change_perform_all(&sys->change, &list, 1, &sys->err), -EIO);
	assert_non_null(strstr(sys->err.message, "/sys/driver is now nvme"));
	system_assert_file(sys, "sys/b", "0");
	change_steps_free(&list);
}

/* 03:00.0 has no folder; it fails as one that goes just then. */
static void a_device_that_has_gone_is_told_as_such_whatever_the_write_said(void **state)
{
	struct system *sys = *state;
	struct change_steps list = { 0 };

	add(&list, "0000:03:00.0", "sys/missing");
	assert_int_equal(change_perform_all(&sys->change, &list, 1, &sys->err), -ENOENT);
	assert_string_equal(sys->err.subject, "0000:03:00.0");
	assert_string_equal(sys->err.message, "set it: it is no longer there");
	change_steps_free(&list);
}

static void a_driver_that_is_not_loaded_is_named_with_the_way_out(void **state)
{
	struct system *sys = *state;
	struct change_steps list = { 0 };
	const struct change_step step = {
		.kind = CHANGE_WRITE_ATTRIBUTE,
		.device = (char *)"0000:01:00.0",
		.target = (char *)"sys/bus/pci/drivers/nvme/bind",
		.value = (char *)"0000:01:00.0",
		.purpose = (char *)"bind to nvme",
		.link = (char *)"sys/driver",
		.link_name = (char *)"nvme",
	};

	assert_int_equal(change_add(&list, &step), 0);
	assert_int_equal(change_perform_all(&sys->change, &list, 1, &sys->err), -ENOENT);
	assert_string_equal(sys->err.message, "bind to nvme: there is no such driver");
	assert_non_null(strstr(sys->err.hint, "modprobe nvme"));
	change_steps_free(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_list_ends_where_a_step_fails_and_the_others_do_not, setup,
			teardown),
		cmocka_unit_test_setup_teardown(each_failure_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_hang_holds_nobody_up_and_nothing_follows_it, setup, teardown),
		cmocka_unit_test_setup_teardown(what_has_not_come_true_is_a_failure,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_device_that_has_gone_is_told_as_such_whatever_the_write_said,
			setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_driver_that_is_not_loaded_is_named_with_the_way_out, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
