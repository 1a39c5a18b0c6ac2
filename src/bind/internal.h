/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_BIND_INTERNAL_H
#define PCIFERRY_BIND_INTERNAL_H

#include "bind/bind.h"
#include "bind/functions.h"
#include "iommu/groups.h"
#include "usage/usage.h"

/* What is kept of a device. */
struct bind_record {
	char identity[PCI_IDENTITY_SIZE];
	struct bind_state first;
};

/* Text for change_keep_state(), which the caller frees; NULL: out of memory. */
char *bind_record_format(const struct bind_record *record);

/* Returns 0, or -EINVAL when the text is no whole record. */
int bind_record_parse(const char *text, size_t len, struct bind_record *ret_record);

/*
 * What is kept of a device apart from its record is kept (change_keep_state()) under its
 * address and one of these: its settings, which may be of a device whose driver pciferry
 * has not changed; what was ended before a card went; that drivers are to take its new
 * virtual functions again; which guest it was moved for, which counts for nothing beside
 * no record. Returns the buffer.
 */
#define BIND_SETTINGS_KEPT "settings"
#define BIND_DISPLAY_KEPT  "display"
#define BIND_PROBING_KEPT  "probing"
#define BIND_GUEST_KEPT	   "guest"
enum { BIND_KEPT_NAME_SIZE = PCI_ADDRESS_SIZE + sizeof(".settings") };
const char *bind_kept_name(const struct pci_address *address, const char *what,
			   char name[BIND_KEPT_NAME_SIZE]);

/* What was kept of them; false: nothing, or of another device. */
bool bind_settings_recall(const struct host *host, const struct pci_address *address,
			  const char *identity, struct bind_settings *ret_first);
int bind_settings_keep(struct change *change, const struct bind_member *member,
		       struct error *err);

/* Whether a BAR's size differs: then the device must be without a driver for a moment. */
bool bind_settings_move(const struct bind_settings *wanted,
			const struct bind_settings *now);

/* Those before, or those after the driver changes, if it does. Returns 0 or -ENOMEM. */
int bind_settings_add_steps(struct change_steps *steps, char *address,
			    const struct bind_settings *from,
			    const struct bind_settings *to, bool after_driver,
			    bool moved);

/* Adds the steps that lead a device from one state to another. Returns 0 or -ENOMEM. */
int bind_add_steps(struct change_steps *steps, const struct bind_member *member,
		   const struct bind_state *from, const struct bind_state *to);

/*
 * A step that writes a value to an attribute, beneath the root, after which it reads like
 * `reads` (change.h). Returns 0 or -ENOMEM.
 */
int bind_add_write(struct change_steps *steps, const char *address, const char *attribute,
		   const char *value, const char *reads, const char *purpose);

/* The same for the step that loads a module. */
int bind_add_module(struct change_steps *steps, const char *module);

/*
 * Notes for which guest a device is about to be moved, and what it was like before; guest
 * NULL: for none. 0, -errno.
 */
int bind_note_guest(struct change *change, const struct pci_address *address,
		    const char *guest, const struct bind_state *before,
		    struct error *err);

/* Of one that is noted for this guest, from where; NULL: for whichever. */
void bind_recall_guest(const struct host *host, const char *guest,
		       struct bind_member *member);

/* Whether it was moved for a guest from elsewhere than where it was first. */
bool bind_goes_on(const struct bind_member *member);

/* Drops all that is kept of a device which is as it was first. Returns 0 or -errno. */
int bind_forget(struct change *change, const struct pci_address *address);

/* The host as it is now; who uses them is known of the devices that were asked for. */
struct bind_view {
	struct pci_devices devices;
	struct iommu_groups groups;
	struct usage usage;
};

/* Asks for these, the rest of their groups and their virtual functions. 0 or -errno. */
int bind_view_open(const struct host *host, const struct pci_address *addresses,
		   size_t count, struct bind_view *view, struct error *err);
void bind_view_close(struct bind_view *view);

/*
 * Says of each graphics card of the plan what has to be ended before it goes, or, for a
 * release, what was. Returns 0 or -errno.
 */
int bind_display_look(const struct bind_view *view, struct bind_plan *plan,
		      struct error *err);
int bind_display_recall(const struct host *host, struct bind_plan *plan,
			struct error *err);

/* Whether this use ends with the services that are stopped, so it does not speak against
 * it. */
bool bind_display_ends(const struct bind_view *view, const struct bind_plan *plan,
		       const struct pci_device *device, enum usage_kind kind);

/*
 * Of one that is no longer there and of which something is kept: adds it to a release;
 * begins again what was stopped for it, and forgets the rest. Return 0 or -errno.
 */
int bind_plan_add_gone(struct bind_plan *plan, const struct pci_address *address,
		       struct error *err);
int bind_release_gone(struct change *change, const struct bind_member *member,
		      struct error *err);

/* Whether there is anything of that in a plan. */
bool bind_display_ended(const struct bind_plan *plan);

