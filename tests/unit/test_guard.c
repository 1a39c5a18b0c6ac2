/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is held while tools run, and what they must have made. */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int put_system(void **state)
{
	if (system_setup(state) < 0)
		return -1;
	system_put_maker(*state, "cat /etc/file >/boot/image");
	tree_file(((struct system *)*state)->tree, "boot/image", "of one\n");
	return 0;
}

static int apply(struct system *sys, bool with_tool)
{
	struct change_edits edits = { 0 };
	int r;

	system_write(&edits, "etc/file", "two\n");
	if (with_tool) {
		system_run(&edits, "sbin/maker");
		string_list_add(&edits.items[1].makes, "boot/image");
		string_list_add(&edits.items[1].makes, "boot/gone");
	}
	r = system_apply(sys, &edits, NULL);
	change_edits_free(&edits);
	return r;
}

/* Another process that holds a lock until the descriptor is closed. */
static pid_t hold(struct system *sys, const char *path, short type, int *ret_end)
{
	int ends[2], ready[2];
	char byte = 0;
	pid_t pid;

	tree_file(sys->tree, path, "");
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct flock lock = { .l_type = type, .l_whence = SEEK_SET };
		int fd = openat(sys->tree->fd, path, O_RDWR | O_CLOEXEC);

		close(ends[1]);
		if (fcntl(fd, F_SETLK, &lock) == 0)
			byte = 1;
		write(ready[1], &byte, 1);
		read(ends[0], &byte, 1);
		_exit(0);
	}
	close(ends[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 1);
	close(ready[0]);
	*ret_end = ends[1];
	return pid;
}

