/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_PLAN_H
#define PCIFERRY_CLI_PLAN_H

/* What plan and apply share: from arguments to a plan, and how it is shown. */
#include "cli/cli.h"
#include "plan/saved.h"

/* What was asked for. */
struct plan_wish {
	struct plan_options options;
	bool all_matching;
	bool dry_run;
	bool trial;
	bool resume;
	bool force;
	const char *output; /* where the plan is to be saved; NULL: nowhere */

	struct host *host;
	struct pci_address *addresses;
	size_t count;
	struct plan_pages *pages; /* huge ones; they alone, where no device is named */
	size_t n_pages;
	bool gvt;		  /* it too */
	struct plan_saved *saved; /* the FILE's; NULL: none was given */
};
void plan_wish_free(struct plan_wish *wish);

/* Which command it is for. */
enum plan_command { PLAN_COMMAND, APPLY_COMMAND };

/* Reads options and arguments, and opens the host, but to resume. Returns 0 or -errno. */
int plan_wish_read(struct cli *cli, enum plan_command command, int argc, char **argv,
		   struct plan_wish *wish, struct error *err);

/* Makes the plan, for plan_free(). Returns 0 or -errno. */
int plan_wish_make(const struct plan_wish *wish, struct plan *ret_plan,
		   struct error *err);

/* change: its number; 0: nothing was changed. Both return 0 or -ENOMEM. */
int plan_print(const struct plan *plan, struct error *err);
int plan_print_json(const char *command, const struct plan *plan, unsigned int change,
		    struct error *err);

#define PLAN_HELP                                                                      \
	"  --adopt          what was set up for them by hand goes: the tab says\n"     \
	"                   the same\n"                                                \
	"  --by-id          by IDs, for booster and where there is no initramfs\n"     \
	"  --headless       the host may lose its only display\n"                      \
	"  --hugepages SIZE[@NODE]\n"                                                  \
	"                   of huge pages at each boot, in all, where the devices\n"   \
	"                   are, or at that NUMA node; 0: none for pciferry's sake\n"  \
	"  --gvt            Intel's graphics can be cut into slices (pciferry mdev)\n" \
	"  --trial          the next boot alone; pciferry commit makes it permanent\n" \
	"  --all-matching   IDs may mean several devices\n"                            \
	"  --root DIR       the system that is mounted at DIR, and does not run\n"

#endif
