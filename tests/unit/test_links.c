/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a network interface has set of virtual functions: the kernel's messages, made here
 * as rtnl_fill_vfinfo() makes them, and the text of them that a recording holds.
 */
#include "tree.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "host/links.h"

struct message {
	_Alignas(8) char bytes[4096];
	struct nlmsghdr *header;
	struct nlattr *list;
};

static void begin(struct message *message, unsigned int flags)
{
	struct ifinfomsg *body;

	message->header = mnl_nlmsg_put_header(message->bytes);
	message->header->nlmsg_type = RTM_NEWLINK;
	body = mnl_nlmsg_put_extra_header(message->header, sizeof(*body));
	body->ifi_flags = flags;
	mnl_attr_put_strz(message->header, IFLA_IFNAME, "eth0");
	message->list = mnl_attr_nest_start(message->header, IFLA_VFINFO_LIST);
}

static void put_function(struct message *message, unsigned int index, unsigned int vlan,
			 uint16_t protocol, unsigned int trust)
{
	const struct ifla_vf_mac mac = { index, { 0x52, 0x54, 0, 0, 0, 1 } };
	const struct ifla_vf_vlan plain = { index, vlan, 3 };
	const struct ifla_vf_vlan_info info = { index, vlan, 3, htons(protocol) };
	const struct ifla_vf_spoofchk check = { index, 1 };
	const struct ifla_vf_trust trusted = { index, trust };
	struct nlmsghdr *header = message->header;
	struct nlattr *one = mnl_attr_nest_start(header, IFLA_VF_INFO), *vlans;

	mnl_attr_put(header, IFLA_VF_MAC, sizeof(mac), &mac);
	mnl_attr_put(header, IFLA_VF_VLAN, sizeof(plain), &plain);
	mnl_attr_put(header, IFLA_VF_SPOOFCHK, sizeof(check), &check);
	mnl_attr_put(header, IFLA_VF_TRUST, sizeof(trusted), &trusted);
	vlans = mnl_attr_nest_start(header, IFLA_VF_VLAN_LIST);
	mnl_attr_put(header, IFLA_VF_VLAN_INFO, sizeof(info), &info);
	mnl_attr_nest_end(header, vlans);
	mnl_attr_nest_end(header, one);
}

static void take(struct message *message, struct host_link *link)
{
	/* A copy of just that size, so that reading on is seen. */
	size_t len = message->header->nlmsg_len;
	void *copy;

	mnl_attr_nest_end(message->header, message->list);
	len = message->header->nlmsg_len;
	copy = malloc(len);
	assert_non_null(copy);
	memcpy(copy, message->bytes, len);
	assert_int_equal(host_link_take(copy, len, link), 0);
	free(copy);
}

static void the_kernels_words_are_understood(void **state)
{
	char text[HOST_FUNCTION_TEXT_SIZE];
	struct message message;
	struct host_link link;

	(void)state;
	begin(&message, IFF_UP);
	put_function(&message, 0, 100, ETH_P_8021Q, 1);
	put_function(&message, 7, 0, ETH_P_8021Q, 0);
	take(&message, &link);
	assert_true(link.is_up);
	assert_int_equal(link.count, 2);
	assert_string_equal(host_function_format(&link.functions[0],
						 link.functions[0].settings, text),
			    "mac 52:54:00:00:00:01 vlan 100 qos 3 trust on spoofchk on");
	assert_null(host_link_find(&link, 1));
	assert_int_equal(host_link_find(&link, 7)->vlan, 0);
	assert_false(host_link_find(&link, 7)->trust);
	host_link_free(&link);
}

static void what_a_driver_does_not_tell_is_not_taken_for_off(void **state)
{
	struct message message;
	struct host_link link;

	(void)state;
	begin(&message, 0);
	put_function(&message, 0, 100, ETH_P_8021AD, ~0U);
	take(&message, &link);
	assert_false(link.is_up);
	assert_int_equal(link.count, 1);
	assert_int_equal(link.functions[0].settings,
			 HOST_SETTING_MAC | HOST_SETTING_SPOOF_CHECK);
	host_link_free(&link);
}

