/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_INTERNAL_H
#define PCIFERRY_BOOTCFG_INTERNAL_H

#include "bootcfg/boot.h"
#include "bootcfg/tab.h"

/* What each kind of loader and tool has, added to a boot; 0 or -ENOMEM. */
int bootcfg_read_grub(const struct host *host, const struct bootcfg_distro *distro,
		      struct bootcfg_boot *boot);
int bootcfg_read_bls(const struct host *host, const char *folder,
		     const struct bootcfg_variables *variables,
		     struct bootcfg_boot *boot);

int bootcfg_read_systemd_boot(const struct host *host, struct bootcfg_boot *boot);

/*
 * The paths of what is in a folder. One that cannot be listed is in boot->unreadable; one
 * that is not there has nothing in it. 0 or -ENOMEM.
 */
int bootcfg_list_files(const struct host *host, const char *folder,
		       struct bootcfg_boot *boot, struct string_list *ret_paths);

/* Adds a source; takes nothing. */
int bootcfg_add_source(struct bootcfg_boot *boot, const char *file, const char *variable,
		       const char *text);

/*
 * Reads a file of entries. Returns 0 and *ret_text, which the caller frees and which is
 * NULL where there is no such file, or it cannot be read: then it is in boot->unreadable.
 */
int bootcfg_read_text(const struct host *host, const char *path,
		      struct bootcfg_boot *boot, char **ret_text, size_t *ret_len);

/* Adds a line of these bytes, not looked at yet, to a tab. NULL: no memory. */
struct bootcfg_tab_line *bootcfg_tab_append(struct bootcfg_tab *tab, const char *text,
					    size_t len);

/* Fills in what a line says, which the lines above may have said. 0 or -ENOMEM. */
int bootcfg_tab_take(const struct bootcfg_tab *tab, struct bootcfg_tab_line *line);

/* Where a line's comment begins; its length where it has none. */
size_t bootcfg_tab_comment(const char *text, size_t len);

/* Keeps the name of a file for its entries. NULL: no memory. */
const char *bootcfg_keep_name(struct bootcfg_boot *boot, const char *path);

#endif
