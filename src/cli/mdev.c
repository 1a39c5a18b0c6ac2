/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/mdev.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/group.h"
#include "cli/output.h"

static const struct cli_command *const commands[] = {
	&cli_mdev_types,
	&cli_mdev_list,
	&cli_mdev_create,
	&cli_mdev_remove,
};

static const struct cli_group group = { "mdev", commands, ARRAY_SIZE(commands) };

static int run_mdev(struct cli *cli, int argc, char **argv, struct error *err)
{
	return group_run(&group, cli, argc, argv, err);
}

static void print_commands(void)
{
	group_print(&group);
}

int mdev_parse_uuid(const char *argument, char ret_uuid[UUID_SIZE], struct error *err)
{
	if (uuid_parse(argument, strlen(argument), ret_uuid) == 0)
		return 0;
	error_usage(err, argument, "not a UUID, as 83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	error_hint(err, "pciferry mdev list shows those there are; uuidgen makes one");
	return -EINVAL;
}

int mdev_find_parent(struct cli_view *view, const char *argument,
		     const struct pci_slice_types *types, char **ret_parent,
		     struct error *err)
{
	_cleanup_free_ struct pci_device **devices = NULL;
	char address[PCI_ADDRESS_SIZE];
	size_t count = 0;
	int r;

	for (size_t i = 0; i < types->count; i++) {
		if (strcmp(types->items[i].parent, argument) != 0)
			continue;
		*ret_parent = strdup(argument);
		return *ret_parent ? 0 : error_oom(err);
	}
	/* A word that can be no DEVICE may be the name of a parent that has gone. */
	if (argument[0] != '/' && !strpbrk(argument, ":/")) {
		error_set(err, ENODEV, argument,
			  "no device of that name can be cut into"
			  " slices, as it is now");
		error_hint(err, "pciferry mdev types shows what can");
		return -ENODEV;
	}
	r = cli_view_look(view, 0, err);
	if (r == 0)
		r = cli_select_to_change(view, argument, false, &devices, &count, err);
	if (r < 0)
		return r;
	if (count != 1)
		return error_usage(err, argument, "several devices are meant; name one");
	*ret_parent = strdup(pci_address_format(&devices[0]->address, address));
	return *ret_parent ? 0 : error_oom(err);
}

int mdev_table(const char *const *columns, size_t count,
	       struct libscols_table **ret_table, struct error *err)
{
	struct libscols_table *table;
	int r = output_table(&table, err);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < count; i++)
		r = output_add_column(table, columns[i], 0, false, i + 1 == count);
	if (r < 0) {
		output_free_table(table);
		return error_oom(err);
	}
	*ret_table = table;
	return 0;
}

int mdev_add_row(struct libscols_table *table, const char *const *cells, size_t count)
{
	struct libscols_line *line = output_add_row(table, NULL);
	int r = line ? 0 : -ENOMEM;

	for (unsigned int i = 0; r == 0 && i < count; i++)
		r = output_cell(line, i, cells[i] ? cells[i] : "", NULL);
	return r;
}

const struct cli_command cli_mdev = {
	.name = "mdev",
	.arguments = "COMMAND [ARGUMENT...]",
	.summary = "one device cut into slices for several guests (GVT-g, vGPU, mdev)",
	.options = "",
	.more_help = print_commands,
	.run = run_mdev,
};