/* Adds the steps of that, or back. Returns 0 or -ENOMEM. */
int bind_display_add_end(struct change_steps *steps, const struct bind_member *member);
int bind_display_add_begin(const struct host *host, struct change_steps *steps,
			   const struct bind_member *member);

/*
 * Carries it out: keeps what there is first, and waits, for a deadline, until nobody
 * holds the cards any more. Returns 0 or -errno; what was ended then is for
 * bind_display_begin(), which goes as far as it can and drops what was kept.
 */
int bind_display_end(struct change *change, const struct bind_plan *plan,
		     struct error *err);
int bind_display_begin(struct change *change, const struct bind_member *member,
		       struct error *err);

/*
 * What goes as far as it can: the first failure is the result and the error, the others
 * are evidence. Clears the failure.
 */
void bind_gather(int r, struct error *failure, int *result, struct error *err);

/* "key value\n" taken off the front of a text that is kept. Returns 0 or -EINVAL. */
int bind_take_line(const char **at, size_t *left, const char *key, char *value,
		   size_t size);

/*
 * Refuses when it is in use, which is the evidence: `what` would be done to it. Sets
 * *refused then; the first one is the refusal's.
 */
void bind_object_function(const struct bind_view *view, const struct pci_device *device,
			  size_t index, const char *what, bool *refused,
			  struct error *err);

/*
 * What is to be set of them, and what is set now. Refuses where nothing can be set, or
 * one of them is in use. Returns 0 or -errno.
 */
int bind_functions_plan_settings(struct bind_view *view,
				 const struct bind_functions_request *request,
				 struct bind_functions *functions, struct error *err);

/* The steps for what is otherwise now; NULL: nothing is known of that. 0 or -ENOMEM. */
int bind_functions_add_settings(const struct bind_functions *functions,
				const struct host_link *now, struct change_steps *steps);

/*
 * Performs them, by what is set when it begins; all that can be, or until one fails. The
 * first failure is the error. Returns 0 or -errno.
 */
int bind_functions_set(struct change *change, const struct bind_functions *functions,
		       bool all_that_can_be, struct error *err);

/* Has `back` set what was set before, as far as that is known. Returns 0 or -ENOMEM. */
int bind_functions_want_back(const struct bind_functions *before,
			     struct bind_functions *back, struct error *err);

/*
 * Say of each member which driver it is to have, by a request or by what is known of its
 * first state, and which modules have to be loaded for that. Return 0 or -errno.
 */
int bind_want_driver(const struct host *host, const struct bind_view *view,
		     const struct bind_request *request, struct bind_plan *plan,
		     struct error *err);
int bind_want_back(const struct host *host, struct bind_plan *plan, struct error *err);

/* The same of the settings of those that the request names, after their drivers. */
int bind_want_settings(const struct host *host, const struct bind_request *request,
		       struct bind_plan *plan, struct error *err);

/*
 * Of members whose module was not loaded when the plan was made: the name of its driver.
 * Returns 0 or -errno.
 */
int bind_name_drivers(const struct host *host, struct bind_plan *plan, struct error *err);

/* Whether each member of this group is as planned already: nothing is done to it. */
bool bind_group_is_done(const struct bind_plan *plan, unsigned int group);

/* One that can stand in a path of sysfs. */
bool bind_is_driver_name(const char *driver);

/* Whether each device that is to be forced goes along. 0 or -EINVAL. */
int bind_check_forced(const struct bind_request *request, struct bind_plan *plan,
		      struct error *err);

/*
 * Leaves in a plan for a guest's end what is noted for that guest: what was somebody
 * else's by the time that the change began is none of its business. NULL: all stay.
 */
void bind_drop_others(const struct host *host, const char *guest, struct bind_plan *plan);

/* Whether the plan takes it from a driver of the host's. */
bool bind_loses_driver(const struct bind_member *member);

/*
 * 0, or -EBUSY with every reason as evidence (ERROR_REFUSED). What the request overrides
 * goes to the plan instead.
 */
int bind_refuse_in_use(const struct bind_view *view, const struct bind_request *request,
		       struct bind_plan *plan, bool take, struct error *err);
int bind_refuse_guests(const struct bind_view *view, const struct bind_request *request,
		       const struct bind_plan *plan, struct error *err);
int bind_refuse_stuck(const struct bind_plan *plan, struct error *err);
int bind_refuse_physical(const struct bind_view *view, const struct bind_plan *plan,
			 struct error *err);
/* One that its driver hands to guests, of a type that it was told, is taken from none. */
int bind_refuse_vendor(const struct bind_view *view, const struct bind_plan *plan,
		       struct error *err);
int bind_refuse_not_viable(const struct bind_view *view, const struct bind_plan *plan,
			   struct error *err);
int bind_refuse_kept_memory(const struct bind_view *view, const struct bind_plan *plan,
			    struct error *err);

/* Refused (ERROR_REFUSED, with who it is) while a process holds a slice. 0 or -errno. */
struct pci_slice;
int bind_slice_refuse_held(const struct host *host, const struct pci_slice *slice,
			   struct error *err);

#endif
