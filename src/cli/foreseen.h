/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_FORESEEN_H
#define PCIFERRY_CLI_FORESEEN_H

/* How a prediction of the next boot is shown. */
#include "plan/plan.h"

struct json_object;

/* "Next boot:" and a line for each device, or each kernel where they differ. */
void foreseen_print(const struct plan_predictions *predictions);

/* NULL: out of memory. */
struct json_object *foreseen_json(const struct plan_predictions *predictions);

/*
 * After an apply: what the images that are really there make of the next boot takes the
 * place of what the plan foresaw, but for a trial, whose image is not read; and it is
 * kept for verify. The change is made by then: whatever goes wrong here is only told.
 */
void foreseen_look_again(const struct host *host, struct plan *plan);

/* How many of a plan's devices are known not to get their drivers. */
size_t foreseen_failures(const struct plan *plan);

/*
 * The exit status of change `id`: an apply that is known not to work must not look like
 * one that does, and says so.
 */
int foreseen_tell_failures(const struct plan *plan, unsigned int id);

#endif
