/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest has, as libvirt has it written. */
#include <stdio.h>

#include "base/cleanup.h"
#include "vm/define.h"

/* For devices that are plugged in while the guest runs: a port is there, or it is not. */
enum { SPARE_PORTS = 4 };

/* "vda" to "vdz", then "vdaa", as the kernel names disks (sd_format_disk_name()). */
static const char *disk_name(const char *prefix, unsigned int index, char name[16])
{
	char letters[8], *at = letters + sizeof(letters) - 1;

	*at = '\0';
	for (index++; index && at > letters; index = (index - 1) / 26)
		*--at = (char)('a' + (index - 1) % 26);
	snprintf(name, 16, "%s%s", prefix, at);
	return name;
}

static void add_driver(struct vm_xml *xml, xmlNode *node, const struct vm_guest *guest,
		       const struct vm_disk *disk)
{
	xmlNode *driver = vm_xml_add(xml, node, "driver", "name", "qemu", "type",
				     disk->is_qcow2 ? "qcow2" : "raw", NULL);

	if (disk->is_cdrom)
		return;
	/* Past the host's page cache, which not every file system lets one go. */
	if (disk->is_block)
		vm_xml_set(xml, driver, "cache", "none");
	vm_xml_set(xml, driver, "discard", "unmap");
	if (vm_guest_has_io_thread(guest))
		vm_xml_set(xml, driver, "iothread", "1");
}

static void add_disk(struct vm_xml *xml, xmlNode *devices, const struct vm_guest *guest,
		     const struct vm_disk *disk, unsigned int index,
		     unsigned int boot_order)
{
	xmlNode *node, *boot;
	char name[16];

	node = vm_xml_add(xml, devices, "disk", "type", disk->is_block ? "block" : "file",
			  "device", disk->is_cdrom ? "cdrom" : "disk", NULL);
	add_driver(xml, node, guest, disk);
	vm_xml_add(xml, node, "source", disk->is_block ? "dev" : "file", disk->path,
		   NULL);
	vm_xml_add(xml, node, "target", "dev",
		   disk_name(disk->is_cdrom ? "sd" : "vd", index, name), "bus",
		   disk->is_cdrom ? "sata" : "virtio", NULL);
	if (disk->is_cdrom)
		vm_xml_add(xml, node, "readonly", NULL);
	boot = vm_xml_add(xml, node, "boot", NULL);
	vm_xml_set(xml, boot, "order", "%u", boot_order);
}

/*
 * The guest's disks, then this host's, then CDs: an empty disk is passed over, and then
 * the installer's CD is there. Once one thing has its place, firmware starts nothing that
 * has none.
 */
static unsigned int add_disks(struct vm_xml *xml, xmlNode *devices,
			      const struct vm_guest *guest)
{
	unsigned int order = 0, disks = 0, cdroms = 0;

	for (size_t i = 0; i < guest->n_disks; i++)
		if (!guest->disks[i].is_cdrom)
			add_disk(xml, devices, guest, &guest->disks[i], disks++, ++order);
	for (size_t i = 0; i < guest->n_functions; i++)
		order += guest->functions[i].boots;
	for (size_t i = 0; i < guest->n_disks; i++)
		if (guest->disks[i].is_cdrom)
			add_disk(xml, devices, guest, &guest->disks[i], cdroms++,
				 ++order);
	return disks;
}

/* Behind the guest's disks. */
static void add_boot_order(struct vm_xml *xml, xmlNode *node,
			   const struct vm_guest *guest,
			   const struct vm_function *function)
{
	unsigned int order = 1;

	for (size_t i = 0; i < guest->n_disks; i++)
		order += !guest->disks[i].is_cdrom;
	for (const struct vm_function *at = guest->functions; at < function; at++)
		order += at->boots;
	vm_xml_set(xml, vm_xml_add(xml, node, "boot", NULL), "order", "%u", order);
}

static void add_controller(struct vm_xml *xml, xmlNode *devices, const char *model,
			   unsigned int index)
{
	xmlNode *node = vm_xml_add(xml, devices, "controller", "type", "pci", NULL);

	vm_xml_set(xml, node, "index", "%u", index);
	vm_xml_set(xml, node, "model", "%s", model);
}

/*
 * Ports for this host's functions, for the virtio devices, which libvirt places, and for
 * what is plugged in later. SeaBIOS has as much room above 4 GiB as QEMU gives it.
 */