static void let_go(pid_t pid, int end)
{
	close(end);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void no_tool_runs_beside_a_package_manager(void **state)
{
	static const struct {
		const char *name, *path;
		short type;
	} managers[] = {
		{ "dpkg", "var/lib/dpkg/lock-frontend", F_WRLCK },
		{ "dpkg", "var/lib/dpkg/lock", F_WRLCK },
		{ "rpm", "var/lib/rpm/.rpm.lock", F_WRLCK },
		{ "rpm", "usr/lib/sysimage/rpm/.rpm.lock", F_WRLCK },
		{ "dnf", "run/dnf/rpmtransaction.lock", F_WRLCK },
	};
	struct system *sys = *state;
	char message[128];

	if (!system_can_run_tools())
		skip();
	for (size_t i = 0; i < sizeof(managers) / sizeof(managers[0]); i++) {
		int end;
		pid_t pid = hold(sys, managers[i].path, managers[i].type, &end);

		assert_int_equal(apply(sys, true), -EBUSY);
		assert_int_equal(sys->err.kind, ERROR_REFUSED);
		assert_string_equal(sys->err.subject, managers[i].name);
		snprintf(message, sizeof(message),
			 "the package manager is at work (process %d): nothing was"
			 " changed",
			 (int)pid);
		assert_string_equal(sys->err.message, message);
		assert_string_equal(sys->err.hint, "try again when it has finished");
		system_assert_file(sys, "etc/file", "one\n");
		/* Files alone are nobody's business but ours. */
		assert_int_equal(apply(sys, false), 0);
		let_go(pid, end);
		tree_file(sys->tree, "etc/file", "one\n");
		assert_int_equal(apply(sys, true), 0);
		/* What is taken back runs tools, too. */
		pid = hold(sys, managers[i].path, managers[i].type, &end);
		assert_int_equal(system_undo(sys, 2 * (unsigned int)i + 2), -EBUSY);
		system_assert_file(sys, "etc/file", "two\n");
		let_go(pid, end);
		assert_int_equal(system_undo(sys, 2 * (unsigned int)i + 2), 0);
	}
}

/* rpm -q holds its database for reading. */
static void one_who_only_reads_is_no_obstacle(void **state)
{
	struct system *sys = *state;
	int end;
	pid_t pid;

	if (!system_can_run_tools())
		skip();
	pid = hold(sys, "var/lib/rpm/.rpm.lock", F_RDLCK, &end);
	assert_int_equal(apply(sys, true), 0);
	let_go(pid, end);
}

static void the_lock_that_pacman_leaves_is_named(void **state)
{
	struct system *sys = *state;

	if (!system_can_run_tools())
		skip();
	tree_file(sys->tree, "var/lib/pacman/db.lck", "");
	assert_int_equal(apply(sys, true), -EBUSY);
	assert_string_equal(sys->err.subject, "pacman");
	assert_non_null(strstr(sys->err.hint, "remove /var/lib/pacman/db.lck"));
	system_assert_file(sys, "etc/file", "one\n");
	unlinkat(sys->tree->fd, "var/lib/pacman/db.lck", 0);
	assert_int_equal(apply(sys, true), 0);
}

static bool is_locked(const struct system *sys, const char *path)
{
	int fd = openat(sys->tree->fd, path, O_RDWR | O_CLOEXEC), status;
	pid_t pid = fork();

	if (pid == 0) {
		struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

		_exit(fcntl(fd, F_SETLK, &lock) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fd);
	return WEXITSTATUS(status);
}

static struct system *watched;
static int seen;

static void look_at_lock(const struct change_edit *edit, void *argument)
{
	(void)argument;
	if (edit->kind != EDIT_RUN)
		return;
	/* From another process: closing the file here would give the lock up. */
	seen = fork();
	if (seen == 0)
		_exit(is_locked(watched, "var/lib/dpkg/lock-frontend"));
	assert_int_equal(waitpid(seen, &seen, 0) > 0, 1);
}

/* A kernel's package that comes in meanwhile would make images at the same time. */
static void apt_waits_while_tools_run(void **state)
{
	static const char *const none[] = { NULL };
	struct system *sys = *state;
	struct change_watcher watcher = { look_at_lock, NULL, NULL };
	struct change_title title = { .title = "a test", .subjects = &sys->subjects };
	struct change_edits edits = { 0 };
	unsigned int id;

	if (!system_can_run_tools())
		skip();
	tree_file(sys->tree, "var/lib/dpkg/lock-frontend", "");
	watched = sys;
	change_edit_write(&edits, "etc/file", "a test", "two\n", 4);
	change_edit_run(&edits, "sbin/maker", none, "make an image");
	assert_int_equal(change_edits_look(sys->host, &edits, &sys->err), 0);
	assert_int_equal(
		change_apply(&sys->change, &title, &edits, &watcher, &id, &sys->err), 0);
	assert_int_equal(WEXITSTATUS(seen), 1);
	assert_false(is_locked(sys, "var/lib/dpkg/lock-frontend"));
	change_edits_free(&edits);
}

static void a_tool_that_makes_nothing_has_failed(void **state)
{
	struct system *sys = *state;

	if (!system_can_run_tools())
		skip();
	system_tool(sys, "sbin/maker", "echo not updating; exit 0");
	assert_int_equal(apply(sys, true), -EALREADY);
	assert_string_equal(sys->err.subject, "/sbin/maker");
	assert_string_equal(sys->err.evidence[0], "everything is as it was before");
	assert_string_equal(sys->err.message,
			    "it ended as if all were well, and /boot/image"
			    " is as it was before");
	system_assert_file(sys, "etc/file", "one\n");
	/* Of what is not there at all nothing can be said. */
	unlinkat(sys->tree->fd, "boot/image", 0);
	assert_int_equal(apply(sys, true), 0);
	/* After the kernel came back it counts again, for an undo as well. */
	tree_file(sys->tree, "boot/image", "another\n");
	assert_int_equal(system_undo(sys, 2), -EALREADY);
	system_tool(sys, "sbin/maker", "cat /etc/file >/boot/image");
	assert_int_equal(system_undo(sys, 2), 0);
	system_assert_file(sys, "boot/image", "one\n");
}

#define SYSTEM_TEST(name) \
	cmocka_unit_test_setup_teardown(name, put_system, system_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(no_tool_runs_beside_a_package_manager),
		SYSTEM_TEST(one_who_only_reads_is_no_obstacle),
		SYSTEM_TEST(the_lock_that_pacman_leaves_is_named),
		SYSTEM_TEST(apt_waits_while_tools_run),
		SYSTEM_TEST(a_tool_that_makes_nothing_has_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
