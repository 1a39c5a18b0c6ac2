/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How functions hang together, in trees that are sound and in trees that cannot be. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/topology.h"

#define DEVICES "sys/bus/pci/devices"

struct read {
	struct host *host;
	struct pci_devices devices;
	struct pci_topology topology;
};

static void open_tree(struct read *read, const struct tree *tree)
{
	memset(read, 0, sizeof(*read));
	tree_folder(tree, DEVICES);
	assert_int_equal(host_open_directory(tree->path, &read->host, NULL), 0);
	assert_int_equal(pci_scan(read->host, &read->devices, NULL), 0);
	assert_int_equal(
		pci_topology_read(read->host, &read->devices, &read->topology, NULL), 0);
}

static void close_tree(struct read *read)
{
	pci_topology_free(&read->topology);
	pci_devices_free(&read->devices);
	host_free(read->host);
}

static const struct pci_node *at(const struct read *read, const char *text)
{
	struct pci_address address;
	const struct pci_node *node;

	assert_int_equal(pci_address_parse(text, &address), 0);
	node = pci_find_node(&read->topology, &address);
	assert_non_null(node);
	return node;
}

/* parent: NULL, none is known; path: what pci_node_path() makes of it. */
static void assert_place(const struct read *read, const char *text, enum fact fact,
			 const char *parent, const char *path)
{
	const struct pci_node *node = at(read, text);
	char buffer[PCI_PATH_SIZE];

	assert_int_equal(node->parent_fact, fact);
	assert_ptr_equal(node->parent, parent ? at(read, parent) : NULL);
	assert_string_equal(pci_node_path(node, buffer), path);
}

static size_t count_below(const struct pci_node *first)
{
	size_t count = 0;

	for (; first; first = first->next)
		count += 1 + count_below(first->children);
	return count;
}

/* A walk down from the roots ends, and meets each function once. */
static void assert_walkable(const struct read *read)
{
	assert_int_equal(count_below(read->topology.roots), read->topology.count);
}

static void functions_hang_where_their_folders_are(void **state)
{
	const struct tree *tree = *state;
	const struct pci_node *first;
	struct read read;

	/* Bus numbers that overlap, decrease and come twice say nothing. */
	tree_place(tree, "pci0000:00/0000:00:1c.4");
	tree_place(tree, "pci0000:00/0000:00:1c.0");
	tree_place(tree, "pci0000:00/0000:00:1c.0/0000:05:00.0");
	tree_place(tree, "pci0000:00/0000:00:1c.0/0000:05:00.0/0000:03:01.0");
	tree_place(tree,
		   "pci0000:00/0000:00:1c.0/0000:05:00.0/0000:03:01.0/0000:02:00.1");
	tree_place(tree, "pci0000:00/0000:00:1c.4/0000:05:01.0");
	tree_place(tree, "pci0000:00/0000:00:1c.4/0000:05:00.1");
	tree_place(tree, "pci0000:80/0000:80:02.0");
	open_tree(&read, tree);
	assert_place(&read, "00:1c.0", FACT_ABSENT, NULL, "1c.0");
	assert_place(&read, "80:02.0", FACT_ABSENT, NULL, "02.0");
	assert_place(&read, "05:00.0", FACT_KNOWN, "00:1c.0", "1c.0/00.0");
	assert_place(&read, "02:00.1", FACT_KNOWN, "03:01.0", "1c.0/00.0/01.0/00.1");
	assert_place(&read, "05:00.1", FACT_KNOWN, "00:1c.4", "1c.4/00.1");
	assert_ptr_equal(read.topology.roots, at(&read, "00:1c.0"));
	assert_ptr_equal(at(&read, "00:1c.0")->next, at(&read, "00:1c.4"));
	assert_ptr_equal(at(&read, "00:1c.4")->next, at(&read, "80:02.0"));
	first = at(&read, "00:1c.4")->children;
	assert_ptr_equal(first, at(&read, "05:00.1"));
	assert_ptr_equal(first->next, at(&read, "05:01.0"));
	assert_null(first->next->next);
	assert_walkable(&read);
	close_tree(&read);
}

static void add_link(const struct tree *tree, const char *place)
{
	char path[128], target[512];

	snprintf(path, sizeof(path), DEVICES "/%s", strrchr(place, '/') + 1);
	snprintf(target, sizeof(target), "../../../devices/%s", place);
	tree_link(tree, path, target);
}

