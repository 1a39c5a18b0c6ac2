/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces that are in another network namespace, and those on USB. */
#include "looked.h"

#include <stdio.h>

static void an_interface_in_another_namespace_counts(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	/* What is in it belongs to the namespace; one without a driver has no `net`. */
	tree_function(tree, "0000:04:00.0", MODALIAS_NIC, "e1000e", "4");
	tree_folder(tree, "sys/devices/pci0000:00/0000:04:00.0/net");
	tree_function(tree, "0000:05:00.0", MODALIAS_NIC, "vfio-pci", "5");
	tree_function(tree, "0000:06:00.0", MODALIAS_NIC, NULL, "6");
	look(tree, &looked);
	expect_unreadable(&looked, "0000:04:00.0",
			  "its interface is in another network namespace");
	expect_free(&looked, "0000:05:00.0");
	expect_free(&looked, "0000:06:00.0");
	look_away(&looked);
}

/* Its folder is below the function's device on the virtio bus. */
static void an_interface_of_virtio_in_another_namespace_counts(void **state)
{
	static const char folder[] = "sys/devices/pci0000:00/0000:04:00.0/virtio2/net";
	const struct tree *tree = *state;

	tree_function(tree, "0000:04:00.0", MODALIAS_VIRTIO_NET, "virtio-pci", "4");
	/* Its driver is not loaded: it has no interface. */
	tree_folder(tree, "sys/devices/pci0000:00/0000:04:00.0/virtio2");
	look_expect_free(tree, "0000:04:00.0");
	tree_folder(tree, folder);
	look_expect_unreadable(tree, "0000:04:00.0",
			       "its interface is in another network namespace");
	quiet_interface(tree, "pci0000:00/0000:04:00.0/virtio2/net", "eth4", false);
	look_expect_free(tree, "0000:04:00.0");
}

/* The one that is here is idle; the kernel counts both, and shows one. */
static void a_card_of_which_another_port_is_in_another_namespace_counts(void **state)
{
	static const char count[] =
		"pciferry/folders/sys/bus/pci/devices/0000:03:00.0/net";
	const struct tree *tree = *state;

	tree_file(tree, count, "1\n");
	look_expect_free(tree, OTHER_NIC);
	tree_file(tree, count, "2\n");
	look_expect_unreadable(
		tree, OTHER_NIC,
		"another interface of it than eth1 is in another network namespace");
	look_expect_free(tree, NIC);
}

static void a_card_on_usb_is_a_use_of_its_controller(void **state)
{
	static const char in[] = "pci0000:00/0000:04:00.0/usb1/1-2/1-2:1.0";
	const struct tree *tree = *state;
	char path[128];

	tree_function(tree, "0000:04:00.0", MODALIAS_USB, "xhci_hcd", "4");
	snprintf(path, sizeof(path), "%s/net", in);
	quiet_interface(tree, path, "eth5", true);
	snprintf(path, sizeof(path), "../../../devices/%s", in);
	tree_link(tree, "sys/bus/usb/devices/1-2:1.0", path);
	look_expect_free(tree, "0000:04:00.0");
	quiet_network(tree, "address eth5 192.0.2.5/24\n");
	look_expect_use(tree, "0000:04:00.0", USAGE_NETWORK,
			"eth5 is up with address 192.0.2.5");
}

static void a_card_on_usb_in_another_namespace_counts(void **state)
{
	static const char in[] = "devices/pci0000:00/0000:04:00.0/usb1/1-2/1-2:1.0";
	const struct tree *tree = *state;
	char path[128];

	tree_function(tree, "0000:04:00.0", MODALIAS_USB, "xhci_hcd", "4");
	snprintf(path, sizeof(path), "../../../%s", in);
	tree_link(tree, "sys/bus/usb/devices/1-2:1.0", path);
	snprintf(path, sizeof(path), "sys/%s", in);
	tree_folder(tree, path);
	look_expect_free(tree, "0000:04:00.0");
	snprintf(path, sizeof(path), "sys/%s/net", in);
	tree_folder(tree, path);
	look_expect_unreadable(tree, "0000:04:00.0",
			       "its interface is in another network namespace");
}

static void a_folder_of_interfaces_that_cannot_be_read_counts(void **state)
{
	const struct tree *tree = *state;

	tree_function(tree, "0000:04:00.0", MODALIAS_NIC, "e1000e", "4");
	tree_file(tree, "sys/devices/pci0000:00/0000:04:00.0/net", "");
	look_expect_unreadable(tree, "0000:04:00.0", "interfaces could not be read");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, nics_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_interface_in_another_namespace_counts),
		TEST(an_interface_of_virtio_in_another_namespace_counts),
		TEST(a_card_of_which_another_port_is_in_another_namespace_counts),
		TEST(a_card_on_usb_is_a_use_of_its_controller),
		TEST(a_card_on_usb_in_another_namespace_counts),
		TEST(a_folder_of_interfaces_that_cannot_be_read_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
