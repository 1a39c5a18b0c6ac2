/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mdev create and mdev remove, of slices that are virtual functions with a type. */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>

#include "base/cleanup.h"
#include "cli/json.h"
#include "cli/mdev.h"
#include "cli/output.h"

static int parse_type(const char *text, unsigned int *ret_type, struct error *err)
{
	uint64_t number;

	if (text_parse_number(text, INT_MAX, &number) < 0 || !number) {
		error_usage(err, text, "no type of this device: its types are numbers");
		error_hint(err, "pciferry mdev types shows them");
		return -EINVAL;
	}
	*ret_type = (unsigned int)number;
	return 0;
}

/* What is asked for: a type of this device, or (type NULL) that it has none. */
static int plan(const struct host *host, struct change *change,
		const struct pci_address *address, const char *type,
		struct bind_vendor_slice *ret_slice, struct error *err)
{
	unsigned int number;
	int r;

	if (!type)
		return bind_vendor_plan_remove(host, address, ret_slice, err);
	r = parse_type(type, &number, err);
	return r < 0 ? r
		     : bind_vendor_plan_make(host, change, address, number, ret_slice,
					     err);
}

static int print_plan(const struct bind_vendor_slice *slice, struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };

	if (bind_vendor_steps(slice, &steps) < 0)
		return error_oom(err);
	if (!steps.count)
		output_line("nothing to do");
	take_print_step_list(&steps);
	return 0;
}

static int print_json(const struct bind_vendor_slice *slice, struct error *err)
{
	struct json_object *root = json_root(slice->type ? "mdev create" : "mdev remove");

	if (!root)
		return error_oom(err);
	json_add_address(root, "function", FACT_KNOWN, &slice->function);
	json_add_number(root, "type_number", slice->type ? FACT_KNOWN : FACT_ABSENT,
			slice->type);
	json_add_boolean(root, "was_there", FACT_KNOWN, slice->is_done || !slice->type);
	return output_json(root);
}

static int print(const struct cli *cli, const struct bind_vendor_slice *slice,
		 struct error *err)
{
	char address[PCI_ADDRESS_SIZE];

	if (cli->json)
		return print_json(slice, err);
	pci_address_format(&slice->function, address);
	if (!slice->type) {
		output_line("%s: its type is taken off", address);
		return 0;
	}
	output_line("%s: type %u%s", address, slice->type,
		    slice->is_done ? "; it had that already" : "");
	output_talk("a guest has it by its address, on its own driver: pciferry vm create"
		    " NAME %s",
		    address);
	return 0;
}

int mdev_vendor_change(const struct cli *cli, const struct host *host,
		       const struct mdev_options *options,
		       const struct pci_address *address, const char *type,
		       struct error *err)
{
	struct bind_vendor_slice slice = { 0 };
	char text[PCI_ADDRESS_SIZE];
	struct change *change;
	int r;

	if (options->persist) {
		error_usage(err, "--persist",
			    "mdevctl keeps mediated devices alone, and this is none");
		error_hint(err, "it is to be made anew after each boot");
		return -EINVAL;
	}
	if (options->take.dry_run) {
		r = plan(host, NULL, address, type, &slice, err);
		return r < 0 ? r : print_plan(&slice, err);
	}
	r = mdev_begin(cli, host, options, &change, err);
	if (r < 0)
		return r;
	bind_slice_wait(change, pci_address_format(address, text));
	r = plan(host, change, address, type, &slice, err);
	if (r == 0)
		r = bind_vendor_perform(change, &slice, err);
	change_end(change);
	return r < 0 ? r : print(cli, &slice, err);
}
