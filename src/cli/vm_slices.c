/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_slices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "bind/slices.h"
#include "bootcfg/mdevctl.h"
#include "cli/file.h"
#include "pci/slices.h"
#include "vm/slices.h"

void vm_slices_free(struct vm_slices *slices)
{
	string_list_free(&slices->texts);
}

static int take_word(struct vm_slices *slices, struct vm_slice *slice, const char *word,
		     struct error *err)
{
	static const char rom[] = "rom=";
	bool is_block;
	char *full;
	int r;

	if (!strcmp(word, "display")) {
		slice->shows = true;
		return 0;
	}
	if (strncmp(word, rom, strlen(rom)) != 0)
		return error_usage(err, "--mdev", "%s is neither display nor rom=FILE",
				   word);
	r = file_locate(word + strlen(rom), &full, &is_block, err);
	if (r < 0)
		return r;
	if (string_list_add_owned(&slices->texts, full) < 0)
		return error_oom(err);
	slice->rom = full;
	return 0;
}

static int check(const struct vm_slices *slices, const struct vm_slice *slice,
		 struct error *err)
{
	for (size_t i = 0; i < slices->count; i++) {
		if (!strcmp(slices->items[i].uuid, slice->uuid))
			return error_usage(err, "--mdev", "%s stands there twice",
					   slice->uuid);
		if (slices->items[i].shows && slice->shows)
			return error_usage(err, "--mdev",
					   "one alone can be the guest's screen");
	}
	return slices->count < VM_SLICES_MAX
		       ? 0
		       : error_usage(err, "--mdev", "a guest has %d of them at most",
				     VM_SLICES_MAX);
}

int vm_slices_take(struct vm_slices *slices, const char *text, struct error *err)
{
	_cleanup_free_ char *words = strdup(text);
	struct vm_slice slice = { 0 };
	char *rest = words, *word;
	int r = 0;

	if (!words)
		return error_oom(err);
	word = strsep(&rest, ",");
	if (uuid_parse(word, strlen(word), slice.uuid) < 0) {
		error_usage(err, "--mdev", "%s is no UUID", word);
		error_hint(err, "pciferry mdev list shows what there is");
		return -EINVAL;
	}
	while (r == 0 && (word = strsep(&rest, ",")))
		r = take_word(slices, &slice, word, err);
	if (r == 0)
		r = check(slices, &slice, err);
	if (r == 0)
		slices->items[slices->count++] = slice;
	return r;
}

/* Of the parent's type; FACT_ABSENT in what is not told is no reason to refuse. */
static int check_api(const struct pci_slice_types *types, const char *uuid,
		     const char *parent, const char *type, struct error *err)
{
	for (size_t i = 0; i < types->count; i++) {
		const struct pci_slice_type *one = &types->items[i];

		if (one->kind != PCI_SLICE_MDEV || strcmp(one->parent, parent) != 0 ||
		    strcmp(one->type, type) != 0 || !one->api ||
		    !strcmp(one->api, "vfio-pci"))
			continue;
		error_set(err, ENOTSUP, uuid, "it is no PCI device but one for %s",
			  one->api);
		error_hint(err, "virsh edit can add it: <hostdev type='mdev' model='%s'>",
			   one->api);
		return -ENOTSUP;
	}
	return 0;
}

/* What is known of a driver by the names of its types: kvmgt's. */
static int describe(struct vm_slice *slice, const char *type, bool has_kvm,
		    struct error *err)
{
	slice->is_intels = !strncmp(type, "i915-GVTg_", strlen("i915-GVTg_"));
	if (!slice->is_intels || has_kvm)
		return 0;
	error_set(err, ENOTSUP, slice->uuid, "GVT-g takes KVM, which this guest has not");
	error_hint(err, "leave out what has QEMU emulate the processor");
	return -ENOTSUP;
}

static int look_at(const struct pci_slices *there, const struct pci_slice_types *types,
		   const struct bootcfg_definitions *definitions,
		   struct vm_slices *slices, size_t i, bool has_kvm, struct error *err)
{
	const char *uuid = slices->items[i].uuid, *parent = NULL, *type = NULL;
	const struct pci_slice *slice = pci_slice_find(there, uuid);
	const struct bootcfg_definition *definition =
		bootcfg_definition_find(definitions, uuid, NULL);
	int r;

	slices->is_there[i] = slice && !slice->is_leaving;
	slices->is_defined[i] = definition && !definition->damage;
	if (slices->is_there[i]) {
		parent = slice->parent;
		type = slice->type;
	} else if (slices->is_defined[i]) {
		parent = definition->parent;
		type = definition->type;
	} else {
		error_set(err, ENOENT, uuid, "%s",
			  definition ? definition->damage
				     : "no slice of this UUID is there, and none is"
				       " defined");
		error_hint(err, "pciferry mdev create PARENT TYPE %s --persist", uuid);
		return -ENOENT;
	}
	r = parent && type ? check_api(types, uuid, parent, type, err) : 0;
	return r < 0 ? r : describe(&slices->items[i], type ? type : "", has_kvm, err);
}

