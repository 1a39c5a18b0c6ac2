/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stages of a boot, one after the other. */
#include "bootcfg/next.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/ids.h"
#include "bootcfg/image_order.h"
#include "bootcfg/next_internal.h"
#include "bootcfg/precedence.h"
#include "pci/claims.h"

const char *const next_stubs[NEXT_STUBS] = { "vfio-pci", "pci-stub" };

static int answer(struct next_search *search, enum fact fact, const char *driver,
		  const char *reason, va_list args)
{
	struct bootcfg_next *next = search->next;

	*next = (struct bootcfg_next){ .fact = fact };
	snprintf(next->driver, sizeof(next->driver), "%s", driver);
	vsnprintf(next->reason, sizeof(next->reason), reason, args);
	return 1;
}

int next_is(struct next_search *search, const char *driver, const char *reason, ...)
{
	va_list args;

	va_start(args, reason);
	answer(search, FACT_KNOWN, driver, reason, args);
	va_end(args);
	return 1;
}

int next_is_none(struct next_search *search, const char *reason, ...)
{
	va_list args;

	va_start(args, reason);
	answer(search, FACT_ABSENT, "", reason, args);
	va_end(args);
	return 1;
}

int next_is_unknown(struct next_search *search, const char *reason, ...)
{
	va_list args;

	va_start(args, reason);
	answer(search, FACT_UNREADABLE, "", reason, args);
	va_end(args);
	return 1;
}

int next_is_one_of(struct next_search *search, const char *where,
		   const struct string_list *modules)
{
	_cleanup_free_ char *names = string_list_join(modules, ", ");

	if (!names)
		return -ENOMEM;
	return next_is_unknown(search,
			       "%s are for it %s, and which one is first is not"
			       " told by anything",
			       names, where);
}

int next_is_wanted(const struct next_search *search, const char *stub,
		   const struct bootcfg_modprobe *modprobe, const char *where,
		   const char **ret_by)
{
	const struct bootcfg_parameter *word;
	_cleanup_free_ char *ids = NULL;
	const char *file;
	char name[32];
	int r;

	snprintf(name, sizeof(name), "%s.ids", stub);
	word = bootcfg_find_parameter(search->boot->cmdline, name);
	/* They come after those of modprobe.d, and replace them. */
	if (word && word->value) {
		*ret_by = "the command line's ids= have it";
		return bootcfg_ids_have(word->value, search->device);
	}
	if (!modprobe)
		return 0;
	r = bootcfg_find_ids(modprobe, stub, &ids, &file);
	*ret_by = where;
	return r < 0 ? r : bootcfg_ids_have(ids, search->device);
}

/* An alias in modprobe.d comes first, and then the kernel's are not asked (libkmod). */
static int take_aliases(struct next_search *search)
{
	const struct bootcfg_modprobe *modprobe = search->boot->modprobe;
	char path[PCI_ATTRIBUTE_PATH_SIZE], modalias[256];
	bool first = true;
	int r = 0;

	if (host_read(search->boot->host,
		      pci_attribute_path(&search->device->address, "modalias", path),
		      modalias, sizeof(modalias)) != FACT_KNOWN)
		return 0;
	for (size_t i = 0; r == 0 && i < modprobe->count; i++) {
		const struct bootcfg_modprobe_line *line = &modprobe->lines[i];

		if (line->kind != MODPROBE_ALIAS ||
		    fnmatch(line->module, modalias, 0) != 0)
			continue;
		if (first)
			string_list_free(&search->modules);
		first = false;
		r = string_list_add(&search->modules, line->rest);
	}
	return r;
}

static int find_claims(struct next_search *search)
{
	struct bootcfg_kernel *kernel = search->boot->kernel;
	_cleanup_(string_list_free) struct string_list claims = { 0 };
	int r = 0;

	search->claims_known =
		kernel->folder &&
		pci_read_claims_of(search->boot->host, kernel->folder, search->device,
				   &claims) != FACT_UNREADABLE;
	for (size_t i = 0; r == 0 && i < claims.count; i++) {
		enum bootcfg_state state = bootcfg_module(kernel, claims.items[i]);

		search->claims_known &= state != BOOTCFG_UNKNOWN;
		r = string_list_add(state == BOOTCFG_BUILTIN ? &search->builtin
							     : &search->modules,
				    claims.items[i]);
	}
	return r < 0 ? r : take_aliases(search);
}

