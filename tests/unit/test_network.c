/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel tells of the network and in its log, as text: a recording's too. */
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "host/internal.h"
#include "host/kernellog.h"
#include "host/network.h"

/* As long as an interface's name may be; no more. */
#define LONGEST "abcdefghijklmno"

static void parse(const char *text, struct host_network *network)
{
	/* A copy of just that size, so that reading on is seen. */
	size_t len = strlen(text);
	char *copy = malloc(len + 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	copy[len] = 'X';
	assert_int_equal(host_network_parse(copy, len, network), 0);
	free(copy);
}

static void addresses_and_routes_are_read(void **state)
{
	struct host_network network;

	(void)state;
	parse("address eth0 192.0.2.1/24\n"
	      "address " LONGEST " 2001:db8::1/64\n"
	      "route eth0 default 254\n"
	      "route br0 2001:db8:1::/48 4294967295\n"
	      "ssh 192.0.2.1\n",
	      &network);
	assert_int_equal(network.n_addresses, 2);
	assert_string_equal(network.addresses[0].interface, "eth0");
	assert_string_equal(network.addresses[0].address, "192.0.2.1");
	assert_int_equal(network.addresses[0].prefix, 24);
	assert_string_equal(network.addresses[1].interface, LONGEST);
	assert_string_equal(network.addresses[1].address, "2001:db8::1");
	assert_int_equal(network.n_routes, 2);
	assert_string_equal(network.routes[0].destination, "default");
	assert_int_equal(network.routes[0].table, HOST_MAIN_TABLE);
	assert_string_equal(network.routes[1].interface, "br0");
	assert_string_equal(network.routes[1].destination, "2001:db8:1::/48");
	assert_int_equal(network.routes[1].table, 4294967295);
	assert_string_equal(network.ssh, "192.0.2.1");
	host_network_free(&network);
}

/* A last line without its end is one, and nothing behind it is. */
static void the_last_line_needs_no_newline(void **state)
{
	struct host_network network;

	(void)state;
	parse("route eth0 default 25", &network);
	assert_int_equal(network.n_routes, 1);
	assert_int_equal(network.routes[0].table, 25);
	host_network_free(&network);
	parse("", &network);
	assert_int_equal(network.n_addresses + network.n_routes, 0);
	assert_string_equal(network.ssh, "");
	host_network_free(&network);
}

static void damaged_lines_are_passed_over(void **state)
{
	static const char *const lines[] = {
		"",
		" ",
		"address",
		"address eth0",
		"address eth0 192.0.2.1",
		"address eth0 192.0.2.1/",
		"address eth0 192.0.2.1/-1",
		"address eth0 192.0.2.1/129",
		"address eth0 192.0.2.1/24x",
		"address eth0 192.0.2.1/99999999999999999999",
		"address eth0 /24",
		"address  192.0.2.1/24",
		"route eth0 default",
		"route eth0 default ",
		"route eth0 default main",
		"route eth0 default 4294967296",
		"route eth0  254",
		"route  default 254",
		"ssh",
		"addresses eth0 192.0.2.1/24",
		"xroute eth0 default 254",
		" address eth0 192.0.2.1/24",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct host_network network;
		char text[256];

		/* Those around it are read. */
		snprintf(text, sizeof(text),
			 "address lo 127.0.0.1/8\n%s\nroute lo 192.0.2.0/24 254\n",
			 lines[i]);
		parse(text, &network);
		if (network.n_addresses != 1 || network.n_routes != 1 || network.ssh[0])
			fail_msg("\"%s\" was taken", lines[i]);
		host_network_free(&network);
	}
}

/* Cut off, they would name another interface, or another address. */
static void overlong_names_are_passed_over(void **state)
{
	struct host_network network;
	char text[512], word[200];

	(void)state;
	memset(word, '1', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	snprintf(text, sizeof(text), "address eth0 %s/24\nssh %s\n", word, word);
	parse(text, &network);
	assert_int_equal(network.n_addresses, 0);
	assert_string_equal(network.ssh, "");
	host_network_free(&network);
	snprintf(text, sizeof(text), "route eth0 %s 254\nroute %s default 254\n", word,
		 word);
	parse(text, &network);
	assert_int_equal(network.n_routes, 0);
	host_network_free(&network);
	parse("address " LONGEST "p 192.0.2.1/24\nroute " LONGEST "p default 254\n",
	      &network);
	assert_int_equal(network.n_addresses + network.n_routes, 0);
	host_network_free(&network);
}

static void without_the_file_nothing_is_known(void **state)
{
	const struct tree *tree = *state;
	struct host_network network;
	struct host *host;

	tree_folder(tree, "sys/bus/pci/devices");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	assert_int_equal(host_network_read(host, &network), FACT_UNREADABLE);
	tree_file(tree, "pciferry/network", "");
	assert_int_equal(host_network_read(host, &network), FACT_KNOWN);
	assert_int_equal(network.n_addresses, 0);
	host_network_free(&network);
	host_free(host);
}

static void expect_ssh(const char *connection, const char *line)
{
	struct string_list lines = { 0 };

	assert_int_equal(setenv("SSH_CONNECTION", connection, 1), 0);
	assert_int_equal(host_find_ssh(&lines), 0);
	assert_int_equal(lines.count, line ? 1 : 0);
	if (line)
		assert_string_equal(lines.items[0], line);
	string_list_free(&lines);
	unsetenv("SSH_CONNECTION");
}

static void the_address_one_came_by_is_the_servers(void **state)
{
	(void)state;
	expect_ssh("198.51.100.7 51234 192.0.2.1 22", "ssh 192.0.2.1");
	expect_ssh("2001:db8::7 51234 2001:db8::1 22", "ssh 2001:db8::1");
	expect_ssh("fe80::7%eth0 51234 fe80::1%eth0 22", "ssh fe80::1%eth0");
	expect_ssh("198.51.100.7 51234", NULL);
	expect_ssh("", NULL);
}

static void an_address_with_its_interface_is_kept_whole(void **state)
{
	static const char longest[] = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%" LONGEST;
	struct host_network network;
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "ssh %s\n", longest);
	parse(text, &network);
	assert_string_equal(network.ssh, longest);
	host_network_free(&network);
}

static void only_lines_about_devices_are_kept_of_the_log(void **state)
{
	char text[] = "<6>[ 0.1] DMAR: IOMMU enabled\n"
		      "<6>[ 0.2] audit: user alice logged in\n"
		      "\n"
		      "<4>[ 0.3] vfio-pci 0000:01:00.0: BAR 1: can't reserve\n"
		      "<6>[ 0.4] wlan0: associated with 00:11:22:33:44:55\n"
		      "<4>[ 0.4] IPv6: wlan0: link is not ready\n"
		      "<4>[ 0.5] vga 0000:01:00.0: not ready 1023ms after FLR\n"
		      "<6>[ 0.5] AMD-Vi: cut o";
	size_t len;

	(void)state;
	/* A log that ends in the middle of a line, and of a buffer. */
	len = host_kernel_log_filter(text, strlen(text) - strlen(" o"));
	text[len] = '\0';
	assert_string_equal(text,
			    "<6>[ 0.1] DMAR: IOMMU enabled\n"
			    "<4>[ 0.3] vfio-pci 0000:01:00.0: BAR 1: can't reserve\n"
			    "<4>[ 0.5] vga 0000:01:00.0: not ready 1023ms after FLR\n"
			    "<6>[ 0.5] AMD-Vi: cut");
	assert_int_equal(host_kernel_log_filter(text, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_routes_are_read),
		cmocka_unit_test(the_last_line_needs_no_newline),
		cmocka_unit_test(damaged_lines_are_passed_over),
		cmocka_unit_test(overlong_names_are_passed_over),
		cmocka_unit_test_setup_teardown(without_the_file_nothing_is_known,
						tree_setup, tree_teardown),
		cmocka_unit_test(the_address_one_came_by_is_the_servers),
		cmocka_unit_test(an_address_with_its_interface_is_kept_whole),
		cmocka_unit_test(only_lines_about_devices_are_kept_of_the_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
