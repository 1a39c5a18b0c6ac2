/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BOOTCFG_NEXT_INTERNAL_H
#define PCIFERRY_BOOTCFG_NEXT_INTERNAL_H

#include "bootcfg/next.h"

enum { NEXT_STUBS = 2 };

/* The drivers that take what they are told to: "vfio-pci", "pci-stub". */
extern const char *const next_stubs[NEXT_STUBS];

/* One question at work. */
struct next_search {
	const struct bootcfg_next_boot *boot;
	const struct bootcfg_next_devices *all;
	size_t index;
	const struct pci_device *device;

	bool claims_known;
	struct string_list modules, builtin; /* the drivers that are for the device */
	bool loaded[NEXT_STUBS]; /* in the image, so that options come too late */
	char wanted[64];	 /* the driver that the tab gives it; "": none */
	char note[200]; /* why it is not bound by address, where it ought to; "": no */
	enum bootcfg_next_cause cause; /* of that */
	struct bootcfg_next *next;
};

/*
 * Each stage of the boot, in their order: 1 and the answer, 0 when the device has no
 * driver after it, or -ENOMEM.
 */
int next_in_tab(struct next_search *search);
int next_in_kernel(struct next_search *search);
int next_in_image(struct next_search *search);
int next_in_root(struct next_search *search);

/* pciferry.service, once the host is up, after what came before it. */
void next_in_service(struct next_search *search);

/* Each gives the answer, and returns 1. */
int next_is(struct next_search *search, const char *driver, const char *reason, ...)
	__attribute__((format(printf, 3, 4)));
int next_is_none(struct next_search *search, const char *reason, ...)
	__attribute__((format(printf, 2, 3)));
int next_is_unknown(struct next_search *search, const char *reason, ...)
	__attribute__((format(printf, 2, 3)));

/* Of several modules which one comes first is not told by anything. */
int next_is_one_of(struct next_search *search, const char *where,
		   const struct string_list *modules);

/* Whether the command line, or else modprobe.d, tells a stub to take the device. */
int next_is_wanted(const struct next_search *search, const char *stub,
		   const struct bootcfg_modprobe *modprobe, const char *where,
		   const char **ret_by);

#endif