static void add_ports(struct vm_xml *xml, xmlNode *devices, const struct vm_guest *guest,
		      unsigned int virtio)
{
	/* They are sorted by their ports. */
	unsigned int ports =
		guest->n_functions ? guest->functions[guest->n_functions - 1].port : 0;
	xmlNode *root, *hole;

	root = vm_xml_add(xml, devices, "controller", "type", "pci", "index", "0",
			  "model", "pcie-root", NULL);
	if (guest->window > VM_USUAL_WINDOW) {
		hole = vm_xml_add_text(xml, root, "pcihole64", "%llu",
				       (unsigned long long)(guest->window >> 10));
		vm_xml_set(xml, hole, "unit", "KiB");
	}
	for (unsigned int i = 1; i <= ports + virtio + SPARE_PORTS; i++)
		add_controller(xml, devices, "pcie-root-port", i);
}

static void add_host_address(struct vm_xml *xml, xmlNode *source,
			     const struct pci_address *host, bool with_type)
{
	xmlNode *address = vm_xml_add(xml, source, "address", NULL);

	if (with_type)
		vm_xml_set(xml, address, "type", "pci");
	vm_xml_set(xml, address, "domain", "0x%04x", host->domain);
	vm_xml_set(xml, address, "bus", "0x%02x", host->bus);
	vm_xml_set(xml, address, "slot", "0x%02x", host->device);
	vm_xml_set(xml, address, "function", "0x%x", host->function);
}

static void add_own_address(struct vm_xml *xml, xmlNode *node,
			    const struct vm_function *function)
{
	xmlNode *address =
		vm_xml_add(xml, node, "address", "type", "pci", "domain", "0x0000", NULL);

	vm_xml_set(xml, address, "bus", "0x%02x", function->port);
	vm_xml_set(xml, address, "slot", "0x00");
	vm_xml_set(xml, address, "function", "0x%x", function->function);
	if (function->multifunction)
		vm_xml_set(xml, address, "multifunction", "on");
}

/* libvirt gives it its address and network before the guest has it. */
static xmlNode *add_interface(struct vm_xml *xml, xmlNode *devices, const char *managed,
			      const struct vm_function *function)
{
	xmlNode *node, *vlan, *tag;

	node = vm_xml_add(xml, devices, "interface", "type", "hostdev", "managed",
			  managed, NULL);
	vm_xml_add(xml, node, "mac", "address", function->mac, NULL);
	add_host_address(xml, vm_xml_add(xml, node, "source", NULL), &function->host,
			 true);
	if (function->vlan) {
		vlan = vm_xml_add(xml, node, "vlan", NULL);
		tag = vm_xml_add(xml, vlan, "tag", NULL);
		vm_xml_set(xml, tag, "id", "%u", function->vlan);
	}
	return node;
}

xmlNode *vm_define_function(struct vm_xml *xml, xmlNode *devices,
			    const struct vm_guest *guest,
			    const struct vm_function *function, bool is_whole)
{
	const char *managed = guest->hands_over || function->stays ? "no" : "yes";
	xmlNode *node;

	if (function->mac) {
		node = add_interface(xml, devices, managed, function);
	} else {
		node = vm_xml_add(xml, devices, "hostdev", "mode", "subsystem", "type",
				  "pci", "managed", managed, NULL);
		vm_xml_add(xml, node, "driver", "name", "vfio", NULL);
		add_host_address(xml, vm_xml_add(xml, node, "source", NULL),
				 &function->host, false);
	}
	if (is_whole && function->boots && guest->n_disks)
		add_boot_order(xml, node, guest, function);
	if (function->rom)
		vm_xml_add(xml, node, "rom", "file", function->rom, NULL);
	if (!function->unplaced)
		add_own_address(xml, node, function);
	return node;
}

static unsigned int add_network(struct vm_xml *xml, xmlNode *devices,
				const struct vm_guest *guest)
{
	xmlNode *node;

	if (!guest->network && !guest->bridge)
		return 0;
	node = vm_xml_add(xml, devices, "interface", "type",
			  guest->bridge ? "bridge" : "network", NULL);
	if (guest->bridge)
		vm_xml_add(xml, node, "source", "bridge", guest->bridge, NULL);
	else
		vm_xml_add(xml, node, "source", "network", guest->network, NULL);
	vm_xml_add(xml, node, "model", "type", "virtio", NULL);
	return 1;
}

