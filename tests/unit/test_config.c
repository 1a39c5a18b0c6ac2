/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/config.h"

/* A function's configuration space while it is made. */
struct space {
	uint8_t bytes[PCI_CONFIG_MAX];
	size_t link; /* where the offset of the next capability goes */
	size_t end;  /* of the last one */
	size_t extended_last, extended_end;
};

static void put16(struct space *space, size_t at, unsigned int value)
{
	space->bytes[at] = (uint8_t)value;
	space->bytes[at + 1] = (uint8_t)(value >> 8);
}

static void put32(struct space *space, size_t at, uint32_t value)
{
	put16(space, at, value & 0xffff);
	put16(space, at + 2, value >> 16);
}

static void start(struct space *space, uint8_t layout)
{
	memset(space, 0, sizeof(*space));
	put16(space, 0x00, 0x1b36);
	put16(space, 0x02, 0x0010);
	put32(space, 0x08, 0x01080207);
	space->bytes[0x0e] = layout;
	space->link = layout == PCI_LAYOUT_CARDBUS ? 0x14 : 0x34;
	space->end = 0x40;
	space->extended_end = 0x100;
}

static size_t capability(struct space *space, uint8_t id, size_t size)
{
	size_t at = space->end;

	put16(space, 0x06, 0x0010);
	space->bytes[at] = id;
	space->bytes[space->link] = (uint8_t)at;
	space->link = at + 1;
	space->end += size;
	return at;
}

static size_t extended(struct space *space, uint16_t id, size_t size)
{
	size_t at = space->extended_end;

	put32(space, at, id | 2U << 16);
	if (space->extended_last)
		put16(space, space->extended_last + 2, (unsigned int)(at << 4 | 2));
	space->extended_last = at;
	space->extended_end += size;
	return at;
}

static size_t express(struct space *space, unsigned int type)
{
	size_t at = capability(space, 0x10, 0x3c);

	put16(space, at + 2, 2 | type << 4);
	return at;
}

static void rich_capabilities(struct space *space)
{
	size_t at = capability(space, 0x01, 8);

	put16(space, at + 2, 0xc803 | 1 << 9);
	put16(space, at + 4, 0x000b);
	at = capability(space, 0x05, 24);
	put16(space, at + 2, 0x0001 | 5 << 1 | 2 << 4 | 0x180);
	at = capability(space, 0x11, 12);
	put16(space, at + 2, 0xc000 | 0x7ff);
	put32(space, at + 4, 0x2000 | 4);
	put32(space, at + 8, 0x3008 | 5);
	at = express(space, PCIE_ROOT_PORT);
	put16(space, at + 2, 0x0142);
	put32(space, at + 0x04, 1U << 28 | 5);
	put16(space, at + 0x08, 2 << 5);
	put32(space, at + 0x0c, 5 | 16 << 4 | 1 << 20);
	put16(space, at + 0x12, 0x2000 | 3 | 8 << 4);
	put32(space, at + 0x14, 0x1abcU << 19 | 1 << 6);
	put32(space, at + 0x24, 1 << 5);
	put16(space, at + 0x28, 1 << 5);
	at = capability(space, 0x13, 8);
	space->bytes[at + 3] = 3;
	at = capability(space, 0x14, 16);
	space->bytes[at + 2] = 0xc0 | 3;
}

static void rich_extended(struct space *space)
{
	size_t at = extended(space, 0x01, 0x48);

	put32(space, at + 0x04, 0x00100000);
	put32(space, at + 0x10, 0x00002001);
	at = extended(space, 0x03, 12);
	put32(space, at + 4, 0x89abcdef);
	put32(space, at + 8, 0x01234567);
	at = extended(space, 0x0d, 8);
	put16(space, at + 4, 0x5f);
	put16(space, at + 6, 0x1d);
	at = extended(space, 0x0e, 8);
	put16(space, at + 4, 0x0203);
	at = extended(space, 0x10, 0x40);
	put16(space, at + 0x08, 0x19);
	for (unsigned int i = 0; i < 3; i++)
		put16(space, at + 0x0c + 2 * i, 64 - i);
	put16(space, at + 0x14, 128);
	put16(space, at + 0x16, 2);
	put16(space, at + 0x1a, 0x10ed);
	at = extended(space, 0x15, 20);
	put32(space, at + 4, 0x3ff0);
	put32(space, at + 8, 0x00020000 | 8 << 8 | 2 << 5 | 1);
	put32(space, at + 12, 0x10);
	put32(space, at + 16, 4);
	extended(space, 0x0f, 8);
	extended(space, 0x13, 16);
	extended(space, 0x1b, 8);
}

