/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "bind/internal.h"
#include "iommu/groups.h"
#include "usage/usage.h"

void bind_view_close(struct bind_view *view)
{
	usage_free(&view->usage);
	iommu_groups_free(&view->groups);
	pci_devices_free(&view->devices);
}

/* With all of its group, whatever of it goes. */
static void ask(const struct bind_view *view, const struct pci_address *address,
		bool *asked)
{
	const struct pci_device *device = pci_find(&view->devices, address);
	const struct iommu_group *group;
	enum fact fact;

	if (!device)
		return;
	asked[device - view->devices.items] = true;
	group = iommu_group_of(&view->groups, device, &fact);
	for (size_t i = 0; group && i < group->count; i++)
		asked[group->members[i] - view->devices.items] = true;
}

int bind_view_open(const struct host *host, const struct pci_address *addresses,
		   size_t count, struct bind_view *view, struct error *err)
{
	_cleanup_free_ bool *asked = NULL;
	int r = pci_scan(host, &view->devices, err);

	if (r == 0)
		r = iommu_scan(&view->devices, &view->groups, err);
	if (r < 0)
		return r;
	asked = calloc(view->devices.count + 1, sizeof(*asked));
	if (!asked)
		return error_oom(err);
	for (size_t i = 0; i < count; i++)
		ask(view, &addresses[i], asked);
	return usage_scan(host, &view->devices, &view->groups, asked, &view->usage, err);
}

static void free_members(struct bind_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		string_list_free(&members[i].disks);
		usage_picture_free(&members[i].picture);
		string_list_free(&members[i].users);
	}
	free(members);
}

void bind_plan_free(struct bind_plan *plan)
{
	if (!plan)
		return;
	free_members(plan->members, plan->count);
	free_members(plan->gone, plan->n_gone);
	string_list_free(&plan->modules);
	string_list_free(&plan->overridden);
	free(plan->guest);
	memset(plan, 0, sizeof(*plan));
}

const struct bind_member *bind_plan_find(const struct bind_plan *plan,
					 const struct pci_address *address)
{
	for (size_t i = 0; i < plan->count; i++)
		if (!pci_address_compare(&plan->members[i].address, address))
			return &plan->members[i];
	return NULL;
}

static int no_such_device(const struct pci_address *address, struct error *err)
{
	char text[PCI_ADDRESS_SIZE];
	int r;

	r = error_set(err, ENODEV, pci_address_format(address, text), "no such device");
	error_hint(err, "pciferry list shows the devices of this host");
	return r;
}

static int find_group(const struct bind_view *view, const struct pci_address *address,
		      const struct iommu_group **ret_group, struct error *err)
{
	const struct pci_device *device = pci_find(&view->devices, address);
	char text[PCI_ADDRESS_SIZE];
	enum fact fact;

	pci_address_format(address, text);
	if (!device)
		return no_such_device(address, err);
	if (iommu_member_stays(device)) {
		error_set(err, EINVAL, text, "a bridge stays with the host");
		error_hint(err, "name a device behind it: pciferry list shows them");
		return -EINVAL;
	}
	*ret_group = iommu_group_of(&view->groups, device, &fact);
	if (*ret_group)
		return 0;
	if (fact == FACT_UNREADABLE)
		return error_set(err, EIO, text, "its IOMMU group could not be read");
	error_set(err, ENODEV, text,
		  "it is in no IOMMU group: the IOMMU is off, or there is none");
	error_hint(err, "turn VT-d or AMD-Vi on in the firmware, and on Intel boot with"
			" intel_iommu=on");
	return -ENODEV;
}

static int add_member(struct bind_plan *plan, const struct pci_device *device,
		      unsigned int group, struct error *err)
{
	struct bind_member *larger;

	if (bind_plan_find(plan, &device->address))
		return 0;
	larger = reallocarray(plan->members, plan->count + 1, sizeof(*larger));
	if (!larger)
		return error_oom(err);
	plan->members = larger;
	larger = &plan->members[plan->count++];
	memset(larger, 0, sizeof(*larger));
	larger->address = device->address;
	larger->group = group;
	pci_identity_format(device, larger->identity);
	return 0;
}

/* The state of a member now, and first: what was kept, unless that was another device. */
static int read_state(const struct host *host, const struct pci_device *device,
		      struct bind_member *member, struct error *err)
{
	char text[PCI_ADDRESS_SIZE], path[PCI_ATTRIBUTE_PATH_SIZE];

