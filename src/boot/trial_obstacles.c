/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What would keep a trial from coming to its end by itself. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "boot/trial_internal.h"

/* GRUB's own file is just this long (lib/envblk.h). */
enum { ENVIRONMENT_SIZE = 1024 };

static const char timer[] = "usr/lib/systemd/system/pciferry-trial.timer";

/*
 * GRUB writes to the blocks that the file has, past the file system: so these have to be
 * there as they are on the disk. Of LVM and RAID it has the reading half alone, and of
 * btrfs and ZFS, whose files are on no one device, it would break the checksums
 * (util/grub.d/00_header.in, grub_file_blocklist).
 */
static size_t check_device(const struct host *host, const char *path,
			   const struct host_status *status, struct error *err)
{
	char link[64], target[PATH_MAX];
	const char *name;

	snprintf(link, sizeof(link), "sys/dev/block/%u:%u", major(status->device),
		 minor(status->device));
	if (host_link_target(host, link, target, sizeof(target)) != FACT_KNOWN) {
		error_evidence(err,
			       "/%s is on no disk or partition of its own (btrfs, ZFS, an"
			       " overlay): GRUB could not write to it, and would start"
			       " the trial again and again",
			       path);
		return 1;
	}
	if (!strstr(target, "/virtual/block/"))
		return 0;
	name = strrchr(target, '/') + 1;
	error_evidence(err,
		       "/%s is on %s (LVM, RAID, encrypted): GRUB could not write to it,"
		       " and would start the trial again and again",
		       path, name);
	return 1;
}

static size_t check_environment(const struct host *host, const struct bootcfg_boot *boot,
				struct error *err)
{
	struct host_status status;
	char path[PATH_MAX];
	enum fact fact =
		host_file_status(host, boot_beside_menu(boot, "grubenv", path), &status);

	if (fact != FACT_KNOWN) {
		error_evidence(err, "/%s %s: GRUB keeps its choice there", path,
			       fact == FACT_ABSENT ? "is not there"
						   : "could not be read");
		return 1;
	}
	if (status.size != ENVIRONMENT_SIZE) {
		error_evidence(err,
			       "/%s has not the %d bytes that GRUB wants:"
			       " grub-editenv /%s create makes it anew",
			       path, ENVIRONMENT_SIZE, path);
		return 1;
	}
	return check_device(host, path, &status, err);
}

/* What grub-mkconfig's 00_header and 41_custom put there, and a hand may not have. */
static size_t check_menu(const struct host *host, const struct bootcfg_boot *boot,
			 struct error *err)
{
	static const struct {
		const char *words, *what;
	} needed[] = {
		{ "save_env next_entry", "start what was chosen for one boot alone" },
		{ "custom.cfg", "read custom.cfg beside it" },
	};
	_cleanup_free_ char *text = NULL;
	size_t len, count = 0;

	if (host_read_file(host, boot->menu, &text, &len) < 0) {
		error_evidence(err, "/%s could not be read", boot->menu);
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!strstr(text, needed[i].words)) {
			error_evidence(err, "/%s does not %s", boot->menu,
				       needed[i].what);
			count++;
		}
	return count;
}

static size_t check_grub(const struct host *host, const struct bootcfg_boot *boot,
			 struct error *err)
{
	size_t count;

	if (boot->method != METHOD_GRUB && boot->method != METHOD_GRUB_BY_HAND) {
		error_evidence(err, "GRUB has its entries from files of their own here:"
				    " a trial can be no safe one among them");
		return 1;
	}
	count = check_menu(host, boot, err) + check_environment(host, boot, err);
	if (!boot_find_env_tool(host)) {
		error_evidence(err, "there is no grub-editenv");
		count++;
	}
	return count;
}

static size_t check_systemd_boot(const struct host *host, const struct bootcfg_boot *boot,
				 const struct bootcfg_entry *entry, struct error *err)
{
	size_t count = 0;

	if (!boot->loader.starts_once) {
		error_evidence(err, "%s does not say that it can start an entry once",
			       boot->loader.name);
		count++;
	}
	if (!host_exists(host, BOOT_BOOTCTL)) {
		error_evidence(err, "there is no bootctl");
		count++;
	}
	if (!entry->line) {
		error_evidence(err,
			       "/%s is a unified kernel image: there is no entry"
			       " beside it to be made",
			       entry->file);
		count++;
	}
	return count;
}

static size_t check_loader(const struct host *host, const struct bootcfg_boot *boot,
			   const struct bootcfg_entry *entry, struct error *err)
{
	switch (boot->loader.kind) {
	case LOADER_GRUB:
		return check_grub(host, boot, err);
	case LOADER_SYSTEMD_BOOT:
		return check_systemd_boot(host, boot, entry, err);
	default:
		error_evidence(err, "%s cannot be told what to start once",
			       boot->loader.name[0] ? boot->loader.name
						    : "this boot loader");
		return 1;
	}
}

size_t boot_trial_obstacles(const struct host *host, const struct bootcfg_boot *boot,
			    const struct bootcfg_entry *entry, struct error *err)
{
	size_t count = 0;

	if (!host_exists(host, "run/systemd/system")) {
		error_evidence(err, "systemd does not run: nothing would reboot when"
				    " nobody commits");
		count++;
	} else if (!host_exists(host, timer)) {
		error_evidence(err,
			       "/%s is not installed: nothing would reboot when nobody"
			       " commits",
			       timer);
		count++;
	}
	if (entry && !entry->initrds.count) {
		error_evidence(err, "the entry in /%s loads no initramfs", entry->file);
		count++;
	}
	if (!entry) {
		error_evidence(err, "no entry of %s starts the kernel that runs",
			       boot->loader.name[0] ? boot->loader.name
						    : "the boot loader");
		return count + 1;
	}
	return count + check_loader(host, boot, entry, err);
}
