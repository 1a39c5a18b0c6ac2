/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The checks of a domain's definition, and those that look at its text alone. */
#include "check/domain.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "check/domain_internal.h"
#include "vm/vm.h"

const xmlNode *check_domain_next(const struct check_domain *domain, const xmlNode *node)
{
	if (node)
		node = node->next;
	else if (domain->devices)
		node = domain->devices->children;
	while (node && !vm_tree_is_function(node))
		node = node->next;
	return node;
}

const struct pci_device *check_domain_look(struct check_run *run, const xmlNode *node,
					   struct pci_address *ret_address)
{
	const xmlNode *address = vm_tree_function_address(node);

	memset(ret_address, 0, sizeof(*ret_address));
	run->device = NULL;
	if (address && vm_tree_address(address, ret_address) == 0)
		run->device = pci_find(&run->facts->devices, ret_address);
	return run->device;
}

int check_domain_end(struct check_run *run, size_t before, const char *seen)
{
	run->device = NULL;
	if (run->findings->count > before)
		return 0;
	return check_tell(run, CHECK_PASS, NULL, "%s", seen);
}

char *check_domain_command(const struct check_run *run, const char *verb,
			   const char *address)
{
	const char *file = run->domain->request->file;
	_cleanup_free_ char *quoted =
		vm_shell_quote(file ? file : run->domain->definition.name);
	char *text;

	if (!quoted || asprintf(&text, "pciferry vm %s %s%s %s", verb,
				file ? "--xml " : "", quoted, address) < 0)
		return NULL;
	return text;
}

/*
 * Of QEMU's own arguments (https://libvirt.org/drvqemu.html). Which QEMU there will be is
 * not known.
 */
static int tell_set(struct check_run *run, const xmlNode *arg, const char *value)
{
	int r = check_tell(run, CHECK_WARN, NULL, "line %u: -set %s", arg->line, value);

	if (r == 0)
		r = check_why(run,
			      "libvirt describes devices to QEMU 6.2 and later in JSON,"
			      " and -set does not find those: with such a QEMU the guest"
			      " does not start");
	if (r == 0)
		r = check_fix(run, "take it out, and set the property in <qemu:override>"
				   " (libvirt 8.2); or have libvirt do without JSON:"
				   " <qemu:capabilities><qemu:del"
				   " capability='device.json'/></qemu:capabilities>");
	return r;
}

/* Has libvirt describe devices as it did before QEMU 6.2. */
static bool goes_without_json(const xmlNode *root)
{
	const xmlNode *list = vm_tree_child(root, "capabilities");

	for (const xmlNode *child = list ? list->children : NULL; child;
	     child = child->next)
		if (vm_tree_is(child, "del") &&
		    vm_tree_attribute_is(child, "capability", "device.json"))
			return true;
	return false;
}

/* Whether a -device of the list, "driver,id=mine", is the one of "device.mine.property".
 */
static bool is_own(const char *device, const char *property)
{
	const char *id = property + strlen("device.");
	size_t len = strcspn(id, ".");

	for (const char *at = strchr(device, ','); at; at = strchr(at, ',')) {
		at++;
		if (!strncmp(at, "id=", 3) && !strncmp(at + 3, id, len) &&
		    (!at[3 + len] || at[3 + len] == ','))
			return true;
	}
	return false;
}

/* QEMU reads its arguments in their order. */
static bool is_defined(const xmlNode *line, const xmlNode *end, const char *property)
{
	bool is_device = false;

	for (const xmlNode *arg = line->children; arg && arg != end; arg = arg->next) {
		const char *value = vm_tree_attribute(arg, "value");

		if (!vm_tree_is(arg, "arg") || !value)
			continue;
		if (is_device && is_own(value, property))
			return true;
		is_device = !strcmp(value, "-device");
	}
	return false;
}

static int check_set(struct check_run *run)
{
	const xmlNode *line = vm_tree_child(run->domain->tree.root, "commandline");
	size_t before = run->findings->count;
	bool is_set = false;
	int r = 0;

	if (goes_without_json(run->domain->tree.root))
		return check_tell(run, CHECK_PASS, NULL,
				  "libvirt is told to do without JSON: -set finds what"
				  " it names");
	for (const xmlNode *arg = line ? line->children : NULL; r == 0 && arg;
	     arg = arg->next) {
		const char *value = vm_tree_attribute(arg, "value");

		if (!vm_tree_is(arg, "arg") || !value)
			continue;
		if (is_set && !strncmp(value, "device.", strlen("device.")) &&
		    !is_defined(line, arg, value))
			r = tell_set(run, arg, value);
		is_set = !strcmp(value, "-set");
	}
	return r < 0 ? r : check_domain_end(run, before, "no device of libvirt's is set");
}

static int check_features(struct check_run *run)
{
	const xmlNode *features = vm_tree_child(run->domain->tree.root, "features");
	size_t before = run->findings->count;
	int r = 0;

	for (const xmlNode *inner = features ? features->children : NULL; r == 0 && inner;
	     inner = inner->next) {
		if (!vm_tree_is(inner, "features"))
			continue;
		r = check_tell(run, CHECK_FAIL, NULL,
			       "line %u: <features> inside <features>", inner->line);
		if (r == 0)
			r = check_why(run, "libvirt does not look into it: what it holds"
					   " is not on");
		if (r == 0)
			r = check_fix(run, "move what it holds into the outer one");
	}
	return r < 0 ? r : check_domain_end(run, before, "<features> is not nested");
}

