/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "bind/internal.h"

static int keep_first(struct change *change, const struct bind_member *member,
		      const struct bind_state *first, struct error *err)
{
	struct bind_record record = { .first = *first };
	_cleanup_free_ char *text = NULL;
	char address[PCI_ADDRESS_SIZE];

	memcpy(record.identity, member->identity, sizeof(record.identity));
	text = bind_record_format(&record);
	if (!text)
		return error_oom(err);
	pci_address_format(&member->address, address);
	return change_keep_state(change, address, text, err);
}

/* Off its driver for a moment, and on the same one again: for the size of a BAR. */
static bool is_off_for_a_moment(const struct bind_member *member)
{
	return !strcmp(member->now.driver, member->wanted.driver) &&
	       bind_settings_move(&member->wanted.settings, &member->now.settings);
}

/*
 * Where a device goes when this run fails: to how it was when the run began, or, where an
 * earlier run had left it half-way, without a driver, to how it was before that one.
 */
static const struct bind_state *way_back(const struct bind_member *member)
{
	if (!member->kept || member->now.driver[0])
		return &member->now;
	return bind_goes_on(member) ? &member->before : &member->first;
}

/* Before anything is touched, so that there is a way back from every later instant. */
static int keep_first_states(struct change *change, const struct bind_plan *plan,
			     struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		const struct bind_member *member = &plan->members[i];
		bool moves = strcmp(member->now.driver, member->wanted.driver) != 0;

		if (!bind_settings_hold(&member->wanted.settings, &member->now.settings))
			r = bind_settings_keep(change, member, err);
		/* First: it counts for nothing without the other. */
		if (r == 0 && moves)
			r = bind_note_guest(change, &member->address, plan->guest,
					    way_back(member), err);
		if (r == 0 && !member->kept && (moves || is_off_for_a_moment(member)))
			r = keep_first(change, member, &member->first, err);
	}
	return r;
}

static bool has_gone(const struct host *host, const struct bind_member *member)
{
	char address[PCI_ADDRESS_SIZE];

	return !change_device_is_there(host,
				       pci_address_format(&member->address, address));
}

/* Its override has been asked for. Returns 0 or -errno. */
static int read_one(const struct host *host, const struct bind_member *member,
		    const struct pci_device *device, struct bind_state *ret_now,
		    struct error *err)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], address[PCI_ADDRESS_SIZE];
	struct bind_state now = { 0 };

	pci_address_format(&device->address, address);
	if (has_gone(host, member)) {
		error_set(err, ENODEV, address, "it is no longer there");
		error_hint(err, "it was unplugged or removed in the meantime");
		return -ENODEV;
	}
	if (device->stuck) {
		error_set(err, ETIMEDOUT, address,
			  "stuck: its driver hangs in the kernel");
		error_hint(err, "end the process that holds the device, or reboot");
		return -ETIMEDOUT;
	}
	pci_attribute_path(&device->address, "driver", path);
	if (device->override_fact != FACT_KNOWN ||
	    host_link_name(host, path, now.driver, sizeof(now.driver)) == FACT_UNREADABLE)
		return error_set(err, EIO, address, "its driver could not be read");
	snprintf(now.override, sizeof(now.override), "%s", device->driver_override);
	/* What cannot be read is set in any case. */
	bind_settings_read(host, &device->address, &member->first.settings, &now.settings,
			   NULL);
	*ret_now = now;
	return 0;
}

