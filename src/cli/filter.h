/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_FILTER_H
#define PCIFERRY_CLI_FILTER_H

/*
 * Which devices a list shows: "class=gpu", "driver=nvme", "group=15", "vendor=10de", or
 * any other word, which the address, the IDs or the name must contain. Filters with the
 * same key add up, all others narrow down.
 */
#include <stdbool.h>

#include "cli/view.h"

struct cli_filters {
	char *const *words; /* not owned */
	int count;
};

/* Checks the words. Returns 0 or -EINVAL. */
int filters_parse(int argc, char *const *argv, struct cli_filters *ret_filters,
		  struct error *err);

bool filters_match(const struct cli_filters *filters, const struct cli_view *view,
		   const struct pci_device *device);

#endif
