/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciferry mdev list: the slices there are, and those that mdevctl has defined. */
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/mdevctl.h"
#include "cli/json.h"
#include "cli/mdev.h"
#include "cli/output.h"
#include "usage/usage.h"

/* One of either, or both of one UUID and parent. */
struct row {
	const struct pci_slice *slice;
	const struct bootcfg_definition *definition;
	const struct string_list *holders; /* the slice's */
};

struct listing {
	struct pci_slices slices;
	struct bootcfg_definitions definitions;
	struct string_list *holders; /* by the slice's index */
	bool has_asked_all;	     /* processes, whether they hold one */
	struct row *rows;
	size_t count;
};

static void listing_free(struct listing *listing)
{
	for (size_t i = 0; listing->holders && i < listing->slices.count; i++)
		string_list_free(&listing->holders[i]);
	free(listing->holders);
	free(listing->rows);
	pci_slices_free(&listing->slices);
	bootcfg_definitions_free(&listing->definitions);
}

static const char *parent_of(const struct row *row)
{
	const char *parent = row->slice ? row->slice->parent : row->definition->parent;

	return parent ? parent : "";
}

static const char *id_of(const struct row *row)
{
	return row->slice ? row->slice->id : row->definition->uuid;
}

static int compare(const void *a, const void *b)
{
	int order = strcmp(parent_of(a), parent_of(b));

	return order ? order : strcmp(id_of(a), id_of(b));
}

static int make_rows(struct listing *listing)
{
	const struct bootcfg_definitions *definitions = &listing->definitions;

	listing->rows = calloc(listing->slices.count + definitions->count + 1,
			       sizeof(*listing->rows));
	if (!listing->rows)
		return -ENOMEM;
	for (size_t i = 0; i < listing->slices.count; i++) {
		const struct pci_slice *slice = &listing->slices.items[i];
		const char *parent = slice->parent ? slice->parent : "";

		listing->rows[listing->count++] = (struct row){
			slice,
			bootcfg_definition_find(definitions, slice->id, parent),
			&listing->holders[i],
		};
	}
	for (size_t i = 0; i < definitions->count; i++) {
		const struct bootcfg_definition *definition = &definitions->items[i];
		bool is_told = false;

		for (size_t j = 0; !is_told && j < listing->slices.count; j++)
			is_told = listing->rows[j].definition == definition;
		if (!is_told)
			listing->rows[listing->count++].definition = definition;
	}
	qsort(listing->rows, listing->count, sizeof(*listing->rows), compare);
	return 0;
}

static int ask_holders(const struct host *host, struct listing *listing)
{
	_cleanup_free_ const struct string_list **nodes =
		calloc(listing->slices.count + 1, sizeof(*nodes));

	listing->holders = calloc(listing->slices.count + 1, sizeof(*listing->holders));
	if (!nodes || !listing->holders)
		return -ENOMEM;
	for (size_t i = 0; i < listing->slices.count; i++)
		nodes[i] = &listing->slices.items[i].nodes;
	listing->has_asked_all = true;
	if (!listing->slices.count)
		return 0;
	return usage_find_holders(host, nodes, listing->slices.count, listing->holders,
				  &listing->has_asked_all);
}

static int read_listing(const struct host *host, struct listing *listing,
			struct error *err)
{
	int r = pci_slices_read(host, &listing->slices, err);

	if (r == 0)
		r = bootcfg_definitions_read(host, &listing->definitions, err);
	if (r < 0)
		return r;
	if (ask_holders(host, listing) < 0 || make_rows(listing) < 0)
		return error_oom(err);
	return 0;
}

static const char *state_of(const struct row *row)
{
	if (row->slice)
		return row->slice->is_leaving ? "leaving" : "active";
	return row->definition->damage ? "damaged" : "defined";
}

/* NULL: it is not defined, or how cannot be read. */
static const char *start_of(const struct row *row)
{
	if (!row->definition || row->definition->damage)
		return NULL;
	return row->definition->starts ? "auto" : "manual";
}

static const char *type_of(const struct row *row)
{
	if (row->slice && row->slice->type)
		return row->slice->type;
	return row->definition ? row->definition->type : NULL;
}

