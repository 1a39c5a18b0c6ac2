/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits of a guest's definition, in which all else stays as it was. */
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "vm/definition.h"
#include "vm/guest.h"
#include "vm/splice.h"

#define ADDED                                         \
	"<hostdev mode=\"subsystem\" type=\"pci\">\n" \
	"  <source>\n"                                \
	"    <address bus=\"0x0a\"/>\n"               \
	"  </source>\n"                               \
	"</hostdev>\n"
#define HOSTDEV(bus)                                                            \
	"<hostdev mode='subsystem' type='pci'><source><address bus='" bus "'/>" \
	"</source></hostdev>"

/* Edited and back; the caller frees what it was in between. */
static char *there_and_back(const char *text)
{
	struct vm_definition definition = { 0 };
	char *longer, *back;
	size_t longer_len, back_len;

	assert_int_equal(
		vm_splice_add(text, strlen(text), ADDED, &longer, &longer_len, NULL), 0);
	assert_int_equal(vm_definition_read(longer, longer_len, &definition, NULL), 0);
	assert_true(definition.n_held > 0);
	assert_int_equal(definition.held[definition.n_held - 1].host.bus, 0x0a);
	assert_int_equal(vm_splice_remove(longer, longer_len,
					  &definition.held[definition.n_held - 1].child,
					  1, &back, &back_len, NULL),
			 0);
	assert_int_equal(back_len, strlen(text));
	assert_string_equal(back, text);
	vm_definition_free(&definition);
	free(back);
	return longer;
}

