/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_PLAN_FUNCTIONS_H
#define PCIFERRY_PLAN_FUNCTIONS_H

/* Virtual functions at each boot: docs/design/binding.md. */
#include "bind/function_settings.h"
#include "boot/boot.h"
#include "host/host.h"

struct plan_functions_request {
	struct pci_address physical;
	unsigned int count; /* 0: not any more */
	const char *driver; /* that the tab may name; NULL: whichever takes them */
	/* Beside those of the tab, which they take the place of; of each function alone.
	 */
	const struct bind_function_settings *settings;
};

/*
 * The edits after which it is so, looked at (change_edits_look()), for
 * change_edits_free(); none where it is so already. ret_instructions is what a person has
 * to do as well. Refused where the tab gives the physical function itself away, and while
 * a trial is not over. Returns 0 or -errno.
 */
int plan_functions(const struct host *host, const struct plan_functions_request *request,
		   struct change_edits *ret_edits, struct string_list *ret_instructions,
		   struct error *err);

#endif
