/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tells a device from its likes, written, read and compared. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/config.h"
#include "pci/identity.h"

#define NVME	 "pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02\n"
#define PLACE	 "pci0000:00/0000:00:03.0/0000:01:00.0"
#define IDENTITY "1b36:0010/1af4:1100@03.0/00.0"

struct read {
	struct host *host;
	struct pci_devices devices;
	struct pci_topology topology;
};

static const struct pci_node *open_device(struct read *read, const struct tree *tree,
					  const char *modalias)
{
	const struct pci_address address = { .bus = 1 };
	const struct pci_node *node;

	tree_place(tree, "pci0000:00/0000:00:03.0");
	tree_place(tree, PLACE);
	if (modalias)
		tree_file(tree, "sys/devices/" PLACE "/modalias", modalias);
	assert_int_equal(host_open_directory(tree->path, &read->host, NULL), 0);
	assert_int_equal(pci_scan(read->host, &read->devices, NULL), 0);
	assert_int_equal(
		pci_topology_read(read->host, &read->devices, &read->topology, NULL), 0);
	node = pci_find_node(&read->topology, &address);
	assert_non_null(node);
	return node;
}

static void close_device(struct read *read)
{
	pci_topology_free(&read->topology);
	pci_devices_free(&read->devices);
	host_free(read->host);
}

static struct pci_identity parse(const char *text)
{
	struct pci_identity identity;

	assert_int_equal(pci_identity_parse(text, strlen(text), &identity), 0);
	return identity;
}

static void a_device_has_an_identity_and_fits_it(void **state)
{
	static const struct {
		struct pci_config config;
		const char *text;
	} cases[] = {
		{ { .serial_fact = FACT_ABSENT }, IDENTITY },
		{ { .serial_fact = FACT_UNREADABLE }, IDENTITY },
		{ { .serial_fact = FACT_KNOWN, .serial_number = 0x11223344556677 },
		  IDENTITY "#0011223344556677" },
	};
	struct read read;
	const struct pci_node *node = open_device(&read, *state, NVME);
	char text[PCI_IDENTITY_TEXT_SIZE], misfit[PCI_MISFIT_SIZE];
	struct pci_identity identity;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(pci_identity_of(node, &cases[i].config, &identity), 0);
		assert_string_equal(pci_identity_write(&identity, text), cases[i].text);
		identity = parse(cases[i].text);
		assert_true(pci_identity_fits(&identity, node, &cases[i].config, misfit));
	}
	assert_int_equal(pci_identity_of(node, NULL, &identity), 0);
	assert_string_equal(pci_identity_write(&identity, text), IDENTITY);
	close_device(&read);
}

static void what_is_another_s_is_said_in_words(void **state)
{
	static const struct pci_config none = { .serial_fact = FACT_ABSENT },
				       hidden = { .serial_fact = FACT_UNREADABLE },
				       known = { .serial_fact = FACT_KNOWN,
						 .serial_number = 0x12 };
	static const struct {
		const char *identity;
		const struct pci_config *config;
		const char *misfit;
	} cases[] = {
		{ "1b36:0011/1af4:1100@03.0/00.0", &none,
		  "it is 1b36:0010/1af4:1100, not 1b36:0011/1af4:1100" },
		{ "1b36:0010/1af4:1101@03.0/00.0", &none,
		  "it is 1b36:0010/1af4:1100, not 1b36:0010/1af4:1101" },
		{ "1b36:0010/1af4:1100@03.1/00.0", &none,
		  "its path is 03.0/00.0, not 03.1/00.0" },
		{ "1b36:0010/1af4:1100@00.0", &none, "its path is 03.0/00.0, not 00.0" },
		{ IDENTITY "#0000000000000011", &known,
		  "its serial number is 0000000000000012, not 0000000000000011" },
		{ IDENTITY "#0000000000000011", &none,
		  "it has no serial number, which must be 0000000000000011" },
		{ IDENTITY "#0000000000000011", &hidden,
		  "its serial number cannot be read: it must be 0000000000000011" },
		{ IDENTITY "#0000000000000011", NULL,
		  "its serial number cannot be read: it must be 0000000000000011" },
	};
	struct read read;
	const struct pci_node *node = open_device(&read, *state, NVME);
	char misfit[PCI_MISFIT_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pci_identity identity = parse(cases[i].identity);

		assert_false(pci_identity_fits(&identity, node, cases[i].config, misfit));
		assert_string_equal(misfit, cases[i].misfit);
	}
	close_device(&read);
}