/* What devices are like now; all are asked by one child. Returns 0 or -errno. */
static int read_now(const struct host *host, const struct bind_member *members,
		    size_t count, struct bind_state *ret_now, struct error *err)
{
	_cleanup_free_ struct pci_device *devices = calloc(count, sizeof(*devices));
	_cleanup_free_ struct pci_device **pointers = calloc(count, sizeof(*pointers));
	int r;

	if (!devices || !pointers)
		return error_oom(err);
	for (size_t i = 0; i < count; i++) {
		devices[i].address = members[i].address;
		pointers[i] = &devices[i];
	}
	r = pci_read_overrides(host, pointers, count, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = read_one(host, &members[i], &devices[i], &ret_now[i], err);
	for (size_t i = 0; i < count; i++)
		free(devices[i].driver_override);
	return r;
}

/* Brings one device to a state, from whatever it is in. */
static int bring_to(struct change *change, const struct bind_member *member,
		    const struct bind_state *to, struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	char address[PCI_ADDRESS_SIZE];
	struct bind_state now;
	int r;

	pci_address_format(&member->address, address);
	r = change_wait_for_device(change, address, 0, err);
	if (r < 0)
		return r;
	r = read_now(change_host(change), member, 1, &now, err);
	if (r < 0)
		return r;
	if (bind_add_steps(&steps, member, &now, to) < 0)
		return error_oom(err);
	return change_perform_all(change, &steps, 1, err);
}

static int drop_settings(struct change *change, const struct bind_member *member)
{
	char name[BIND_KEPT_NAME_SIZE];

	return change_drop_state(change, bind_kept_name(&member->address,
							BIND_SETTINGS_KEPT, name));
}

/* What was kept of a device, its settings too. */
static int forget(struct change *change, const struct bind_member *member)
{
	int r = bind_forget(change, &member->address);

	return r == 0 ? drop_settings(change, member) : r;
}

/* Of one that is back: all, or only that it was moved for a guest. */
static int forget_moved(struct change *change, const struct bind_member *member,
			struct error *err)
{
	char address[PCI_ADDRESS_SIZE];
	int r;

	if (bind_goes_on(member))
		return bind_note_guest(change, &member->address, NULL, NULL, err);
	r = forget(change, member);
	return r < 0 ? error_set(err, -r, pci_address_format(&member->address, address),
				 "it is back, but what was kept of it in"
				 " /run/pciferry cannot be removed")
		     : 0;
}

/* What this run has kept of a device that is as it was when the run began. */
static void forget_run(struct change *change, const struct bind_plan *plan,
		       const struct bind_member *member)
{
	bool is_first = way_back(member) == &member->first;
	bool moved = strcmp(member->now.driver, member->wanted.driver) != 0;

	if (!member->kept || is_first)
		bind_forget(change, &member->address);
	else if (plan->guest && moved)
		bind_note_guest(change, &member->address, NULL, NULL, NULL);
	if (!member->settings_kept || is_first)
		drop_settings(change, member);
}

/* Puts all back; adds to the error what could not be. */
static void roll_back(struct change *change, const struct bind_plan *plan,
		      struct error *err)
{
	for (size_t i = plan->count; i-- > 0;) {
		const struct bind_member *member = &plan->members[i];
		_cleanup_(error_clear) struct error failure = ERROR_INIT;
		_cleanup_(error_clear) struct error unbegun = ERROR_INIT;
		int r = bring_to(change, member, way_back(member), &failure);
		char address[PCI_ADDRESS_SIZE];

		pci_address_format(&member->address, address);
		if (r == 0) {
			forget_run(change, plan, member);
		} else if (has_gone(change_host(change), member)) {
			forget(change, member);
			if (!err || strcmp(err->subject, address) != 0)
				error_evidence(err, "%s is no longer there", address);
		} else {
			error_evidence(err, "%s could not be put back: %s", address,
				       failure.message);
			continue;
		}
		/* What was stopped for a card that has gone runs without it, too. */
		if (bind_display_begin(change, member, &unbegun) < 0)
			error_evidence(err, "%s: %s", unbegun.subject, unbegun.message);
	}
}

static int load_modules(struct change *change, const struct bind_plan *plan,
			struct error *err)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };

	if (!plan->modules.count)
		return 0;
	for (size_t i = 0; i < plan->modules.count; i++)
		if (bind_add_module(&steps, plan->modules.items[i]) < 0)
			return error_oom(err);
	return change_perform_all(change, &steps, 1, err);
}

/* As many at a time; more would be in each other's way. */
enum { LISTS = 8 };

