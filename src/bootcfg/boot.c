/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/boot.h"

#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/confd.h"
#include "bootcfg/internal.h"
#include "bootcfg/shell.h"
#include "bootcfg/uki.h"

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

int bootcfg_read_bls(const struct host *host, const char *folder,
		     const struct bootcfg_variables *variables, struct bootcfg_boot *boot)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(host, folder, &names);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r == -ENOMEM ? r : string_list_add(&boot->unreadable, folder);
	snprintf(boot->menu, sizeof(boot->menu), "%s", folder);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		_cleanup_free_ char *text = NULL;
		size_t n = strlen(names.items[i]), len;
		char path[PATH_MAX];
		const char *kept;

		if (n < 6 || strcmp(names.items[i] + n - 5, ".conf") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, names.items[i]);
		r = bootcfg_read_text(host, path, boot, &text, &len);
		if (r < 0 || !text)
			continue;
		kept = bootcfg_keep_name(boot, path);
		r = kept ? bootcfg_bls_parse(text, len, kept, variables, &boot->entries)
			 : -ENOMEM;
	}
	return r;
}

/* One file of a loader that has all entries in it, the first that is there. */
static int read_menu(const struct host *host, const char *const *paths,
		     int (*parse)(const char *, size_t, const char *,
				  struct bootcfg_entries *),
		     struct bootcfg_boot *boot)
{
	for (; *paths; paths++) {
		_cleanup_free_ char *text = NULL;
		size_t len;
		const char *kept;
		int r = bootcfg_read_text(host, *paths, boot, &text, &len);

		if (r < 0)
			return r;
		if (!text)
			continue;
		snprintf(boot->menu, sizeof(boot->menu), "%s", *paths);
		kept = bootcfg_keep_name(boot, *paths);
		return kept ? parse(text, len, kept, &boot->entries) : -ENOMEM;
	}
	return 0;
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
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = host_list(host, folder, &names);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return r == -ENOMEM ? r : string_list_add(&boot->unreadable, folder);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		_cleanup_free_ char *digest = NULL;
		size_t len = strlen(names.items[i]);
		char path[PATH_MAX];
		const char *kept;

		if (len < 4 || strcasecmp(names.items[i] + len - 4, ".efi") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, names.items[i]);
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

/* systemd-boot, and the firmware alone: several tools write the entries. */
static int read_systemd_boot(const struct host *host, struct bootcfg_boot *boot)
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

static int read_limine(const struct host *host, struct bootcfg_boot *boot)
{
	static const char *const paths[] = {
		"boot/limine.conf",
		"boot/limine/limine.conf",
		"boot/EFI/limine/limine.conf",
		"boot/EFI/BOOT/limine.conf",
		"efi/limine.conf",
		"efi/EFI/limine/limine.conf",
		"boot/efi/limine.conf",
		"boot/efi/EFI/limine/limine.conf",
		"boot/limine.cfg",
		"boot/limine/limine.cfg",
		"boot/efi/limine.cfg",
		NULL,
	};
	static const char settings[] = "etc/default/limine";
	static const char variable[] = "KERNEL_CMDLINE[default]";
	_cleanup_(bootcfg_shell_free) struct bootcfg_shell shell = { 0 };
	int r = read_menu(host, paths, bootcfg_limine_parse, boot);

	boot->method = METHOD_LIMINE;
	if (r < 0 || bootcfg_shell_read(host, settings, &shell) != FACT_KNOWN ||
	    !bootcfg_variable_find(&shell.variables, variable))
		return r;
	boot->method = METHOD_LIMINE_DEFAULT;
	snprintf(boot->regenerate, sizeof(boot->regenerate), "limine-update");
	return bootcfg_add_source(boot, settings, variable,
				  bootcfg_shell_value(&shell, variable));
}

static int read_refind(const struct host *host, struct bootcfg_boot *boot)
{
	static const char *const paths[] = { "boot/refind_linux.conf", NULL };

	boot->method = METHOD_REFIND;
	return read_menu(host, paths, bootcfg_refind_parse, boot);
}

static int read_loader(const struct host *host, const struct bootcfg_distro *distro,
		       struct bootcfg_boot *boot)
{
	switch (boot->loader.kind) {
	case LOADER_GRUB:
		return bootcfg_read_grub(host, distro, boot);
	case LOADER_SYSTEMD_BOOT:
	case LOADER_FIRMWARE:
		return read_systemd_boot(host, boot);
	case LOADER_LIMINE:
		return read_limine(host, boot);
	case LOADER_REFIND:
		return read_refind(host, boot);
	default:
		return 0;
	}
}

int bootcfg_boot_read(const struct host *host, const struct bootcfg_distro *distro,
		      struct bootcfg_boot *ret_boot)
{
	_cleanup_(bootcfg_boot_free) struct bootcfg_boot boot = { 0 };
	int r;

