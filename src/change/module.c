/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <libkmod.h>
#include <stddef.h>

#include "change/internal.h"

static void say_nothing(void *data, int priority, const char *file, int line,
			const char *function, const char *format, va_list args)
{
	(void)data, (void)priority, (void)file, (void)line;
	(void)function, (void)format, (void)args;
}

int change_load_module(const char *name)
{
	struct kmod_list *modules = NULL, *entry;
	struct kmod_ctx *context;
	int r;

	context = kmod_new(NULL, NULL);
	if (!context)
		return -ENOMEM;
	kmod_set_log_fn(context, say_nothing, NULL);
	r = kmod_module_new_from_lookup(context, name, &modules);
	if (r == 0 && !modules)
		r = -ENOENT;
	kmod_list_foreach(entry, modules)
	{
		struct kmod_module *module = kmod_module_get_module(entry);

		r = kmod_module_probe_insert_module(module, 0, NULL, NULL, NULL, NULL);
		kmod_module_unref(module);
		if (r < 0)
			break;
	}
	kmod_module_unref_list(modules);
	kmod_unref(context);
	return r;
}
