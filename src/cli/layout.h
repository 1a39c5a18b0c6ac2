/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_LAYOUT_H
#define PCIFERRY_CLI_LAYOUT_H

/* The ways in which list arranges devices, beside by group and flat. */
#include "cli/columns.h"
#include "cli/filter.h"
#include "cli/view.h"

struct libscols_table;

struct layout_job {
	const struct cli_view *view;
	const struct cli_columns *columns;
	const struct cli_filters *filters;
	struct libscols_table *table;
};

/* By root bus and bridge. Bridges above a device that matches are there too. */
int layout_tree(const struct layout_job *job);

/* By predicted group. */
#define LAYOUT_PREDICTED_COLUMNS "device,ids,group,driver,why,name"
int layout_predicted(const struct layout_job *job);

/* -EACCES where nothing can be predicted, because nothing could be read. */
int layout_check_predicted(const struct cli_view *view, struct error *err);

/* What to keep in mind about the prediction, on standard error. */
void layout_predicted_talk(const struct cli_view *view);

/* A digraph in Graphviz's language. */
enum {
	LAYOUT_DOT_NEEDS = CLI_NEEDS_TOPOLOGY | CLI_NEEDS_USAGE | CLI_NEEDS_STUCK,
};
void layout_dot(const struct cli_view *view, const struct cli_filters *filters);

#endif
