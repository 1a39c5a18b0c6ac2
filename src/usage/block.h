/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_USAGE_BLOCK_H
#define PCIFERRY_USAGE_BLOCK_H

/* Between the files that look at block devices. */
#include "base/libmount.h"
#include "usage/internal.h"

/* Loaded by what makes a table of it. Returns 0 or -ELIBACC. */
extern struct libmount libmount;
int block_load_libmount(void);

/* A disk, a partition, or what is built on one. */
struct block_device {
	const struct pci_device *owner; /* the function that it is on, in the end */
	const char *name;		/* the kernel's, "nvme0n1p1" */
	char number[32];		/* "259:1"; "": it has none, a hidden path */
	char dm_name[256];		/* of device mapper; "": it is not its */
	char *properties; /* its file in /run/udev/data; NULL: there is none */
};

/* Value of a property ("E:KEY=value" in udev's file). Returns whether it is there. */
bool block_property(const struct block_device *block, const char *key, char *buffer,
		    size_t size);

/* Whether len characters are a name of the kernel's as /dev has it: with "/" for "!". */
bool block_is_name(const char *name, const char *text, size_t len);

/*
 * Whether a path such as /dev/nvme0n1p1, /dev/mapper/root or /dev/disk/by-id/... is it,
 * or one of several that ":" joins, as bcachefs gives them ("/dev/sda:/dev/sdb").
 */
bool block_is_path(const struct block_device *block, const char *path);

/* Whether a word of fstab or crypttab means it: a path, UUID=, LABEL=, PARTUUID= ... */
bool block_is_spec(const struct block_device *block, const char *spec);

/* Mounts and swap, in all mount namespaces that can be read: scan->mounts, read once. */
struct block_mounts;
int block_mounts_read(struct usage_scan *scan);
void block_mounts_free(struct block_mounts *mounts); /* takes NULL */

/* Returns whether it is found mounted, or -ENOMEM. */
int block_mounts_look(struct usage_scan *scan, const struct block_device *block);

/* Says that what is told as `name` is mounted; process: in whose namespace, or NULL. */
int block_mounts_add(struct usage_scan *scan, const struct pci_device *owner,
		     const char *name, const char *target, const char *process);

/* Calls it for each mount until it returns another value than 0, and returns that. */
typedef int (*block_mounts_visitor)(void *argument, struct libmnt_fs *fs,
				    const char *process);
int block_mounts_visit(const struct block_mounts *mounts, block_mounts_visitor visitor,
		       void *argument);

/* Whether there is no namespace that could not be read. */
bool block_mounts_are_all(const struct block_mounts *mounts);

bool block_mounts_have_zfs(const struct block_mounts *mounts);

/* What file systems say of themselves. */
struct block_systems;
int block_systems_read(const struct host *host, struct block_systems **ret_systems);
void block_systems_free(struct block_systems *systems); /* takes NULL */
int block_systems_look(struct usage_scan *scan, const struct block_systems *systems,
		       const struct block_device *block, bool is_mounted);

/* Loop devices and the like, and the files that are beneath them. */
struct block_backing {
	struct string_list pairs;  /* "loop0" and "/dev/sda", in turn */
	struct string_list unread; /* of which it could not be read */
};
int block_backing_read(const struct host *host, const struct string_list *names,
		       struct block_backing *ret_backing);
void block_backing_free(struct block_backing *backing);
bool block_is_beneath(const struct block_backing *backing, size_t pair, const char *name);

/* Disks that are served to other machines. */
struct block_exports {
	struct string_list pairs;  /* a path and what it is served as, in turn */
	struct string_list unread; /* of which it could not be read */
};
int block_exports_read(const struct host *host, struct block_exports *ret_exports);
void block_exports_free(struct block_exports *exports);
int block_exports_look(struct usage_scan *scan, const struct block_exports *exports,
		       const struct block_device *block);

/* fstab and crypttab. */
struct block_boot;
int block_boot_read(const struct host *host, struct block_boot **ret_boot);
void block_boot_free(struct block_boot *boot); /* takes NULL */
int block_boot_look(struct usage_scan *scan, const struct block_boot *boot,
		    const struct block_device *block);

/* Adds the devices that lines of a crypttab name, and what they become: pairs. */
int block_crypttab_parse(const char *text, size_t len, struct string_list *ret_pairs);

/* A table of libmount's from bytes of a mountinfo, fstab or swaps; its name tells which
 * ("mountinfo"). NULL: not one; of the two that the kernel writes, also when a line
 * cannot be read, for what it would say is not known. */
struct libmnt_table *block_table_parse(const char *bytes, size_t len, const char *name);

#endif