static void bridges_above_one_another_are_cut_apart(void **state)
{
	const struct tree *tree = *state;
	struct read read;

	/* one above itself; two; three, with one below them */
	add_link(tree, "pci0000:00/0000:01:00.0/0000:01:00.0");
	add_link(tree, "pci0000:00/0000:03:00.0/0000:02:00.0");
	add_link(tree, "pci0000:00/0000:02:00.0/0000:03:00.0");
	add_link(tree, "pci0000:00/0000:06:00.0/0000:04:00.0");
	add_link(tree, "pci0000:00/0000:04:00.0/0000:05:00.0");
	add_link(tree, "pci0000:00/0000:05:00.0/0000:06:00.0");
	add_link(tree, "pci0000:00/0000:05:00.0/0000:07:00.0");
	tree_place(tree, "pci0000:00/0000:00:02.0");
	open_tree(&read, tree);
	assert_int_equal(read.topology.count, 8);
	assert_place(&read, "01:00.0", FACT_UNREADABLE, NULL, "");
	assert_place(&read, "02:00.0", FACT_UNREADABLE, NULL, "");
	assert_place(&read, "03:00.0", FACT_KNOWN, "02:00.0", "");
	assert_place(&read, "04:00.0", FACT_UNREADABLE, NULL, "");
	assert_place(&read, "06:00.0", FACT_KNOWN, "05:00.0", "");
	assert_place(&read, "07:00.0", FACT_KNOWN, "05:00.0", "");
	/* A sound one beside them stays what it is. */
	assert_place(&read, "00:02.0", FACT_ABSENT, NULL, "02.0");
	assert_walkable(&read);
	close_tree(&read);
}

static void a_path_too_deep_to_be_true_is_no_path(void **state)
{
	const struct tree *tree = *state;
	struct read read;
	char place[128];

	tree_place(tree, "pci0000:00/0000:00:00.0");
	for (unsigned int bus = 1; bus < 256; bus++) {
		snprintf(place, sizeof(place), "pci0000:00/0000:%02x:00.0/0000:%02x:00.0",
			 bus - 1, bus);
		add_link(tree, place);
	}
	/* The deepest that a domain has room for, and one more. */
	add_link(tree, "pci0000:00/0000:ff:00.0/0001:00:00.0");
	open_tree(&read, tree);
	assert_place(&read, "0000:ff:00.0", FACT_KNOWN, "fe:00.0", "");
	assert_place(&read, "0001:00:00.0", FACT_UNREADABLE, NULL, "");
	assert_place(&read, "0000:01:00.0", FACT_KNOWN, "00:00.0", "00.0/00.0");
	assert_walkable(&read);
	close_tree(&read);
}

static void what_cannot_be_placed_is_not_on_a_root_bus(void **state)
{
	const struct tree *tree = *state;
	struct read read;

	/* a bridge that is not listed; no root bus; a folder instead of a link */
	add_link(tree, "pci0000:00/0000:00:1c.0/0000:01:00.0");
	add_link(tree, "platform/0000:02:00.0");
	tree_folder(tree, DEVICES "/0000:03:00.0");
	open_tree(&read, tree);
	assert_place(&read, "01:00.0", FACT_UNREADABLE, NULL, "");
	assert_place(&read, "02:00.0", FACT_UNREADABLE, NULL, "");
	assert_place(&read, "03:00.0", FACT_UNREADABLE, NULL, "");
	assert_walkable(&read);
	close_tree(&read);
}

static void a_domain_behind_vmd_belongs_to_its_controller(void **state)
{
	const struct tree *tree = *state;
	struct read read;

	tree_place(tree, "pci0000:00/0000:00:0e.0");
	tree_place(tree, "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0");
	tree_place(tree,
		   "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0");
	tree_place(tree, "pci0000:00/0000:00:0e.0/pciffffffff:e0/ffffffff:e0:1f.7");
	open_tree(&read, tree);
	assert_place(&read, "10000:e0:06.0", FACT_ABSENT, NULL, "06.0");
	assert_place(&read, "10000:e1:00.0", FACT_KNOWN, "10000:e0:06.0", "06.0/00.0");
	assert_place(&read, "ffffffff:e0:1f.7", FACT_ABSENT, NULL, "1f.7");
	/* All of the domain uses the controller's requester ID. */
	assert_ptr_equal(at(&read, "10000:e0:06.0")->made_by, at(&read, "00:0e.0"));
	assert_ptr_equal(at(&read, "10000:e1:00.0")->made_by, at(&read, "00:0e.0"));
	assert_ptr_equal(at(&read, "ffffffff:e0:1f.7")->made_by, at(&read, "00:0e.0"));
	assert_null(at(&read, "00:0e.0")->made_by);
	assert_null(at(&read, "00:0e.0")->children);
	assert_walkable(&read);
	close_tree(&read);
}

