/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For whom a device was moved. That it moves is shown in the virtual host. */
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/internal.h"

#define IDS    "pci:v000010DEd00001B39sv000010DEsd00001217bc03sc00i00\n"
#define RECORD "identity 10de:1b39/10de:1217\ndriver nvme\ndriver_override \n"

static const struct pci_address one = { .bus = 1 };

/* A function in a group of its own, and what is kept of it; NULL: nothing. */
static void put(const struct tree *tree, const char *address, const char *driver,
		const char *record, const char *guest)
{
	char path[128], group[2] = { address[6] };

	tree_function(tree, address, IDS, driver, group);
	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%c/devices", address[6]);
	tree_folder(tree, path);
	snprintf(path, sizeof(path), "run/pciferry/%s.first", address);
	if (record)
		tree_file(tree, path, record);
	snprintf(path, sizeof(path), "run/pciferry/%s.guest.first", address);
	if (guest)
		tree_file(tree, path, guest);
}

static struct host *open_host(const struct tree *tree)
{
	struct host *host = NULL;

	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	return host;
}

/* The user's own, and what somebody gave back, must stay as they are. */
static void only_what_was_moved_for_the_guest_and_is_still_taken_goes_back(void **state)
{
	const struct tree *tree = *state;
	_cleanup_free_ struct pci_address *addresses = NULL;
	struct host *host;
	size_t count;

	put(tree, "0000:01:00.0", "vfio-pci", RECORD, "web\n");
	put(tree, "0000:02:00.0", "vfio-pci", RECORD, "other\n");
	put(tree, "0000:03:00.0", "vfio-pci", RECORD, NULL);
	put(tree, "0000:04:00.0", "vfio-pci", NULL, "web\n");
	put(tree, "0000:05:00.0", "nvme", RECORD, "web\n");
	put(tree, "0000:06:00.0", "vfio-pci",
	    "identity ffff:1b39/10de:1217\ndriver nvme\ndriver_override \n", "web\n");
	tree_file(tree, "run/pciferry/0000:07:00.0.guest.first", "web\n");
	tree_file(tree, "run/pciferry/.guest.first", "web\n");
	tree_file(tree, "run/pciferry/x.guest.first", "web\n");
	host = open_host(tree);
	assert_int_equal(bind_guest_devices(host, "web", &addresses, &count, NULL), 0);
	assert_int_equal(count, 1);
	assert_int_equal(pci_address_compare(&addresses[0], &one), 0);
	free(steal(addresses));
	assert_int_equal(bind_guest_devices(host, "we", &addresses, &count, NULL), 0);
	assert_int_equal(count, 0);
	host_free(host);
}

static void a_host_on_which_nothing_was_moved_has_none(void **state)
{
	const struct tree *tree = *state;
	_cleanup_free_ struct pci_address *addresses = NULL;
	struct host *host;
	size_t count = 7;

	tree_folder(tree, "sys/bus/pci/devices");
	host = open_host(tree);
	assert_int_equal(bind_guest_devices(host, "web", &addresses, &count, NULL), 0);
	assert_int_equal(count, 0);
	host_free(host);
}

/* Two that share a group: the second would lose it in the midst of its start. */
static void what_another_guest_was_given_is_refused(void **state)
{
	static const struct {
		const char *noted, *record;
		bool refused;
	} cases[] = {
		{ "other\n", RECORD, true },
		{ "web\n", RECORD, false },
		{ NULL, RECORD, false },
		/* Given back since, by other means. */
		{ "other\n", NULL, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bind_request request = { .addresses = &one,
						.count = 1,
						.guest = "web" };
		struct bind_plan plan = { 0 };
		struct error err = ERROR_INIT;
		struct host *host;
		void *tree = NULL;

		(void)state;
		assert_int_equal(tree_setup(&tree), 0);
		put(tree, "0000:01:00.0", "vfio-pci", cases[i].record, cases[i].noted);
		tree_link(tree, "sys/kernel/iommu_groups/1/devices/0000:01:00.0",
			  "../../../../bus/pci/devices/0000:01:00.0");
		host = open_host(tree);
		assert_int_equal(bind_plan_take(host, &request, &plan, &err) < 0,
				 cases[i].refused);
		if (cases[i].refused) {
			assert_int_equal(err.kind, ERROR_REFUSED);
			assert_non_null(strstr(err.evidence[0], "bound for other"));
		} else {
			assert_string_equal(plan.guest, "web");
			assert_true(bind_plan_is_done(&plan));
		}
		error_clear(&err);
		bind_plan_free(&plan);
		host_free(host);
		tree_teardown(&tree);
	}
}

/* What a person parked on pci-stub would go to the driver that is to have it last. */
static void at_a_guests_end_a_device_is_where_it_was_at_its_start(void **state)
{
	static const char parked[] = "web\ndriver pci-stub\ndriver_override pci-stub\n";
	static const struct {
		const char *noted, *guest, *driver, *override;
	} cases[] = {
		{ parked, "web", "pci-stub", "pci-stub" },
		{ "web\ndriver \ndriver_override x\n", "web", "", "x" },
		{ "web\ndriver nvme\ndriver_override \n", "web", "nvme", "" },
		/* A person's release: where it was first. */
		{ parked, NULL, "nvme", "" },
		/* As an older one has noted it, or cut off. */
		{ "web\n", "web", "nvme", "" },
		{ "web\ndriver pci-stub\n", "web", "nvme", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bind_request request = { .addresses = &one,
						.count = 1,
						.guest = cases[i].guest };
		struct bind_plan plan = { 0 };
		struct host *host;
		void *tree = NULL;

		(void)state;
		assert_int_equal(tree_setup(&tree), 0);
		put(tree, "0000:01:00.0", "vfio-pci", RECORD, cases[i].noted);
		tree_link(tree, "sys/kernel/iommu_groups/1/devices/0000:01:00.0",
			  "../../../../bus/pci/devices/0000:01:00.0");
		host = open_host(tree);
		assert_int_equal(bind_plan_release(host, &request, &plan, NULL), 0);
		assert_int_equal(plan.count, 1);
		assert_string_equal(plan.members[0].wanted.driver, cases[i].driver);
		assert_string_equal(plan.members[0].wanted.override, cases[i].override);
		bind_plan_free(&plan);
		host_free(host);
		tree_teardown(&tree);
	}
}

static void a_name_is_one_line_that_has_room(void **state)
{
	char name[300];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[255] = '\0';
	assert_true(bind_is_guest_name(name));
	assert_true(bind_is_guest_name("a b/\xc3\xa9"));
	name[255] = 'x';
	name[256] = '\0';
	assert_false(bind_is_guest_name(name));
	assert_false(bind_is_guest_name("a\nb"));
	assert_false(bind_is_guest_name(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			only_what_was_moved_for_the_guest_and_is_still_taken_goes_back,
			tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(
			a_host_on_which_nothing_was_moved_has_none, tree_setup,
			tree_teardown),
		cmocka_unit_test(what_another_guest_was_given_is_refused),
		cmocka_unit_test(at_a_guests_end_a_device_is_where_it_was_at_its_start),
		cmocka_unit_test(a_name_is_one_line_that_has_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
