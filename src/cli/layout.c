/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/output.h"

/* Whether it, or anything behind it, is to be shown. */
static bool is_shown(const struct layout_job *job, const struct pci_node *node)
{
	if (filters_match(job->filters, job->view, node->device))
		return true;
	for (const struct pci_node *at = node->children; at; at = at->next)
		if (is_shown(job, at))
			return true;
	return false;
}

/* Virtual functions stand beneath their physical function, not beside it. */
static int add_nodes(const struct layout_job *job, const struct pci_node *first,
		     const struct pci_node *physical, struct libscols_line *parent);

static int add_node(const struct layout_job *job, const struct pci_node *node,
		    const struct pci_node *siblings, struct libscols_line *parent)
{
	struct libscols_line *line;
	int r;

	r = columns_add_device(job->columns, job->view, node->device, job->table, parent,
			       &line);
	if (r == 0 && !node->physical)
		r = add_nodes(job, siblings, node, line);
	if (r == 0)
		r = add_nodes(job, node->children, NULL, line);
	return r;
}

static int add_nodes(const struct layout_job *job, const struct pci_node *first,
		     const struct pci_node *physical, struct libscols_line *parent)
{
	int r = 0;

	for (const struct pci_node *node = first; r == 0 && node; node = node->next)
		if (node->physical == physical && is_shown(job, node))
			r = add_node(job, node, first, parent);
	return r;
}

static bool same_bus(const struct pci_node *a, const struct pci_node *b)
{
	return a->device->address.domain == b->device->address.domain &&
	       a->device->address.bus == b->device->address.bus;
}

int layout_tree(const struct layout_job *job)
{
	const struct pci_node *first = job->view->topology.roots, *before = NULL;
	struct libscols_line *line = NULL;
	int r = 0;

	for (const struct pci_node *node = first; r == 0 && node; node = node->next) {
		const struct pci_address *address = &node->device->address;
		char title[40];

		if (node->physical || !is_shown(job, node))
			continue;
		if (!before || !same_bus(before, node)) {
			snprintf(title, sizeof(title), "%s %04x:%02x",
				 node->parent_fact == FACT_ABSENT ? "root bus" : "bus",
				 address->domain, address->bus);
			line = columns_add_title(job->table, NULL, title);
			if (!line)
				return -ENOMEM;
		}
		before = node;
		r = add_node(job, node, first, line);
	}
	return r;
}

static int add_predicted(const struct layout_job *job, int group, const size_t *members,
			 size_t count)
{
	const struct cli_view *view = job->view;
	struct libscols_line *line;
	char title[48];
	int r = 0;

	if (group < 0)
		snprintf(title, sizeof(title), "no group");
	else
		snprintf(title, sizeof(title), "predicted %d%s", group,
			 iommu_predicted_uncertain(&view->prediction, group)
				 ? " (uncertain)"
				 : "");
	line = columns_add_title(job->table, NULL, title);
	if (!line)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = columns_add_device(job->columns, view,
				       &view->devices.items[members[i]], job->table, line,
				       NULL);
	return r;
}

/* Sorts indices of devices by predicted group; those of one group stay in order. */
static int compare_predicted(const void *a, const void *b, void *argument)
{
	const struct iommu_prediction *prediction = argument;
	size_t left = *(const size_t *)a, right = *(const size_t *)b;
	int difference =
		prediction->of_device[left].group - prediction->of_device[right].group;

	if (difference)
		return difference;
	return left < right ? -1 : left > right;
}

int layout_predicted(const struct layout_job *job)
{
	const struct cli_view *view = job->view;
	const struct iommu_predicted *predicted = view->prediction.of_device;
	_cleanup_free_ size_t *order = NULL;
	size_t count = 0;
	int r = 0;

	order = calloc(view->devices.count ? view->devices.count : 1, sizeof(*order));
	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < view->devices.count; i++)
		if (filters_match(job->filters, view, &view->devices.items[i]))
			order[count++] = i;
	qsort_r(order, count, sizeof(*order), compare_predicted,
		(void *)&view->prediction);
	for (size_t from = 0, to; r == 0 && from < count; from = to) {
		int group = predicted[order[from]].group;

		for (to = from; to < count && predicted[order[to]].group == group;)
			to++;
		r = add_predicted(job, group, order + from, to - from);
	}
	return r;
}

int layout_check_predicted(const struct cli_view *view, struct error *err)
{
	for (size_t i = 0; i < view->devices.count; i++)
		if (view->configs[i].pcie_fact != FACT_UNREADABLE)
			return 0;
	error_set(err, EACCES, host_name(view->host),
		  "no configuration space could be read");
	error_hint(err, "it takes root to read more than its first 64 bytes");
	return -EACCES;
}

void layout_predicted_talk(const struct cli_view *view)
{
	bool uncertain = false, unreadable = false;

	for (size_t i = 0; i < view->prediction.count; i++) {
		uncertain |= view->prediction.of_device[i].uncertain;
		unreadable |= view->prediction.of_device[i].unreadable;
	}
	if (uncertain)
		output_talk("Uncertain: the kernel may know more of a part than its"
			    " configuration space says.");
	if (unreadable)
		output_talk("Uncertain: not all configuration space could be read (as"
			    " root, and with --wake, it can).");
	if (view->override)
		output_talk("Warning: pcie_acs_override makes the kernel believe in"
			    " isolation that the hardware does not give; a guest may"
			    " then reach other devices' memory. It needs a patched"
			    " kernel.");
}
