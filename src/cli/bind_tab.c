/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bind --tab: what the tab wants at each boot and the initramfs could not do. */
#include "cli/bind_tab.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/functions.h"
#include "cli/mdev_boot.h"
#include "cli/output.h"
#include "cli/pages.h"
#include "cli/within.h"
#include "plan/verify.h"

static const struct plan_expected *find(const struct plan_verification *verification,
					const struct pci_address *address)
{
	for (size_t i = 0; i < verification->count; i++)
		if (!pci_address_compare(&verification->items[i].address, address))
			return &verification->items[i];
	return NULL;
}

/* A group goes when all of it is listed for that driver, as at boot. */
static int check_listed(const struct plan_verification *verification,
			const struct bind_plan *plan, const char *driver,
			struct error *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_expected *expected =
			find(verification, &plan->members[i].address);
		char address[PCI_ADDRESS_SIZE];

		if (expected && expected->fits && !strcmp(expected->wanted, driver))
			continue;
		error_refuse(err, pci_address_format(&plan->members[i].address, address),
			     "it is in the same group, and /etc/pciferry.tab does not"
			     " list it as it is: the group stays");
		error_hint(err, "pciferry apply DEVICE lists all of a group");
		return -EPERM;
	}
	return 0;
}

/* A device that came along for another one before is told once, with its settings. */
static void tell_settings(struct bind_member *told, const struct bind_member *done)
{
	char text[BIND_SETTINGS_TEXT_SIZE];

	if (!*bind_settings_format(&done->wanted.settings, text))
		return;
	told->wanted.settings = done->wanted.settings;
	told->now.settings = done->now.settings;
}

/* Takes what is done over from it, and leaves the rest to it. */
static int add_done(struct bind_plan *all, struct bind_plan *done)
{
	struct bind_member *larger =
		reallocarray(all->members, all->count + done->count + 1, sizeof(*larger));
	size_t left = 0;

	if (!larger)
		return -ENOMEM;
	all->members = larger;
	for (size_t i = 0; i < done->count; i++) {
		const struct bind_member *told =
			bind_plan_find(all, &done->members[i].address);

		if (told) {
			tell_settings(&larger[told - larger], &done->members[i]);
			done->members[left++] = done->members[i];
		} else {
			larger[all->count++] = done->members[i];
		}
	}
	done->count = left;
	return 0;
}

static int bind_one(const struct cli *cli, const struct host *host,
		    const struct take_options *options,
		    const struct plan_verification *verification,
		    const struct plan_expected *expected, struct bind_plan *all,
		    struct error *err)
{
	_cleanup_(bind_plan_free) struct bind_plan look = { 0 }, done = { 0 };
	struct take_options one = *options;
	int r;

	one.driver = expected->wanted;
	one.settings = expected->settings;
	one.dry_run = true;
	r = take_carry_out(cli, host, &one, &expected->address, 1, TAKE, &look, err);
	if (r == 0)
		r = check_listed(verification, &look, expected->wanted, err);
	if (r == 0 && options->dry_run)
		return take_print_steps(host, &look, options, err);
	one.dry_run = false;
	if (r == 0)
		r = take_carry_out(cli, host, &one, &expected->address, 1, TAKE, &done,
				   err);
	if (r == 0 && add_done(all, &done) < 0)
		r = error_oom(err);
	return r;
}

/* One that failed. The first is the command's, the others are told at once. */
static void note_failure(int r, struct error *one, int *result, struct error *err)
{
	if (r < 0 && *result == 0 && err) {
		*result = r;
		*err = *one;
		return;
	}
	if (r < 0)
		output_error(one);
	error_clear(one);
}

static int make_functions(const struct cli *cli, const struct host *host,
			  const struct take_options *options,
			  const struct plan_expected_functions *expected,
			  struct error *err)
{
	_cleanup_(bind_functions_free) struct bind_functions before = { 0 };
	const struct bind_functions_request request = {
		.physical = expected->physical,
		.wanted = expected->wanted,
		.driver = expected->driver[0] ? expected->driver : NULL,
		.settings = &expected->settings,
		.last_look = !options->dry_run,
	};
	char address[PCI_ADDRESS_SIZE];
	int r;

	pci_address_format(&expected->physical, address);
	if (!expected->fits || expected->bad_settings)
		return error_set(err, ENODEV, address, "%s", expected->why);
	if (options->dry_run)
		return functions_print_steps(host, &request, false, err);
	r = functions_make(cli, host, options, &request, &before, NULL, err);
	if (r == 0 && !cli->json)
		output_line("%s: %u virtual functions, had %zu%s%s", address,
			    request.wanted, before.count,
			    request.driver ? ", each on " : "",
			    request.driver ? request.driver : "");
	return r;
}

/* Each device that is there, and is to make virtual functions, has a driver. */
static bool can_make_functions(const struct plan_verification *verification,
			       void *argument)
{
	bool all = true;

	(void)argument;
	for (size_t i = 0; i < verification->n_functions; i++)
		all &= verification->functions[i].can_be_made ||
		       !verification->functions[i].fits;
	return all;
}

