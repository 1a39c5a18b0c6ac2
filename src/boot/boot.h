/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOT_BOOT_H
#define PCIFERRY_BOOT_BOOT_H

/*
 * Makes the edits (change/edit.h) after which a host boots otherwise; nothing here
 * writes. docs/design/boot-loaders.md.
 */
#include "boot/text.h"
#include "bootcfg/boot.h"
#include "bootcfg/images.h"
#include "change/edit.h"
#include "pci/identity.h"

struct error;

/*
 * Edits after which the kernel gets these parameters at each boot, of whichever installed
 * kernel, but for recovery entries: those must stay a way back. What is so already is
 * left alone. Where a file cannot be edited safely, or this loader's cannot at all, a
 * line for the person is added to ret_instructions instead, and no edit is made. Returns
 * 0 or -errno.
 */
int boot_edit_parameters(const struct host *host, const struct bootcfg_boot *boot,
			 const struct boot_parameters *parameters,
			 struct change_edits *edits, struct string_list *ret_instructions,
			 struct error *err);

/* What a person wrote by hand and is not to be there any more. */
struct boot_removal {
	const char *file;  /* "etc/modprobe.d/vfio.conf" */
	unsigned int line; /* from 1 on; 0: the whole file */
	const char *list;  /* of this line only items of the list "LIST="; NULL: all */
	struct string_list items;
};

/*
 * Edits after which it is gone, and all else of the files is as it is; a file of which
 * nothing is left goes as well. Returns 0 or -errno.
 */
int boot_edit_removals(const struct host *host, const struct boot_removal *removals,
		       size_t count, const char *purpose, struct change_edits *edits,
		       struct error *err);

/* A device that is bound at each boot, before any other driver has it. */
struct boot_binding {
	struct pci_address address;
	struct pci_identity identity;
	const char *driver; /* "vfio-pci" */
};

/*
 * Edits after which these are bound at each boot by their addresses, where they still are
 * what they are now: lines of /etc/pciferry.tab, and the images of all kernels made anew.
 * Without any, only the images. The hooks in those are the package's: -ENOENT where the
 * one for this host's tool is not installed. ret_instructions as above. Returns 0 or
 * -errno.
 */
int boot_edit_bindings(const struct host *host, const struct boot_binding *bindings,
		       size_t count, struct change_edits *edits,
		       struct string_list *ret_instructions, struct error *err);

/* The virtual functions that a physical one has at each boot, once its driver has it. */
struct boot_functions {
	struct pci_address physical;
	struct pci_identity identity;
	unsigned int count; /* 0: as many as its driver makes by itself */
	const char *driver; /* "vfio-pci"; NULL: whichever takes them */
	/* All that is set of the device, and of them: a set line's; "": it has no line.
	 */
	const char *settings;
};

/*
 * Edits after which it is so: its line of /etc/pciferry.tab, and pciferry.service, which
 * makes them. ret_instructions as above, for a host without that. Returns 0 or -errno.
 */
int boot_edit_functions(const struct host *host, const struct boot_functions *functions,
			struct change_edits *edits, struct string_list *ret_instructions,
			struct error *err);

/*
 * Edits after which the tab has these set lines, and pciferry.service carries them out;
 * ret_instructions as above. Returns 0 or -errno.
 */
struct bootcfg_tab_entry;
int boot_edit_settings(const struct host *host, const struct bootcfg_tab_entry *entries,
		       size_t count, struct change_edits *edits,
		       struct string_list *ret_instructions, struct error *err);

/*
 * Edits after which the tab, as a file at `path`, has these pages lines, and
 * pciferry.service reserves them; one with a count of 0 is taken out. A tab that an edit
 * writes already is written once. What a person has to do as well is added to
 * `ret_notes`. Returns 0 or -errno.
 */
int boot_edit_pages(const struct host *host, const char *path,
		    const struct bootcfg_tab_entry *entries, size_t count,
		    struct change_edits *edits, struct string_list *ret_notes,
		    struct error *err);

/*
 * Tells each edit that runs a tool which images that makes anew, so that there is room
 * for them, and that it is seen whether it did. Returns 0 or -ENOMEM.
 */
int boot_tell_images(const struct bootcfg_images *images,
		     const struct bootcfg_entries *entries, struct change_edits *edits,
		     struct error *err);

/* What makes vfio-pci come early enough. */
enum boot_early {
	EARLY_NONE,    /* no initramfs, or none that is known */
	EARLY_BUILDER, /* a tool whose images can bind by address */
	EARLY_BOOSTER,
};
enum boot_early boot_find_early(const struct host *host);

struct boot_by_id {
	const struct boot_binding *bindings; /* for the tab, which verify reads */
	size_t count;
	const struct string_list *behind; /* drivers that must not come before vfio-pci */
	bool is_module; /* vfio-pci is a module of one kernel at least */
};

/*
 * Edits after which vfio-pci is loaded before other drivers; its IDs are a parameter's
 * matter. ret_instructions as above. Returns 0 or -errno.
 */
int boot_edit_by_id(const struct host *host, const struct boot_by_id *wish,
		    struct change_edits *edits, struct string_list *ret_instructions,
		    struct error *err);

/* Whether a tool among these makes the images anew. */
bool boot_makes_images(const struct change_edits *edits);

/* Whether one of them has systemd start pciferry.service at each boot. */
bool boot_enables_service(const struct change_edits *edits);

#endif
