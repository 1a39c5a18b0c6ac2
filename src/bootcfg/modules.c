/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/modules.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static char same(char c)
{
	return c == '-' ? '_' : c;
}

/* FNV-1a, of names in which "-" and "_" are the same. */
static uint32_t hash(const char *name, size_t len)
{
	uint32_t value = 2166136261u;

	for (size_t i = 0; i < len; i++)
		value = (value ^ (unsigned char)same(name[i])) * 16777619u;
	return value;
}

static bool is_named(const struct bootcfg_module *module, const char *name, size_t len)
{
	size_t i = 0;

	if (module->len != len)
		return false;
	while (i < len && same(module->name[i]) == same(name[i]))
		i++;
	return i == len;
}

/* Where a name is, or would be put. There is always a free slot. */
static struct bootcfg_module *find_slot(const struct bootcfg_modules *modules,
					const char *name, size_t len)
{
	size_t at = hash(name, len) & (modules->room - 1);

	while (modules->slots[at].name && !is_named(&modules->slots[at], name, len))
		at = (at + 1) & (modules->room - 1);
	return &modules->slots[at];
}

static int make_room(struct bootcfg_modules *modules)
{
	struct bootcfg_modules larger = { .count = modules->count };

	if (2 * (modules->count + 1) <= modules->room)
		return 0;
	larger.room = modules->room ? 2 * modules->room : 1024;
	larger.slots = calloc(larger.room, sizeof(*larger.slots));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < modules->room; i++) {
		const struct bootcfg_module *old = &modules->slots[i];

		if (old->name)
			*find_slot(&larger, old->name, old->len) = *old;
	}
	free(modules->slots);
	*modules = larger;
	return 0;
}

/* The length without ".ko" and what compressed it; 0: this is no module's file. */
static size_t name_length(const char *name, size_t len)
{
	static const char *const endings[] = { ".ko", ".ko.gz", ".ko.xz", ".ko.zst" };

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		size_t n = strlen(endings[i]);

		if (len > n && !memcmp(name + len - n, endings[i], n))
			return len - n;
	}
	return 0;
}

/* "kernel/drivers/vfio/pci/vfio-pci.ko.xz: kernel/...", or the path alone. */
static int add_line(struct bootcfg_modules *modules, const char *line, size_t len,
		    enum bootcfg_state state)
{
	const char *colon = memchr(line, ':', len);
	const char *end = colon ? colon : line + len;
	const char *slash = memrchr(line, '/', (size_t)(end - line));
	const char *name = slash ? slash + 1 : line;
	size_t n = name_length(name, (size_t)(end - name));
	struct bootcfg_module *slot;

	if (!n)
		return 0;
	if (make_room(modules) < 0)
		return -ENOMEM;
	slot = find_slot(modules, name, n);
	if (!slot->name) {
		*slot = (struct bootcfg_module){ name, n, state };
		modules->count++;
	}
	return 0;
}

int bootcfg_modules_parse(const char *text, size_t len, enum bootcfg_state state,
			  struct bootcfg_modules *modules)
{
	const char *end = text + len;
	int r = 0;

	while (r == 0 && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		r = add_line(modules, text, (size_t)(stop - text), state);
		text = stop + 1;
	}
	return r;
}

const struct bootcfg_module *bootcfg_modules_find(const struct bootcfg_modules *modules,
						  const char *name)
{
	const struct bootcfg_module *slot;

	if (!modules->room)
		return NULL;
	slot = find_slot(modules, name, strlen(name));
	return slot->name ? slot : NULL;
}

void bootcfg_modules_free(struct bootcfg_modules *modules)
{
	if (!modules)
		return;
	free(modules->slots);
	memset(modules, 0, sizeof(*modules));
}
