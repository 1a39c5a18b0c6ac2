/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/mdevctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

/* mdevctl's own, beside those of parents. */
static const char scripts[] = "scripts.d";

static const char *const rules[] = {
	"etc/udev/rules.d/60-mdevctl.rules",
	"run/udev/rules.d/60-mdevctl.rules",
	"usr/local/lib/udev/rules.d/60-mdevctl.rules",
	"usr/lib/udev/rules.d/60-mdevctl.rules",
	"lib/udev/rules.d/60-mdevctl.rules",
};

void bootcfg_definition_free(struct bootcfg_definition *definition)
{
	free(definition->parent);
	free(definition->path);
	free(definition->type);
	free(definition->damage);
	memset(definition, 0, sizeof(*definition));
}

void bootcfg_definitions_free(struct bootcfg_definitions *definitions)
{
	if (!definitions)
		return;
	for (size_t i = 0; i < definitions->count; i++)
		bootcfg_definition_free(&definitions->items[i]);
	free(definitions->items);
	memset(definitions, 0, sizeof(*definitions));
}

char *bootcfg_definition_path(const char *parent, const char *uuid)
{
	char *path;

	return asprintf(&path, BOOTCFG_MDEVCTL "/%s/%s", parent, uuid) < 0 ? NULL : path;
}

bool bootcfg_is_mdevctl_parent(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/') && strcmp(name, scripts) != 0;
}

/*
 * mdevctl takes 32 hex digits with or without hyphens, of either size, with "urn:uuid:"
 * or braces around them (Uuid::parse_str()), and finds only the kernel's way of writing
 * again.
 */
static bool read_name(const char *name, char uuid[UUID_SIZE])
{
	static const char urn[] = "urn:uuid:";
	char digits[UUID_SIZE];
	size_t len;

	if (!strncmp(name, urn, strlen(urn)))
		name += strlen(urn);
	else if (*name == '{' && text_ends_with(name, "}"))
		name++;
	len = strcspn(name, "}");
	if (len == UUID_SIZE - sizeof("----"))
		len = (size_t)snprintf(digits, sizeof(digits),
				       "%.8s-%.4s-%.4s-%.4s-%.12s", name, name + 8,
				       name + 12, name + 16, name + 20);
	else
		snprintf(digits, sizeof(digits), "%.*s", (int)len, name);
	return uuid_parse(digits, len, uuid) == 0;
}

static int add_file(const struct host *host, const char *parent, const char *name,
		    struct bootcfg_definitions *definitions)
{
	struct bootcfg_definition definition = { 0 }, *larger;
	_cleanup_free_ char *path = bootcfg_definition_path(parent, name);
	_cleanup_free_ char *bytes = NULL;
	char uuid[UUID_SIZE];
	size_t len = 0;
	int r;

	if (!path)
		return -ENOMEM;
	if (!read_name(name, uuid))
		return 0;
	larger =
		reallocarray(definitions->items, definitions->count + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	definitions->items = larger;
	r = host_read_file(host, path, &bytes, &len);
	/* Folders and links to nowhere are passed over by mdevctl as well. */
	if (r == -EISDIR || r == -ENOENT)
		return 0;
	if (r == 0)
		r = bootcfg_definition_parse(bytes, len, &definition);
	else if (r != -ENOMEM)
		r = asprintf(&definition.damage, "it could not be read: %s",
			     strerror(-r)) < 0
			    ? -ENOMEM
			    : 0;
	if (r < 0)
		return r;
	memcpy(definition.uuid, uuid, sizeof(uuid));
	definition.is_odd = strcmp(name, uuid) != 0;
	definition.path = steal(path);
	definition.parent = strdup(parent);
	larger[definitions->count++] = definition;
	return definition.parent ? 0 : -ENOMEM;
}

static int add_parent(const struct host *host, const char *parent,
		      struct bootcfg_definitions *definitions)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char folder[PATH_MAX];
	int r;

	if (!bootcfg_is_mdevctl_parent(parent))
		return 0;
	snprintf(folder, sizeof(folder), BOOTCFG_MDEVCTL "/%s", parent);
	r = host_list(host, folder, &names);
	if (r == -ENOTDIR || r == -ENOENT)
		return 0;
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = add_file(host, parent, names.items[i], definitions);
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct bootcfg_definition *left = a, *right = b;
	int order = strcmp(left->parent, right->parent);

	return order ? order : strcmp(left->path, right->path);
}

int bootcfg_definitions_read(const struct host *host,
			     struct bootcfg_definitions *ret_definitions,
			     struct error *err)
{
	_cleanup_(
		bootcfg_definitions_free) struct bootcfg_definitions definitions = { 0 };
	_cleanup_(string_list_free) struct string_list parents = { 0 };
	int r = host_list(host, BOOTCFG_MDEVCTL, &parents);

	if (r == -ENOENT)
		r = 0;
	for (size_t i = 0; r == 0 && i < parents.count; i++)
		r = add_parent(host, parents.items[i], &definitions);
	if (r < 0)
		return error_set(err, -r, "/" BOOTCFG_MDEVCTL, "%s", strerror(-r));
	if (definitions.count)
		qsort(definitions.items, definitions.count, sizeof(*definitions.items),
		      compare);
	*ret_definitions = definitions;
	memset(&definitions, 0, sizeof(definitions));
	return 0;
}

const struct bootcfg_definition *
bootcfg_definition_find(const struct bootcfg_definitions *definitions, const char *uuid,
			const char *parent)
{
	const struct bootcfg_definition *found = NULL;

	for (size_t i = 0; i < definitions->count; i++) {
		const struct bootcfg_definition *one = &definitions->items[i];

		if (strcmp(one->uuid, uuid) != 0 ||
		    (parent && strcmp(one->parent, parent) != 0))
			continue;
		if (!one->is_odd)
			return one;
		if (!found)
			found = one;
	}
	return found;
}

/* A line that starts them and is no comment. */
static const char *find_start(char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		if (line[strspn(line, " \t")] != '#' && strstr(line, "mdevctl") &&
		    strstr(line, "start-parent-mdevs"))
			return line;
	return NULL;
}

/* "/usr/sbin/mdevctl", as the rule has it; "": it names none by its path. */
static void find_program(const char *text, char *ret_path, size_t size)
{
	const char *at = strstr(text, "/mdevctl ");
	const char *end = at ? at + strlen("/mdevctl") : NULL;

	while (at && at > text && !strchr(" '\"\t\n=", at[-1]))
		at--;
	snprintf(ret_path, size, "%.*s", at ? (int)(end - at) : 0, at ? at : "");
}

enum bootcfg_mdevctl_start bootcfg_mdevctl_start(const struct host *host)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		_cleanup_free_ char *text = NULL;
		char program[PATH_MAX];
		const char *line;
		size_t len;

		/* So udev(7) has a rule turned off; or by an empty file. */
		if (host_link_target(host, rules[i], program, sizeof(program)) ==
			    FACT_KNOWN &&
		    !strcmp(program, "/dev/null"))
			return MDEVCTL_RULE_OFF;
		if (host_read_file(host, rules[i], &text, &len) < 0)
			continue;
		line = find_start(text);
		if (!line)
			return MDEVCTL_RULE_OFF;
		find_program(line, program, sizeof(program));
		if (*program && !host_exists(host, program + strspn(program, "/")))
			return MDEVCTL_RULE_BROKEN;
		return MDEVCTL_STARTS;
	}
	return MDEVCTL_NOT_THERE;
}
