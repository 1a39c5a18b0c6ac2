/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parsers of short texts. The first byte says which of them gets the rest. */
#include "fuzz.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "host/kernellog.h"
#include "host/network.h"
#include "iommu/reserved.h"
#include "pci/claims.h"
#include "pci/config.h"
#include "pci/device.h"
#include "pci/modalias.h"

static const char modalias[] = "pci:v00008086d000046A6sv000017AAsd000022E7bc03sc00i00";

/* What was understood, in the words that were parsed. The caller frees it. */
static char *network_text(const struct host_network *network, size_t *ret_len)
{
	char *text = NULL;
	FILE *stream = open_memstream(&text, ret_len);

	if (!stream)
		return NULL;
	for (size_t i = 0; i < network->n_addresses; i++)
		fprintf(stream, "address %s %s/%u\n", network->addresses[i].interface,
			network->addresses[i].address, network->addresses[i].prefix);
	for (size_t i = 0; i < network->n_routes; i++)
		fprintf(stream, "route %s %s %u\n", network->routes[i].interface,
			network->routes[i].destination, network->routes[i].table);
	if (network->ssh[0])
		fprintf(stream, "ssh %s\n", network->ssh);
	fclose(stream);
	return text;
}

static void check_network(const char *text, size_t len)
{
	struct host_network network, again;
	char *first, *second;
	size_t first_len, second_len;

	if (host_network_parse(text, len, &network) < 0)
		return;
	for (size_t i = 0; i < network.n_addresses; i++)
		must(network.addresses[i].prefix <= 128);
	first = network_text(&network, &first_len);
	if (first && host_network_parse(first, first_len, &again) == 0) {
		second = network_text(&again, &second_len);
		must(!second || !strcmp(first, second));
		must(again.n_addresses == network.n_addresses);
		must(again.n_routes == network.n_routes);
		free(second);
		host_network_free(&again);
	}
	free(first);
	host_network_free(&network);
}

static bool is_within(const char *text, size_t len, const char *word)
{
	return memmem(text, len, word, strlen(word)) != NULL;
}

/* A line for exactly this function is found behind whatever stands before it. */
static void check_aliases(const char *bytes, size_t len)
{
	struct string_list modules = { 0 };
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return;
	fwrite(bytes, 1, len, stream);
	fprintf(stream, "\nalias %s fitting\n", modalias);
	fclose(stream);
	if (pci_aliases_parse(text, size, modalias, &modules) == 0) {
		must(string_list_has(&modules, "fitting"));
		for (size_t i = 0; i < modules.count; i++) {
			must(is_within(text, size, modules.items[i]));
			must(!strpbrk(modules.items[i], " \n"));
		}
	}
	string_list_free(&modules);
	free(text);
}

static void check_builtin_aliases(const char *bytes, size_t len)
{
	struct string_list modules = { 0 };
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return;
	fwrite(bytes, 1, len, stream);
	fprintf(stream, "%cfitting.alias=%s%c", 0, modalias, 0);
	fclose(stream);
	if (pci_builtin_aliases_parse(text, size, modalias, &modules) == 0) {
		must(string_list_has(&modules, "fitting"));
		for (size_t i = 0; i < modules.count; i++)
			must(is_within(text, size, modules.items[i]));
	}
	string_list_free(&modules);
	free(text);
}

/* What was understood says the same when it is written as the kernel does. */
static void check_modalias(const char *text, size_t len)
{
	struct pci_device device = { 0 }, again = { 0 };
	char written[sizeof(modalias)];

	if (pci_modalias_parse(text, len, &device) < 0) {
		must(!device.vendor_id && !device.device_id && !device.class_code);
		return;
	}
	must(device.class_code <= 0xffffff);
	snprintf(written, sizeof(written), "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X",
		 device.vendor_id, device.device_id, device.subsystem_vendor_id,
		 device.subsystem_device_id, device.class_code >> 16 & 0xff,
		 device.class_code >> 8 & 0xff, device.class_code & 0xff);
	must(len == strlen(written) && !strncasecmp(written, text, len));
	must(pci_modalias_parse(written, len, &again) == 0);
	must(again.class_code == device.class_code);
}