/* One disk may be behind several functions: only one child at a time can claim it. */
static bool share_disk(const struct bind_member *a, const struct bind_member *b)
{
	for (size_t i = 0; i < a->disks.count; i++)
		if (string_list_has(&b->disks, a->disks.items[i]))
			return true;
	return false;
}

static bool is_virtual(const struct host *host, const struct bind_member *member)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	return host_exists(host, pci_attribute_path(&member->address, "physfn", path));
}

/*
 * In one list, one after the other, go those of a group, and those on a bus that is reset
 * as one. Virtual functions are reset each for itself.
 */
static bool go_together(const struct bind_member *a, bool a_is_virtual,
			const struct bind_member *b, bool b_is_virtual)
{
	return a->group == b->group || share_disk(a, b) ||
	       (!a_is_virtual && !b_is_virtual &&
		a->address.domain == b->address.domain &&
		a->address.bus == b->address.bus);
}

/* One may go together with two that do not: then all three do. */
static void mark_together(const struct host *host, const struct bind_plan *plan,
			  size_t *set_of, bool *virtual)
{
	for (size_t i = 0; i < plan->count; i++) {
		virtual[i] = is_virtual(host, &plan->members[i]);
		set_of[i] = i;
		for (size_t j = 0; j < i; j++) {
			size_t old = set_of[j];

			if (old == set_of[i] ||
			    !go_together(&plan->members[i], virtual[i],
					 &plan -> members[j], virtual[j]))
				continue;
			for (size_t k = 0; k < i; k++)
				if (set_of[k] == old)
					set_of[k] = set_of[i];
		}
	}
}

static int make_lists(const struct host *host, const struct bind_plan *plan,
		      const struct bind_state *now, struct change_steps lists[LISTS])
{
	_cleanup_free_ size_t *set_of = calloc(plan->count + 1, sizeof(*set_of));
	_cleanup_free_ size_t *list_of = calloc(plan->count + 1, sizeof(*list_of));
	_cleanup_free_ bool *virtual = calloc(plan->count + 1, sizeof(*virtual));
	size_t next = 0;
	int r = 0;

	if (!set_of || !list_of || !virtual)
		return -ENOMEM;
	mark_together(host, plan, set_of, virtual);
	/* A set's number is that of its last member. */
	for (size_t i = 0; i < plan->count; i++)
		if (set_of[i] == i)
			list_of[i] = next++ % LISTS;
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = bind_add_steps(&lists[list_of[set_of[i]]], &plan->members[i], &now[i],
				   &plan->members[i].wanted);
	return r;
}

/*
 * A module may bind devices by itself as it is loaded (options vfio-pci ids=), and what
 * stops a display manager may move its card: then the steps are made from what each is
 * like by now. Else that is what the plan has just seen.
 */
static int bring_all(struct change *change, struct bind_plan *plan, struct error *err)
{
	_cleanup_free_ struct bind_state *now = calloc(plan->count + 1, sizeof(*now));
	const struct host *host = change_host(change);
	struct change_steps lists[LISTS] = { 0 };
	int r = now ? load_modules(change, plan, err) : error_oom(err);

	if (r == 0)
		r = bind_name_drivers(host, plan, err);
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		now[i] = plan->members[i].now;
	if (r == 0 && (plan->modules.count || bind_display_ended(plan)))
		r = read_now(host, plan->members, plan->count, now, err);
	if (r == 0 && make_lists(host, plan, now, lists) < 0)
		r = error_oom(err);
	if (r == 0)
		r = change_perform_all(change, lists, LISTS, err);
	for (size_t i = 0; i < LISTS; i++)
		change_steps_free(&lists[i]);
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
	if (r < 0)
		return r;
	r = keep_first_states(change, plan, err);
	if (r == 0)
		r = bind_display_end(change, plan, err);
	if (r == 0)
		r = bring_all(change, plan, err);
	if (r < 0)
		roll_back(change, plan, err);
	/* On the driver that it had, nothing is left to be brought back. */
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		if (!plan->members[i].kept && is_off_for_a_moment(&plan->members[i]))
			bind_forget(change, &plan->members[i].address);
	return r;
}