static void what_is_added_stands_as_its_neighbours_do(void **state)
{
	static const char *const pairs[][2] = {
		{ "<domain>\n  <devices>\n    <a/>\n  </devices>\n</domain>\n",
		  "<domain>\n  <devices>\n    <a/>\n"
		  "    <hostdev mode=\"subsystem\" type=\"pci\">\n"
		  "      <source>\n"
		  "        <address bus=\"0x0a\"/>\n"
		  "      </source>\n"
		  "    </hostdev>\n"
		  "  </devices>\n</domain>\n" },
		{ "<domain>\r\n\t<devices>\r\n\r\n\t\t<a/> <!-- b -->\r\n\t</devices>"
		  "</domain>",
		  "<domain>\r\n\t<devices>\r\n\r\n\t\t<a/> <!-- b -->"
		  "\r\n\t\t<hostdev mode=\"subsystem\" type=\"pci\">"
		  "\r\n\t\t\t<source>"
		  "\r\n\t\t\t\t<address bus=\"0x0a\"/>"
		  "\r\n\t\t\t</source>"
		  "\r\n\t\t</hostdev>"
		  "\r\n\t</devices></domain>" },
		{ "<domain><devices><a/></devices></domain>",
		  "<domain><devices><a/><hostdev mode=\"subsystem\" type=\"pci\"><source>"
		  "<address bus=\"0x0a\"/></source></hostdev></devices></domain>" },
		{ "<domain>\n <devices>\n </devices></domain>",
		  "<domain>\n <devices>\n   <hostdev mode=\"subsystem\" type=\"pci\">\n"
		  "     <source>\n       <address bus=\"0x0a\"/>\n     </source>\n"
		  "   </hostdev>\n </devices></domain>" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char *longer = there_and_back(pairs[i][0]);

		assert_string_equal(longer, pairs[i][1]);
		free(longer);
	}
}

/* Each of them names </devices> or a device where there is none. */
static void what_only_looks_like_devices_is_left_alone(void **state)
{
	static const char *const texts[] = {
		"<?xml version='1.0'?><!-- <devices> --><domain><devices><a/>"
		"<!-- </devices> <b> --></devices></domain>",
		"<domain><name><![CDATA[<devices></devices>]]></name><devices><a/>"
		"</devices></domain>",
		"<domain><?a </devices>?><devices><a b='/devices>'/></devices></domain>"
		"<!-- </devices> -->",
		"<domain><x><devices/></x><devices ><a b=\"'>/>\" c='\"'/><d></d\n>"
		"<devices><e/></devices></devices\t><y><devices></devices></y></domain>",
		"<domain xmlns:q='urn:q'><devices><q:a/>text</devices><q:devices/></domain>",
		"\xef\xbb\xbf<domain><name>\xc3\xa4</name><devices><a>\xe2\x82\xac</a>"
		"</devices></domain>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(there_and_back(texts[i]));
}

static void what_is_not_certain_is_not_edited(void **state)
{
	static const char *const texts[] = {
		"",
		"<domain>",
		"<network><devices></devices></network>",
		"<domain></domain>",
		"<domain><devices/></domain>",
		"<domain><devices></devices><devices></devices></domain>",
		"<domain><devices></devices><devices/></domain>",
		"<!DOCTYPE domain><domain><devices></devices></domain>",
		"<!DOCTYPE domain [<!ENTITY a '<b/>'>]><domain><devices>&a;</devices>"
		"</domain>",
		"<?xml version='1.0' encoding='ISO-8859-1'?><domain><devices>"
		"</devices></domain>",
		"<domain><devices>&a;</devices></domain>",
		"<domain><devices><a></devices></a></domain>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct error err = ERROR_INIT;
		char *bytes = NULL;
		size_t len, first = 0;

		if (vm_splice_add(texts[i], strlen(texts[i]), ADDED, &bytes, &len,
				  &err) != -EINVAL ||
		    !error_is_set(&err))
			fail_msg("%s", texts[i]);
		assert_int_equal(vm_splice_remove(texts[i], strlen(texts[i]), &first, 1,
						  &bytes, &len, NULL),
				 -EINVAL);
		assert_null(bytes);
		error_clear(&err);
	}
}

static void only_what_is_named_goes(void **state)
{
	static const char text[] =
		"<domain>\n <devices>\n  <a/>\n  " HOSTDEV("1") "\n\n  <!-- b -->\n  " HOSTDEV(
			"2") "\n  <c/>" HOSTDEV("3") "\n </devices>\n</domain>";
	static const size_t both[] = { 1, 4 },
			    wrong[][2] = { { 4, 1 }, { 1, 5 }, { 1, 1 } };
	char *bytes;
	size_t len;

	(void)state;
	assert_int_equal(
		vm_splice_remove(text, strlen(text), both, 2, &bytes, &len, NULL), 0);
	assert_string_equal(bytes,
			    "<domain>\n <devices>\n  <a/>\n\n  <!-- b -->\n  " HOSTDEV(
				    "2") "\n  <c/>\n </devices>\n</domain>");
	free(bytes);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(vm_splice_remove(text, strlen(text), wrong[i], 2, &bytes,
						  &len, NULL),
				 -EINVAL);
}

static void a_port_with_something_behind_it_is_not_free(void **state)
{
	static const char text[] =
		"<domain><name>n</name><devices>"
		"<controller type='pci' index='0' model='pcie-root'/>"
		"<controller type='pci' index='1' model='pcie-root-port'/>"
		"<controller type='pci' index='2' model='pcie-root-port'>"
		"<target port='0x8' hotplug='off'/></controller>"
		"<controller type='pci' index='0x3' model='pcie-root-port'/>"
		"<controller type='pci' index='4' model='pcie-switch-upstream-port'/>"
		"<controller type='pci' index='5' model='pcie-root-port'/>"
		"<controller type='pci' index='999' model='pcie-root-port'/>"
		"<hostdev mode='subsystem' type='pci' managed='yes'><source>"
		"<address type='pci' bus='0x05'/></source>"
		"<address type='pci' bus='0x01'/></hostdev></devices></domain>";
	static const struct pci_address hosts[] = { { .bus = 6 },
						    { .bus = 6, .function = 1 },
						    { .bus = 7 } };
	struct vm_function functions[3];
	struct vm_definition definition = { 0 };

	(void)state;
	assert_int_equal(vm_definition_read(text, strlen(text), &definition, NULL), 0);
	assert_string_equal(definition.name, "n");
	assert_true(definition.held[0].managed);
	assert_non_null(
		vm_definition_find(&definition, &(struct pci_address){ .bus = 5 }));
	assert_null(vm_definition_find(&definition, &hosts[0]));
	for (size_t i = 0; i < 3; i++)
		functions[i] = (struct vm_function){ .host = hosts[i] };
	vm_definition_place(&definition, false, functions, 3);
	assert_int_equal(functions[0].port, 2);
	assert_true(functions[0].multifunction);
	assert_int_equal(functions[1].port, 2);
	assert_int_equal(functions[1].function, 1);
	assert_int_equal(functions[2].port, 3);
	/* Plugged in, each has one, and there are not so many. */
	vm_definition_place(&definition, true, functions, 3);
	assert_int_equal(functions[0].port, 3);
	assert_false(functions[0].multifunction || functions[0].unplaced);
	assert_int_equal(functions[1].port, 5);
	assert_int_equal(functions[1].function, 0);
	assert_true(functions[2].unplaced);
	vm_definition_free(&definition);
}

#define PLACED(host, bus, function)                                                     \
	"<hostdev mode='subsystem' type='pci'><source><address bus='" host              \
	"'/></source><address type='pci' bus='" bus "' slot='0x00' function='" function \
	"'/></hostdev>"

/* Of a card that was there when the guest started, and of what was plugged in. */
static void what_libvirt_takes_out_of_no_running_guest_is_known(void **state)
{
	static const char text[] = "<domain><devices>" PLACED("1", "0x02", "0x0") PLACED(
		"2", "0x02", "0x1") PLACED("3", "0x03", "0x0") PLACED("4", "0x04", "0x0")
		HOSTDEV("5") "<interface type='user'><address type='pci' bus='4' function='3'/>"
			     "</interface></devices></domain>";
	static const bool shared[] = { true, true, false, true, false };
	struct vm_definition definition = { 0 };

	(void)state;
	assert_int_equal(vm_definition_read(text, strlen(text), &definition, NULL), 0);
	assert_int_equal(definition.n_held, 5);
	for (size_t i = 0; i < definition.n_held; i++)
		assert_int_equal(definition.held[i].shares_slot, shared[i]);
	vm_definition_free(&definition);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_stands_as_its_neighbours_do),
		cmocka_unit_test(what_only_looks_like_devices_is_left_alone),
		cmocka_unit_test(what_is_not_certain_is_not_edited),
		cmocka_unit_test(only_what_is_named_goes),
		cmocka_unit_test(a_port_with_something_behind_it_is_not_free),
		cmocka_unit_test(what_libvirt_takes_out_of_no_running_guest_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
