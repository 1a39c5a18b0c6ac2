/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was in an image is remembered, and never trusted further than the image. */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "check/images.h"
#include "host/backend.h"

static const char path[] = "boot/image", memory[] = "run/pciferry/images/boot%image";

static size_t add_member(char *at, const char *name, unsigned int mode)
{
	size_t len = (size_t)sprintf(
		at, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08zX%08X%s", 1,
		mode, 0, 0, 1, 0, 0, 0, 0, 0, 0, strlen(name) + 1, 0, name);

	while (++len % 4)
		at[len] = '\0';
	return len;
}

/* An image with one module. */
static void write_image(const struct tree *tree, const char *module)
{
	static const struct timespec times[] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	char bytes[1024] = "", name[64];
	size_t len;

	snprintf(name, sizeof(name), "lib/modules/6.1/%s.ko", module);
	len = add_member(bytes, name, S_IFREG | 0644);
	len += add_member(bytes + len, "TRAILER!!!", 0);
	tree_bytes(tree, path, bytes, len);
	assert_int_equal(utimensat(tree->fd, path, times, 0), 0);
}

static int setup(void **state)
{
	int r = tree_setup(state);

	if (r == 0) {
		tree_folder(*state, "sys/bus/pci/devices");
		write_image(*state, "one");
	}
	return r;
}

static struct host *open_folder(const struct tree *tree, bool live)
{
	struct host *host = NULL;

	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	host->live = live;
	host->writable = live;
	return host;
}

static void assert_holds(const struct host *host, const char *module)
{
	struct bootcfg_image image;

	assert_int_equal(check_read_image(host, path, &image), 0);
	assert_null(image.problem);
	assert_non_null(bootcfg_modules_find(&image.modules, module));
	assert_int_equal(image.modules.count, 1);
	bootcfg_image_free(&image);
}

static bool is_remembered(const struct tree *tree)
{
	return faccessat(tree->fd, memory, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Only root remembers. */
static void need_root(void)
{
	if (geteuid() != 0)
		skip();
}

static void an_image_is_read_once(void **state)
{
	static const struct timespec later[] = { { .tv_sec = 2 }, { .tv_sec = 2 } };
	const struct tree *tree = *state;
	struct host *host = open_folder(tree, true);
	struct stat st;

	need_root();
	assert_holds(host, "one");
	assert_int_equal(fstatat(tree->fd, memory, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	/* The same file with the same size and time: nobody reads it again. */
	write_image(tree, "two");
	assert_holds(host, "one");
	assert_int_equal(utimensat(tree->fd, path, later, 0), 0);
	assert_holds(host, "two");
	host_free(host);
}

/* As a new image of the same kernel has it, which takes the old one's name. */
static void another_file_is_another_image(void **state)
{
	const struct tree *tree = *state;
	struct host *host = open_folder(tree, true);

	need_root();
	assert_holds(host, "one");
	assert_int_equal(renameat(tree->fd, path, tree->fd, "boot/old"), 0);
	write_image(tree, "two");
	assert_holds(host, "two");
	host_free(host);
}

static void change_byte(const struct tree *tree, off_t at)
{
	int fd = openat(tree->fd, memory, O_RDWR | O_CLOEXEC);
	char byte;

	assert_true(fd >= 0);
	at = at < 0 ? lseek(fd, at, SEEK_END) : at;
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void what_is_damaged_is_read_anew(void **state)
{
	static const off_t places[] = { 0, 2, 30, -1, -12, -25 };
	const struct tree *tree = *state;
	struct host *host = open_folder(tree, true);

	need_root();
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		write_image(tree, "one");
		assert_holds(host, "one");
		change_byte(tree, places[i]);
		write_image(tree, "two");
		assert_holds(host, "two");
		assert_int_equal(unlinkat(tree->fd, memory, 0), 0);
	}
	write_image(tree, "one");
	assert_holds(host, "one");
	tree_file(tree, memory, "");
	write_image(tree, "two");
	assert_holds(host, "two");
	host_free(host);
}

static void what_others_may_have_written_is_not_read(void **state)
{
	const struct tree *tree = *state;
	struct host *host = open_folder(tree, true);

	need_root();
	assert_holds(host, "one");
	write_image(tree, "two");
	assert_int_equal(fchmodat(tree->fd, memory, 0620, 0), 0);
	assert_holds(host, "two");
	write_image(tree, "one");
	assert_int_equal(fchownat(tree->fd, memory, 65534, 0, 0), 0);
	assert_holds(host, "one");
	assert_int_equal(renameat(tree->fd, memory, tree->fd, "elsewhere"), 0);
	tree_link(tree, memory, "../../../elsewhere");
	write_image(tree, "two");
	assert_holds(host, "two");
	host_free(host);
}

static void of_a_copy_nothing_is_remembered(void **state)
{
	const struct tree *tree = *state;
	struct host *host = open_folder(tree, false);

	assert_holds(host, "one");
	write_image(tree, "two");
	assert_holds(host, "two");
	assert_int_equal(faccessat(tree->fd, "run", F_OK, 0), -1);
	host_free(host);
}

static void without_root_each_reads_for_himself(void **state)
{
	const struct tree *tree = *state;
	struct host *host = open_folder(tree, true);

	need_root();
	assert_int_equal(chmod(tree->path, 0777), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_holds(host, "one");
	assert_int_equal(seteuid(0), 0);
	/* The leak sanitizer looks at this process from another one. */
	assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0);
	assert_false(is_remembered(tree));
	host_free(host);
}

static void a_problem_is_not_remembered(void **state)
{
	const struct tree *tree = *state;
	struct host *host = open_folder(tree, true);
	struct bootcfg_image image;

	need_root();
	tree_file(tree, path, "LUKS");
	assert_int_equal(check_read_image(host, path, &image), 0);
	assert_non_null(image.problem);
	bootcfg_image_free(&image);
	assert_false(is_remembered(tree));
	assert_int_equal(check_read_image(host, "boot/nothing", &image), -ENOENT);
	host_free(host);
}

/* What is remembered is in a recording, in the image's place and not in its own. */
static void a_recording_holds_what_is_remembered(void **state)
{
	const struct tree *tree = *state;
	struct host *host = open_folder(tree, true), *archive;
	_cleanup_free_ char *text = NULL;
	size_t len;

	need_root();
	assert_holds(host, "one");
	assert_int_equal(host_record(host, NULL), 0);
	write_image(tree, "two");
	assert_holds(host, "one");
	archive = recorder_replay(host, HOST_ARCHIVE_TAR, NULL);
	assert_holds(archive, "one");
	assert_int_equal(host_read_file(archive, memory, &text, &len), -ENODATA);
	host_free(archive);
	host_free(host);
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(an_image_is_read_once),
		TREE_TEST(another_file_is_another_image),
		TREE_TEST(what_is_damaged_is_read_anew),
		TREE_TEST(what_others_may_have_written_is_not_read),
		TREE_TEST(of_a_copy_nothing_is_remembered),
		TREE_TEST(without_root_each_reads_for_himself),
		TREE_TEST(a_problem_is_not_remembered),
		TREE_TEST(a_recording_holds_what_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
