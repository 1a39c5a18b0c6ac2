/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel says from a moment on, and where memory is. A file stands for
 * /dev/kmsg, which gives a record with each read; the messages lost are the kernel's own.
 */
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "host/frames.h"
#include "host/host.h"
#include "host/kernellog.h"

static void say(const struct tree *tree, const char *text)
{
	_cleanup_close_ int fd =
		openat(tree->fd, "dev/kmsg", O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void only_what_is_said_from_then_on_is_heard(void **state)
{
	const struct tree *tree = *state;
	_cleanup_(host_cleanup) struct host *host = NULL;
	_cleanup_free_ char *none = NULL, *some = NULL;
	_cleanup_close_ int fd = -1;
	size_t len = 7;
	bool lost = true;

	tree_folder(tree, "sys/bus/pci/devices");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	assert_int_equal(host_kernel_log_follow(host, &fd), -ENOENT);
	tree_file(tree, "dev/kmsg", "6,1,10,-;before; that\n");
	assert_int_equal(host_kernel_log_follow(host, &fd), 0);
	assert_int_equal(host_kernel_log_next(fd, &none, &len, &lost), 0);
	assert_string_equal(none, "");
	assert_int_equal(len, 0);
	assert_false(lost);
	say(tree, "3,2,20,-;one; and more\n SUBSYSTEM=pci\n DEVICE=+pci:x;y\nno record\n"
		  "12,4,25,-;a program's\n"
		  "4,3,30,c,x=1;two");
	assert_int_equal(host_kernel_log_next(fd, &some, &len, &lost), 0);
	assert_string_equal(some, "one; and more\ntwo");
	assert_int_equal(len, strlen(some));
}

static void pages_are_where_the_kernel_says_or_nobody_is_told(void **state)
{
	static const uint64_t entries[] = {
		1ULL << 63 | 1ULL << 55 | 0x12345, /* present, and soft-dirty */
		1ULL << 62 | 0x777,		   /* swapped */
		0,
	};
	static const uint64_t hidden = 1ULL << 63;
	const struct tree *tree = *state;
	_cleanup_(host_cleanup) struct host *host = NULL;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), addresses[3];

	tree_folder(tree, "sys/bus/pci/devices");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	assert_int_equal(host_frames_read(host, (void *)0, 3, addresses), -ENOENT);
	tree_bytes(tree, "proc/self/pagemap", entries, sizeof(entries));
	assert_int_equal(host_frames_read(host, (void *)0, 3, addresses), 0);
	assert_int_equal(addresses[0], 0x12345 * page);
	assert_int_equal(addresses[1], 0);
	assert_int_equal(addresses[2], 0);
	assert_int_equal(host_frames_read(host, (void *)page, 1, addresses), 0);
	assert_int_equal(addresses[0], 0);
	assert_int_equal(host_frames_read(host, (void *)page, 3, addresses), -EIO);
	tree_bytes(tree, "proc/self/pagemap", &hidden, sizeof(hidden));
	assert_int_equal(host_frames_read(host, (void *)0, 1, addresses), -EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_what_is_said_from_then_on_is_heard,
						tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(
			pages_are_where_the_kernel_says_or_nobody_is_told, tree_setup,
			tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
