/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guests' definitions, as libvirt gives them to a hook. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "vm/domain.h"

#define ASK                                            \
	"<metadata><other:x xmlns:other='urn:other'/>" \
	"<pciferry:hand-over xmlns:pciferry='urn:pciferry:domain:1'/></metadata>"
#define HOSTDEV(attributes, address)                                                   \
	"<hostdev mode='subsystem' type='pci'" attributes "><source><address " address \
	"/></source><address type='pci' bus='0x09' slot='0x1'/></hostdev>"
#define SLICE(uuid)                                                       \
	"<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>" \
	"<address uuid='" uuid "'/></source></hostdev>"
#define DOMAIN(metadata, devices)                                               \
	"<domain type='kvm' id='1'><name>a</name>" metadata "<devices>" devices \
	"</devices></domain>"

static int parse(const char *text, struct vm_domain *domain)
{
	struct error err = ERROR_INIT;
	int r = vm_domain_parse(text, strlen(text), domain, &err);

	assert_int_equal(error_is_set(&err), r < 0);
	error_clear(&err);
	return r;
}

static void assert_devices(const char *text, const char *expected)
{
	struct vm_domain domain = { 0 };
	char found[256] = "", address[PCI_ADDRESS_SIZE];
	int r = parse(text, &domain);

	if (r < 0)
		fail_msg("%s: %d", text, r);
	for (size_t i = 0; i < domain.n_devices; i++) {
		strcat(found, i ? " " : "");
		strcat(found, pci_address_format(&domain.devices[i], address));
	}
	assert_true(domain.asks);
	assert_string_equal(found, expected);
	vm_domain_free(&domain);
}

static void what_libvirt_leaves_alone_is_found_and_nothing_else(void **state)
{
	(void)state;
	assert_devices(DOMAIN(ASK,
			      HOSTDEV(" managed='no'", "domain='0x0000' bus='0x3b'"
						       " slot='0x1f' function='0x7'")
				      HOSTDEV("", "domain='65536' bus='59' slot='2'")
					      HOSTDEV(" managed='yes'", "bus='0x04'")),
		       "0000:3b:1f.7 10000:3b:02.0");
	/* The same twice; USB; a mediated device; a function for the guest's network. */
	assert_devices(
		DOMAIN(ASK,
		       HOSTDEV("", "bus='1'") HOSTDEV(
			       " managed='no'",
			       "bus='0x01'") "<hostdev mode='subsystem' type='usb'><source><address bus='1'"
					     " device='2'/></source></hostdev>"
					     "<hostdev mode='subsystem' type='mdev' managed='no'><source>"
					     "<address uuid='83B8F4F2-509F-382F-3C1E-E6BFE0FA1001'/>"
					     "</source></hostdev>"
					     "<interface type='hostdev'><source><address type='pci' bus='5'"
					     " slot='0x10'/></source></interface>"
					     "<interface type='network'><source network='default'/>"
					     "<address type='pci' bus='7'/></interface>"),
		"0000:01:00.0 0000:05:10.0");
	/* An NVMe disk has it elsewhere. */
	assert_devices(
		DOMAIN(ASK,
		       "<disk type='nvme'><source type='pci' managed='no' namespace='1'>"
		       "<address bus='6'/></source></disk>"
		       "<disk type='nvme'><source type='pci' managed='yes'><address"
		       " bus='8'/></source></disk><disk type='file'/>"),
		"0000:06:00.0");
	assert_devices(DOMAIN(ASK, ""), "");
	assert_devices("<domain>" ASK "</domain>", "");
}

static void a_guest_that_does_not_ask_is_left_alone(void **state)
{
	static const char *const texts[] = {
		"",
		"no XML",
		DOMAIN("", HOSTDEV("", "bus='1'")),
		/* Mentioned, and not asked for. */
		DOMAIN("<description>urn:pciferry:domain:1</description>",
		       HOSTDEV("", "bus='1'")),
		DOMAIN("<metadata><p:other xmlns:p='urn:pciferry:domain:1'/></metadata>",
		       HOSTDEV("", "bus='1'")),
		DOMAIN("<metadata><hand-over/><a:b xmlns:a='urn:pciferry:domain:1x'/>"
		       "</metadata>",
		       HOSTDEV("", "bus='1'")),
		"<domain><x>" ASK "</x></domain>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct vm_domain domain = { .asks = true };

		assert_int_equal(parse(texts[i], &domain), 0);
		assert_false(domain.asks);
		assert_int_equal(domain.n_devices, 0);
		vm_domain_free(&domain);
	}
}

#define ISOLATE                                                                        \
	"<metadata><pciferry:isolate xmlns:pciferry='urn:pciferry:domain:1:isolate'/>" \
	"</metadata>"
#define PINS                                                        \
	"<cputune><vcpupin vcpu='0' cpuset='2'/><vcpupin vcpu='1' " \
	"cpuset='6-7,66'/><emulatorpin cpuset='0'/></cputune>"

