/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making and removing virtual functions. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/functions.h"
#include "bind/internal.h"

static int add_write(struct change_steps *steps, const struct bind_functions *functions,
		     const char *attribute, unsigned int value, const char *purpose)
{
	char address[PCI_ADDRESS_SIZE], path[PCI_ATTRIBUTE_PATH_SIZE], text[16];
	char link[PCI_ATTRIBUTE_PATH_SIZE];
	struct change_step step = {
		.kind = CHANGE_WRITE_ATTRIBUTE,
		.device = address,
		.target = path,
		.value = text,
		.purpose = (char *)purpose,
	};

	pci_address_format(&functions->physical, address);
	pci_attribute_path(&functions->physical, attribute, path);
	snprintf(text, sizeof(text), "%u\n", value);
	/* What the driver says to 0 is not what it does. */
	if (!strcmp(attribute, "sriov_numvfs") && !value) {
		pci_attribute_path(&functions->physical, "virtfn0", link);
		step.link = link;
		step.disks = functions->disks;
	}
	return change_add(steps, &step);
}

static int add_number(struct change_steps *steps, const struct bind_functions *functions,
		      unsigned int value)
{
	char purpose[64];

	if (value)
		snprintf(purpose, sizeof(purpose), "make %u virtual functions", value);
	else
		snprintf(purpose, sizeof(purpose), "remove its virtual functions");
	return add_write(steps, functions, "sriov_numvfs", value, purpose);
}

static int add_probing(struct change_steps *steps, const struct bind_functions *functions,
		       bool probed)
{
	return add_write(steps, functions, "sriov_drivers_autoprobe", probed,
			 probed ? "drivers may take new virtual functions again"
				: "no driver takes the new virtual functions");
}

static bool changes(const struct bind_functions *functions)
{
	return functions->wanted != functions->count;
}

bool bind_functions_hold_back(const struct bind_functions *functions)
{
	return changes(functions) && functions->wanted &&
	       (functions->driver || functions->settings.count) &&
	       (functions->probing || functions->left_off);
}

static int add_making(const struct bind_functions *functions, struct change_steps *steps)
{
	bool off = bind_functions_hold_back(functions);
	int r = 0;

	if (functions->left_off && !off)
		r = add_probing(steps, functions, true);
	if (r == 0 && changes(functions) && functions->count)
		r = add_number(steps, functions, 0);
	if (r == 0 && off)
		r = add_probing(steps, functions, false);
	if (r == 0 && changes(functions) && functions->wanted)
		r = add_number(steps, functions, functions->wanted);
	return r;
}

int bind_functions_steps(const struct bind_functions *functions,
			 struct change_steps *ret_steps)
{
	struct change_steps steps = { 0 };
	int r = add_making(functions, &steps);

	/* What new ones are like nobody knows before. */
	if (r == 0)
		r = bind_functions_add_settings(
			functions, changes(functions) ? NULL : &functions->link, &steps);
	if (r < 0) {
		change_steps_free(&steps);
		return r;
	}
	*ret_steps = steps;
	return 0;
}

int bind_functions_wait(struct change *change, const struct pci_address *physical,
			struct error *err)
{
	char address[PCI_ADDRESS_SIZE];

	return change_wait_for_device(change, pci_address_format(physical, address),
				      change_deadline_ms(change), err);
}

/*
 * What is kept of functions that are gone is of no use, and others may have their
 * addresses next.
 */
static void forget(struct change *change, const struct bind_functions *functions)
{
	for (size_t i = 0; i < functions->count; i++)
		bind_forget(change, &functions->items[i]);
}

/* A driver may say yes, and have made fewer. */
static int check_made(struct change *change, const struct bind_functions *functions,
		      struct bind_functions *ret_now, struct error *err)
{
	char address[PCI_ADDRESS_SIZE];
	int r = bind_functions_read(change_host(change), &functions->physical, ret_now,
				    err);

	if (r < 0 || ret_now->count == functions->wanted)
		return r;
	error_set(err, EIO, pci_address_format(&functions->physical, address),
		  "its driver made %zu virtual functions instead of %u", ret_now->count,
		  functions->wanted);
	error_hint(err, "the kernel log may say why: dmesg | tail");
	return -EIO;
}

/*
 * They are nobody's yet, and first states are forgotten once they are bound: given back,
 * one goes to the driver that the kernel chooses.
 */
static int hand_over(struct change *change, const struct bind_functions *functions,
		     const struct bind_functions *now, struct error *err)
{
	struct bind_request request = {
		.addresses = now->items,
		.count = now->count,
		.driver = functions->driver,
		.last_look = true,
	};
	_cleanup_(bind_plan_free) struct bind_plan plan = { 0 };
	int r = bind_plan_take(change_host(change), &request, &plan, err);

	if (r == 0 && !bind_plan_is_done(&plan))
		r = bind_take(change, &plan, err);
	if (r == 0 && changes(functions))
		forget(change, now);
	return r;
}

static int perform(struct change *change, const struct bind_functions *functions,
		   bool is_back, struct error *err)
{
	_cleanup_(bind_functions_free) struct bind_functions now = { 0 };
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	int r = 0;

	if (add_making(functions, &steps) < 0)
		return error_oom(err);
	for (size_t i = 0; r == 0 && i < steps.count; i++) {
		r = change_perform(change, &steps.items[i], err);
		if (r == 0 && steps.items[i].link)
			forget(change, functions);
	}
	/* sriov_numvfs_store(), and vfio_pci_core_sriov_configure(). */
	if (r == -ENOENT)
		error_evidence(err, "its driver makes no virtual functions (vfio-pci does"
				    " with its option enable_sriov=1)");
	if (r == 0)
		r = check_made(change, functions, &now, err);
	if (r == 0)
		r = bind_functions_set(change, functions, is_back, err);
	if (r == 0 && functions->driver && now.count)
		r = hand_over(change, functions, &now, err);
	return r;
}