static struct json_object *row_object(const struct listing *listing,
				      const struct row *row)
{
	const struct pci_slice *slice = row->slice;
	bool is_function = slice && slice->kind == PCI_SLICE_VENDOR;
	struct json_object *object = json_object_new_object();

	json_add_text(object, "uuid", is_function ? NULL : id_of(row));
	json_add_text(object, "function", is_function ? id_of(row) : NULL);
	json_add_text(object, "kind",
		      pci_slice_kind_name(slice ? slice->kind : PCI_SLICE_MDEV));
	json_add_text_or_null(object, "parent", parent_of(row));
	json_add_text(object, "type", type_of(row));
	json_add_text(object, "state", state_of(row));
	json_add_number(object, "iommu_group", slice ? slice->group_fact : FACT_ABSENT,
			slice ? slice->group : 0);
	if (slice && (row->holders->count || listing->has_asked_all))
		json_add_list(object, "held_by", row->holders);
	else
		json_object_object_add(object, "held_by", NULL);
	json_add_text(object, "start", start_of(row));
	json_add_text(object, "definition",
		      row->definition ? row->definition->path : NULL);
	json_add_text(object, "damage", row->definition ? row->definition->damage : NULL);
	return object;
}

static int print_json(const struct listing *listing, struct error *err)
{
	struct json_object *root = json_root("mdev list");
	struct json_object *array = json_object_new_array();

	if (!root || !array) {
		json_object_put(root);
		json_object_put(array);
		return error_oom(err);
	}
	for (size_t i = 0; i < listing->count; i++)
		json_object_array_add(array, row_object(listing, &listing->rows[i]));
	json_object_object_add(root, "slices", array);
	return output_json(root);
}

static int add_row(struct libscols_table *table, const struct row *row)
{
	_cleanup_free_ char *holders =
		row->slice ? string_list_join(row->holders, "; ") : NULL;
	const char *const cells[] = { id_of(row),    parent_of(row), type_of(row),
				      start_of(row), state_of(row),  holders };

	return mdev_add_row(table, cells, ARRAY_SIZE(cells));
}

static int print_table(const struct listing *listing, struct error *err)
{
	static const char *const columns[] = { "UUID",	"PARENT", "TYPE",
					       "START", "STATE",  "HELD BY" };
	struct libscols_table *table;
	int r = mdev_table(columns, ARRAY_SIZE(columns), &table, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < listing->count; i++)
		r = add_row(table, &listing->rows[i]);
	if (r == 0)
		r = output_print_table(table);
	output_free_table(table);
	return r < 0 ? error_oom(err) : 0;
}

/* mdevctl does not say which file it stumbles over. */
static void talk(const struct listing *listing)
{
	for (size_t i = 0; i < listing->definitions.count; i++) {
		const struct bootcfg_definition *definition =
			&listing->definitions.items[i];

		if (definition->damage)
			output_talk("/%s: %s. mdevctl lists none of its devices, and"
				    " starts none of %s, until that is mended.",
				    definition->path, definition->damage,
				    definition->parent);
		else if (definition->is_odd)
			output_talk("/%s: mdevctl does not find it by its UUID; rename it"
				    " to %s.",
				    definition->path, definition->uuid);
	}
	if (!listing->has_asked_all)
		output_talk("Not every process could be asked whether it holds one (as"
			    " root, more can).");
	if (!listing->count)
		output_talk("There are no slices. pciferry mdev types shows what there"
			    " can be.");
}

static int run_list(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(listing_free) struct listing listing = { 0 };
	_cleanup_(host_cleanup) struct host *host = NULL;
	static const struct option none[] = { { 0 } };
	int r = cli_next_option(cli, argc, argv, none, err);

	if (r != -1)
		return r;
	if (optind < argc)
		return error_usage(err, argv[optind], "mdev list takes no argument");
	r = cli_open_host(cli, &host, err);
	if (r == 0)
		r = read_listing(host, &listing, err);
	if (r < 0)
		return r;
	r = cli->json ? print_json(&listing, err) : print_table(&listing, err);
	if (r == 0 && !cli->quiet && !cli->json)
		talk(&listing);
	return r;
}

const struct cli_command cli_mdev_list = {
	.name = "mdev list",
	.arguments = "",
	.summary = "the slices there are or that are defined, and who holds them",
	.options = "",
	.run = run_list,
};
