/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PLAN_TRIAL_H
#define PCIFERRY_PLAN_TRIAL_H

/* A change that is tried for one boot: docs/design/trials.md. */
#include <stdbool.h>

#include "host/host.h"

/* After so long the unit pciferry-trial.timer reboots, when nobody has committed. */
enum { PLAN_TRIAL_MINUTES = 10 };

/* Whether this boot is a trial, and of which change. */
bool plan_trial_now(const struct host *host, unsigned int *ret_id);

/* Whether a trial was made that is neither permanent nor undone, and which one. */
bool plan_trial_pending(const struct host *host, unsigned int *ret_id);

/* ERROR_REFUSED where one was: its changes would get mixed with others. 0 or -EPERM. */
int plan_refuse_pending(const struct host *host, struct error *err);

#endif
