/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What uses of one function mean for others: its group, its physical function, a guest.
 */
#include "looked.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CARD  "0000:02:00.0"
#define AUDIO "0000:02:00.1"
#define OTHER "0000:03:00.0"
#define PORT  "0000:00:01.0"
#define GROUP "sys/kernel/iommu_groups/7/"

/* A card of two functions in a group, with a network card in one of its own. */
static int group_setup(void **state)
{
	const struct tree *tree = quiet_setup(state);

	tree_function(tree, CARD, MODALIAS_VGA, "amdgpu", "7");
	tree_function(tree, AUDIO, MODALIAS_HDA, "snd_hda_intel", "7");
	tree_function(tree, OTHER, MODALIAS_NIC, "e1000e", "3");
	return 0;
}

static void play_sound(const struct tree *tree)
{
	quiet_class(tree, "sound", "pci0000:00/0000:02:00.1/sound/card0", "pcmC0D3p");
	tree_file(tree, "proc/asound/card0/pcm3p/sub0/status", "state: RUNNING\n");
}

static void look_expect(const struct tree *tree, const char *address,
			enum usage_verdict verdict, const char *text)
{
	struct looked looked;

	look(tree, &looked);
	expect_verdict(&looked, address, verdict, text);
	look_away(&looked);
}

/* A process's arguments, each ended by a NUL: here by a '|'. */
static void add_guest(const struct tree *tree, const char *node, const char *arguments)
{
	size_t len = strlen(arguments);
	char bytes[256];
	int fd;

	quiet_process(tree, "812", "qemu-system-x86", node);
	fd = openat(tree->fd, "proc/812/cmdline", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0 && len <= sizeof(bytes));
	for (size_t i = 0; i < len; i++)
		bytes[i] = arguments[i] == '|' ? '\0' : arguments[i];
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static void those_of_a_group_go_together(void **state)
{
	look_expect(*state, CARD, USAGE_CAN_GO_WITH_GROUP,
		    "1 other function of group 7 must go with it");
	look_expect(*state, OTHER, USAGE_CAN_GO, "");
	tree_function(*state, "0000:02:00.2", MODALIAS_USB, "xhci_hcd", "7");
	look_expect(*state, CARD, USAGE_CAN_GO_WITH_GROUP,
		    "2 other functions of group 7");
}

static void one_member_in_use_keeps_its_whole_group(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	play_sound(tree);
	look(tree, &looked);
	expect_use(&looked, AUDIO, USAGE_SOUND, "pcmC0D3p is playing");
	assert_int_equal(count_use(&looked, CARD, USAGE_SOUND), 0);
	expect_verdict(&looked, CARD, USAGE_IN_USE, AUDIO ": pcmC0D3p is playing");
	expect_free(&looked, OTHER);
	look_away(&looked);
}

/* Of two reasons the one that is known is told. */
static void a_known_use_says_more_than_what_cannot_be_read(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, "sys/devices/pci0000:00/0000:02:00.0/modalias", "damaged\n");
	look_expect(tree, AUDIO, USAGE_UNKNOWN, CARD ": what it is could not be read");
	play_sound(tree);
	look_expect(tree, CARD, USAGE_IN_USE, AUDIO ": pcmC0D3p is playing");
}

static void a_bridge_stays_and_does_not_count(void **state)
{
	const struct tree *tree = *state;

	tree_function(tree, PORT, MODALIAS_PORT, "pcieport", "3");
	look_expect(tree, PORT, USAGE_CANNOT, "a bridge stays with the host");
	look_expect(tree, OTHER, USAGE_CAN_GO, "");
}

static void a_bridge_on_another_driver_keeps_its_group(void **state)
{
	const struct tree *tree = *state;

	tree_function(tree, PORT, MODALIAS_PORT, "shpchp", "3");
	look_expect(tree, OTHER, USAGE_CANNOT, PORT);
	look_expect(tree, OTHER, USAGE_CANNOT, "on the driver shpchp");
}

static void without_a_group_nothing_can_go(void **state)
{
	const struct tree *tree = *state;

	tree_function(tree, "0000:04:00.0", MODALIAS_NIC, "e1000e", NULL);
	look_expect(tree, "0000:04:00.0", USAGE_CANNOT, "it is in no IOMMU group");
	quiet_unreadable(tree, "sys/devices/pci0000:00/0000:04:00.0/iommu_group");
	look_expect(tree, "0000:04:00.0", USAGE_UNKNOWN, "could not be read");
}

