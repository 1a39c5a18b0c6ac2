/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Graphics cards on a host that runs: what shows a picture by way of them ends, in order.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "bind/internal.h"

/*
 * What is kept of each list, in this order. The first two are the host's, and begin again
 * where another card, or none, is there by then.
 */
enum { LAST_OF_HOST = 1, KEPT_LISTS = 4, KEPT_LINE_SIZE = 1024 };
static const char *const kept_keys[KEPT_LISTS] = { "services", "consoles", "framebuffers",
						   "modules" };

static struct string_list *list_of(struct bind_member *member, size_t index)
{
	struct string_list *lists[KEPT_LISTS] = { &member->picture.services,
						  &member->picture.consoles,
						  &member->picture.framebuffers,
						  &member->users };

	return lists[index];
}

static bool has_any(const struct bind_member *member)
{
	return member->picture.services.count || member->picture.consoles.count ||
	       member->picture.framebuffers.count || member->users.count;
}

/* NVIDIA's is held by nvidia_modeset, and that by nvidia_drm: the leaves come first. */
static int add_users(const struct host *host, const char *module,
		     struct string_list *users, unsigned int depth)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "sys/module/%s/holders", module);
	r = host_list(host, path, &names);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; r == 0 && depth && i < names.count; i++) {
		r = add_users(host, names.items[i], users, depth - 1);
		if (r == 0 && !string_list_has(users, names.items[i]))
			r = string_list_add(users, names.items[i]);
	}
	return r;
}

/* Another device on the same driver keeps all of its modules. */
static bool is_last(const struct bind_view *view, const struct bind_plan *plan,
		    const struct pci_device *device)
{
	for (size_t i = 0; i < view->devices.count; i++) {
		const struct pci_device *other = &view->devices.items[i];

		if (other->driver && !strcmp(other->driver, device->driver) &&
		    !bind_plan_find(plan, &other->address))
			return false;
	}
	return true;
}

static int list_users(const struct bind_view *view, const struct bind_plan *plan,
		      const struct pci_device *device, struct string_list *users)
{
	char path[PATH_MAX], module[NAME_MAX + 1];

	if (!device->driver || iommu_is_vfio_driver(device->driver) ||
	    !is_last(view, plan, device))
		return 0;
	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s/module", device->driver);
	return host_link_name(view->usage.host, path, module, sizeof(module)) ==
			       FACT_KNOWN
		       ? add_users(view->usage.host, module, users, 4)
		       : 0;
}

/* Whether the host loses it by this plan, if only for a moment. */
static bool goes(const struct bind_member *member)
{
	return !member->stuck && (bind_loses_driver(member) ||
				  (!member->now.driver[0] && member->wanted.driver[0]));
}

bool bind_display_ended(const struct bind_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		if (has_any(&plan->members[i]))
			return true;
	return false;
}

int bind_display_look(const struct bind_view *view, struct bind_plan *plan,
		      struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		struct bind_member *member = &plan->members[i];
		const struct pci_device *device =
			pci_find(&view->devices, &member->address);

		if (!pci_is_display(device) || !goes(member))
			continue;
		r = usage_picture_read(&view->usage, device, &member->picture);
		if (!plan->stop_display)
			string_list_free(&member->picture.services);
		if (r == 0)
			r = list_users(view, plan, device, &member->users);
	}
	return r < 0 ? error_oom(err) : 0;
}

/* A card that was looked at, or the sound in its slot. */
static bool is_of_card(const struct bind_view *view, const struct bind_plan *plan,
		       const struct pci_device *device, bool *ret_stops)
{
	bool found = false;

	*ret_stops = false;
	if (!pci_is_display(device) && !pci_has_class(device, PCI_CLASS_MULTIMEDIA))
		return false;
	for (size_t i = 0; i < plan->count; i++) {
		const struct bind_member *member = &plan->members[i];

		if (!pci_address_same_slot(&member->address, &device->address) ||
		    !pci_is_display(pci_find(&view->devices, &member->address)) ||
		    !goes(member))
			continue;
		found = true;
		*ret_stops |= member->picture.services.count > 0 &&
			      !member->picture.held_otherwise;
	}
	return found;
}

