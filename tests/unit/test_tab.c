/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /etc/pciferry.tab, read and changed. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/tab.h"

#define IDENTITY "10de:1b39/10de:1217@03.0/00.0"
#define DEVICE	 "device 0000:82:00.0 " IDENTITY " vfio-pci"

static struct bootcfg_tab parse_bytes(const char *text, size_t len)
{
	struct bootcfg_tab tab;

	assert_int_equal(bootcfg_tab_parse(text, len, &tab), 0);
	return tab;
}

static struct bootcfg_tab parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void assert_written(struct bootcfg_tab *tab, const char *text)
{
	_cleanup_free_ char *written = NULL;
	size_t len;

	assert_int_equal(bootcfg_tab_write(tab, &written, &len), 0);
	assert_int_equal(strlen(written), len);
	assert_string_equal(written, text);
}

static struct bootcfg_tab_entry device(const char *address, const char *identity,
				       const char *driver)
{
	struct bootcfg_tab_entry entry = { .kind = TAB_DEVICE, .to = driver };

	assert_int_equal(pci_address_parse(address, &entry.address), 0);
	assert_int_equal(pci_identity_parse(identity, strlen(identity), &entry.identity),
			 0);
	return entry;
}

static void each_kind_of_line_is_read(void **state)
{
	struct bootcfg_tab tab =
		parse("# what where\n"
		      "\n"
		      " device\t0000:82:00.0  " IDENTITY " vfio-pci\r\n"
		      "vf 10000:e1:00.0 " IDENTITY "#0011223344556677 4\n"
		      "set 0000:00:02.0 " IDENTITY " reset_method=flr  vf0.vlan=7 # one\n"
		      "device 0000:82:00.1 " IDENTITY " mlx5-vfio-pci");
	const struct bootcfg_tab_line *lines = tab.lines;
	char text[PCI_ADDRESS_SIZE];

	(void)state;
	assert_int_equal(tab.count, 6);
	for (size_t i = 0; i < tab.count; i++) {
		assert_null(lines[i].bad);
		assert_int_equal(lines[i].number, i + 1);
	}
	assert_int_equal(lines[0].entry.kind, TAB_EMPTY);
	assert_int_equal(lines[1].entry.kind, TAB_EMPTY);
	assert_int_equal(lines[2].entry.kind, TAB_DEVICE);
	assert_string_equal(pci_address_format(&lines[2].entry.address, text),
			    "0000:82:00.0");
	assert_int_equal(lines[2].entry.identity.device_id, 0x1b39);
	assert_string_equal(lines[2].entry.identity.path, "03.0/00.0");
	assert_string_equal(lines[2].entry.to, "vfio-pci");
	assert_int_equal(lines[3].entry.kind, TAB_VF);
	assert_int_equal(lines[3].entry.address.domain, 0x10000);
	assert_true(lines[3].entry.identity.has_serial);
	assert_int_equal(lines[3].entry.count, 4);
	assert_null(lines[3].entry.to);
	assert_int_equal(lines[4].entry.kind, TAB_SET);
	assert_string_equal(lines[4].entry.to, "reset_method=flr vf0.vlan=7");
	assert_string_equal(pci_address_format(&lines[4].entry.address, text),
			    "0000:00:02.0");
	assert_string_equal(lines[5].entry.to, "mlx5-vfio-pci");
	bootcfg_tab_free(&tab);
}

