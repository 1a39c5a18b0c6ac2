/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "looked.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* The kernel's bridge, bond, team, VLAN ... all tell what they are on like this. */
static void add_upper(const struct tree *tree, const char *below, const char *name)
{
	char path[256], target[256];

	quiet_interface(tree, "virtual/net", name, true);
	snprintf(path, sizeof(path), "sys/class/net/%s/upper_%s", below, name);
	snprintf(target, sizeof(target), "/sys/devices/virtual/net/%s", name);
	tree_link(tree, path, target);
}

static void look_expect(const struct tree *tree, enum usage_kind kind, const char *text)
{
	look_expect_only(tree, NIC, OTHER_NIC, kind, text);
}

static void a_card_without_address_can_be_given_away(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	/* Those of others, whose names begin or end alike. */
	quiet_network(tree, "address eth00 192.0.2.1/24\naddress veth0 192.0.2.2/24\n"
			    "route eth00 default 254\nssh 192.0.2.1\n");
	look(tree, &looked);
	expect_free(&looked, NIC);
	expect_free(&looked, OTHER_NIC);
	look_away(&looked);
}

static void a_card_with_an_address_is_in_use(void **state)
{
	const struct tree *tree = *state;

	quiet_network(tree, "address eth0 192.0.2.1/24\n");
	look_expect(tree, USAGE_NETWORK, "eth0 is up with address 192.0.2.1");
	quiet_network(tree, "address eth0 2001:db8::1/64\n");
	look_expect(tree, USAGE_NETWORK, "eth0 is up with address 2001:db8::1");
}

/* The kernel gives every interface one that comes up; down it says nothing. */
static void a_link_local_address_counts_while_the_card_is_up(void **state)
{
	const struct tree *tree = *state;

	quiet_network(tree, "address eth0 fe80::1/64\naddress eth1 fe80::2/64\n");
	look_expect(tree, USAGE_NETWORK, "eth0 is up with address fe80::1");
}

static void the_default_route_is_not_pulled_away(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_network(tree, "address eth0 192.0.2.1/24\nroute eth0 default 254\n");
	look(tree, &looked);
	expect_use(&looked, NIC, USAGE_ROUTE, "eth0 carries the default route");
	/* It is what a person wants to know first. */
	expect_verdict(&looked, NIC, USAGE_IN_USE,
		       NIC ": eth0 carries the default route");
	expect_free(&looked, OTHER_NIC);
	look_away(&looked);
}

static void routes_of_any_table_count(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_network(tree, "route eth0 198.51.100.0/24 254\nroute eth0 default 100\n"
			    "route eth0 2001:db8:1::/48 4000000000\n");
	look(tree, &looked);
	expect_use(&looked, NIC, USAGE_ROUTE,
		   "eth0 carries the route to 198.51.100.0/24");
	expect_use(&looked, NIC, USAGE_ROUTE,
		   "eth0 carries the default route of table 100");
	expect_use(&looked, NIC, USAGE_ROUTE,
		   "eth0 carries the route to 2001:db8:1::/48 of table 4000000000");
	assert_int_equal(count_use(&looked, NIC, USAGE_ROUTE), 3);
	expect_free(&looked, OTHER_NIC);
	look_away(&looked);
}