bool bind_display_ends(const struct bind_view *view, const struct bind_plan *plan,
		       const struct pci_device *device, enum usage_kind kind)
{
	bool stops;

	if (!plan->stop_display || !is_of_card(view, plan, device, &stops))
		return false;
	switch (kind) {
	case USAGE_DISPLAY:
	case USAGE_CONSOLE:
	case USAGE_FRAMEBUFFER:
		return true;
	case USAGE_PROCESS:
	case USAGE_SOUND:
		return stops;
	default:
		return false;
	}
}

static int add_unit(struct change_steps *steps, enum change_kind kind, char *unit)
{
	char purpose[] = "start it again";
	struct change_step step = { .kind = kind, .target = unit, .purpose = purpose };

	if (kind == CHANGE_STOP_UNIT)
		snprintf(purpose, sizeof(purpose), "stop it");
	return change_add(steps, &step);
}

static int add_console(struct change_steps *steps, const char *address,
		       const char *console, bool attach)
{
	const char *value = attach ? "1" : "0";
	char path[PATH_MAX], purpose[NAME_MAX + 32];

	snprintf(path, sizeof(path), "sys/class/vtconsole/%s/bind", console);
	snprintf(purpose, sizeof(purpose), "%s the kernel's console %s",
		 attach ? "attach" : "detach", console);
	return bind_add_write(steps, address, path, value, value, purpose);
}

/* "efi-framebuffer/efi-framebuffer.0" */
static int add_framebuffer(struct change_steps *steps, char *address, const char *name,
			   bool attach)
{
	const char *slash = strchr(name, '/');
	char path[PATH_MAX], link[PATH_MAX], driver[NAME_MAX + 1];
	char value[NAME_MAX + 1], purpose[NAME_MAX + 64];
	struct change_step step = {
		.kind = CHANGE_WRITE_ATTRIBUTE,
		.device = address,
		.target = path,
		.value = value,
		.purpose = purpose,
		.link = link,
		.link_name = attach ? driver : NULL,
	};

	if (!slash || strlen(name) > NAME_MAX)
		return 0;
	snprintf(driver, sizeof(driver), "%.*s", (int)(slash - name), name);
	snprintf(value, sizeof(value), "%s", slash + 1);
	snprintf(path, sizeof(path), "sys/bus/platform/drivers/%s/%s", driver,
		 attach ? "bind" : "unbind");
	snprintf(link, sizeof(link), "sys/bus/platform/devices/%s/driver", value);
	snprintf(purpose, sizeof(purpose), "%s the firmware's framebuffer",
		 attach ? "attach" : "detach");
	return change_add(steps, &step);
}

static int add_unloading(struct change_steps *steps, char *module)
{
	char purpose[] = "unload the module";
	struct change_step step = {
		.kind = CHANGE_UNLOAD_MODULE,
		.target = module,
		.purpose = purpose,
	};

	return change_add(steps, &step);
}

int bind_display_add_end(struct change_steps *steps, const struct bind_member *member)
{
	const struct usage_picture *picture = &member->picture;
	char address[PCI_ADDRESS_SIZE];
	int r = 0;

	pci_address_format(&member->address, address);
	for (size_t i = 0; r == 0 && i < picture->services.count; i++)
		r = add_unit(steps, CHANGE_STOP_UNIT, picture->services.items[i]);
	for (size_t i = 0; r == 0 && i < picture->consoles.count; i++)
		r = add_console(steps, address, picture->consoles.items[i], false);
	for (size_t i = 0; r == 0 && i < picture->framebuffers.count; i++)
		r = add_framebuffer(steps, address, picture->framebuffers.items[i],
				    false);
	for (size_t i = 0; r == 0 && i < member->users.count; i++)
		r = add_unloading(steps, member->users.items[i]);
	return r;
}

/* Whether an entry of /sys is there, and as it was left. */
static bool reads(const struct host *host, const char *folder, const char *name,
		  const char *attribute, const char *value)
{
	char path[PATH_MAX], text[8];

	snprintf(path, sizeof(path), "%s/%s/%s", folder, name, attribute);
	return host_read(host, path, text, sizeof(text)) == FACT_KNOWN &&
	       !strcmp(text, value);
}

static bool is_free_framebuffer(const struct host *host, const char *name)
{
	const char *slash = strchr(name, '/');
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "sys/bus/platform/devices/%s",
		 slash ? slash + 1 : "");
	if (!slash || !host_exists(host, path))
		return false;
	snprintf(path, sizeof(path), "sys/bus/platform/devices/%s/driver", slash + 1);
	return !host_exists(host, path);
}

