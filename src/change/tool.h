/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PCIFERRY_CHANGE_TOOL_H
#define PCIFERRY_CHANGE_TOOL_H

#include "change/edit.h"

/*
 * Runs the tool of an EDIT_RUN on the host, and waits for it. All that it writes goes to
 * the descriptor `output`. Returns 0, or -errno when it cannot be run, fails, or takes an
 * hour.
 */
int change_run_tool(struct change *change, const struct change_edit *edit, int output,
		    const struct change_watcher *watcher, struct error *err);

#endif
