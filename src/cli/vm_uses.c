/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/vm_uses.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/output.h"
#include "vm/hook.h"

/*
 * Each use of what goes, "ADDRESS: what"; and whether one of them is of a disk, by which
 * another guest or a database may have it as well as a mount.
 */
static int gather(struct cli_view *view, const struct vm_functions *functions,
		  struct string_list *uses, bool *ret_disk, struct error *err)
{
	_cleanup_free_ const struct pci_device **devices =
		calloc(functions->count + 1, sizeof(struct pci_device *));
	_cleanup_free_ struct string_list *disks =
		calloc(functions->count + 1, sizeof(*disks));
	int r = devices && disks ? 0 : error_oom(err);

	*ret_disk = false;
	for (size_t i = 0; r == 0 && i < functions->count; i++)
		devices[i] = pci_find(&view->devices, &functions->items[i].host);
	if (r == 0 && host_is_live(view->host))
		r = usage_look_for_claims(&view->usage, devices, functions->count, disks);
	for (size_t i = 0; r == 0 && i < functions->count; i++) {
		const struct usage_findings *findings =
			usage_of(&view->usage, devices[i]);
		char text[PCI_ADDRESS_SIZE];

		pci_address_format(&devices[i]->address, text);
		/* That it has a type is why a guest can have it. */
		if (functions->items[i].stays && findings->count == 1 &&
		    findings->items[0].kind == USAGE_SLICE)
			continue;
		*ret_disk |= (findings->count && functions->items[i].boots) ||
			     usage_has_disk_in_use(&view->usage, devices[i]);
		for (size_t j = 0; r == 0 && j < findings->count; j++)
			r = string_list_addf(uses, "%s: %s", text,
					     findings->items[j].detail);
	}
	for (size_t i = 0; disks && i < functions->count; i++)
		string_list_free(&disks[i]);
	return r < 0 ? error_oom(err) : 0;
}

/*
 * pciferry's hook looks again when the guest starts, and refuses. libvirt by itself takes
 * a mounted disk: so none is promised to a guest, and nothing that is in use goes to one
 * that starts or runs.
 */
static int refuse(const char *name, const struct string_list *uses, bool disk,
		  enum vm_uses when, struct error *err)
{
	if (when == VM_USES_NOW)
		error_refuse(err, name, "the running guest would take what is in use");
	else
		error_refuse(err, name,
			     "what it is to have is in use, and libvirt would take it"
			     " all the same when the guest starts");
	for (size_t i = 0; i < uses->count; i++)
		error_evidence(err, "%s", uses->items[i]);
	if (when != VM_USES_NOW)
		error_hint(err, "free it; or have pciferry's hook look before each start:"
				" pciferry vm hook install, then vm create --hand-over");
	else if (disk)
		error_hint(err, "free it first");
	else
		error_hint(err,
			   "free it first; --config gives it to the guest's next start"
			   " instead");
	return -EBUSY;
}

int vm_uses_look(const struct cli *cli, struct cli_view *view,
		 const struct vm_functions *functions, const char *name,
		 enum vm_uses when, struct error *err)
{
	_cleanup_(string_list_free) struct string_list uses = { 0 };
	bool disk;
	int r = gather(view, functions, &uses, &disk, err);

	if (r < 0 || !uses.count)
		return r;
	if (when >= VM_USES_START || (disk && when == VM_USES_LATER))
		return refuse(name, &uses, disk, when, err);
	for (size_t i = 0; i < uses.count && !cli->quiet; i++)
		output_talk("now in use: %s", uses.items[i]);
	return 0;
}

int vm_uses_find_hook(const struct host *host, const char *subject, struct error *err)
{
	if (host_exists(host, VM_HOOK))
		return 0;
	error_set(err, ENOENT, subject, "pciferry's hook is not installed");
	error_hint(err, "pciferry vm hook install");
	return -ENOENT;
}

uint64_t vm_uses_measure_window(const struct cli *cli, const struct cli_view *view,
				const struct vm_functions *functions)
{
	uint64_t window = 0;

	if (vm_measure_window(view->host, &view->devices, functions->items,
			      functions->count, &window) != FACT_KNOWN &&
	    !cli->quiet)
		output_talk("how large the devices' memory is could not be read: the"
			    " guest has the usual room for it");
	return window;
}
