/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bootcfg/boot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/internal.h"
#include "bootcfg/shell.h"

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
		return bootcfg_read_systemd_boot(host, boot);
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
