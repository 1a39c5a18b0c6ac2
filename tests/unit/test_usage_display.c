/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "looked.h"

#include <stdio.h>
#include <unistd.h>

#define CARD  "0000:02:00.0"
#define OTHER "0000:03:00.0"
#define IN    "pci0000:00/0000:02:00.0"
#define AT    "sys/devices/pci0000:00/0000:02:00.0/"

/* The firmware's display, and another, which nothing uses in any test. */
static int cards_setup(void **state)
{
	const struct tree *tree = quiet_setup(state);

	tree_function(tree, CARD, MODALIAS_VGA, "amdgpu", "2");
	tree_function(tree, OTHER, MODALIAS_VGA, "amdgpu", "3");
	tree_file(tree, AT "boot_vga", "1\n");
	tree_file(tree, "sys/devices/pci0000:00/0000:03:00.0/boot_vga", "0\n");
	quiet_class(tree, "drm", IN "/drm", "card0");
	quiet_class(tree, "drm", IN "/drm", "renderD128");
	quiet_class(tree, "drm", "pci0000:00/0000:03:00.0/drm", "card1");
	tree_file(tree, "sys/class/drm/version", "drm 1.1.0 20060810\n");
	return 0;
}

static void add_connector(const struct tree *tree, const char *card, const char *name,
			  const char *status, const char *enabled)
{
	char path[256];

	snprintf(path, sizeof(path), IN "/drm/%s", card);
	quiet_class(tree, "drm", path, name);
	snprintf(path, sizeof(path), "sys/class/drm/%s/status", name);
	tree_file(tree, path, status);
	snprintf(path, sizeof(path), "sys/class/drm/%s/enabled", name);
	tree_file(tree, path, enabled);
}

static void add_console(const struct tree *tree, const char *name, const char *what,
			const char *bound)
{
	char path[256];

	snprintf(path, sizeof(path), "sys/class/vtconsole/%s/name", name);
	tree_file(tree, path, what);
	snprintf(path, sizeof(path), "sys/class/vtconsole/%s/bind", name);
	tree_file(tree, path, bound);
}

static void look_expect(const struct tree *tree, enum usage_kind kind, const char *text)
{
	look_expect_only(tree, CARD, OTHER, kind, text);
}

/* That the firmware booted with it says nothing of now. */
static void a_display_without_picture_or_console_is_free(void **state)
{
	const struct tree *tree = *state;

	add_connector(tree, "card0", "card0-HDMI-A-1", "disconnected\n", "disabled\n");
	add_connector(tree, "card0", "card0-DP-1", "connected\n", "disabled\n");
	add_connector(tree, "card0", "card0-DP-2", "disconnected\n", "enabled\n");
	add_console(tree, "vtcon0", "(S) dummy device\n", "1\n");
	look_expect_free(tree, CARD);
	look_expect_free(tree, OTHER);
}

static void a_picture_on_a_connected_display_is_in_use(void **state)
{
	const struct tree *tree = *state;

	add_connector(tree, "card0", "card0-DP-1", "disconnected\n", "disabled\n");
	add_connector(tree, "card0", "card0-HDMI-A-1", "connected\n", "enabled\n");
	look_expect(tree, USAGE_DISPLAY,
		    "card0-HDMI-A-1 shows a picture on a connected display");
}

/* A VGA cable without data lines: whoever sits there sees it all the same. */
static void a_picture_on_what_may_be_a_display_is_in_use(void **state)
{
	const struct tree *tree = *state;

	add_connector(tree, "card0", "card0-VGA-1", "unknown\n", "disabled\n");
	look_expect_free(tree, CARD);
	tree_file(tree, "sys/class/drm/card0-VGA-1/enabled", "enabled\n");
	look_expect(tree, USAGE_DISPLAY,
		    "card0-VGA-1 shows a picture on a connector that cannot tell");
}

