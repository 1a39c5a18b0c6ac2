/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "iommu/groups.h"
#include "pci/device.h"
#include "pci/modalias.h"

#define NVME "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02"
#define PORT "pci:v00001B36d0000000Csv00001B36sd00000000bc06sc04i00"
#define HOST "pci:v00008086d000029C0sv00001AF4sd00001100bc06sc00i00"

static void an_address_means_one_function_or_is_refused(void **state)
{
	static const char *const good[][2] = {
		{ "82:00.0", "0000:82:00.0" },
		{ "0000:82:1f.7", "0000:82:1f.7" },
		{ "10000:e1:00.0", "10000:e1:00.0" },
		{ "FFFFFFFF:ff:1F.0", "ffffffff:ff:1f.0" },
		{ "0:00:02.0", "0000:00:02.0" },
	};
	static const char *const bad[] = {
		"",
		"00:99.9",
		"00:20.0",
		"00:1f.8",
		"0:0.0",
		"123456789:00:00.0",
		"00:00.0 ",
		" 00:00.0",
		"0000:00:00",
		"00-00.0",
		":00:00.0",
		"gg:00.0",
		"0000:00:00.00",
		"0x00:00.0",
		"00:00.0\n",
	};
	struct pci_address address;
	char text[PCI_ADDRESS_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(pci_address_parse(good[i][0], &address), 0);
		assert_string_equal(pci_address_format(&address, text), good[i][1]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (pci_address_parse(bad[i], &address) != -EINVAL)
			fail_msg("\"%s\" was taken for an address", bad[i]);
}

static void a_damaged_modalias_gives_no_wrong_ids(void **state)
{
	struct pci_device device = { .vendor_id = 7 };
	char text[sizeof(NVME)];

	(void)state;
	for (size_t len = 0; len < strlen(NVME); len++)
		assert_int_equal(pci_modalias_parse(NVME, len, &device), -EINVAL);
	assert_int_equal(pci_modalias_parse(NVME "0", strlen(NVME) + 1, &device),
			 -EINVAL);
	memcpy(text, NVME, sizeof(text));
	text[5] = 'F'; /* a vendor of more than 16 bits */
	assert_int_equal(pci_modalias_parse(text, strlen(text), &device), -EINVAL);
	assert_int_equal(device.vendor_id, 7);
	assert_int_equal(pci_modalias_parse(NVME, strlen(NVME), &device), 0);
	assert_int_equal(device.vendor_id, 0x1b36);
	assert_int_equal(device.device_id, 0x0010);
	assert_int_equal(device.subsystem_vendor_id, 0x1af4);
	assert_int_equal(device.subsystem_device_id, 0x1100);
	assert_int_equal(device.class_code, 0x010802);
}

static void a_scan_keeps_what_it_can_read_and_says_what_it_cannot(void **state)
{
	const struct tree *tree = *state;
	struct pci_devices devices = { 0 };
	struct host *host = NULL;

	tree_function(tree, "10000:e1:00.0", NVME "\n", "nvme", "4");
	tree_function(tree, "0000:01:00.0", NVME "\n", "gone-driver", "3");
	tree_function(tree, "0000:00:1f.0", "pci:damaged\n", NULL, "x");
	tree_link(tree, "sys/bus/pci/devices/0000:09:00.0", "../../../devices/nowhere");
	tree_folder(tree, "sys/bus/pci/devices/not-an-address");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	assert_int_equal(pci_scan(host, &devices, NULL), 0);
	assert_int_equal(devices.count, 4);
	assert_int_equal(devices.items[0].address.device, 0x1f);
	assert_int_equal(devices.items[0].ids, FACT_UNREADABLE);
	assert_int_equal(devices.items[0].driver_fact, FACT_ABSENT);
	assert_int_equal(devices.items[0].group_fact, FACT_UNREADABLE);
	/* Its link leads nowhere, yet the name in it is known. */
	assert_string_equal(devices.items[1].driver, "gone-driver");
	assert_int_equal(devices.items[2].ids, FACT_UNREADABLE);
	assert_int_equal(devices.items[2].driver_fact, FACT_UNREADABLE);
	assert_int_equal(devices.items[3].address.domain, 0x10000);
	assert_string_equal(devices.items[3].driver, "nvme");
	assert_ptr_equal(pci_find_by_path(&devices,
					  "../../devices/pci0000:00/0000:00:1f.0/"
					  "10000:e1:00.0/nvme/nvme0/nvme0n1"),
			 &devices.items[3]);
	assert_null(pci_find_by_path(&devices, "../../devices/virtual/net/lo"));
	pci_devices_free(&devices);
	host_free(host);
}

static void thousands_of_functions_are_all_found(void **state)
{
	enum { COUNT = 5000 };
	const struct tree *tree = *state;
	struct pci_devices devices = { 0 };
	struct host *host = NULL;
	char address[32];

	for (unsigned int i = 0; i < COUNT; i++) {
		snprintf(address, sizeof(address), "0000:%02x:%02x.%x", i >> 8,
			 i >> 3 & 0x1f, i & 7);
		tree_function(tree, address, NVME "\n", i % 3 ? "nvme" : "other", NULL);
	}
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	assert_int_equal(pci_scan(host, &devices, NULL), 0);
	assert_int_equal(devices.count, COUNT);
	for (unsigned int i = 0; i < COUNT; i++) {
		assert_int_equal(devices.items[i].address.bus, i >> 8);
		assert_int_equal(devices.items[i].device_id, 0x0010);
		assert_string_equal(devices.items[i].driver, i % 3 ? "nvme" : "other");
	}
	pci_devices_free(&devices);
	host_free(host);
}

static void a_group_is_all_its_members_in_order(void **state)
{
	const struct tree *tree = *state;
	struct pci_devices devices = { 0 };
	struct iommu_groups groups = { 0 };
	struct host *host = NULL;
	enum fact fact;

	tree_function(tree, "0000:02:00.1", NVME "\n", "nvme", "10");
	tree_function(tree, "0000:02:00.0", NVME "\n", "nvme", "10");
	tree_function(tree, "0000:00:01.0", PORT "\n", "pcieport", "2");
	tree_function(tree, "0000:03:00.0", NVME "\n", "nvme", NULL);
	tree_function(tree, "0000:01:00.0", NVME "\n", "nvme", "10");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	assert_int_equal(pci_scan(host, &devices, NULL), 0);
	assert_int_equal(iommu_scan(&devices, &groups, NULL), 0);
	assert_int_equal(groups.count, 2);
	assert_int_equal(groups.items[0].number, 2);
	assert_int_equal(groups.items[1].number, 10);
	assert_int_equal(groups.items[1].count, 3);
	assert_int_equal(groups.items[1].members[0]->address.bus, 1);
	assert_int_equal(groups.items[1].members[2]->address.function, 1);
	assert_ptr_equal(iommu_group_of(&groups, &devices.items[1], &fact),
			 &groups.items[1]);
	assert_null(iommu_group_of(&groups, &devices.items[4], &fact));
	assert_int_equal(fact, FACT_ABSENT);
	assert_null(iommu_find_group(&groups, 3));
	iommu_groups_free(&groups);
	pci_devices_free(&devices);
	host_free(host);
}

static void a_bridge_stays_and_a_wrong_driver_is_seen(void **state)
{
	static const struct {
		const char *driver;
		bool allowed;
	} cases[] = {
		{ NULL, true },	      { "pcieport", true },	 { "pci-stub", true },
		{ "vfio-pci", true }, { "mlx5_vfio_pci", true }, { "shpchp", false },
		{ "nvme", false },    { "pci-stub2", false },
	};
	struct pci_device device = { .ids = FACT_KNOWN };
	const char *driver;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		device.driver = cases[i].driver;
		device.driver_fact = device.driver ? FACT_KNOWN : FACT_ABSENT;
		assert_int_equal(iommu_member_allows_vfio(&device, &driver),
				 cases[i].allowed);
	}
	device.driver = NULL;
	device.driver_fact = FACT_UNREADABLE;
	assert_false(iommu_member_allows_vfio(&device, &driver));
	assert_int_equal(pci_modalias_parse(PORT, strlen(PORT), &device), 0);
	assert_true(iommu_member_stays(&device));
	assert_int_equal(pci_modalias_parse(HOST, strlen(HOST), &device), 0);
	assert_true(iommu_member_stays(&device));
	assert_int_equal(pci_modalias_parse(NVME, strlen(NVME), &device), 0);
	assert_false(iommu_member_stays(&device));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_means_one_function_or_is_refused),
		cmocka_unit_test(a_damaged_modalias_gives_no_wrong_ids),
		cmocka_unit_test_setup_teardown(
			a_scan_keeps_what_it_can_read_and_says_what_it_cannot, tree_setup,
			tree_teardown),
		cmocka_unit_test_setup_teardown(thousands_of_functions_are_all_found,
						tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(a_group_is_all_its_members_in_order,
						tree_setup, tree_teardown),
		cmocka_unit_test(a_bridge_stays_and_a_wrong_driver_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