static void a_message_that_is_cut_off_says_no_more_than_it_holds(void **state)
{
	struct message message;
	struct host_link link;

	(void)state;
	begin(&message, 0);
	put_function(&message, 0, 100, ETH_P_8021Q, 1);
	mnl_attr_nest_end(message.header, message.list);
	for (size_t len = 0; len < message.header->nlmsg_len; len++) {
		char *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, message.bytes, len);
		assert_int_equal(host_link_take(copy, len, &link), -EBADMSG);
		/* And one that says itself that it is so short. */
		if (len >= sizeof(struct nlmsghdr)) {
			((struct nlmsghdr *)copy)->nlmsg_len = (uint32_t)len;
			if (host_link_take(copy, len, &link) == 0)
				host_link_free(&link);
		}
		free(copy);
	}
	message.header->nlmsg_type = RTM_NEWADDR;
	assert_int_equal(host_link_take(message.bytes, message.header->nlmsg_len, &link),
			 -EBADMSG);
}

static void a_recordings_text_says_the_same(void **state)
{
	static const char text[] =
		"up\nvf 0 mac 52:54:00:00:00:01 vlan 100 qos 3 trust on spoofchk off\n"
		"vf 1\nvf 2 spoofchk on\nvf 3 vlan 4095\nvf x\nnonsense\nvf 4 trust";
	char shown[HOST_FUNCTION_TEXT_SIZE];
	struct host_link link;

	(void)state;
	assert_int_equal(host_link_parse(text, strlen(text), &link), 0);
	assert_true(link.is_up);
	assert_int_equal(link.count, 3);
	assert_string_equal(host_function_format(&link.functions[0], ~0U, shown),
			    "mac 52:54:00:00:00:01 vlan 100 qos 3 trust on spoofchk off");
	assert_string_equal(host_function_format(&link.functions[1], ~0U, shown), "");
	assert_string_equal(host_function_format(&link.functions[2], ~0U, shown),
			    "spoofchk on");
	host_link_free(&link);
}

static void what_differs_or_is_not_known_is_to_be_set(void **state)
{
	struct host_function wanted, now;

	(void)state;
	assert_int_equal(host_function_parse("vf 0 mac 52:54:00:00:00:01 vlan 5 qos 1"
					     " trust on",
					     &wanted),
			 0);
	assert_int_equal(host_function_parse("vf 0 mac 52:54:00:00:00:01 vlan 5"
					     " spoofchk on",
					     &now),
			 0);
	assert_int_equal(host_function_differs(&wanted, &now),
			 HOST_SETTING_VLAN | HOST_SETTING_TRUST);
	assert_int_equal(host_function_differs(&wanted, NULL), wanted.settings);
	assert_int_equal(host_function_differs(&wanted, &wanted), 0);
}

static void a_host_that_is_a_folder_holds_the_answer(void **state)
{
	const struct tree *tree = *state;
	struct host *host = NULL;
	struct host_link link;

	tree_folder(tree, "sys/bus/pci/devices");
	tree_file(tree, "pciferry/links/eth0", "down\nvf 0 trust off\n");
	assert_int_equal(host_open_directory(tree->path, &host, NULL), 0);
	assert_int_equal(host_link_read(host, "eth0", &link), FACT_KNOWN);
	assert_false(link.is_up);
	assert_int_equal(link.count, 1);
	host_link_free(&link);
	assert_int_equal(host_link_read(host, "eth1", &link), FACT_ABSENT);
	assert_int_equal(host_link_read(host, "../network", &link), FACT_UNREADABLE);
	host_free(host);
}

/* This machine's kernel, of an interface without functions. */
static void the_kernel_is_asked(void **state)
{
	struct host *host = NULL;
	struct host_link link;

	(void)state;
	assert_int_equal(host_open_live(&host, NULL), 0);
	assert_int_equal(host_link_read(host, "lo", &link), FACT_KNOWN);
	assert_int_equal(link.count, 0);
	host_link_free(&link);
	assert_int_equal(host_link_read(host, "none-such", &link), FACT_ABSENT);
	host_free(host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernels_words_are_understood),
		cmocka_unit_test(what_a_driver_does_not_tell_is_not_taken_for_off),
		cmocka_unit_test(a_message_that_is_cut_off_says_no_more_than_it_holds),
		cmocka_unit_test(a_recordings_text_says_the_same),
		cmocka_unit_test(what_differs_or_is_not_known_is_to_be_set),
		cmocka_unit_test_setup_teardown(a_host_that_is_a_folder_holds_the_answer,
						tree_setup, tree_teardown),
		cmocka_unit_test(the_kernel_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