/* The kernel gives such a group to no guest; the other kinds it does give. */
static void memory_that_the_firmware_uses_keeps_a_group(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, GROUP "reserved_regions",
		  "0x00000000000a0000 0x00000000000bffff direct-relaxable\n"
		  "0x00000000fee00000 0x00000000feefffff msi\n"
		  "0x000000fd00000000 0x000000ffffffffff reserved\n");
	look_expect(tree, CARD, USAGE_CAN_GO_WITH_GROUP, "");
	tree_file(tree, GROUP "reserved_regions",
		  "0x000000007b800000 0x000000007fffffff direct\n"
		  "0x00000000fee00000 0x00000000feefffff msi\n");
	look_expect(tree, CARD, USAGE_CANNOT,
		    "the firmware lets group 7 use the memory 0x7b800000-0x7fffffff");
	look_expect(tree, AUDIO, USAGE_CANNOT, "gives it to no guest");
	look_expect(tree, OTHER, USAGE_CAN_GO, "");
	/* What a person can change is told before what nobody can. */
	play_sound(tree);
	look_expect(tree, CARD, USAGE_IN_USE, "pcmC0D3p is playing");
}

static void reserved_memory_that_cannot_be_read_decides_nothing(void **state)
{
	const struct tree *tree = *state;

	quiet_unreadable(tree, GROUP "reserved_regions");
	look_expect(tree, CARD, USAGE_UNKNOWN, "reserved memory of group 7");
	assert_int_equal(unlinkat(tree->fd, GROUP "reserved_regions", AT_REMOVEDIR), 0);
	tree_file(tree, GROUP "reserved_regions", "0x7b800000 damaged\n");
	look_expect(tree, CARD, USAGE_UNKNOWN, "reserved memory of group 7");
}

/*
 * A virtual function of OTHER. The link to it is not there: the kernel takes links away
 * one after the other, and may hang in between.
 */
static void add_function(const struct tree *tree, const char *address)
{
	char path[128];

	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/physfn", address);
	tree_link(tree, path, "../" OTHER);
}

/* Its physical function cannot go, for the virtual ones go with it. */
static void a_virtual_function_in_use_keeps_its_physical_one(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:03:10.0", MODALIAS_NIC, "igbvf", "10");
	tree_function(tree, "0000:03:10.2", MODALIAS_NIC, "igbvf", "11");
	add_function(tree, "0000:03:10.0");
	add_function(tree, "0000:03:10.2");
	look_expect(tree, OTHER, USAGE_CAN_GO, "");
	quiet_class(tree, "net", "pci0000:00/0000:03:10.0/net", "eth5");
	tree_file(tree, "sys/class/net/eth5/flags", "0x1003\n");
	tree_file(tree, "pciferry/network", "address eth5 192.0.2.1/24\n");
	look(tree, &looked);
	expect_use(
		&looked, OTHER, USAGE_FUNCTION,
		"its virtual function 0000:03:10.0: eth5 is up with address 192.0.2.1");
	expect_free(&looked, "0000:03:10.2");
	look_away(&looked);
	quiet_unreadable(tree, "sys/class/net/eth5/flags");
	look_expect_unreadable(tree, OTHER,
			       "its virtual function 0000:03:10.0: whether eth5 is up");
}

/* Of what is found of a virtual function, what is known is told of the physical one. */
static void a_known_use_of_a_virtual_function_is_passed_on(void **state)
{
	const struct tree *tree = *state;

	tree_function(tree, "0000:03:10.0", MODALIAS_NIC, "vfio-pci", "10");
	add_function(tree, "0000:03:10.0");
	quiet_class(tree, "net", "pci0000:00/0000:03:10.0/net", "eth5");
	quiet_unreadable(tree, "sys/class/net/eth5/flags");
	add_guest(tree, "/dev/vfio/10", "qemu|-name|web|");
	look_expect_use(tree, OTHER, USAGE_FUNCTION,
			"its virtual function 0000:03:10.0: group 10 is held by process"
			" 812 (qemu-system-x86), guest web");
}

/* Whoever asks for one card, and is told of another, would take it as free. */
static void a_device_that_was_not_asked_for_is_not_free(void **state)
{
	const struct tree *tree = *state;
	const struct usage_findings *findings;
	struct looked looked;
	struct usage usage;
	bool *asked;

	look(tree, &looked);
	asked = calloc(looked.devices.count, sizeof(*asked));
	assert_non_null(asked);
	assert_int_equal(usage_scan(looked.host, &looked.devices, &looked.groups, asked,
				    &usage, NULL),
			 0);
	for (size_t i = 0; i < looked.devices.count; i++) {
		findings = usage_of(&usage, &looked.devices.items[i]);
		assert_int_equal(findings->count, 1);
		assert_int_equal(findings->items[0].kind, USAGE_UNREADABLE);
		assert_string_equal(findings->items[0].detail,
				    "who uses it was not asked");
	}
	usage_free(&usage);
	free(asked);
	look_away(&looked);
}

