/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_MODULES_H
#define PCIFERRY_BOOTCFG_MODULES_H

/* The modules that one kernel has, as depmod and the kernel's build wrote them down. */
#include <stddef.h>

/* Of a module, or of an option of the kernel's configuration. */
enum bootcfg_state {
	BOOTCFG_UNKNOWN,
	BOOTCFG_MISSING, /* an option: it is off */
	BOOTCFG_MODULE,
	BOOTCFG_BUILTIN,
};

struct bootcfg_module {
	const char *name; /* in the text that was parsed, which has to stay; NULL: free */
	size_t len;
	enum bootcfg_state state;
};

/* A hash table: a line of modprobe.d must not cost a walk over thousands of modules. */
struct bootcfg_modules {
	struct bootcfg_module *slots;
	size_t room, count;
};

/*
 * Adds the modules of modules.dep (state BOOTCFG_MODULE) or modules.builtin
 * (BOOTCFG_BUILTIN); of two with a name the first stays. Returns 0 or -ENOMEM.
 */
int bootcfg_modules_parse(const char *text, size_t len, enum bootcfg_state state,
			  struct bootcfg_modules *modules);

/* NULL: not among them. "-" and "_" are the same in a name. */
const struct bootcfg_module *bootcfg_modules_find(const struct bootcfg_modules *modules,
						  const char *name);
void bootcfg_modules_free(struct bootcfg_modules *modules); /* takes NULL */

#endif