/*
 * Only what is there still: vfio-pci and drivers of cards end the firmware's framebuffer
 * for good (aperture_remove_conflicting_pci_devices(), drivers/video/aperture.c).
 */
int bind_display_add_begin(const struct host *host, struct change_steps *steps,
			   const struct bind_member *member)
{
	const struct usage_picture *picture = &member->picture;
	char address[PCI_ADDRESS_SIZE];
	int r = 0;

	pci_address_format(&member->address, address);
	for (size_t i = member->users.count; r == 0 && i-- > 0;)
		r = bind_add_module(steps, member->users.items[i]);
	for (size_t i = 0; r == 0 && i < picture->framebuffers.count; i++)
		if (is_free_framebuffer(host, picture->framebuffers.items[i]))
			r = add_framebuffer(steps, address,
					    picture->framebuffers.items[i], true);
	for (size_t i = 0; r == 0 && i < picture->consoles.count; i++)
		if (reads(host, "sys/class/vtconsole", picture->consoles.items[i], "bind",
			  "0"))
			r = add_console(steps, address, picture->consoles.items[i], true);
	for (size_t i = picture->services.count; r == 0 && i-- > 0;)
		r = add_unit(steps, CHANGE_START_UNIT, picture->services.items[i]);
	return r;
}

static int add_words(struct string_list *list, char *text)
{
	char *word;
	int r = 0;

	while (r == 0 && (word = strsep(&text, " ")))
		if (*word)
			r = string_list_add(list, word);
	return r;
}

static int recall(const struct host *host, struct bind_member *member)
{
	char name[BIND_KEPT_NAME_SIZE], value[KEPT_LINE_SIZE];
	_cleanup_free_ char *text = NULL;
	const char *at;
	size_t left;
	bool is_same;
	int r = 0;

	if (change_read_state(host,
			      bind_kept_name(&member->address, BIND_DISPLAY_KEPT, name),
			      &text) < 0)
		return 0;
	at = text;
	left = strlen(text);
	if (bind_take_line(&at, &left, "identity", value, sizeof(value)) < 0)
		return 0;
	is_same = !strcmp(value, member->identity);
	for (size_t i = 0; r == 0 && i < KEPT_LISTS; i++)
		/* What was the card's own has gone with it. */
		if (bind_take_line(&at, &left, kept_keys[i], value, sizeof(value)) == 0 &&
		    (is_same || i <= LAST_OF_HOST))
			r = add_words(list_of(member, i), value);
	return r;
}

static void free_kept(struct bind_member *kept)
{
	usage_picture_free(&kept->picture);
	string_list_free(&kept->users);
}

/* Beside what an earlier run has ended, and nobody has begun again since. */
static int keep(struct change *change, const struct bind_member *member,
		struct error *err)
{
	_cleanup_(free_kept) struct bind_member all = { .address = member->address };
	_cleanup_free_ char *text = NULL;
	char name[BIND_KEPT_NAME_SIZE];
	int r;

	memcpy(all.identity, member->identity, sizeof(all.identity));
	r = recall(change_host(change), &all);
	for (size_t i = 0; i < KEPT_LISTS; i++) {
		const struct string_list *more = list_of((struct bind_member *)member, i);

		for (size_t j = 0; r == 0 && j < more->count; j++)
			if (!string_list_has(list_of(&all, i), more->items[j]))
				r = string_list_add(list_of(&all, i), more->items[j]);
	}
	if (r < 0 || asprintf(&text, "identity %s\n", member->identity) < 0)
		text = NULL;
	for (size_t i = 0; text && i < KEPT_LISTS; i++) {
		_cleanup_free_ char *before = text;
		_cleanup_free_ char *list = string_list_join(list_of(&all, i), " ");

		if (!list || asprintf(&text, "%s%s %s\n", before, kept_keys[i], list) < 0)
			text = NULL;
	}
	return text ? change_keep_state(change,
					bind_kept_name(&member->address,
						       BIND_DISPLAY_KEPT, name),
					text, err)
		    : error_oom(err);
}

int bind_display_recall(const struct host *host, struct bind_plan *plan,
			struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++)
		r = recall(host, &plan->members[i]);
	for (size_t i = 0; r == 0 && i < plan->n_gone; i++)
		r = recall(host, &plan->gone[i]);
	return r < 0 ? error_oom(err) : 0;
}

