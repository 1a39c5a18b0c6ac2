/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of a host. */
#include "bootcfg/modprobe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/cmdline.h"
#include "bootcfg/confd.h"

static const char *const modprobe_folders[] = {
	"etc/modprobe.d",     "run/modprobe.d", "usr/local/lib/modprobe.d",
	"usr/lib/modprobe.d", "lib/modprobe.d", NULL,
};
static const char *const load_folders[] = {
	"etc/modules-load.d",	  "run/modules-load.d", "usr/local/lib/modules-load.d",
	"usr/lib/modules-load.d", "lib/modules-load.d", NULL,
};

typedef int (*parser)(const char *text, size_t len, const char *file,
		      struct bootcfg_modprobe *modprobe);

/* Put aside on purpose, by a person or a package manager. */
static bool is_aside(const char *name)
{
	static const char *const endings[] = {
		"~",	     ".bak",	  ".old",
		".orig",     ".save",	  ".disabled",
		".off",	     ".dpkg-old", ".dpkg-dist",
		".dpkg-new", ".dpkg-bak", ".ucf-dist",
		".ucf-old",  ".rpmsave",  ".rpmnew",
		".rpmorig",  ".pacsave",  ".pacnew",
		".swp",	     ".sample",	  ".dpkg-remove",
	};

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (text_ends_with(name, endings[i]))
			return true;
	return false;
}

/* Whether modprobe would know one of the lines, if it read the file. */
static int has_lines(const char *text, size_t len, bool *ret_has)
{
	_cleanup_(bootcfg_modprobe_free) struct bootcfg_modprobe modprobe = { 0 };
	int r = bootcfg_modprobe_parse(text, len, "", &modprobe);

	*ret_has = false;
	for (size_t i = 0; i < modprobe.count; i++)
		*ret_has |= modprobe.lines[i].kind != MODPROBE_BAD;
	return r;
}

static int read_file(const struct host *host, const char *path, parser parse,
		     struct bootcfg_modprobe *modprobe)
{
	_cleanup_free_ char *text = NULL;
	const char *name = bootcfg_confd_name(path);
	bool counts = parse == bootcfg_loads_parse || text_ends_with(name, ".conf") ||
		      text_ends_with(name, ".alias");
	bool has;
	size_t len;
	int r;

	if (!counts && is_aside(name))
		return 0;
	r = host_read_file(host, path, &text, &len);
	/* A link to /dev/null, which is not there in a copy of a host, hides a file. */
	if (r == -ENOENT || r == -EISDIR)
		return 0;
	if (r < 0)
		return r == -ENOMEM ? r : string_list_add(&modprobe->unreadable, path);
	if (counts) {
		r = string_list_add(&modprobe->files, path);
		return r < 0 ? r
			     : parse(text, len,
				     modprobe->files.items[modprobe->files.count - 1],
				     modprobe);
	}
	r = has_lines(text, len, &has);
	return r == 0 && has ? string_list_add(&modprobe->ignored, path) : r;
}

static int compare(const void *a, const void *b)
{
	const struct bootcfg_modprobe_line *left = *(const void *const *)a;
	const struct bootcfg_modprobe_line *right = *(const void *const *)b;
	int order = (left->kind > right->kind) - (left->kind < right->kind);

	if (!order)
		order = bootcfg_compare_names(left->module, right->module);
	/* Both are in one array, in the order in which they were read. */
	return order ? order : (left > right) - (left < right);
}

int bootcfg_modprobe_index(struct bootcfg_modprobe *modprobe)
{
	modprobe->sorted = calloc(modprobe->count + 1, sizeof(const void *));
	if (!modprobe->sorted)
		return -ENOMEM;
	for (size_t i = 0; i < modprobe->count; i++)
		modprobe->sorted[i] = &modprobe->lines[i];
	qsort(modprobe->sorted, modprobe->count, sizeof(const void *), compare);
	return 0;
}

static int read_folders(const struct host *host, const char *const *folders, parser parse,
			struct bootcfg_modprobe *modprobe)
{
	_cleanup_(bootcfg_confd_free) struct bootcfg_confd confd = { 0 };
	int r = bootcfg_confd_list(host, folders, &confd);

	modprobe->fact = confd.fact;
	for (size_t i = 0; r == 0 && i < confd.unreadable.count; i++)
		r = string_list_add(&modprobe->unreadable, confd.unreadable.items[i]);
	for (size_t i = 0; r == 0 && i < confd.paths.count; i++)
		if (parse == bootcfg_modprobe_parse ||
		    text_ends_with(confd.paths.items[i], ".conf"))
			r = read_file(host, confd.paths.items[i], parse, modprobe);
	return r;
}

static int take(struct bootcfg_modprobe *modprobe, struct bootcfg_modprobe *ret_modprobe)
{
	int r = bootcfg_modprobe_index(modprobe);

	if (r < 0)
		return r;
	*ret_modprobe = *modprobe;
	memset(modprobe, 0, sizeof(*modprobe));
	return 0;
}

int bootcfg_modprobe_read(const struct host *host, struct bootcfg_modprobe *ret_modprobe)
{
	_cleanup_(bootcfg_modprobe_free) struct bootcfg_modprobe modprobe = { 0 };
	int r = read_folders(host, modprobe_folders, bootcfg_modprobe_parse, &modprobe);

	return r < 0 ? r : take(&modprobe, ret_modprobe);
}

int bootcfg_loads_read(const struct host *host, struct bootcfg_modprobe *ret_loads)
{
	_cleanup_(bootcfg_modprobe_free) struct bootcfg_modprobe loads = { 0 };
	int r = read_folders(host, load_folders, bootcfg_loads_parse, &loads);

	if (r == 0)
		r = read_file(host, "etc/modules", bootcfg_loads_parse, &loads);
	if (r == 0)
		r = read_file(host, "etc/initramfs-tools/modules", bootcfg_loads_parse,
			      &loads);
	return r < 0 ? r : take(&loads, ret_loads);
}

const struct bootcfg_modprobe_line *
bootcfg_modprobe_find(const struct bootcfg_modprobe *modprobe,
		      enum bootcfg_modprobe_kind kind, const char *module)
{
	size_t low = 0, high = modprobe->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct bootcfg_modprobe_line *line = modprobe->sorted[middle];

		if (line->kind < kind ||
		    (line->kind == kind &&
		     bootcfg_compare_names(line->module, module) < 0))
			low = middle + 1;
		else
			high = middle;
	}
	if (low < modprobe->count && modprobe->sorted[low]->kind == kind &&
	    bootcfg_same_name(modprobe->sorted[low]->module, module))
		return modprobe->sorted[low];
	return NULL;
}

void bootcfg_modprobe_free(struct bootcfg_modprobe *modprobe)
{
	if (!modprobe)
		return;
	for (size_t i = 0; i < modprobe->count; i++) {
		free(modprobe->lines[i].module);
		free(modprobe->lines[i].rest);
	}
	free(modprobe->lines);
	free(modprobe->sorted);
	string_list_free(&modprobe->files);
	string_list_free(&modprobe->ignored);
	string_list_free(&modprobe->unreadable);
	memset(modprobe, 0, sizeof(*modprobe));
}
