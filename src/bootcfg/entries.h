/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_ENTRIES_H
#define PCIFERRY_BOOTCFG_ENTRIES_H

/*
 * What a boot loader offers to start: its menu, as its files have it. Each parser takes
 * the text of one file and adds the entries in it; the file's name has to stay.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "bootcfg/cmdline.h"
#include "bootcfg/words.h"

struct bootcfg_entry {
	char *title;	   /* as the menu shows it; "" without */
	const char *file;  /* where it stands; not its own */
	unsigned int line; /* of the kernel's parameters, from 1 on; 0: the whole file */
	char *kernel;	   /* the path, as the loader sees it */
	char *release;	   /* "6.1.0-56-amd64"; "": its name does not tell */
	struct string_list initrds;	/* paths, as the loader sees them */
	char *options;			/* what the kernel gets as its command line */
	struct bootcfg_cmdline cmdline; /* the same, taken apart */
	bool uncertain; /* the loader adds what only it knows, at its own time */
	bool recovery;	/* for repairs: the name or the parameters say so */
};

struct bootcfg_entries {
	struct bootcfg_entry *items;
	size_t count;
};

/*
 * Adds one, and completes what follows from the rest: release, cmdline, recovery. Takes
 * its texts, also on failure; NULL is "". Returns 0 or -ENOMEM.
 */
int bootcfg_entry_add(struct bootcfg_entries *entries, struct bootcfg_entry *entry);
void bootcfg_entry_free(struct bootcfg_entry *entry);	    /* takes NULL */
void bootcfg_entries_free(struct bootcfg_entries *entries); /* takes NULL */

/* What a grub.cfg holds besides its entries. */
struct bootcfg_grub {
	bool loads_bls;	   /* it has the command blscfg */
	bool is_generated; /* by grub-mkconfig, which marks what it wrote */
	struct bootcfg_variables variables;
};

/*
 * GNU GRUB's grub.cfg. *grub has the variables of grubenv before; the file's own are
 * added.
 */
int bootcfg_grub_parse(const char *text, size_t len, const char *file,
		       struct bootcfg_grub *grub, struct bootcfg_entries *entries);
void bootcfg_grub_free(struct bootcfg_grub *grub); /* takes NULL */

/* Blanks the users' passwords, in clear or hashed, in place. */
void bootcfg_grub_anonymise(char *text, size_t len);

/* grubenv (GNU GRUB manual, "The GRUB environment block"): name=value lines. */
int bootcfg_grubenv_parse(const char *text, size_t len, const char *file,
			  struct bootcfg_variables *variables);

/*
 * A file of the Boot Loader Specification, type #1; GRUB expands variables in it,
 * systemd-boot does not (NULL).
 */
int bootcfg_bls_parse(const char *text, size_t len, const char *file,
		      const struct bootcfg_variables *variables,
		      struct bootcfg_entries *entries);

/* limine.conf, and limine.cfg of Limine before 8 (CONFIG.md in its sources). */
int bootcfg_limine_parse(const char *text, size_t len, const char *file,
			 struct bootcfg_entries *entries);

/* refind_linux.conf: a title and the options, in quotes, in each line. */
int bootcfg_refind_parse(const char *text, size_t len, const char *file,
			 struct bootcfg_entries *entries);

#endif