static void make_all_functions(const struct cli *cli, const struct host *host,
			       const struct take_options *options,
			       const struct plan_verification *verification, int *result,
			       struct error *err)
{
	for (size_t i = 0; i < verification->n_functions; i++) {
		const struct plan_expected_functions *expected =
			&verification->functions[i];
		struct error one = ERROR_INIT;

		if (!expected->holds)
			note_failure(make_functions(cli, host, options, expected, &one),
				     &one, result, err);
	}
}

static void reserve_all_pages(const struct cli *cli, const struct host *host,
			      const struct take_options *options,
			      const struct plan_verification *verification, int *result,
			      struct error *err)
{
	for (size_t i = 0; i < verification->n_pages; i++) {
		struct error one = ERROR_INIT;

		if (!verification->pages[i].holds)
			note_failure(pages_reserve(cli, host, options, verification,
						   &verification->pages[i], &one),
				     &one, result, err);
	}
}

static void bind_devices(const struct cli *cli, const struct host *host,
			 const struct take_options *options,
			 const struct plan_verification *verification,
			 struct bind_plan *plan, int *result, struct error *err)
{
	for (size_t i = 0; i < verification->count; i++) {
		const struct plan_expected *expected = &verification->items[i];
		struct error one = ERROR_INIT;
		char address[PCI_ADDRESS_SIZE];
		/* With another one of its group it was bound, and not set. */
		bool is_done =
			bind_plan_find(plan, &expected->address) && !expected->settings;
		int r;

		if (expected->holds)
			continue;
		pci_address_format(&expected->address, address);
		r = is_done ? 0
		    : expected->fits
			    ? bind_one(cli, host, options, verification, expected, plan,
				       &one)
			    : error_set(&one, ENODEV, address, "%s", expected->why);
		note_failure(r, &one, result, err);
		if (r == 0 && expected->bad_settings)
			note_failure(error_set(&one, EINVAL, address, "%s",
					       "its set line is another device's, or"
					       " makes no sense: pciferry verify tells"),
				     &one, result, err);
	}
}

/* What is needed to make slices while others are waited for. */
struct making {
	const struct cli *cli;
	const struct host *host;
	const struct take_options *options;
	struct string_list tried; /* "PARENT/UUID" */
	int *result;
	struct error *err;
	struct string_list *made; /* UUIDs */
};

static bool is_tried(const struct making *making,
		     const struct plan_expected_slice *expected)
{
	char key[PATH_MAX];

	snprintf(key, sizeof(key), "%s/%s", expected->parent, expected->uuid);
	return string_list_has(&making->tried, key);
}

static void make_slice(struct making *making, const struct plan_expected_slice *expected)
{
	struct error one = ERROR_INIT;
	int r = string_list_addf(&making->tried, "%s/%s", expected->parent,
				 expected->uuid);

	if (r == 0)
		r = mdev_boot_make(making->cli, making->host, making->options, expected,
				   &one);
	if (r == 0 && !making->options->dry_run)
		r = string_list_add(making->made, expected->uuid);
	if (r == -ENOMEM)
		error_oom(&one);
	note_failure(r, &one, making->result, making->err);
}

/* Makes each at once that can be made; whether none is left whose parent may appear. */
static bool make_ready(const struct plan_verification *verification, void *argument)
{
	struct making *making = argument;
	bool any = false;

	for (size_t i = 0; i < verification->n_slices; i++) {
		const struct plan_expected_slice *expected = &verification->slices[i];

		if (expected->holds || is_tried(making, expected))
			continue;
		if (expected->can_be_made)
			make_slice(making, expected);
		else
			any |= expected->can_come;
	}
	return !any;
}

/* Behind the virtual functions, which can be their parents. */
static void make_slices(struct making *making, unsigned int seconds)
{
	_cleanup_(plan_verification_free) struct plan_verification verification = { 0 };
	struct error one = ERROR_INIT;
	int r = within_verify(making->host, seconds, make_ready, making, &verification,
			      &one);

	if (r == 0 && verification.slices_bad)
		r = error_set(&one, EIO, "mdevctl's slices", "%s",
			      verification.slices_bad);
	note_failure(r, &one, making->result, making->err);
	for (size_t i = 0; r == 0 && i < verification.n_slices; i++)
		if (!verification.slices[i].holds &&
		    !is_tried(making, &verification.slices[i]))
			make_slice(making, &verification.slices[i]);
	string_list_free(&making->tried);
}

/* Goes on where one is refused: each group is for itself. */
int bind_tab(const struct cli *cli, const struct host *host,
	     const struct take_options *options, unsigned int seconds,
	     struct bind_plan *ret_plan, struct string_list *ret_slices,
	     struct error *err)
{
	_cleanup_(plan_verification_free) struct plan_verification verification = { 0 };
	struct making making = { .cli = cli,
				 .host = host,
				 .options = options,
				 .err = err,
				 .made = ret_slices };
	int result = within_verify(host, seconds, can_make_functions, NULL, &verification,
				   err);

	making.result = &result;

	if (result < 0)
		return result;
	if (verification.disarmed) {
		output_talk("pciferry=off is on the kernel's command line: nothing is"
			    " bound");
		return 0;
	}
	reserve_all_pages(cli, host, options, &verification, &result, err);
	make_all_functions(cli, host, options, &verification, &result, err);
	bind_devices(cli, host, options, &verification, ret_plan, &result, err);
	if (verification.n_slices || verification.slices_bad)
		make_slices(&making, seconds);
	return result;
}
