/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_VM_ISOLATE_H
#define PCIFERRY_VM_ISOLATE_H

/*
 * The host's other tasks are kept off the cores of guests that ask for it, while these
 * run: docs/design/guests.md, "Cores of its own".
 */
#include "change/change.h"
#include "vm/cpuset.h"

struct error;

/* systemd's units in which the host's tasks are; a guest of libvirt's is in none. */
enum { VM_ISOLATE_UNITS = 3 };
extern const char *const vm_isolate_units[VM_ISOLATE_UNITS];

struct vm_isolated {
	char *guest;
	struct vm_cpuset cpus;
	long since; /* clock_now_s() when it was about to start */
};

/*
 * What is kept in /run/pciferry/isolation.first while a guest has cores of its own, a
 * line for each unit, with the processors that it was given first, if any; and for each
 * guest:
 *
 *	system.slice 0-7
 *	user.slice
 *	init.scope
 *	guest 2-3 812 web
 */
struct vm_isolation {
	struct vm_cpuset first[VM_ISOLATE_UNITS]; /* empty: nobody has said */
	struct vm_isolated *guests;
	size_t n_guests;
};

/* The text above; for vm_isolation_free(). Returns 0; -EINVAL; or -ENOMEM. */
int vm_isolation_parse(const char *text, size_t len, struct vm_isolation *ret_isolation);
char *vm_isolation_format(const struct vm_isolation *isolation); /* NULL: no memory */
void vm_isolation_free(struct vm_isolation *isolation);		 /* takes NULL */

/* A guest that is there already gets these instead. Returns 0 or -ENOMEM. */
int vm_isolation_take(struct vm_isolation *isolation, const char *guest,
		      const struct vm_cpuset *cpus, long since);
void vm_isolation_drop(struct vm_isolation *isolation, const char *guest);

/*
 * Drops the guests whose process is not there, which libvirt has not told of. Of one that
 * was about to start within the last minutes it need not be there yet.
 */
void vm_isolation_drop_ended(const struct host *host, long now,
			     struct vm_isolation *isolation);

/* What a unit is to have: of all, or of what it was given first, what no guest has. */
void vm_isolation_left(const struct vm_isolation *isolation, size_t unit,
		       const struct vm_cpuset *all, struct vm_cpuset *ret_set);

/* Whether this host can do it: 0, or -ENOTSUP with the way out. */
int vm_isolate_check_host(const struct host *host, struct error *err);

/*
 * Keeps the host's tasks off the cores that these processors of a guest are on, until
 * vm_isolate_end(). Refused (ERROR_REFUSED) where none would be left to the host. What
 * was done is undone where it fails. Returns 0 or -errno.
 */
int vm_isolate(struct change *change, const char *guest, const struct vm_cpuset *pinned,
	       struct error *err);

/* Whether any guest may have such. */
bool vm_isolate_is_kept(const struct host *host);

/*
 * Gives the host what this guest had, and what others had that have ended. Does nothing
 * where nothing is kept. Returns 0 or -errno.
 */
int vm_isolate_end(struct change *change, const char *guest, struct error *err);

#endif
