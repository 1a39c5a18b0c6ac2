/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOT_INTERNAL_H
#define PCIFERRY_BOOT_INTERNAL_H

#include "boot/boot.h"
#include "bootcfg/tab.h"

/* A tool that makes initramfs images. */
struct boot_builder {
	const char *name;
	const char *mark; /* a file that only this one has */
	const char *program;
	const char *arguments[4]; /* all images anew */
	const char *hook;	  /* pciferry's part of it */
	const char *config,
		*text; /* what makes it use the hook; NULL: nothing is needed */

	/* One image: "%f" stands for its file, "%r" for the kernel's release. */
	const char *one_program;
	const char *one_arguments[6];
};

/*
 * The one that this host has. -ENOENT with the words for it: pciferry's hook is not
 * installed. 0 with NULL: it has none that is known.
 */
int boot_find_builder(const struct host *host, const struct boot_builder **ret_builder,
		      struct error *err);

/*
 * The tab of the host, or what an edit makes of it already, with these entries in it, as
 * a file at `path`; one that is for no virtual functions, or no pages, takes its line
 * out. Returns 0 or -errno.
 */
int boot_edit_lines(const struct host *host, const char *path, const char *purpose,
		    const struct bootcfg_tab_entry *entries, size_t count,
		    struct change_edits *edits, struct error *err);

/*
 * Has systemd start pciferry.service, which does what the tab wants of it, at each boot;
 * ret_instructions is for a person where it cannot be. Returns 0 or -errno.
 */
int boot_need_service(const struct host *host, struct change_edits *edits,
		      struct string_list *ret_instructions, struct error *err);

/*
 * The tab of the host, with these bindings in it, as a file at `path`, and what makes the
 * tool, if it is not NULL, use the hook. Returns 0 or -errno.
 */
int boot_edit_tab(const struct host *host, const char *path,
		  const struct boot_builder *builder, const struct boot_binding *bindings,
		  size_t count, struct change_edits *edits, struct error *err);

#endif