/* Who holds one of the cards still. Returns how many, or -errno. */
static int count_holders(const struct bind_plan *plan, const struct bind_view *view,
			 struct error *err)
{
	char address[PCI_ADDRESS_SIZE];
	int count = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct pci_device *device =
			pci_find(&view->devices, &plan->members[i].address);
		const struct usage_findings *findings;

		if (!device)
			continue;
		findings = usage_of(&view->usage, device);
		for (size_t j = 0; j < findings->count; j++) {
			enum usage_kind kind = findings->items[j].kind;

			if ((kind != USAGE_PROCESS && kind != USAGE_SOUND) ||
			    plan->members[i].forced ||
			    !bind_display_ends(view, plan, device, kind))
				continue;
			pci_address_format(&device->address, address);
			if (!count++)
				error_refuse(err, address,
					     "its services were stopped, and yet it is"
					     " held, so it stays");
			error_evidence(err, "%s: %s", address, findings->items[j].detail);
		}
	}
	return count;
}

static int look_again(const struct host *host, const struct bind_plan *plan,
		      struct bind_view *view, struct error *err)
{
	_cleanup_free_ struct pci_address *addresses =
		calloc(plan->count + 1, sizeof(*addresses));

	if (!addresses)
		return error_oom(err);
	for (size_t i = 0; i < plan->count; i++)
		addresses[i] = plan->members[i].address;
	return bind_view_open(host, addresses, plan->count, view, err);
}

/* The processes of a session end after the service that began it. */
static int wait_for_holders(struct change *change, const struct bind_plan *plan,
			    struct error *err)
{
	const struct timespec pause = { .tv_nsec = 250000000 };
	long long end = clock_now_ms() + change_deadline_ms(change);

	for (;;) {
		_cleanup_(bind_view_close) struct bind_view view = { 0 };
		struct error failure = ERROR_INIT;
		int r = look_again(change_host(change), plan, &view, err);

		if (r < 0)
			return r;
		r = count_holders(plan, &view, &failure);
		if (r > 0 && clock_now_ms() >= end) {
			*err = failure;
			return -EBUSY;
		}
		error_clear(&failure);
		if (!r)
			return 0;
		nanosleep(&pause, NULL);
	}
}

int bind_display_end(struct change *change, const struct bind_plan *plan,
		     struct error *err)
{
	bool stopped = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++)
		if (has_any(&plan->members[i]))
			r = keep(change, &plan->members[i], err);
	for (int pass = 0; r == 0 && pass < 2; pass++) {
		_cleanup_(change_steps_free) struct change_steps steps = { 0 };

		for (size_t i = 0; r == 0 && i < plan->count; i++)
			r = bind_display_add_end(&steps, &plan->members[i]);
		if (r < 0)
			return error_oom(err);
		/* Services first: their processes hold the rest. */
		for (size_t i = 0; r == 0 && i < steps.count; i++) {
			bool is_unit = steps.items[i].kind == CHANGE_STOP_UNIT;

			if (is_unit != (pass == 0))
				continue;
			stopped |= is_unit;
			r = change_perform(change, &steps.items[i], err);
		}
		if (r == 0 && pass == 0 && stopped)
			r = wait_for_holders(change, plan, err);
	}
	return r;
}

int bind_display_begin(struct change *change, const struct bind_member *member,
		       struct error *err)
{
	_cleanup_(free_kept) struct bind_member kept = { .address = member->address };
	_cleanup_(change_steps_free) struct change_steps steps = { 0 };
	char name[BIND_KEPT_NAME_SIZE];
	int result = 0;

	/* Not what this run has ended alone: an earlier one may have been cut off. */
	memcpy(kept.identity, member->identity, sizeof(kept.identity));
	if (recall(change_host(change), &kept) < 0 ||
	    bind_display_add_begin(change_host(change), &steps, &kept) < 0)
		return error_oom(err);
	if (!has_any(&kept))
		return 0;
	for (size_t i = 0; i < steps.count; i++) {
		struct error failure = ERROR_INIT;
		int r = change_perform(change, &steps.items[i], &failure);

		bind_gather(r, &failure, &result, err);
	}
	if (result == 0)
		change_drop_state(change, bind_kept_name(&member->address,
							 BIND_DISPLAY_KEPT, name));
	return result;
}
