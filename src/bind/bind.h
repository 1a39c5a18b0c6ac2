/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BIND_BIND_H
#define PCIFERRY_BIND_BIND_H

/*
 * Drivers at run time, the whole IOMMU group at once: docs/design/binding.md.
 *
 * A plan is made from what the host looks like now; carrying it out brings every device
 * of it to the wanted driver, or all of them back to where they were. What each was like
 * before it was first touched is kept (change/), so that a release finds its way back
 * whatever happened in between.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/text.h"
#include "bind/settings.h"
#include "change/change.h"
#include "pci/address.h"
#include "pci/device.h"
#include "usage/picture.h"

struct error;

enum { BIND_DRIVER_SIZE = 64, BIND_OVERRIDE_SIZE = 128 };

/* What decides who drives a device, and how. "" means none. */
struct bind_state {
	char driver[BIND_DRIVER_SIZE];
	char override[BIND_OVERRIDE_SIZE];
	struct bind_settings settings; /* those that are wanted, or were; no others */
};

struct bind_member {
	struct pci_address address;
	char identity[PCI_IDENTITY_SIZE];
	unsigned int group;
	struct bind_state first;  /* before pciferry touched it */
	struct bind_state before; /* its guest got it; with `noted` */
	struct bind_state now;
	struct bind_state wanted;
	bool kept;		/* `first` comes from an earlier run that kept it */
	bool noted;		/* it was moved for the request's guest, from `before` */
	bool settings_kept;	/* so do its settings, which may be without the rest */
	bool let_kernel_choose; /* wanted.driver "" is: whichever driver matches */
	bool stuck;		/* it does not answer; nothing is done to it */
	bool forced;		/* it goes although it is in use: the request's */

	/*
	 * Of one that a driver of the host's is to let go, with last_look: the kernel's
	 * names of its disks, which nobody may take in the meantime. The plan's.
	 */
	struct string_list disks;

	/*
	 * Of a graphics card: what is ended before it goes, and begun again when it is
	 * back. Taking it, as found; giving it back, as kept.
	 */
	struct usage_picture picture;
	struct string_list users; /* modules that hold its driver's, in that order */

	/* The module whose driver is wanted; its name is known once it is loaded. */
	char module[BIND_DRIVER_SIZE];
};

struct bind_plan {
	struct bind_member *members; /* sorted by address */
	size_t count;

	/*
	 * To be released, and no longer there, while something is kept of them: their
	 * addresses, and what was stopped for them.
	 */
	struct bind_member *gone;
	size_t n_gone;
	struct string_list modules;    /* to be loaded first */
	struct string_list overridden; /* what spoke against it: "ADDRESS: eth0 is up" */
	bool stop_display;	       /* the request's */
	bool gives_back;	       /* it is one of bind_plan_release() */
	char *guest; /* what they are taken for, as in the request; NULL: nobody said */
};

struct bind_request {
	const struct pci_address *addresses;
	size_t count;

	/*
	 * For bind_plan_take. NULL: VFIO's, vfio-pci or the one that the kernel has in
	 * its place for the device.
	 */
	const char *driver;

	/* For bind_plan_take, of these functions alone; NULL: none. */
	const struct bind_settings *settings;

	/*
	 * For bind_plan_take: the guest that is about to start with them, and does not
	 * run yet. Those that are moved for it are noted. Refused while another guest has
	 * one of the groups, or has devices noted. For bind_plan_release: of these the
	 * ones that are noted for this guest. NULL: nobody in particular.
	 */
	const char *guest;
	bool alone;	/* these functions alone, not their groups: for a release */
	bool last_look; /* it will be carried out: ask the kernel about disks, too */

	/*
	 * Graphics cards go although they show a picture, and services that are known to
	 * hold them are stopped.
	 */
	bool stop_display;

	/* Of the devices, or of their groups: those that go although they are in use. */
	const struct pci_address *forced;
	size_t n_forced;
};

/* Whether what takes them hands them to guests: a driver by this name, or NULL. */
bool bind_is_for_vfio(const char *driver);

/*
 * The plan to give all endpoints of these devices' groups to a driver. Refused
 * (ERROR_REFUSED, with the evidence) when one of them is in use, or when no guest can get
 * the group. What `forced` overrides is in the plan; what is on a disk, what a guest
 * has and what is not known cannot be forced. Returns 0 or -errno.
 */
int bind_plan_take(const struct host *host, const struct bind_request *request,
		   struct bind_plan *ret_plan, struct error *err);

/*
 * The plan to give them back: to the driver and override that they had first, or, where
 * pciferry did not take a device, to whichever driver the kernel chooses. Refused while a
 * process holds a group, and where a device that would change its driver is in use. One
 * that is no longer there has what was stopped for it begun again.
 */
int bind_plan_release(const struct host *host, const struct bind_request *request,
		      struct bind_plan *ret_plan, struct error *err);
void bind_plan_free(struct bind_plan *plan); /* takes NULL */

/* NULL: the device is none of those that go. */
const struct bind_member *bind_plan_find(const struct bind_plan *plan,
					 const struct pci_address *address);

/* Whether the host already is as planned. */
bool bind_plan_is_done(const struct bind_plan *plan);

/* The steps from now to wanted, in order; for change_steps_free(). Returns 0 or -ENOMEM.
 */
int bind_plan_steps(const struct host *host, const struct bind_plan *plan,
		    struct change_steps *ret_steps);

/*
 * Carries a plan out that was made while the change was in progress. When a step fails,
 * every device goes back to how it was, but for one that hangs, which is named. Returns 0
 * or -errno.
 */
int bind_take(struct change *change, struct bind_plan *plan, struct error *err);

/*
 * Gives the nodes of the plan's groups to a user, who can then open them; they go when
 * the devices leave VFIO, and next time are root's again. Returns 0 or -errno.
 */
int bind_give(struct change *change, const struct bind_plan *plan, uid_t user,
	      struct error *err);

/* Goes as far as it can with each device. Returns 0, or -errno of the first that failed.
 */
int bind_release(struct change *change, const struct bind_plan *plan, struct error *err);

/*
 * The functions that were moved for a guest (bind_request.guest) and were not given back
 * since, by whomever. The caller frees *ret_addresses. Returns 0 or -errno.
 */
int bind_guest_devices(const struct host *host, const char *guest,
		       struct pci_address **ret_addresses, size_t *ret_count,
		       struct error *err);

/* Whether a guest can be noted by this name: one line, not too long. */
bool bind_is_guest_name(const char *guest);

/*
 * Waits, for one deadline at most, until no step of an earlier run that was killed is
 * under way on these devices' groups. What still is then, the plan finds stuck.
 */
void bind_wait(struct change *change, const struct host *host,
	       const struct bind_request *request);

/* For change_options.came_back: brings the device back to what it was like first. */
void bind_came_back(struct change *change, const char *device, void *argument);

/* Whether anything is kept of what is, or was, at this address. */
bool bind_is_kept(const struct host *host, const struct pci_address *address);

/*
 * Whether pciferry has taken the device and it was not given back yet, by pciferry or by
 * somebody else: then *ret_first is what it was like before. What is kept for another
 * device at the same address does not count.
 */
bool bind_is_taken(const struct host *host, const struct pci_device *device,
		   struct bind_state *ret_first);

#endif