	pci_address_format(&member->address, text);
	member->stuck = device->stuck;
	if (device->override_fact != FACT_KNOWN && !member->stuck && host_is_live(host) &&
	    !host_exists(host, pci_attribute_path(&device->address, NULL, path)))
		return no_such_device(&device->address, err);
	if (!member->stuck && (device->override_fact == FACT_UNREADABLE ||
			       device->driver_fact == FACT_UNREADABLE))
		return error_set(err, EIO, text, "its driver could not be read");
	if (device->override_fact == FACT_ABSENT && !host_is_live(host))
		return error_set(err, ENODATA, text,
				 "its driver_override is not in this copy of"
				 " a host");
	if (device->override_fact == FACT_ABSENT) {
		error_set(err, ENOTSUP, text, "the kernel has no driver_override for it");
		error_hint(err, "Linux 3.16 or later is needed");
		return -ENOTSUP;
	}
	snprintf(member->now.driver, sizeof(member->now.driver), "%s",
		 device->driver ? device->driver : "");
	snprintf(member->now.override, sizeof(member->now.override), "%s",
		 device->driver_override ? device->driver_override : "");
	member->kept = bind_is_taken(host, device, &member->first);
	if (!member->kept)
		member->first = member->now;
	member->settings_kept = bind_settings_recall(
		host, &member->address, member->identity, &member->first.settings);
	return 0;
}

/* One child asks for all of them. */
static int read_states(const struct host *host, const struct bind_view *view,
		       struct bind_plan *plan, struct error *err)
{
	_cleanup_free_ struct pci_device **devices =
		calloc(plan->count + 1, sizeof(struct pci_device *));
	int r;

	if (!devices)
		return error_oom(err);
	for (size_t i = 0; i < plan->count; i++)
		devices[i] = pci_find(&view->devices, &plan->members[i].address);
	r = pci_read_overrides(host, devices, plan->count, err);
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = read_state(host, devices[i], &plan->members[i], err);
	return r;
}

static int compare_members(const void *a, const void *b)
{
	const struct bind_member *left = a, *right = b;

	return pci_address_compare(&left->address, &right->address);
}

static bool is_asked(const struct bind_request *request, size_t index,
		     const struct pci_device *member)
{
	return !request->alone ||
	       !pci_address_compare(&request->addresses[index], &member->address);
}

static int gather(const struct host *host, const struct bind_request *request,
		  const struct bind_view *view, struct bind_plan *plan, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < request->count; i++) {
		const struct iommu_group *group;

		if (plan->gives_back &&
		    !pci_find(&view->devices, &request->addresses[i]) &&
		    bind_is_kept(host, &request->addresses[i])) {
			r = bind_plan_add_gone(plan, &request->addresses[i], err);
			continue;
		}
		r = find_group(view, &request->addresses[i], &group, err);
		for (size_t j = 0; r == 0 && j < group->count; j++)
			if (!iommu_member_stays(group->members[j]) &&
			    is_asked(request, i, group->members[j]))
				r = add_member(plan, group->members[j], group->number,
					       err);
	}
	if (r == 0)
		r = read_states(host, view, plan, err);
	for (size_t i = 0; r == 0 && request->guest && i < plan->count; i++)
		if (plan->members[i].kept)
			bind_recall_guest(host, request->guest, &plan->members[i]);
	if (r == 0 && plan->count)
		qsort(plan->members, plan->count, sizeof(*plan->members),
		      compare_members);
	return r;
}

/* For members that a driver of the host's is to let go; others have no disks. */
static int look_for_claims(struct bind_view *view, const struct bind_request *request,
			   struct bind_plan *plan, struct error *err)
{
	_cleanup_free_ const struct pci_device **devices =
		calloc(plan->count + 1, sizeof(struct pci_device *));
	_cleanup_free_ struct string_list *disks =
		calloc(plan->count + 1, sizeof(struct string_list));
	size_t count = 0, n = 0;
	int r;

	if (!devices || !disks)
		return error_oom(err);
	for (size_t i = 0; request->last_look && i < plan->count; i++)
		if (bind_loses_driver(&plan->members[i]))
			devices[count++] =
				pci_find(&view->devices, &plan->members[i].address);
	r = usage_look_for_claims(&view->usage, devices, count, disks);
	for (size_t i = 0; n < count && i < plan->count; i++)
		if (bind_loses_driver(&plan->members[i]))
			plan->members[i].disks = disks[n++];
	return r < 0 ? error_set(err, -r, host_name(view->usage.host),
				 "who uses its disks: %s", strerror(-r))
		     : 0;
}