static void check_address(const char *bytes, size_t len)
{
	struct pci_address address, again;
	char *text = strndup(bytes, len), buffer[PCI_ADDRESS_SIZE];

	if (text && pci_address_parse(text, &address) == 0) {
		must(address.device <= 31 && address.function <= 7);
		must(pci_address_parse(pci_address_format(&address, buffer), &again) ==
		     0);
		must(pci_address_compare(&address, &again) == 0);
	}
	free(text);
}

/* Filtered again, it stays. */
static void check_kernel_log(const char *bytes, size_t len)
{
	char *text = malloc(len + 1);
	size_t used;

	if (!text)
		return;
	memcpy(text, bytes, len);
	used = host_kernel_log_filter(text, len);
	must(used <= len);
	must(!used || used == len || is_within(bytes, len, "\n"));
	must(host_kernel_log_filter(text, used) == used);
	free(text);
}

/* What was understood says the same when it is written as the kernel does. */
static void check_region(const struct iommu_reserved *region)
{
	struct iommu_reserved *again = NULL;
	size_t count = 0;
	char line[96];

	must(region->start <= region->end && region->type[0]);
	must(memchr(region->type, '\0', sizeof(region->type)));
	snprintf(line, sizeof(line), "0x%016" PRIx64 " 0x%016" PRIx64 " %s\n",
		 region->start, region->end, region->type);
	if (iommu_reserved_parse(line, strlen(line), &again, &count) != -ENOMEM)
		must(count == 1 && again->start == region->start &&
		     again->end == region->end && !strcmp(again->type, region->type));
	free(again);
}

static void check_reserved(const char *text, size_t len)
{
	struct iommu_reserved *regions = NULL;
	size_t count = 0;

	if (iommu_reserved_parse(text, len, &regions, &count) < 0) {
		must(!regions && !count);
		return;
	}
	for (size_t i = 0; i < count; i++)
		check_region(&regions[i]);
	free(regions);
}

static void check_resources(const char *text, size_t len)
{
	struct pci_resource resources[PCI_RESOURCE_COUNT], again[PCI_RESOURCE_COUNT];
	char written[80 * PCI_RESOURCE_COUNT];
	size_t used = 0;

	if (pci_resources_parse(text, len, resources) < 0)
		return;
	for (unsigned int i = 0; i < PCI_RESOURCE_COUNT; i++) {
		const struct pci_resource *one = &resources[i];
		uint64_t end = one->size ? one->start + (one->size - 1) : 0;
		unsigned int flags = (one->io ? 0x100u : 0x200u) |
				     (one->prefetchable ? 0x2000u : 0) |
				     (one->is_64bit ? 0x100000u : 0);

		must(end >= one->start || !one->size);
		must(one->size || !one->start);
		used += (size_t)snprintf(written + used, sizeof(written) - used,
					 "0x%016" PRIx64 " 0x%016" PRIx64 " 0x%016x\n",
					 one->start, end, one->size ? flags : 0);
	}
	must(pci_resources_parse(written, used, again) == 0);
	for (unsigned int i = 0; i < PCI_RESOURCE_COUNT; i++)
		must(again[i].start == resources[i].start &&
		     again[i].size == resources[i].size &&
		     again[i].io == resources[i].io &&
		     again[i].prefetchable == resources[i].prefetchable &&
		     again[i].is_64bit == resources[i].is_64bit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const checks[])(const char *bytes, size_t len) = {
		check_network, check_aliases,	 check_builtin_aliases, check_modalias,
		check_address, check_kernel_log, check_reserved,	check_resources,
	};

	if (size)
		checks[*data % 8]((const char *)data + 1, size - 1);
	return 0;
}