/* Every structure at once, as no real function has them. */
static void make_rich(struct space *space)
{
	start(space, PCI_LAYOUT_BRIDGE | 0x80);
	put16(space, 0x04, 0x0546);
	space->bytes[0x18] = 1, space->bytes[0x19] = 2, space->bytes[0x1a] = 9;
	space->bytes[0x3d] = 2;
	rich_capabilities(space);
	rich_extended(space);
}

/* Parses a copy of just this size, so that a sanitizer sees every byte too far. */
static void parse(const uint8_t *bytes, size_t len, size_t size,
		  struct pci_config *config)
{
	uint8_t *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	assert_int_equal(pci_config_parse(exact, len, size, config), 0);
	free(exact);
}

static const struct {
	const char *name;
	size_t fact, start, size;
	bool extended;
} structures[] = {
#define STRUCTURE(name, extended)                                              \
	{                                                                      \
#name, offsetof(struct pci_config, name##_fact),               \
			offsetof(struct pci_config, name),                     \
			sizeof(((struct pci_config *)NULL)->name), (extended), \
	}
#define PRESENCE(name)                                                         \
	{                                                                      \
#name, offsetof(struct pci_config, name##_fact), 0, 0, (true), \
	}
	STRUCTURE(pcie, false), STRUCTURE(pm, false), STRUCTURE(msi, false),
	STRUCTURE(msix, false), STRUCTURE(af, false), STRUCTURE(ea, false),
	STRUCTURE(acs, true),	STRUCTURE(ari, true), STRUCTURE(sriov, true),
	STRUCTURE(rebar, true), STRUCTURE(aer, true), PRESENCE(serial),
	PRESENCE(ats),		PRESENCE(pri),	      PRESENCE(pasid),
};
enum { STRUCTURES = ARRAY_SIZE(structures) };

static enum fact fact_of(const struct pci_config *config, size_t i)
{
	return *(const enum fact *)((const char *)config + structures[i].fact);
}

static void assert_facts(const struct pci_config *config, enum fact standard,
			 enum fact extended)
{
	for (size_t i = 0; i < STRUCTURES; i++)
		if (fact_of(config, i) != (structures[i].extended ? extended : standard))
			fail_msg("%s is %d", structures[i].name, fact_of(config, i));
}

static void assert_capabilities(const struct pci_config *config)
{
	assert_int_equal(config->pm.version, 3);
	assert_int_equal(config->pm.state, 3);
	assert_true(config->pm.no_soft_reset && config->pm.d1 && !config->pm.d2);
	assert_int_equal(config->pm.pme_support, 0x19);
	assert_true(config->msi.enabled && config->msi.address64 && config->msi.maskable);
	assert_int_equal(config->msi.vectors_max, 32);
	assert_int_equal(config->msi.vectors, 4);
	assert_true(config->msix.enabled && config->msix.masked);
	assert_int_equal(config->msix.vectors, 2048);
	assert_int_equal(config->msix.table_bar, 4);
	assert_int_equal(config->msix.table_offset, 0x2000);
	assert_int_equal(config->msix.pba_bar, 5);
	assert_int_equal(config->msix.pba_offset, 0x3008);
	assert_int_equal(config->pcie.version, 2);
	assert_int_equal(config->pcie.type, PCIE_ROOT_PORT);
	assert_true(config->pcie.slot_implemented && config->pcie.hotplug);
	assert_true(config->pcie.flr);
	assert_int_equal(config->pcie.payload_max_supported_shift, 5);
	assert_int_equal(config->pcie.payload_size_shift, 2);
	assert_int_equal(config->pcie.link_fact, FACT_KNOWN);
	assert_int_equal(config->pcie.link.max_speed, 320);
	assert_int_equal(config->pcie.link.max_width, 16);
	assert_int_equal(config->pcie.link.speed, 80);
	assert_int_equal(config->pcie.link.width, 8);
	assert_true(config->pcie.link.has_active && config->pcie.link.active);
	assert_int_equal(config->pcie.slot_number, 0x1abc);
	assert_true(config->pcie.ari_forwarding && config->pcie.ari_enabled);
	assert_true(config->af.flr && config->af.transactions_pending_known);
	assert_int_equal(config->ea.entries, 3);
}

