/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where GRUB's files are: which grub.cfg counts, and what it is made from. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/confd.h"
#include "bootcfg/internal.h"
#include "bootcfg/shell.h"

static const char *const grub_folders[] = { "boot/grub", "boot/grub2" };

/* Where the firmware's own GRUB looks first: beside itself. "" where it is not known. */
static void find_beside(const struct host *host, const struct bootcfg_loader *loader,
			char *path, size_t size)
{
	const char *esp = bootcfg_find_esp(host);
	const char *slash = strrchr(loader->program, '/');

	path[0] = '\0';
	if (esp && slash)
		snprintf(path, size, "%s/%.*s/grub.cfg", esp,
			 (int)(slash - loader->program), loader->program);
}

/* All that may be grub.cfg, the likeliest first. */
static int list_candidates(const struct host *host, struct bootcfg_boot *boot,
			   struct string_list *candidates)
{
	_cleanup_(string_list_free) struct string_list vendors = { 0 };
	const char *esp = bootcfg_find_esp(host);
	char path[PATH_MAX];
	int r = 0;

	find_beside(host, &boot->loader, path, sizeof(path));
	if (path[0])
		r = string_list_add(candidates, path);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(grub_folders); i++)
		r = string_list_addf(candidates, "%s/grub.cfg", grub_folders[i]);
	if (r < 0 || !esp)
		return r;
	snprintf(path, sizeof(path), "%s/EFI", esp);
	r = host_list(host, path, &vendors);
	if (r < 0)
		return r == -ENOMEM ? r : string_list_add(&boot->unreadable, path);
	for (size_t i = 0; r == 0 && i < vendors.count; i++) {
		snprintf(path, sizeof(path), "%s/EFI/%s/grub.cfg", esp, vendors.items[i]);
		if (!string_list_has(candidates, path))
			r = string_list_add(candidates, path);
	}
	return r;
}

/* Beside grub.cfg, or where Fedora keeps it. */
static int read_grubenv(const struct host *host, const char *config,
			struct bootcfg_boot *boot, struct bootcfg_variables *variables)
{
	char path[PATH_MAX];
	int folder = (int)(strrchr(config, '/') - config);

	for (size_t i = 0; i <= ARRAY_SIZE(grub_folders); i++) {
		_cleanup_free_ char *text = NULL;
		size_t len;
		int r;

		if (i == 0)
			snprintf(path, sizeof(path), "%.*s/grubenv", folder, config);
		else
			snprintf(path, sizeof(path), "%s/grubenv", grub_folders[i - 1]);
		r = bootcfg_read_text(host, path, boot, &text, &len);
		if (r < 0)
			return r;
		if (text) {
			const char *kept = bootcfg_keep_name(boot, path);

			return kept ? bootcfg_grubenv_parse(text, len, kept, variables)
				    : -ENOMEM;
		}
	}
	return 0;
}

/* Takes the first one with entries; those of the others are never shown. */
static int take_config(const struct host *host, const char *path, const char *text,
		       size_t len, struct bootcfg_boot *boot)
{
	_cleanup_(bootcfg_entries_free) struct bootcfg_entries entries = { 0 };
	_cleanup_(bootcfg_grub_free) struct bootcfg_grub grub = { 0 };
	const char *kept = bootcfg_keep_name(boot, path);
	int r = kept ? read_grubenv(host, path, boot, &grub.variables) : -ENOMEM;

	if (r == 0)
		r = bootcfg_grub_parse(text, len, kept, &grub, &entries);
	if (r < 0 || (!entries.count && !grub.loads_bls))
		return r;
	if (boot->menu[0])
		return string_list_add(&boot->unused, path);
	snprintf(boot->menu, sizeof(boot->menu), "%s", path);
	boot->entries = entries;
	memset(&entries, 0, sizeof(entries));
	boot->method = grub.is_generated ? METHOD_GRUB : METHOD_GRUB_BY_HAND;
	if (!grub.loads_bls)
		return 0;
	boot->method = METHOD_GRUBBY;
	return bootcfg_read_bls(host, "boot/loader/entries", &grub.variables, boot);
}