static void a_virtual_function_knows_its_physical_one(void **state)
{
	const struct tree *tree = *state;
	struct read read;

	tree_place(tree, "pci0000:00/0000:00:1c.0");
	tree_place(tree, "pci0000:00/0000:00:1c.0/0000:01:00.0");
	tree_place(tree, "pci0000:00/0000:00:1c.0/0000:01:10.0");
	/* on a bus number of its own, behind the same bridge */
	tree_place(tree, "pci0000:00/0000:00:1c.0/0000:02:00.0");
	tree_link(tree, DEVICES "/0000:01:10.0/physfn", "../0000:01:00.0");
	tree_link(tree, DEVICES "/0000:02:00.0/physfn", "../0000:01:00.0");
	/* of one that is not there */
	tree_place(tree, "pci0000:00/0000:00:1d.0");
	tree_link(tree, DEVICES "/0000:00:1d.0/physfn", "../0000:00:1e.0");
	open_tree(&read, tree);
	assert_ptr_equal(at(&read, "01:10.0")->physical, at(&read, "01:00.0"));
	assert_ptr_equal(at(&read, "02:00.0")->physical, at(&read, "01:00.0"));
	assert_place(&read, "02:00.0", FACT_KNOWN, "00:1c.0", "1c.0/00.0");
	assert_null(at(&read, "01:00.0")->physical);
	assert_null(at(&read, "00:1d.0")->physical);
	close_tree(&read);
}

static void a_slot_holds_all_functions_of_its_device(void **state)
{
	const struct tree *tree = *state;
	struct read read;

	tree_place(tree, "pci0000:00/0000:00:1c.0");
	tree_place(tree, "pci0000:00/0000:00:1c.0/0000:01:00.0");
	tree_place(tree, "pci0000:00/0000:00:1c.0/0000:01:00.7");
	tree_place(tree, "pci0000:00/0000:00:1c.0/0000:01:01.0");
	tree_file(tree, "sys/bus/pci/slots/3-1/address", "0000:01:00\n");
	tree_file(tree, "sys/bus/pci/slots/4/address", "0000:77:00\n");
	tree_file(tree, "sys/bus/pci/slots/5/address", "0000:01:01.0\n");
	tree_file(tree, "sys/bus/pci/slots/6/address", "\n");
	tree_folder(tree, "sys/bus/pci/slots/7");
	open_tree(&read, tree);
	assert_string_equal(at(&read, "01:00.0")->slot, "3-1");
	assert_string_equal(at(&read, "01:00.7")->slot, "3-1");
	assert_null(at(&read, "00:1c.0")->slot);
	/* A slot's address has no function. */
	assert_null(at(&read, "01:01.0")->slot);
	close_tree(&read);
}

static void a_place_is_read_from_a_whole_path_or_refused(void **state)
{
	static const struct {
		const char *text, *parent, *maker; /* NULL: none */
	} good[] = {
		{ "../../../devices/pci0000:00/0000:00:02.0", NULL, NULL },
		{ "pci0000:00/0000:00:1c.0/0000:01:00.0", "0000:00:1c.0", NULL },
		{ "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0", NULL,
		  "0000:00:0e.0" },
		{ "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0",
		  "10000:e0:06.0", "0000:00:0e.0" },
	};
	static const char *const bad[] = {
		"",
		"/",
		"0000:00:02.0",
		"../..",
		"pci0000:00",
		"pci0000:00/0000:00:02",
		"pci/",
		"0000:00:0e.0/pci10000:e0",
	};
	struct pci_place place = { .has_parent = true, .parent.bus = 7 };
	char text[PCI_ADDRESS_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (pci_place_parse(bad[i], &place) != -EINVAL)
			fail_msg("\"%s\" was taken", bad[i]);
	assert_true(place.has_parent && place.parent.bus == 7);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(pci_place_parse(good[i].text, &place), 0);
		assert_int_equal(place.has_parent, good[i].parent != NULL);
		assert_int_equal(place.has_maker, good[i].maker != NULL);
		if (good[i].parent)
			assert_string_equal(pci_address_format(&place.parent, text),
					    good[i].parent);
		if (good[i].maker)
			assert_string_equal(pci_address_format(&place.maker, text),
					    good[i].maker);
	}
}

static void a_host_without_functions_has_no_nodes(void **state)
{
	const struct pci_address address = { .bus = 1 };
	struct read read;

	open_tree(&read, *state);
	assert_int_equal(read.topology.count, 0);
	assert_null(read.topology.roots);
	assert_null(pci_find_node(&read.topology, &address));
	close_tree(&read);
	pci_topology_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(functions_hang_where_their_folders_are),
		TEST(bridges_above_one_another_are_cut_apart),
		TEST(a_path_too_deep_to_be_true_is_no_path),
		TEST(what_cannot_be_placed_is_not_on_a_root_bus),
		TEST(a_domain_behind_vmd_belongs_to_its_controller),
		TEST(a_virtual_function_knows_its_physical_one),
		TEST(a_slot_holds_all_functions_of_its_device),
		cmocka_unit_test(a_place_is_read_from_a_whole_path_or_refused),
		TEST(a_host_without_functions_has_no_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
