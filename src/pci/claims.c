/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci/claims.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
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

int pci_aliases_parse(const char *text, size_t len, const char *modalias,
		      struct string_list *ret_modules)
{
	size_t bus = strcspn(modalias, ":") + 1;
	const char *end = text + len;
	int r = 0;

	while (r == 0 && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);
		char line[PATTERN_SIZE], *pattern, *module, *rest = line;

		/* Few of the lines are for this bus: no work for the others. */
		if (n > 6 + bus && n < sizeof(line) &&
		    !strncmp(text + 6, modalias, bus) && !strncmp(text, "alias ", 6)) {
			memcpy(line, text, n);
			line[n] = '\0';
			strsep(&rest, " ");
			pattern = strsep(&rest, " ");
			module = strsep(&rest, " ");
			if (pattern && module)
				r = add_if_it_fits(pattern, modalias, module,
						   ret_modules);
		}
		text += n + 1;
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
		     const char *modalias,
		     int (*parse)(const char *bytes, size_t len, const char *modalias,
				  struct string_list *ret_modules),
		     struct string_list *modules)
{
	_cleanup_free_ char *bytes = NULL;
	char path[512];
	size_t len;
	int r;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	r = host_read_file(host, path, &bytes, &len);
	return r < 0 ? r : parse(bytes, len, modalias, modules);
}

/* bus: what stands before the modalias's colon; NULL: as the kernel has it. */
static enum fact read_fitting(const struct host *host, const char *folder,
			      const struct pci_device *device, const char *bus,
			      struct string_list *ret_modules)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], own[PATTERN_SIZE],
		modalias[PATTERN_SIZE + 16];
	int aliases, builtin;

	if (host_read(host, pci_attribute_path(&device->address, "modalias", path), own,
		      sizeof(own)) != FACT_KNOWN)
		return FACT_UNREADABLE;
	snprintf(modalias, sizeof(modalias), "%s%s", bus ? bus : "",
		 bus ? own + strcspn(own, ":") : own);
	aliases = read_file(host, folder, "modules.alias", modalias, pci_aliases_parse,
			    ret_modules);
	builtin = read_file(host, folder, "modules.builtin.modinfo", modalias,
			    pci_builtin_aliases_parse, ret_modules);
	/* The second has been there since Linux 5.2 and is not missed before. */
	if (aliases < 0 || (builtin < 0 && builtin != -ENOENT))
		return FACT_UNREADABLE;
	return ret_modules->count ? FACT_KNOWN : FACT_ABSENT;
}

enum fact pci_read_claims_of(const struct host *host, const char *folder,
			     const struct pci_device *device,
			     struct string_list *ret_modules)
{
	return read_fitting(host, folder, device, NULL, ret_modules);
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

enum fact pci_read_claims(const struct host *host, const struct pci_device *device,
			  struct string_list *ret_modules)
{
	char folder[300];

	return find_running(host, folder, sizeof(folder))
		       ? read_fitting(host, folder, device, NULL, ret_modules)
		       : FACT_UNREADABLE;
}

enum fact pci_read_vfio_variants(const struct host *host, const struct pci_device *device,
				 struct string_list *ret_modules)
{
	_cleanup_(string_list_free) struct string_list all = { 0 };
	char folder[300];
	enum fact fact = find_running(host, folder, sizeof(folder))
				 ? read_fitting(host, folder, device, "vfio_pci", &all)
				 : FACT_UNREADABLE;

	/* vfio-pci's own pattern fits everything. */
	for (size_t i = 0; fact == FACT_KNOWN && i < all.count; i++)
		if (strcmp(all.items[i], "vfio_pci") != 0 &&
		    string_list_add(ret_modules, all.items[i]) < 0)
			return FACT_UNREADABLE;
	return fact != FACT_KNOWN ? fact : ret_modules->count ? FACT_KNOWN : FACT_ABSENT;
}
