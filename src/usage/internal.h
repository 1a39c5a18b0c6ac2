/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_USAGE_INTERNAL_H
#define PCIFERRY_USAGE_INTERNAL_H

#include "base/text.h"
#include "usage/usage.h"

/* A process, as its folder in /proc shows it. */
struct usage_process {
	char *pid;
	/* The target of ns/mnt, "mnt:[4026531841]". ABSENT: it has ended, or is a thread
	 * of the kernel, which has no files either. UNREADABLE: only root may look at it.
	 */
	enum fact namespace_fact;
	char namespace[32];
};

struct usage_processes {
	struct usage_process *items;
	size_t count;
	bool read;
	bool unreadable; /* some, or all, could not be looked at */
};

struct block_mounts;

/* What the scanners share. */
struct usage_scan {
	const struct host *host;
	const struct iommu_groups *groups;
	struct usage *usage;
	bool *asked;			  /* by the device's index; NULL: all are */
	struct usage_processes processes; /* of usage_read_processes() */
	struct block_mounts *mounts;	  /* of block_mounts_read() */
};

/* Adds a finding, unless the device has the same one. Returns 0 or -ENOMEM. */
int usage_add(struct usage *usage, const struct pci_device *device, enum usage_kind kind,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The same for all members of a group but bridges. */
int usage_add_group(struct usage *usage, const struct iommu_group *group,
		    enum usage_kind kind, const char *detail);

/*
 * Gives every device of a base class that is on a driver of the host's the finding
 * USAGE_UNREADABLE: nothing tells which of them are in use, so any may be. Returns 0 or
 * -ENOMEM.
 */
int usage_mark_unreadable(struct usage *usage, enum pci_class base, const char *detail);

bool usage_has_kind(const struct usage *usage, const struct pci_device *device,
		    enum usage_kind kind);

/*
 * The function that a device of another bus or class is on, by a link to it. NULL: none,
 * or it could not be read.
 */
const struct pci_device *usage_link_owner(const struct usage_scan *scan,
					  const char *path);

/* Whether the use of this device is asked. */
bool usage_is_asked(const struct usage_scan *scan, const struct pci_device *device);

/* Adds the virtual functions of those that are asked: they go with their physical one. */
void usage_ask_functions(struct usage_scan *scan);

/* The same of an entry of a folder in /sys/class; NULL also of one that is not asked. */
const struct pci_device *usage_class_owner(const struct usage_scan *scan,
					   const char *class_name, const char *name);

/* Whether it is one of virtio's (vendor 1af4). */
bool usage_is_virtio(const struct pci_device *device);

/* Whether it is a virtio-console that has its driver. */
bool usage_is_virtio_console(const struct pci_device *device);

/*
 * The name of its device on the virtio bus, "virtio3", a folder in the function's own
 * (drivers/virtio/virtio_pci_common.c). "": it has none. Returns 0 or -errno.
 */
int usage_virtio_name(const struct host *host, const struct pci_device *device,
		      char *buffer, size_t size);

/*
 * With native multipath the disk that the controller gives, nvme0c1n1, is hidden, and the
 * one that is used is nvme0n1, which belongs to the subsystem and to no controller
 * (drivers/nvme/host/multipath.c, nvme_mpath_set_disk_name). Returns whether it is such a
 * one, and the name of the other.
 */
bool usage_multipath_head(const char *name, char *head, size_t size);

/* Adds the names of a disk's partitions. Returns 0 or -ENOMEM. */
int usage_list_partitions(const struct host *host, const char *disk,
			  struct string_list *ret_names);

/* Reads them once for all scanners. Returns 0 or -ENOMEM. */
int usage_read_processes(struct usage_scan *scan);
void usage_free_processes(struct usage_processes *processes);

/* Who is told of each node in /dev that a process has open. */
struct usage_visitor {
	int (*visit)(const char *node, const char *pid, void *argument); /* 0 or -errno */
	void *argument;
};

/*
 * One pass over all processes; scan->processes says whether some could not be asked.
 * Returns 0, what `visit` returned, or -ENOMEM.
 */
int usage_visit_nodes(struct usage_scan *scan, const struct usage_visitor *visitor);

/*
 * Whether a process that could not be asked is no more: of one that ends in the midst the
 * kernel says EACCES, also to root (proc_ns_readlink in fs/proc/namespaces.c).
 */
bool usage_has_ended(const struct host *host, const char *pid);

/* "812 (Xorg)" */
void usage_process_name(const struct host *host, const char *pid, char *buffer,
			size_t size);

/* "process 812 (qemu-system-x86), guest web", as far as it is known. */
enum { USAGE_HOLDER_SIZE = 256 };
void usage_holder_name(const struct host *host, const char *pid,
		       char buffer[USAGE_HOLDER_SIZE]);

/* Whether a driver of VFIO has devices of the group: only then can it be held. */
bool usage_group_on_vfio(const struct host *host, const struct iommu_group *group);

/* Says of all its members that a process holds it. Returns 0 or -ENOMEM. */
int usage_add_vfio_holder(struct usage_scan *scan, const struct iommu_group *group,
			  const char *pid);

/*
 * What a console of sys/class/vtconsole that has terminals is called, "(M) frame buffer
 * device" or "(S) VGA+": M may be detached, S is the kernel's first and last (show_name()
 * in drivers/tty/vt/vt.c). FACT_ABSENT: it has none.
 */
enum { USAGE_CONSOLE_SIZE = 64 };
enum fact usage_read_console(const struct host *host, const char *entry,
			     char name[USAGE_CONSOLE_SIZE]);

/* Interfaces that are in other network namespaces. Returns 0 or -ENOMEM. */
int usage_look_for_hidden(struct usage_scan *scan);

/* Each looks at one kind of use. Return 0 or -errno; the last only for want of memory. */
int usage_scan_block(struct usage_scan *scan);
int usage_scan_shares(struct usage_scan *scan);
int usage_scan_network(struct usage_scan *scan);
int usage_scan_display(struct usage_scan *scan);
int usage_scan_console(struct usage_scan *scan);
int usage_scan_keyboard(struct usage_scan *scan);
int usage_scan_sound(struct usage_scan *scan);
int usage_scan_processes(struct usage_scan *scan);
int usage_scan_slices(struct usage_scan *scan);
int usage_scan_functions(struct usage_scan *scan);

#endif
