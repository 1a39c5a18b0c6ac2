/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHECK_INTERNAL_H
#define PCIFERRY_CHECK_INTERNAL_H

#include "bootcfg/boot.h"
#include "bootcfg/cmdline.h"
#include "bootcfg/distro.h"
#include "bootcfg/images.h"
#include "bootcfg/kernels.h"
#include "bootcfg/modprobe.h"
#include "check/check.h"
#include "iommu/predict.h"
#include "iommu/registered.h"
#include "iommu/units.h"
#include "pci/slices.h"
#include "usage/usage.h"

/* What the checks of devices look at; all zero unless one of them runs. */
struct check_device_facts {
	struct pci_topology topology;
	struct pci_config *configs; /* by the device's index */
	struct iommu_prediction prediction;
	struct usage usage;
	struct pci_slice_types slices;
	char slices_error[192]; /* why these could not be read; "": they were */
};

/* What several checks look at, read once. */
struct check_facts {
	const struct host *host;
	struct pci_devices devices; /* as they were handed in, and not its own */
	struct iommu_groups groups;
	struct iommu_firmware firmware; /* the firmware's table of IOMMUs */
	struct iommu_registered units;	/* the IOMMUs that the kernel drives */
	enum fact cmdline_fact;
	struct bootcfg_cmdline cmdline; /* of the running kernel */
	struct bootcfg_distro distro;
	struct bootcfg_boot boot;
	struct bootcfg_kernels *kernels;  /* read further as they are asked */
	struct bootcfg_images images;	  /* of those kernels */
	struct bootcfg_modprobe modprobe; /* modprobe.d */
	struct bootcfg_modprobe loads;	  /* the modules that are loaded at boot */
	enum fact cpuinfo_fact, log_fact;
	char *cpuinfo; /* proc/cpuinfo; NULL unless known */
	char *log; /* the kernel log's lines about IOMMUs and PCI; NULL unless known */
	size_t log_len;
	struct check_device_facts device;
};

struct check_domain;

/* One check at work. */
struct check_run {
	const struct check *check;
	const struct check_facts *facts;
	const struct pci_device *device; /* of a check per device; else NULL */
	struct check_findings *findings;
	const struct check_domain *domain; /* of a check of a definition; else NULL */
};

/*
 * Adds a finding; subject NULL: the device that is looked at, or the host. Returns 0 or
 * -ENOMEM. check_why() and check_fix() complete the last one, and keep its error.
 */
int check_tell(struct check_run *run, enum check_status status, const char *subject,
	       const char *seen, ...) __attribute__((format(printf, 4, 5)));
int check_why(struct check_run *run, const char *why, ...)
	__attribute__((format(printf, 2, 3)));
int check_fix(struct check_run *run, const char *fix, ...)
	__attribute__((format(printf, 2, 3)));

/* UNKNOWN, since this file or folder could not be read: "proc/cmdline". */
int check_tell_unread(struct check_run *run, const char *path);

/* Who made the processor, as far as IOMMUs go. */
enum check_vendor { CHECK_VENDOR_UNKNOWN, CHECK_INTEL, CHECK_AMD, CHECK_NOT_X86 };
enum check_vendor check_vendor(const struct check_facts *facts);

/*
 * Whose IOMMU it is: told by the firmware's table or by what the kernel drives, since an
 * emulated one need not be the processor's vendor's; else by the processor.
 */
enum check_vendor check_iommu_vendor(const struct check_facts *facts);

/* Whether the word is among the processor's flags. */
bool check_cpu_has(const struct check_facts *facts, const char *flag);

/* How this host adds a parameter to the kernel's command line: one sentence. */
int check_fix_parameter(struct check_run *run, const char *parameter);

/*
 * KNOWN: it is there. ABSENT: it is not, though its directory is, which a copy of a few
 * folders need not have. UNREADABLE: neither is certain.
 */
enum fact check_presence(const struct host *host, const char *path);

/* A line of the kernel's log. */
struct check_line {
	const char *text; /* without its level, "<4>"; not ended by a NUL */
	size_t len;
	bool has_address;
	struct pci_address address; /* the first one in it */
};

/* The line at *at, which moves on; false: that was the last. */
bool check_next_line(const struct check_facts *facts, size_t *at,
		     struct check_line *ret_line);