int bind_plan_take(const struct host *host, const struct bind_request *request,
		   struct bind_plan *ret_plan, struct error *err)
{
	_cleanup_(bind_plan_free) struct bind_plan plan = { 0 };
	_cleanup_(bind_view_close) struct bind_view view = { 0 };
	bool is_for_vfio = bind_is_for_vfio(request->driver);
	int r;

	plan.stop_display = request->stop_display;
	r = bind_view_open(host, request->addresses, request->count, &view, err);
	if (r == 0)
		r = gather(host, request, &view, &plan, err);
	if (r == 0 && request->guest && !(plan.guest = strdup(request->guest)))
		r = error_oom(err);
	if (r == 0)
		r = bind_want_driver(host, &view, request, &plan, err);
	if (r == 0)
		r = bind_want_settings(host, request, &plan, err);
	if (r == 0)
		r = bind_check_forced(request, &plan, err);
	if (r == 0)
		r = bind_refuse_stuck(&plan, err);
	if (r == 0)
		r = bind_refuse_guests(&view, request, &plan, err);
	/* What no umount can mend comes first. */
	if (r == 0)
		r = bind_refuse_physical(&view, &plan, err);
	if (r == 0)
		r = bind_refuse_vendor(&view, &plan, err);
	if (r == 0 && is_for_vfio)
		r = bind_refuse_not_viable(&view, &plan, err);
	if (r == 0 && is_for_vfio)
		r = bind_refuse_kept_memory(&view, &plan, err);
	if (r == 0)
		r = bind_display_look(&view, &plan, err);
	if (r == 0)
		r = look_for_claims(&view, request, &plan, err);
	if (r == 0 && !bind_plan_is_done(&plan))
		r = bind_refuse_in_use(&view, request, &plan, true, err);
	if (r < 0)
		return r;
	*ret_plan = plan;
	memset(&plan, 0, sizeof(plan));
	return 0;
}

int bind_plan_release(const struct host *host, const struct bind_request *request,
		      struct bind_plan *ret_plan, struct error *err)
{
	_cleanup_(bind_plan_free) struct bind_plan plan = { 0 };
	_cleanup_(bind_view_close) struct bind_view view = { 0 };
	int r;

	plan.gives_back = true;
	r = bind_view_open(host, request->addresses, request->count, &view, err);
	if (r == 0)
		r = gather(host, request, &view, &plan, err);
	if (r == 0)
		bind_drop_others(host, request->guest, &plan);
	if (r == 0)
		r = bind_display_recall(host, &plan, err);
	if (r == 0)
		r = bind_want_back(host, &plan, err);
	if (r == 0)
		r = look_for_claims(&view, request, &plan, err);
	if (r == 0 && !bind_plan_is_done(&plan))
		r = bind_refuse_in_use(&view, request, &plan, false, err);
	if (r < 0)
		return r;
	*ret_plan = plan;
	memset(&plan, 0, sizeof(plan));
	return 0;
}

static bool is_done(const struct bind_member *member)
{
	return !member->let_kernel_choose && !member->stuck &&
	       !strcmp(member->now.driver, member->wanted.driver) &&
	       !strcmp(member->now.override, member->wanted.override) &&
	       bind_settings_hold(&member->wanted.settings, &member->now.settings);
}

bool bind_plan_is_done(const struct bind_plan *plan)
{
	if (plan->n_gone)
		return false;
	for (size_t i = 0; i < plan->count; i++)
		if (!is_done(&plan->members[i]))
			return false;
	return true;
}

bool bind_group_is_done(const struct bind_plan *plan, unsigned int group)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->members[i].group == group && !is_done(&plan->members[i]))
			return false;
	return true;
}

/*
 * By the group's own folder: this comes before the host is looked at, and is not worth a
 * look of its own.
 */
static void wait_for_group(struct change *change, const struct host *host,
			   const struct pci_address *address, long long end)
{
	_cleanup_(string_list_free) struct string_list members = { 0 };
	char path[PCI_ATTRIBUTE_PATH_SIZE];

	pci_attribute_path(address, "iommu_group/devices", path);
	if (host_list(host, path, &members) < 0)
		return;
	for (size_t i = 0; i < members.count; i++) {
		long long left = end - clock_now_ms();

		change_wait_for_device(change, members.items[i],
				       left > 0 ? (unsigned int)left : 0, NULL);
	}
}

void bind_wait(struct change *change, const struct host *host,
	       const struct bind_request *request)
{
	long long end = clock_now_ms() + change_deadline_ms(change);

	for (size_t i = 0; i < request->count; i++)
		wait_for_group(change, host, &request->addresses[i], end);
}
