/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mediated devices that a domain's definition names. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/uuid.h"
#include "bootcfg/mdevctl.h"
#include "check/domain_internal.h"
#include "pci/slices.h"
#include "vm/hook.h"
#include "vm/slices.h"

/* What the host has of them. */
struct look {
	struct pci_slices slices;
	struct bootcfg_definitions definitions;
};

static void look_free(struct look *look)
{
	pci_slices_free(&look->slices);
	bootcfg_definitions_free(&look->definitions);
}

/* It is not there, and cannot be made now. */
static int tell_missing(struct check_run *run, const xmlNode *node, const char *uuid,
			const struct error *failure)
{
	bool is_its = !strcmp(failure->subject, uuid);
	int r = check_tell(run, CHECK_FAIL, uuid, "%s%s%s (line %u)",
			   is_its ? "" : failure->subject, is_its ? "" : ": ",
			   failure->message, node->line);

	if (r == 0)
		r = check_why(run,
			      run->domain->definition.asks
				      ? "pciferry's hook does not let the guest start"
				      : "the guest does not start without it");
	return r < 0 ? r : check_fix(run, "%s", failure->hint);
}

static int tell_no_hook(struct check_run *run, const char *uuid)
{
	int r = check_tell(run, CHECK_FAIL, uuid,
			   "it is not there now, and pciferry's hook, which would make"
			   " it, is not installed");

	if (r == 0)
		r = check_why(run, "the guest does not start without it");
	return r < 0 ? r : check_fix(run, "pciferry vm hook install");
}

static int tell_later(struct check_run *run, const char *uuid, const struct look *look)
{
	const struct bootcfg_definition *definition =
		bootcfg_definition_find(&look->definitions, uuid, NULL);
	int r = check_tell(run, CHECK_WARN, uuid,
			   "it is defined, as a slice of %s, and not there now",
			   definition->parent);

	if (r == 0)
		r = check_why(run, "libvirt does not make it when the guest starts");
	return r < 0 ? r
		     : check_fix(run,
				 "have pciferry's hook make it, by <pciferry:hand-over>"
				 " in <metadata> (pciferry vm hook --help), or:"
				 " pciferry mdev create %s %s %s",
				 definition->parent, definition->type, uuid);
}

static int check_one(struct check_run *run, const xmlNode *node, const struct look *look)
{
	const char *text = vm_tree_attribute(vm_tree_function_address(node), "uuid");
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	const struct host *host = run->facts->host;
	const struct pci_slice *slice;
	char uuid[UUID_SIZE];
	int r;

	if (!text || uuid_parse(text, strlen(text), uuid) < 0) {
		r = check_tell(run, CHECK_FAIL, NULL, "line %u: %s is no UUID",
			       node->line, text ? text : "nothing");
		if (r == 0)
			r = check_why(run, "libvirt does not take it");
		return r < 0 ? r : check_fix(run, "pciferry mdev list shows them");
	}
	slice = pci_slice_find(&look->slices, uuid);
	if (slice && !slice->is_leaving)
		return 0;
	r = vm_slice_check(host, uuid, &failure);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return tell_missing(run, node, uuid, &failure);
	if (!run->domain->definition.asks)
		return tell_later(run, uuid, look);
	/* A recording has no hooks. */
	return !host_exists(host, VM_HOOK) &&
			       (host_is_live(host) ||
				check_presence(host, VM_HOOK) == FACT_ABSENT)
		       ? tell_no_hook(run, uuid)
		       : 0;
}

int check_domain_slices(struct check_run *run)
{
	const xmlNode *devices = run->domain->devices;
	_cleanup_(error_clear) struct error failure = ERROR_INIT;
	_cleanup_(look_free) struct look look = { 0 };
	size_t before = run->findings->count;
	int r = pci_slices_read(run->facts->host, &look.slices, &failure);

	if (r == 0)
		r = bootcfg_definitions_read(run->facts->host, &look.definitions,
					     &failure);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return check_tell(run, CHECK_UNKNOWN, NULL, "%s: %s", failure.subject,
				  failure.message);
	for (const xmlNode *node = devices ? devices->children : NULL; r == 0 && node;
	     node = node->next)
		if (vm_tree_is_slice(node))
			r = check_one(run, node, &look);
	return r < 0 ? r
		     : check_domain_end(run, before,
					"each slice that it names can be had");
}
