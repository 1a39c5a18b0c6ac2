/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Binding by IDs, where nothing can bind by address, or because it was asked for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bootcfg/ids.h"
#include "bootcfg/modprobe.h"
#include "bootcfg/precedence.h"
#include "pci/claims.h"
#include "plan/found.h"

static const char word_name[] = "vfio-pci.ids";

/* A device of the host's that has the ID too; NULL: none. */
static const struct pci_device *find_twin(const struct plan_view *view,
					  const struct plan *plan, const char *id)
{
	for (size_t i = 0; i < view->devices.count; i++) {
		const struct pci_device *device = &view->devices.items[i];

		if (!plan_has_member(plan, &device->address) &&
		    bootcfg_id_fits(id, strlen(id), device))
			return device;
	}
	return NULL;
}

/* The shortest ID that is no other device's: with its subsystem, where it must be. */
static int add_id(const struct plan_view *view, const struct plan *plan,
		  const struct pci_device *device, struct string_list *ids, int *refused,
		  struct error *err)
{
	char id[64], address[PCI_ADDRESS_SIZE], twin_address[PCI_ADDRESS_SIZE];
	const struct pci_device *twin;

	snprintf(id, sizeof(id), "%04x:%04x", device->vendor_id, device->device_id);
	if (find_twin(view, plan, id))
		snprintf(id, sizeof(id), "%04x:%04x:%04x:%04x", device->vendor_id,
			 device->device_id, device->subsystem_vendor_id,
			 device->subsystem_device_id);
	twin = find_twin(view, plan, id);
	if (!twin)
		return string_list_has(ids, id) ? 0 : string_list_add(ids, id);
	if (!*refused) {
		*refused = error_refuse(err, "--by-id",
					"it would take devices that stay with the host:"
					" nothing was changed");
		error_hint(err, "name them, too, or bind by address, without --by-id,"
				" where there is an initramfs for it");
	}
	error_evidence(err, "%s: it has the IDs of %s, %s",
		       pci_address_format(&twin->address, twin_address),
		       pci_address_format(&device->address, address), id);
	return 0;
}

static int find_ids(const struct plan_view *view, const struct plan *plan,
		    struct string_list *ids, struct error *err)
{
	int r = 0, refused = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = add_id(view, plan,
			   pci_find(&view->devices, &plan->members[i].address), ids,
			   &refused, err);
	return r < 0 ? error_oom(err) : refused;
}

/* The last list counts alone, so what others wrote is in it. */
static int add_list(struct string_list *ids, const char *list)
{
	const char *id;
	size_t len;
	int r = 0;

	while (r == 0 && bootcfg_next_id(&list, &id, &len)) {
		_cleanup_free_ char *copy = strndup(id, len);

		if (!copy)
			return -ENOMEM;
		if (!string_list_has(ids, copy))
			r = string_list_add(ids, copy);
	}
	return r;
}

/* Words that say something about it already, each once, and their IDs. */
static int find_words(const struct bootcfg_cmdline *cmdline, struct string_list *words,
		      struct string_list *ids)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < cmdline->count; i++) {
		const struct bootcfg_parameter *one = &cmdline->items[i];
		_cleanup_free_ char *word = NULL;

		if (!one->value || !bootcfg_same_name(one->name, word_name))
			continue;
		if (asprintf(&word, "%s=%s", one->name, one->value) < 0) {
			word = NULL;
			return -ENOMEM;
		}
		r = add_list(ids, one->value);
		if (r == 0 && !string_list_has(words, word))
			r = string_list_add(words, word);
	}
	return r;
}

static int find_all_words(const struct plan_view *view, struct string_list *words,
			  struct string_list *ids)
{
	_cleanup_free_ char *list = NULL;
	const char *file;
	/* modprobe gives a module the command line's behind its own: that one counts. */
	int r = bootcfg_find_ids(&view->modprobe, "vfio-pci", &list, &file);

	if (r == 0)
		r = add_list(ids, list);
	for (size_t i = 0; r == 0 && i < view->boot.n_sources; i++)
		r = find_words(&view->boot.sources[i].cmdline, words, ids);
	for (size_t i = 0; r == 0 && i < view->boot.entries.count; i++)
		if (!view->boot.entries.items[i].recovery)
			r = find_words(&view->boot.entries.items[i].cmdline, words, ids);
	return r;
}

int plan_id_words(const struct plan_view *view, const struct plan *plan,
		  struct boot_parameters *parameters, struct error *err)
{
	_cleanup_(string_list_free) struct string_list words = { 0 };
	_cleanup_(string_list_free) struct string_list ids = { 0 };
	_cleanup_(string_list_free) struct string_list own = { 0 };
	char word[2048];
	size_t len;
	int r = find_ids(view, plan, &own, err);