static const struct {
	const char *line, *bad;
} bad_lines[] = {
	{ "device", "words are missing" },
	{ "device 0000:82:00.0 " IDENTITY, "words are missing" },
	{ "device 0000:82:00.0 " IDENTITY " # vfio-pci", "words are missing" },
	{ DEVICE " now", "it has too many words" },
	{ "device 82:00.0 " IDENTITY " vfio-pci",
	  "its address is none as /sys writes it, 0000:82:00.0" },
	{ "device 00000:82:00.0 " IDENTITY " vfio-pci",
	  "its address is none as /sys writes it, 0000:82:00.0" },
	{ "device ../../82:00.0 " IDENTITY " vfio-pci",
	  "its address is none as /sys writes it, 0000:82:00.0" },
	{ "device 0000:82:00.0 10de:1b39 vfio-pci",
	  "its identity is none, as 10de:1b39/10de:1217@03.0/00.0" },
	{ "device 0000:82:00.0 " IDENTITY " nvme",
	  "its driver is none that hands devices over" },
	{ "set 0000:82:00.0 " IDENTITY, "words are missing" },
	{ "set 0000:82:00.0 " IDENTITY " a=1 flr",
	  "it has a word that is no NAME=VALUE" },
	{ "set 0000:82:00.0 " IDENTITY " =1", "it has a word that is no NAME=VALUE" },
	{ "set 0000:82:00.0 " IDENTITY " a=", "it has a word that is no NAME=VALUE" },
	{ "set 0000:82:00.0 " IDENTITY " a=$(x)", "it has a word that is no NAME=VALUE" },
	{ "device 0000:82:00.0 " IDENTITY " vfio_pci",
	  "its driver is none that hands devices over" },
	{ "device 0000:82:00.0 " IDENTITY " $(x)-vfio-pci",
	  "its driver is none that hands devices over" },
	{ "device 0000:82:00.0 " IDENTITY " A-vfio-pci",
	  "its driver is none that hands devices over" },
	{ "device 0000:82:00.0 " IDENTITY " -vfio-pci",
	  "its driver is none that hands devices over" },
	{ "device 0000:82:00.0 " IDENTITY "\rvfio-pci", "words are missing" },
	{ "vf 0000:82:00.0 " IDENTITY " 4 nvme",
	  "its driver is none that hands devices over" },
	{ "vf 0000:82:00.0 " IDENTITY " 4 vfio-pci 5", "it has too many words" },
	{ "vf 0000:82:00.0 " IDENTITY " 0",
	  "its number of functions is none from 1 to 65535" },
	{ "vf 0000:82:00.0 " IDENTITY " 65536",
	  "its number of functions is none from 1 to 65535" },
	{ "vf 0000:82:00.0 " IDENTITY " +1",
	  "its number of functions is none from 1 to 65535" },
	{ "pages node0 2M", "words are missing" },
	{ "pages node0 2M 5 6", "it has too many words" },
	{ "pages 0 2M 5", "its node is none as /sys writes it, node0" },
	{ "pages node 2M 5", "its node is none as /sys writes it, node0" },
	{ "pages node00 2M 5", "its node is none as /sys writes it, node0" },
	{ "pages node1024 2M 5", "its node is none as /sys writes it, node0" },
	{ "pages node/../0 2M 5", "its node is none as /sys writes it, node0" },
	{ "pages node0 2 5", "its size of pages is none, as 2M or 1G" },
	{ "pages node0 2m 5", "its size of pages is none, as 2M or 1G" },
	{ "pages node0 2048K 5", "its size of pages is none, as 2M or 1G" },
	{ "pages node0 3M 5", "its size of pages is none, as 2M or 1G" },
	{ "pages node0 02M 5", "its size of pages is none, as 2M or 1G" },
	{ "pages node0 4294967296G 5", "its size of pages is none, as 2M or 1G" },
	{ "pages node0 2M 0", "its number of pages is none" },
	{ "pages node0 2M -5", "its number of pages is none" },
	{ "pages node0 2M 4294967296", "its number of pages is none" },
	{ "devices x", "it begins with no word that is known: device, vf, set, pages" },
	{ "Device x", "it begins with no word that is known: device, vf, set, pages" },
};

static void a_bad_line_is_told_kept_and_does_not_count(void **state)
{
	struct bootcfg_tab tab;
	char text[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_lines); i++) {
		snprintf(text, sizeof(text), "# one\n%s\n", bad_lines[i].line);
		tab = parse(text);
		assert_int_equal(tab.count, 2);
		assert_non_null(tab.lines[1].bad);
		assert_string_equal(tab.lines[1].bad, bad_lines[i].bad);
		assert_int_equal(tab.lines[1].number, 2);
		assert_false(tab.lines[1].repeats);
		assert_written(&tab, text);
		bootcfg_tab_free(&tab);
	}
}

static void a_nul_is_no_character_of_any_word(void **state)
{
	static const char *const words[] = { "device", "0000:82:00.0", IDENTITY,
					     "vfio-pci" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		char text[] = DEVICE;
		struct bootcfg_tab tab;

		strstr(text, words[i])[2] = '\0';
		tab = parse_bytes(text, sizeof(text) - 1);
		assert_int_equal(tab.count, 1);
		assert_non_null(tab.lines[0].bad);
		bootcfg_tab_free(&tab);
	}
}