/* Reached from this host alone: another way in is asked for by the one who wants it. */
static void add_viewer(struct vm_xml *xml, xmlNode *devices, const struct vm_guest *guest)
{
	const struct vm_slice *shown = vm_shown_slice(guest->slices, guest->n_slices);
	bool spice = guest->screen == VM_SCREEN_SPICE;
	bool renders = shown && shown->is_intels;
	xmlNode *node, *channel;

	if (spice && renders) {
		/* With OpenGL it has no network: virt-viewer --attach shows it. */
		node = vm_xml_add(xml, devices, "graphics", "type", "spice", NULL);
		vm_xml_add(xml, node, "listen", "type", "none", NULL);
		vm_xml_add(xml, node, "gl", "enable", "yes", NULL);
	} else {
		node = vm_xml_add(xml, devices, "graphics", "type",
				  spice ? "spice" : "vnc", "port", "-1", "autoport",
				  "yes", NULL);
		vm_xml_add(xml, node, "listen", "type", "address", "address", "127.0.0.1",
			   NULL);
	}
	if (!spice && renders)
		vm_xml_add(xml, devices, "graphics", "type", "egl-headless", NULL);
	if (spice) {
		channel = vm_xml_add(xml, devices, "channel", "type", "spicevmc", NULL);
		vm_xml_add(xml, channel, "target", "type", "virtio", "name",
			   "com.redhat.spice.0", NULL);
	}
}

static void add_screen(struct vm_xml *xml, xmlNode *devices, const struct vm_guest *guest)
{
	bool is_none = guest->screen == VM_SCREEN_NONE;

	if (!is_none)
		add_viewer(xml, devices, guest);
	/*
	 * VGA is what each firmware and each installer has a driver for. Where there is
	 * to be none it is said: else libvirt adds one, and the guest shows its picture
	 * there.
	 */
	vm_xml_add(xml, vm_xml_add(xml, devices, "video", NULL), "model", "type",
		   is_none || vm_shown_slice(guest->slices, guest->n_slices) ? "none"
									     : "vga",
		   NULL);
	if (!is_none && !guest->picture_mib)
		vm_xml_add(xml, devices, "input", "type", "tablet", "bus", "usb", NULL);
}

static void add_console(struct vm_xml *xml, xmlNode *devices)
{
	xmlNode *node = vm_xml_add(xml, devices, "serial", "type", "pty", NULL);

	vm_xml_add(xml, node, "target", "type", "isa-serial", "port", "0", NULL);
	node = vm_xml_add(xml, devices, "console", "type", "pty", NULL);
	vm_xml_add(xml, node, "target", "type", "serial", "port", "0", NULL);
}

static void add_tpm(struct vm_xml *xml, xmlNode *devices)
{
	xmlNode *tpm = vm_xml_add(xml, devices, "tpm", "model", "tpm-crb", NULL);

	vm_xml_add(xml, tpm, "backend", "type", "emulator", "version", "2.0", NULL);
}

void vm_define_devices(struct vm_xml *xml, xmlNode *domain, const struct vm_guest *guest)
{
	xmlNode *devices = vm_xml_add(xml, domain, "devices", NULL), *rng, *backend;
	unsigned int virtio = 0;

	virtio += add_disks(xml, devices, guest);
	virtio += add_network(xml, devices, guest);
	vm_xml_add(xml, devices, "controller", "type", "usb", "model", "qemu-xhci", NULL);
	virtio++;
	if (guest->screen == VM_SCREEN_SPICE) {
		vm_xml_add(xml, devices, "controller", "type", "virtio-serial", NULL);
		virtio++;
	}
	add_screen(xml, devices, guest);
	add_console(xml, devices);
	if (guest->has_tpm)
		add_tpm(xml, devices);
	for (size_t i = 0; i < guest->n_functions; i++)
		vm_define_function(xml, devices, guest, &guest->functions[i], true);
	virtio += vm_define_parts(xml, devices, guest);
	/* All of a guest's memory is pinned for its devices: none can be taken back. */
	vm_xml_add(xml, devices, "memballoon", "model", "none", NULL);
	rng = vm_xml_add(xml, devices, "rng", "model", "virtio", NULL);
	backend = vm_xml_add_text(xml, rng, "backend", "/dev/urandom");
	vm_xml_set(xml, backend, "model", "random");
	virtio++;
	add_ports(xml, devices, guest, virtio);
}
