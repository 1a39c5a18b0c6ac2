/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What would be done, against what was saved. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "plan/internal.h"
#include "plan/saved.h"

static const struct {
	const char *name;
	size_t offset;
} options_by_number[PLAN_OPTIONS] = {
	{ "from_tab", offsetof(struct plan_options, from_tab) },
	{ "by_id", offsetof(struct plan_options, by_id) },
	{ "adopt", offsetof(struct plan_options, adopt) },
	{ "headless", offsetof(struct plan_options, headless) },
};

const char *plan_option_name(size_t index)
{
	return options_by_number[index].name;
}

bool *plan_option(struct plan_options *options, size_t index)
{
	return (bool *)((char *)options + options_by_number[index].offset);
}

/* The first difference refuses; each one is a line of evidence. */
struct differences {
	struct error *err;
	int r;
};

static void differ(struct differences *differences, const char *subject, const char *how)
{
	struct error *err = differences->err;

	if (!differences->r) {
		differences->r = error_refuse(err, "",
					      "this is not what was planned: nothing was"
					      " changed");
		error_hint(err, "look at it again: pciferry plan DEVICE...");
	}
	error_evidence(err, "%s%s%s", subject, subject[0] ? ": " : "", how);
}

int plan_compare_devices(const struct plan_view *view, const struct plan_saved *saved,
			 struct error *err)
{
	struct differences differences = { err, 0 };

	for (size_t i = 0; i < saved->count; i++) {
		const struct plan_member *member = &saved->members[i];
		const struct pci_device *device =
			pci_find(&view->devices, &member->address);
		char address[PCI_ADDRESS_SIZE], misfit[PCI_MISFIT_SIZE];
		size_t index = (size_t)(device - view->devices.items);

		pci_address_format(&member->address, address);
		if (!device)
			differ(&differences, address, "nothing is there any more");
		else if (!pci_identity_fits(&member->identity,
					    &view->topology.nodes[index],
					    &view->configs[index], misfit))
			differ(&differences, address, misfit);
	}
	return differences.r;
}

static const struct plan_member *find_member(const struct plan_member *members,
					     size_t count,
					     const struct plan_member *wanted)
{
	for (size_t i = 0; i < count; i++)
		if (!pci_address_compare(&members[i].address, &wanted->address))
			return &members[i];
	return NULL;
}

/* They are alike: a serial number that was not known then is another identity, too. */
static bool is_same_member(const struct plan_member *a, const struct plan_member *b)
{
	char left[PCI_IDENTITY_TEXT_SIZE], right[PCI_IDENTITY_TEXT_SIZE];

	return a->named == b->named && !strcmp(a->driver, b->driver) &&
	       !strcmp(pci_identity_write(&a->identity, left),
		       pci_identity_write(&b->identity, right));
}

int plan_compare_members(const struct plan *plan, const struct plan_saved *saved,
			 struct error *err)
{
	struct differences differences = { err, 0 };
	char address[PCI_ADDRESS_SIZE];

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_member *member = &plan->members[i];
		const struct plan_member *then =
			find_member(saved->members, saved->count, member);

		pci_address_format(&member->address, address);
		if (!then)
			differ(&differences, address, "it goes along now");
		else if (!is_same_member(member, then))
			differ(&differences, address,
			       "it would go otherwise than it was planned");
	}
	for (size_t i = 0; i < saved->count; i++)
		if (!find_member(plan->members, plan->count, &saved->members[i]))
			differ(&differences,
			       pci_address_format(&saved->members[i].address, address),
			       "it does not go along now");
	if (!differences.r && plan->count != saved->count)
		differ(&differences, "", "a device is named twice");
	return differences.r;
}

static int compare_edit(const struct sha256 *sha, const struct change_edit *edit,
			const struct plan_saved *saved, bool *found,
			struct differences *differences)
{
	char subject[ERROR_SUBJECT_SIZE];
	struct plan_saved_edit now;
	size_t i = 0;

	snprintf(subject, sizeof(subject), "/%s", edit->path);
	if (plan_saved_edit_of(sha, edit, &now) < 0)
		return -ENOMEM;
	while (i < saved->n_edits &&
	       (found[i] || strcmp(saved->edits[i].place, now.place) != 0))
		i++;
	if (i == saved->n_edits) {
		differ(differences, subject, "it was not to be changed");
		return 0;
	}
	found[i] = true;
	if (strcmp(saved->edits[i].before, now.before) != 0)
		differ(differences, subject, "it is not as it was");
	if (strcmp(saved->edits[i].after, now.after) != 0)
		differ(differences, subject, "it would be made otherwise");
	return 0;
}

int plan_compare_edits(const struct plan *plan, const struct plan_saved *saved,
		       struct error *err)
{
	struct differences differences = { err, 0 };
	_cleanup_free_ bool *found = NULL;
	struct sha256 sha;
	int r;

	/* All is so already: that is what was wanted, and nothing is changed. */
	if (!plan->edits.count && !plan->instructions.count)
		return 0;
	r = sha256_load(&sha, err);
	if (r < 0)
		return r;
	found = calloc(saved->n_edits + 1, sizeof(*found));
	if (!found)
		return error_oom(err);
	for (size_t i = 0; i < plan->edits.count; i++)
		if (compare_edit(&sha, &plan->edits.items[i], saved, found,
				 &differences) < 0)
			return error_oom(err);
	for (size_t i = 0; i < saved->n_edits; i++)
		if (!found[i])
			differ(&differences, "",
			       "something was to be changed that is"
			       " not to be now");
	return differences.r;
}