static void a_group_that_a_guest_holds_is_in_use(void **state)
{
	static const char *const guests[] = {
		"qemu|-name|guest=web,debug-threads=on|-m|4096|",
		"qemu|-m|4096|-name|web",
		"qemu|-name|debug-threads=on,guest=web|",
	};
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:04:00.0", MODALIAS_VGA, "vfio-pci", "4");
	tree_function(tree, "0000:04:00.1", MODALIAS_HDA, "vfio-pci", "4");
	tree_function(tree, "0000:05:00.0", MODALIAS_NIC, "vfio-pci", "40");
	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		add_guest(tree, "/dev/vfio/4", guests[i]);
		look(tree, &looked);
		expect_use(&looked, "0000:04:00.0", USAGE_VFIO,
			   "group 4 is held by process 812 (qemu-system-x86), guest web");
		expect_use(&looked, "0000:04:00.1", USAGE_VFIO, "guest web");
		expect_free(&looked, "0000:05:00.0");
		look_away(&looked);
		quiet_end(tree, "812");
	}
}

/* Not every process that holds a group is QEMU, or tells its arguments. */
static void a_group_that_a_nameless_process_holds_is_in_use(void **state)
{
	static const char *const guests[] = { "qemu|-m|4096|-name|", "qemu|-names|web|",
					      "" };
	const struct tree *tree = *state;
	const struct usage_findings *findings;
	struct looked looked;

	tree_function(tree, "0000:01:00.0", MODALIAS_VGA, "vfio-pci", "4");
	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		add_guest(tree, "/dev/vfio/4", guests[i]);
		look(tree, &looked);
		findings = usage_of(&looked.usage, &looked.devices.items[0]);
		assert_int_equal(findings->count, 1);
		assert_string_equal(findings->items[0].detail,
				    "group 4 is held by process 812 (qemu-system-x86)");
		look_away(&looked);
		quiet_end(tree, "812");
	}
}

/* With iommufd a guest holds a device, and no group. */
static void a_device_that_a_guest_holds_is_in_use(void **state)
{
	const struct tree *tree = *state;

	tree_function(tree, "0000:04:00.0", MODALIAS_VGA, "vfio-pci", "4");
	quiet_class(tree, "vfio-dev", "pci0000:00/0000:04:00.0/vfio-dev", "vfio0");
	look_expect(tree, "0000:04:00.0", USAGE_CAN_GO, "");
	add_guest(tree, "/dev/vfio/devices/vfio0", "");
	look_expect_use(tree, "0000:04:00.0", USAGE_PROCESS,
			"process 812 (qemu-system-x86) holds /dev/vfio/devices/vfio0");
}

static void a_group_that_a_hidden_process_may_hold_counts(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:04:00.0", MODALIAS_VGA, "vfio-pci", "4");
	tree_function(tree, "0000:04:00.1", MODALIAS_HDA, NULL, "4");
	quiet_unreadable(tree, "proc/812/ns/mnt");
	look(tree, &looked);
	expect_unreadable(&looked, "0000:04:00.0", "asked whether it holds /dev/vfio/4");
	expect_unreadable(&looked, "0000:04:00.1", "asked whether it holds /dev/vfio/4");
	/* No driver of VFIO has it: there is nothing to hold. */
	expect_free(&looked, OTHER);
	look_away(&looked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, group_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(those_of_a_group_go_together),
		TEST(one_member_in_use_keeps_its_whole_group),
		TEST(a_known_use_says_more_than_what_cannot_be_read),
		TEST(a_bridge_stays_and_does_not_count),
		TEST(a_bridge_on_another_driver_keeps_its_group),
		TEST(without_a_group_nothing_can_go),
		TEST(memory_that_the_firmware_uses_keeps_a_group),
		TEST(reserved_memory_that_cannot_be_read_decides_nothing),
		TEST(a_virtual_function_in_use_keeps_its_physical_one),
		TEST(a_known_use_of_a_virtual_function_is_passed_on),
		TEST(a_device_that_was_not_asked_for_is_not_free),
		TEST(a_group_that_a_guest_holds_is_in_use),
		TEST(a_group_that_a_nameless_process_holds_is_in_use),
		TEST(a_device_that_a_guest_holds_is_in_use),
		TEST(a_group_that_a_hidden_process_may_hold_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
