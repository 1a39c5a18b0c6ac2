/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_JSON_H
#define PCIFERRY_CLI_JSON_H

/* The objects of docs/json.md, the same in every command. */
#include "check/check.h"
#include "cli/view.h"

struct host_recording_summary;
struct json_object;

/* What the view must have for json_device(). */
enum {
	JSON_NEEDS = CLI_NEEDS_USAGE | CLI_NEEDS_OVERRIDES | CLI_NEEDS_TOPOLOGY |
		     CLI_NEEDS_CONFIG | CLI_NEEDS_PREDICTION | CLI_NEEDS_UNITS,
};

/* Add a field; texts are escaped, and null where they are NULL or the fact is not known.
 */
void json_add_text(struct json_object *object, const char *key, const char *text);
void json_add_text_or_null(struct json_object *object, const char *key, const char *text);
void json_add_number(struct json_object *object, const char *key, enum fact fact,
		     long long number);
void json_add_address(struct json_object *object, const char *key, enum fact fact,
		      const struct pci_address *address);
void json_add_boolean(struct json_object *object, const char *key, enum fact fact,
		      bool value);

void json_add_list(struct json_object *object, const char *key,
		   const struct string_list *list);

/* {"schema": ..., "command": ...}; NULL: out of memory. */
struct json_object *json_root(const char *command);

/* One device. Reads what the view has not. Sets *ret_object, or returns -errno. */
int json_device(const struct cli_view *view, const struct pci_device *device,
		struct json_object **ret_object, struct error *err);

/* The IOMMUs, as the firmware's table and the kernel tell them. NULL: no memory. */
struct json_object *json_iommu(const struct cli_view *view);

/* All groups, with their types and members. NULL: out of memory. */
struct json_object *json_groups(const struct cli_view *view);

/* What a group cannot use of its address space. NULL: it could not be read. */
struct json_object *json_reserved_regions(const struct host *host, unsigned int group);

/* What record has written. NULL: out of memory. */
struct json_object *json_recording(const char *path, size_t devices, size_t size,
				   const struct host_recording_summary *summary);

/* A check, and what one found. NULL: out of memory. */
struct json_object *json_check(const struct check *check);
struct json_object *json_finding(const struct check_finding *finding);

#endif
