/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header and the two chains; what the structures say is in capabilities.c. */
#include "pci/config.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pci/internal.h"

enum {
	STATUS_CAPABILITIES = 0x10, /* PCIe 6.0, 7.5.1.1.4 */
	FIRST_POINTER = 0x34,
	FIRST_POINTER_CARDBUS = 0x14,
	EXTENDED_START = 0x100,
};

bool config_has(const struct config_bytes *bytes, size_t offset, size_t len)
{
	return offset <= bytes->len && len <= bytes->len - offset;
}

uint8_t config_byte(const struct config_bytes *bytes, size_t offset)
{
	return bytes->bytes[offset];
}

uint16_t config_word(const struct config_bytes *bytes, size_t offset)
{
	return (uint16_t)(bytes->bytes[offset] | bytes->bytes[offset + 1] << 8);
}

uint32_t config_long(const struct config_bytes *bytes, size_t offset)
{
	return config_word(bytes, offset) | (uint32_t)config_word(bytes, offset + 2)
						    << 16;
}

static void parse_header(const struct config_bytes *bytes, struct pci_config *config)
{
	uint8_t type = config_byte(bytes, 0x0e);

	config->vendor_id = config_word(bytes, 0x00);
	config->device_id = config_word(bytes, 0x02);
	config->command = config_word(bytes, 0x04);
	config->status = config_word(bytes, 0x06);
	config->revision = config_byte(bytes, 0x08);
	config->class_code = config_long(bytes, 0x08) >> 8;
	config->interrupt_pin = config_byte(bytes, 0x3d);
	config->layout = type & 0x7f;
	config->multifunction = type & 0x80;
	if (config->layout == PCI_LAYOUT_BRIDGE || config->layout == PCI_LAYOUT_CARDBUS) {
		config->primary_bus = config_byte(bytes, 0x18);
		config->secondary_bus = config_byte(bytes, 0x19);
		config->subordinate_bus = config_byte(bytes, 0x1a);
	}
}

/* A function that does not answer reads as all ones (PCIe 6.0, 2.3.2). */
static bool is_gone(const struct config_bytes *bytes)
{
	for (size_t i = 0; i < PCI_CONFIG_HEADER_SIZE; i++)
		if (config_byte(bytes, i) != 0xff)
			return false;
	return true;
}

/* A capability is four bytes aligned, and no two share an offset. */
struct chain {
	const struct config_bytes *bytes;
	struct pci_config *config;
	uint32_t seen[PCI_CONFIG_MAX / 4 / 32];
};

/* Returns whether the offset is one where a capability can be, and was none yet. */
static bool visit(struct chain *chain, size_t offset)
{
	uint32_t *word = &chain->seen[offset / 4 / 32];
	uint32_t bit = 1U << (offset / 4 % 32);

	if (*word & bit)
		return false;
	*word |= bit;
	return true;
}

static void keep(struct chain *chain, uint16_t id, size_t offset, uint8_t version,
		 bool extended)
{
	struct pci_config *config = chain->config;

	config->capabilities[config->n_capabilities++] = (struct pci_capability){
		.id = id,
		.offset = (uint16_t)offset,
		.version = version,
		.extended = extended,
	};
}

/* PCI 3.0, 6.7: ID, next pointer. The two low bits of a pointer are reserved. */
static enum fact walk_standard(struct chain *chain)
{
	const struct config_bytes *bytes = chain->bytes;
	size_t at = chain->config->layout == PCI_LAYOUT_CARDBUS ? FIRST_POINTER_CARDBUS
								: FIRST_POINTER;

	if (!(chain->config->status & STATUS_CAPABILITIES))
		return FACT_ABSENT;
	for (at = config_byte(bytes, at) & 0xfc; at;
	     at = config_byte(bytes, at + 1) & 0xfc) {
		if (at < PCI_CONFIG_HEADER_SIZE || !config_has(bytes, at, 2) ||
		    !visit(chain, at))
			return FACT_UNREADABLE;
		/* 0xff: the function stopped answering, or the pointer leads nowhere. */
		if (config_byte(bytes, at) == 0xff)
			return FACT_UNREADABLE;
		keep(chain, config_byte(bytes, at), at, 0, false);
	}
	return FACT_KNOWN;
}

/* PCIe 6.0, 7.6.3: ID in bits 15:0, version in 19:16, next offset in 31:20. */
static enum fact walk_extended(struct chain *chain)
{
	const struct config_bytes *bytes = chain->bytes;
	enum fact fact = FACT_ABSENT;
	size_t at = EXTENDED_START;

