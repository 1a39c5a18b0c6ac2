/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vfio/compare.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/config.h"

/* A header's fields (PCIe 6.0, 7.5.1.1 and 7.5.1.2). */
static const struct field {
	const char *name;
	uint8_t offset, size;
	bool must_be_same;
} fields[] = {
	{ "vendor ID", PCI_VENDOR_ID, 2, true },
	{ "device ID", PCI_DEVICE_ID, 2, true },
	{ "command", PCI_COMMAND, 2, false },
	{ "status", PCI_STATUS, 2, false },
	{ "revision", PCI_REVISION_ID, 1, true },
	{ "class", PCI_CLASS_PROG, 3, true },
	{ "cache line size", PCI_CACHE_LINE_SIZE, 1, false },
	{ "latency timer", PCI_LATENCY_TIMER, 1, false },
	{ "header type", PCI_HEADER_TYPE, 1, true },
	{ "self test", PCI_BIST, 1, false },
	{ "base addresses", PCI_BASE_ADDRESS_0, 24, false },
	{ "CardBus pointer", PCI_CARDBUS_CIS, 4, false },
	{ "subsystem vendor ID", PCI_SUBSYSTEM_VENDOR_ID, 2, true },
	{ "subsystem ID", PCI_SUBSYSTEM_ID, 2, true },
	{ "option ROM address", PCI_ROM_ADDRESS, 4, false },
	{ "capabilities", PCI_CAPABILITY_LIST, 1, false },
	{ "interrupt line", PCI_INTERRUPT_LINE, 1, false },
	{ "interrupt pin", PCI_INTERRUPT_PIN, 1, false },
};

static int add_once(struct string_list *list, const char *name)
{
	return string_list_has(list, name) ? 0 : string_list_add(list, name);
}

static uint32_t number_at(const uint8_t *bytes, const struct field *field)
{
	uint32_t number = 0;

	for (unsigned int i = field->size; i-- > 0;)
		number = number << 8 | bytes[field->offset + i];
	return number;
}

/* A virtual function has all ones there; the kernel knows the number by another way. */
static uint32_t expected_number(const struct pci_device *device, const uint8_t *own,
				const struct field *field)
{
	uint32_t number = number_at(own, field);

	if (number != 0xffff || device->ids != FACT_KNOWN)
		return number;
	return field->offset == PCI_VENDOR_ID	? device->vendor_id
	       : field->offset == PCI_DEVICE_ID ? device->device_id
						: number;
}

/*
 * A driver for one kind of device, beside vfio-pci, may show it as another: what
 * virtiovf_pci_read_config() in drivers/vfio/pci/virtio does for old guests.
 */
static bool may_answer_for_it(const struct pci_device *device)
{
	return device->driver && strcmp(device->driver, "vfio-pci") != 0;
}

static int compare_header(const struct pci_device *device, const uint8_t *through,
			  const uint8_t *own, struct vfio_comparison *comparison)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fields); i++) {
		const struct field *field = &fields[i];
		uint32_t want, got;

		if (!field->must_be_same) {
			if (memcmp(through + field->offset, own + field->offset,
				   field->size) != 0)
				r = add_once(&comparison->answered, field->name);
			continue;
		}
		want = expected_number(device, own, field);
		got = number_at(through, field);
		if (want != got && may_answer_for_it(device))
			r = add_once(&comparison->answered, field->name);
		else if (want != got)
			r = string_list_addf(&comparison->wrong,
					     "%s: %0*x in sysfs, %0*x through VFIO",
					     field->name, 2 * field->size, want,
					     2 * field->size, got);
	}
	return r;
}

static void name_capability(const struct pci_capability *capability, char *buffer,
			    size_t size)
{
	const char *name = pci_capability_name(capability->extended, capability->id);

	if (name)
		snprintf(buffer, size, "%s", name);
	else
		snprintf(buffer, size, "%scapability %02x",
			 capability->extended ? "extended " : "", capability->id);
}

