/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOT_PLACES_H
#define PCIFERRY_BOOT_PLACES_H

/* Where parameters of the kernel stand in files, and changing them there. */
#include "boot/boot.h"

struct boot_work {
	const struct host *host;
	const struct bootcfg_boot *boot;
	const struct boot_parameters *parameters;
	struct change_edits *edits;
	struct string_list *instructions;
	struct error *err;
};

/* A place in a file that is to be edited. */
struct boot_place {
	const char *variable; /* of a shell's file; NULL: a line */
	unsigned int line;
	unsigned int skip; /* words of the line that stay */
	bool quoted;	   /* between the second pair of quotes */
};

/* Has the person do it in that file, or, with "", in the boot loader. 0 or -ENOMEM. */
int boot_instruct(const struct boot_work *work, const char *path, const char *why);

/*
 * All places of one file, which is read once; what is not there begins with `fresh`.
 * Where one cannot be edited safely there is an instruction instead. 0 or -errno.
 */
int boot_edit_file(const struct boot_work *work, const char *path,
		   const struct boot_place *places, size_t count, const char *fresh,
		   const struct boot_parameters *parameters);

/* The lines of all entries but those for repairs, and of other systems. 0 or -errno. */
int boot_edit_entries(const struct boot_work *work, unsigned int skip, bool quoted);

/* Has the tool run that makes entries of the settings. 0 or -errno. */
int boot_run_tool(const struct boot_work *work);

#endif