	while (at) {
		uint32_t header;

		if (at < EXTENDED_START || !config_has(bytes, at, 4) || !visit(chain, at))
			return FACT_UNREADABLE;
		header = config_long(bytes, at);
		/*
		 * An empty list begins with zeros; behind some bridges, with ones. Those
		 * of a function whose other chain is broken say that it does not answer.
		 */
		if (at == EXTENDED_START &&
		    (!header || (header == 0xffffffff &&
				 chain->config->capabilities_fact == FACT_KNOWN)))
			return FACT_ABSENT;
		if (header == 0xffffffff)
			return FACT_UNREADABLE;
		/* A null capability only leads on (7.9.28). */
		if (header & 0xffff)
			keep(chain, (uint16_t)header, at, header >> 16 & 0xf, true);
		at = header >> 20 & 0xffc;
		fact = FACT_KNOWN;
	}
	return fact;
}

/* Whether the function can have extended configuration space at all. */
static enum fact extended_space(const struct config_bytes *bytes,
				const struct pci_config *config)
{
	/* Conventional functions have 256 bytes; PCI-X mode 2 is not looked for. */
	if (config->capabilities_fact == FACT_ABSENT ||
	    (config->capabilities_fact == FACT_KNOWN &&
	     !pci_find_capability(config, false, PCI_CAP_EXPRESS)))
		return FACT_ABSENT;
	if (bytes->size && bytes->size <= PCI_CONFIG_STANDARD_SIZE)
		return FACT_ABSENT;
	return bytes->len > EXTENDED_START ? FACT_KNOWN : FACT_UNREADABLE;
}

/* A host has thousands of functions with a dozen capabilities each. */
static void give_back_room(struct pci_config *config)
{
	size_t n = config->n_capabilities ? config->n_capabilities : 1;
	void *smaller;

	if (!config->capabilities)
		return;
	smaller = realloc(config->capabilities, n * sizeof(*config->capabilities));
	if (smaller)
		config->capabilities = smaller;
}

int pci_config_parse(const uint8_t *bytes, size_t len, size_t size,
		     struct pci_config *ret_config)
{
	struct config_bytes input = {
		.bytes = bytes,
		.len = len < PCI_CONFIG_MAX ? len : PCI_CONFIG_MAX,
		.size = size,
	};
	struct pci_config config = { .header_fact = FACT_UNREADABLE };
	struct chain chain = { .bytes = &input, .config = &config };
	size_t most = input.len / 4 + 1;

	if (input.len < PCI_CONFIG_HEADER_SIZE || is_gone(&input)) {
		config.capabilities_fact = config.extended_fact = FACT_UNREADABLE;
	} else {
		config.header_fact = FACT_KNOWN;
		parse_header(&input, &config);
		config.capabilities = calloc(most, sizeof(*config.capabilities));
		if (!config.capabilities)
			return -ENOMEM;
		config.capabilities_fact = walk_standard(&chain);
		config.extended_fact = extended_space(&input, &config);
		if (config.extended_fact == FACT_KNOWN)
			config.extended_fact = walk_extended(&chain);
	}
	give_back_room(&config);
	config_decode(&input, &config);
	*ret_config = config;
	return 0;
}

void pci_config_free(struct pci_config *config)
{
	if (!config)
		return;
	free(config->capabilities);
	config->capabilities = NULL;
	config->n_capabilities = 0;
}

const struct pci_capability *pci_find_capability(const struct pci_config *config,
						 bool extended, uint16_t id)
{
	for (size_t i = 0; i < config->n_capabilities; i++)
		if (config->capabilities[i].id == id &&
		    config->capabilities[i].extended == extended)
			return &config->capabilities[i];
	return NULL;
}

void pci_config_anonymise(uint8_t *bytes, size_t len, uint32_t number)
{
	const struct pci_capability *serial;
	const uint64_t replaced = htole64(number);
	struct pci_config config;
	size_t start;

	if (pci_config_parse(bytes, len, 0, &config) < 0)
		return;
	serial = pci_find_capability(&config, true, PCI_EXT_SERIAL_NUMBER);
	start = serial ? serial->offset + 4u : len;
	/* Its parser has found it whole, or it is cut off at the end of the bytes. */
	if (start < len)
		memcpy(bytes + start, &replaced, len - start < 8 ? len - start : 8);
	pci_config_free(&config);
}