int vm_slices_look(const struct host *host, struct vm_slices *slices, bool has_kvm,
		   struct error *err)
{
	_cleanup_(
		bootcfg_definitions_free) struct bootcfg_definitions definitions = { 0 };
	_cleanup_(pci_slice_types_free) struct pci_slice_types types = { 0 };
	_cleanup_(pci_slices_free) struct pci_slices there = { 0 };
	int r = slices->count ? pci_slices_read(host, &there, err) : 0;

	if (r == 0 && slices->count)
		r = pci_slice_types_read(host, &types, err);
	if (r == 0 && slices->count)
		r = bootcfg_definitions_read(host, &definitions, err);
	for (size_t i = 0; r == 0 && i < slices->count; i++)
		r = look_at(&there, &types, &definitions, slices, i, has_kvm, err);
	return r;
}

static int list_missing(const struct vm_slices *slices, struct string_list *ret_uuids,
			struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < slices->count; i++)
		if (!slices->is_there[i])
			r = string_list_add(ret_uuids, slices->items[i].uuid);
	return r < 0 ? error_oom(err) : 0;
}

/* The number alone is another process's later. */
static int name_run(struct vm_slices *slices, struct error *err)
{
	char uuid[UUID_SIZE];

	if (uuid_make(uuid) < 0)
		return error_set(err, EIO, "", "no UUID could be made");
	snprintf(slices->run, sizeof(slices->run), "vm run, process %u, %s",
		 (unsigned int)getpid(), uuid);
	return 0;
}

int vm_slices_foresee(const struct cli *cli, const struct host *host,
		      const struct take_options *options, struct vm_slices *slices,
		      struct error *err)
{
	_cleanup_(string_list_free) struct string_list uuids = { 0 };
	struct change *change;
	int r = list_missing(slices, &uuids, err);

	if (r < 0 || !uuids.count)
		return r;
	r = take_begin(cli, host, options, &vm_slices_late, &change, err);
	if (r < 0)
		return r;
	r = vm_slices_check(change, &uuids, err);
	change_end(change);
	return r < 0 ? r : name_run(slices, err);
}

/* The user gets those that were made for this run, and no other. */
static int make_all(struct change *change, const struct vm_slices *slices,
		    const struct vm_user *user, struct error *err)
{
	_cleanup_(string_list_free) struct string_list uuids = { 0 }, made = { 0 };
	int r = list_missing(slices, &uuids, err);

	if (r == 0)
		r = vm_slices_make(change, &uuids, slices->run, err);
	if (r == 0 && user->user.name)
		r = bind_guest_slices(change_host(change), slices->run, &made, err);
	for (size_t i = 0; r == 0 && i < made.count; i++)
		r = bind_slice_give(change, made.items[i], user->user.uid, err);
	return r;
}

/* That of one which was there is whose it is. */
static int need_nodes(const struct cli *cli, const struct host *host,
		      const struct vm_slices *slices, struct vm_user *user,
		      struct error *err)
{
	_cleanup_(pci_slices_free) struct pci_slices there = { 0 };
	int r = pci_slices_read(host, &there, err);

	for (size_t i = 0; r == 0 && i < slices->count; i++) {
		const struct pci_slice *slice =
			pci_slice_find(&there, slices->items[i].uuid);

		if (slice && slice->nodes.count)
			r = vm_user_need_node(cli, host, slice->nodes.items[0] + 1,
					      slice->id, "made", user, err);
		if (r < 0)
			error_hint(err,
				   "where it is defined, pciferry mdev remove %s has vm"
				   " run make it for %s; or --user root",
				   slice->id, user->user.name);
	}
	return r;
}

int vm_slices_begin(const struct cli *cli, const struct host *host,
		    const struct take_options *options, struct vm_slices *slices,
		    struct vm_user *user, struct error *err)
{
	struct change *change;
	int r = 0;

	if (slices->run[0]) {
		r = take_begin(cli, host, options, &vm_slices_late, &change, err);
		if (r < 0)
			return r;
		r = make_all(change, slices, user, err);
		change_end(change);
	}
	return r < 0 || !slices->count ? r : need_nodes(cli, host, slices, user, err);
}

int vm_slices_end(const struct cli *cli, const struct host *host,
		  const struct take_options *options, const struct vm_slices *slices,
		  struct error *err)
{
	struct change *change;
	int r;

	if (!slices->run[0])
		return 0;
	r = take_begin(cli, host, options, &vm_slices_late, &change, err);
	if (r < 0)
		return r;
	r = vm_slices_remove(change, slices->run, err);
	change_end(change);
	return r;
}
