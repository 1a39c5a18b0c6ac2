/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of a boot loader, for all who read them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/internal.h"

int bootcfg_read_text(const struct host *host, const char *path,
		      struct bootcfg_boot *boot, char **ret_text, size_t *ret_len)
{
	int r = host_read_file(host, path, ret_text, ret_len);

	if (r == 0)
		return 0;
	*ret_text = NULL;
	*ret_len = 0;
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	return r == -ENOMEM ? r : string_list_add(&boot->unreadable, path);
}

const char *bootcfg_keep_name(struct bootcfg_boot *boot, const char *path)
{
	if (string_list_add(&boot->files, path) < 0)
		return NULL;
	return boot->files.items[boot->files.count - 1];
}

int bootcfg_add_source(struct bootcfg_boot *boot, const char *file, const char *variable,
		       const char *text)
{
	struct bootcfg_source *larger =
		reallocarray(boot->sources, boot->n_sources + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	boot->sources = larger;
	larger += boot->n_sources;
	*larger = (struct bootcfg_source){ .file = strdup(file), .variable = variable };
	if (!larger->file ||
	    bootcfg_cmdline_parse(text, strlen(text), &larger->cmdline) < 0) {
		free(larger->file);
		return -ENOMEM;
	}
	boot->n_sources++;
	return 0;
}

int bootcfg_list_files(const struct host *host, const char *folder,
		       struct bootcfg_boot *boot, struct string_list *ret_paths)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(host, folder, &names);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r == -ENOMEM ? r : string_list_add(&boot->unreadable, folder);
	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = string_list_addf(ret_paths, "%s/%s", folder, names.items[i]);
	return r;
}
