/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/predict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "iommu/quirks.h"

enum { NO_GROUP = -1 };

/* The kernel's own order: a group that exists already is joined, so parents come first.
 */
struct prediction_run {
	const struct pci_topology *topology;
	const struct pci_config *configs;
	const struct iommu_firmware *firmware;
	struct iommu_isolation *isolation;
	struct iommu_predicted *out;
	int n_groups;
};

static size_t index_of(const struct prediction_run *run, const struct pci_node *node)
{
	return (size_t)(node - run->topology->nodes);
}

static const struct pci_config *config_of(const struct prediction_run *run,
					  const struct pci_node *node)
{
	return &run->configs[index_of(run, node)];
}

static int group_of(const struct prediction_run *run, const struct pci_node *node)
{
	return run->out[index_of(run, node)].group;
}

static bool is_isolated(const struct prediction_run *run, const struct pci_node *node)
{
	return run->isolation[index_of(run, node)].isolated;
}

static void add_doubt(struct iommu_predicted *predicted,
		      const struct iommu_isolation *isolation)
{
	if (isolation->reason == OPEN_UNREADABLE)
		predicted->unreadable = true;
	else
		predicted->uncertain |= isolation->uncertain;
}

/* Remembers the first thing that a function shares, and every doubt. */
static void note(struct prediction_run *run, struct iommu_predicted *predicted,
		 enum iommu_share share, const struct pci_node *with)
{
	const struct iommu_isolation *isolation = &run->isolation[index_of(run, with)];

	if (predicted->share == IOMMU_SHARES_NOTHING) {
		predicted->share = share;
		predicted->with = with->device;
		predicted->reason = isolation->reason;
	}
	add_doubt(predicted, isolation);
}

/*
 * Whether a bridge puts a requester ID of its own in place of those behind it
 * (pci_for_each_dma_alias() in drivers/pci/search.c).
 */
static bool takes_over_requester(struct prediction_run *run,
				 const struct pci_node *bridge,
				 struct iommu_predicted *predicted)
{
	const struct pci_config *config = config_of(run, bridge);

	if (config->pcie_fact == FACT_UNREADABLE) {
		/* A port, most likely; a bridge to PCI if not. */
		predicted->unreadable = true;
		return false;
	}
	return config->pcie_fact == FACT_ABSENT ||
	       config->pcie.type == PCIE_TO_PCI_BRIDGE ||
	       config->pcie.type == PCI_TO_PCIE_BRIDGE;
}

/*
 * The topmost function under whose requester ID the IOMMU sees this one. Stops at one
 * that has a group, which is *ret_group then.
 */
static const struct pci_node *find_alias(struct prediction_run *run,
					 const struct pci_node *node,
					 struct iommu_predicted *predicted,
					 int *ret_group)
{
	const struct pci_node *top = node;

	*ret_group = NO_GROUP;
	if (node->made_by) {
		top = node->made_by;
		note(run, predicted, IOMMU_SHARES_REQUESTER, top);
		*ret_group = group_of(run, top);
	}
	for (const struct pci_node *at = node->parent; at && *ret_group == NO_GROUP;
	     at = at->parent) {
		if (!takes_over_requester(run, at, predicted))
			continue;
		top = at;
		note(run, predicted, IOMMU_SHARES_REQUESTER, top);
		*ret_group = group_of(run, top);
	}
	return top;
}

/* pci_acs_path_enabled(): this bridge and all above it. */
static const struct pci_node *first_open_above(const struct prediction_run *run,
					       const struct pci_node *bridge)
{
	for (; bridge; bridge = bridge->parent)
		if (!is_isolated(run, bridge))
			return bridge;
	return NULL;
}

static bool same_slot(const struct pci_node *a, const struct pci_node *b)
{
	return pci_address_same_slot(&a->device->address, &b->device->address);
}

