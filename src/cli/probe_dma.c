/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What came of --dma-test. */
#include <json-c/json.h>

#include "cli/json.h"
#include "cli/output.h"
#include "cli/probe.h"

static const char *irq_name(const struct vfio_dma_test *test)
{
	return test->has_interrupt ? vfio_irq_name(test->irq) : NULL;
}

static void print_outside(const struct vfio_dma_test *test)
{
	char alias[PCI_ADDRESS_SIZE];

	output_line(
		"    outside: told to write to 0x%llx, where nothing is mapped for it any"
		" more",
		(unsigned long long)test->outside);
	output_line("      memory there: %s", test->unchanged ? "unchanged" : "CHANGED");
	if (test->fault[0])
		output_line("      the kernel's log: %s", test->fault);
	if (test->by_alias)
		output_line("      (to the IOMMU it is %s, which passes its requests on)",
			    pci_address_format(&test->requester, alias));
}

void probe_dma_print(const struct vfio_dma_test *test)
{
	static const char *const ends[] = {
		[VFIO_DMA_ISOLATED] = "isolated: shown by the memory and by the kernel",
		[VFIO_DMA_NOT_PROVEN] = "not proven",
		[VFIO_DMA_NOT_ISOLATED] = "NOT ISOLATED",
		[VFIO_DMA_FAILED] = "failed",
	};

	if (test->verdict == VFIO_DMA_NOT_ASKED)
		return;
	output_line("  %-12s %s%s%s%s%s", "DMA test", test->kind ? test->kind : "",
		    test->kind ? ", " : "", ends[test->verdict],
		    test->reason[0] ? ": " : "", test->reason);
	if (test->reached)
		output_line("    inside: it wrote into memory that it was given");
	if (test->reached && !test->has_interrupt)
		output_line("    interrupt: it has none");
	else if (test->reached)
		output_line("    interrupt: %s, %s", irq_name(test),
			    test->interrupted ? "the device's own came"
					      : "the device's own did NOT come");
	if (test->aimed)
		print_outside(test);
	if (test->verdict == VFIO_DMA_NOT_PROVEN)
		output_line(
			"    nothing speaks against the device because of that: it was"
			" not shown, either way");
}

static struct json_object *outside(const struct vfio_dma_test *test)
{
	struct json_object *object;
	enum fact told = test->fault[0] ? FACT_KNOWN : FACT_ABSENT;

	if (!test->aimed)
		return NULL;
	object = json_object_new_object();
	json_object_object_add(object, "address", json_object_new_uint64(test->outside));
	json_add_boolean(object, "memory_unchanged", FACT_KNOWN, test->unchanged);
	json_add_boolean(object, "log_readable", FACT_KNOWN,
			 test->log_fact == FACT_KNOWN);
	json_add_text_or_null(object, "fault", test->fault);
	json_add_address(object, "requester", told, &test->requester);
	json_add_boolean(object, "by_alias", told, test->by_alias);
	return object;
}

struct json_object *probe_dma_json(const struct vfio_dma_test *test)
{
	enum fact came = test->reached && test->has_interrupt ? FACT_KNOWN : FACT_ABSENT;
	struct json_object *object;

	if (test->verdict == VFIO_DMA_NOT_ASKED)
		return NULL;
	object = json_object_new_object();
	json_add_text(object, "verdict", vfio_dma_verdict_name(test->verdict));
	json_add_text_or_null(object, "reason", test->reason);
	json_add_text(object, "kind", test->kind);
	json_add_boolean(object, "inside_reached", FACT_KNOWN, test->reached);
	json_add_text(object, "interrupt", irq_name(test));
	json_add_boolean(object, "interrupt_came", came, test->interrupted);
	json_object_object_add(object, "outside", outside(test));
	return object;
}
