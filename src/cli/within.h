/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_WITHIN_H
#define PCIFERRY_CLI_WITHIN_H

/* --wait: looking again until what the tab wants is so, for a time. */
#include <stdbool.h>

#include "plan/verify.h"

/* The value of --wait, NULL where it has none. Returns 0 or -EINVAL. */
int within_parse(const char *text, unsigned int *ret_seconds, struct error *err);

/*
 * Verifies until is_enough says so, which may act on what was found, or the time is over:
 * at boot, devices still come.
 * Where nothing of the tab is carried out there is nothing to wait for. Returns 0 or
 * -errno.
 */
int within_verify(const struct host *host, unsigned int seconds,
		  bool (*is_enough)(const struct plan_verification *, void *argument),
		  void *argument, struct plan_verification *ret_verification,
		  struct error *err);

#endif
