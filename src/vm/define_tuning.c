/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a guest's processors and memory are on its host, as libvirt has it written. */
#include <stdio.h>

#include "base/cleanup.h"
#include "vm/define.h"
#include "vm/tune.h"

/* "0,4,16": libvirt writes it shorter. NULL, and said: no memory. */
static char *list_numbers(struct vm_xml *xml, const unsigned int *numbers, size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	for (size_t i = 0; stream && i < count; i++)
		fprintf(stream, "%s%u", i ? "," : "", numbers[i]);
	if (stream && fclose(stream) == 0)
		return text;
	vm_xml_fail(xml);
	return NULL;
}

static void add_pins(struct vm_xml *xml, xmlNode *domain, const struct vm_guest *guest)
{
	const struct vm_tuning *tuning = guest->tuning;
	_cleanup_free_ char *others = list_numbers(xml, tuning->others, tuning->n_others);
	xmlNode *tune = vm_xml_add(xml, domain, "cputune", NULL), *pin;

	if (!others)
		return;
	for (size_t i = 0; i < tuning->n_vcpus; i++) {
		pin = vm_xml_add(xml, tune, "vcpupin", NULL);
		vm_xml_set(xml, pin, "vcpu", "%zu", i);
		vm_xml_set(xml, pin, "cpuset", "%u", tuning->vcpus[i]);
	}
	vm_xml_add(xml, tune, "emulatorpin", "cpuset", others, NULL);
	if (vm_guest_has_io_thread(guest))
		vm_xml_add(xml, tune, "iothreadpin", "iothread", "1", "cpuset", others,
			   NULL);
}

bool vm_guest_has_io_thread(const struct vm_guest *guest)
{
	for (size_t i = 0; guest->tuning && i < guest->n_disks; i++)
		if (!guest->disks[i].is_cdrom)
			return true;
	return false;
}

/* The program that serves a share reads and writes the guest's memory. */
static void add_backing(struct vm_xml *xml, xmlNode *domain, const struct vm_guest *guest)
{
	xmlNode *backing, *page;

	if (!guest->page_kib && !guest->n_shares)
		return;
	backing = vm_xml_add(xml, domain, "memoryBacking", NULL);
	if (guest->page_kib) {
		page = vm_xml_add(xml, vm_xml_add(xml, backing, "hugepages", NULL),
				  "page", NULL);
		vm_xml_set(xml, page, "size", "%u", guest->page_kib);
		vm_xml_set(xml, page, "unit", "KiB");
	}
	if (guest->n_shares) {
		vm_xml_add(xml, backing, "source", "type", "memfd", NULL);
		vm_xml_add(xml, backing, "access", "mode", "shared", NULL);
	}
}

void vm_define_tuning(struct vm_xml *xml, xmlNode *domain, const struct vm_guest *guest)
{
	xmlNode *memory;

	add_backing(xml, domain, guest);
	if (!guest->tuning)
		return;
	if (vm_guest_has_io_thread(guest))
		vm_xml_add_text(xml, domain, "iothreads", "1");
	add_pins(xml, domain, guest);
	if (guest->binds_memory) {
		memory = vm_xml_add(xml, vm_xml_add(xml, domain, "numatune", NULL),
				    "memory", "mode", "strict", NULL);
		vm_xml_set(xml, memory, "nodeset", "%u", guest->tuning->node);
	}
}
