/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pci/config.h"
#include "pci/device.h"

#define PORT "sys/devices/pci0000:00/0000:00:01.0"
#define CARD PORT "/0000:01:00.0"

static const struct pci_device card = { .address = { .bus = 1 } };

/* A function behind a port, whose sleep nothing tells. */
static struct host *make(const struct tree *tree, size_t len)
{
	uint8_t bytes[PCI_CONFIG_MAX] = { 0x36, 0x1b, 0x10, 0x00, 0, 0, 0x10, 0 };
	struct host *host = NULL;

	bytes[0x34] = 0x40;
	bytes[0x40] = 0x10;
	bytes[0x42] = 0x02;
	bytes[0x100] = 0x0d;
	bytes[0x102] = 0x01;
	tree_link(tree, "sys/bus/pci/devices/0000:01:00.0",
		  "../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0");
	tree_bytes(tree, CARD "/config", bytes, len);
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	return host;
}

static struct pci_config *read_card(const struct host *host, enum pci_wake wake)
{
	struct pci_device copy = card;
	struct pci_devices devices = { .items = &copy, .count = 1 };
	struct pci_config *configs;

	assert_int_equal(pci_configs_read(host, &devices, wake, &configs), 0);
	return configs;
}

static enum fact header(const struct host *host, enum pci_wake wake)
{
	struct pci_config *config = read_card(host, wake);
	enum fact fact = config->header_fact;

	/* What was not read is not known to be absent either. */
	assert_int_equal(config->acs_fact,
			 fact == FACT_KNOWN ? FACT_KNOWN : FACT_UNREADABLE);
	pci_configs_free(config, 1);
	return fact;
}

static void looking_at_a_sleeping_card_does_not_wake_it(void **state)
{
	static const struct {
		const char *state, *parent;
		enum fact fact;
	} cases[] = {
		{ "D0\n", "active\n", FACT_KNOWN },
		{ "D0\n", "unsupported\n", FACT_KNOWN },
		{ "D3hot\n", "active\n", FACT_KNOWN },
		{ "unknown\n", "active\n", FACT_KNOWN },
		{ "D3cold\n", "active\n", FACT_UNREADABLE },
		{ "D3cold\n", "suspended\n", FACT_UNREADABLE },
		{ "D3hot\n", "suspended\n", FACT_UNREADABLE },
		{ "D3hot\n", "suspending\n", FACT_UNREADABLE },
		/* Without a driver it stays in D0 while the port above it sleeps. */
		{ "D0\n", "suspended\n", FACT_UNREADABLE },
	};
	const struct tree *tree = *state;
	struct host *host = make(tree, PCI_CONFIG_MAX);

	assert_int_equal(header(host, PCI_LET_SLEEP), FACT_KNOWN);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		tree_file(tree, CARD "/power_state", cases[i].state);
		tree_file(tree, PORT "/power/runtime_status", cases[i].parent);
		if (header(host, PCI_LET_SLEEP) != cases[i].fact)
			fail_msg("%s below a port that is %s", cases[i].state,
				 cases[i].parent);
		assert_int_equal(header(host, PCI_WAKE), FACT_KNOWN);
	}
	host_free(host);
}

static void how_much_was_read_tells_what_is_known(void **state)
{
	static const struct {
		size_t len;
		enum fact header, pcie, acs;
	} cases[] = {
		{ 0, FACT_UNREADABLE, FACT_UNREADABLE, FACT_UNREADABLE },
		{ 64, FACT_KNOWN, FACT_UNREADABLE, FACT_UNREADABLE },
		{ 256, FACT_KNOWN, FACT_KNOWN, FACT_UNREADABLE },
		{ 4096, FACT_KNOWN, FACT_KNOWN, FACT_KNOWN },
	};
	const struct tree *tree = *state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pci_config *config;
		struct host *host;

		if (i > 0)
			assert_int_equal(unlinkat(tree->fd,
						  "sys/bus/pci/devices/0000:01:00.0", 0),
					 0);
		host = make(tree, cases[i].len);
		config = read_card(host, PCI_LET_SLEEP);
		assert_int_equal(config->header_fact, cases[i].header);
		assert_int_equal(config->pcie_fact, cases[i].pcie);
		assert_int_equal(config->acs_fact, cases[i].acs);
		pci_configs_free(config, 1);
		host_free(host);
	}
}

static void a_function_without_the_file_is_unknown_not_bare(void **state)
{
	const struct tree *tree = *state;
	struct host *host = make(tree, PCI_CONFIG_MAX);

	assert_int_equal(unlinkat(tree->fd, CARD "/config", 0), 0);
	assert_int_equal(header(host, PCI_LET_SLEEP), FACT_UNREADABLE);
	tree_folder(tree, CARD "/config");
	assert_int_equal(header(host, PCI_WAKE), FACT_UNREADABLE);
	host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			looking_at_a_sleeping_card_does_not_wake_it, tree_setup,
			tree_teardown),
		cmocka_unit_test_setup_teardown(how_much_was_read_tells_what_is_known,
						tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(
			a_function_without_the_file_is_unknown_not_bare, tree_setup,
			tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
