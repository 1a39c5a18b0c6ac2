/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The message that sets a virtual function, taken apart as the kernel does it
 * (do_setvfinfo() in net/core/rtnetlink.c). Nothing is sent.
 */
#include "system.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "change/internal.h"

static int keep_attribute(const struct nlattr *attribute, void *data)
{
	const struct nlattr **table = data;
	uint16_t type = mnl_attr_get_type(attribute);

	assert_true(type < 64);
	assert_null(table[type]);
	table[type] = attribute;
	return MNL_CB_OK;
}

/* What the message holds, by its type: of the link, and of the one function. */
static void take_apart(const struct change_function_request *request,
		       const struct nlattr *of_link[64],
		       const struct nlattr *of_function[64])
{
	const struct nlmsghdr *header = (const struct nlmsghdr *)request->bytes;
	const struct nlattr *list[64] = { 0 };

	assert_int_equal(header->nlmsg_type, RTM_SETLINK);
	assert_int_equal(header->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
	assert_true(header->nlmsg_len <= sizeof(request->bytes));
	mnl_attr_parse(header, sizeof(struct ifinfomsg), keep_attribute, of_link);
	assert_non_null(of_link[IFLA_VFINFO_LIST]);
	mnl_attr_parse_nested(of_link[IFLA_VFINFO_LIST], keep_attribute, list);
	assert_non_null(list[IFLA_VF_INFO]);
	mnl_attr_parse_nested(list[IFLA_VF_INFO], keep_attribute, of_function);
}

static void each_setting_is_sent_as_the_kernel_wants_it(void **state)
{
	const struct nlattr *of_link[64] = { 0 }, *of_function[64] = { 0 };
	static const struct ifla_vf_mac mac = { 5, { 0x52, 0x54, 0, 0, 0, 0xaa } };
	static const struct ifla_vf_vlan vlan = { 5, 4094, 7 };
	static const struct ifla_vf_trust trust = { 5, 1 };
	static const struct ifla_vf_spoofchk check = { 5, 0 };
	struct change_function_request request;

	(void)state;
	assert_int_equal(change_function_request(
				 "abcdefghijklmno",
				 "vf 5 mac 52:54:00:00:00:aa vlan 4094 qos 7 trust on"
				 " spoofchk off",
				 &request),
			 0);
	take_apart(&request, of_link, of_function);
	assert_string_equal(mnl_attr_get_str(of_link[IFLA_IFNAME]), "abcdefghijklmno");
	assert_memory_equal(mnl_attr_get_payload(of_function[IFLA_VF_MAC]), &mac,
			    sizeof(mac));
	assert_memory_equal(mnl_attr_get_payload(of_function[IFLA_VF_VLAN]), &vlan,
			    sizeof(vlan));
	assert_memory_equal(mnl_attr_get_payload(of_function[IFLA_VF_TRUST]), &trust,
			    sizeof(trust));
	assert_memory_equal(mnl_attr_get_payload(of_function[IFLA_VF_SPOOFCHK]), &check,
			    sizeof(check));
}

static void what_is_not_asked_for_is_not_sent(void **state)
{
	const struct nlattr *of_link[64] = { 0 }, *of_function[64] = { 0 };
	struct change_function_request request;

	(void)state;
	assert_int_equal(change_function_request("eth0", "vf 0 vlan 0", &request), 0);
	take_apart(&request, of_link, of_function);
	assert_non_null(of_function[IFLA_VF_VLAN]);
	of_function[IFLA_VF_VLAN] = NULL;
	for (size_t i = 0; i < 64; i++)
		assert_null(of_function[i]);
}

static void what_is_no_setting_is_not_sent(void **state)
{
	struct change_function_request request;

	(void)state;
	assert_int_equal(change_function_request("eth0", "vf 0 vlan 4095", &request),
			 -EINVAL);
	assert_int_equal(change_function_request("eth0", "trust on", &request), -EINVAL);
	assert_int_equal(change_function_request("abcdefghijklmnop", "vf 0 trust on",
						 &request),
			 -EINVAL);
	assert_int_equal(change_function_request("", "vf 0 trust on", &request), -EINVAL);
}

/* This machine's kernel, of an interface that is not there. */
static void a_failure_names_function_interface_and_setting(void **state)
{
	struct change_step step = {
		.kind = CHANGE_SET_FUNCTION,
		.device = (char *)"0000:01:00.0",
		.target = (char *)"none-such",
		.value = (char *)"vf 0 trust on",
		.purpose = (char *)"set vf0 through none-such: trust on",
	};
	struct system *sys = *state;
	char reason[HOST_REASON_SIZE] = "";
	int r = change_set_function(&step, reason);

	assert_true(r == -ENODEV || r == -EPERM);
	change_explain_function(&sys->change, &step, r, false, reason, &sys->err);
	assert_string_equal(sys->err.subject, "0000:01:00.0");
	assert_non_null(strstr(sys->err.message, "vf0 through none-such: trust on: "));
	assert_int_equal(sys->err.code, -r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_setting_is_sent_as_the_kernel_wants_it),
		cmocka_unit_test(what_is_not_asked_for_is_not_sent),
		cmocka_unit_test(what_is_no_setting_is_not_sent),
		cmocka_unit_test_setup_teardown(
			a_failure_names_function_interface_and_setting, system_setup,
			system_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