static void a_connector_that_cannot_be_read_counts(void **state)
{
	const struct tree *tree = *state;

	add_connector(tree, "card0", "card0-HDMI-A-1", "connected\n", "enabled\n");
	quiet_unreadable(tree, "sys/class/drm/card0-HDMI-A-1/enabled");
	look_expect_unreadable(tree, CARD, "whether card0-HDMI-A-1 shows a picture");
	quiet_unreadable(tree, "sys/class/drm/card0-HDMI-A-1/status");
	look_expect_unreadable(tree, CARD, "whether card0-HDMI-A-1 shows a picture");
	/* Without a display it shows none, whatever the rest is. */
	add_connector(tree, "card0", "card0-DP-1", "disconnected\n", "enabled\n");
	assert_int_equal(unlinkat(tree->fd, "sys/class/drm/card0-HDMI-A-1", 0), 0);
	quiet_unreadable(tree, "sys/class/drm/card0-DP-1/enabled");
	look_expect_free(tree, CARD);
}

static void the_card_with_the_kernels_console_is_in_use(void **state)
{
	const struct tree *tree = *state;

	quiet_class(tree, "graphics", IN "/graphics", "fb0");
	quiet_class(tree, "graphics", "pci0000:00/0000:03:00.0/graphics", "fb1");
	quiet_class(tree, "graphics", "virtual/graphics", "fbcon");
	look_expect_free(tree, CARD);
	add_console(tree, "vtcon0", "(S) dummy device\n", "0\n");
	add_console(tree, "vtcon1", "(M) frame buffer device\n", "1\n");
	look_expect(tree, USAGE_CONSOLE,
		    "the kernel's console is on its framebuffer fb0");
}

static void a_console_that_was_unbound_is_none(void **state)
{
	const struct tree *tree = *state;

	quiet_class(tree, "graphics", IN "/graphics", "fb0");
	add_console(tree, "vtcon1", "(M) frame buffer device\n", "0\n");
	add_console(tree, "vtcon0", "(S) VGA+\n", "0\n");
	look_expect_free(tree, CARD);
}

static void the_text_console_is_on_the_firmwares_display(void **state)
{
	const struct tree *tree = *state;

	add_console(tree, "vtcon0", "(S) VGA+\n", "1\n");
	look_expect(tree, USAGE_CONSOLE, "the kernel's text console is on it (VGA)");
}

/* Which card has it then is not known. */
static void a_console_that_cannot_be_read_may_be_on_any_card(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:05:00.0", MODALIAS_NIC, NULL, "5");
	add_console(tree, "vtcon1", "(M) frame buffer device\n", "1\n");
	quiet_unreadable(tree, "sys/class/vtconsole/vtcon1/name");
	for (int i = 0; i < 2; i++) {
		look(tree, &looked);
		expect_unreadable(&looked, CARD, "whether it has the kernel's console");
		expect_unreadable(&looked, OTHER, "whether it has the kernel's console");
		expect_free(&looked, "0000:05:00.0");
		look_away(&looked);
		quiet_unreadable(tree, "sys/class/vtconsole/vtcon1/bind");
	}
}

/* CONFIG_FB_DEVICE=n: of framebuffers nothing is in /sys, and the console is on one. */
static void a_console_on_a_framebuffer_that_is_not_told_may_be_on_any_card(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:05:00.0", MODALIAS_VGA, "vfio-pci", "5");
	tree_function(tree, "0000:06:00.0", MODALIAS_VGA, NULL, "6");
	quiet_class(tree, "graphics", "virtual/graphics", "fbcon");
	look_expect_free(tree, CARD);
	add_console(tree, "vtcon1", "(M) frame buffer device\n", "1\n");
	look(tree, &looked);
	expect_unreadable(&looked, CARD, "whether it has the kernel's console");
	expect_unreadable(&looked, OTHER, "whether it has the kernel's console");
	expect_free(&looked, "0000:05:00.0");
	expect_free(&looked, "0000:06:00.0");
	look_away(&looked);
}

static void a_boot_vga_that_cannot_be_read_may_have_the_text_console(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_unreadable(tree, AT "boot_vga");
	look_expect_free(tree, CARD);
	add_console(tree, "vtcon0", "(S) VGA+\n", "1\n");
	look(tree, &looked);
	expect_unreadable(&looked, CARD, "whether it has the kernel's console");
	expect_free(&looked, OTHER);
	look_away(&looked);
}

