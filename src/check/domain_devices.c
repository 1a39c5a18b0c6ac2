/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices of this host that a domain's definition names. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/tab.h"
#include "check/domain_internal.h"
#include "check/rom.h"
#include "pci/slices.h"
#include "vm/connect.h"
#include "vm/vm.h"

/* What vm detach leaves alone is changed where it stands. */
static int fix_place(struct check_run *run, const xmlNode *node, const char *text)
{
	_cleanup_free_ char *detach = check_domain_command(run, "detach", text);

	if (vm_tree_is(node, "disk") || (run->device && iommu_member_stays(run->device)))
		return check_fix(run,
				 "pciferry list shows where it is now; write that into"
				 " the <source> of the <%s> of line %u",
				 (const char *)node->name, node->line);
	return detach ? check_fix(run,
				  "pciferry list shows where it is now; %s, then pciferry"
				  " vm attach",
				  detach)
		      : -ENOMEM;
}

static int tell_moved(struct check_run *run, const xmlNode *node,
		      const struct pci_address *address, const char *seen)
{
	char text[PCI_ADDRESS_SIZE];
	int r;

	pci_address_format(address, text);
	r = check_tell(run, CHECK_FAIL, text, "%s", seen);
	if (r == 0)
		r = check_why(run,
			      "addresses move when hardware is added or taken out, and"
			      " the guest gets what is there now, or does not start");
	return r < 0 ? r : fix_place(run, node, text);
}

/* What /etc/pciferry.tab knows there; "": the same. False: it knows nothing there. */
static bool compare_tab(const struct check_run *run, const struct bootcfg_tab *tab,
			char misfit[PCI_MISFIT_SIZE])
{
	const struct check_domain_request *request = run->domain->request;
	const struct bootcfg_tab_entry place = {
		.kind = TAB_DEVICE,
		.address = run->device->address,
	};
	const struct bootcfg_tab_line *line = bootcfg_tab_find(tab, &place);
	size_t index = (size_t)(run->device - request->devices->items);

	misfit[0] = '\0';
	if (line)
		pci_identity_fits(&line->entry.identity, &request->topology->nodes[index],
				  &request->configs[index], misfit);
	return line;
}

/* What the element needs the device to be, by its class (PCI ID specification). */
static const char *find_wrong_kind(const xmlNode *node, const struct pci_device *device)
{
	if (iommu_member_stays(device))
		return "a bridge is there, which no guest can have";
	if (device->ids != FACT_KNOWN)
		return NULL;
	if (vm_tree_is(node, "interface") && !pci_has_class(device, PCI_CLASS_NETWORK))
		return "an <interface> is to have it, and no network card is there";
	if (vm_tree_is(node, "disk") && device->class_code >> 8 != 0x0108)
		return "a <disk> is to have it, and no NVMe disk is there";
	return NULL;
}

/* *known stays as it is where /etc/pciferry.tab tells that the device is the one. */
static int check_place_of(struct check_run *run, const xmlNode *node,
			  const struct bootcfg_tab *tab, bool *known)
{
	char misfit[PCI_MISFIT_SIZE], seen[PCI_MISFIT_SIZE + 64];
	struct pci_address address;
	const char *wrong;

	if (!check_domain_look(run, node, &address))
		return tell_moved(run, node, &address, "nothing is at this address");
	wrong = find_wrong_kind(node, run->device);
	if (wrong)
		return tell_moved(run, node, &address, wrong);
	if (!compare_tab(run, tab, misfit))
		*known = false;
	if (!misfit[0])
		return 0;
	snprintf(seen, sizeof(seen), "/etc/pciferry.tab knows another there: %s", misfit);
	return tell_moved(run, node, &address, seen);
}

int check_domain_device(struct check_run *run)
{
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	size_t before = run->findings->count;
	const xmlNode *node = NULL;
	bool known = true;
	int r = bootcfg_tab_read(run->facts->host, BOOTCFG_TAB, &tab);

	/* Without one it is not known what was meant. */
	r = r == -ENOMEM ? r : 0;
	while (r == 0 && (node = check_domain_next(run->domain, node)))
		r = check_place_of(run, node, &tab, &known);
	run->device = NULL;
	if (r == 0 && !known && run->findings->count == before)
		return check_tell(run, CHECK_INFO, NULL,
				  "each address has a device that a guest can have;"
				  " whether it is the one that was meant is not known");
	return r < 0 ? r
		     : check_domain_end(run, before,
					"its devices are where it names them, by"
					" /etc/pciferry.tab");
}

