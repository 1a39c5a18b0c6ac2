/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHANGE_INTERNAL_H
#define PCIFERRY_CHANGE_INTERNAL_H

#include <signal.h>

#include "change/change.h"

struct change {
	const struct host *host;
	struct change_options options;
	int run_dir; /* /run/pciferry */
	int lock;    /* held by this process while this is open */
	sigset_t old_signals;
};

/*
 * Takes the lock of one device, waiting at most wait_ms. Returns a descriptor that holds
 * it, for this process alone, until it is closed; -ETIMEDOUT with *ret_holder (0: not
 * known); or -errno.
 */
int change_lock_device(const struct change *change, const char *device,
		       unsigned int wait_ms, pid_t *ret_holder);

/* Loads a module and what it needs. Returns 0, -ENOENT when there is none, or -errno. */
int change_load_module(const char *name);

#endif
