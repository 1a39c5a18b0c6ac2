/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/links.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "host/internal.h"

void host_link_free(struct host_link *link)
{
	if (!link)
		return;
	free(link->functions);
	memset(link, 0, sizeof(*link));
}

const struct host_function *host_link_find(const struct host_link *link,
					   unsigned int index)
{
	for (size_t i = 0; i < link->count; i++)
		if (link->functions[i].index == index)
			return &link->functions[i];
	return NULL;
}

unsigned int host_function_differs(const struct host_function *wanted,
				   const struct host_function *now)
{
	unsigned int same = 0;

	if (!now)
		return wanted->settings;
	if (!memcmp(wanted->mac, now->mac, HOST_MAC_LEN))
		same |= HOST_SETTING_MAC;
	if (wanted->vlan == now->vlan && wanted->priority == now->priority)
		same |= HOST_SETTING_VLAN;
	if (wanted->trust == now->trust)
		same |= HOST_SETTING_TRUST;
	if (wanted->spoof_check == now->spoof_check)
		same |= HOST_SETTING_SPOOF_CHECK;
	return wanted->settings & ~(same & now->settings);
}

int host_mac_parse(const char *text, unsigned char ret_mac[HOST_MAC_LEN])
{
	unsigned char mac[HOST_MAC_LEN];
	uint32_t byte;

	if (strlen(text) != HOST_MAC_SIZE - 1)
		return -EINVAL;
	for (size_t i = 0; i < HOST_MAC_LEN; i++, text += 3) {
		if (text_parse_hex(text, 2, &byte) < 0 ||
		    text[2] != (i + 1 < HOST_MAC_LEN ? ':' : '\0'))
			return -EINVAL;
		mac[i] = (unsigned char)byte;
	}
	memcpy(ret_mac, mac, sizeof(mac));
	return 0;
}