int next_in_kernel(struct next_search *search)
{
	struct bootcfg_kernel *kernel = search->boot->kernel;
	const struct string_list *builtin = &search->builtin;
	const char *by;

	for (size_t i = 0; i < NEXT_STUBS; i++) {
		if (bootcfg_module(kernel, next_stubs[i]) != BOOTCFG_BUILTIN ||
		    next_is_wanted(search, next_stubs[i], NULL, NULL, &by) <= 0)
			continue;
		if (builtin->count)
			return next_is_unknown(search,
					       "%s and %s are both built into the kernel,"
					       " and which one is first is not told by"
					       " anything",
					       next_stubs[i], builtin->items[0]);
		return next_is(search, next_stubs[i],
			       "%s is built into the kernel, and %s", next_stubs[i], by);
	}
	if (builtin->count > 1)
		return next_is_one_of(search, "in the kernel", builtin);
	return builtin->count ? next_is(search, builtin->items[0],
					"%s is built into the kernel", builtin->items[0])
			      : 0;
}

static int look_at_drivers(struct next_search *search)
{
	const struct bootcfg_next_boot *boot = search->boot;
	int r;

	if (!search->claims_known)
		return next_is_unknown(search, "which drivers the kernel has for it could"
					       " not be read");
	r = next_in_kernel(search);
	if (r != 0)
		return r;
	if (boot->remade)
		return next_is_unknown(search, "its image is not made yet, and what else"
					       " will be in it is not known");
	if (boot->unsettled)
		return next_is_unknown(search, "what is loaded first is about to be"
					       " changed");
	return boot->image_fact == FACT_KNOWN ? next_in_image(search) : 0;
}

/* A rule of udev's, or driverctl, after whatever the image did. */
static int look_at_override(struct next_search *search, bool has_driver)
{
	const struct pci_node *node = &search->all->topology->nodes[search->index];
	struct bootcfg_override override;
	int r = bootcfg_override_of(search->boot->overrides, node, &override);

	if (r < 0 || override.fact == FACT_ABSENT)
		return r;
	/* It does not take a device from a driver; its programs might. */
	if (has_driver && !override.by_driverctl && !override.runs)
		return 0;
	if (has_driver && override.fact == FACT_KNOWN &&
	    bootcfg_same_name(override.driver, search->next->driver))
		return 0;
	if (override.fact == FACT_UNREADABLE)
		return next_is_unknown(search,
				       "whether %s sets its driver_override is not"
				       " known",
				       override.place);
	if (!has_driver || override.by_driverctl) {
		enum bootcfg_state state =
			bootcfg_module(search->boot->kernel, override.driver);

		if (state == BOOTCFG_MODULE || state == BOOTCFG_BUILTIN) {
			if (override.by_driverctl)
				return next_is(search, override.driver,
					       "driverctl gives it to %s (%s)",
					       override.driver, override.place);
			if (override.probes)
				return next_is(search, override.driver,
					       "a rule of udev's gives it to %s (%s)",
					       override.driver, override.place);
		}
	}
	return next_is_unknown(search,
			       "%s says %s for it, and whether that driver comes"
			       " to have it is not known",
			       override.place, override.driver);
}

/* What was to bind it by address, and did not, is the other half of the reason. */
static void add_note(struct next_search *search)
{
	struct bootcfg_next *next = search->next;
	size_t len = strlen(next->reason);

	/* Another way brings it about, all the same. */
	if (bootcfg_same_name(next->driver, search->wanted))
		return;
	next->cause = search->cause;
	if (search->note[0])
		snprintf(next->reason + len, sizeof(next->reason) - len, "; %s",
			 search->note);
}

static int run_stages(struct next_search *search)
{
	const struct bootcfg_next_boot *boot = search->boot;
	bool by_address;
	int r, later;

	if (search->device->ids != FACT_KNOWN)
		return next_is_unknown(search, "its IDs could not be read");
	if (boot->words != FACT_KNOWN)
		return next_is_unknown(search, "with which parameters this kernel is"
					       " started is not certain");
	if (boot->image_fact == FACT_UNREADABLE && !boot->remade)
		return next_is_unknown(search, "%s", boot->image_problem);
	r = find_claims(search);
	if (r == 0)
		r = next_in_tab(search);
	by_address = r == 1;
	if (r == 0)
		r = look_at_drivers(search);
	if (r < 0)
		return r;
	later = look_at_override(search, r == 1);
	if (later == 0 && r == 0)
		later = next_in_root(search);
	if (later < 0)
		return later;
	if (!by_address) {
		add_note(search);
		next_in_service(search);
	}
	return 0;
}

int bootcfg_next_driver(const struct bootcfg_next_boot *boot,
			const struct bootcfg_next_devices *devices, size_t index,
			struct bootcfg_next *ret_next)
{
	struct next_search search = {
		.boot = boot,
		.all = devices,
		.index = index,
		.device = &devices->devices->items[index],
		.next = ret_next,
	};
	int r = run_stages(&search);

	string_list_free(&search.modules);
	string_list_free(&search.builtin);
	return r < 0 ? r : 0;
}