static bool uses_function(const struct pci_node *node, const struct pci_node *other)
{
	const struct pci_device *device = node->device;

	return other->device->address.function ==
	       iommu_find_alias_function(device->vendor_id, device->device_id);
}

/* Functions of a slot follow one another in the list, which is sorted by address. */
static void slot_range(const struct prediction_run *run, const struct pci_node *node,
		       const struct pci_node **ret_first, const struct pci_node **ret_end)
{
	const struct pci_node *nodes = run->topology->nodes;
	const struct pci_node *first = node, *end = node + 1;

	while (first > nodes && same_slot(first - 1, node))
		first--;
	while (end < nodes + run->topology->count && same_slot(end, node))
		end++;
	*ret_first = first;
	*ret_end = end;
}

/* get_pci_alias_group(): one of its slot that uses its requester ID, or the reverse. */
static int find_alias_group(struct prediction_run *run, const struct pci_node *node,
			    struct iommu_predicted *predicted)
{
	const struct pci_node *first, *end, *alias = NULL;

	/* Only on its own bus: setup_aliases() in drivers/iommu/amd/iommu.c. */
	if (run->firmware)
		alias = iommu_alias_of(run->firmware, run->topology, node);
	if (alias && alias->device->address.bus == node->device->address.bus &&
	    group_of(run, alias) != NO_GROUP) {
		note(run, predicted, IOMMU_SHARES_ALIAS, alias);
		return group_of(run, alias);
	}
	slot_range(run, node, &first, &end);
	for (const struct pci_node *at = first; at < end; at++) {
		if (at == node || group_of(run, at) == NO_GROUP ||
		    (!uses_function(node, at) && !uses_function(at, node)))
			continue;
		note(run, predicted, IOMMU_SHARES_ALIAS, at);
		return group_of(run, at);
	}
	return NO_GROUP;
}

/* get_pci_function_alias_group(): the others of its slot that are open as it is. */
static int find_slot_group(struct prediction_run *run, const struct pci_node *node,
			   struct iommu_predicted *predicted)
{
	const struct pci_node *first, *end;
	int group = NO_GROUP;

	if (!iommu_is_multifunction(node, config_of(run, node)) || is_isolated(run, node))
		return NO_GROUP;
	slot_range(run, node, &first, &end);
	for (const struct pci_node *at = first; at < end; at++) {
		if (at == node || is_isolated(run, at))
			continue;
		note(run, predicted, IOMMU_SHARES_SLOT, node);
		if (group == NO_GROUP)
			group = group_of(run, at);
	}
	return group;
}

/* pci_device_group(). */
static int choose_group(struct prediction_run *run, const struct pci_node *node,
			struct iommu_predicted *predicted)
{
	const struct pci_node *top, *open;
	int group;

	top = find_alias(run, node, predicted, &group);
	if (group != NO_GROUP)
		return group;
	while (top->parent) {
		open = first_open_above(run, top->parent);
		if (!open)
			break;
		top = top->parent;
		note(run, predicted, IOMMU_SHARES_PATH, open);
		group = group_of(run, top);
		if (group != NO_GROUP)
			return group;
	}
	group = find_alias_group(run, top, predicted);
	if (group == NO_GROUP)
		group = find_slot_group(run, top, predicted);
	return group != NO_GROUP ? group : run->n_groups++;
}

/* A function that the firmware gives to no IOMMU has no group: it is not translated. */
static bool has_no_unit(const struct prediction_run *run, const struct pci_node *node)
{
	uint64_t base;

	return run->firmware && run->firmware->fact == FACT_KNOWN &&
	       iommu_unit_of(run->firmware, run->topology, node, &base) == FACT_ABSENT;
}

/* AMD's IOMMU is a function itself, and in no group (seen on Linux 6.1 and 6.12). */
static bool is_iommu(const struct pci_device *device)
{
	return device->ids == FACT_KNOWN && device->class_code >> 8 == 0x0806 &&
	       device->vendor_id == 0x1022;
}

