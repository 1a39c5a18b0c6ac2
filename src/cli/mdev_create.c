/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciferry mdev create: makes a slice, now and at each boot. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "boot/slices.h"
#include "bootcfg/mdevctl.h"
#include "cli/edits.h"
#include "cli/json.h"
#include "cli/mdev.h"
#include "cli/output.h"

/* What is asked for, and what came of it. */
struct creation {
	struct mdev_options options;
	struct cli_view view;
	char *parent;
	const char *type;
	char uuid[UUID_SIZE];
	bool has_uuid;	 /* it was given */
	bool is_vendors; /* no mediated device: cli/mdev_vendor.c */
	struct bind_slice slice;
	struct change_edits edits;
	struct string_list notes;
	unsigned int id; /* of the change; 0: nothing had to be written */
};

static void creation_free(struct creation *creation)
{
	free(creation->parent);
	bind_slice_free(&creation->slice);
	change_edits_free(&creation->edits);
	string_list_free(&creation->notes);
	cli_view_close(&creation->view);
}

/* Whether its slices are virtual functions with a type, or it is one. */
static bool is_vendors(const struct creation *creation,
		       const struct pci_slice_types *types)
{
	struct pci_address address;
	long long type;

	for (size_t i = 0; i < types->count; i++)
		if (!strcmp(types->items[i].parent, creation->parent))
			return types->items[i].kind == PCI_SLICE_VENDOR;
	return pci_address_parse(creation->parent, &address) == 0 &&
	       pci_slice_vendor_type(creation->view.host, &address, &type) != FACT_ABSENT;
}

static int parse(struct cli *cli, int argc, char **argv, struct creation *creation,
		 struct error *err)
{
	_cleanup_(pci_slice_types_free) struct pci_slice_types types = { 0 };
	int r = mdev_parse_options(cli, argc, argv, &creation->options, err);

	if (r < 0)
		return r;
	argc -= optind;
	argv += optind;
	if (creation->options.parent)
		return error_usage(err, "--parent", "it is an argument of its own here");
	if (argc < 2 || argc > 3) {
		error_usage(err, argc > 3 ? argv[3] : "",
			    "mdev create takes PARENT, TYPE and perhaps a UUID");
		error_hint(err, "pciferry mdev types shows parents and types");
		return -EINVAL;
	}
	creation->has_uuid = argc == 3;
	if (argc == 3)
		r = mdev_parse_uuid(argv[2], creation->uuid, err);
	else if (uuid_make(creation->uuid) < 0)
		r = error_set(err, EIO, "", "no UUID could be made");
	creation->type = argv[1];
	if (r == 0)
		r = cli_open_host(cli, &creation->view.host, err);
	if (r == 0)
		r = pci_slice_types_read(creation->view.host, &types, err);
	if (r == 0)
		r = mdev_find_parent(&creation->view, argv[0], &types, &creation->parent,
				     err);
	if (r < 0 || !is_vendors(creation, &types))
		return r;
	creation->is_vendors = true;
	return creation->has_uuid
		       ? error_usage(err, argv[2],
				     "a slice of this device has no UUID: the address of"
				     " its function is its name")
		       : 0;
}

/* What its definition sets in it only mdevctl does. */
static int check_attributes(const struct creation *creation, struct error *err)
{
	_cleanup_(
		bootcfg_definitions_free) struct bootcfg_definitions definitions = { 0 };
	const struct bootcfg_definition *there;
	int r = bootcfg_definitions_read(creation->view.host, &definitions, err);

	if (r < 0)
		return r;
	there = bootcfg_definition_find(&definitions, creation->uuid, creation->parent);
	if (!there || !there->has_attributes)
		return 0;
	error_refuse(err, creation->uuid,
		     "/%s gives it attributes, which only mdevctl sets", there->path);
	error_hint(err, "mdevctl start --uuid %s", creation->uuid);
	return -EPERM;
}

/* The file is looked at first: what is refused there has made nothing. */
static int plan(struct creation *creation, struct error *err)
{
	const struct host *host = creation->view.host;
	const struct boot_slice kept = {
		.uuid = creation->uuid,
		.parent = creation->parent,
		.type = creation->type,
		.starts = !creation->options.by_hand,
	};
	int r = bind_slice_plan_make(host, creation->parent, creation->type,
				     creation->uuid, &creation->slice, err);

	if (r == 0 && !creation->slice.is_done)
		r = check_attributes(creation, err);
	if (r == 0 && creation->options.persist)
		r = boot_edit_slice(host, &kept, &creation->edits, &creation->notes, err);
	return r;
}

