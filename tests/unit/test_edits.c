/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Applying edits, and undoing them. */
#include "system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Mode, owner, times and attributes that a new file would not have. */
static void dress(const struct system *sys, const char *path)
{
	const struct timespec times[2] = { { 2000000000, 7 }, { 1000000000, 123456789 } };
	int fd = openat(sys->tree->fd, path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	if (geteuid() == 0)
		assert_int_equal(fchown(fd, 12, 34), 0);
	assert_int_equal(fchmod(fd, 0640), 0);
	/* Where the file system takes them. */
	fsetxattr(fd, "user.origin", "a\0b", 3, 0);
	fsetxattr(fd, "user.empty", "", 0, 0);
	if (geteuid() == 0)
		fsetxattr(fd, "security.pciferry", "label", 6, 0);
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static void assert_all_comes_back(struct system *sys, struct change_edits *edits)
{
	char *before = system_snapshot(sys), *after, *back;
	unsigned int id = 0;

	assert_int_equal(system_apply(sys, edits, &id), 0);
	assert_true(id > 0);
	after = system_snapshot(sys);
	assert_string_not_equal(before, after);
	assert_int_equal(system_undo(sys, id), 0);
	back = system_snapshot(sys);
	assert_string_equal(before, back);
	/* Undone twice is undone once. */
	assert_int_equal(system_undo(sys, id), 0);
	free(back);
	back = system_snapshot(sys);
	assert_string_equal(before, back);
	free(before);
	free(after);
	free(back);
	change_edits_free(edits);
}

static void undo_gives_everything_back(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };

	tree_file(sys->tree, "etc/edited", "one\ntwo\n");
	tree_file(sys->tree, "etc/removed", "gone\n");
	tree_file(sys->tree, "etc/with spaces \"and\" \\ \xff\n", "no newline");
	tree_file(sys->tree, "etc/empty", "");
	tree_file(sys->tree, "etc/emptied", "x");
	dress(sys, "etc/edited");
	dress(sys, "etc/removed");
	system_write(&edits, "etc/edited", "one\n2\n");
	change_edit_remove(&edits, "etc/removed", "a test");
	system_write(&edits, "etc/with spaces \"and\" \\ \xff\n", "other");
	system_write(&edits, "etc/empty", "not any more");
	system_write(&edits, "etc/emptied", "");
	system_write(&edits, "etc/created", "new");
	system_write(&edits, "etc/a/b/c/created", "");
	system_write(&edits, "etc/a/b/other", "new\n");
	system_write(&edits, "toplevel", "new\n");
	assert_all_comes_back(sys, &edits);
}

static void an_edited_file_keeps_its_mode_owner_and_attributes(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	struct stat status;
	char value[16];

	tree_file(sys->tree, "etc/edited", "one\n");
	dress(sys, "etc/edited");
	system_write(&edits, "etc/edited", "two\n");
	system_write(&edits, "etc/new/file", "two\n");
	umask(077);
	assert_int_equal(system_apply(sys, &edits, NULL), 0);
	umask(022);
	assert_int_equal(fstatat(sys->tree->fd, "etc/edited", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	assert_int_equal(status.st_uid, geteuid() == 0 ? 12 : geteuid());
	assert_true(status.st_mtime > 1000000000);
	/* What is new is everybody's to read, folder and file. */
	assert_int_equal(fstatat(sys->tree->fd, "etc/new/file", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
	assert_int_equal(fstatat(sys->tree->fd, "etc/new", &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0755);
	/* The journal is root's alone: files that only root may read are in it. */
	assert_int_equal(fstatat(sys->tree->fd, CHANGE_JOURNAL, &status, 0), 0);
	assert_int_equal(status.st_mode & 07777, 0700);
	snprintf(value, sizeof(value), "none");
	{
		int fd = openat(sys->tree->fd, "etc/edited", O_RDONLY | O_CLOEXEC);

		if (fgetxattr(fd, "user.origin", value, sizeof(value)) >= 0)
			assert_memory_equal(value, "a\0b", 3);
		else
			assert_int_not_equal(errno, ENODATA);
		close(fd);
	}
	change_edits_free(&edits);
}

/* A folder whose new files get an access list of their own. */
static bool give_default_list(const struct system *sys, const char *path)
{
	static const unsigned char list[] = {
		2,  0, 0, 0,			 /* version */
		1,  0, 7, 0, 255, 255, 255, 255, /* the owner */
		2,  0, 7, 0, 99,  0,   0,   0,	 /* user 99 */
		4,  0, 5, 0, 255, 255, 255, 255, /* the group */
		16, 0, 7, 0, 255, 255, 255, 255, /* the mask */
		32, 0, 5, 0, 255, 255, 255, 255, /* the others */
	};
	char full[256];

	snprintf(full, sizeof(full), "%s/%s", sys->tree->path, path);
	return setxattr(full, "system.posix_acl_default", list, sizeof(list), 0) == 0;
}

static void no_access_list_comes_in_from_the_folder(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };

	tree_file(sys->tree, "etc/edited", "one\n");
	if (!give_default_list(sys, "etc"))
		skip();
	system_write(&edits, "etc/edited", "two\n");
	assert_all_comes_back(sys, &edits);
}

static void many_and_large_attributes_are_kept(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	char name[64], value[2000] = { 1, 2, 3 };
	int fd, kept = 0;

	tree_file(sys->tree, "etc/edited", "one\n");
	fd = openat(sys->tree->fd, "etc/edited", O_RDONLY | O_CLOEXEC);
	kept += fsetxattr(fd, "user.large", value, sizeof(value), 0) == 0;
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "user.of_a_rather_long_name_%d", i);
		kept += fsetxattr(fd, name, "x", 1, 0) == 0;
	}
	close(fd);
	if (!kept)
		skip();
	system_write(&edits, "etc/edited", "two\n");
	assert_all_comes_back(sys, &edits);
}

static void a_large_file_comes_back(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	size_t len = 5 << 20;
	char *bytes = malloc(len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * i >> 7);
	tree_bytes(sys->tree, "etc/large", bytes, len);
	bytes[len / 2] ^= 1;
	change_edit_write(&edits, "etc/large", "a test", bytes, len);
	assert_all_comes_back(sys, &edits);
	free(bytes);
}

static void a_folder_that_somebody_else_uses_stays(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	unsigned int id;

	system_write(&edits, "etc/a/b/file", "new");
	assert_int_equal(system_apply(sys, &edits, &id), 0);
	tree_file(sys->tree, "etc/a/theirs", "x");
	assert_int_equal(system_undo(sys, id), 0);
	system_assert_gone(sys, "etc/a/b");
	system_assert_file(sys, "etc/a/theirs", "x");
	change_edits_free(&edits);
}

/* Undone, and then asked for again as after a crash: it must not make what is gone. */
static void an_interrupted_undo_makes_no_folders(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	char *before = system_snapshot(sys), *back;
	unsigned int id;

	system_write(&edits, "etc/a/b/file", "new");
	assert_int_equal(system_apply(sys, &edits, &id), 0);
	assert_int_equal(system_undo(sys, id), 0);
	tree_file(sys->tree, CHANGE_JOURNAL "/1/state", "begin 0\napplied\nundo\n");
	assert_int_equal(system_undo(sys, id), 0);
	back = system_snapshot(sys);
	assert_string_equal(before, back);
	free(before);
	free(back);
	change_edits_free(&edits);
}

static void a_second_apply_does_nothing(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };

	tree_file(sys->tree, "etc/there", "one\n");
	system_write(&edits, "etc/there", "one\n");
	change_edit_remove(&edits, "etc/not-there", "a test");
	system_run(&edits, "sbin/tool");
	assert_int_equal(change_edits_look(sys->host, &edits, &sys->err), 0);
	assert_int_equal(edits.count, 0);
	/* One that is left needs its tool. */
	system_write(&edits, "etc/there", "one\n");
	system_write(&edits, "etc/new", "");
	system_run(&edits, "sbin/tool");
	assert_int_equal(change_edits_look(sys->host, &edits, &sys->err), 0);
	assert_int_equal(edits.count, 2);
	assert_string_equal(edits.items[0].path, "etc/new");
	assert_int_equal(edits.items[1].kind, EDIT_RUN);
	change_edits_free(&edits);
}

static void a_tool_that_is_there_twice_runs_once_and_last(void **state)
{
	static const char *const all[] = { "-u", NULL }, *const one[] = { "-k", NULL };
	struct change_edits edits = { 0 };

	(void)state;
	change_edit_run(&edits, "sbin/tool", all, "a test");
	change_edit_run(&edits, "sbin/tool", one, "a test");
	change_edit_run(&edits, "sbin/tool", all, "a test");
	assert_int_equal(edits.count, 2);
	assert_string_equal(edits.items[0].arguments.items[0], "-k");
	assert_string_equal(edits.items[1].arguments.items[0], "-u");
	change_edits_free(&edits);
}

static void what_was_changed_since_it_was_planned_is_not_overwritten(void **state)
{
	struct system *sys = *state;
	struct change_title title = { .title = "a test", .subjects = &sys->subjects };
	struct change_edits edits = { 0 };
	unsigned int id;

	tree_file(sys->tree, "etc/first", "one\n");
	tree_file(sys->tree, "etc/second", "one\n");
	system_write(&edits, "etc/first", "two\n");
	system_write(&edits, "etc/second", "two\n");
	system_write(&edits, "etc/third", "two\n");
	assert_int_equal(change_edits_look(sys->host, &edits, &sys->err), 0);
	tree_file(sys->tree, "etc/second", "theirs\n");
	assert_true(change_apply(&sys->change, &title, &edits, NULL, &id, &sys->err) < 0);
	assert_int_equal(sys->err.kind, ERROR_REFUSED);
	assert_string_equal(sys->err.subject, "/etc/second");
	system_assert_file(sys, "etc/first", "one\n");
	system_assert_file(sys, "etc/second", "theirs\n");
	/* Nor what has come into being, even as it was to be. */
	tree_file(sys->tree, "etc/second", "one\n");
	tree_file(sys->tree, "etc/third", "two\n");
	assert_true(change_apply(&sys->change, &title, &edits, NULL, &id, &sys->err) < 0);
	assert_string_equal(sys->err.subject, "/etc/third");
	system_assert_file(sys, "etc/first", "one\n");
	system_assert_gone(sys, CHANGE_JOURNAL);
	change_edits_free(&edits);
}

static void refuse_path(struct system *sys, const char *path, int expected)
{
	struct change_edits edits = { 0 };
	char *before = system_snapshot(sys), *after;

	system_write(&edits, "etc/aaa", "new\n");
	system_write(&edits, path, "new\n");
	assert_int_equal(system_apply(sys, &edits, NULL), expected);
	assert_string_equal(sys->err.subject + 1, path);
	assert_null(strchr(sys->err.message, '\n'));
	after = system_snapshot(sys);
	assert_string_equal(before, after);
	free(before);
	free(after);
	change_edits_free(&edits);
}

static void what_is_no_file_is_refused(void **state)
{
	struct system *sys = *state;

	tree_file(sys->tree, "etc/file", "one\n");
	tree_link(sys->tree, "etc/link", "file");
	tree_link(sys->tree, "etc/dangling", "nowhere");
	tree_folder(sys->tree, "etc/folder");
	assert_int_equal(mkfifoat(sys->tree->fd, "etc/pipe", 0600), 0);
	refuse_path(sys, "etc/link", -ELOOP);
	refuse_path(sys, "etc/dangling", -ELOOP);
	refuse_path(sys, "etc/folder", -EISDIR);
	refuse_path(sys, "etc/pipe", -EINVAL);
	refuse_path(sys, "etc/file/below", -ENOTDIR);
	/* A folder cannot be made where a link leads nowhere. */
	refuse_path(sys, "etc/dangling/below", -ENOENT);
	refuse_path(sys, "etc/aaa", -EEXIST);
}

/* Replacing one name would leave the other one with the old file. */
static void a_file_with_two_names_is_refused(void **state)
{
	struct system *sys = *state;

	tree_file(sys->tree, "etc/one", "x\n");
	assert_int_equal(linkat(sys->tree->fd, "etc/one", sys->tree->fd, "etc/two", 0),
			 0);
	refuse_path(sys, "etc/one", -EMLINK);
	assert_non_null(strstr(sys->err.hint, "cp -a"));
	unlinkat(sys->tree->fd, "etc/two", 0);
}

static void a_huge_file_is_refused(void **state)
{
	struct system *sys = *state;
	int fd;

	tree_file(sys->tree, "etc/huge", "");
	fd = openat(sys->tree->fd, "etc/huge", O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, HOST_FILE_MAX + 1), 0);
	close(fd);
	refuse_path(sys, "etc/huge", -EFBIG);
}

/* A folder may well be a link, as /etc/default on some systems; the file behind it is
 * one. */
static void a_folder_that_is_a_link_is_followed_within_the_root(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	unsigned int id;

	tree_file(sys->tree, "data/default/grub", "one\n");
	tree_link(sys->tree, "etc/default", "/data/default");
	system_write(&edits, "etc/default/grub", "two\n");
	system_write(&edits, "etc/default/new/file", "two\n");
	assert_int_equal(system_apply(sys, &edits, &id), 0);
	system_assert_file(sys, "data/default/grub", "two\n");
	system_assert_file(sys, "data/default/new/file", "two\n");
	assert_int_equal(system_undo(sys, id), 0);
	system_assert_file(sys, "data/default/grub", "one\n");
	system_assert_gone(sys, "data/default/new");
	change_edits_free(&edits);
}

/* A mode with special bits, and an access list: chown(2) would take the first away. */
static void special_modes_and_access_lists_are_kept(void **state)
{
	static const unsigned char list[] = {
		2,  0, 0, 0,			 /* version */
		1,  0, 6, 0, 255, 255, 255, 255, /* the owner */
		2,  0, 4, 0, 7,	  0,   0,   0,	 /* user 7 */
		4,  0, 0, 0, 255, 255, 255, 255, /* the group */
		16, 0, 4, 0, 255, 255, 255, 255, /* the mask */
		32, 0, 0, 0, 255, 255, 255, 255, /* the others */
	};
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	struct stat before, after;
	char path[256], found[64];
	bool has_list;

	tree_file(sys->tree, "etc/special", "one\n");
	tree_file(sys->tree, "etc/listed", "one\n");
	snprintf(path, sizeof(path), "%s/etc/special", sys->tree->path);
	assert_int_equal(chown(path, 12, 34), 0);
	assert_int_equal(chmod(path, 06755), 0);
	snprintf(path, sizeof(path), "%s/etc/listed", sys->tree->path);
	has_list = setxattr(path, "system.posix_acl_access", list, sizeof(list), 0) == 0;
	assert_int_equal(fstatat(sys->tree->fd, "etc/special", &before, 0), 0);
	system_write(&edits, "etc/special", "two\n");
	system_write(&edits, "etc/listed", "two\n");
	assert_int_equal(system_apply(sys, &edits, NULL), 0);
	assert_int_equal(fstatat(sys->tree->fd, "etc/special", &after, 0), 0);
	assert_int_equal(after.st_mode, before.st_mode);
	assert_int_equal(after.st_uid, 12);
	if (has_list) {
		assert_int_equal(getxattr(path, "system.posix_acl_access", found,
					  sizeof(found)),
				 sizeof(list));
		assert_memory_equal(found, list, sizeof(list));
	}
	assert_int_equal(system_undo(sys, 1), 0);
	change_edits_free(&edits);
	tree_file(sys->tree, "etc/special", "one\n");
	system_write(&edits, "etc/special", "two\n");
	system_write(&edits, "etc/listed", "two\n");
	assert_all_comes_back(sys, &edits);
}

static mode_t mode_of(const struct system *sys, const char *path)
{
	struct stat status;

	assert_int_equal(fstatat(sys->tree->fd, path, &status, 0), 0);
	return status.st_mode & 07777;
}

/* A hook that is no program is passed over. */
static void a_program_can_be_run_and_its_mode_comes_back(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	mode_t old_mask = umask(077);

	assert_int_equal(change_edit_write_program(&edits, "etc/new", "a test", "x", 1),
			 0);
	assert_int_equal(system_apply(sys, &edits, NULL), 0);
	assert_int_equal(mode_of(sys, "etc/new"), 0755);
	umask(old_mask);
	/* There already: nothing to be done. */
	assert_int_equal(change_edits_look(sys->host, &edits, &sys->err), 0);
	assert_int_equal(edits.count, 0);
	/* There, and nobody may run it. */
	assert_int_equal(fchmodat(sys->tree->fd, "etc/new", 0640, 0), 0);
	assert_int_equal(change_edit_write_program(&edits, "etc/new", "a test", "x", 1),
			 0);
	assert_int_equal(system_apply(sys, &edits, NULL), 0);
	assert_int_equal(mode_of(sys, "etc/new"), 0755);
	assert_int_equal(system_undo(sys, 2), 0);
	assert_int_equal(mode_of(sys, "etc/new"), 0640);
	assert_int_equal(system_undo(sys, 1), 0);
	system_assert_gone(sys, "etc/new");
	change_edits_free(&edits);
}

static void a_long_name_can_be_changed(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	char path[300] = "etc/";

	memset(path + 4, 'n', 255);
	path[4 + 255] = '\0';
	system_write(&edits, path, "new\n");
	assert_all_comes_back(sys, &edits);
}

static void numbers_are_given_in_order_and_never_again(void **state)
{
	struct system *sys = *state;
	struct change_edits edits = { 0 };
	struct change_history history;
	unsigned int id;

	tree_folder(sys->tree, CHANGE_JOURNAL "/7");
	tree_folder(sys->tree, CHANGE_JOURNAL "/notes");
	system_write(&edits, "etc/new", "one\n");
	assert_int_equal(system_apply(sys, &edits, &id), 0);
	assert_int_equal(id, 8);
	assert_int_equal(change_history_read(sys->host, &history, &sys->err), 0);
	assert_int_equal(history.count, 2);
	assert_int_equal(history.items[0].id, 7);
	assert_int_equal(history.items[1].id, 8);
	assert_int_equal(history.items[1].state, CHANGE_APPLIED);
	assert_string_equal(history.items[1].title, "a test");
	assert_string_equal(history.items[1].edits.items[0].bytes, "one\n");
	change_history_free(&history);
	change_edits_free(&edits);
}

#define SYSTEM_TEST(name) \
	cmocka_unit_test_setup_teardown(name, system_setup, system_teardown)

/* As vm run does it for a guest's variables, with the path as a person writes it. */
static void a_file_is_created_with_the_folders_above_it(void **state)
{
	static const char *const paths[] = { "/var/lib/a/b/file", "var/lib/c/file" };
	struct system *sys = *state;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const char *name = paths[i] + strspn(paths[i], "/");

		assert_int_equal(change_create_file(sys->host, paths[i], "x", 1, NULL),
				 0);
		system_assert_file(sys, name, "x");
		assert_int_equal(change_create_file(sys->host, paths[i], "y", 1, NULL),
				 -EEXIST);
		system_assert_file(sys, name, "x");
	}
}