static void place(struct prediction_run *run, const struct pci_node *node)
{
	struct iommu_predicted *predicted = &run->out[index_of(run, node)];

	if (predicted->group != NO_GROUP || is_iommu(node->device) ||
	    has_no_unit(run, node))
		return;
	add_doubt(predicted, &run->isolation[index_of(run, node)]);
	predicted->unreadable |=
		node->parent_fact == FACT_UNREADABLE || node->device->ids != FACT_KNOWN;
	predicted->group = choose_group(run, node, predicted);
}

/* All functions of a bus before those behind its bridges, as pci_scan_child_bus() does.
 */
static void place_bus(struct prediction_run *run, const struct pci_node *first,
		      bool virtual_ones)
{
	for (const struct pci_node *node = first; node; node = node->next)
		if (!node->physical == !virtual_ones)
			place(run, node);
	for (const struct pci_node *node = first; node; node = node->next)
		place_bus(run, node->children, virtual_ones);
}

int iommu_predict(const struct pci_topology *topology, const struct pci_config *configs,
		  const struct iommu_firmware *firmware,
		  const struct iommu_acs_override *override,
		  struct iommu_prediction *ret_prediction, struct error *err)
{
	size_t room = topology->count ? topology->count : 1;
	_cleanup_free_ struct iommu_isolation *isolation =
		calloc(room, sizeof(*isolation));
	_cleanup_free_ struct iommu_predicted *out = calloc(room, sizeof(*out));
	struct prediction_run run = {
		.topology = topology,
		.configs = configs,
		.firmware = firmware,
		.isolation = isolation,
		.out = out,
	};

	if (!isolation || !out)
		return error_oom(err);
	for (size_t i = 0; i < topology->count; i++) {
		isolation[i] =
			iommu_isolation(&topology->nodes[i], &configs[i], override);
		out[i].group = NO_GROUP;
		out[i].reason = isolation[i].reason;
	}
	/* Functions that another one makes later come later: virtual ones, and those of a
	 * VMD domain, which has the highest numbers. */
	place_bus(&run, topology->roots, false);
	place_bus(&run, topology->roots, true);
	ret_prediction->of_device = steal(out);
	ret_prediction->count = topology->count;
	ret_prediction->n_groups = run.n_groups;
	return 0;
}

void iommu_prediction_free(struct iommu_prediction *prediction)
{
	if (!prediction)
		return;
	free(prediction->of_device);
	memset(prediction, 0, sizeof(*prediction));
}

bool iommu_predicted_uncertain(const struct iommu_prediction *prediction, int group)
{
	for (size_t i = 0; i < prediction->count; i++)
		if (prediction->of_device[i].group == group &&
		    (prediction->of_device[i].uncertain ||
		     prediction->of_device[i].unreadable))
			return true;
	return false;
}

void iommu_predicted_reason(const struct iommu_predicted *predicted, char *buffer,
			    size_t size)
{
	char address[PCI_ADDRESS_SIZE] = "";

	if (predicted->with)
		pci_address_format(&predicted->with->address, address);
	switch (predicted->share) {
	case IOMMU_SHARES_NOTHING:
		snprintf(buffer, size, "%s", "");
		break;
	case IOMMU_SHARES_REQUESTER:
		snprintf(buffer, size, "%s carries its DMA under one requester ID",
			 address);
		break;
	case IOMMU_SHARES_PATH:
		snprintf(buffer, size, "%s does not keep what is behind it apart: %s",
			 address, iommu_isolation_words(predicted->reason));
		break;
	case IOMMU_SHARES_SLOT:
		snprintf(buffer, size,
			 "functions of its slot reach one another inside: %s",
			 iommu_isolation_words(predicted->reason));
		break;
	case IOMMU_SHARES_ALIAS:
		snprintf(buffer, size, "it uses the requester ID of %s too", address);
		break;
	}
}
