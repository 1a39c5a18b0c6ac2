/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciferry mdev types: what devices can be cut into, and what is left. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/mdev.h"
#include "cli/output.h"

static const struct {
	const char *key;  /* JSON's */
	const char *text; /* behind the number; NULL: told with another */
} fields[PCI_SLICE_FIELDS] = {
	[PCI_SLICE_MEMORY] = { "memory_mib", " MiB" },
	[PCI_SLICE_APERTURE] = { "aperture_mib", " MiB aperture" },
	[PCI_SLICE_HIDDEN] = { "hidden_mib", " MiB hidden" },
	[PCI_SLICE_FENCES] = { "fences", " fences" },
	[PCI_SLICE_WEIGHT] = { "weight", " weight" },
	[PCI_SLICE_WIDTH] = { "width", NULL },
	[PCI_SLICE_HEIGHT] = { "height", NULL },
	[PCI_SLICE_HEADS] = { "heads", " heads" },
	[PCI_SLICE_FRAMES] = { "frames_per_second", " frames/s" },
	[PCI_SLICE_MAX_INSTANCES] = { "max_instances", NULL },
};

static bool is_known(const struct pci_slice_cost *cost, enum pci_slice_field field)
{
	return cost->known & 1u << field;
}

/* "2048 MiB, 4 heads, 4096x2160" */
static void format_cost(const struct pci_slice_cost *cost, char *buffer, size_t size)
{
	size_t len = 0;

	buffer[0] = '\0';
	for (int i = 0; i < PCI_SLICE_FIELDS && len < size; i++)
		if (is_known(cost, i) && fields[i].text)
			len += (size_t)snprintf(buffer + len, size - len,
						"%s%" PRIu64 "%s", len ? ", " : "",
						cost->values[i], fields[i].text);
	if (is_known(cost, PCI_SLICE_WIDTH) && len < size)
		snprintf(buffer + len, size - len, "%s%" PRIu64 "x%" PRIu64,
			 len ? ", " : "", cost->values[PCI_SLICE_WIDTH],
			 cost->values[PCI_SLICE_HEIGHT]);
}

static void format_left(const struct pci_slice_type *type, char *buffer, size_t size)
{
	if (type->kind != PCI_SLICE_MDEV && type->left_fact == FACT_ABSENT)
		snprintf(buffer, size, "<=%zu", type->free_functions);
	else if (type->left_fact == FACT_KNOWN)
		snprintf(buffer, size, "%lld", type->left);
	else
		snprintf(buffer, size, "?");
}

static int add_row(struct libscols_table *table, const struct pci_slice_type *type)
{
	char cost[256], left[32], made[32];
	const char *const cells[] = { type->parent, type->type, type->name, left,
				      made,	    type->api,	cost };

	format_cost(&type->cost, cost, sizeof(cost));
	/* What is not understood is told as the driver tells it. */
	if (!cost[0] && type->description)
		snprintf(cost, sizeof(cost), "%s", type->description);
	format_left(type, left, sizeof(left));
	snprintf(made, sizeof(made), "%zu", type->made);
	return mdev_add_row(table, cells, ARRAY_SIZE(cells));
}

static struct json_object *type_object(const struct pci_slice_type *type)
{
	struct json_object *object = json_object_new_object();
	struct json_object *cost = json_object_new_object();

	json_add_text(object, "kind", pci_slice_kind_name(type->kind));
	json_add_text(object, "parent", type->parent);
	json_add_text(object, "type", type->type);
	json_add_text(object, "name", type->name);
	json_add_text(object, "device_api", type->api);
	json_add_number(object, "available", type->left_fact, type->left);
	json_add_number(object, "free_functions",
			type->kind != PCI_SLICE_MDEV && type->left_fact == FACT_ABSENT
				? FACT_KNOWN
				: FACT_ABSENT,
			(long long)type->free_functions);
	json_add_number(object, "existing", FACT_KNOWN, (long long)type->made);
	for (int i = 0; i < PCI_SLICE_FIELDS; i++)
		json_add_number(cost, fields[i].key,
				is_known(&type->cost, i) ? FACT_KNOWN : FACT_ABSENT,
				(long long)type->cost.values[i]);
	json_object_object_add(object, "cost", cost);
	json_object_object_add(object, "description",
			       output_json_lines(type->description));
	return object;
}

static bool is_wanted(const struct pci_slice_type *type, const char *parent)
{
	return !parent || !strcmp(type->parent, parent);
}

static int print_json(const struct pci_slice_types *types, const char *parent,
		      struct error *err)
{
	struct json_object *root = json_root("mdev types");
	struct json_object *array = json_object_new_array();

	if (!root || !array) {
		json_object_put(root);
		json_object_put(array);
		return error_oom(err);
	}
	for (size_t i = 0; i < types->count; i++)
		if (is_wanted(&types->items[i], parent))
			json_object_array_add(array, type_object(&types->items[i]));
	json_object_object_add(root, "types", array);
	return output_json(root);
}

static int print_table(const struct pci_slice_types *types, const char *parent,
		       struct error *err)
{
	static const char *const columns[] = { "PARENT", "TYPE", "NAME",       "LEFT",
					       "MADE",	 "API",	 "WHAT IT HAS" };
	struct libscols_table *table;
	int r = mdev_table(columns, ARRAY_SIZE(columns), &table, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < types->count; i++)
		if (is_wanted(&types->items[i], parent))
			r = add_row(table, &types->items[i]);
	if (r == 0)
		r = output_print_table(table);
	output_free_table(table);
	return r < 0 ? error_oom(err) : 0;
}

static bool has_any(const struct pci_slice_types *types, const char *parent)
{
	for (size_t i = 0; i < types->count; i++)
		if (is_wanted(&types->items[i], parent))
			return true;
	return false;
}

static int run_types(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(pci_slice_types_free) struct pci_slice_types types = { 0 };
	_cleanup_(cli_view_close) struct cli_view view = { 0 };
	static const struct option none[] = { { 0 } };
	_cleanup_free_ char *parent = NULL;
	int r = cli_next_option(cli, argc, argv, none, err);

	if (r != -1)
		return r;
	if (argc - optind > 1)
		return error_usage(err, argv[optind + 1], "mdev types takes one DEVICE");
	r = cli_open_host(cli, &view.host, err);
	if (r == 0)
		r = pci_slice_types_read(view.host, &types, err);
	if (r == 0 && optind < argc)
		r = mdev_find_parent(&view, argv[optind], &types, &parent, err);
	if (r < 0)
		return r;
	if (cli->json)
		return print_json(&types, parent, err);
	if (!has_any(&types, parent) && !cli->quiet)
		output_talk("%s can be cut into slices, as it is now.",
			    parent ? "Nothing of this device" : "No device of this host");
	return print_table(&types, parent, err);
}

const struct cli_command cli_mdev_types = {
	.name = "mdev types",
	.arguments = "[DEVICE]",
	.summary = "what devices can be cut into, and how many more there can be",
	.options = "LEFT counts slices of one type alone: each takes of the others' room,"
		   " too.\n",
	.run = run_types,
};