const char *host_mac_format(const unsigned char mac[HOST_MAC_LEN],
			    char buffer[HOST_MAC_SIZE])
{
	snprintf(buffer, HOST_MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	return buffer;
}

const char *host_function_format(const struct host_function *function,
				 unsigned int settings,
				 char buffer[HOST_FUNCTION_TEXT_SIZE])
{
	char mac[HOST_MAC_SIZE], *at = buffer, *end = buffer + HOST_FUNCTION_TEXT_SIZE;

	settings &= function->settings;
	*at = '\0';
	if (settings & HOST_SETTING_MAC)
		at += snprintf(at, (size_t)(end - at), " mac %s",
			       host_mac_format(function->mac, mac));
	if (settings & HOST_SETTING_VLAN)
		at += snprintf(at, (size_t)(end - at), " vlan %u", function->vlan);
	if (settings & HOST_SETTING_VLAN && function->priority)
		at += snprintf(at, (size_t)(end - at), " qos %u", function->priority);
	if (settings & HOST_SETTING_TRUST)
		at += snprintf(at, (size_t)(end - at), " trust %s",
			       function->trust ? "on" : "off");
	if (settings & HOST_SETTING_SPOOF_CHECK)
		snprintf(at, (size_t)(end - at), " spoofchk %s",
			 function->spoof_check ? "on" : "off");
	/* The first blank is between nothing. */
	memmove(buffer, buffer + (*buffer != '\0'), strlen(buffer) + (*buffer == '\0'));
	return buffer;
}

static int take_number(const char *word, unsigned int max, unsigned int *ret_number)
{
	uint64_t number;
	int r = text_parse_number(word, max, &number);

	if (r == 0)
		*ret_number = (unsigned int)number;
	return r;
}

static int take_switch(const char *word, bool *ret_on)
{
	*ret_on = !strcmp(word, "on");
	return *ret_on || !strcmp(word, "off") ? 0 : -EINVAL;
}

static int take_pair(const char *name, const char *value, struct host_function *function)
{
	if (!strcmp(name, "mac")) {
		function->settings |= HOST_SETTING_MAC;
		return host_mac_parse(value, function->mac);
	}
	if (!strcmp(name, "vlan")) {
		function->settings |= HOST_SETTING_VLAN;
		return take_number(value, HOST_VLAN_MAX, &function->vlan);
	}
	if (!strcmp(name, "qos"))
		return take_number(value, HOST_PRIORITY_MAX, &function->priority);
	if (!strcmp(name, "trust")) {
		function->settings |= HOST_SETTING_TRUST;
		return take_switch(value, &function->trust);
	}
	if (!strcmp(name, "spoofchk")) {
		function->settings |= HOST_SETTING_SPOOF_CHECK;
		return take_switch(value, &function->spoof_check);
	}
	return -EINVAL;
}

int host_function_parse(const char *text, struct host_function *ret_function)
{
	_cleanup_free_ char *copy = strdup(text);
	struct host_function function = { 0 };
	char *rest = copy, *name, *value;

	if (!copy)
		return -ENOMEM;
	name = strsep(&rest, " ");
	value = strsep(&rest, " ");
	if (strcmp(name, "vf") != 0 || !value ||
	    take_number(value, UINT16_MAX, &function.index) < 0)
		return -EINVAL;
	while ((name = strsep(&rest, " "))) {
		value = strsep(&rest, " ");
		if (!value || take_pair(name, value, &function) < 0)
			return -EINVAL;
	}
	*ret_function = function;
	return 0;
}

/* For the makers of a link. */
int host_link_add(struct host_link *link, const struct host_function *function)
{
	struct host_function *larger =
		reallocarray(link->functions, link->count + 1, sizeof(*larger));

	if (!larger)
		return -ENOMEM;
	link->functions = larger;
	larger[link->count++] = *function;
	return 0;
}

int host_link_parse(const char *text, size_t len, struct host_link *ret_link)
{
	_cleanup_(host_link_free) struct host_link link = { 0 };
	_cleanup_free_ char *copy = strndup(text, len);
	char *rest = copy, *line;

	if (!copy)
		return -ENOMEM;
	while ((line = strsep(&rest, "\n"))) {
		struct host_function function;
		int r;

		if (!strcmp(line, "up"))
			link.is_up = true;
		r = host_function_parse(line, &function);
		if (r == 0)
			r = host_link_add(&link, &function);
		if (r == -ENOMEM)
			return r;
	}
	*ret_link = link;
	memset(&link, 0, sizeof(link));
	return 0;
}

/* For host_read_made_within(): the text of host/links.h, of this machine. */
static int make_text(void *argument, char **ret_text, size_t *ret_len)
{
	_cleanup_(string_list_free) struct string_list lines = { 0 };
	_cleanup_(host_link_free) struct host_link link = { 0 };
	char text[HOST_FUNCTION_TEXT_SIZE];
	int r = host_link_ask(argument, &link);

	if (r == 0)
		r = string_list_add(&lines, link.is_up ? "up" : "down");
	for (size_t i = 0; r == 0 && i < link.count; i++) {
		const struct host_function *function = &link.functions[i];

		host_function_format(function, function->settings, text);
		r = string_list_addf(&lines, "vf %u%s%s", function->index,
				     *text ? " " : "", text);
	}
	if (r < 0)
		return r;
	*ret_text = string_list_lines(&lines, ret_len);
	return *ret_text ? 0 : -ENOMEM;
}

enum fact host_link_read(const struct host *host, const char *interface,
			 struct host_link *ret_link)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	size_t len;
	int r;

	if (strchr(interface, '/') || snprintf(path, sizeof(path), "pciferry/links/%s",
					       interface) >= (int)sizeof(path))
		return FACT_UNREADABLE;
	r = host_read_made_within(host, path, HOST_NETWORK_MS, make_text,
				  (void *)interface, &text, &len);
	if (r == 0)
		r = host_link_parse(text, len, ret_link);
	return r == 0 ? FACT_KNOWN : host_fact_of_error(r == -ENODEV ? ENOENT : -r);
}
