/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "iommu/registered.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

#define CLASS "sys/class/iommu"

enum { UNIT_PATH_SIZE = 96 };

/* Hexadecimal, without 0x. */
static enum fact read_register(const struct host *host,
			       const struct iommu_registered_unit *unit, const char *name,
			       uint64_t *ret_value)
{
	char path[UNIT_PATH_SIZE], text[32];
	enum fact fact;

	snprintf(path, sizeof(path), CLASS "/%s/%s", unit->name, name);
	fact = host_read(host, path, text, sizeof(text));
	if (fact != FACT_KNOWN)
		return fact;
	if (!*text || strlen(text) > 16 || text[strspn(text, "0123456789abcdefABCDEF")])
		return FACT_UNREADABLE;
	*ret_value = strtoull(text, NULL, 16);
	return FACT_KNOWN;
}

/* "../../devices/pci0000:00/0000:00:00.2/iommu/ivhd0" */
static enum fact read_function(const struct host *host,
			       const struct iommu_registered_unit *unit,
			       struct pci_address *ret_function)
{
	char path[UNIT_PATH_SIZE], target[PATH_MAX];
	enum fact fact;

	snprintf(path, sizeof(path), CLASS "/%s", unit->name);
	fact = host_link_target(host, path, target, sizeof(target));
	if (fact != FACT_KNOWN)
		return FACT_UNREADABLE;
	for (int i = 0; i < 2; i++) {
		char *last = strrchr(target, '/');

		if (!last)
			return FACT_UNREADABLE;
		*last = '\0';
	}
	if (!strrchr(target, '/') ||
	    pci_address_parse(strrchr(target, '/') + 1, ret_function) < 0)
		return FACT_UNREADABLE;
	return FACT_KNOWN;
}

static bool has_attributes(const struct host *host,
			   const struct iommu_registered_unit *unit, const char *name)
{
	char path[UNIT_PATH_SIZE];

	snprintf(path, sizeof(path), CLASS "/%s/%s", unit->name, name);
	return host_exists(host, path);
}

static void read_unit(const struct host *host, struct iommu_registered_unit *unit)
{
	if (has_attributes(host, unit, "intel-iommu")) {
		unit->kind = IOMMU_DMAR;
		unit->base_fact =
			read_register(host, unit, "intel-iommu/address", &unit->base);
		unit->extended_fact =
			read_register(host, unit, "intel-iommu/ecap", &unit->extended);
	} else if (has_attributes(host, unit, "amd-iommu")) {
		unit->kind = IOMMU_IVRS;
		unit->function_fact = read_function(host, unit, &unit->function);
		unit->extended_fact =
			read_register(host, unit, "amd-iommu/features", &unit->extended);
	}
}

int iommu_registered_read(const struct host *host,
			  struct iommu_registered *ret_registered, struct error *err)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	struct iommu_registered registered = { .fact = FACT_KNOWN };
	int r = host_list(host, CLASS, &names);

	if (r == -ENOMEM)
		return error_oom(err);
	if (r < 0)
		registered.fact = r == -ENOENT ? FACT_ABSENT : FACT_UNREADABLE;
	else if (!names.count)
		registered.fact = FACT_ABSENT;
	registered.items = calloc(names.count + 1, sizeof(*registered.items));
	if (!registered.items)
		return error_oom(err);
	for (size_t i = 0; i < names.count; i++) {
		struct iommu_registered_unit *unit = &registered.items[registered.count];

		if (strlen(names.items[i]) >= sizeof(unit->name))
			continue;
		strcpy(unit->name, names.items[i]);
		read_unit(host, unit);
		registered.count++;
	}
	*ret_registered = registered;
	return 0;
}

void iommu_registered_free(struct iommu_registered *registered)
{
	if (!registered)
		return;
	free(registered->items);
	memset(registered, 0, sizeof(*registered));
}

/* 00:14.0, where AMD's southbridges have their I/O APIC. */
static bool names_southbridge(const struct ivrs *ivrs)
{
	enum { SOUTHBRIDGE_IOAPIC = 0x14 << 3 };
	uint8_t chosen = ivrs_chosen_type(ivrs);

	for (size_t i = 0; i < ivrs->n_units; i++) {
		const struct ivrs_unit *unit = &ivrs->units[i];

		for (size_t j = 0; unit->type == chosen && j < unit->n_entries; j++)
			if (unit->entries[j].type == IVRS_SPECIAL &&
			    unit->entries[j].variety == IVRS_IOAPIC &&
			    unit->entries[j].first == SOUTHBRIDGE_IOAPIC)
				return true;
	}
	return false;
}

/* Whether all VT-d units can, as far as the kernel tells. */
static enum fact units_remap(const struct iommu_registered *registered, bool *ret_all)
{
	enum fact fact = registered->fact;

	*ret_all = true;
	for (size_t i = 0; i < registered->count; i++) {
		const struct iommu_registered_unit *unit = &registered->items[i];

		if (unit->kind != IOMMU_DMAR)
			continue;
		if (unit->extended_fact != FACT_KNOWN) {
			fact = FACT_UNREADABLE;
		} else if (!(unit->extended & DMAR_ECAP_INTR_REMAP)) {
			*ret_all = false;
			return FACT_KNOWN;
		}
	}
	return fact;
}

enum fact iommu_remaps_interrupts(const struct iommu_firmware *firmware,
				  const struct iommu_registered *registered,
				  bool *ret_remaps)
{
	enum fact fact;
	bool all;

	if (firmware->kind == IOMMU_IVRS) {
		if (firmware->fact == FACT_KNOWN)
			*ret_remaps = names_southbridge(&firmware->ivrs);
		return firmware->fact;
	}
	fact = units_remap(registered, &all);
	if (!all ||
	    (firmware->fact == FACT_KNOWN && !(firmware->dmar.flags & DMAR_INTR_REMAP))) {
		*ret_remaps = false;
		return FACT_KNOWN;
	}
	if (firmware->fact != FACT_KNOWN)
		return firmware->fact;
	/* With the IOMMU off, the table alone speaks. */
	if (fact != FACT_UNREADABLE)
		*ret_remaps = true;
	return fact == FACT_UNREADABLE ? FACT_UNREADABLE : FACT_KNOWN;
}
