/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without its only keyboard nobody types at a machine; with another one left, one can. */
#include "looked.h"

#include <stdio.h>

#define USB	 "0000:02:00.0"
#define OTHER	 "0000:03:00.0"

#define ON_USB	 "pci0000:00/0000:02:00.0/usb1/1-1/1-1:1.0/0003:046D:C31C.0001/input"
#define ON_OTHER "pci0000:00/0000:03:00.0/usb2/2-1/2-1:1.0/0003:046D:C31C.0002/input"

/* capabilities/key of a keyboard, a mouse, a power button, and of a laptop's hot keys. */
#define KEYS   "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe\n"
#define MOUSE  "ffff0000 0 0 0 0\n"
#define BUTTON "10000000000000 0\n"
/* KEY_Q alone: not all letters of the row. */
#define HOT_KEYS "10000\n"

static int controllers_setup(void **state)
{
	const struct tree *tree = quiet_setup(state);

	tree_function(tree, USB, MODALIAS_USB, "xhci_hcd", "2");
	tree_function(tree, OTHER, MODALIAS_USB, "xhci_hcd", "3");
	return 0;
}

static void add_input(const struct tree *tree, const char *folder, int number,
		      const char *name, const char *keys)
{
	char path[256], above[256], event[16];

	snprintf(event, sizeof(event), "event%d", number);
	snprintf(above, sizeof(above), "%s/input%d", folder, number);
	quiet_class(tree, "input", above, event);
	snprintf(path, sizeof(path), "sys/class/input/%s/device/name", event);
	/* A link up in sysfs: what is looked at is what is in it. */
	tree_file(tree, path, name);
	snprintf(path, sizeof(path), "sys/class/input/%s/device/capabilities/key", event);
	tree_file(tree, path, keys);
}

static void the_controller_of_the_only_keyboard_is_in_use(void **state)
{
	const struct tree *tree = *state;

	add_input(tree, ON_USB, 3, "Logitech Keyboard K120\n", KEYS);
	add_input(tree, ON_OTHER, 4, "Some Mouse\n", MOUSE);
	add_input(tree, "LNXSYSTM:00/LNXPWRBN:00/input", 0, "Power Button\n", BUTTON);
	add_input(tree, "platform/laptop/input", 5, "Hot keys\n", HOT_KEYS);
	look_expect_only(
		tree, USB, OTHER, USAGE_KEYBOARD,
		"the only keyboard of this machine is on it (Logitech Keyboard K120)");
}

static void with_a_keyboard_on_another_controller_both_are_free(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	add_input(tree, ON_USB, 3, "One\n", KEYS);
	add_input(tree, ON_OTHER, 4, "Another\n", KEYS);
	look(tree, &looked);
	expect_free(&looked, USB);
	expect_free(&looked, OTHER);
	look_away(&looked);
}

/* They go together. */
static void two_keyboards_on_one_controller_are_as_one(void **state)
{
	const struct tree *tree = *state;

	add_input(tree, ON_USB, 3, "One\n", KEYS);
	add_input(tree, ON_USB "/deeper", 4, "Another\n", KEYS);
	look_expect_only(tree, USB, OTHER, USAGE_KEYBOARD,
			 "the only keyboard of this machine");
}

/* The i8042's is on no PCI function: it stays whatever goes. */
static void with_a_keyboard_that_is_not_on_pci_all_are_free(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	add_input(tree, ON_USB, 1, "One\n", KEYS);
	add_input(tree, "platform/i8042/serio0/input", 0, "AT keyboard\n", KEYS);
	look(tree, &looked);
	expect_free(&looked, USB);
	look_away(&looked);
}

static void a_keyboard_that_a_program_makes_does_not_stand_in(void **state)
{
	const struct tree *tree = *state;

	add_input(tree, ON_USB, 3, "One\n", KEYS);
	add_input(tree, "virtual/input", 4, "xdotool\n", KEYS);
	look_expect_use(tree, USB, USAGE_KEYBOARD, "(One)");
}

static void without_any_keyboard_nothing_is_said(void **state)
{
	const struct tree *tree = *state;

	add_input(tree, ON_USB, 3, "Some Mouse\n", MOUSE);
	look_expect_free(tree, USB);
}

static void a_keyboard_without_a_name_is_one(void **state)
{
	const struct tree *tree = *state;

	add_input(tree, ON_USB, 3, "", KEYS);
	look_expect_use(tree, USB, USAGE_KEYBOARD,
			"the only keyboard of this machine is on it");
}

static void keys_that_cannot_be_read_may_be_the_only_keyboards(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	add_input(tree, ON_USB, 3, "One\n", KEYS);
	quiet_unreadable(tree, "sys/class/input/event3/device/capabilities/key");
	look(tree, &looked);
	expect_unreadable(&looked, USB, "whether event3 is a keyboard");
	expect_free(&looked, OTHER);
	look_away(&looked);
	/* It does not stand in for one that is known to be a keyboard. */
	add_input(tree, ON_OTHER, 4, "Another\n", KEYS);
	look(tree, &looked);
	expect_unreadable(&looked, USB, "whether event3 is a keyboard");
	expect_use(&looked, OTHER, USAGE_KEYBOARD, "(Another)");
	look_away(&looked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, controllers_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_controller_of_the_only_keyboard_is_in_use),
		TEST(with_a_keyboard_on_another_controller_both_are_free),
		TEST(two_keyboards_on_one_controller_are_as_one),
		TEST(with_a_keyboard_that_is_not_on_pci_all_are_free),
		TEST(a_keyboard_that_a_program_makes_does_not_stand_in),
		TEST(without_any_keyboard_nothing_is_said),
		TEST(a_keyboard_without_a_name_is_one),
		TEST(keys_that_cannot_be_read_may_be_the_only_keyboards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
