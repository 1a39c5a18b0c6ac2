/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_TESTS_LOOKED_H
#define PCIFERRY_TESTS_LOOKED_H

#include "tree.h"

#include "usage/usage.h"

#define MODALIAS_NVME		"pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02\n"
#define MODALIAS_NIC		"pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00\n"
#define MODALIAS_VGA		"pci:v00001234d00001111sv00001AF4sd00001100bc03sc00i00\n"
#define MODALIAS_USB		"pci:v00001B36d0000000Dsv00001AF4sd00001100bc0Csc03i30\n"
#define MODALIAS_HDA		"pci:v00008086d00002668sv00001AF4sd00001100bc04sc03i00\n"
#define MODALIAS_PORT		"pci:v00001B36d0000000Csv00001B36sd00000000bc06sc04i00\n"
#define MODALIAS_VIRTIO_NET	"pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00\n"
#define MODALIAS_SERIAL		"pci:v00001B36d00000002sv00001AF4sd00001100bc07sc00i02\n"
#define MODALIAS_VIRTIO_CONSOLE "pci:v00001AF4d00001043sv00001AF4sd00001100bc07sc80i00\n"
#define MODALIAS_VIRTIO_9P	"pci:v00001AF4d00001009sv00001AF4sd00000009bc00sc02i00\n"
#define MODALIAS_VIRTIOFS	"pci:v00001AF4d0000105Asv00001AF4sd00001100bc01sc80i00\n"

/* What usage/ says of a made host. */
struct looked {
	struct host *host;
	struct pci_devices devices;
	struct iommu_groups groups;
	struct usage usage;
};

/*
 * For a set-up of cmocka's, in place of tree_setup(): a host on which all that usage/
 * reads can be read, and nothing is in use. A test adds to it, or takes from it.
 */
const struct tree *quiet_setup(void **state);

/* For cmocka: nvme0n1 with two partitions; nvme1n1, which nothing uses in any test. */
#define DISK	   "0000:01:00.0"
#define OTHER_DISK "0000:02:00.0"
#define ON_DISK	   "pci0000:00/0000:01:00.0/nvme/nvme0"
int disks_setup(void **state);

/* eth0, which is up; eth1, which is down and which nothing uses in any test. */
#define NIC	  "0000:02:00.0"
#define OTHER_NIC "0000:03:00.0"
int nics_setup(void **state);

/* In place of a file: what is there, and cannot be read, by root neither. */
void quiet_unreadable(const struct tree *tree, const char *path);

/* Both for this process and for the first. Lines of mountinfo, and of swaps. */
void quiet_mounts(const struct tree *tree, const char *mounts, const char *swaps);

/* An entry of a class: sys/class/<class>/<name>, which is in sys/devices/<folder>. */
void quiet_class(const struct tree *tree, const char *class_name, const char *folder,
		 const char *name);

/* A disk, or with `part` a partition of it. number: "259:1". */
void quiet_disk(const struct tree *tree, const char *folder, const char *disk,
		const char *part, const char *number);

void quiet_interface(const struct tree *tree, const char *folder, const char *name,
		     bool up);

/* What the kernel tells of addresses and routes: host/network.h. */
void quiet_network(const struct tree *tree, const char *text);

/* A process of the first's mount namespace that holds a node open. */
void quiet_process(const struct tree *tree, const char *pid, const char *command,
		   const char *node);
void quiet_end(const struct tree *tree, const char *pid);

void look(const struct tree *tree, struct looked *looked);
void look_away(struct looked *looked);

/* Nothing is said of it, and it can go alone. */
void expect_free(const struct looked *looked, const char *address);

/* A finding of this kind has this text in it, and the verdict is that it is in use. */
void expect_use(const struct looked *looked, const char *address, enum usage_kind kind,
		const char *text);

/* No more is known than that this could not be read, and that counts as in use. */
void expect_unreadable(const struct looked *looked, const char *address,
		       const char *text);

/* How many findings of a kind. */
size_t count_use(const struct looked *looked, const char *address, enum usage_kind kind);

/* The verdict, and that its reason has this text in it. */
void expect_verdict(const struct looked *looked, const char *address,
		    enum usage_verdict verdict, const char *text);

/* look(), of which only what it says of one function is wanted. */
void look_expect_free(const struct tree *tree, const char *address);
void look_expect_use(const struct tree *tree, const char *address, enum usage_kind kind,
		     const char *text);
/* The same, and that `other` is free. */
void look_expect_only(const struct tree *tree, const char *address, const char *other,
		      enum usage_kind kind, const char *text);
void look_expect_unreadable(const struct tree *tree, const char *address,
			    const char *text);

#endif