	bootcfg_loader_read(host, &boot.loader);
	r = read_loader(host, distro, &boot);
	if (r < 0)
		return r;
	/* Whatever the loader, these write its entries from a place of their own. */
	if (host_exists(host, "run/ostree-booted"))
		boot.method = METHOD_OSTREE;
	else if (host_exists(host, "etc/NIXOS"))
		boot.method = METHOD_NIXOS;
	*ret_boot = boot;
	memset(&boot, 0, sizeof(boot));
	return 0;
}

void bootcfg_boot_free(struct bootcfg_boot *boot)
{
	if (!boot)
		return;
	bootcfg_entries_free(&boot->entries);
	for (size_t i = 0; i < boot->n_sources; i++) {
		free(boot->sources[i].file);
		bootcfg_cmdline_free(&boot->sources[i].cmdline);
	}
	free(boot->sources);
	string_list_free(&boot->files);
	string_list_free(&boot->unused);
	string_list_free(&boot->ignored);
	string_list_free(&boot->unreadable);
	memset(boot, 0, sizeof(*boot));
}

bool bootcfg_is_added_by_loader(const struct bootcfg_parameter *parameter)
{
	static const char *const names[] = {
		"BOOT_IMAGE", "initrd", "root", "rootflags",
		"auto",	      "ro",	"rw",	"vt.handoff"
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (bootcfg_same_name(parameter->name, names[i]))
			return true;
	return false;
}

bool bootcfg_cmdline_has(const struct bootcfg_cmdline *cmdline,
			 const struct bootcfg_parameter *parameter)
{
	for (size_t i = 0; i < cmdline->count; i++) {
		const struct bootcfg_parameter *one = &cmdline->items[i];

		if (bootcfg_same_name(one->name, parameter->name) &&
		    !one->value == !parameter->value &&
		    (!one->value || !strcmp(one->value, parameter->value)))
			return true;
	}
	return false;
}

/* How many words one has that the other lacks. */
static size_t count_missing(const struct bootcfg_cmdline *cmdline,
			    const struct bootcfg_cmdline *other)
{
	size_t count = 0;

	for (size_t i = 0; i < cmdline->count; i++)
		if (!bootcfg_is_added_by_loader(&cmdline->items[i]) &&
		    !bootcfg_cmdline_has(other, &cmdline->items[i]))
			count++;
	return count;
}

/* By its release, else by the kernel's file, which GRUB tells as BOOT_IMAGE. */
static bool may_be_running(const struct bootcfg_entry *entry, const char *release,
			   const struct bootcfg_cmdline *running)
{
	const struct bootcfg_parameter *image =
		bootcfg_find_parameter(running, "BOOT_IMAGE");

	if (entry->release[0] && release[0])
		return !strcmp(entry->release, release);
	/* rEFInd finds the kernels by itself. */
	if (!entry->kernel[0] || !image || !image->value)
		return true;
	return !strcmp(bootcfg_confd_name(image->value),
		       bootcfg_confd_name(entry->kernel));
}

const struct bootcfg_entry *bootcfg_boot_running(const struct bootcfg_boot *boot,
						 const char *release,
						 const struct bootcfg_cmdline *running)
{
	const struct bootcfg_entry *best = NULL;
	size_t best_missing = 0;

	for (size_t i = 0; i < boot->entries.count; i++) {
		const struct bootcfg_entry *entry = &boot->entries.items[i];
		size_t missing;

		if (!may_be_running(entry, release, running))
			continue;
		missing = count_missing(&entry->cmdline, running) +
			  count_missing(running, &entry->cmdline);
		if (!best || missing < best_missing) {
			best = entry;
			best_missing = missing;
		}
	}
	return best;
}
