/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_MDEV_BOOT_H
#define PCIFERRY_CLI_MDEV_BOOT_H

/* Slices that start by themselves at each boot, as verify tells them and bind --tab makes
 * them. */
#include "cli/take.h"
#include "plan/verify.h"

struct json_object;

/* Makes one that can be made; another that is not there is told why. 0 or -errno. */
int mdev_boot_make(const struct cli *cli, const struct host *host,
		   const struct take_options *options,
		   const struct plan_expected_slice *expected, struct error *err);

void mdev_boot_print(const struct plan_expected_slice *expected);

/* "slices" of verify. NULL: no memory. */
struct json_object *mdev_boot_json(const struct plan_verification *verification);

#endif
