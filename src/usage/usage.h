/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_USAGE_USAGE_H
#define PCIFERRY_USAGE_USAGE_H

/*
 * Who uses a device now, and so whether it can be taken. Each finding is evidence a
 * person can check. What could not be read counts as in use, and says so.
 */
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "host/host.h"
#include "iommu/groups.h"
#include "pci/device.h"

struct error;

enum usage_kind {
	USAGE_ROOT,    /* the root file system is on it */
	USAGE_MOUNT,   /* a file system on it is mounted */
	USAGE_SWAP,    /* it is swap space */
	USAGE_HOLDER,  /* another block device is built on it: device mapper, MD */
	USAGE_POOL,    /* a file system of several devices has it: ZFS, btrfs */
	USAGE_BOOT,    /* fstab or crypttab will want it at the next boot */
	USAGE_SSH,     /* the person who asks came in through it */
	USAGE_ROUTE,   /* routes lead through it */
	USAGE_NETWORK, /* an interface of it is up with an address, or part of another */
	USAGE_DISPLAY, /* a connected display shows its picture */
	USAGE_CONSOLE, /* the kernel's console is on it */
	USAGE_FRAMEBUFFER, /* the firmware's framebuffer is in its memory */
	USAGE_KEYBOARD,	   /* the only keyboard is on it */
	USAGE_SOUND,	   /* it is playing or recording */
	USAGE_PROCESS,	   /* a process holds a device node of it */
	USAGE_VFIO,	   /* a process, such as a running guest, holds its group */
	USAGE_FUNCTION,	   /* a virtual function of it is in use */
	USAGE_SLICE,	   /* there is a mediated device of it */
	USAGE_UNREADABLE,  /* one of the above could not be found out */
};

struct usage_finding {
	enum usage_kind kind;
	char *detail; /* one line, without the device's address */
	int process;  /* of USAGE_PROCESS its number; else 0 */
};

struct usage_findings {
	struct usage_finding *items;
	size_t count;
};

struct usage {
	const struct host *host;
	const struct pci_devices *devices;
	struct usage_findings *of_device; /* by the device's index */
};

/*
 * One pass over the host for all devices; both must outlive the result. `asked`, by the
 * device's index, says of which the use is asked, their virtual functions with them;
 * NULL: of all. What can only be of others is not looked at then, and they have the
 * finding USAGE_UNREADABLE. 0 or -errno.
 */
int usage_scan(const struct host *host, const struct pci_devices *devices,
	       const struct iommu_groups *groups, const bool *asked,
	       struct usage *ret_usage, struct error *err);
void usage_free(struct usage *usage); /* takes NULL */

/*
 * For a command that is about to take devices away, as the last look before its first
 * step: asks the kernel whether it has one of their disks claimed (host/claimed.h), and
 * adds findings to those of the scan. A device with a disk that is known to be in use is
 * not asked for. ret_disks is a list for each device: the kernel's names of those disks
 * that were asked for, without partitions; of a namespace with several paths its head,
 * which is what has a node. The caller frees them. Returns 0 or -errno.
 */
int usage_look_for_claims(struct usage *usage, const struct pci_device *const *devices,
			  size_t count, struct string_list *ret_disks);

/*
 * Who has one of a device's nodes open ("/dev/vfio/5"), of several devices in one pass:
 * "process 812 (qemu), guest web", added to its ret_holders, each once. *ret_all is false
 * where not every process could be asked, so that there may be more. Returns 0 or
 * -ENOMEM.
 */
int usage_find_holders(const struct host *host, const struct string_list *const *nodes,
		       size_t count, struct string_list *ret_holders, bool *ret_all);

/* "mount", "swap", ...: stable, for JSON. */
const char *usage_kind_name(enum usage_kind kind);

const struct usage_findings *usage_of(const struct usage *usage,
				      const struct pci_device *device);

/*
 * Whether one of the findings is of a disk that is used as one, which may be behind a
 * controller of any class: a stick on USB.
 */
bool usage_has_disk_in_use(const struct usage *usage, const struct pci_device *device);

enum usage_verdict {
	USAGE_CAN_GO,		 /* alone */
	USAGE_CAN_GO_WITH_GROUP, /* when the other endpoints of its group go too */
	USAGE_IN_USE,		 /* it, or one that must go with it, is in use */
	USAGE_CANNOT,		 /* a bridge, or in no group */
	USAGE_UNKNOWN,		 /* what decides it could not be read */
};

/* reason: one line, "" when it can go alone. */
enum usage_verdict usage_verdict(const struct usage *usage,
				 const struct iommu_groups *groups,
				 const struct pci_device *device, char *reason,
				 size_t size);

/*
 * What the group's reserved memory means for it: USAGE_CAN_GO, _CANNOT or _UNKNOWN;
 * reason as above.
 */
enum usage_verdict usage_memory_verdict(const struct usage *usage,
					const struct iommu_group *group, char *reason,
					size_t size);
const char *usage_verdict_name(enum usage_verdict verdict);

#endif