/* What two may not write to at once. */
static bool is_of_disk(enum usage_kind kind)
{
	return kind == USAGE_ROOT || kind == USAGE_MOUNT || kind == USAGE_SWAP ||
	       kind == USAGE_HOLDER || kind == USAGE_POOL;
}

static int tell_use(struct check_run *run, const struct usage_finding *use)
{
	_cleanup_free_ char *detach = NULL;
	char text[PCI_ADDRESS_SIZE];
	int r;

	pci_address_format(&run->device->address, text);
	if (use->kind == USAGE_UNREADABLE)
		return check_tell(run, CHECK_UNKNOWN, NULL, "%s", use->detail);
	detach = check_domain_command(run, "detach", text);
	if (!detach)
		return -ENOMEM;
	r = check_tell(run, is_of_disk(use->kind) ? CHECK_FAIL : CHECK_WARN, NULL, "%s",
		       use->detail);
	if (r == 0)
		r = check_why(run,
			      run->domain->definition.asks
				      ? "pciferry's hook does not let the guest start"
				      : "libvirt does not look at that: it takes even a"
					" mounted disk when the guest starts");
	return r < 0 ? r
		     : check_fix(run,
				 "end that use before the guest starts; where another"
				 " device was meant: %s",
				 detach);
}

/* Whether it is the use by which a guest can have it: NVIDIA's vGPU without mediated
 * devices. */
static bool is_for_guests(const struct check_run *run, const struct usage_finding *use)
{
	long long type = 0;

	return use->kind == USAGE_SLICE &&
	       pci_slice_vendor_type(run->facts->host, &run->device->address, &type) ==
		       FACT_KNOWN &&
	       type;
}

/* Which is lost when libvirt takes it off its driver. */
static int check_stays(struct check_run *run, const xmlNode *node)
{
	const char *managed = vm_tree_managed(node);
	int r;

	if (!managed || strcmp(managed, "yes") != 0)
		return 0;
	r = check_tell(run, CHECK_FAIL, NULL,
		       "managed='yes' takes it off its driver, which hands it to guests"
		       " itself");
	if (r == 0)
		r = check_why(run, "taken off and given back it is none that guests can"
				   " have, until all of its card's are made anew");
	return r < 0 ? r
		     : check_fix(run, "write managed='no' into the <%s> of line %u",
				 (const char *)node->name, node->line);
}

int check_domain_use(struct check_run *run)
{
	const struct check_domain_request *request = run->domain->request;
	size_t before = run->findings->count;
	const xmlNode *node = NULL;
	struct pci_address address;
	int r = 0;

	while (r == 0 && (node = check_domain_next(run->domain, node))) {
		const struct usage_findings *uses;

		/* What the guest runs with is in use by itself. */
		if (!check_domain_look(run, node, &address) ||
		    (request->live && vm_definition_find(request->live, &address)))
			continue;
		uses = usage_of(request->usage, run->device);
		for (size_t i = 0; r == 0 && i < uses->count; i++)
			r = is_for_guests(run, &uses->items[i])
				    ? check_stays(run, node)
				    : tell_use(run, &uses->items[i]);
	}
	return r < 0 ? r : check_domain_end(run, before, "the host uses none of them");
}

static int check_member(struct check_run *run, const struct pci_device *member)
{
	_cleanup_free_ char *attach = NULL;
	char text[PCI_ADDRESS_SIZE];
	const char *driver;
	bool allows = iommu_member_allows_vfio(member, &driver);
	int r;

	if (vm_definition_find(&run->domain->definition, &member->address))
		return 0;
	pci_address_format(&member->address, text);
	attach = check_domain_command(run, "attach", text);
	if (!attach)
		return -ENOMEM;
	r = check_tell(run, allows ? CHECK_INFO : CHECK_FAIL, NULL,
		       "%s is in its group, and not in the domain%s%s", text,
		       driver ? "; driver " : "", driver ? driver : "");
	if (r == 0 && !allows)
		r = check_why(run, "VFIO opens a group only when each member is free: the"
				   " guest does not start");
	return r == 0 ? check_fix(run, "%s", attach) : r;
}