static int keep(const struct cli *cli, struct change *change, struct creation *creation,
		struct error *err)
{
	char title[ERROR_SUBJECT_SIZE];
	int r;

	snprintf(title, sizeof(title), "%s the slice %s of %s",
		 creation->options.by_hand ? "defined" : "at each boot", creation->uuid,
		 creation->parent);
	r = edits_apply(cli, change, title, NULL, 0, &creation->edits, &creation->id,
			err);
	if (r < 0)
		error_evidence(err, "the slice is there now, and this is not kept for"
				    " the next boot");
	return r;
}

static int carry_out(const struct cli *cli, struct creation *creation, struct error *err)
{
	struct change *change;
	int r = mdev_begin(cli, creation->view.host, &creation->options, &change, err);

	if (r < 0)
		return r;
	bind_slice_wait(change, creation->uuid);
	r = plan(creation, err);
	if (r == 0)
		r = bind_slice_perform(change, &creation->slice, err);
	if (r == 0 && creation->edits.count)
		r = keep(cli, change, creation, err);
	change_end(change);
	return r;
}

static int print_json(const struct creation *creation, const struct pci_slice *slice,
		      struct error *err)
{
	struct json_object *root = json_root("mdev create");

	if (!root)
		return error_oom(err);
	json_add_text(root, "uuid", creation->uuid);
	json_add_text(root, "parent", creation->parent);
	json_add_text(root, "type", creation->type);
	json_add_boolean(root, "was_there", FACT_KNOWN, creation->slice.is_done);
	json_add_number(root, "iommu_group", slice ? slice->group_fact : FACT_ABSENT,
			slice ? slice->group : 0);
	json_add_list(root, "notes", &creation->notes);
	json_add_number(root, "change", creation->id ? FACT_KNOWN : FACT_ABSENT,
			creation->id);
	return output_json(root);
}

static int print(const struct cli *cli, const struct creation *creation,
		 struct error *err)
{
	_cleanup_(pci_slices_free) struct pci_slices slices = { 0 };
	const struct pci_slice *slice;
	int r = pci_slices_read(creation->view.host, &slices, err);

	if (r < 0)
		return r;
	slice = pci_slice_find(&slices, creation->uuid);
	if (cli->json)
		return print_json(creation, slice, err);
	output_line("%s: a slice of %s, type %s%s%s%s", creation->uuid, creation->parent,
		    creation->type, slice && slice->nodes.count ? ", " : "",
		    slice && slice->nodes.count ? slice->nodes.items[0] : "",
		    creation->slice.is_done ? "; it was there already" : "");
	if (creation->id)
		output_line("%s: change %u, pciferry undo %u takes that back.",
			    creation->options.by_hand ? "Defined for later"
						      : "At each boot as well",
			    creation->id, creation->id);
	else if (creation->options.persist)
		output_line("mdevctl has it defined so already.");
	for (size_t i = 0; i < creation->notes.count; i++)
		output_talk("%s", creation->notes.items[i]);
	return 0;
}

static int run_create(struct cli *cli, int argc, char **argv, struct error *err)
{
	_cleanup_(creation_free) struct creation creation = { .options =
								      MDEV_OPTIONS_INIT };
	struct pci_address address;
	int r = parse(cli, argc, argv, &creation, err);

	if (r < 0)
		return r;
	if (creation.is_vendors && pci_address_parse(creation.parent, &address) == 0)
		return mdev_vendor_change(cli, creation.view.host, &creation.options,
					  &address, creation.type, err);
	if (creation.options.take.dry_run) {
		r = plan(&creation, err);
		return r < 0 ? r
			     : mdev_print_steps(&creation.slice, &creation.edits,
						&creation.notes, err);
	}
	r = carry_out(cli, &creation, err);
	return r < 0 ? r : print(cli, &creation, err);
}

const struct cli_command cli_mdev_create = {
	.name = "mdev create",
	.arguments = "PARENT TYPE [UUID] [--persist[=manual]] [--dry-run]",
	.summary = "make a slice of PARENT, with a new UUID where none is given",
	.options =
		"  --persist        at each boot, too: as mdevctl keeps it, which libvirt sees;\n"
		"                   --persist=manual only keeps what it is, for guests' starts\n"
		"  --dry-run        print the steps, change nothing\n"
		"  --timeout SEC    give a step up after SEC seconds (30)\n",
	.run = run_create,
};