static void of_two_lines_for_a_device_the_first_counts(void **state)
{
	struct bootcfg_tab tab =
		parse(DEVICE "\n"
			     "device 0000:82:00.0 " IDENTITY " pci-stub\n"
			     "vf 0000:82:00.0 " IDENTITY " 4\n"
			     "pages node0 2M 5\n"
			     "pages node0 2M 6\n");
	const struct bootcfg_tab_line *found =
		bootcfg_tab_find(&tab, &tab.lines[1].entry);

	(void)state;
	assert_ptr_equal(found, &tab.lines[0]);
	assert_true(tab.lines[1].repeats);
	assert_string_equal(tab.lines[1].bad, "line 1 is for the same");
	assert_null(tab.lines[2].bad);
	assert_null(tab.lines[3].bad);
	assert_string_equal(tab.lines[4].bad, "line 4 is for the same");
	/* Taken out, the second must not come into force. */
	assert_true(bootcfg_tab_remove(&tab, &tab.lines[0].entry));
	assert_written(&tab, "vf 0000:82:00.0 " IDENTITY " 4\n"
			     "pages node0 2M 5\n"
			     "pages node0 2M 6\n");
	bootcfg_tab_free(&tab);
}

static void a_change_leaves_all_other_bytes(void **state)
{
	static const char before[] =
		"\t# my card \n\n"
		"device  0000:82:00.0 " IDENTITY " pci-stub   # mine \r\n"
		"nonsense `x`\n"
		"device 0000:82:00.1 " IDENTITY " vfio-pci";
	struct bootcfg_tab_entry first = device("0000:82:00.0", IDENTITY, "vfio-pci");
	struct bootcfg_tab_entry new = device("0000:03:00.0", IDENTITY, "vfio-pci");
	struct bootcfg_tab tab = parse(before);

	(void)state;
	assert_written(&tab, before);
	assert_int_equal(bootcfg_tab_set(&tab, &first), 0);
	assert_written(&tab, "\t# my card \n\n" DEVICE " # mine \r\n"
			     "nonsense `x`\n"
			     "device 0000:82:00.1 " IDENTITY " vfio-pci");
	assert_int_equal(bootcfg_tab_set(&tab, &new), 0);
	assert_written(&tab, "\t# my card \n\n" DEVICE " # mine \r\n"
			     "nonsense `x`\n"
			     "device 0000:82:00.1 " IDENTITY " vfio-pci\n"
			     "device 0000:03:00.0 " IDENTITY " vfio-pci\n");
	assert_non_null(bootcfg_tab_find(&tab, &new));
	assert_true(bootcfg_tab_remove(&tab, &first));
	assert_false(bootcfg_tab_remove(&tab, &first));
	assert_true(bootcfg_tab_remove(&tab, &new));
	assert_written(&tab, "\t# my card \n\n"
			     "nonsense `x`\n"
			     "device 0000:82:00.1 " IDENTITY " vfio-pci\n");
	bootcfg_tab_free(&tab);
}

static void what_says_the_same_already_stays_as_it_stands(void **state)
{
	static const char text[] = "device  0000:82:00.0\t10DE:1b39/10de:1217@03.0/00.0"
				   "  vfio-pci #x";
	struct bootcfg_tab_entry entry = device("0000:82:00.0", IDENTITY, "vfio-pci");
	struct bootcfg_tab tab = parse(text);

	(void)state;
	assert_int_equal(bootcfg_tab_set(&tab, &entry), 0);
	assert_written(&tab, text);
	bootcfg_tab_free(&tab);
}

static void settings_are_any_number_of_words(void **state)
{
	struct bootcfg_tab tab =
		parse("set 0000:82:00.0 " IDENTITY " a=1 \tb.c=2   d=3 e=4 f=5 # why\n");

	(void)state;
	assert_null(tab.lines[0].bad);
	assert_int_equal(tab.lines[0].entry.kind, TAB_SET);
	assert_string_equal(tab.lines[0].entry.to, "a=1 b.c=2 d=3 e=4 f=5");
	bootcfg_tab_free(&tab);
}

static void pages_are_of_a_node_and_a_size(void **state)
{
	struct bootcfg_tab tab = parse("pages node0 2M 8192 # guest\npages node0 1G 4\n"
				       "pages node1 64K 5\npages node0 2M 9\n");
	struct bootcfg_tab_entry entry = tab.lines[1].entry;

	(void)state;
	assert_int_equal(entry.kind, TAB_PAGES);
	assert_int_equal(entry.page_kib, 1 << 20);
	assert_int_equal(tab.lines[2].entry.node, 1);
	assert_int_equal(tab.lines[2].entry.page_kib, 64);
	assert_string_equal(tab.lines[3].bad, "line 1 is for the same");
	entry.page_kib = 2048;
	entry.count = 10;
	assert_int_equal(bootcfg_tab_set(&tab, &entry), 0);
	entry.node = 2;
	entry.page_kib = 1 << 21;
	assert_int_equal(bootcfg_tab_set(&tab, &entry), 0);
	entry = tab.lines[1].entry;
	assert_true(bootcfg_tab_remove(&tab, &entry));
	assert_written(&tab, "pages node0 2M 10 # guest\npages node1 64K 5\n"
			     "pages node0 2M 9\npages node2 2G 10\n");
	entry.page_kib = 3;
	assert_int_equal(bootcfg_tab_set(&tab, &entry), -EINVAL);
	bootcfg_tab_free(&tab);
}

