/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_EDITS_H
#define PCIFERRY_CLI_EDITS_H

/* How edits of files are shown, before, while and after they are made. */
#include "change/edit.h"
#include "cli/cli.h"
#include "plan/plan.h"

struct json_object;

/* One edit, with the difference that it makes if asked for. Returns 0 or -ENOMEM. */
int edits_print(const struct change_edit *edit, bool with_difference);

/* All, and what a person has to do as well (NULL: nothing), as a dry run shows them. */
int edits_print_all(const struct change_edits *edits,
		    const struct string_list *instructions, struct error *err);

/* A list of them. */
struct json_object *edits_json(const struct change_edits *edits);

/* Says what is going on, where a person watches. */
struct change_watcher edits_watcher(const struct cli *cli);

/*
 * Makes them, as a change that is called `title` and is about these devices, and says
 * what is going on; as change_apply().
 */
int edits_apply(const struct cli *cli, struct change *change, const char *title,
		const struct pci_address *addresses, size_t count,
		const struct change_edits *edits, unsigned int *ret_id,
		struct error *err);

/* The same for a plan; *ret_id stays where it has no edits. */
int edits_apply_plan(const struct cli *cli, struct change *change,
		     const struct plan *plan, unsigned int *ret_id, struct error *err);

/* What the tab's change is for, and its way back; 0: the tab said so already. */
void edits_tell_kept(unsigned int id, const char *what);

/* The refusal of a plan in which a person has something to do first. Returns -EPERM. */
int edits_refuse_by_hand(const struct plan *plan, struct error *err);

/* Waits for another pciferry, and says so; as change_begin(). */
int edits_begin(const struct cli *cli, const struct host *host,
		struct change **ret_change, struct error *err);

/* Goes on with an interrupted change; as change_resume(), on the host of --root. */
int edits_resume(const struct cli *cli, struct host **ret_host,
		 struct change_record *ret_record, struct error *err);

#endif
