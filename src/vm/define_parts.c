/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest has of this host besides its PCI functions, as libvirt has it written. */
#include "vm/define.h"

static void add_usb(struct vm_xml *xml, xmlNode *devices, const struct vm_usb *usb)
{
	xmlNode *node, *source;

	node = vm_xml_add(xml, devices, "hostdev", "mode", "subsystem", "type", "usb",
			  NULL);
	source = vm_xml_add(xml, node, "source", NULL);
	vm_xml_set(xml, vm_xml_add(xml, source, "vendor", NULL), "id", "0x%04x",
		   usb->vendor);
	vm_xml_set(xml, vm_xml_add(xml, source, "product", NULL), "id", "0x%04x",
		   usb->product);
	if (usb->is_any)
		return;
	node = vm_xml_add(xml, source, "address", NULL);
	vm_xml_set(xml, node, "bus", "%u", usb->bus);
	vm_xml_set(xml, node, "device", "%u", usb->device);
}

static void add_input(struct vm_xml *xml, xmlNode *devices, const struct vm_input *input)
{
	xmlNode *node = vm_xml_add(xml, devices, "input", "type", "evdev", NULL);

	node = vm_xml_add(xml, node, "source", "dev", input->path, NULL);
	if (!input->is_keyboard)
		return;
	vm_xml_set(xml, node, "grab", "all");
	vm_xml_set(xml, node, "repeat", "on");
}

static void add_share(struct vm_xml *xml, xmlNode *devices, const struct vm_share *share)
{
	xmlNode *node = vm_xml_add(xml, devices, "filesystem", "type", "mount",
				   "accessmode", "passthrough", NULL);

	vm_xml_add(xml, node, "driver", "type", "virtiofs", NULL);
	vm_xml_add(xml, node, "source", "dir", share->path, NULL);
	vm_xml_add(xml, node, "target", "dir", share->tag, NULL);
}

/* https://looking-glass.io/docs/B6/install/: it moves a relative pointer, too. */
static void add_picture(struct vm_xml *xml, xmlNode *devices,
			const struct vm_guest *guest)
{
	xmlNode *node = vm_xml_add(xml, devices, "shmem", "name", "looking-glass", NULL);

	vm_xml_add(xml, node, "model", "type", "ivshmem-plain", NULL);
	vm_xml_set(xml, vm_xml_add_text(xml, node, "size", "%u", guest->picture_mib),
		   "unit", "M");
	vm_xml_add(xml, devices, "input", "type", "mouse", "bus", "virtio", NULL);
	vm_xml_add(xml, devices, "input", "type", "keyboard", "bus", "virtio", NULL);
}

unsigned int vm_define_parts(struct vm_xml *xml, xmlNode *devices,
			     const struct vm_guest *guest)
{
	for (size_t i = 0; i < guest->n_usb; i++)
		add_usb(xml, devices, &guest->usb[i]);
	for (size_t i = 0; i < guest->n_inputs; i++)
		add_input(xml, devices, &guest->inputs[i]);
	for (size_t i = 0; i < guest->n_shares; i++)
		add_share(xml, devices, &guest->shares[i]);
	for (size_t i = 0; i < guest->n_slices; i++)
		vm_define_slice(xml, devices, &guest->slices[i]);
	if (guest->picture_mib)
		add_picture(xml, devices, guest);
	/* The memory is conventional PCI, for which libvirt adds a bridge to a port. */
	return (unsigned int)(guest->n_shares + guest->n_slices) +
	       (guest->picture_mib ? 3 : 0);
}
