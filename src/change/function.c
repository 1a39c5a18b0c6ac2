/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings of virtual functions: rtnetlink(7), do_setvfinfo() in net/core/rtnetlink.c. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/internal.h"
#include "host/links.h"

static void put_setting(struct nlmsghdr *request, const struct host_function *function)
{
	const struct ifla_vf_vlan vlan = { function->index, function->vlan,
					   function->priority };
	const struct ifla_vf_trust trust = { function->index, function->trust };
	const struct ifla_vf_spoofchk check = { function->index, function->spoof_check };
	struct ifla_vf_mac mac = { .vf = function->index };

	memcpy(mac.mac, function->mac, HOST_MAC_LEN);
	if (function->settings & HOST_SETTING_MAC)
		mnl_attr_put(request, IFLA_VF_MAC, sizeof(mac), &mac);
	if (function->settings & HOST_SETTING_VLAN)
		mnl_attr_put(request, IFLA_VF_VLAN, sizeof(vlan), &vlan);
	if (function->settings & HOST_SETTING_TRUST)
		mnl_attr_put(request, IFLA_VF_TRUST, sizeof(trust), &trust);
	if (function->settings & HOST_SETTING_SPOOF_CHECK)
		mnl_attr_put(request, IFLA_VF_SPOOFCHK, sizeof(check), &check);
}

int change_function_request(const char *interface, const char *setting,
			    struct change_function_request *ret_request)
{
	struct host_function function;
	struct nlattr *list, *one;
	struct nlmsghdr *request;

	if (host_function_parse(setting, &function) < 0 || !*interface ||
	    strlen(interface) >= IF_NAMESIZE)
		return -EINVAL;
	request = mnl_nlmsg_put_header(ret_request->bytes);
	request->nlmsg_type = RTM_SETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(request, IFLA_IFNAME, interface);
	list = mnl_attr_nest_start(request, IFLA_VFINFO_LIST);
	one = mnl_attr_nest_start(request, IFLA_VF_INFO);
	put_setting(request, &function);
	mnl_attr_nest_end(request, one);
	mnl_attr_nest_end(request, list);
	return 0;
}

int change_set_function(const struct change_step *step, char reason[HOST_REASON_SIZE])
{
	struct change_function_request request;
	int r = change_function_request(step->target, step->value, &request);

	return r < 0 ? r
		     : host_netlink_ask((struct nlmsghdr *)request.bytes, NULL, NULL,
					reason);
}

bool change_function_is_set(const struct host *host, const struct change_step *step,
			    char now[HOST_FUNCTION_TEXT_SIZE])
{
	_cleanup_(host_link_free) struct host_link link = { 0 };
	const struct host_function *found = NULL;
	struct host_function wanted;
	unsigned int differs;

	*now = '\0';
	if (host_function_parse(step->value, &wanted) < 0)
		return false;
	if (host_link_read(host, step->target, &link) == FACT_KNOWN)
		found = host_link_find(&link, wanted.index);
	differs = host_function_differs(&wanted, found);
	if (found)
		host_function_format(found, differs, now);
	return !differs;
}

/* Whether an interface that is down may be why. */
static void tell_state(const struct host *host, const char *interface, struct error *err)
{
	_cleanup_(host_link_free) struct host_link link = { 0 };

	if (host_link_read(host, interface, &link) == FACT_KNOWN && !link.is_up)
		error_evidence(err,
			       "%s is down, and many drivers set nothing then: ip link"
			       " set %s up",
			       interface, interface);
}

void change_explain_function(const struct change *change, const struct change_step *step,
			     int r, bool untrue, const char *reason, struct error *err)
{
	char now[HOST_FUNCTION_TEXT_SIZE];

	if (untrue && change_function_is_set(change->host, step, now))
		snprintf(now, sizeof(now), "so, too late");
	if (untrue && *now)
		error_set(err, EIO, step->device,
			  "%s: the driver took it, but it is now %s", step->purpose, now);
	else if (untrue)
		error_set(err, EIO, step->device,
			  "%s: the driver took it, but does not tell what it is now",
			  step->purpose);
	else
		error_set(err, -r, step->device, "%s: %s%s%s", step->purpose,
			  strerror(-r), *reason ? ": " : "", reason);
	tell_state(change->host, step->target, err);
	if (untrue || r == -EOPNOTSUPP)
		error_hint(err, "its driver does not have this setting; leave it out");
	else
		error_hint(err, "the kernel log may say why: dmesg | tail");
}