static void a_guest_that_asks_for_its_cores_alone_gives_away_no_device(void **state)
{
	struct vm_domain domain = { 0 };

	(void)state;
	assert_int_equal(parse(DOMAIN(ISOLATE PINS, HOSTDEV("", "bus='1'")), &domain), 0);
	assert_true(domain.isolates);
	assert_false(domain.asks);
	assert_int_equal(domain.n_devices, 0);
	for (unsigned int i = 0; i < 128; i++)
		assert_int_equal(vm_cpuset_has(&domain.pinned, i),
				 i == 2 || i == 6 || i == 7 || i == 66);
	vm_domain_free(&domain);
	/* The other element alone. */
	assert_int_equal(parse(DOMAIN(ASK PINS, ""), &domain), 0);
	assert_false(domain.isolates);
	assert_true(vm_cpuset_is_empty(&domain.pinned));
	vm_domain_free(&domain);
}

static void a_guest_s_slices_are_found_each_once(void **state)
{
	static const char text[] = DOMAIN(
		ASK, SLICE("83B8F4F2-509F-382F-3C1E-E6BFE0FA1001") HOSTDEV("", "bus='1'")
			     SLICE("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001")
				     SLICE("83b8f4f2-509f-382f-3c1e-e6bfe0fa1002"));
	struct vm_domain domain = { 0 };

	(void)state;
	assert_int_equal(parse(text, &domain), 0);
	assert_int_equal(domain.n_devices, 1);
	assert_int_equal(domain.slices.count, 2);
	assert_string_equal(domain.slices.items[0],
			    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1001");
	assert_string_equal(domain.slices.items[1],
			    "83b8f4f2-509f-382f-3c1e-e6bfe0fa1002");
	vm_domain_free(&domain);
	assert_int_equal(parse(DOMAIN("", SLICE("83b8f4f2-509f-382f-3c1e-e6bfe0fa1001")),
			       &domain),
			 0);
	assert_int_equal(domain.slices.count, 0);
}

/* A guest would start without what it asked for. */
static void what_cannot_be_understood_is_no_guest_without_devices(void **state)
{
	static const char *const texts[] = {
		"<domain>" ASK,
		"<network>" ASK "</network>",
		"<!DOCTYPE domain [<!ENTITY a \"1\">]><domain>" ASK "</domain>",
		"<!DOCTYPE domain SYSTEM \"file:///etc/passwd\"><domain>" ASK "</domain>",
		DOMAIN(ASK, "<hostdev mode='subsystem' type='pci'/>"),
		DOMAIN(ASK, "<hostdev mode='subsystem' type='pci'><source/></hostdev>"),
		DOMAIN(ASK, HOSTDEV(" managed='perhaps'", "bus='1'")),
		DOMAIN(ASK, "<hostdev mode='subsystem' type='mdev'/>"),
		DOMAIN(ASK, SLICE("83b8f4f2-509f-382f-3c1e")),
		DOMAIN(ASK, HOSTDEV("", "bus='0x100'")),
		DOMAIN(ASK, HOSTDEV("", "bus='1' slot='32'")),
		DOMAIN(ASK, HOSTDEV("", "bus='1' function='8'")),
		DOMAIN(ASK, HOSTDEV("", "domain='0x100000000'")),
		DOMAIN(ASK, HOSTDEV("", "bus='-1'")),
		DOMAIN(ASK, HOSTDEV("", "bus=''")),
		DOMAIN(ASK, HOSTDEV("", "bus='1x'")),
		DOMAIN(ISOLATE "<cputune><vcpupin vcpu='0'/></cputune>", ""),
		DOMAIN(ISOLATE "<cputune><vcpupin vcpu='0' cpuset='1-'/></cputune>", ""),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct vm_domain domain = { 0 };
		int r = parse(texts[i], &domain);

		if (r != -EINVAL)
			fail_msg("%s: %d", texts[i], r);
		assert_null(domain.devices);
		assert_int_equal(domain.slices.count, 0);
	}
}

static void too_much_is_not_read(void **state)
{
	struct vm_domain domain = { 0 };
	char *text = malloc(VM_DOMAIN_MAX + 1);

	(void)state;
	memset(text, ' ', VM_DOMAIN_MAX + 1);
	assert_int_equal(vm_domain_parse(text, VM_DOMAIN_MAX + 1, &domain, NULL),
			 -EINVAL);
	assert_int_equal(vm_domain_parse(text, VM_DOMAIN_MAX, &domain, NULL), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_libvirt_leaves_alone_is_found_and_nothing_else),
		cmocka_unit_test(a_guest_s_slices_are_found_each_once),
		cmocka_unit_test(a_guest_that_does_not_ask_is_left_alone),
		cmocka_unit_test(
			a_guest_that_asks_for_its_cores_alone_gives_away_no_device),
		cmocka_unit_test(what_cannot_be_understood_is_no_guest_without_devices),
		cmocka_unit_test(too_much_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
