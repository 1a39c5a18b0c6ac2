/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_MDEV_H
#define PCIFERRY_CLI_MDEV_H

/* The commands of `mdev`, and what they share. */
#include "base/uuid.h"
#include "bind/slices.h"
#include "change/edit.h"
#include "cli/cli.h"
#include "cli/take.h"
#include "pci/slices.h"

struct libscols_table;

extern const struct cli_command cli_mdev_types, cli_mdev_list, cli_mdev_create,
	cli_mdev_remove;

struct mdev_options {
	struct take_options take;
	bool persist, by_hand; /* --persist; --persist=manual, which is both */
	const char *parent;    /* --parent; NULL: none was named */
};
#define MDEV_OPTIONS_INIT                 \
	{                                 \
		.take = TAKE_OPTIONS_INIT \
	}

/* Of create and remove; optind is at the first argument then. 0 or -EINVAL. */
int mdev_parse_options(struct cli *cli, int argc, char **argv,
		       struct mdev_options *options, struct error *err);

/* Returns 0 or -EINVAL. */
int mdev_parse_uuid(const char *argument, char ret_uuid[UUID_SIZE], struct error *err);

/*
 * The name of the parent that an argument means: one of the names in `types`, or a
 * DEVICE, which may be none of them. The caller frees *ret_parent. Returns 0 or -errno.
 */
int mdev_find_parent(struct cli_view *view, const char *argument,
		     const struct pci_slice_types *types, char **ret_parent,
		     struct error *err);

/* Begins the change of a slice; as take_begin(). */
int mdev_begin(const struct cli *cli, const struct host *host,
	       const struct mdev_options *options, struct change **ret_change,
	       struct error *err);

/*
 * The commands for a slice that is a virtual function, or for a physical one whose are
 * such: gives one the type, or (type NULL) takes it off.
 */
int mdev_vendor_change(const struct cli *cli, const struct host *host,
		       const struct mdev_options *options,
		       const struct pci_address *address, const char *type,
		       struct error *err);

/* As a dry run shows it. Returns 0 or -ENOMEM. */
int mdev_print_steps(const struct bind_slice *slice, const struct change_edits *edits,
		     const struct string_list *notes, struct error *err);

/* A table with these columns, the last of which may be cut; for output_free_table(). */
int mdev_table(const char *const *columns, size_t count,
	       struct libscols_table **ret_table, struct error *err);

/* Returns 0 or -ENOMEM. */
int mdev_add_row(struct libscols_table *table, const char *const *cells, size_t count);

#endif