/* Whose driver is known to have refused guests. */
static bool has_nvidia_display(struct check_run *run)
{
	const xmlNode *node = NULL;
	struct pci_address address;
	bool has = false;

	while ((node = check_domain_next(run->domain, node))) {
		const struct pci_device *device = check_domain_look(run, node, &address);

		has |= device && device->ids == FACT_KNOWN &&
		       device->vendor_id == 0x10de && pci_is_display(device);
	}
	run->device = NULL;
	return has;
}

static int check_hidden(struct check_run *run)
{
	const xmlNode *features = vm_tree_child(run->domain->tree.root, "features");
	const xmlNode *hidden = vm_tree_child(vm_tree_child(features, "kvm"), "hidden");
	int r;

	if (!vm_tree_attribute_is(hidden, "state", "on"))
		return check_tell(run, CHECK_PASS, NULL,
				  "the guest may know that it is one");
	if (!has_nvidia_display(run))
		return check_tell(run, CHECK_PASS, NULL,
				  "it is hidden, for no driver that is known");
	r = check_tell(run, CHECK_WARN, NULL, "line %u: <hidden state='on'/>",
		       hidden->line);
	if (r == 0)
		r = check_why(run, "NVIDIA's driver takes guests since version 465%s",
			      vm_tree_child(features, "hyperv")
				      ? ""
				      : "; a guest that does not know of KVM goes without"
					" its clock, and is slower");
	if (r == 0)
		r = check_fix(run, "take it out, unless the guest's driver is older");
	return r;
}

/* Where a number of a group begins behind one of the paths that hold such; NULL: none. */
static const char *find_number(const char *at, const char *end)
{
	static const char *const paths[] = { "/dev/vfio/", "/iommu_groups/" };
	const char *first = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		size_t len = strlen(paths[i]);
		const char *from = at, *found;

		while ((found = memmem(from, (size_t)(end - from), paths[i], len))) {
			from = found + len;
			if (from < end && isdigit((unsigned char)*from))
				break;
		}
		if (found && (!first || found < first))
			first = found;
	}
	return first;
}

/* As many as a person reads. */
enum { GROUP_MAX = 20 };

static int check_group(struct check_run *run)
{
	const char *at = run->domain->request->bytes;
	const char *end = at + run->domain->request->len, *found;
	size_t before = run->findings->count;
	unsigned int line = 1;
	int r = 0;

	while (r == 0 && run->findings->count - before < GROUP_MAX &&
	       (found = find_number(at, end))) {
		size_t len = 1;

		for (const char *c = at; c < found; c++)
			line += *c == '\n';
		while (found + len < end && !strchr("\"'<> \t\r\n,;", found[len]))
			len++;
		r = check_tell(run, CHECK_WARN, NULL, "line %u: %.*s", line, (int)len,
			       found);
		if (r == 0)
			r = check_why(run, "the kernel numbers groups anew at each boot");
		if (r == 0)
			r = check_fix(run,
				      "name the device by its address in a <hostdev>:"
				      " libvirt finds its group");
		at = found + 1;
	}
	return r < 0 ? r : check_domain_end(run, before, "no group's number is in it");
}

static const struct check table[] = {
	{ "domain-device", "domain", "whether its devices are where it names them", false,
	  check_domain_device },
	{ "domain-use", "domain", "whether the host uses one of them", false,
	  check_domain_use },
	{ "domain-siblings", "domain", "whether it has all of their groups", false,
	  check_domain_siblings },
	{ "domain-shared", "domain", "whether a guest that runs has one of them", false,
	  check_domain_shared },
	{ "domain-rom", "domain", "ROM files, and whether its firmware can use them",
	  false, check_domain_rom },
	{ "domain-slices", "domain", "whether its mediated devices are there", false,
	  check_domain_slices },
	{ "domain-set", "domain", "-set of QEMU's devices", false, check_set },
	{ "domain-features", "domain", "<features> inside <features>", false,
	  check_features },
	{ "domain-hidden", "domain", "whether it hides that it is a guest", false,
	  check_hidden },
	{ "domain-memory", "domain", "huge pages", false, check_domain_memory },
	{ "domain-window", "domain", "room for its devices' own memory", false,
	  check_domain_window },
	{ "domain-numa", "domain", "CPUs, memory and devices on one NUMA node", false,
	  check_domain_numa },
	{ "domain-group", "domain", "numbers of groups", false, check_group },
};

static int run_all(const struct check_facts *facts, const struct check_domain *domain,
		   struct check_findings *findings)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(table); i++) {
		struct check_run run = { &table[i], facts, NULL, findings, domain };

		r = table[i].run(&run);
	}
	return r;
}

int check_domain(const struct host *host, const struct check_domain_request *request,
		 struct check_findings *ret_findings, struct error *err)
{
	struct check_facts facts = {
		.host = host,
		.devices = *request->devices,
		.groups = *request->groups,
	};
	struct check_domain domain = { .request = request };
	struct check_findings findings = { 0 };
	int r = vm_tree_open(request->bytes, request->len, &domain.tree, err);

	if (r < 0)
		return r;
	r = vm_definition_read(request->bytes, request->len, &domain.definition, err);
	domain.devices = vm_tree_child(domain.tree.root, "devices");
	if (r == 0 && run_all(&facts, &domain, &findings) < 0)
		r = error_oom(err);
	vm_definition_free(&domain.definition);
	vm_tree_close(&domain.tree);
	if (r < 0)
		check_findings_free(&findings);
	else
		*ret_findings = findings;
	return r;
}
