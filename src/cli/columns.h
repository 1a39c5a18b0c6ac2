/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_COLUMNS_H
#define PCIFERRY_CLI_COLUMNS_H

/* The columns that list can show, a row of a table each. */
#include <stdbool.h>
#include <stddef.h>

#include "cli/view.h"

struct libscols_line;
struct libscols_table;

struct cli_column {
	const char *name;    /* for --columns */
	const char *heading; /* "" has none */
	const char *help;
	double width; /* smartcols' hint: below 1 a part of the terminal's width */
	bool may_be_cut;
	unsigned int needs; /* CLI_NEEDS_... */

	/* "" for an empty cell. */
	void (*text)(const struct cli_view *view, const struct pci_device *device,
		     char *buffer, size_t size);
	const char *(*color)(const struct cli_view *view,
			     const struct pci_device *device); /* may be NULL */
};

enum { COLUMNS_MAX = 32 };

struct cli_columns {
	const struct cli_column *items[COLUMNS_MAX];
	size_t count;
	unsigned int needs;
};

/* "device,ids,name"; with a leading "+", the usual ones and those. 0 or -EINVAL. */
int columns_parse(const char *text, struct cli_columns *ret_columns, struct error *err);

/* One line on each, for help. */
void columns_print_help(void);

/* A table with these columns, of which the first draws the tree. See output_table(). */
int columns_table(const struct cli_columns *columns, bool tree,
		  struct libscols_table **ret_table, struct error *err);

/* A line for a device. Returns 0 or -ENOMEM. */
int columns_add_device(const struct cli_columns *columns, const struct cli_view *view,
		       const struct pci_device *device, struct libscols_table *table,
		       struct libscols_line *parent, struct libscols_line **ret_line);

/* A line that only has a title. NULL: out of memory. */
struct libscols_line *columns_add_title(struct libscols_table *table,
					struct libscols_line *parent, const char *title);

#endif
