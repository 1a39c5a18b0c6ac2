/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/mdev_boot.h"

#include <errno.h>
#include <json-c/json.h>

#include "base/cleanup.h"
#include "bind/slices.h"
#include "cli/json.h"
#include "cli/output.h"
#include "vm/slices.h"

static int plan_one(const struct host *host, const struct plan_expected_slice *expected,
		    struct bind_slice *ret_slice, struct error *err)
{
	return bind_slice_plan_make(host, expected->parent, expected->type,
				    expected->uuid, ret_slice, err);
}

static int print_steps(const struct host *host,
		       const struct plan_expected_slice *expected, struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	_cleanup_(bind_slice_free) struct bind_slice slice = { 0 };
	int r = plan_one(host, expected, &slice, err);

	if (r == 0 && bind_slice_steps(&slice, &steps) < 0)
		r = error_oom(err);
	if (r == 0)
		take_print_step_list(&steps);
	return r;
}

int mdev_boot_make(const struct cli *cli, const struct host *host,
		   const struct take_options *options,
		   const struct plan_expected_slice *expected, struct error *err)
{
	_cleanup_(bind_slice_free) struct bind_slice slice = { 0 };
	struct change *change;
	int r;

	if (!expected->can_be_made)
		return error_set(err, ENODEV, expected->uuid, "%s", expected->why);
	if (options->dry_run)
		return print_steps(host, expected, err);
	r = take_begin(cli, host, options, &vm_slices_late, &change, err);
	if (r < 0)
		return r;
	/* mdevctl may have been first. */
	bind_slice_wait(change, expected->uuid);
	r = plan_one(host, expected, &slice, err);
	if (r == 0)
		r = bind_slice_perform(change, &slice, err);
	change_end(change);
	if (r == 0 && !cli->json)
		output_line("%s: a slice of %s, type %s", expected->uuid,
			    expected->parent, expected->type);
	return r;
}

void mdev_boot_print(const struct plan_expected_slice *expected)
{
	output_line("%s  %sa slice of %s%s%s", expected->uuid,
		    expected->holds ? "" : "not ", expected->parent,
		    expected->type ? ", type " : "",
		    expected->type ? expected->type : "");
	if (!expected->holds)
		output_line("  %s", expected->why);
}

struct json_object *mdev_boot_json(const struct plan_verification *verification)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < verification->n_slices; i++) {
		const struct plan_expected_slice *expected = &verification->slices[i];
		struct json_object *object = json_object_new_object();

		json_add_text(object, "uuid", expected->uuid);
		json_add_text(object, "parent", expected->parent);
		json_add_text(object, "type", expected->type);
		json_add_boolean(object, "holds", FACT_KNOWN, expected->holds);
		json_add_text_or_null(object, "why", expected->why);
		json_object_array_add(array, object);
	}
	return array;
}
