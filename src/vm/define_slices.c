/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mediated devices, as libvirt has them written. */
#include "vm/define.h"

const struct vm_slice *vm_shown_slice(const struct vm_slice *slices, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slices[i].shows)
			return &slices[i];
	return NULL;
}

/* By a name of ours: libvirt's own names count the devices (formatdomain, <alias>). */
static void name_it(struct vm_xml *xml, xmlNode *node, const char *key,
		    const struct vm_slice *slice)
{
	vm_xml_set(xml, node, key, "ua-%s", slice->uuid);
}

static bool is_overridden(const struct vm_slice *slice)
{
	return slice->is_intels || slice->rom;
}

xmlNode *vm_define_slice(struct vm_xml *xml, xmlNode *devices,
			 const struct vm_slice *slice)
{
	xmlNode *node, *source;

	node = vm_xml_add(xml, devices, "hostdev", "mode", "subsystem", "type", "mdev",
			  "managed", "no", "model", "vfio-pci", NULL);
	vm_xml_set(xml, node, "display", "%s", slice->shows ? "on" : "off");
	/* For the firmware, before the guest's driver draws. */
	if (slice->shows)
		vm_xml_set(xml, node, "ramfb", "on");
	source = vm_xml_add(xml, node, "source", NULL);
	vm_xml_add(xml, source, "address", "uuid", slice->uuid, NULL);
	if (is_overridden(slice))
		name_it(xml, vm_xml_add(xml, node, "alias", NULL), "name", slice);
	return node;
}

static void add_property(struct vm_xml *xml, xmlNode *frontend, const char *name,
			 const char *type, const char *value)
{
	xmlNode *node = vm_xml_add_kin(xml, frontend, "property");

	vm_xml_set(xml, node, "name", "%s", name);
	vm_xml_set(xml, node, "type", "%s", type);
	vm_xml_set(xml, node, "value", "%s", value);
}

xmlNode *vm_define_overrides(struct vm_xml *xml, xmlNode *domain,
			     const struct vm_guest *guest)
{
	xmlNode *override = NULL, *device, *frontend;

	for (size_t i = 0; i < guest->n_slices; i++) {
		const struct vm_slice *slice = &guest->slices[i];

		if (!is_overridden(slice))
			continue;
		if (!override)
			override = vm_xml_add_foreign(xml, domain, "qemu", VM_DEFINE_QEMU,
						      "override");
		device = vm_xml_add_kin(xml, override, "device");
		name_it(xml, device, "alias", slice);
		frontend = vm_xml_add_kin(xml, device, "frontend");
		if (slice->is_intels)
			add_property(xml, frontend, "x-igd-opregion", "bool", "true");
		if (slice->rom)
			add_property(xml, frontend, "romfile", "string", slice->rom);
	}
	return override;
}
