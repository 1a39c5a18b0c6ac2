/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_DESCRIBE_H
#define PCIFERRY_CLI_DESCRIBE_H

/* One device in words and in JSON, the same in every command. */
#include <stddef.h>

#include "cli/cli.h"

struct json_object;

/* "VGA compatible controller: Advanced Micro Devices, Inc. [AMD/ATI] Rage 128", or IDs.
 */
void describe_name(const struct cli_view *view, const struct pci_device *device,
		   char *buffer, size_t size);

/* Its driver; "-" for none; what is wrong when it does not answer. */
const char *describe_driver(const struct pci_device *device);

/*
 * The object of docs/json.md for one device. Reads what the scan has not. Its driver
 * override must have been read. Sets *ret_object, or returns -errno.
 */
int describe_json(const struct cli_view *view, const struct pci_device *device,
		  struct json_object **ret_object, struct error *err);

/* {"schema": ..., "command": ...}; NULL: out of memory. */
struct json_object *describe_json_root(const char *command);

#endif
