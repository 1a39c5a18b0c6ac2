/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHANGE_CHANGE_H
#define PCIFERRY_CHANGE_CHANGE_H

/*
 * The one place that changes the host. Other rooms make steps; this one performs them,
 * one writer at a time, each with a deadline, each verified.
 *
 * A write to sysfs can sleep in the kernel without end (an unbind, while a process holds
 * the device). So a child process makes it, and holds the lock of that device while it
 * does: as long as it sleeps, others can see that the device is not to be touched, and go
 * on with the rest.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/text.h"
#include "host/host.h"
#include "host/links.h"

struct error;

enum change_kind {
	CHANGE_LOAD_MODULE,
	CHANGE_UNLOAD_MODULE, /* refused by the kernel while it is in use */
	CHANGE_WRITE_ATTRIBUTE,
	CHANGE_COPY_ATTRIBUTE, /* all that it holds, to `copy` */
	CHANGE_GIVE_NODE,
	CHANGE_STOP_UNIT, /* of systemd, by systemctl */
	CHANGE_START_UNIT,
	CHANGE_SET_UNIT, /* a property of it, until the next boot */
	CHANGE_SET_FUNCTION,
};

struct change_step {
	enum change_kind kind;
	char *device; /* the address, or UUID, that it is about; NULL: none */
	/* The attribute's or node's path beneath the root, module, unit or interface. */
	char *target;
	/* What is written, the number of a user, a unit's "PROPERTY=VALUE", or a virtual
	 * function's settings, in the words of host/links.h, which are read again
	 * afterwards; else NULL. */
	char *value;
	char *purpose; /* "unbind from nvme": what it is for, in a few words */
	int copy;      /* of CHANGE_COPY_ATTRIBUTE: where to; the caller's descriptor */

	/*
	 * Disks that must be nobody's while it is written (host_claim()), by the kernel's
	 * names: who comes between the last look and the step is seen, and who comes
	 * later is refused.
	 */
	struct string_list disks;

	/*
	 * What must be true afterwards, beside that the write succeeded: the link has
	 * this name as its target's last component, the attribute reads like this.
	 */
	char *link;	 /* NULL: any */
	char *link_name; /* NULL: there is no such link any more */
	char *reads;	 /* without white space at its end; NULL: anything */
};

struct change_steps {
	struct change_step *items;
	size_t count;
};

/* Adds a step; takes copies. Returns 0 or -ENOMEM. */
int change_add(struct change_steps *steps, const struct change_step *step);
void change_steps_free(struct change_steps *steps); /* takes NULL */

/* A change in progress: the lock is held, and signals that would end it half-way wait. */
struct change;

struct change_options {
	unsigned int deadline_ms; /* of each step */

	/* For each step, before it or one that it follows begins; may be NULL. */
	void (*progress)(const struct change_step *step, void *argument);

	/*
	 * A step on this device came back from the kernel after it had been given up.
	 * Runs in the child that made it, which still holds the device's lock; may be
	 * NULL.
	 */
	void (*came_back)(struct change *change, const char *device, void *argument);
	const char *late; /* what is told of such a step, as a hint; may be NULL */
	void *argument;
};

/* Whether the host can be changed: 0, or -EROFS for one that is not this machine. */
int change_check_host(const struct host *host, struct error *err);

/*
 * Waits at most wait_ms for another one that changes this host. Refuses (-EROFS) a host
 * that is not this machine. Returns 0 and *ret_change, for change_end(), or -errno.
 */
int change_begin(const struct host *host, const struct change_options *options,
		 unsigned int wait_ms, struct change **ret_change, struct error *err);
void change_end(struct change *change); /* takes NULL */
const struct host *change_host(const struct change *change);

/*
 * Performs one step. -ETIMEDOUT: the kernel has not come back from it; the device is left
 * alone until it does.
 */
int change_perform(struct change *change, const struct change_step *step,
		   struct error *err);

/*
 * Performs each list's steps in their order, each list in a child of its own, all at the
 * same time: no device may be in two. A list ends where a step fails. What failed first
 * is the error, what else did its evidence. Returns 0 or -errno, when none is under way
 * any more but what hangs.
 */
