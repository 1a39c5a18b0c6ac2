/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Folders shared by virtio: of a guest that gives its own devices on, perhaps its root.
 */
#include "looked.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FS	 "0000:02:00.0"
#define OTHER_FS "0000:03:00.0"
#define NINE	 "0000:04:00.0"
#define OTHER_9P "0000:05:00.0"

static void add_9p(const struct tree *tree, int number, const char *tag)
{
	char path[128], group[16];

	snprintf(path, sizeof(path), "0000:%02x:00.0", number);
	snprintf(group, sizeof(group), "%d", number);
	tree_function(tree, path, MODALIAS_VIRTIO_9P, "virtio-pci", group);
	snprintf(path, sizeof(path),
		 "sys/devices/pci0000:00/0000:%02x:00.0/virtio%d/mount_tag", number,
		 number);
	tree_bytes(tree, path, tag, strlen(tag) + 1);
}

static void add_virtiofs(const struct tree *tree, int number, const char *tag)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "sys/fs/virtiofs/%d/device", number);
	snprintf(target, sizeof(target),
		 "../../../devices/pci0000:00/0000:%02x:00.0/virtio%d", number, number);
	tree_link(tree, path, target);
	snprintf(path, sizeof(path), "sys/fs/virtiofs/%d/tag", number);
	tree_file(tree, path, tag);
}

static int shares_setup(void **state)
{
	const struct tree *tree = quiet_setup(state);

	tree_function(tree, FS, MODALIAS_VIRTIOFS, "virtio-pci", "2");
	tree_function(tree, OTHER_FS, MODALIAS_VIRTIOFS, "virtio-pci", "3");
	add_9p(tree, 4, "home");
	add_9p(tree, 5, "media");
	return 0;
}

static void expect_all_free(const struct tree *tree)
{
	look_expect_free(tree, FS);
	look_expect_free(tree, OTHER_FS);
	look_expect_free(tree, NINE);
	look_expect_free(tree, OTHER_9P);
}

static void a_share_that_is_not_mounted_is_free(void **state)
{
	const struct tree *tree = *state;

	expect_all_free(tree);
	/* Of this tag, and by another way. */
	quiet_mounts(tree,
		     "30 22 0:40 / /mnt rw - 9p home rw,trans=tcp,port=564\n"
		     "31 22 0:41 / /tmp rw - tmpfs home rw\n",
		     "");
	expect_all_free(tree);
}

static void a_root_on_virtiofs_is_not_pulled_away(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	add_virtiofs(tree, 2, "myroot\n");
	add_virtiofs(tree, 3, "data\n");
	quiet_mounts(tree, "30 22 0:40 / / rw - virtiofs myroot rw\n", "");
	look(tree, &looked);
	expect_use(&looked, FS, USAGE_ROOT,
		   "the share myroot is mounted on /: the root file system");
	expect_free(&looked, OTHER_FS);
	expect_free(&looked, NINE);
	look_away(&looked);
}

static void a_mounted_share_of_9p_is_in_use(void **state)
{
	const struct tree *tree = *state;

	quiet_mounts(tree, "30 22 0:40 / /home rw - 9p home rw,trans=virtio\n", "");
	look_expect_use(tree, NINE, USAGE_MOUNT, "the share home is mounted on /home");
	look_expect_free(tree, OTHER_9P);
	look_expect_free(tree, FS);
	/* Virtio is what it takes unless told. */
	quiet_mounts(tree, "30 22 0:40 / /home rw - 9p home rw,access=client\n", "");
	look_expect_use(tree, NINE, USAGE_MOUNT, "the share home is mounted on /home");
}

static void a_share_that_only_another_namespace_has_counts(void **state)
{
	const struct tree *tree = *state;

	quiet_process(tree, "812", "containerd-shim", "/dev/null");
	unlinkat(tree->fd, "proc/812/ns/mnt", 0);
	tree_link(tree, "proc/812/ns/mnt", "mnt:[4026532999]");
	tree_file(tree, "proc/812/mountinfo",
		  "90 80 0:40 / /data rw - 9p home rw,trans=virtio\n");
	look_expect_use(tree, NINE, USAGE_MOUNT,
			"on /data in the mount namespace of process 812");
	look_expect_free(tree, OTHER_9P);
}

/* Before Linux 6.9 nothing tells the tag of a virtiofs. */
static void while_a_share_of_unknown_tag_is_mounted_each_may_be_it(void **state)
{
	const struct tree *tree = *state;

	quiet_mounts(tree, "30 22 0:40 / / rw - virtiofs myroot rw\n", "");
	look_expect_unreadable(tree, FS,
			       "a virtiofs is mounted on /; whether it is this");
	look_expect_unreadable(tree, OTHER_FS, "a virtiofs is mounted on /");
	look_expect_free(tree, NINE);
	/* One whose tag is known is not it; one mounted by its number may be any. */
	add_virtiofs(tree, 3, "data\n");
	look_expect_unreadable(tree, FS, "a virtiofs is mounted on /");
	look_expect_free(tree, OTHER_FS);
	quiet_mounts(tree, "30 22 0:40 / / rw - 9p /dev/root rw,trans=virtio\n", "");
	look_expect_unreadable(tree, NINE, "a 9p is mounted on /");
	look_expect_unreadable(tree, OTHER_9P, "a 9p is mounted on /");
}

static void a_share_that_a_hidden_process_may_have_mounted_counts(void **state)
{
	const struct tree *tree = *state;

	quiet_unreadable(tree, "proc/812/ns/mnt");
	look_expect_unreadable(tree, NINE, "asked whether it has it mounted");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shares_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_share_that_is_not_mounted_is_free),
		TEST(a_root_on_virtiofs_is_not_pulled_away),
		TEST(a_mounted_share_of_9p_is_in_use),
		TEST(a_share_that_only_another_namespace_has_counts),
		TEST(while_a_share_of_unknown_tag_is_mounted_each_may_be_it),
		TEST(a_share_that_a_hidden_process_may_have_mounted_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
