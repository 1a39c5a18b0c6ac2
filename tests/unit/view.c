/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view.h"

#include <string.h>

#include "tree.h"

void view_machine(const struct tree *tree)
{
	tree_place(tree, "pci0000:00/0000:00:02.0");
	tree_place(tree, "pci0000:00/0000:00:14.0");
	tree_place(tree, "pci0000:00/0000:00:1c.0");
	tree_place(tree, "pci0000:00/0000:00:1c.0/0000:01:00.0");
	tree_place(tree, "pci0000:00/0000:00:1c.0/0000:02:10.0");
	tree_link(tree, "sys/devices/pci0000:00/0000:00:1c.0/0000:02:10.0/physfn",
		  "../0000:01:00.0");
	tree_place(tree, "pci0000:00/0000:00:1c.4");
	tree_place(tree, "pci0000:00/0000:00:1c.4/0000:43:03.1");
	tree_place(tree, "pci0000:00/0000:00:1c.4/0000:43:03.1/0000:44:00.0");
	tree_place(tree, "pci0000:00/0000:00:1c.4/0000:43:04.0");
	tree_place(tree, "pci0000:00/0000:00:0e.0");
	tree_place(tree, "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0");
	tree_place(tree,
		   "pci0000:00/0000:00:0e.0/pci10000:e0/10000:e0:06.0/10000:e1:00.0");
	tree_place(tree, "pci0001:00/0001:00:02.0");
}

void view_open(struct view *view, const struct tree *tree)
{
	memset(view, 0, sizeof(*view));
	tree_folder(tree, "sys/bus/pci/devices");
	assert_int_equal(host_open_directory(tree->path, &view->host, NULL), 0);
	assert_int_equal(pci_scan(view->host, &view->devices, NULL), 0);
	assert_int_equal(
		pci_topology_read(view->host, &view->devices, &view->topology, NULL), 0);
	assert_int_equal(iommu_firmware_read(view->host, &view->firmware, NULL), 0);
	assert_int_equal(iommu_registered_read(view->host, &view->registered, NULL), 0);
}

void view_close(struct view *view)
{
	iommu_registered_free(&view->registered);
	iommu_firmware_free(&view->firmware);
	pci_topology_free(&view->topology);
	pci_devices_free(&view->devices);
	host_free(view->host);
}

const struct pci_node *view_node(const struct view *view, const char *text)
{
	struct pci_address address;
	const struct pci_node *node;

	assert_int_equal(pci_address_parse(text, &address), 0);
	node = pci_find_node(&view->topology, &address);
	assert_non_null(node);
	return node;
}

void view_has_unit(const struct view *view, const char *text, enum fact fact,
		   uint64_t base)
{
	uint64_t found = 0;
	enum fact answer = iommu_unit_of(&view->firmware, &view->topology,
					 view_node(view, text), &found);

	if (answer != fact || found != base)
		fail_msg("%s: fact %d, unit %#llx", text, answer,
			 (unsigned long long)found);
}

void view_has_memory(const struct view *view, const char *text, size_t n, enum fact fact,
		     uint64_t start, uint64_t end)
{
	uint64_t found[2] = { 0 };

	assert_int_equal(iommu_firmware_memory(&view->firmware, &view->topology,
					       view_node(view, text), n, &found[0],
					       &found[1]),
			 fact);
	assert_int_equal(found[0], start);
	assert_int_equal(found[1], end);
}