	if (r < 0)
		return r;
	r = find_all_words(view, &words, &ids);
	for (size_t i = 0; r == 0 && i < own.count; i++)
		r = add_list(&ids, own.items[i]);
	len = (size_t)snprintf(word, sizeof(word), "%s=", word_name);
	for (size_t i = 0; i < ids.count && len < sizeof(word); i++)
		len += (size_t)snprintf(word + len, sizeof(word) - len, "%s%s",
					i ? "," : "", ids.items[i]);
	/* A kernel's command line is 2048 bytes at most (COMMAND_LINE_SIZE on x86). */
	if (len >= sizeof(word))
		return error_set(err, E2BIG, "--by-id",
				 "there are more IDs than a command line has room for");
	for (size_t i = 0; r == 0 && i < words.count; i++) {
		if (!strcmp(words.items[i], word))
			continue;
		r = string_list_add(&parameters->remove, words.items[i]);
		if (r == 0)
			r = string_list_add(&parameters->instead, word);
	}
	if (r == 0)
		r = string_list_add(&parameters->add, word);
	return r < 0 ? error_oom(err) : 0;
}

/* Of one kernel: what comes behind vfio-pci, and what cannot. */
static int look_at_driver(struct bootcfg_kernel *kernel, const char *module,
			  const char *address, struct string_list *behind,
			  struct plan *plan)
{
	enum bootcfg_state state = bootcfg_module(kernel, module);

	if (iommu_is_vfio_driver(module))
		return 0;
	if (state == BOOTCFG_MODULE)
		return string_list_has(behind, module) ? 0
						       : string_list_add(behind, module);
	if (state != BOOTCFG_BUILTIN)
		return 0;
	return string_list_addf(&plan->risks,
				"%s: its driver %s is built into the kernel %s, and may"
				" have it before vfio-pci: then --by-id does not help",
				address, module, kernel->release);
}

static int look_at_drivers(const struct plan_view *view, struct bootcfg_kernel *kernel,
			   struct string_list *behind, struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; r == 0 && kernel->folder && i < plan->count; i++) {
		const struct pci_address *address = &plan->members[i].address;
		_cleanup_(string_list_free) struct string_list modules = { 0 };
		char text[PCI_ADDRESS_SIZE];

		pci_address_format(address, text);
		pci_read_claims_of(view->host, kernel->folder,
				   pci_find(&view->devices, address), &modules);
		for (size_t j = 0; r == 0 && j < modules.count; j++)
			r = look_at_driver(kernel, modules.items[j], text, behind, plan);
	}
	return r;
}

static int look_at_kernel(const struct plan_view *view, struct bootcfg_kernel *kernel,
			  enum boot_early early, struct string_list *behind,
			  bool *is_module, struct plan *plan)
{
	enum bootcfg_state state = bootcfg_module(kernel, "vfio-pci");
	int r = 0;

	/* What is not known may be a module, and then needs what a module needs. */
	*is_module |= state == BOOTCFG_MODULE || state == BOOTCFG_UNKNOWN;
	if (state == BOOTCFG_MISSING)
		r = string_list_addf(&plan->risks,
				     "the kernel %s has no vfio-pci: when it boots,"
				     " nothing is bound",
				     kernel->release);
	else if (state == BOOTCFG_MODULE && early == EARLY_NONE)
		r = string_list_addf(&plan->risks,
				     "vfio-pci is a module of the kernel %s, which is"
				     " loaded from the root file system: what is built in"
				     " comes before it",
				     kernel->release);
	return r < 0 ? r : look_at_drivers(view, kernel, behind, plan);
}

static bool has_clean_entry(const struct plan_view *view)
{
	for (size_t i = 0; i < view->boot.entries.count; i++)
		if (view->boot.entries.items[i].recovery)
			return true;
	return false;
}

static int tell(const struct plan_view *view, enum boot_early early, struct plan *plan)
{
	int r = 0;

	if (early == EARLY_BUILDER)
		r = string_list_add(&plan->risks,
				    "IDs take each device of the model, also one that is"
				    " added later; by address, without --by-id, this host"
				    " can do better");
	if (r == 0 && early == EARLY_BOOSTER)
		r = string_list_add(&plan->risks,
				    "booster begins to load vfio-pci first, but does not"
				    " wait for it: pciferry verify tells which driver was"
				    " faster");
	if (r == 0 && !has_clean_entry(view))
		r = string_list_add(&plan->risks,
				    "there is no recovery entry that stays without the"
				    " IDs, and pciferry=off does not disarm them");
	return r;
}

int plan_edit_by_id(const struct plan_view *view, struct plan *plan, struct error *err)
{
	_cleanup_(string_list_free) struct string_list behind = { 0 };
	_cleanup_free_ struct boot_binding *bindings = plan_bindings(plan);
	enum boot_early early = boot_find_early(view->host);
	struct boot_by_id wish = { bindings, plan->count, &behind, false };
	int r = bindings ? tell(view, early, plan) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < view->kernels->count; i++)
		r = look_at_kernel(view, &view->kernels->items[i], early, &behind,
				   &wish.is_module, plan);
	if (r < 0)
		return error_oom(err);
	/* Of kernels that are not known it may be one. */
	wish.is_module |= !view->kernels->count;
	string_list_sort(&behind);
	return boot_edit_by_id(view->host, &wish, &plan->edits, &plan->instructions, err);
}
