/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For which guest a device was moved, and from where, beside what is kept of it: so that
 * at the guest's end that goes back which was moved for it, and nothing else. Where it
 * was then need not be where it was first: somebody may have parked it on pci-stub.
 *
 *	web
 *	driver pci-stub
 *	driver_override pci-stub
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "bind/internal.h"

/* libvirt keeps a domain in a file of its name. */
enum { GUEST_MAX = 255 };

static const char ending[] = ".guest.first", folder[] = "run/pciferry";

bool bind_is_guest_name(const char *guest)
{
	return guest[0] && strlen(guest) <= GUEST_MAX && !strchr(guest, '\n');
}

int bind_note_guest(struct change *change, const struct pci_address *address,
		    const char *guest, const struct bind_state *before, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	char key[BIND_KEPT_NAME_SIZE];
	int r;

	bind_kept_name(address, BIND_GUEST_KEPT, key);
	if (guest) {
		if (asprintf(&text, "%s\ndriver %s\ndriver_override %s\n", guest,
			     before->driver, before->override) < 0) {
			text = NULL;
			return error_oom(err);
		}
		return change_keep_state(change, key, text, err);
	}
	r = change_drop_state(change, key);
	return r < 0 ? error_set(err, -r, "/run/pciferry", "%s cannot be removed: %s",
				 key, strerror(-r))
		     : 0;
}

int bind_forget(struct change *change, const struct pci_address *address)
{
	char key[BIND_KEPT_NAME_SIZE], text[PCI_ADDRESS_SIZE];
	int r = change_drop_state(change, bind_kept_name(address, BIND_GUEST_KEPT, key));
	int second = change_drop_state(change, pci_address_format(address, text));

	return r < 0 ? r : second;
}

/* The guest that a device is noted for; the caller frees it. NULL: none. */
static char *read_guest(const struct host *host, const struct pci_address *address)
{
	char key[BIND_KEPT_NAME_SIZE], *text = NULL;

	if (change_read_state(host, bind_kept_name(address, BIND_GUEST_KEPT, key),
			      &text) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

/* false: an older pciferry has noted it, which brings a device back to its first state.
 */
static bool read_before(const struct host *host, const struct pci_address *address,
			struct bind_state *ret_before)
{
	char key[BIND_KEPT_NAME_SIZE];
	_cleanup_free_ char *text = NULL;
	struct bind_state before = { 0 };
	const char *at;
	size_t left;

	if (change_read_state(host, bind_kept_name(address, BIND_GUEST_KEPT, key),
			      &text) < 0)
		return false;
	at = text + strcspn(text, "\n");
	at += *at == '\n';
	left = strlen(at);
	if (bind_take_line(&at, &left, "driver", before.driver, sizeof(before.driver)) <
		    0 ||
	    bind_take_line(&at, &left, "driver_override", before.override,
			   sizeof(before.override)) < 0)
		return false;
	*ret_before = before;
	return true;
}

void bind_recall_guest(const struct host *host, const char *guest,
		       struct bind_member *member)
{
	_cleanup_free_ char *noted = read_guest(host, &member->address);

	member->noted = noted && (!guest || !strcmp(noted, guest)) &&
			read_before(host, &member->address, &member->before);
}

bool bind_goes_on(const struct bind_member *member)
{
	return member->noted &&
	       (strcmp(member->before.driver, member->first.driver) != 0 ||
		strcmp(member->before.override, member->first.override) != 0);
}

static void refuse_one(const struct bind_view *view, const struct bind_member *member,
		       const char *guest, bool *refused, struct error *err)
{
	const struct usage_findings *findings =
		usage_of(&view->usage, pci_find(&view->devices, &member->address));
	_cleanup_free_ char *other =
		member->kept ? read_guest(view->usage.host, &member->address) : NULL;
	char text[PCI_ADDRESS_SIZE];
	bool is_others = other && strcmp(other, guest) != 0;

	pci_address_format(&member->address, text);
	for (size_t i = 0; i < findings->count; i++)
		is_others |= findings->items[i].kind == USAGE_VFIO;
	if (!is_others)
		return;
	if (!*refused)
		error_refuse(err, text, "another guest has it, so nothing was changed");
	*refused = true;
	if (other && strcmp(other, guest) != 0)
		error_evidence(err, "%s: it was bound for %s, and not given back", text,
			       other);
	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].kind == USAGE_VFIO)
			error_evidence(err, "%s: %s", text, findings->items[i].detail);
}

void bind_drop_others(const struct host *host, const char *guest, struct bind_plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; guest && i < plan->count; i++) {
		_cleanup_free_ char *noted = read_guest(host, &plan->members[i].address);

		if (noted && !strcmp(noted, guest))
			plan->members[kept++] = plan->members[i];
	}
	if (guest)
		plan->count = kept;
}

int bind_refuse_guests(const struct bind_view *view, const struct bind_request *request,
		       const struct bind_plan *plan, struct error *err)
{
	bool refused = false;

	for (size_t i = 0; request->guest && i < plan->count; i++)
		refuse_one(view, &plan->members[i], request->guest, &refused, err);
	if (!refused)
		return 0;
	error_hint(err,
		   "shut that guest down; where it has ended already: pciferry"
		   " release %s",
		   err ? err->subject : "");
	return -EBUSY;
}

static bool is_noted(const struct host *host, const char *name, const char *guest,
		     struct pci_address *ret_address)
{
	size_t len = strlen(name), rest = strlen(ending);
	_cleanup_free_ char *address = NULL, *noted = NULL;

	if (len <= rest || strcmp(name + len - rest, ending) != 0)
		return false;
	address = strndup(name, len - rest);
	if (!address || pci_address_parse(address, ret_address) < 0)
		return false;
	noted = read_guest(host, ret_address);
	return noted && !strcmp(noted, guest);
}

/* Of those that are noted the ones that pciferry still has. */
static int keep_taken(const struct host *host, struct pci_address *addresses,
		      size_t *count, struct error *err)
{
	_cleanup_(pci_devices_free) struct pci_devices devices = { 0 };
	_cleanup_free_ struct pci_device **found = calloc(*count + 1, sizeof(*found));
	size_t n = 0, taken = 0;
	int r = found ? pci_scan(host, &devices, err) : error_oom(err);

	for (size_t i = 0; r == 0 && i < *count; i++) {
		found[n] = pci_find(&devices, &addresses[i]);
		n += found[n] != NULL;
	}
	if (r == 0)
		r = pci_read_overrides(host, found, n, err);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct bind_state first;

		/* What does not answer is told when it is to go back. */
		if (found[i]->stuck || bind_is_taken(host, found[i], &first))
			addresses[taken++] = found[i]->address;
	}
	*count = taken;
	return r;
}

int bind_guest_devices(const struct host *host, const char *guest,
		       struct pci_address **ret_addresses, size_t *ret_count,
		       struct error *err)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	_cleanup_free_ struct pci_address *addresses = NULL;
	size_t count = 0;
	int r = host_list(host, folder, &names);

	if (r < 0 && r != -ENOENT)
		return error_set(err, -r, "/run/pciferry", "%s", strerror(-r));
	addresses = calloc(names.count + 1, sizeof(*addresses));
	if (!addresses)
		return error_oom(err);
	for (size_t i = 0; i < names.count; i++)
		count += is_noted(host, names.items[i], guest, &addresses[count]);
	r = count ? keep_taken(host, addresses, &count, err) : 0;
	if (r < 0)
		return r;
	*ret_addresses = steal(addresses);
	*ret_count = count;
	return 0;
}