static int release_member(struct change *change, const struct bind_member *member,
			  struct error *err)
{
	int r = 0;

	if (!member->kept && is_off_for_a_moment(member))
		r = keep_first(change, member, &member->now, err);
	if (r == 0)
		r = bring_to(change, member, &member->wanted, err);
	if (r < 0 && has_gone(change_host(change), member))
		forget(change, member);
	if (r < 0)
		return r;
	return forget_moved(change, member, err);
}

void bind_gather(int r, struct error *failure, int *result, struct error *err)
{
	if (r < 0 && *result == 0)
		*result = error_set(err, -r, failure->subject, "%s", failure->message);
	else if (r < 0)
		error_evidence(err, "%s: %s", failure->subject, failure->message);
	if (r < 0)
		error_hint(err, "%s", failure->hint);
	error_clear(failure);
}

/* A release that fails half-way ends without a driver; what was kept of it stays. */
static void tell_driverless(struct change *change, const struct bind_member *member,
			    struct error *err)
{
	char path[PCI_ATTRIBUTE_PATH_SIZE], address[PCI_ADDRESS_SIZE];
	char driver[BIND_DRIVER_SIZE];

	pci_attribute_path(&member->address, "driver", path);
	if (has_gone(change_host(change), member) ||
	    host_link_name(change_host(change), path, driver, sizeof(driver)) !=
		    FACT_ABSENT)
		return;
	pci_address_format(&member->address, address);
	error_evidence(err,
		       "%s is without a driver now; once that is mended, release it"
		       " again",
		       address);
}

int bind_release(struct change *change, const struct bind_plan *plan, struct error *err)
{
	_cleanup_free_ bool *is_back = calloc(plan->count + 1, sizeof(*is_back));
	int result = is_back ? load_modules(change, plan, err) : error_oom(err);

	for (size_t i = 0; is_back && i < plan->count; i++) {
		struct error failure = ERROR_INIT;
		int r = release_member(change, &plan->members[i], &failure);

		is_back[i] = r == 0 || has_gone(change_host(change), &plan->members[i]);
		bind_gather(r, &failure, &result, err);
		if (r < 0 && r != -ETIMEDOUT)
			tell_driverless(change, &plan->members[i], err);
	}
	/* A picture comes when all of a card is back that can be. */
	for (size_t i = 0; is_back && i < plan->count; i++) {
		struct error failure = ERROR_INIT;

		if (is_back[i])
			bind_gather(bind_display_begin(change, &plan->members[i],
						       &failure),
				    &failure, &result, err);
	}
	for (size_t i = 0; i < plan->n_gone; i++) {
		struct error failure = ERROR_INIT;

		bind_gather(bind_release_gone(change, &plan->gone[i], &failure), &failure,
			    &result, err);
	}
	return result;
}

void bind_came_back(struct change *change, const char *device, void *argument)
{
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	const struct host *host = change_host(change);
	_cleanup_free_ char *text = NULL;
	struct bind_member member = { 0 };
	const struct bind_state *to;
	struct bind_record record;
	struct bind_state now;

	(void)argument;
	if (pci_address_parse(device, &member.address) < 0 ||
	    change_read_state(host, device, &text) < 0 ||
	    bind_record_parse(text, strlen(text), &record) < 0)
		return;
	bind_settings_recall(host, &member.address, record.identity,
			     &record.first.settings);
	member.first = record.first;
	if (has_gone(host, &member)) {
		forget(change, &member);
		return;
	}
	bind_recall_guest(host, NULL, &member);
	to = bind_goes_on(&member) ? &member.before : &member.first;
	if (read_now(host, &member, 1, &now, NULL) < 0 ||
	    bind_add_steps(&steps, &member, &now, to) < 0)
		return;
	for (size_t i = 0; i < steps.count; i++)
		if (change_perform_here(change, &steps.items[i]) < 0)
			return;
	forget_moved(change, &member, NULL);
}