/* Whether its grub-mkconfig reads drop-ins, which upstream's does not. */
static bool reads_drop_ins(const struct host *host, const struct bootcfg_distro *distro)
{
	static const char *const programs[] = { "usr/sbin/grub-mkconfig",
						"usr/bin/grub-mkconfig",
						"usr/sbin/grub2-mkconfig" };

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		_cleanup_free_ char *text = NULL;
		size_t len;

		if (host_read_file(host, programs[i], &text, &len) == 0)
			return strstr(text, "default/grub.d") != NULL;
	}
	return distro->family == BOOTCFG_DEBIAN;
}

static int read_drop_ins(const struct host *host, struct bootcfg_boot *boot,
			 struct bootcfg_shell *shell)
{
	static const char *const folders[] = { "etc/default/grub.d", NULL };
	_cleanup_(bootcfg_confd_free) struct bootcfg_confd confd = { 0 };
	int r = bootcfg_confd_list(host, folders, &confd);

	for (size_t i = 0; r == 0 && i < confd.paths.count; i++) {
		const char *path = confd.paths.items[i];
		const char *kept;
		_cleanup_free_ char *text = NULL;
		size_t size;

		if (!text_ends_with(path, ".cfg")) {
			r = string_list_add(&boot->ignored, path);
			continue;
		}
		r = bootcfg_read_text(host, path, boot, &text, &size);
		if (r < 0 || !text)
			continue;
		kept = bootcfg_keep_name(boot, path);
		r = kept ? bootcfg_shell_parse(text, size, kept, shell) : -ENOMEM;
	}
	return r;
}

static int add_setting(struct bootcfg_boot *boot, const struct bootcfg_shell *shell,
		       const char *name, bool spares_recovery)
{
	const struct bootcfg_variable *variable =
		bootcfg_variable_find(&shell->variables, name);
	struct bootcfg_source *source;
	int r;

	if (!variable)
		return 0;
	r = bootcfg_add_source(boot, variable->file, name, variable->value);
	if (r < 0)
		return r;
	source = &boot->sources[boot->n_sources - 1];
	source->line = variable->line;
	source->uncertain = variable->uncertain || shell->uncertain;
	source->spares_recovery = spares_recovery;
	return 0;
}

/* The settings of /etc/default/grub, for entries that are made of them. */
static int read_default_grub(const struct host *host, const struct bootcfg_distro *distro,
			     struct bootcfg_boot *boot)
{
	static const char path[] = "etc/default/grub";
	_cleanup_(bootcfg_shell_free) struct bootcfg_shell shell = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = bootcfg_read_text(host, path, boot, &text, &len);

	if (r == 0 && text)
		r = bootcfg_shell_parse(text, len, path, &shell);
	boot->reads_drop_ins = reads_drop_ins(host, distro);
	if (r == 0 && boot->reads_drop_ins)
		r = read_drop_ins(host, boot, &shell);
	if (r == 0)
		r = add_setting(boot, &shell, "GRUB_CMDLINE_LINUX", false);
	if (r == 0)
		r = add_setting(boot, &shell, "GRUB_CMDLINE_LINUX_DEFAULT", true);
	return r;
}

static void name_regenerating(const struct host *host,
			      const struct bootcfg_distro *distro,
			      struct bootcfg_boot *boot)
{
	const char *tool = host_exists(host, "usr/sbin/grub2-mkconfig") ||
					   distro->family == BOOTCFG_SUSE ||
					   distro->family == BOOTCFG_FEDORA
				   ? "grub2-mkconfig"
				   : "grub-mkconfig";

	if (distro->family == BOOTCFG_DEBIAN)
		snprintf(boot->regenerate, sizeof(boot->regenerate), "update-grub");
	else
		snprintf(boot->regenerate, sizeof(boot->regenerate), "%s -o /%s", tool,
			 boot->menu);
}

int bootcfg_read_grub(const struct host *host, const struct bootcfg_distro *distro,
		      struct bootcfg_boot *boot)
{
	_cleanup_(string_list_free) struct string_list candidates = { 0 };
	int r = list_candidates(host, boot, &candidates);

	for (size_t i = 0; r == 0 && i < candidates.count; i++) {
		_cleanup_free_ char *text = NULL;
		size_t len;

		r = bootcfg_read_text(host, candidates.items[i], boot, &text, &len);
		if (r == 0 && text)
			r = take_config(host, candidates.items[i], text, len, boot);
	}
	if (r < 0)
		return r;
	if (boot->method == METHOD_GRUB)
		name_regenerating(host, distro, boot);
	if (boot->method == METHOD_GRUB || boot->method == METHOD_GRUBBY)
		return read_default_grub(host, distro, boot);
	return 0;
}
