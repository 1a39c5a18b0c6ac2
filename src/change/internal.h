/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHANGE_INTERNAL_H
#define PCIFERRY_CHANGE_INTERNAL_H

#include <signal.h>

#include "base/error.h"
#include "change/change.h"
#include "change/edit.h"
#include "host/links.h"
#include "host/netlink.h"

struct change {
	const struct host *host;
	struct change_options options;
	int run_dir; /* /run/pciferry */
	int lock;    /* held by this process while this is open */
	sigset_t old_signals;
	int late_result; /* of what came back */
};

/*
 * Takes the lock of one device, waiting at most wait_ms. Returns a descriptor that holds
 * it, for this process alone, until it is closed; -ETIMEDOUT with *ret_holder (0: not
 * known); or -errno.
 */
int change_lock_device(const struct change *change, const char *device,
		       unsigned int wait_ms, pid_t *ret_holder);

/* The way out where /run/pciferry cannot be written: of a positive errno. */
void change_hint_at_run(int code, struct error *err);

/* Whether another process changes this host. Not for who has the lock: it gives it up. */
bool change_is_busy(const struct host *host);

/* change_find_interrupted(), whoever changes the host. */
int change_find_unfinished(const struct host *host, unsigned int *ret_id);

/*
 * Opens the folder of a path, making what is missing of it. Returns a descriptor, or
 * -errno.
 */
int change_open_parent(const struct host *host, const char *path);

void change_edit_free(struct change_edit *edit); /* what it holds */

/* Adds an edit, and takes its texts, also on failure. Returns 0 or -ENOMEM. */
int change_edits_add(struct change_edits *edits, struct change_edit *edit);

/* What is at a path: 0, with *ret_existed, and the bytes if it does; or -errno. */
int change_look_at(const struct host *host, const char *path, bool *ret_existed,
		   char **ret_bytes, size_t *ret_len);

/* The words for what went wrong at a path beneath the root. Returns r. */
int change_explain_path(const char *path, int r, struct error *err);

/* A path as the subject of an error: from the root on. Returns the buffer. */
const char *change_subject(const char *path, char buffer[ERROR_SUBJECT_SIZE]);

/* The last component of a path. */
const char *change_file_name(const char *path);

/* Removes a file, if it is there. Returns 0 or -errno. */
int change_take_away(const struct host *host, const char *path, struct error *err);

/*
 * Makes a character device's node a user's, whose number it is. Its group and mode stay.
 * Waits until udev has done what it does with a new one. Returns 0 or -errno.
 */
int change_give_node(const struct change *change, const char *path, const char *user);

/*
 * Does a step, in this process. `reason` gets the kernel's own words where it gives any;
 * it may be NULL. Returns 0 or -errno.
 */
int change_do(const struct change *change, const struct change_step *step,
	      char reason[HOST_REASON_SIZE]);

/* The message that sets a virtual function's settings, as host/links.h writes them. */
struct change_function_request {
	_Alignas(8) char bytes[512];
};

/* Returns 0 or -EINVAL. */
int change_function_request(const char *interface, const char *setting,
			    struct change_function_request *ret_request);

/* Sends it. `reason` may be NULL. Returns 0 or -errno. */
int change_set_function(const struct change_step *step, char reason[HOST_REASON_SIZE]);

/* Whether the kernel tells of it what the step has set; else *now is what it tells, "" if
 * nothing. */
bool change_function_is_set(const struct host *host, const struct change_step *step,
			    char now[HOST_FUNCTION_TEXT_SIZE]);

/* The words for why it is not set: r, or that the driver took it and it is untrue. */
void change_explain_function(const struct change *change, const struct change_step *step,
			     int r, bool untrue, const char *reason, struct error *err);

/* Reads a ROM (change/rom.h). -EFBIG: it is longer than any can be; or another -errno. */
int change_copy_attribute(const struct change *change, const struct change_step *step);

/*
 * Closes each ROM that a reading which was killed has left open, as its first state says,
 * with the lock held. What cannot be closed now stays for the next change.
 */
void change_close_roms(struct change *change);

/* Loads a module and what it needs. Returns 0, -ENOENT when there is none, or -errno. */
int change_load_module(const char *name);

/* Unloads that one alone. Returns 0, also when it is not loaded; -EBUSY or -errno. */
int change_unload_module(const char *name);

/* systemctl's order to a unit, waited for. Returns 0, -EIO when it failed, or -errno. */
int change_order_unit(const struct change *change, const char *order, const char *unit);

/* Until the next boot, "AllowedCPUs=0-1". systemctl's answer as above. */
int change_set_unit(const struct change *change, const char *unit,
		    const char *assignment);

#endif