/* As vm run does it for sockets and a TPM's state. */
static void a_folder_is_for_its_user_alone_and_only_a_socket_is_removed(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct system *sys = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), root = host_root_fd(sys->host);

	assert_int_equal(change_create_folder(sys->host, "/run/a/b"), 0);
	assert_int_equal(mode_of(sys, "run/a/b"), 0700);
	assert_int_equal(fchmodat(root, "run/a/b", 0777, 0), 0);
	assert_int_equal(change_create_folder(sys->host, "/run/a/b"), 0);
	assert_int_equal(mode_of(sys, "run/a/b"), 0700);

	assert_int_equal(change_remove_socket(sys->host, "/run/a/b/s"), 0);
	assert_int_equal(change_create_file(sys->host, "/run/a/b/s", "x", 1, NULL), 0);
	assert_int_equal(change_remove_socket(sys->host, "/run/a/b/s"), -ENOTSOCK);
	system_assert_file(sys, "run/a/b/s", "x");
	assert_int_equal(unlinkat(root, "run/a/b/s", 0), 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/run/a/b/s",
		 root);
	assert_int_equal(change_check_socket(sys->host, "/run/a/b/s"), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(change_check_socket(sys->host, "/run/a/b/s"), -EADDRINUSE);
	assert_int_equal(change_remove_socket(sys->host, "/run/a/b/s"), -EADDRINUSE);
	close(fd);
	assert_int_equal(change_check_socket(sys->host, "/run/a/b/s"), 0);
	assert_int_equal(change_remove_socket(sys->host, "/run/a/b/s"), 0);
	assert_int_equal(faccessat(root, "run/a/b/s", F_OK, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SYSTEM_TEST(undo_gives_everything_back),
		SYSTEM_TEST(a_file_is_created_with_the_folders_above_it),
		SYSTEM_TEST(a_folder_is_for_its_user_alone_and_only_a_socket_is_removed),
		SYSTEM_TEST(an_edited_file_keeps_its_mode_owner_and_attributes),
		SYSTEM_TEST(no_access_list_comes_in_from_the_folder),
		SYSTEM_TEST(many_and_large_attributes_are_kept),
		SYSTEM_TEST(a_large_file_comes_back),
		SYSTEM_TEST(a_folder_that_somebody_else_uses_stays),
		SYSTEM_TEST(an_interrupted_undo_makes_no_folders),
		SYSTEM_TEST(a_second_apply_does_nothing),
		cmocka_unit_test(a_tool_that_is_there_twice_runs_once_and_last),
		SYSTEM_TEST(what_was_changed_since_it_was_planned_is_not_overwritten),
		SYSTEM_TEST(what_is_no_file_is_refused),
		SYSTEM_TEST(a_file_with_two_names_is_refused),
		SYSTEM_TEST(a_huge_file_is_refused),
		SYSTEM_TEST(a_folder_that_is_a_link_is_followed_within_the_root),
		SYSTEM_TEST(special_modes_and_access_lists_are_kept),
		SYSTEM_TEST(a_program_can_be_run_and_its_mode_comes_back),
		SYSTEM_TEST(a_long_name_can_be_changed),
		SYSTEM_TEST(numbers_are_given_in_order_and_never_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
