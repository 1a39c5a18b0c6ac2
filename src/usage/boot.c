/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What will want a disk at the next boot, whether it is mounted now or not. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "usage/block.h"

struct block_boot {
	struct libmnt_table *fstab;  /* NULL: none */
	struct string_list crypttab; /* device and name, in turn */
	bool fstab_unreadable, crypttab_unreadable;
};

/* crypttab(5): name, device, password, options; "#" begins a comment. */
int block_crypttab_parse(const char *text, size_t len, struct string_list *ret_pairs)
{
	_cleanup_free_ char *copy = strndup(text, len);
	char *rest = copy, *line;
	int r = copy ? block_load_libmount() : -ENOMEM;

	while (r == 0 && (line = strsep(&rest, "\n"))) {
		char name[256], device[PATH_MAX], password[PATH_MAX], options[512] = "";
		char *value;

		if (sscanf(line, " %255s %4095s %4095s %511s", name, device, password,
			   options) < 2 ||
		    name[0] == '#' ||
		    libmount.mnt_optstr_get_option(options, "noauto", &value, NULL) == 0)
			continue;
		r = string_list_add(ret_pairs, device);
		if (r == 0)
			r = string_list_add(ret_pairs, name);
	}
	return r;
}

int block_boot_read(const struct host *host, struct block_boot **ret_boot)
{
	_cleanup_free_ char *fstab = NULL, *crypttab = NULL;
	struct block_boot *boot = calloc(1, sizeof(*boot));
	size_t len;
	int r;

	if (!boot)
		return -ENOMEM;
	r = host_read_file(host, "etc/fstab", &fstab, &len);
	if (r == 0)
		boot->fstab = block_table_parse(fstab, len, "fstab");
	boot->fstab_unreadable = r != -ENOENT && !boot->fstab;
	r = host_read_file(host, "etc/crypttab", &crypttab, &len);
	boot->crypttab_unreadable = r < 0 && r != -ENOENT;
	r = r < 0 ? 0 : block_crypttab_parse(crypttab, len, &boot->crypttab);
	if (r < 0) {
		block_boot_free(boot);
		return r;
	}
	*ret_boot = boot;
	return 0;
}

void block_boot_free(struct block_boot *boot)
{
	if (!boot)
		return;
	if (boot->fstab)
		libmount.mnt_unref_table(boot->fstab);
	string_list_free(&boot->crypttab);
	free(boot);
}

static int look_in_fstab(struct usage_scan *scan, const struct block_boot *boot,
			 const struct block_device *block)
{
	struct libmnt_iter *iter = libmount.mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int r = iter ? 0 : -ENOMEM;

	while (r == 0 && libmount.mnt_table_next_fs(boot->fstab, iter, &fs) == 0) {
		const char *spec = libmount.mnt_fs_get_source(fs);
		const char *target = libmount.mnt_fs_get_target(fs);
		char *value;

		if (!spec || !block_is_spec(block, spec) ||
		    libmount.mnt_fs_get_option(fs, "noauto", &value, NULL) == 0)
			continue;
		r = usage_add(scan->usage, block->owner, USAGE_BOOT,
			      "%s is in /etc/fstab, for %s: the next boot wants it",
			      block->name,
			      libmount.mnt_fs_is_swaparea(fs) || !target ? "swap"
									 : target);
	}
	libmount.mnt_free_iter(iter);
	return r;
}

int block_boot_look(struct usage_scan *scan, const struct block_boot *boot,
		    const struct block_device *block)
{
	int r = boot->fstab ? look_in_fstab(scan, boot, block) : 0;

	if (r == 0 && boot->fstab_unreadable)
		r = usage_add(scan->usage, block->owner, USAGE_UNREADABLE,
			      "/etc/fstab could not be read: the next boot may want it");
	if (r == 0 && boot->crypttab_unreadable)
		r = usage_add(
			scan->usage, block->owner, USAGE_UNREADABLE,
			"/etc/crypttab could not be read: the next boot may want it");
	for (size_t i = 0; r == 0 && i + 1 < boot->crypttab.count; i += 2)
		if (block_is_spec(block, boot->crypttab.items[i]))
			r = usage_add(scan->usage, block->owner, USAGE_BOOT,
				      "%s is in /etc/crypttab, as %s: the next boot wants"
				      " it",
				      block->name, boot->crypttab.items[i + 1]);
	return r;
}
