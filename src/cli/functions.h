/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_FUNCTIONS_H
#define PCIFERRY_CLI_FUNCTIONS_H

/* What vf and bind --tab share: virtual functions made, now and at each boot. */
#include "bind/functions.h"
#include "cli/take.h"
#include "plan/functions.h"

/* What is written for the boots to come. */
struct functions_kept {
	unsigned int id; /* of the change; 0: nothing had to be written */
	struct string_list instructions;
};
void functions_kept_free(struct functions_kept *kept); /* takes NULL */

/*
 * Makes as many as the request wants. *ret_before, for bind_functions_free(), is what
 * there was. With ret_kept the tab says so, too, and is looked at before anything is
 * made. Returns 0 or -errno.
 */
int functions_make(const struct cli *cli, const struct host *host,
		   const struct take_options *options,
		   const struct bind_functions_request *request,
		   struct bind_functions *ret_before, struct functions_kept *ret_kept,
		   struct error *err);

/* The steps to that, as a dry run shows them; the edits, too, if it is to be kept. */
int functions_print_steps(const struct host *host,
			  const struct bind_functions_request *request, bool keep,
			  struct error *err);

#endif
