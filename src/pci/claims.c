/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/claims.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/device.h"

enum { PATTERN_SIZE = 256 };

static int add_if_it_fits(const char *pattern, const char *modalias, const char *module,
			  struct string_list *modules)
{
	if (!*module || fnmatch(pattern, modalias, 0) != 0 ||
	    string_list_has(modules, module))
		return 0;
	return string_list_add(modules, module);
}

/* "alias pci:v00008086d* e1000e" */
static int take_alias(const char *text, size_t len, const char *modalias,
		      struct string_list *modules)
{
	char line[PATTERN_SIZE], *pattern, *module, *rest = line;

	if (len >= sizeof(line))
		return 0;
	memcpy(line, text, len);
	line[len] = '\0';
	strsep(&rest, " ");
	pattern = strsep(&rest, " ");
	module = strsep(&rest, " ");
	return module ? add_if_it_fits(pattern, modalias, module, modules) : 0;
}

int pci_aliases_parse(const char *text, size_t len, const char *modalias,
		      struct string_list *ret_modules)
{
	const char *begin = text, *end = text + len;
	char prefix[PATTERN_SIZE];
	int r = 0, n;

	/* Few of the lines are for this bus: the others are not taken apart. */
	n = snprintf(prefix, sizeof(prefix), "alias %.*s:", (int)strcspn(modalias, ":"),
		     modalias);
	if ((size_t)n >= sizeof(prefix))
		return 0;
	while (r == 0 && (text = memmem(text, (size_t)(end - text), prefix, (size_t)n))) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		bool is_line = text == begin || text[-1] == '\n';
		const char *line = text;

		text = newline ? newline : end;
		if (is_line)
			r = take_alias(line, (size_t)(text - line), modalias,
				       ret_modules);
	}
	return r;
}

int pci_builtin_aliases_parse(const char *bytes, size_t len, const char *modalias,
			      struct string_list *ret_modules)
{
	static const char key[] = ".alias=";
	const char *end = bytes + len;
	int r = 0;

	while (r == 0 && bytes < end) {
		size_t n = strnlen(bytes, (size_t)(end - bytes));
		char entry[PATTERN_SIZE], *found;

		if (n < sizeof(entry)) {
			memcpy(entry, bytes, n);
			entry[n] = '\0';
			found = strstr(entry, key);
			if (found) {
				*found = '\0';
				r = add_if_it_fits(found + strlen(key), modalias, entry,
						   ret_modules);
			}
		}
		bytes += n + 1;
	}
	return r;
}

static int read_file(const struct host *host, const char *folder, const char *name,
		     char **ret_bytes, size_t *ret_len)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return host_read_file(host, path, ret_bytes, ret_len);
}

static void read_aliases(const struct host *host, const char *folder,
			 struct pci_aliases *aliases)
{
	int modules, builtin;

	*aliases = (struct pci_aliases){ 0 };
	modules = read_file(host, folder, "modules.alias", &aliases->modules,
			    &aliases->modules_len);
	builtin = read_file(host, folder, "modules.builtin.modinfo", &aliases->builtin,
			    &aliases->builtin_len);
	/* The second has been there since Linux 5.2 and is not missed before. */
	aliases->fact = modules < 0 || (builtin < 0 && builtin != -ENOENT)
				? FACT_UNREADABLE
				: FACT_KNOWN;
}

static bool find_running(const struct host *host, char *folder, size_t size)
{
	char release[256];

	if (host_read(host, "proc/sys/kernel/osrelease", release, sizeof(release)) !=
		    FACT_KNOWN ||
	    strchr(release, '/'))
		return false;
	snprintf(folder, size, "lib/modules/%s", release);
	return true;
}

void pci_aliases_read(const struct host *host, struct pci_aliases *ret_aliases)
{
	char folder[300];

	if (find_running(host, folder, sizeof(folder)))
		read_aliases(host, folder, ret_aliases);
	else
		*ret_aliases = (struct pci_aliases){ .fact = FACT_UNREADABLE };
}

void pci_aliases_free(struct pci_aliases *aliases)
{
	if (!aliases)
		return;
	free(aliases->modules);
	free(aliases->builtin);
}

/* bus: what stands before the modalias's colon; NULL: as the kernel has it. */
static enum fact find_fitting(const struct host *host, const struct pci_aliases *aliases,
			      const struct pci_device *device, const char *bus,
			      struct string_list *ret_modules)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], own[PATTERN_SIZE],
		modalias[PATTERN_SIZE + 16];

	if (aliases->fact != FACT_KNOWN ||
	    host_read(host, pci_attribute_path(&device->address, "modalias", path), own,
		      sizeof(own)) != FACT_KNOWN)
		return FACT_UNREADABLE;
	snprintf(modalias, sizeof(modalias), "%s%s", bus ? bus : "",
		 bus ? own + strcspn(own, ":") : own);
	if (pci_aliases_parse(aliases->modules, aliases->modules_len, modalias,
			      ret_modules) < 0 ||
	    (aliases->builtin &&
	     pci_builtin_aliases_parse(aliases->builtin, aliases->builtin_len, modalias,
				       ret_modules) < 0))
		return FACT_UNREADABLE;
	return ret_modules->count ? FACT_KNOWN : FACT_ABSENT;
}

enum fact pci_read_claims_of(const struct host *host, const char *folder,
			     const struct pci_device *device,
			     struct string_list *ret_modules)
{
	_cleanup_(pci_aliases_free) struct pci_aliases aliases;

	read_aliases(host, folder, &aliases);
	return find_fitting(host, &aliases, device, NULL, ret_modules);
}

enum fact pci_read_claims(const struct host *host, const struct pci_device *device,
			  struct string_list *ret_modules)
{
	_cleanup_(pci_aliases_free) struct pci_aliases aliases;

	pci_aliases_read(host, &aliases);
	return find_fitting(host, &aliases, device, NULL, ret_modules);
}

enum fact pci_find_vfio_variants(const struct host *host,
				 const struct pci_aliases *aliases,
				 const struct pci_device *device,
				 struct string_list *ret_modules)
{
	_cleanup_(string_list_free) struct string_list all = { 0 };
	enum fact fact = find_fitting(host, aliases, device, "vfio_pci", &all);

	/* vfio-pci's own pattern fits everything. */
	for (size_t i = 0; fact == FACT_KNOWN && i < all.count; i++)
		if (strcmp(all.items[i], "vfio_pci") != 0 &&
		    string_list_add(ret_modules, all.items[i]) < 0)
			return FACT_UNREADABLE;
	return fact != FACT_KNOWN ? fact : ret_modules->count ? FACT_KNOWN : FACT_ABSENT;
}
