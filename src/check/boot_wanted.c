/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be bound to vfio-pci at boot, by its IDs and by the order of modules. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/ids.h"
#include "check/images.h"

static const char vfio_pci[] = "vfio-pci";

int check_find_ids(const struct bootcfg_modprobe *modprobe, char **ret_ids,
		   const char **ret_file)
{
	*ret_ids = NULL;
	for (size_t i = modprobe->count; i-- > 0;) {
		const struct bootcfg_modprobe_line *line = &modprobe->lines[i];
		_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline words = { 0 };
		const struct bootcfg_parameter *ids;

		if (line->kind != MODPROBE_OPTIONS ||
		    !bootcfg_same_name(line->module, vfio_pci))
			continue;
		if (bootcfg_cmdline_parse(line->rest, strlen(line->rest), &words) < 0)
			return -ENOMEM;
		ids = bootcfg_find_parameter(&words, "ids");
		if (!ids || !ids->value || !*ids->value)
			continue;
		*ret_file = line->file;
		*ret_ids = strdup(ids->value);
		return *ret_ids ? 0 : -ENOMEM;
	}
	return 0;
}

/* "pre: a b post: c": whether vfio-pci is among those before. */
bool check_is_softdep(const struct bootcfg_modprobe_line *line)
{
	const char *rest = line->rest;
	bool before = false;
	char word[64];

	if (line->kind != MODPROBE_SOFTDEP)
		return false;
	while (*rest) {
		size_t len = strcspn(rest, " \t");

		snprintf(word, sizeof(word), "%.*s", (int)len, rest);
		if (len && word[strlen(word) - 1] == ':')
			before = !strcmp(word, "pre:");
		else if (before && bootcfg_same_name(word, vfio_pci))
			return true;
		rest += len + strspn(rest + len, " \t");
	}
	return false;
}

bool check_comes_after_vfio(const struct bootcfg_modprobe *modprobe, const char *module)
{
	for (size_t i = 0; i < modprobe->count; i++)
		if (check_is_softdep(&modprobe->lines[i]) &&
		    bootcfg_same_name(modprobe->lines[i].module, module))
			return true;
	return false;
}

bool check_names_module(const char *list, const char *module)
{
	char word[64];

	while (list && *list) {
		size_t len = strcspn(list, ",");

		snprintf(word, sizeof(word), "%.*s", (int)len, list);
		if (bootcfg_same_name(word, module))
			return true;
		list += len + (list[len] == ',');
	}
	return false;
}

static const struct bootcfg_cmdline *find_cmdline(const struct check_facts *facts,
						  const char *release)
{
	const struct bootcfg_entries *entries = &facts->boot.entries;

	for (size_t i = 0; i < entries->count; i++)
		if (!entries->items[i].recovery &&
		    !strcmp(entries->items[i].release, release))
			return &entries->items[i].cmdline;
	return &facts->cmdline;
}

int check_wanted_read(const struct check_facts *facts, const char *release,
		      struct check_wanted *ret_wanted)
{
	const struct bootcfg_cmdline *cmdline = find_cmdline(facts, release);
	const struct bootcfg_parameter *parameter =
		bootcfg_find_parameter(cmdline, "vfio-pci.ids");
	struct check_wanted wanted = {
		.cmdline = cmdline,
		.cmdline_ids = parameter ? parameter->value : NULL,
		.devices = calloc(facts->devices.count + 1, sizeof(*wanted.devices)),
	};

	if (!wanted.devices ||
	    check_find_ids(&facts->modprobe, &wanted.ids, &wanted.ids_file) < 0) {
		check_wanted_free(&wanted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < facts->devices.count; i++) {
		const struct pci_device *device = &facts->devices.items[i];

		if (bootcfg_ids_have(wanted.ids, device) ||
		    bootcfg_ids_have(wanted.cmdline_ids, device))
			wanted.devices[wanted.n_devices++] = device;
	}
	wanted.anything =
		wanted.ids || wanted.cmdline_ids ||
		host_exists(facts->host, "etc/pciferry.tab") ||
		bootcfg_modprobe_find(&facts->loads, MODPROBE_LOAD, vfio_pci) ||
		bootcfg_modprobe_find(&facts->modprobe, MODPROBE_INSTALL, vfio_pci);
	for (size_t i = 0; i < facts->modprobe.count; i++)
		wanted.anything |= check_is_softdep(&facts->modprobe.lines[i]);
	*ret_wanted = wanted;
	return 0;
}

void check_wanted_free(struct check_wanted *wanted)
{
	free(wanted->ids);
	free(wanted->devices);
	memset(wanted, 0, sizeof(*wanted));
}
