/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <libkmod.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/library.h"
#include "change/internal.h"

#define KMOD_FUNCTIONS(X)                  \
	X(kmod_list_next)                  \
	X(kmod_module_get_module)          \
	X(kmod_module_new_from_name)       \
	X(kmod_module_new_from_lookup)     \
	X(kmod_module_probe_insert_module) \
	X(kmod_module_remove_module)       \
	X(kmod_module_unref)               \
	X(kmod_module_unref_list)          \
	X(kmod_new)                        \
	X(kmod_set_log_fn)                 \
	X(kmod_unref)

struct kmod_library {
	KMOD_FUNCTIONS(LIBRARY_POINTER)
};

static int load_kmod(struct kmod_library *ret_library)
{
	static const struct library_function functions[] = { KMOD_FUNCTIONS(
		LIBRARY_ROW) };

	return library_load("libkmod.so.2", "libkmod2", functions, ARRAY_SIZE(functions),
			    ret_library, NULL);
}

static void say_nothing(void *data, int priority, const char *file, int line,
			const char *function, const char *format, va_list args)
{
	(void)data, (void)priority, (void)file, (void)line;
	(void)function, (void)format, (void)args;
}

static int insert(const struct kmod_library *kmod, struct kmod_ctx *context,
		  const char *name)
{
	struct kmod_list *modules = NULL, *entry;
	int r = kmod->kmod_module_new_from_lookup(context, name, &modules);

	if (r == 0 && !modules)
		r = -ENOENT;
	for (entry = modules; r == 0 && entry;
	     entry = kmod->kmod_list_next(modules, entry)) {
		struct kmod_module *module = kmod->kmod_module_get_module(entry);

		r = kmod->kmod_module_probe_insert_module(module, 0, NULL, NULL, NULL,
							  NULL);
		kmod->kmod_module_unref(module);
	}
	kmod->kmod_module_unref_list(modules);
	return r;
}

/* Does not wait for who uses it (O_NONBLOCK is libkmod's own doing). */
static int take_out(const struct kmod_library *kmod, struct kmod_ctx *context,
		    const char *name)
{
	struct kmod_module *module;
	int r = kmod->kmod_module_new_from_name(context, name, &module);

	if (r < 0)
		return r;
	r = kmod->kmod_module_remove_module(module, 0);
	kmod->kmod_module_unref(module);
	return r == -EWOULDBLOCK ? -EBUSY : r == -ENOENT ? 0 : r;
}

static int with_kmod(const char *name,
		     int (*work)(const struct kmod_library *kmod,
				 struct kmod_ctx *context, const char *name))
{
	struct kmod_library kmod;
	struct kmod_ctx *context;
	int r;

	if (load_kmod(&kmod) < 0)
		return -ELIBACC;
	context = kmod.kmod_new(NULL, NULL);
	if (!context)
		return -ENOMEM;
	kmod.kmod_set_log_fn(context, say_nothing, NULL);
	r = work(&kmod, context, name);
	kmod.kmod_unref(context);
	return r;
}

int change_load_module(const char *name)
{
	return with_kmod(name, insert);
}

int change_unload_module(const char *name)
{
	return with_kmod(name, take_out);
}
