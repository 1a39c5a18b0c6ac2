/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Drivers that are loaded from the root file system, for devices that have none yet. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/image_order.h"
#include "bootcfg/next_internal.h"
#include "bootcfg/precedence.h"

/* initramfs-tools reads that one, and nothing does once the root is there. */
static bool is_loaded_by_name(const struct next_search *search, const char *module)
{
	const struct bootcfg_modprobe *loads = search->boot->loads;

	for (size_t i = 0; i < loads->count; i++)
		if (loads->lines[i].kind == MODPROBE_LOAD &&
		    bootcfg_same_name(loads->lines[i].module, module) &&
		    !strstr(loads->lines[i].file, "initramfs-tools"))
			return true;
	return false;
}

static int find_rivals(struct next_search *search, struct string_list *ret_rivals)
{
	const struct bootcfg_next_boot *boot = search->boot;
	int r = 0;

	for (size_t i = 0; r == 0 && i < search->modules.count; i++) {
		const char *module = search->modules.items[i];
		const struct bootcfg_modprobe_line *line =
			bootcfg_modprobe_find(boot->modprobe, MODPROBE_INSTALL, module);

		if (bootcfg_cmdline_keeps_away(boot->cmdline, BUILDER_UNKNOWN, module) ||
		    (line && bootcfg_is_false(line->rest)) ||
		    bootcfg_modprobe_find(boot->modprobe, MODPROBE_BLACKLIST, module) ||
		    bootcfg_module(boot->kernel, module) == BOOTCFG_MISSING)
			continue;
		if (line)
			return next_is_unknown(search,
					       "a line install in /%.100s decides what is"
					       " loaded for %s",
					       line->file, module);
		r = string_list_add(ret_rivals, module);
	}
	return r;
}

static bool all_come_after(const struct bootcfg_modprobe *modprobe,
			   const struct string_list *rivals, const char *stub)
{
	for (size_t i = 0; i < rivals->count; i++)
		if (!bootcfg_comes_after(modprobe, rivals->items[i], stub))
			return false;
	return true;
}

static int look_at_stub(struct next_search *search, const char *stub,
			const struct string_list *rivals, const char *by)
{
	const struct bootcfg_next_boot *boot = search->boot;
	bool loaded = is_loaded_by_name(search, stub);
	enum bootcfg_state state = bootcfg_module(boot->kernel, stub);

	if (state == BOOTCFG_UNKNOWN)
		return next_is_unknown(search, "whether the kernel has %s is not known",
				       stub);
	if (state == BOOTCFG_MISSING)
		return 0;
	if (!rivals->count && loaded)
		return next_is(search, stub, "%s is loaded by its name, and %s", stub,
			       by);
	if (rivals->count && all_come_after(boot->modprobe, rivals, stub))
		return next_is(search, stub, "a softdep has %s loaded before %s, and %s",
			       stub, rivals->items[0], by);
	return loaded ? next_is_unknown(search,
					"%s and %s are loaded at the same time, from the"
					" root file system",
					stub, rivals->items[0])
		      : 0;
}

/* What an image has loaded got its IDs there. One that is built in has had its turn. */
static int look_at_stubs(struct next_search *search, const struct string_list *rivals,
			 const char **ret_wanted)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < NEXT_STUBS; i++) {
		const char *by, *stub = next_stubs[i];

		if (search->loaded[i] ||
		    bootcfg_module(search->boot->kernel, stub) == BOOTCFG_BUILTIN)
			continue;
		r = next_is_wanted(search, stub, search->boot->modprobe,
				   "modprobe.d has its IDs", &by);
		if (r == 1) {
			*ret_wanted = stub;
			r = look_at_stub(search, stub, rivals, by);
		}
	}
	return r;
}

int next_in_root(struct next_search *search)
{
	_cleanup_(string_list_free) struct string_list rivals = { 0 };
	const struct bootcfg_modprobe *modprobe = search->boot->modprobe;
	const char *wanted = NULL;
	int r;

	if (modprobe->fact == FACT_UNREADABLE || modprobe->unreadable.count)
		return next_is_unknown(search, "modprobe.d could not be read");
	r = find_rivals(search, &rivals);
	if (r == 0)
		r = look_at_stubs(search, &rivals, &wanted);
	if (r != 0)
		return r;
	if (rivals.count > 1)
		return next_is_one_of(search, "in the root file system", &rivals);
	if (rivals.count && wanted)
		return next_is(search, rivals.items[0],
			       "%s is loaded from the root file system, and nothing makes"
			       " %s come first",
			       rivals.items[0], wanted);
	if (rivals.count)
		return next_is(search, rivals.items[0],
			       "%s is loaded from the root file system", rivals.items[0]);
	if (wanted)
		return next_is_none(search, "nothing loads %s", wanted);
	return next_is_none(search, search->modules.count ? "no driver for it is loaded"
							  : "the kernel has no driver for"
							    " it");
}