/* Whether it is the first of its group that the domain has: what is missing is told once.
 */
static bool is_first(const struct check_run *run)
{
	const struct pci_device *member;

	for (size_t i = 0; (member = check_goes_along(run, i)); i++)
		if (vm_definition_find(&run->domain->definition, &member->address))
			return member == run->device;
	return true;
}

/* The IOMMU is off, or does not reach it. */
static int tell_no_group(struct check_run *run, enum fact fact)
{
	int r;

	if (fact != FACT_ABSENT)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "its group could not be read");
	r = check_tell(run, CHECK_FAIL, NULL, "it is in no group");
	if (r == 0)
		r = check_why(run, "without an IOMMU no guest gets it: the guest does not"
				   " start");
	return r == 0 ? check_fix(run, "pciferry check tells why the IOMMU is off") : r;
}

int check_domain_siblings(struct check_run *run)
{
	size_t before = run->findings->count;
	const xmlNode *node = NULL;
	struct pci_address address;
	int r = 0;

	while (r == 0 && (node = check_domain_next(run->domain, node))) {
		const struct pci_device *member;
		enum fact fact;

		if (!check_domain_look(run, node, &address))
			continue;
		if (!iommu_group_of(&run->facts->groups, run->device, &fact)) {
			r = tell_no_group(run, fact);
			continue;
		}
		for (size_t i = 0;
		     r == 0 && is_first(run) && (member = check_goes_along(run, i)); i++)
			r = check_member(run, member);
	}
	return r < 0 ? r
		     : check_domain_end(run, before, "it has the whole of each group");
}

static int compare_other(struct check_run *run, const struct vm_domain_texts *other)
{
	_cleanup_(vm_definition_free) struct vm_definition definition = { 0 };
	_cleanup_free_ char *name = vm_shell_quote(other->name);
	const struct vm_definition *own = &run->domain->definition;
	int r;

	if (!name)
		return -ENOMEM;
	if (!other->live || !strcmp(other->name, own->name))
		return 0;
	r = vm_definition_read(other->live, strlen(other->live), &definition, NULL);
	if (r < 0)
		return r == -ENOMEM ? r
				    : check_tell(run, CHECK_UNKNOWN, NULL,
						 "what %s runs with could not be read",
						 other->name);
	for (size_t i = 0; r == 0 && i < own->n_held; i++) {
		const struct vm_held *held = &own->held[i];
		char text[PCI_ADDRESS_SIZE];

		if (!vm_definition_find(&definition, &held->host))
			continue;
		r = check_tell(run, CHECK_FAIL, pci_address_format(&held->host, text),
			       "%s has it, and runs", other->name);
		if (r == 0)
			r = check_why(run, "the domain does not start");
		if (r == 0)
			r = check_fix(run,
				      "virsh shutdown %s, or pciferry vm detach %s %s",
				      name, name, text);
	}
	return r;
}

int check_domain_shared(struct check_run *run)
{
	const struct vm_domain_list *others = run->domain->request->others;
	size_t before = run->findings->count;
	int r = 0;

	if (!others)
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "a file does not tell which guests run");
	for (size_t i = 0; r == 0 && i < others->count; i++)
		r = compare_other(run, &others->items[i]);
	return r < 0 ? r : check_domain_end(run, before, "no guest that runs has one");
}

bool check_domain_boots_uefi(const xmlNode *root)
{
	const xmlNode *os = vm_tree_child(root, "os");

	return vm_tree_attribute_is(os, "firmware", "efi") ||
	       vm_tree_attribute_is(vm_tree_child(os, "loader"), "type", "pflash");
}

static int tell_rom(struct check_run *run, enum check_status status, const char *file,
		    const char *seen, const char *why, const char *fix)
{
	int r = check_tell(run, status, NULL, "%s: %s", file, seen);

	if (r == 0)
		r = check_why(run, "%s", why);
	return r == 0 ? check_fix(run, "%s", fix) : r;
}

