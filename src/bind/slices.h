/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BIND_SLICES_H
#define PCIFERRY_BIND_SLICES_H

/* Mediated devices made and removed: docs/design/mdev.md. */
#include <stdbool.h>
#include <sys/types.h>

#include "base/uuid.h"
#include "change/change.h"
#include "pci/address.h"

struct error;

struct bind_slice {
	char uuid[UUID_SIZE];
	char *parent;
	char *type;
	char *folder;	   /* the parent's, beneath the root */
	const char *guest; /* for which it is made, the caller's; NULL: for nobody */
	bool is_done;	   /* it is so already */
	bool goes;	   /* it is to be removed, not made */
};
void bind_slice_free(struct bind_slice *slice); /* takes NULL */

/*
 * The plan to make one of a type that the parent offers. One that is there already is
 * done. -ENODEV, -ENOENT: no such parent, no such type; -EEXIST: the UUID is another's;
 * -ENOSPC: there can be no more. Refused (ERROR_REFUSED) where one of that UUID is being
 * removed. Returns 0 or -errno.
 */
int bind_slice_plan_make(const struct host *host, const char *parent, const char *type,
			 const char uuid[UUID_SIZE], struct bind_slice *ret_slice,
			 struct error *err);

/*
 * The plan to remove one. -ENODEV: there is none. Refused (ERROR_REFUSED, with who it is)
 * while a process holds it, since the kernel would wait for that without end. Returns 0
 * or -errno.
 */
int bind_slice_plan_remove(const struct host *host, const char uuid[UUID_SIZE],
			   struct bind_slice *ret_slice, struct error *err);

/* For change_steps_free(). Returns 0 or -ENOMEM. */
int bind_slice_steps(const struct bind_slice *slice, struct change_steps *ret_steps);

/*
 * Waits until nothing is under way on it, by its UUID or address, for as long as a step
 * may take: before the plan, which else was made from what is about to change.
 */
void bind_slice_wait(struct change *change, const char *id);

/*
 * Carries a plan out that was made while the change was in progress: a new one is there
 * with its node when this returns, or it is not there. Returns 0 or -errno.
 */
int bind_slice_perform(struct change *change, const struct bind_slice *slice,
		       struct error *err);

/*
 * The UUIDs of those that are noted for a guest, added to ret_uuids: one may be under way
 * yet, or somebody else may have removed it. Returns 0 or -errno.
 */
int bind_guest_slices(const struct host *host, const char *guest,
		      struct string_list *ret_uuids, struct error *err);

/*
 * Gives the nodes by which it is opened to a user, for as long as it is there. -ENODEV:
 * there is none. Returns 0 or -errno.
 */
int bind_slice_give(struct change *change, const char *uuid, uid_t user,
		    struct error *err);

/* For change_options.came_back: a mediated device that was made too late is taken back,
 * unless somebody has it by now. */
void bind_slice_came_back(struct change *change, const char *device, void *argument);

/*
 * NVIDIA's slices that are virtual functions (PCI_SLICE_VENDOR): one is made by giving
 * its function a type, which means something on its card alone.
 */
struct bind_vendor_slice {
	struct pci_address function;
	unsigned int type; /* 0: it is to have none */
	bool is_done;	   /* it is so already */
};

/*
 * Of a physical function: for one that has no type yet, and where nothing hangs by that
 * change (NULL: nobody looks); or of that virtual one. -ENOSPC: none gets such a type
 * now; -EEXIST: it has another one; -ETIMEDOUT: those left hang. Returns 0 or -errno.
 */
int bind_vendor_plan_make(const struct host *host, struct change *change,
			  const struct pci_address *parent, unsigned int type,
			  struct bind_vendor_slice *ret_slice, struct error *err);

/* As bind_slice_plan_remove(). */
int bind_vendor_plan_remove(const struct host *host, const struct pci_address *function,
			    struct bind_vendor_slice *ret_slice, struct error *err);

/* For change_steps_free(). Returns 0 or -ENOMEM. */
int bind_vendor_steps(const struct bind_vendor_slice *slice,
		      struct change_steps *ret_steps);

/* Carries a plan out that was made while the change was in progress. Returns 0 or -errno.
 */
int bind_vendor_perform(struct change *change, const struct bind_vendor_slice *slice,
			struct error *err);

#endif
