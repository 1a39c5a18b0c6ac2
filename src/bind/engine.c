/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/internal.h"

/* Before anything is touched, so that there is a way back from every later instant. */
static int keep_first_states(struct change *change, const struct bind_plan *plan,
			     struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		const struct bind_member *member = &plan->members[i];
		struct bind_record record = { .first = member->first };
		_cleanup_free_ char *text = NULL;
		char address[PCI_ADDRESS_SIZE];

		if (member->kept || !strcmp(member->now.driver, member->wanted.driver))
			continue;
		memcpy(record.identity, member->identity, sizeof(record.identity));
		text = bind_record_format(&record);
		if (!text)
			return error_oom(err);
		pci_address_format(&member->address, address);
		r = change_keep_state(change, address, text, err);
	}
	return r;
}

static int read_now(const struct host *host, const char *address,
		    struct bind_state *ret_now, bool *ret_stuck)
{
	struct pci_device device = { 0 }, *devices[] = { &device };
	char path[PCI_ATTRIBUTE_PATH_SIZE];
	int r;

	if (pci_address_parse(address, &device.address) < 0)
		return -EINVAL;
	r = pci_read_overrides(host, devices, 1, NULL);
	*ret_stuck = device.stuck;
	if (r == 0 && !device.stuck && device.override_fact != FACT_KNOWN)
		r = -EIO;
	memset(ret_now, 0, sizeof(*ret_now));
	if (r == 0 && !device.stuck) {
		snprintf(ret_now->override, sizeof(ret_now->override), "%s",
			 device.driver_override);
		pci_attribute_path(&device.address, "driver", path);
		if (host_link_name(host, path, ret_now->driver,
				   sizeof(ret_now->driver)) == FACT_UNREADABLE)
			r = -EIO;
	}
	free(device.driver_override);
	return r;
}

static int perform_all(struct change *change, const struct change_steps *steps,
		       struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < steps->count; i++)
		r = change_perform(change, &steps->items[i], err);
	return r;
}

/* Brings one device to a state, from whatever it is in. */
static int bring_to(struct change *change, const struct bind_member *member,
		    const struct bind_state *to, struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	char address[PCI_ADDRESS_SIZE];
	struct bind_state now;
	bool stuck;
	int r;

	pci_address_format(&member->address, address);
	r = change_wait_for_device(change, address, 0, err);
	if (r < 0)
		return r;
	r = read_now(change_host(change), address, &now, &stuck);
	if (r < 0)
		return error_set(err, -r, address, "its driver could not be read");
	if (stuck)
		return error_set(err, ETIMEDOUT, address,
				 "its driver hangs in the kernel");
	if (bind_add_steps(&steps, member, &now, to) < 0)
		return error_oom(err);
	return perform_all(change, &steps, err);
}

/*
 * Where a device goes when this run fails: to how it was when the run began, or, where an
 * earlier run had left it half-way, without a driver, to how it was first.
 */
static const struct bind_state *way_back(const struct bind_member *member)
{
	return member->kept && !member->now.driver[0] ? &member->first : &member->now;
}

/* Puts all back; adds to the error what could not be. */
static void roll_back(struct change *change, const struct bind_plan *plan,
		      struct error *err)
{
	for (size_t i = plan->count; i-- > 0;) {
		const struct bind_member *member = &plan->members[i];
		_cleanup_(error_clear) struct error failure = ERROR_INIT;
		char address[PCI_ADDRESS_SIZE];

		pci_address_format(&member->address, address);
		if (bring_to(change, member, way_back(member), &failure) == 0) {
			if (!member->kept || way_back(member) == &member->first)
				change_drop_state(change, address);
			continue;
		}
		error_evidence(err, "%s could not be put back: %s", address,
			       failure.message);
	}
}

static int load_modules(struct change *change, const struct bind_plan *plan,
			struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };

	for (size_t i = 0; i < plan->modules.count; i++)
		if (bind_add_module(&steps, plan->modules.items[i]) < 0)
			return error_oom(err);
	return perform_all(change, &steps, err);
}

static int bring_all(struct change *change, struct bind_plan *plan, struct error *err)
{
	int r = load_modules(change, plan, err);

	if (r == 0)
		r = bind_name_drivers(change_host(change), plan, err);
	/* A module may bind devices by itself as it is loaded (options vfio-pci ids=), so
	 * the steps are made only now, from what each is like. */
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = bring_to(change, &plan->members[i], &plan->members[i].wanted, err);
	return r;
}

int bind_take(struct change *change, struct bind_plan *plan, struct error *err)
{
	char address[PCI_ADDRESS_SIZE];
	int r = 0;

	/* Before anything is touched: what an earlier run has begun may still go on. */
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = change_wait_for_device(
			change, pci_address_format(&plan->members[i].address, address), 0,
			err);
	if (r == 0)
		r = keep_first_states(change, plan, err);
	if (r < 0)
		return r;
	r = bring_all(change, plan, err);
	if (r < 0)
		roll_back(change, plan, err);
	return r;
}

static int release_member(struct change *change, const struct bind_member *member,
			  struct error *err)
{
	char address[PCI_ADDRESS_SIZE];
	int r;

	r = bring_to(change, member, &member->wanted, err);
	if (r < 0)
		return r;
	pci_address_format(&member->address, address);
	r = change_drop_state(change, address);
	return r < 0 ? error_set(err, -r, address,
				 "it is back, but what was kept of it in"
				 " /run/pciferry cannot be removed")
		     : 0;
}

int bind_release(struct change *change, const struct bind_plan *plan, struct error *err)
{
	int result = load_modules(change, plan, err);

	for (size_t i = 0; i < plan->count; i++) {
		_cleanup_(error_clear) struct error failure = ERROR_INIT;
		int r = release_member(change, &plan->members[i], &failure);

		if (r == 0)
			continue;
		if (result == 0)
			result = error_set(err, -r, failure.subject, "%s",
					   failure.message);
		else
			error_evidence(err, "%s: %s", failure.subject, failure.message);
		error_hint(err, "%s", failure.hint);
	}
	return result;
}

void bind_came_back(struct change *change, const char *device, void *argument)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	const struct host *host = change_host(change);
	_cleanup_free_ char *text = NULL;
	struct bind_member member = { 0 };
	struct bind_record record;
	bool stuck;

	(void)argument;
	if (pci_address_parse(device, &member.address) < 0 ||
	    change_read_state(host, device, &text) < 0 ||
	    bind_record_parse(text, strlen(text), &record) < 0 ||
	    read_now(host, device, &member.now, &stuck) < 0 || stuck ||
	    bind_add_steps(&steps, &member, &member.now, &record.first) < 0)
		return;
	for (size_t i = 0; i < steps.count; i++)
		if (change_perform_here(change, &steps.items[i]) < 0)
			return;
	change_drop_state(change, device);
}
