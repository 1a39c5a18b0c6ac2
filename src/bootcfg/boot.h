/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_BOOT_H
#define PCIFERRY_BOOTCFG_BOOT_H

/*
 * How a host boots: its loader, the entries it offers, and the files from which a tool of
 * the distribution makes those entries.
 */
#include "base/text.h"
#include "bootcfg/distro.h"
#include "bootcfg/entries.h"
#include "bootcfg/loader.h"

/* Where a parameter of the kernel is to be written, so that it is there at each boot. */
enum bootcfg_method {
	METHOD_UNKNOWN,
	METHOD_GRUB,	       /* /etc/default/grub, then grub.cfg is generated */
	METHOD_GRUB_BY_HAND,   /* grub.cfg itself */
	METHOD_GRUBBY,	       /* entries of the Boot Loader Specification, by grubby */
	METHOD_ENTRIES,	       /* the same, by hand */
	METHOD_KERNEL_INSTALL, /* /etc/kernel/cmdline, then kernel-install */
	METHOD_PROXMOX,	       /* /etc/kernel/cmdline, then proxmox-boot-tool */
	METHOD_KERNELSTUB,     /* kernelstub, of Pop!_OS */
	METHOD_LIMINE,	       /* limine.conf itself */
	METHOD_LIMINE_DEFAULT, /* /etc/default/limine, then limine-update */
	METHOD_REFIND,	       /* refind_linux.conf */
	METHOD_OSTREE,	       /* rpm-ostree kargs */
	METHOD_NIXOS,	       /* boot.kernelParams in the configuration */
};

/* A setting that entries are made from. */
struct bootcfg_source {
	char *file;	      /* "etc/default/grub.d/vfio.cfg" */
	const char *variable; /* "GRUB_CMDLINE_LINUX"; "": the file is the command line */
	unsigned int line;    /* from 1 on; 0: the whole file */
	bool uncertain;	      /* only running the file would tell all of it */
	bool spares_recovery; /* recovery entries do not get it */
	struct bootcfg_cmdline cmdline;
};

struct bootcfg_boot {
	struct bootcfg_loader loader;
	enum bootcfg_method method;
	struct bootcfg_entries entries;
	struct bootcfg_source *sources;
	size_t n_sources;
	char menu[256]; /* the file, or the folder, that has the entries; "": none */
	char regenerate[300]; /* the command that makes entries of sources; "": none */
	bool reads_drop_ins;  /* METHOD_GRUB: those of /etc/default/grub.d count */
	struct string_list files;   /* of which the entries are */
	struct string_list unused;  /* have entries that nothing boots */
	struct string_list ignored; /* have settings, and a name that is not read */
	struct string_list unreadable;
};

/* Returns 0 or -ENOMEM. */
int bootcfg_boot_read(const struct host *host, const struct bootcfg_distro *distro,
		      struct bootcfg_boot *ret_boot);
void bootcfg_boot_free(struct bootcfg_boot *boot); /* takes NULL */

/*
 * The entry that the running kernel came from: of those of its release, the one whose
 * parameters are most like its own. NULL: none fits.
 */
const struct bootcfg_entry *bootcfg_boot_running(const struct bootcfg_boot *boot,
						 const char *release,
						 const struct bootcfg_cmdline *running);

/*
 * Whether the loader or the kernel's build put this word there, and no configuration:
 * BOOT_IMAGE, initrd, and the root that a tool works out.
 */
bool bootcfg_is_added_by_loader(const struct bootcfg_parameter *parameter);

/* Whether it has the parameter with just this value. */
bool bootcfg_cmdline_has(const struct bootcfg_cmdline *cmdline,
			 const struct bootcfg_parameter *parameter);

#endif