static const struct pci_capability *find_at(const struct pci_config *config,
					    const struct pci_capability *like)
{
	for (size_t i = 0; i < config->n_capabilities; i++)
		if (config->capabilities[i].offset == like->offset &&
		    config->capabilities[i].id == like->id)
			return &config->capabilities[i];
	return NULL;
}

/* The anchor that VFIO leaves where the first extended one is hidden has no ID. */
static bool is_anchor(const struct pci_capability *capability)
{
	return capability->extended && !capability->id;
}

static int compare_chains(const struct pci_config *through, const struct pci_config *own,
			  struct vfio_comparison *comparison)
{
	char name[64];
	int r = 0;

	for (size_t i = 0; r == 0 && i < own->n_capabilities; i++) {
		const struct pci_capability *one = &own->capabilities[i];

		name_capability(one, name, sizeof(name));
		if (!is_anchor(one) && !find_at(through, one))
			r = add_once(&comparison->hidden, name);
	}
	for (size_t i = 0; r == 0 && i < through->n_capabilities; i++) {
		const struct pci_capability *one = &through->capabilities[i];

		name_capability(one, name, sizeof(name));
		if (!is_anchor(one) && !find_at(own, one))
			r = string_list_addf(&comparison->wrong,
					     "%s at %02x: only through VFIO", name,
					     one->offset);
	}
	return r;
}

/* The capability that a byte behind the header is in, or comes after. */
static const struct pci_capability *owner_of(const struct pci_config *config,
					     size_t offset)
{
	const struct pci_capability *best = NULL;

	for (size_t i = 0; i < config->n_capabilities; i++) {
		const struct pci_capability *one = &config->capabilities[i];

		if (one->offset <= offset && (!best || one->offset > best->offset) &&
		    (one->offset >= PCI_CONFIG_STANDARD_SIZE) ==
			    (offset >= PCI_CONFIG_STANDARD_SIZE))
			best = one;
	}
	return best;
}

static int compare_rest(const struct pci_config *config, const uint8_t *through,
			const uint8_t *own, size_t len,
			struct vfio_comparison *comparison)
{
	int r = 0;

	for (size_t i = PCI_CONFIG_HEADER_SIZE; r == 0 && i < len; i++) {
		const struct pci_capability *owner;
		char name[64] = "unassigned bytes";

		if (through[i] == own[i])
			continue;
		owner = owner_of(config, i);
		if (owner)
			name_capability(owner, name, sizeof(name));
		/* That VFIO does not show it is told already. */
		if (!string_list_has(&comparison->hidden, name))
			r = add_once(&comparison->answered, name);
	}
	return r;
}

int vfio_compare(const struct pci_device *device, const uint8_t *through_vfio,
		 size_t through_len, const uint8_t *own, size_t own_len,
		 struct vfio_comparison *ret_comparison)
{
	_cleanup_(pci_config_free) struct pci_config through = { 0 };
	_cleanup_(pci_config_free) struct pci_config mine = { 0 };
	struct vfio_comparison comparison = { .size = through_len };
	size_t len = through_len < own_len ? through_len : own_len;
	int r;

	comparison.compared = len >= PCI_CONFIG_HEADER_SIZE ? len : 0;
	if (!comparison.compared) {
		*ret_comparison = comparison;
		return 0;
	}
	r = compare_header(device, through_vfio, own, &comparison);
	if (r == 0)
		r = pci_config_parse(through_vfio, len, len, &through);
	if (r == 0)
		r = pci_config_parse(own, len, len, &mine);
	/* An ordinary user reads the header alone. */
	if (r == 0 && len >= PCI_CONFIG_STANDARD_SIZE)
		r = compare_chains(&through, &mine, &comparison);
	if (r == 0)
		r = compare_rest(&mine, through_vfio, own, len, &comparison);
	if (r < 0) {
		vfio_comparison_free(&comparison);
		return -ENOMEM;
	}
	*ret_comparison = comparison;
	return 0;
}

void vfio_comparison_free(struct vfio_comparison *comparison)
{
	if (!comparison)
		return;
	string_list_free(&comparison->wrong);
	string_list_free(&comparison->hidden);
	string_list_free(&comparison->answered);
	*comparison = (struct vfio_comparison){ 0 };
}
