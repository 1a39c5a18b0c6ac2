/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which nodes in /dev are a device's: whoever holds one of them uses it. */
#include "looked.h"

#include <stdio.h>

#define CARD "0000:02:00.0"
#define USB  "0000:03:00.0"
#define IN   "pci0000:00/0000:02:00.0/"

static int devices_setup(void **state)
{
	const struct tree *tree = quiet_setup(state);

	tree_function(tree, CARD, MODALIAS_NVME, "some", "2");
	tree_function(tree, USB, MODALIAS_USB, "xhci_hcd", "3");
	return 0;
}

static void what_a_process_holds_of_any_class_is_in_use(void **state)
{
	static const struct {
		const char *class_name, *name, *node;
	} entries[] = {
		{ "accel", "accel0", "/dev/accel/accel0" },
		{ "dvb", "dvb1.frontend0", "/dev/dvb/adapter1/frontend0" },
		{ "infiniband_mad", "umad0", "/dev/infiniband/umad0" },
		{ "infiniband_verbs", "uverbs0", "/dev/infiniband/uverbs0" },
		{ "nvme", "nvme0", "/dev/nvme0" },
		{ "nvme-generic", "ng0n1", "/dev/ng0n1" },
		{ "ptp", "ptp0", "/dev/ptp0" },
		{ "scsi_generic", "sg3", "/dev/sg3" },
		{ "scsi_tape", "nst0", "/dev/nst0" },
		{ "uio", "uio0", "/dev/uio0" },
		{ "video4linux", "video0", "/dev/video0" },
		{ "virtio-ports", "vport0p1", "/dev/vport0p1" },
	};
	const struct tree *tree = *state;
	char folder[64];

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		snprintf(folder, sizeof(folder), IN "%s", entries[i].class_name);
		quiet_class(tree, entries[i].class_name, folder, entries[i].name);
	}
	look_expect_free(tree, CARD);
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		quiet_process(tree, "812", "daemon", entries[i].node);
		look_expect_use(tree, CARD, USAGE_PROCESS, entries[i].node);
		look_expect_free(tree, USB);
		quiet_end(tree, "812");
	}
	look_expect_free(tree, CARD);
}

/* With multipath the generic node is the subsystem's, like the disk. */
static void a_multipath_disk_held_by_its_generic_node_is_in_use(void **state)
{
	const struct tree *tree = *state;

	quiet_class(tree, "block", IN "nvme/nvme7", "nvme5c7n1");
	quiet_process(tree, "812", "nvme", "/dev/ng5n1");
	look_expect_use(tree, CARD, USAGE_PROCESS, "holds /dev/ng5n1");
}

static void add_usb(const struct tree *tree, const char *name, const char *bus,
		    const char *number)
{
	char path[128], target[128];

	snprintf(path, sizeof(path), "sys/bus/usb/devices/%s", name);
	snprintf(target, sizeof(target),
		 "../../../devices/pci0000:00/0000:03:00.0/usb1/%s", name);
	tree_link(tree, path, target);
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/0000:03:00.0/usb1/%s/busnum",
		 name);
	tree_file(tree, path, bus);
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/0000:03:00.0/usb1/%s/devnum",
		 name);
	tree_file(tree, path, number);
}

/* A guest that has it, a scanner's program: the controller is in use. */
static void a_usb_device_that_a_process_holds_is_a_use_of_its_controller(void **state)
{
	const struct tree *tree = *state;

	add_usb(tree, "usb1", "1\n", "1\n");
	add_usb(tree, "1-2", "1\n", "4\n");
	look_expect_free(tree, USB);
	quiet_process(tree, "811", "lsusb", "/dev/bus/usb/001/005");
	look_expect_free(tree, USB);
	quiet_process(tree, "812", "qemu-system-x86", "/dev/bus/usb/001/004");
	look_expect_use(tree, USB, USAGE_PROCESS,
			"process 812 (qemu-system-x86) holds /dev/bus/usb/001/004");
	look_expect_free(tree, CARD);
}

static void a_usb_device_that_may_be_held_counts(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	/* A controller with nothing behind it has nothing to hold. */
	add_usb(tree, "usb1", "1\n", "1\n");
	quiet_unreadable(tree, "proc/812/ns/mnt");
	look_expect_free(tree, USB);
	add_usb(tree, "1-2", "1\n", "4\n");
	add_usb(tree, "1-3", "1\n", "5\n");
	look(tree, &looked);
	expect_unreadable(&looked, USB, "asked whether it holds a USB device on it");
	assert_int_equal(count_use(&looked, USB, USAGE_UNREADABLE), 1);
	look_away(&looked);
}

static void a_usb_device_whose_number_cannot_be_read_counts(void **state)
{
	const struct tree *tree = *state;

	add_usb(tree, "1-2", "1\n", "4\n");
	quiet_unreadable(tree, "sys/devices/pci0000:00/0000:03:00.0/usb1/1-2/devnum");
	look_expect_unreadable(tree, USB, "which node is the USB device 1-2's");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, devices_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_a_process_holds_of_any_class_is_in_use),
		TEST(a_multipath_disk_held_by_its_generic_node_is_in_use),
		TEST(a_usb_device_that_a_process_holds_is_a_use_of_its_controller),
		TEST(a_usb_device_that_may_be_held_counts),
		TEST(a_usb_device_whose_number_cannot_be_read_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