static void assert_extended(const struct pci_config *config)
{
	assert_int_equal(config->aer.uncorrectable_status, 0x00100000);
	assert_int_equal(config->aer.correctable_status, 0x00002001);
	assert_true(config->serial_number == 0x0123456789abcdef);
	assert_int_equal(config->acs.capability & 0x7f, 0x5f);
	assert_int_equal(config->acs.control, 0x1d);
	assert_true(config->ari.mfvc_groups && config->ari.acs_groups);
	assert_int_equal(config->ari.next_function, 2);
	assert_true(config->sriov.enabled && config->sriov.memory_enabled &&
		    config->sriov.ari_hierarchy);
	assert_int_equal(config->sriov.initial_vfs, 64);
	assert_int_equal(config->sriov.total_vfs, 63);
	assert_int_equal(config->sriov.num_vfs, 62);
	assert_int_equal(config->sriov.first_vf_offset, 128);
	assert_int_equal(config->sriov.vf_stride, 2);
	assert_int_equal(config->sriov.vf_device_id, 0x10ed);
	assert_int_equal(config->rebar.count, 2);
	assert_int_equal(config->rebar.bars[0].bar, 1);
	assert_int_equal(config->rebar.bars[0].size, 8);
	assert_true(config->rebar.bars[0].sizes == (0x3ffULL | 1ULL << 29));
	assert_int_equal(config->rebar.bars[1].bar, 4);
	assert_true(config->rebar.bars[1].sizes == 1);
}

static void what_every_structure_says_is_shown_as_it_stands(void **state)
{
	struct pci_config config;
	struct space space;

	(void)state;
	make_rich(&space);
	parse(space.bytes, sizeof(space.bytes), 0, &config);
	assert_int_equal(config.header_fact, FACT_KNOWN);
	assert_int_equal(config.vendor_id, 0x1b36);
	assert_int_equal(config.device_id, 0x0010);
	assert_int_equal(config.command, 0x0546);
	assert_int_equal(config.status, 0x0010);
	assert_int_equal(config.class_code, 0x010802);
	assert_int_equal(config.revision, 7);
	assert_int_equal(config.interrupt_pin, 2);
	assert_int_equal(config.layout, PCI_LAYOUT_BRIDGE);
	assert_true(config.multifunction);
	assert_int_equal(config.primary_bus, 1);
	assert_int_equal(config.secondary_bus, 2);
	assert_int_equal(config.subordinate_bus, 9);
	assert_int_equal(config.capabilities_fact, FACT_KNOWN);
	assert_int_equal(config.extended_fact, FACT_KNOWN);
	assert_facts(&config, FACT_KNOWN, FACT_KNOWN);
	assert_capabilities(&config);
	assert_extended(&config);
	assert_int_equal(config.n_capabilities, 15);
	assert_int_equal(config.capabilities[0].id, 0x01);
	assert_int_equal(config.capabilities[0].offset, 0x40);
	assert_int_equal(config.capabilities[0].version, 0);
	assert_false(config.capabilities[0].extended);
	assert_int_equal(config.capabilities[6].version, 2);
	assert_ptr_equal(pci_find_capability(&config, true, 0x01),
			 &config.capabilities[6]);
	assert_null(pci_find_capability(&config, false, 0x0d));
	pci_config_free(&config);
	pci_config_free(&config);
	pci_config_free(NULL);
}