/* The same as root sees it and, all numbers zero, anybody else: the names tell. */
static void the_firmwares_framebuffer_is_found_by_anybody(void **state)
{
	static const char *const tables[] = {
		"00001000-0009fbff : System RAM\n"
		"80000000-febfffff : PCI Bus 0000:00\n"
		"  e0000000-efffffff : 0000:03:00.0\n"
		"  f0000000-f1ffffff : PCI Bus 0000:02\n"
		"    f0000000-f0ffffff : 0000:02:00.0\n"
		"      f0000000-f02fffff : BOOTFB\n"
		"  febd0000-febd0fff : 0000:03:00.0\n"
		"fec00000-fec003ff : IOAPIC 0\n",
		"00000000-00000000 : System RAM\n"
		"00000000-00000000 : PCI Bus 0000:00\n"
		"  00000000-00000000 : 0000:03:00.0\n"
		"  00000000-00000000 : PCI Bus 0000:02\n"
		"    00000000-00000000 : 0000:02:00.0\n"
		"      00000000-00000000 : BOOTFB\n"
		"  00000000-00000000 : 0000:03:00.0\n"
		"00000000-00000000 : IOAPIC 0\n",
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		tree_file(*state, "proc/iomem", tables[i]);
		look_expect(*state, USAGE_FRAMEBUFFER,
			    "the firmware's framebuffer (BOOTFB) is in its memory");
	}
}

static void every_name_of_a_framebuffer_is_known(void **state)
{
	static const char *const names[] = {
		"BOOTFB",    "simplefb", "efifb",  "vesafb", "simple-framebuffer",
		"simpledrm", "efidrm",	 "vesadrm"
	};
	char table[256], text[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		/* Deeper than the one range: its driver's is between. */
		snprintf(table, sizeof(table),
			 "80000000-febfffff : PCI Bus 0000:00\n"
			 "  f0000000-f0ffffff : 0000:02:00.0\n"
			 "    f0000000-f0ffffff : amdgpu\n"
			 "      f0000000-f02fffff : %s",
			 names[i]);
		tree_file(*state, "proc/iomem", table);
		snprintf(text, sizeof(text), "the firmware's framebuffer (%s)", names[i]);
		look_expect(*state, USAGE_FRAMEBUFFER, text);
	}
}

static void a_framebuffer_elsewhere_is_not_the_cards(void **state)
{
	const struct tree *tree = *state;

	tree_file(tree, "proc/iomem",
		  "80000000-febfffff : PCI Bus 0000:00\n"
		  "  f0000000-f0ffffff : 0000:02:00.0\n"
		  "  f2000000-f20fffff : BOOTFB\n"
		  "  f3000000-f3ffffff : 0000:02:00.0\n"
		  "    f3000000-f30fffff : BOOTFB of another\n"
		  "    f3100000-f31fffff : 0000:04:00.0\n"
		  "      f3100000-f31fffff : BOOTFB\n"
		  "damaged\n"
		  " : BOOTFB\n");
	look_expect_free(tree, CARD);
	look_expect_free(tree, OTHER);
}

static void memory_that_cannot_be_read_may_hold_the_framebuffer(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:05:00.0", MODALIAS_NIC, NULL, "5");
	quiet_unreadable(tree, "proc/iomem");
	look(tree, &looked);
	expect_unreadable(&looked, CARD, "/proc/iomem could not be read");
	expect_unreadable(&looked, OTHER, "/proc/iomem could not be read");
	expect_free(&looked, "0000:05:00.0");
	look_away(&looked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cards_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_display_without_picture_or_console_is_free),
		TEST(a_picture_on_a_connected_display_is_in_use),
		TEST(a_picture_on_what_may_be_a_display_is_in_use),
		TEST(a_connector_that_cannot_be_read_counts),
		TEST(the_card_with_the_kernels_console_is_in_use),
		TEST(a_console_that_was_unbound_is_none),
		TEST(the_text_console_is_on_the_firmwares_display),
		TEST(a_console_that_cannot_be_read_may_be_on_any_card),
		TEST(a_console_on_a_framebuffer_that_is_not_told_may_be_on_any_card),
		TEST(a_boot_vga_that_cannot_be_read_may_have_the_text_console),
		TEST(the_firmwares_framebuffer_is_found_by_anybody),
		TEST(every_name_of_a_framebuffer_is_known),
		TEST(a_framebuffer_elsewhere_is_not_the_cards),
		TEST(memory_that_cannot_be_read_may_hold_the_framebuffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