static int turn_on(struct change *change, const struct bind_functions *functions,
		   struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	char name[BIND_KEPT_NAME_SIZE];
	int r;

	if (add_probing(&steps, functions, true) < 0)
		return error_oom(err);
	r = change_perform(change, &steps.items[0], err);
	if (r == 0)
		change_drop_state(change, bind_kept_name(&functions->physical,
							 BIND_PROBING_KEPT, name));
	return r;
}

/* Those that no driver was to have until they were set go to whichever takes them. */
static int let_go(struct change *change, const struct bind_functions *functions,
		  struct error *err)
{
	_cleanup_(bind_functions_free) struct bind_functions now = { 0 };
	int r = turn_on(change, functions, err);

	if (r == 0 && !functions->driver)
		r = bind_functions_read(change_host(change), &functions->physical, &now,
					err);
	for (size_t i = 0; r == 0 && i < now.count; i++) {
		_cleanup_(change_steps_free) struct change_steps steps = { 0 };
		const struct bind_member member = { .address = now.items[i],
						    .let_kernel_choose = true };
		const struct bind_state none = { .driver = "" };

		if (bind_add_steps(&steps, &member, &none, &none) < 0)
			return error_oom(err);
		/* That none takes it is no failure. */
		if (change_perform(change, &steps.items[0], NULL) == -ETIMEDOUT)
			r = error_set(err, ETIMEDOUT, steps.items[0].device,
				      "a driver has been asked to take it, and the kernel"
				      " has not come back from that");
	}
	return r;
}

/* Whether there are as many as before. */
static bool is_count(struct change *change, const struct bind_functions *before)
{
	_cleanup_(bind_functions_free) struct bind_functions now = { 0 };

	return bind_functions_read(change_host(change), &before->physical, &now, NULL) ==
		       0 &&
	       now.count == before->count;
}

/* As many as there were, set as they were, with the drivers that the kernel gives them.
 */
static int roll_back(struct change *change, const struct bind_functions *functions,
		     struct error *err)
{
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	_cleanup_(bind_functions_free) struct bind_functions back = { 0 };
	char name[BIND_KEPT_NAME_SIZE];
	int r = bind_functions_read(change_host(change), &functions->physical, &back,
				    &failure);

	back.wanted = (unsigned int)functions->count;
	if (r == 0)
		r = bind_functions_want_back(functions, &back, err);
	if (r == 0 && bind_functions_hold_back(&back))
		r = change_keep_state(
			change, bind_kept_name(&back.physical, BIND_PROBING_KEPT, name),
			"1\n", &failure);
	if (r == 0)
		r = perform(change, &back, true, &failure);
	if (bind_functions_hold_back(&back) && r != -ETIMEDOUT) {
		int on = let_go(change, &back, r == 0 ? &failure : NULL);

		r = r ? r : on;
	}
	if (r < 0 && is_count(change, functions))
		error_evidence(err, "not all is set as it was before: %s",
			       failure.message);
	else if (r < 0)
		error_evidence(err,
			       "there were %zu virtual functions, and that could not"
			       " be made so again: %s",
			       functions->count, failure.message);
	return r;
}

int bind_functions_make(struct change *change, const struct bind_functions *functions,
			struct error *err)
{
	char name[BIND_KEPT_NAME_SIZE], address[PCI_ADDRESS_SIZE];
	bool off = bind_functions_hold_back(functions);
	int r = 0, back = 0;

	bind_kept_name(&functions->physical, BIND_PROBING_KEPT, name);
	/* What an earlier run has begun on one of them may still go on. */
	for (size_t i = 0; r == 0 && i < functions->count; i++)
		r = change_wait_for_device(
			change, pci_address_format(&functions->items[i], address), 0,
			err);
	if (r == 0 && off)
		r = change_keep_state(change, name, "1\n", err);
	if (r < 0)
		return r;
	r = perform(change, functions, false, err);
	if (r == -ETIMEDOUT) {
		pci_address_format(&functions->physical, address);
		/* Not where it is what hangs: then bind_functions_came_back() does it. */
		if (off && change_wait_for_device(change, address, 0, NULL) == 0)
			turn_on(change, functions, NULL);
		return r;
	}
	if (r < 0)
		back = roll_back(change, functions, err);
	/* Also those that an earlier run has made, and did not come to hand out. */
	else if (off || (functions->left_off && !functions->driver))
		r = back = let_go(change, functions, err);
	if (back == 0)
		change_drop_state(change, name);
	return r;
}

void bind_functions_came_back(struct change *change, const char *device, void *argument)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	_cleanup_free_ char *kept = NULL;
	struct bind_functions functions = { 0 };
	char name[BIND_KEPT_NAME_SIZE], path[PCI_ATTRIBUTE_PATH_SIZE];

	if (pci_address_parse(device, &functions.physical) < 0)
		return;
	pci_attribute_path(&functions.physical, "physfn", path);
	if (host_exists(change_host(change), path)) {
		bind_came_back(change, device, argument);
		return;
	}
	if (change_read_state(change_host(change),
			      bind_kept_name(&functions.physical, BIND_PROBING_KEPT,
					     name),
			      &kept) < 0 ||
	    add_probing(&steps, &functions, true) < 0 ||
	    change_perform_here(change, &steps.items[0]) < 0)
		return;
	change_drop_state(change, name);
}