static void a_member_of_a_bridge_or_bond_is_in_use(void **state)
{
	static const char *const uppers[] = { "br0", "bond0", "team0", "eth0.5",
					      "macvtap0" };
	const struct tree *tree = *state;
	struct looked looked;

	for (size_t i = 0; i < sizeof(uppers) / sizeof(uppers[0]); i++)
		add_upper(tree, "eth0", uppers[i]);
	look(tree, &looked);
	for (size_t i = 0; i < sizeof(uppers) / sizeof(uppers[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "eth0 is part of %s", uppers[i]);
		expect_use(&looked, NIC, USAGE_NETWORK, text);
	}
	expect_free(&looked, OTHER_NIC);
	look_away(&looked);
}

/* A bond's members are down while it is set up; it is a use all the same. */
static void a_member_that_is_down_is_in_use(void **state)
{
	const struct tree *tree = *state;

	add_upper(tree, "eth1", "bond0");
	look_expect_use(tree, OTHER_NIC, USAGE_NETWORK, "eth1 is part of bond0");
	look_expect_free(tree, NIC);
}

/* A VLAN on a bond in a bridge, which has the address, the route and the connection. */
static void what_lies_above_a_card_is_followed_to_its_top(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	add_upper(tree, "eth0", "bond0");
	add_upper(tree, "bond0", "bond0.5");
	add_upper(tree, "bond0.5", "br0");
	quiet_network(tree,
		      "address br0 192.0.2.1/24\nroute br0 default 254\nssh 192.0.2.1\n");
	look(tree, &looked);
	expect_use(&looked, NIC, USAGE_NETWORK, "eth0 is part of br0");
	expect_use(&looked, NIC, USAGE_ROUTE,
		   "br0, of which eth0 is a part, carries the default route");
	expect_use(&looked, NIC, USAGE_SSH,
		   "br0, of which eth0 is a part, carries the SSH connection");
	expect_free(&looked, OTHER_NIC);
	look_away(&looked);
}

/* Nothing in the kernel makes one; a copy of /sys may be damaged. */
static void a_circle_of_interfaces_ends(void **state)
{
	const struct tree *tree = *state;

	add_upper(tree, "eth0", "br0");
	tree_link(tree, "sys/class/net/br0/upper_eth0", "/sys/class/net/eth0");
	look_expect(tree, USAGE_NETWORK, "eth0 is part of br0");
}

static void the_connection_that_one_came_by_is_told_first(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_network(tree, "address eth0 192.0.2.1/24\nroute eth0 default 254\n"
			    "ssh 192.0.2.1\n");
	look(tree, &looked);
	expect_use(&looked, NIC, USAGE_SSH, "eth0 carries the SSH connection");
	expect_verdict(&looked, NIC, USAGE_IN_USE,
		       NIC ": eth0 carries the SSH connection that you came by");
	expect_free(&looked, OTHER_NIC);
	look_away(&looked);
}

static void a_connection_by_another_card_does_not_count(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_network(tree, "address eth0 192.0.2.1/24\naddress lo 192.0.2.10/32\n"
			    "ssh 192.0.2.10\n");
	look(tree, &looked);
	assert_int_equal(count_use(&looked, NIC, USAGE_SSH), 0);
	look_away(&looked);
}

/* sshd(8) tells the interface with such an address: several may have the same one. */
static void a_connection_by_a_link_local_address_is_known(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_interface(tree, "pci0000:00/0000:03:00.0/net", "eth2", true);
	quiet_network(tree, "address eth0 fe80::1/64\naddress eth2 fe80::1/64\n"
			    "ssh fe80::1%eth0\n");
	look(tree, &looked);
	expect_use(&looked, NIC, USAGE_SSH, "eth0 carries the SSH connection");
	assert_int_equal(count_use(&looked, OTHER_NIC, USAGE_SSH), 0);
	look_away(&looked);
}

static const char pppoe_heading[] = "Id       Address              Device\n";

/* ppp0 has the address, and nothing leads from it to eth0. */
static void a_card_that_carries_pppoe_is_in_use(void **state)
{
	const struct tree *tree = *state;
	char text[256];

	quiet_network(tree, "address ppp0 192.0.2.1/32\nroute ppp0 default 254\n");
	tree_file(tree, "proc/net/pppoe", pppoe_heading);
	look_expect_free(tree, NIC);
	snprintf(text, sizeof(text), "%s0000002A 52:54:00:12:34:56     eth0\n",
		 pppoe_heading);
	tree_file(tree, "proc/net/pppoe", text);
	look_expect(tree, USAGE_NETWORK, "eth0 carries a PPPoE connection");
	add_upper(tree, "eth0", "eth0.7");
	snprintf(text, sizeof(text), "%s0000002A 52:54:00:12:34:56   eth0.7\n",
		 pppoe_heading);
	tree_file(tree, "proc/net/pppoe", text);
	look_expect(tree, USAGE_NETWORK,
		    "eth0.7, of which eth0 is a part, carries a PPPoE connection");
}

static void a_card_that_may_carry_pppoe_counts_while_it_is_up(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_unreadable(tree, "proc/net/pppoe");
	look(tree, &looked);
	expect_unreadable(&looked, NIC, "whether it carries a PPPoE connection");
	expect_free(&looked, OTHER_NIC);
	look_away(&looked);
}

static void a_card_that_may_be_up_counts(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_unreadable(tree, "sys/class/net/eth0/flags");
	look(tree, &looked);
	expect_unreadable(&looked, NIC, "whether eth0 is up is not known");
	expect_free(&looked, OTHER_NIC);
	look_away(&looked);
	tree_file(tree, "sys/devices/pci0000:00/0000:03:00.0/net/eth1/flags", "up\n");
	look_expect_unreadable(tree, OTHER_NIC, "whether eth1 is up is not known");
}

/* A copy of /sys does not hold addresses: a card that is down has no use for them. */
static void without_addresses_a_card_that_is_up_counts(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	quiet_unreadable(tree, "pciferry/network");
	for (int i = 0; i < 2; i++) {
		look(tree, &looked);
		expect_unreadable(&looked, NIC,
				  "eth0 is up; whether it has an address is not known");
		expect_free(&looked, OTHER_NIC);
		look_away(&looked);
		/* The same when there is none. */
		unlinkat(tree->fd, "pciferry/network", AT_REMOVEDIR);
	}
}

static void without_the_class_every_card_with_a_driver_counts(void **state)
{
	const struct tree *tree = *state;
	struct looked looked;

	tree_function(tree, "0000:06:00.0", MODALIAS_NIC, NULL, "6");
	assert_int_equal(
		renameat(tree->fd, "sys/class/net", tree->fd, "sys/class/was-net"), 0);
	look(tree, &looked);
	expect_unreadable(&looked, NIC, "no /sys/class/net");
	expect_unreadable(&looked, OTHER_NIC, "no /sys/class/net");
	expect_free(&looked, "0000:06:00.0");
	look_away(&looked);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, nics_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_card_without_address_can_be_given_away),
		TEST(a_card_with_an_address_is_in_use),
		TEST(a_link_local_address_counts_while_the_card_is_up),
		TEST(the_default_route_is_not_pulled_away),
		TEST(routes_of_any_table_count),
		TEST(a_member_of_a_bridge_or_bond_is_in_use),
		TEST(a_member_that_is_down_is_in_use),
		TEST(what_lies_above_a_card_is_followed_to_its_top),
		TEST(a_circle_of_interfaces_ends),
		TEST(the_connection_that_one_came_by_is_told_first),
		TEST(a_connection_by_another_card_does_not_count),
		TEST(a_connection_by_a_link_local_address_is_known),
		TEST(a_card_that_carries_pppoe_is_in_use),
		TEST(a_card_that_may_carry_pppoe_counts_while_it_is_up),
		TEST(a_card_that_may_be_up_counts),
		TEST(without_addresses_a_card_that_is_up_counts),
		TEST(without_the_class_every_card_with_a_driver_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