int change_perform_all(struct change *change, const struct change_steps *lists,
		       size_t count, struct error *err);

/*
 * A property of a unit of systemd's, as systemctl shows it, which the caller frees.
 * -ENODATA: this systemd has none of that name; -ETIMEDOUT; -EIO where systemctl fails;
 * or another -errno.
 */
int change_read_unit(const struct change *change, const char *unit, const char *property,
		     char **ret_value);

/* Whether the PCI device is there: it may have been unplugged meanwhile. */
bool change_device_is_there(const struct host *host, const char *device);

/*
 * Waits at most wait_ms until no step of an earlier pciferry is under way on the device.
 * -ETIMEDOUT: one still is.
 */
int change_wait_for_device(struct change *change, const char *device,
			   unsigned int wait_ms, struct error *err);
unsigned int change_deadline_ms(const struct change *change);

/*
 * Waits at most wait_ms until there is something at a path beneath the root; where that
 * is a device's node, also until udev has done what it does with a new one. -ETIMEDOUT:
 * there is nothing.
 */
int change_wait_for(struct change *change, const char *path, unsigned int wait_ms);

/* For came_back: 0, or the -errno with which the steps ended. */
int change_late_result(const struct change *change);

/*
 * For came_back: performs a step in this process, without a deadline of its own.
 */
int change_perform_here(struct change *change, const struct change_step *step);

/*
 * What a device was like before it was first touched, kept in /run/pciferry until it is
 * so again: text, by the device's address. It need not outlive a reboot, nor does the
 * change.
 */
int change_keep_state(struct change *change, const char *device, const char *text,
		      struct error *err);
int change_drop_state(struct change *change, const char *device);

/*
 * Makes a file, and the directories above it, for root alone, with these bytes. -EEXIST:
 * there is one already, which is left as it is. The path is beneath the root. Needs no
 * lock.
 */
int change_create_file(const struct host *host, const char *path, const void *bytes,
		       size_t len, struct error *err);

/*
 * Makes a folder, and those above it, for this user alone; one that is there is made so.
 * -EPERM: it is another's. Needs no lock.
 */
int change_create_folder(const struct host *host, const char *path);

/* Whether a program can have its socket there. -EADDRINUSE: another one listens there. */
int change_check_socket(const struct host *host, const char *path);

/*
 * Removes a socket that a program has left; 0 also where nothing is there. -ENOTSOCK: it
 * is something else, -EADDRINUSE: a program listens there, and it stays. Needs no lock.
 */
int change_remove_socket(const struct host *host, const char *path);

/*
 * Makes a network interface for a guest (a tap) with that name, in a bridge that is
 * there. mac is the guest's own; the interface has one like it. It is there as long as a
 * descriptor of it is open, wherever, and undone by the kernel: needs no lock. The caller
 * closes *ret_fd.
 */
int change_make_tap(const struct host *host, const char *bridge, const char *name,
		    const unsigned char mac[HOST_MAC_LEN], int *ret_fd,
		    struct error *err);

/*
 * Opens the node of a device of the host's USB, for QEMU to hand it to a guest; the
 * caller closes *ret_fd. change_return_usb(), on it when QEMU has ended, gives each of
 * the device's interfaces that is left without a driver to the one that wants it: QEMU
 * does so itself, unless it was killed. Both need no lock.
 */
int change_open_usb(const struct host *host, unsigned int bus, unsigned int device,
		    int *ret_fd, struct error *err);
int change_return_usb(int fd);

/*
 * What took long to find out, by a name, kept in /run/pciferry/images for root alone. It
 * is nothing that would be missed: a file there that root has not written is not read.
 * Both need no lock, and return 0 or -errno.
 */
int change_remember(const struct host *host, const char *name, const void *bytes,
		    size_t len);
int change_recall(const struct host *host, const char *name, char **ret_bytes,
		  size_t *ret_len);

/* Needs no change in progress. The caller frees *ret_text. -ENOENT: none is kept. */
int change_read_state(const struct host *host, const char *device, char **ret_text);

#endif
