/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOT_TRIAL_H
#define PCIFERRY_BOOT_TRIAL_H

/*
 * A change that is tried for one boot alone, in an entry of its own with an initramfs of
 * its own, which the boot loader starts once: docs/design/trials.md.
 */
#include "boot/boot.h"

struct boot_trial {
	unsigned int id;     /* what the kernel's command line says: pciferry=trial:ID */
	const char *release; /* of the kernel that is tried */
	const struct bootcfg_entry *entry; /* the one that is known to boot it */
	const char *image;		   /* that entry's initramfs, beneath the root */
	const struct boot_parameters *parameters; /* what it needs besides */
};

#define BOOT_TRIAL_TABS "etc/pciferry.trial"

/* Whether the words say that this boot is a trial, and which one. */
bool boot_trial_of(const struct bootcfg_cmdline *cmdline, unsigned int *ret_id);

/*
 * Adds, as evidence of err, each reason why the trial could not come to its end by
 * itself: a loader that cannot be told to start something once, or that could not write
 * down that it has. Returns how many there were.
 */
size_t boot_trial_obstacles(const struct host *host, const struct bootcfg_boot *boot,
			    const struct bootcfg_entry *entry, struct error *err);

/*
 * The edits of a trial: the tab that it goes by, its initramfs, its entry, and last the
 * choice of that entry for the next boot. Nothing that boots otherwise is touched.
 * Returns 0 or -errno.
 */
int boot_edit_trial(const struct host *host, const struct bootcfg_boot *boot,
		    const struct boot_trial *trial, const struct boot_binding *bindings,
		    size_t count, struct change_edits *edits, struct error *err);

#endif
