/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_TAKE_H
#define PCIFERRY_CLI_TAKE_H

/* What bind, release and vm run share: from DEVICE arguments to a change carried out. */
#include "bind/bind.h"
#include "cli/cli.h"

struct take_options {
	const char *driver;	  /* the one to bind to; NULL: VFIO's */
	unsigned int deadline_ms; /* of each step */
	unsigned int lock_ms;	  /* how long to wait for another pciferry at work */
	const char *guest;	  /* which is about to start with them; may be NULL */
	bool all_matching;
	bool dry_run;
	bool gives_back; /* devices that have gone count, where something is kept of them
			  */

	/* Of the devices that are named: NAME=VALUE words; the caller's. NULL: none. */
	char *settings;

	bool stop_display; /* cards go with what shows a picture by way of them */

	const char *user; /* who may open the groups, as it was given; NULL: root */
	uid_t user_number;

	/* Those that go although they are in use; the caller's. */
	struct pci_address *forced;
	size_t n_forced;
};

/* Another pciferry that is at work has usually finished in that time. */
#define TAKE_OPTIONS_INIT                               \
	{                                               \
		.deadline_ms = 30000, .lock_ms = 60000, \
	}

/* --timeout's value. Returns 0 or -EINVAL. */
int take_parse_timeout(const char *text, struct take_options *options, struct error *err);

/* --user's value, a name or a number. Returns 0 or -EINVAL. */
int take_parse_user(const char *text, struct take_options *options, struct error *err);

/* --set's value, NAME=VALUE; options->settings is for free(). 0, -EINVAL or -ENOMEM. */
int take_parse_setting(const char *text, struct take_options *options, struct error *err);

/* --force's value, one address; options->forced is for free(). 0, -EINVAL or -ENOMEM. */
int take_parse_forced(const char *text, struct take_options *options, struct error *err);

/*
 * The addresses that the arguments mean, which the caller frees, and the host that they
 * are on, for host_free().
 */
int take_select(const struct cli *cli, const struct take_options *options, int argc,
		char **argv, struct host **ret_host, struct pci_address **ret_addresses,
		size_t *ret_count, struct error *err);

enum take_direction {
	TAKE,
	GIVE_BACK,
	GIVE_BACK_ALONE, /* not the rest of their groups */
};

/*
 * Binds or releases the groups of these devices. *ret_plan, for bind_plan_free(), is what
 * was done, or would be done in a dry run; it is done already where bind_plan_is_done()
 * says so.
 */
int take_carry_out(const struct cli *cli, const struct host *host,
		   const struct take_options *options,
		   const struct pci_address *addresses, size_t count,
		   enum take_direction direction, struct bind_plan *ret_plan,
		   struct error *err);

/* Gives the nodes of the plan's groups to a user (bind_give()). Returns 0 or -errno. */
int take_give(const struct cli *cli, const struct host *host,
	      const struct take_options *options, const struct bind_plan *plan,
	      uid_t user, struct error *err);

/* Whether the groups are bound already; then *ret_plan is set, as above. Changes nothing.
 */
bool take_is_done(const struct host *host, const struct take_options *options,
		  const struct pci_address *addresses, size_t count,
		  struct bind_plan *ret_plan);

/* The proof: VFIO itself says that a guest can have the groups. Returns 0 or -errno. */
int take_verify(const struct host *host, const struct bind_plan *plan, struct error *err);

/* Those that carrying it out has moved: what was on the driver before stays there. The
 * caller frees it; NULL: no memory. */
struct pci_address *take_moved(const struct bind_plan *plan, size_t *ret_count);

/* From here to the end signals wait, so that what was taken is given back first. */
void take_block_signals(void);

/* The steps of a plan, as a dry run shows them. */
int take_print_steps(const struct host *host, const struct bind_plan *plan,
		     const struct take_options *options, struct error *err);
void take_print_step_list(const struct change_steps *steps);

/*
 * Begins a change with these options, waiting for another pciferry that is at work. Of
 * `late` come came_back and late. For change_end(). Returns 0 or -errno.
 */
int take_begin(const struct cli *cli, const struct host *host,
	       const struct take_options *options, const struct change_options *late,
	       struct change **ret_change, struct error *err);

#endif
