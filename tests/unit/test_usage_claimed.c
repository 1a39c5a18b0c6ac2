/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last look before a disk is taken away: whether the kernel has it claimed. */
#include "looked.h"

#include <sys/resource.h>

#include "base/cleanup.h"
#include "host/claimed.h"

#define CLAIMED "pciferry/claimed"

static void look_closer(const struct tree *tree, struct looked *looked)
{
	look(tree, looked);
	for (size_t i = 0; i < looked->devices.count; i++) {
		const struct pci_device *device = &looked->devices.items[i];
		_cleanup_(string_list_free) struct string_list disks = { 0 };

		assert_int_equal(
			usage_look_for_claims(&looked->usage, &device, 1, &disks), 0);
	}
}

static void a_disk_that_nobody_claims_is_free(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	look_closer(tree, &looked);
	expect_free(&looked, DISK);
	look_away(&looked);
	tree_file(tree, CLAIMED, "nvme0n10\nnvme0n1p10\nsda\n");
	look_closer(tree, &looked);
	expect_free(&looked, DISK);
	expect_free(&looked, OTHER_DISK);
	look_away(&looked);
}

static void a_disk_that_the_kernel_has_claimed_is_in_use(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_file(tree, CLAIMED, "nvme0n1\n");
	look_closer(tree, &looked);
	expect_use(&looked, DISK, USAGE_HOLDER, "nvme0n1 is claimed by the kernel");
	expect_free(&looked, OTHER_DISK);
	look_away(&looked);
	/* With a partition its disk is claimed, too. */
	tree_file(tree, CLAIMED, "nvme0n1\nnvme0n1p2\n");
	look_closer(tree, &looked);
	expect_use(&looked, DISK, USAGE_HOLDER, "nvme0n1p2 is claimed by the kernel");
	assert_int_equal(count_use(&looked, DISK, USAGE_HOLDER), 1);
	look_away(&looked);
}

static void a_multipath_disk_is_asked_for_by_its_head(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:06:00.0", MODALIAS_NVME, "nvme", "6");
	quiet_class(tree, "block", "pci0000:00/0000:06:00.0/nvme/nvme7", "nvme5c7n1");
	tree_file(tree, CLAIMED, "nvme5n1\n");
	look_closer(tree, &looked);
	expect_use(&looked, "0000:06:00.0", USAGE_HOLDER, "nvme5n1 is claimed");
	expect_free(&looked, DISK);
	look_away(&looked);
}

static void what_the_kernel_does_not_answer_counts(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_file(tree, CLAIMED, "nvme0n1 ?\n");
	look_closer(tree, &looked);
	expect_unreadable(&looked, DISK, "whether the kernel has nvme0n1 claimed");
	look_away(&looked);
}

/* Nothing more is to be learnt: the disk is not opened. */
static void a_disk_in_use_is_not_asked_for(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_file(tree, CLAIMED, "nvme0n1\nnvme0n1p1\n");
	quiet_mounts(tree, "30 22 259:1 / /mnt rw - ext4 /dev/nvme0n1p1 rw\n", "");
	look_closer(tree, &looked);
	expect_use(&looked, DISK, USAGE_MOUNT, "nvme0n1p1 is mounted on /mnt");
	assert_int_equal(count_use(&looked, DISK, USAGE_HOLDER), 0);
	look_away(&looked);
}

/* On this machine, of a name that no disk has. */
static void what_has_no_node_is_not_known(void **state)
{
	const char *const names[] = { "no-such-disk", "zero" };
	enum host_claim claims[] = { HOST_CLAIM_NONE, HOST_CLAIM_NONE };
	struct host *host;

	(void)state;
	assert_int_equal(host_open_live(&host, NULL), 0);
	assert_int_equal(host_find_claimed(host, names, 2, 10000, claims), 0);
	assert_int_equal(claims[0], HOST_CLAIM_UNKNOWN);
	assert_int_equal(claims[1], HOST_CLAIM_UNKNOWN);
	host_free(host);
}

/* Not an error: the rest is known, and the disk counts as in use. */
static void without_a_child_to_ask_it_is_not_known(void **state)
{
	const char *const name = "no-such-disk";
	enum host_claim claim = HOST_CLAIM_NONE;
	struct rlimit usual, none;
	struct host *host;
	int r;

	(void)state;
	assert_int_equal(host_open_live(&host, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = usual.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	r = host_find_claimed(host, &name, 1, 10000, &claim);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
	assert_int_equal(r, 0);
	assert_int_equal(claim, HOST_CLAIM_UNKNOWN);
	host_free(host);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, disks_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_disk_that_nobody_claims_is_free),
		TEST(a_disk_that_the_kernel_has_claimed_is_in_use),
		TEST(a_multipath_disk_is_asked_for_by_its_head),
		TEST(what_the_kernel_does_not_answer_counts),
		TEST(a_disk_in_use_is_not_asked_for),
		TEST(what_has_no_node_is_not_known),
		TEST(without_a_child_to_ask_it_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
