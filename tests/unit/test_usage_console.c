/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel's console on a serial line: what the kernel says last goes there. */
#include "looked.h"

#define CARD   "0000:02:00.0"
#define OTHER  "0000:03:00.0"
#define USB    "0000:04:00.0"
#define VIRTIO "0000:05:00.0"
#define ACTIVE "sys/class/tty/console/active"

/* Two serial cards, a controller with a serial line behind it, and virtio's console. */
static int cards_setup(void **state)
{
	const struct tree *tree = quiet_setup(state);

	tree_function(tree, CARD, MODALIAS_SERIAL, "serial", "2");
	tree_function(tree, OTHER, MODALIAS_SERIAL, "serial", "3");
	tree_function(tree, USB, MODALIAS_USB, "xhci_hcd", "4");
	tree_function(tree, VIRTIO, MODALIAS_VIRTIO_CONSOLE, "virtio-pci", "5");
	/* As since Linux 6.5, and before. */
	quiet_class(tree, "tty",
		    "pci0000:00/0000:02:00.0/0000:02:00.0:0/0000:02:00.0:0.0/tty",
		    "ttyS4");
	quiet_class(tree, "tty", "pci0000:00/0000:03:00.0/tty", "ttyS5");
	quiet_class(tree, "tty", "pnp0/00:04/tty", "ttyS0");
	quiet_class(tree, "tty", "pci0000:00/0000:04:00.0/usb1/1-1/1-1:1.0/ttyUSB0/tty",
		    "ttyUSB0");
	quiet_class(tree, "tty", "virtual/tty", "tty0");
	quiet_class(tree, "tty", "virtual/tty", "tty1");
	quiet_class(tree, "tty", "virtual/tty", "hvc0");
	return 0;
}

static void expect_all_free(const struct tree *tree)
{
	struct looked looked;

	look(tree, &looked);
	expect_free(&looked, CARD);
	expect_free(&looked, OTHER);
	expect_free(&looked, USB);
	expect_free(&looked, VIRTIO);
	look_away(&looked);
}

static void a_console_elsewhere_leaves_the_cards_free(void **state)
{
	const struct tree *tree = *state;

	expect_all_free(tree);
	tree_file(tree, ACTIVE, "tty0 ttyS0\n");
	expect_all_free(tree);
}

static void a_card_with_the_kernels_console_is_in_use(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, ACTIVE, "tty0 ttyS4\n");
	look_expect_only(tree, CARD, OTHER, USAGE_CONSOLE,
			 "the kernel's console ttyS4 is on it");
	tree_file(tree, ACTIVE, "ttyUSB0\n");
	look_expect_use(tree, USB, USAGE_CONSOLE,
			"the kernel's console ttyUSB0 is on it");
}

static void virtios_console_is_in_use(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, ACTIVE, "hvc0\n");
	look_expect_use(tree, VIRTIO, USAGE_CONSOLE,
			"the kernel's console hvc0 is on it");
	look_expect_free(tree, CARD);
	/* Which of two it is on, nothing in /sys tells. */
	tree_function(tree, "0000:06:00.0", MODALIAS_VIRTIO_CONSOLE, "virtio-pci", "6");
	look_expect_unreadable(tree, VIRTIO, "the kernel's console hvc0 may be on it");
	look_expect_unreadable(tree, "0000:06:00.0", "hvc0 may be on it");
}

static void a_getty_is_a_use(void **state)
{
	static const struct {
		const char *node, *address;
	} held[] = {
		{ "/dev/ttyS4", CARD },
		{ "/dev/ttyUSB0", USB },
		{ "/dev/hvc0", VIRTIO },
	};
	const struct tree *tree = *state;

	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
		quiet_process(tree, "812", "agetty", held[i].node);
		look_expect_use(tree, held[i].address, USAGE_PROCESS, held[i].node);
		look_expect_free(tree, OTHER);
		quiet_end(tree, "812");
	}
	/* Of virtual consoles, and of what is on no PCI function. */
	quiet_process(tree, "813", "agetty", "/dev/tty1");
	quiet_process(tree, "814", "agetty", "/dev/ttyS0");
	expect_all_free(tree);
}

static void where_consoles_cannot_be_read_a_serial_card_may_have_one(void **state)
{
	const struct tree *tree = *state;

	quiet_unreadable(tree, ACTIVE);
	look_expect_unreadable(tree, CARD, "whether it has the kernel's console");
	look_expect_free(tree, USB);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cards_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_console_elsewhere_leaves_the_cards_free),
		TEST(a_card_with_the_kernels_console_is_in_use),
		TEST(virtios_console_is_in_use),
		TEST(a_getty_is_a_use),
		TEST(where_consoles_cannot_be_read_a_serial_card_may_have_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
