/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciferry mdev remove: removes a slice that nobody has, and what defines it. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "boot/slices.h"
#include "bootcfg/mdevctl.h"
#include "cli/edits.h"
#include "cli/json.h"
#include "cli/mdev.h"
#include "cli/output.h"

struct removal {
	struct mdev_options options;
	struct host *host;
	char uuid[UUID_SIZE];
	bool is_function; /* cli/mdev_vendor.c */
	struct pci_address function;
	struct bind_slice slice; /* empty: it is not there now */
	struct change_edits edits;
	char *path; /* where it is defined still; NULL: nowhere */
	unsigned int id;
};

static void removal_free(struct removal *removal)
{
	bind_slice_free(&removal->slice);
	change_edits_free(&removal->edits);
	free(removal->path);
	host_free(removal->host);
}

static int parse(struct cli *cli, int argc, char **argv, struct removal *removal,
		 struct error *err)
{
	int r = mdev_parse_options(cli, argc, argv, &removal->options, err);

	if (r < 0)
		return r;
	if (removal->options.by_hand)
		return error_usage(err, "--persist", "it takes no value here");
	if (argc - optind != 1) {
		error_usage(err, optind < argc ? argv[optind + 1] : "",
			    "mdev remove takes one UUID");
		error_hint(err, "pciferry mdev list shows them");
		return -EINVAL;
	}
	removal->is_function = pci_address_parse(argv[optind], &removal->function) == 0;
	if (!removal->is_function)
		r = mdev_parse_uuid(argv[optind], removal->uuid, err);
	return r < 0 ? r : cli_open_host(cli, &removal->host, err);
}

/* Where a definition stays, or is all that there is. */
static int look_for_definition(struct removal *removal, struct error *err)
{
	_cleanup_(
		bootcfg_definitions_free) struct bootcfg_definitions definitions = { 0 };
	const struct bootcfg_definition *found;
	int r = bootcfg_definitions_read(removal->host, &definitions, err);

	if (r < 0)
		return r;
	found = bootcfg_definition_find(&definitions, removal->uuid,
					removal->options.parent);
	removal->path = found ? strdup(found->path) : NULL;
	return found && !removal->path ? error_oom(err) : 0;
}

/* Whether there is one that is meant; of another parent it is not. */
static int is_there(const struct removal *removal, bool *ret_there, struct error *err)
{
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	const char *parent = removal->options.parent;
	const struct pci_slice *slice;
	int r = pci_slices_read(removal->host, &slices, err);

	if (r < 0)
		return r;
	slice = pci_slice_find(&slices, removal->uuid);
	*ret_there =
		slice && (!parent || (slice->parent && !strcmp(slice->parent, parent)));
	return 0;
}

/* One that is there and one that is defined for another parent are two. */
static int check_definition(const struct removal *removal, struct error *err)
{
	_cleanup_free_ char *own =
		bootcfg_definition_path(removal->slice.parent, removal->uuid);

	if (!own)
		return error_oom(err);
	if (!removal->path || removal->options.parent ||
	    !strncmp(removal->path, own, strlen(own) - strlen(removal->uuid)))
		return 0;
	error_set(err, EEXIST, removal->uuid, "it is there of %s, and defined in /%s",
		  removal->slice.parent, removal->path);
	error_hint(err, "name which: --parent %s", removal->slice.parent);
	return -EEXIST;
}

static int plan(struct removal *removal, struct error *err)
{
	bool there = false;
	int r = is_there(removal, &there, err);

	if (r == 0)
		r = look_for_definition(removal, err);
	if (r == 0 && !there && !removal->path && removal->options.parent) {
		error_set(err, ENODEV, removal->uuid, "there is no such slice of %s",
			  removal->options.parent);
		error_hint(err, "pciferry mdev list shows what there is");
		return -ENODEV;
	}
	if (r == 0 && (there || !removal->path))
		r = bind_slice_plan_remove(removal->host, removal->uuid, &removal->slice,
					   err);
	if (r == 0 && removal->options.persist && removal->slice.goes)
		r = check_definition(removal, err);
	if (r == 0 && removal->options.persist)
		r = boot_edit_slice_away(removal->host, removal->uuid,
					 removal->options.parent, &removal->edits, err);
	return r;
}

static int carry_out(const struct cli *cli, struct removal *removal, struct error *err)
{
	char title[ERROR_SUBJECT_SIZE];
	struct change *change;
	bool is_removed;
	int r = mdev_begin(cli, removal->host, &removal->options, &change, err);

	if (r < 0)
		return r;
	bind_slice_wait(change, removal->uuid);
	r = plan(removal, err);
	if (r == 0 && removal->slice.goes)
		r = bind_slice_perform(change, &removal->slice, err);
	is_removed = r == 0 && removal->slice.goes;
	snprintf(title, sizeof(title), "the slice %s no more at boot", removal->uuid);
	if (r == 0 && removal->edits.count)
		r = edits_apply(cli, change, title, NULL, 0, &removal->edits,
				&removal->id, err);
	if (r < 0 && removal->edits.count && is_removed)
		error_evidence(err, "the slice is gone, and what defines it is not");
	change_end(change);
	return r;
}

static int print(const struct cli *cli, const struct removal *removal, struct error *err)
{
	const char *path = removal->id ? NULL : removal->path;
	struct json_object *root;

	if (cli->json) {
		root = json_root("mdev remove");
		if (!root)
			return error_oom(err);
		json_add_text(root, "uuid", removal->uuid);
		json_add_boolean(root, "was_there", FACT_KNOWN, removal->slice.goes);
		json_add_text(root, "definition", path);
		json_add_number(root, "change", removal->id ? FACT_KNOWN : FACT_ABSENT,
				removal->id);
		return output_json(root);
	}
	if (removal->slice.goes)
		output_line("%s: removed from %s", removal->uuid, removal->slice.parent);
	else if (removal->options.parent)
		output_line("%s: there is none of %s now", removal->uuid,
			    removal->options.parent);
	else
		output_line("%s: it is not there now", removal->uuid);
	if (path)
		output_line("It is defined still, in /%s; --persist removes that, too.",
			    path);
	else if (removal->id)
		output_line("At boot no more: change %u, pciferry undo %u takes that"
			    " back.",
			    removal->id, removal->id);
	return 0;
}

static int run_remove(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(removal_free) struct removal removal = { .options = MDEV_OPTIONS_INIT };
	int r = parse(cli, argc, argv, &removal, err);

	if (r < 0)
		return r;
	if (removal.is_function)
		return mdev_vendor_change(cli, removal.host, &removal.options,
					  &removal.function, NULL, err);
	if (removal.options.take.dry_run) {
		r = plan(&removal, err);
		return r < 0 ? r
			     : mdev_print_steps(&removal.slice, &removal.edits, NULL,
						err);
	}
	r = carry_out(cli, &removal, err);
	return r < 0 ? r : print(cli, &removal, err);
}

const struct cli_command cli_mdev_remove = {
	.name = "mdev remove",
	.arguments = "UUID|FUNCTION [--persist] [--parent PARENT] [--dry-run]",
	.summary = "remove a slice, unless a guest has it",
	.options = "  --persist        and have mdevctl know it no more\n"
		   "  --parent PARENT  which one, where several have it defined\n"
		   "  --dry-run        print the steps, change nothing\n"
		   "  --timeout SEC    give a step up after SEC seconds (30)\n",
	.run = run_remove,
};
