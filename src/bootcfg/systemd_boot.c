/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd-boot, and the firmware alone: several tools write the entries. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/internal.h"
#include "bootcfg/uki.h"

int bootcfg_read_bls(const struct host *host, const char *folder,
		     const struct bootcfg_variables *variables, struct bootcfg_boot *boot)
{
	_cleanup_(string_list_free) struct string_list paths = { 0 };
	int r = bootcfg_list_files(host, folder, boot, &paths);

	if (paths.count)
		snprintf(boot->menu, sizeof(boot->menu), "%s", folder);
	for (size_t i = 0; r == 0 && i < paths.count; i++) {
		_cleanup_free_ char *text = NULL;
		size_t len;
		const char *kept;

		if (!text_ends_with(paths.items[i], ".conf"))
			continue;
		r = bootcfg_read_text(host, paths.items[i], boot, &text, &len);
		if (r < 0 || !text)
			continue;
		kept = bootcfg_keep_name(boot, paths.items[i]);
		r = kept ? bootcfg_bls_parse(text, len, kept, variables, &boot->entries)
			 : -ENOMEM;
	}
	return r;
}

/* /etc/kernel/cmdline, for kernel-install(8) and proxmox-boot-tool. */
static int read_kernel_cmdline(const struct host *host, struct bootcfg_boot *boot)
{
	static const char *const paths[] = { "etc/kernel/cmdline",
					     "usr/lib/kernel/cmdline" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_free_ char *text = NULL;
		size_t len;
		int r = bootcfg_read_text(host, paths[i], boot, &text, &len);

		if (r < 0)
			return r;
		if (text)
			return bootcfg_add_source(boot, paths[i], "", text);
	}
	return 0;
}

/* {"user": {"kernel_options": ["quiet", ...]}} (kernelstub's config.py). */
static int read_kernelstub(const struct host *host, struct bootcfg_boot *boot)
{
	static const char path[] = "etc/kernelstub/configuration";
	_cleanup_free_ char *text = NULL;
	struct json_object *root, *user, *options;
	char line[4096] = "";
	size_t len, used = 0;
	int r = bootcfg_read_text(host, path, boot, &text, &len);

	if (r < 0 || !text)
		return r;
	root = json_tokener_parse(text);
	if (json_object_object_get_ex(root, "user", &user) &&
	    json_object_object_get_ex(user, "kernel_options", &options) &&
	    json_object_is_type(options, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(options); i++) {
			const char *word = json_object_get_string(
				json_object_array_get_idx(options, i));
			size_t n = word ? strlen(word) : 0;

			if (used + n + 2 > sizeof(line))
				break;
			used += (size_t)snprintf(line + used, sizeof(line) - used, "%s ",
						 word ? word : "");
		}
		r = bootcfg_add_source(boot, path, "kernel_options", line);
	} else {
		r = string_list_add(&boot->unreadable, path);
	}
	json_object_put(root);
	return r;
}

static const char *const bls_folders[] = { "boot/loader/entries", "efi/loader/entries",
					   "boot/efi/loader/entries" };

/* The unified kernel images of one folder. */
static int read_images(const struct host *host, const char *folder,
		       struct bootcfg_boot *boot)
{
	_cleanup_(string_list_free) struct string_list paths = { 0 };
	int r = bootcfg_list_files(host, folder, boot, &paths);

	for (size_t i = 0; r == 0 && i < paths.count; i++) {
		_cleanup_free_ char *digest = NULL;
		const char *path = paths.items[i], *kept;
		size_t len;

		if (!bootcfg_is_efi(path))
			continue;
		r = bootcfg_uki_read(host, path, &digest, &len);
		if (r < 0) {
			r = r == -ENOMEM ? r : string_list_add(&boot->unreadable, path);
			continue;
		}
		kept = bootcfg_keep_name(boot, path);
		r = kept ? bootcfg_uki_parse(digest, len, strstr(kept, "/EFI/"), kept,
					     &boot->entries)
			 : -ENOMEM;
		if (!boot->menu[0])
			snprintf(boot->menu, sizeof(boot->menu), "%s", folder);
	}
	return r;
}

/* mkinitcpio makes the images where a preset of it says so. */
static const char *name_builder(const struct host *host, const struct bootcfg_boot *boot)
{
	for (size_t i = 0; i < boot->entries.count; i++)
		if (strstr(boot->entries.items[i].file, "/EFI/Linux/") &&
		    host_exists(host, "etc/mkinitcpio.d"))
			return "mkinitcpio -P";
	return "kernel-install add-all";
}

int bootcfg_read_systemd_boot(const struct host *host, struct bootcfg_boot *boot)
{
	static const char *const image_folders[] = { "boot/EFI/Linux", "efi/EFI/Linux",
						     "boot/efi/EFI/Linux" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(bls_folders); i++)
		r = bootcfg_read_bls(host, bls_folders[i], NULL, boot);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(image_folders); i++)
		r = read_images(host, image_folders[i], boot);
	if (r < 0)
		return r;
	if (host_exists(host, "etc/kernelstub/configuration")) {
		boot->method = METHOD_KERNELSTUB;
		return read_kernelstub(host, boot);
	}
	r = read_kernel_cmdline(host, boot);
	if (host_exists(host, "etc/kernel/proxmox-boot-uuids")) {
		boot->method = METHOD_PROXMOX;
		snprintf(boot->regenerate, sizeof(boot->regenerate),
			 "proxmox-boot-tool refresh");
	} else if (boot->n_sources) {
		boot->method = METHOD_KERNEL_INSTALL;
		snprintf(boot->regenerate, sizeof(boot->regenerate), "%s",
			 name_builder(host, boot));
	} else if (boot->entries.count) {
		boot->method = METHOD_ENTRIES;
	}
	return r;
}