/* Only a display's image shows something before there is a driver. */
static int look_for_uefi(struct check_run *run, const char *file)
{
	bool is_amd = run->device->ids == FACT_KNOWN && run->device->vendor_id == 0x1002;

	if (!is_amd)
		return tell_rom(run, CHECK_WARN, file, "it has no image for UEFI",
				"the domain boots by UEFI: the card shows nothing before"
				" its driver is there",
				"take the <rom file> out, or use one with a UEFI image,"
				" unless its driver needs this one");
	return tell_rom(run, CHECK_INFO, file, "it has no image for UEFI",
			"the card shows nothing before its driver is there; AMD's driver"
			" for integrated graphics takes its tables from such a file, and"
			" fails without it (error 43)",
			"keep it");
}

/* What firmware cannot make out as a device's ROM. */
static int tell_no_rom(struct check_run *run, const char *file)
{
	return tell_rom(
		run, CHECK_WARN, file, "it is no option ROM",
		"firmware passes it over, and the device has none",
		"take the <rom file> out, or put the device's own there, unless its"
		" driver needs this one");
}

static int look_at_rom(struct check_run *run, const char *file, const struct pci_rom *rom)
{
	const struct pci_device *device = run->device;
	int r = 0;

	if (!rom->images[0].has_pcir)
		return tell_no_rom(run, file);
	if (rom->start)
		return tell_rom(
			run, CHECK_WARN, file,
			"something of a vendor's tool stands before the ROM",
			"firmware looks for it at the beginning, and finds none",
			"pciferry rom FILE --trim -o NEW writes the ROM without it");
	if (check_rom_is_cut(rom))
		return tell_rom(run, CHECK_WARN, file, "it is cut off",
				"firmware passes over what is not whole",
				"take a whole copy of the ROM, or the <rom file> out");
	if (!device || device->ids != FACT_KNOWN)
		return 0;
	if (!check_rom_serves_uefi(rom) && pci_is_display(device) &&
	    check_domain_boots_uefi(run->domain->tree.root))
		r = look_for_uefi(run, file);
	/* AMD's UEFI driver is given to the card's audio function, by any ID. */
	if (r < 0 || device->vendor_id == 0x1002 ||
	    check_rom_compare(rom, device) != CHECK_ROM_IDS_OTHER)
		return r;
	r = check_tell(run, CHECK_WARN, NULL, "%s is for %04x:%04x, not %04x:%04x", file,
		       rom->images[0].vendor_id, rom->images[0].device_id,
		       device->vendor_id, device->device_id);
	if (r == 0)
		r = check_why(run, "firmware passes it over, or runs what is for another"
				   " device");
	return r < 0 ? r
		     : check_fix(run, "take the <rom file> out, unless it is known to"
				      " serve this device");
}

static int check_rom_file(struct check_run *run, const char *file)
{
	_cleanup_free_ char *bytes = NULL;
	struct pci_rom rom;
	enum fact fact;
	size_t len;

	/* qemu_find_file(), system/datadir.c */
	if (file[0] != '/')
		return check_tell(run, CHECK_UNKNOWN, NULL,
				  "%s: QEMU looks for it in its own folders", file);
	fact = check_presence(run->facts->host, file + 1);

	if (fact == FACT_ABSENT)
		return tell_rom(run, CHECK_FAIL, file, "there is no such file",
				"the guest does not start",
				"put the file there, or take the <rom file> out");
	if (fact == FACT_UNREADABLE ||
	    host_read_file(run->facts->host, file + 1, &bytes, &len) < 0)
		return check_tell_unread(run, file + 1);
	if (pci_rom_parse(bytes, len, &rom) < 0)
		return tell_no_rom(run, file);
	return look_at_rom(run, file, &rom);
}

int check_domain_rom(struct check_run *run)
{
	size_t before = run->findings->count;
	const xmlNode *node = NULL;
	struct pci_address address;
	int r = 0;

	while (r == 0 && (node = check_domain_next(run->domain, node))) {
		const char *file = vm_tree_attribute(vm_tree_child(node, "rom"), "file");

		check_domain_look(run, node, &address);
		if (file && *file)
			r = check_rom_file(run, file);
	}
	return r < 0 ? r : check_domain_end(run, before, "no ROM file stands in the way");
}