static void what_cannot_be_read_fits_nothing_and_has_no_identity(void **state)
{
	struct pci_identity wanted = parse(IDENTITY), identity;
	struct read read;
	const struct pci_node *node = open_device(&read, *state, NULL);
	struct pci_node unplaced = { .device = node->device,
				     .parent_fact = FACT_UNREADABLE };
	char misfit[PCI_MISFIT_SIZE];

	assert_int_equal(pci_identity_of(node, NULL, &identity), -ENODATA);
	assert_false(pci_identity_fits(&wanted, node, NULL, misfit));
	assert_string_equal(misfit, "its IDs cannot be read");
	node->device->ids = FACT_KNOWN;
	node->device->vendor_id = wanted.vendor_id;
	node->device->device_id = wanted.device_id;
	node->device->subsystem_vendor_id = wanted.subsystem_vendor_id;
	node->device->subsystem_device_id = wanted.subsystem_device_id;
	assert_int_equal(pci_identity_of(&unplaced, NULL, &identity), -ENODATA);
	assert_false(pci_identity_fits(&wanted, &unplaced, NULL, misfit));
	assert_string_equal(misfit, "its path cannot be read");
	close_device(&read);
}

static void an_identity_is_read_whole_or_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"1b36",
		"1b36:0010",
		"1b36:0010/1af4:1100",
		"1b36:0010/1af4:1100@",
		"1b36:0010/1af4:1100@03.0/",
		"1b36:0010/1af4:1100@/03.0",
		"1b36:0010/1af4:1100@03.0//00.0",
		"1b36:0010/1af4:1100@3.0",
		"1b36:0010/1af4:1100@03.8",
		"1b36:0010/1af4:1100@20.0",
		"1b36:0010/1af4:1100@03.0 ",
		"1b36:0010/1af4:1100@03.0#",
		"1b36:0010/1af4:1100@03.0#1",
		"1b36:0010/1af4:1100@03.0#00112233445566778",
		"1b36:0010/1af4:1100@03.0#0011223344556677#",
		"1b36:0010/1af4:1100#0011223344556677@03.0",
		"1b36.0010/1af4:1100@03.0",
		"1b36:0010:1af4:1100@03.0",
		"1g36:0010/1af4:1100@03.0",
		" 1b36:0010/1af4:1100@03.0",
	};
	struct pci_identity identity = { .vendor_id = 7 };
	char text[PCI_IDENTITY_TEXT_SIZE], deep[256] = "1b36:0010/1af4:1100@00.0";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (pci_identity_parse(bad[i], strlen(bad[i]), &identity) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_int_equal(identity.vendor_id, 7);
	identity = parse("1B36:00AF/1AF4:1100@1F.7/0a.0#00112233445566FF");
	assert_string_equal(pci_identity_write(&identity, text),
			    "1b36:00af/1af4:1100@1f.7/0a.0#00112233445566ff");
	/* As deep as pci_node_path() goes, and one more. */
	for (size_t i = 1; i < 25; i++)
		strcat(deep, "/00.0");
	identity = parse(deep);
	assert_string_equal(pci_identity_write(&identity, text), deep);
	strcat(deep, "/00.0");
	assert_int_equal(pci_identity_parse(deep, strlen(deep), &identity), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_has_an_identity_and_fits_it),
		TEST(what_is_another_s_is_said_in_words),
		TEST(what_cannot_be_read_fits_nothing_and_has_no_identity),
		cmocka_unit_test(an_identity_is_read_whole_or_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
