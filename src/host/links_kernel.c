/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A link as the kernel tells it: include/uapi/linux/if_link.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "base/cleanup.h"
#include "host/internal.h"
#include "host/links.h"
#include "host/netlink.h"

/* The attribute's payload, if it is as long as what it is said to be. */
static const void *payload(const struct nlattr *attribute, size_t size)
{
	return mnl_attr_get_payload_len(attribute) >= size
		       ? mnl_attr_get_payload(attribute)
		       : NULL;
}

struct taken {
	struct host_function function;
	bool other_vlan;
};

/* Whether it is 802.1Q, which is all that is spoken of here: of another it is unknown. */
static int take_vlan(const struct nlattr *attribute, void *data)
{
	const struct ifla_vf_vlan_info *info = payload(attribute, sizeof(*info));
	struct taken *taken = data;

	if (info && info->vlan && info->vlan_proto != htons(ETH_P_8021Q))
		taken->other_vlan = true;
	return MNL_CB_OK;
}

/* A driver that does not tell leaves -1 in these (rtnl_fill_vfinfo()). */
static void take_switch(const struct nlattr *attribute, enum host_setting setting,
			bool *ret_on, struct host_function *function)
{
	/* struct ifla_vf_spoofchk is the same. */
	const struct ifla_vf_trust *trust = payload(attribute, sizeof(*trust));

	if (!trust || trust->setting > 1)
		return;
	*ret_on = trust->setting;
	function->settings |= setting;
}

static int take_attribute(const struct nlattr *attribute, void *data)
{
	struct taken *taken = data;
	struct host_function *function = &taken->function;
	const struct ifla_vf_vlan *vlan;
	const struct ifla_vf_mac *mac;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_VF_MAC:
		mac = payload(attribute, sizeof(*mac));
		if (!mac)
			break;
		function->index = mac->vf;
		memcpy(function->mac, mac->mac, HOST_MAC_LEN);
		function->settings |= HOST_SETTING_MAC;
		break;
	case IFLA_VF_VLAN:
		vlan = payload(attribute, sizeof(*vlan));
		if (!vlan)
			break;
		function->vlan = vlan->vlan;
		function->priority = vlan->qos;
		function->settings |= HOST_SETTING_VLAN;
		break;
	case IFLA_VF_TRUST:
		take_switch(attribute, HOST_SETTING_TRUST, &function->trust, function);
		break;
	case IFLA_VF_SPOOFCHK:
		take_switch(attribute, HOST_SETTING_SPOOF_CHECK, &function->spoof_check,
			    function);
		break;
	case IFLA_VF_VLAN_LIST:
		return mnl_attr_parse_nested(attribute, take_vlan, taken);
	default:
		break;
	}
	return MNL_CB_OK;
}

static int take_function(const struct nlattr *attribute, void *data)
{
	struct host_link *link = data;
	struct taken taken = { .function.index = (unsigned int)link->count };
	struct host_function *function = &taken.function;

	if (mnl_attr_get_type(attribute) != IFLA_VF_INFO)
		return MNL_CB_OK;
	mnl_attr_parse_nested(attribute, take_attribute, &taken);
	if (taken.other_vlan || function->vlan > HOST_VLAN_MAX ||
	    function->priority > HOST_PRIORITY_MAX)
		function->settings &= ~(unsigned int)HOST_SETTING_VLAN;
	return host_link_add(link, function) < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

static int take_list(const struct nlattr *attribute, void *data)
{
	return mnl_attr_get_type(attribute) == IFLA_VFINFO_LIST
		       ? mnl_attr_parse_nested(attribute, take_function, data)
		       : MNL_CB_OK;
}

int host_link_take(const void *message, size_t len, struct host_link *ret_link)
{
	_cleanup_(host_link_free) struct host_link link = { 0 };
	const struct nlmsghdr *header = message;
	const struct ifinfomsg *body;

	if (!mnl_nlmsg_ok(header, (int)len) || header->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(header) < sizeof(*body))
		return -EBADMSG;
	body = mnl_nlmsg_get_payload(header);
	link.is_up = body->ifi_flags & IFF_UP;
	if (mnl_attr_parse(header, sizeof(*body), take_list, &link) == MNL_CB_ERROR)
		return -ENOMEM;
	*ret_link = link;
	memset(&link, 0, sizeof(link));
	return 0;
}

int host_link_ask(const char *interface, struct host_link *ret_link)
{
	_Alignas(struct nlmsghdr) char buffer[MNL_NLMSG_HDRLEN + 256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	_cleanup_free_ void *answer = NULL;
	size_t len = 0;
	int r;

	if (!*interface || strlen(interface) >= IF_NAMESIZE)
		return -ENODEV;
	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(request, IFLA_IFNAME, interface);
	/* Statistics would fill the list, which 64 KiB end, at half as many functions. */
	mnl_attr_put_u32(request, IFLA_EXT_MASK,
			 RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
	r = host_netlink_ask(request, &answer, &len, NULL);
	return r < 0 ? r : host_link_take(answer, len, ret_link);
}