/* Finds the address; apart, since few lines are worth it. */
void check_line_address(struct check_line *line);

/* Whether it has these words, the second behind the first; second NULL: only the first.
 */
bool check_line_has(const struct check_line *line, const char *first, const char *second);

/* UNKNOWN, since the kernel's log could not be read. */
int check_tell_no_log(struct check_run *run);

/* How this distribution makes the initramfs of all kernels anew: a command. */
const char *check_rebuild(const struct check_facts *facts);

/* Names in one line, "a, b"; instead of those that have no room there is "...". */
struct check_names {
	char text[400];
	size_t len;
	bool is_full;
};
void check_add_name(struct check_names *names, const char *prefix, const char *name);
void check_add_address(struct check_names *names, const struct pci_device *device);

/* Whether modprobe.d was read; else tells that it is unknown, and sets *ret_r. */
bool check_has_modprobe(struct check_run *run, int *ret_r);

/* Where it found nothing since `before`: tells so, or which file it could not read. */
int check_modprobe_end(struct check_run *run, size_t before, const char *seen);

/*
 * The n-th function, from 0, that a guest gets with the device: it and the others of its
 * group but bridges, or it alone where it is in none. NULL: no more.
 */
const struct pci_device *check_goes_along(const struct check_run *run, size_t n);
bool check_is_along(const struct check_run *run, const struct pci_device *device);

const struct pci_node *check_node(const struct check_run *run);

/* Whether the running kernel is that version or a later one. */
enum fact check_kernel_since(const struct check_facts *facts, unsigned int major,
			     unsigned int minor, bool *ret_since);

/* Whether VFIO is told to do without the remapping of interrupts. */
bool check_allows_unsafe(const struct check_facts *facts);

/* Whether a parameter of the kernel has a part in giving devices to guests. */
bool check_parameter_matters(const char *name);

/* "name=value", as it was written. */
const char *check_parameter_text(const struct bootcfg_parameter *parameter, char *buffer,
				 size_t size);

/* "/boot/grub/grub.cfg:12"; without the line where it is 0. */
const char *check_place(const char *file, unsigned int line, char *buffer, size_t size);

/* Whether entries of a loader were read; else tells that not, and sets *ret_r. */
bool check_has_entries(struct check_run *run, int *ret_r);

/* Checks in files of their own. */
int check_iommu_cmdline(struct check_run *run);
int check_iommu_interrupts(struct check_run *run);
int check_iommu_unsafe(struct check_run *run);
int check_guest_network(struct check_run *run);
int check_guest_cgroups(struct check_run *run);
int check_guest_secure(struct check_run *run);
int check_libvirt_hooks(struct check_run *run);
int check_vfio_reserved(struct check_run *run);
int check_vfio_tools(struct check_run *run);
int check_boot_image(struct check_run *run);
int check_boot_image_age(struct check_run *run);
int check_boot_next(struct check_run *run);
int check_boot_cmdline(struct check_run *run);
int check_boot_generated(struct check_run *run);
int check_boot_kernels(struct check_run *run);
int check_modprobe_conflict(struct check_run *run);
int check_modprobe_missing(struct check_run *run);
int check_modprobe_blacklist(struct check_run *run);
int check_device_in_use(struct check_run *run);
int check_device_memory(struct check_run *run);
int check_device_reset(struct check_run *run);
int check_device_known(struct check_run *run);
int check_device_link(struct check_run *run);
int check_device_power(struct check_run *run);
int check_device_vmd(struct check_run *run);
int check_device_slices(struct check_run *run);
int check_device_display(struct check_run *run);
int check_device_framebuffer(struct check_run *run);
int check_device_rom(struct check_run *run);
int check_device_driver(struct check_run *run);
int check_device_override(struct check_run *run);
int check_device_siblings(struct check_run *run);
int check_device_mentioned(struct check_run *run);

/* The tables of each area, in their files; each ends with an all-zero row. */
extern const struct check check_cpu_table[], check_firmware_table[], check_kernel_table[],
	check_iommu_table[], check_boot_table[], check_modprobe_table[],
	check_vfio_table[], check_stack_table[], check_log_table[], check_device_table[];

#endif
