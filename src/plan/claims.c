/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/claims.h"
#include "plan/found.h"

void plan_claims_read(const struct plan_view *view, struct plan_claims *ret_claims)
{
	const struct bootcfg_kernel *kernel = bootcfg_running_kernel(view->kernels);
	char path[512];

	*ret_claims = (struct plan_claims){ .view = view };
	/* Of a system that does not run none does; one of its kernels is like the next.
	 */
	for (size_t i = 0; (!kernel || !kernel->folder) && i < view->kernels->count; i++)
		kernel = &view->kernels->items[i];
	if (!kernel || !kernel->folder)
		return;
	snprintf(path, sizeof(path), "%s/modules.alias", kernel->folder);
	host_read_file(view->host, path, &ret_claims->aliases, &ret_claims->len);
}

void plan_claims_free(struct plan_claims *claims)
{
	free(claims->aliases);
}

/* Its lines alone, so that each device is asked a few patterns, not all. */
static char *lines_of(const struct plan_claims *claims, const char *module,
		      size_t *ret_len)
{
	const char *at = claims->aliases, *end = at + claims->len;
	char *lines = malloc(claims->len + 1);

	*ret_len = 0;
	while (lines && at && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);
		const char *space = memrchr(at, ' ', len);
		char name[64];

		snprintf(name, sizeof(name), "%.*s",
			 space ? (int)(at + len - space - 1) : 0, space ? space + 1 : "");
		if (bootcfg_same_name(name, module)) {
			memcpy(lines + *ret_len, at, len);
			*ret_len += len;
			lines[(*ret_len)++] = '\n';
		}
		at += len + 1;
	}
	return lines;
}

static int add_claimed(const struct plan_claims *claims, const char *lines, size_t len,
		       const struct pci_device *device, struct string_list *list)
{
	_cleanup_(string_list_free) struct string_list found = { 0 };
	char path[PCI_ATTRIBUTE_PATH_SIZE], modalias[256], address[PCI_ADDRESS_SIZE];
	int r;

	if (host_read(claims->view->host,
		      pci_attribute_path(&device->address, "modalias", path), modalias,
		      sizeof(modalias)) != FACT_KNOWN)
		return 0;
	r = pci_aliases_parse(lines, len, modalias, &found);
	if (r < 0 || !found.count)
		return r;
	return string_list_add(list, pci_address_format(&device->address, address));
}

int plan_claims_find(const struct plan_claims *claims, const struct plan *plan,
		     const char *module, struct string_list *ret_members,
		     struct string_list *ret_others)
{
	const struct pci_devices *devices = &claims->view->devices;
	_cleanup_free_ char *lines = NULL;
	size_t len;
	int r = 0;

	if (!claims->aliases)
		return 0;
	lines = lines_of(claims, module, &len);
	if (!lines)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = add_claimed(claims, lines, len,
				pci_find(devices, &plan->members[i].address),
				ret_members);
	for (size_t i = 0; r == 0 && ret_members->count && i < devices->count; i++)
		if (!plan_has_member(plan, &devices->items[i].address))
			r = add_claimed(claims, lines, len, &devices->items[i],
					ret_others);
	return r;
}