/* Nothing that the whole function has may be ABSENT in a part of it, nor differ. */
static void assert_part(const struct space *space, const struct pci_config *whole,
			size_t len, size_t size)
{
	struct pci_config part;

	parse(space->bytes, len, size, &part);
	for (size_t i = 0; i < STRUCTURES; i++) {
		enum fact fact = fact_of(&part, i);

		if (fact == FACT_ABSENT)
			fail_msg("%s is absent in %zu bytes", structures[i].name, len);
		if (fact == FACT_KNOWN &&
		    memcmp((const char *)&part + structures[i].start,
			   (const char *)whole + structures[i].start,
			   structures[i].size) != 0)
			fail_msg("%s differs in %zu bytes", structures[i].name, len);
	}
	assert_int_equal(part.header_fact, len < 64 ? FACT_UNREADABLE : FACT_KNOWN);
	if (part.pcie_fact != FACT_KNOWN)
		assert_int_equal(part.pcie.link_fact, FACT_UNREADABLE);
	assert_int_not_equal(part.capabilities_fact, FACT_ABSENT);
	assert_int_not_equal(part.extended_fact, FACT_ABSENT);
	for (size_t i = 0; i < part.n_capabilities; i++)
		assert_memory_equal(&part.capabilities[i], &whole->capabilities[i],
				    sizeof(part.capabilities[i]));
	pci_config_free(&part);
}

static void no_cut_makes_a_capability_look_absent(void **state)
{
	struct pci_config whole;
	struct space space;

	(void)state;
	make_rich(&space);
	parse(space.bytes, sizeof(space.bytes), 0, &whole);
	for (size_t len = 0; len <= PCI_CONFIG_MAX; len++) {
		assert_part(&space, &whole, len, 0);
		assert_part(&space, &whole, len, PCI_CONFIG_MAX);
	}
	pci_config_free(&whole);
}

static void an_ordinary_user_is_not_told_that_nothing_is_there(void **state)
{
	struct pci_config config;
	struct space space;

	(void)state;
	make_rich(&space);
	parse(space.bytes, 64, 0, &config);
	assert_int_equal(config.header_fact, FACT_KNOWN);
	assert_int_equal(config.secondary_bus, 2);
	assert_int_equal(config.capabilities_fact, FACT_UNREADABLE);
	assert_int_equal(config.extended_fact, FACT_UNREADABLE);
	assert_facts(&config, FACT_UNREADABLE, FACT_UNREADABLE);
	pci_config_free(&config);

	/* One without capabilities says so in those 64. */
	start(&space, PCI_LAYOUT_ENDPOINT);
	parse(space.bytes, 64, 0, &config);
	assert_int_equal(config.capabilities_fact, FACT_ABSENT);
	assert_facts(&config, FACT_ABSENT, FACT_ABSENT);
	pci_config_free(&config);
}

static void a_function_that_is_gone_is_not_taken_for_a_virtual_one(void **state)
{
	struct pci_config config;
	struct space space;
	uint8_t ones[PCI_CONFIG_MAX];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (size_t len = 0; len <= sizeof(ones); len += 64) {
		parse(ones, len, 0, &config);
		assert_int_equal(config.header_fact, FACT_UNREADABLE);
		assert_int_equal(config.vendor_id, 0);
		assert_facts(&config, FACT_UNREADABLE, FACT_UNREADABLE);
		pci_config_free(&config);
	}
	start(&space, PCI_LAYOUT_ENDPOINT);
	put32(&space, 0x00, 0xffffffff);
	express(&space, PCIE_ENDPOINT);
	parse(space.bytes, sizeof(space.bytes), 0, &config);
	assert_int_equal(config.header_fact, FACT_KNOWN);
	assert_int_equal(config.vendor_id, 0xffff);
	assert_int_equal(config.pcie_fact, FACT_KNOWN);
	pci_config_free(&config);

	/* It stopped answering after its header was read. */
	memset(space.bytes + 64, 0xff, sizeof(space.bytes) - 64);
	parse(space.bytes, sizeof(space.bytes), 0, &config);
	assert_facts(&config, FACT_UNREADABLE, FACT_UNREADABLE);
	pci_config_free(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_every_structure_says_is_shown_as_it_stands),
		cmocka_unit_test(no_cut_makes_a_capability_look_absent),
		cmocka_unit_test(an_ordinary_user_is_not_told_that_nothing_is_there),
		cmocka_unit_test(a_function_that_is_gone_is_not_taken_for_a_virtual_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
