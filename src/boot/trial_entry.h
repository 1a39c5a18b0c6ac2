/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOT_TRIAL_ENTRY_H
#define PCIFERRY_BOOT_TRIAL_ENTRY_H

/* The text of an entry that is like another one, but for its name, its initramfs and its
 * parameters. Reads and writes no file. */
#include "boot/text.h"

struct boot_trial_entry {
	const char *name;   /* by which the loader is told what to start */
	const char *title;  /* what its menu shows; without quotes in it */
	const char *initrd; /* the name, without folders, of the old initramfs */
	const char *suffix; /* behind that stands the name of the new one */
	unsigned int line;  /* of the parameters in the text, from 1 on */
	const struct boot_parameters *parameters;
};

/*
 * From a grub.cfg, an entry as a script that sources it reads it; from a file of the Boot
 * Loader Specification, such a file. Returns 0 and *ret_text, which the caller frees;
 * -EINVAL and *ret_why when the old one is of a form that is not known; or -ENOMEM.
 */
int boot_trial_grub_entry(const char *text, size_t len,
			  const struct boot_trial_entry *entry, char **ret_text,
			  const char **ret_why);
int boot_trial_bls_entry(const char *text, size_t len,
			 const struct boot_trial_entry *entry, char **ret_text,
			 const char **ret_why);

#endif