static void an_empty_tab_takes_each_kind(void **state)
{
	struct bootcfg_tab_entry entry = device("0000:82:00.0", IDENTITY, "vfio-pci");
	struct bootcfg_tab tab = parse("");

	(void)state;
	assert_int_equal(tab.count, 0);
	assert_int_equal(bootcfg_tab_set(&tab, &entry), 0);
	entry.kind = TAB_VF;
	entry.to = NULL;
	entry.count = 4;
	assert_int_equal(bootcfg_tab_set(&tab, &entry), 0);
	entry.address.device++;
	entry.to = "vfio-pci";
	assert_int_equal(bootcfg_tab_set(&tab, &entry), 0);
	entry.kind = TAB_SET;
	entry.count = 0;
	entry.to = "reset_method=flr,bus vf0.mac=52:54:00:12:34:56";
	assert_int_equal(bootcfg_tab_set(&tab, &entry), 0);
	entry = (struct bootcfg_tab_entry){ .kind = TAB_PAGES,
					    .page_kib = 2048,
					    .count = 5 };
	assert_int_equal(bootcfg_tab_set(&tab, &entry), 0);
	assert_written(&tab, DEVICE "\n"
				    "vf 0000:82:00.0 " IDENTITY " 4\n"
				    "vf 0000:82:01.0 " IDENTITY " 4 vfio-pci\n"
				    "set 0000:82:01.0 " IDENTITY
				    " reset_method=flr,bus vf0.mac=52:54:00:12:34:56\n"
				    "pages node0 2M 5\n");
	bootcfg_tab_free(&tab);
}

static void assert_same(const char *a, const char *b, bool expected)
{
	struct bootcfg_tab one = parse(a), other = parse(b);

	assert_int_equal(bootcfg_tab_same_devices(&one, &other), expected);
	assert_int_equal(bootcfg_tab_same_devices(&other, &one), expected);
	bootcfg_tab_free(&one);
	bootcfg_tab_free(&other);
}

static void copies_are_told_apart_by_the_devices_that_they_bind(void **state)
{
	(void)state;
	assert_same("", "# nothing\nwhat\n", true);
	assert_same(DEVICE, DEVICE " # a card\r\n\n", true);
	assert_same(DEVICE "\nvf 0000:03:00.0 " IDENTITY " 4\n",
		    "pages node0 2M 5\n" DEVICE, true);
	assert_same(DEVICE, DEVICE "\n" DEVICE, true);
	assert_same(DEVICE, "", false);
	assert_same(DEVICE, "device 0000:82:00.0 " IDENTITY " pci-stub", false);
	assert_same(DEVICE, DEVICE "\ndevice 0000:83:00.0 " IDENTITY " vfio-pci", false);
}

static void nothing_is_written_that_is_not_understood(void **state)
{
	static const char *const drivers[] = { "nvme",	       "",
					       "vfio-pci # x", "vfio-pci\nvf",
					       "vfio-pci x",   NULL };
	struct bootcfg_tab tab = parse("");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		struct bootcfg_tab_entry entry =
			device("0000:82:00.0", IDENTITY, drivers[i]);

		assert_int_equal(bootcfg_tab_set(&tab, &entry), -EINVAL);
	}
	assert_int_equal(
		bootcfg_tab_set(&tab, &(struct bootcfg_tab_entry){ .kind = TAB_OTHER }),
		-EINVAL);
	assert_written(&tab, "");
	bootcfg_tab_free(&tab);
	bootcfg_tab_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_of_line_is_read),
		cmocka_unit_test(a_bad_line_is_told_kept_and_does_not_count),
		cmocka_unit_test(a_nul_is_no_character_of_any_word),
		cmocka_unit_test(of_two_lines_for_a_device_the_first_counts),
		cmocka_unit_test(a_change_leaves_all_other_bytes),
		cmocka_unit_test(what_says_the_same_already_stays_as_it_stands),
		cmocka_unit_test(settings_are_any_number_of_words),
		cmocka_unit_test(pages_are_of_a_node_and_a_size),
		cmocka_unit_test(an_empty_tab_takes_each_kind),
		cmocka_unit_test(copies_are_told_apart_by_the_devices_that_they_bind),
		cmocka_unit_test(nothing_is_written_that_is_not_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
