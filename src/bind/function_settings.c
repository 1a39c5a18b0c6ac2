/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bind/function_settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

void bind_function_settings_free(struct bind_function_settings *settings)
{
	if (!settings)
		return;
	free(settings->items);
	memset(settings, 0, sizeof(*settings));
}

/* What is wrong with a value; NULL: nothing. */
static const char *take_mac(const char *value, struct host_function *function)
{
	static const unsigned char none[HOST_MAC_LEN];

	if (host_mac_parse(value, function->mac) < 0)
		return "not a MAC address, as 52:54:00:00:00:01";
	if (!memcmp(function->mac, none, sizeof(none)))
		return "no function can have the MAC address of zeros";
	/* The first bit on the wire: IEEE 802-2014, 8.2.2. */
	if (function->mac[0] & 1)
		return "a MAC address of a group: no function can have it";
	return NULL;
}

static const char *take_vlan(const char *value, struct host_function *function)
{
	const char *colon = strchr(value, ':');
	_cleanup_free_ char *id =
		strndup(value, colon ? (size_t)(colon - value) : strlen(value));
	uint64_t vlan, priority = 0;

	if (!id || text_parse_number(id, HOST_VLAN_MAX, &vlan) < 0)
		return "not a VLAN: 1 to 4094, 0 for none";
	if (colon && text_parse_number(colon + 1, HOST_PRIORITY_MAX, &priority) < 0)
		return "not a VLAN's priority: VLAN:PRIORITY, 0 to 7";
	function->vlan = (unsigned int)vlan;
	function->priority = (unsigned int)priority;
	return NULL;
}

static const char *take_switch(const char *value, bool *ret_on)
{
	*ret_on = !strcmp(value, "on");
	return *ret_on || !strcmp(value, "off") ? NULL : "it is on or off";
}

static const char *take_trust(const char *value, struct host_function *function)
{
	return take_switch(value, &function->trust);
}

static const char *take_spoof_check(const char *value, struct host_function *function)
{
	return take_switch(value, &function->spoof_check);
}

static const struct {
	const char *name;
	enum host_setting setting;
	const char *(*take)(const char *value, struct host_function *function);
} kinds[] = {
	{ "mac", HOST_SETTING_MAC, take_mac },
	{ "vlan", HOST_SETTING_VLAN, take_vlan },
	{ "trust", HOST_SETTING_TRUST, take_trust },
	{ "spoofchk", HOST_SETTING_SPOOF_CHECK, take_spoof_check },
};

/* "vf0." or "vf*.": what is behind it; NULL: it does not begin so. */
static const char *take_index(const char *text, bool *ret_all, unsigned int *ret_index)
{
	const char *dot = strchr(text, '.');
	char digits[sizeof("65535")];
	uint64_t index = 0;
	size_t len;

	if (strncmp(text, "vf", 2) != 0 || !dot)
		return NULL;
	len = (size_t)(dot - text) - 2;
	*ret_all = len == 1 && text[2] == '*';
	if (!*ret_all) {
		if (!len || len >= sizeof(digits))
			return NULL;
		memcpy(digits, text + 2, len);
		digits[len] = '\0';
		if (text_parse_number(digits, UINT16_MAX, &index) < 0)
			return NULL;
	}
	*ret_index = (unsigned int)index;
	return dot + 1;
}

bool bind_is_function_setting(const char *word)
{
	unsigned int index;
	bool all;

	return take_index(word, &all, &index) != NULL;
}

/* The function's entry, made when it is missing. NULL: no memory. */
static struct host_function *entry_of(struct bind_function_settings *settings,
				      unsigned int index)
{
	struct host_function *larger;
	size_t at = 0;

	while (at < settings->count && settings->items[at].index < index)
		at++;
	if (at < settings->count && settings->items[at].index == index)
		return &settings->items[at];
	larger = reallocarray(settings->items, settings->count + 1, sizeof(*larger));
	if (!larger)
		return NULL;
	settings->items = larger;
	memmove(larger + at + 1, larger + at, (settings->count - at) * sizeof(*larger));
	settings->count++;
	larger[at] = (struct host_function){ .index = index };
	return &larger[at];
}

static void copy_setting(struct host_function *to, const struct host_function *from,
			 unsigned int settings)
{
	if (settings & HOST_SETTING_MAC)
		memcpy(to->mac, from->mac, HOST_MAC_LEN);
	if (settings & HOST_SETTING_VLAN) {
		to->vlan = from->vlan;
		to->priority = from->priority;
	}
	if (settings & HOST_SETTING_TRUST)
		to->trust = from->trust;
	if (settings & HOST_SETTING_SPOOF_CHECK)
		to->spoof_check = from->spoof_check;
	to->settings |= settings;
}

static bool is_set(const struct bind_function_settings *settings, bool all,
		   const struct host_function *function)
{
	unsigned int set = settings->all.settings;

	for (size_t i = 0; i < settings->count; i++)
		if (all || settings->items[i].index == function->index)
			set |= settings->items[i].settings;
	return set & function->settings;
}

static int refuse(const char *text, const char *why, struct error *err)
{
	int r = error_usage(err, text, "%s", why);

	error_hint(err, "vf0.mac=52:54:00:00:00:01, vf0.vlan=100 or 100:3, vf0.trust=on,"
			" vf0.spoofchk=off; vf* is all of them");
	return r;
}

/* NAME=VALUE: what is wrong with it; NULL: nothing. */
static const char *take_setting(const char *text, struct host_function *function)
{
	const char *equals = strchr(text, '=');
	size_t len = equals ? (size_t)(equals - text) : 0;

	for (size_t i = 0; equals && i < ARRAY_SIZE(kinds); i++) {
		if (strlen(kinds[i].name) != len || memcmp(kinds[i].name, text, len) != 0)
			continue;
		function->settings = kinds[i].setting;
		return kinds[i].take(equals + 1, function);
	}
	return "no such setting: mac, vlan, trust, spoofchk";
}

int bind_function_settings_add(struct bind_function_settings *settings, const char *text,
			       struct error *err)
{
	struct host_function function = { 0 }, *entry;
	const char *name, *why;
	bool all;

	name = take_index(text, &all, &function.index);
	if (!name)
		return refuse(text, "not a setting of virtual functions", err);
	why = take_setting(name, &function);
	if (!why && all && function.settings == HOST_SETTING_MAC)
		why = "each function has a MAC address of its own";
	if (!why && is_set(settings, all, &function))
		why = "the same is set twice";
	if (why)
		return refuse(text, why, err);
	entry = all ? &settings->all : entry_of(settings, function.index);
	if (!entry)
		return error_oom(err);
	copy_setting(entry, &function, function.settings);
	return 0;
}

int bind_function_settings_add_words(struct bind_function_settings *settings,
				     const char *words, struct error *err)
{
	_cleanup_free_ char *copy = strdup(words);
	char *rest = copy, *word;
	int r = 0;

	if (!copy)
		return error_oom(err);
	while (r == 0 && (word = strsep(&rest, " ")))
		if (bind_is_function_setting(word))
			r = bind_function_settings_add(settings, word, err);
	return r;
}

int bind_function_settings_merge(struct bind_function_settings *into,
				 const struct bind_function_settings *settings)
{
	for (size_t i = 0; i < settings->count; i++) {
		const struct host_function *from = &settings->items[i];
		struct host_function *to = entry_of(into, from->index);

		if (!to)
			return -ENOMEM;
		copy_setting(to, from, from->settings);
	}
	return 0;
}

int bind_function_settings_spread(const struct bind_function_settings *settings,
				  unsigned int count,
				  struct bind_function_settings *ret_settings,
				  struct error *err)
{
	_cleanup_(
		bind_function_settings_free) struct bind_function_settings spread = { 0 };
	const struct host_function *last =
		settings->count ? &settings->items[settings->count - 1] : NULL;
	char name[32];

	if (last && last->index >= count) {
		snprintf(name, sizeof(name), "vf%u", last->index);
		error_usage(err, name, "there is no such function of %u", count);
		error_hint(err, "they are counted from vf0 on");
		return -EINVAL;
	}
	if (settings->all.settings && !count)
		return error_usage(err, "vf*", "there is no virtual function to be set");
	for (unsigned int i = 0; settings->all.settings && i < count; i++) {
		struct host_function *entry = entry_of(&spread, i);

		if (!entry)
			return error_oom(err);
		copy_setting(entry, &settings->all, settings->all.settings);
	}
	if (bind_function_settings_merge(&spread, settings) < 0)
		return error_oom(err);
	*ret_settings = spread;
	memset(&spread, 0, sizeof(spread));
	return 0;
}

static int add_words(struct string_list *words, const struct host_function *function)
{
	char mac[HOST_MAC_SIZE];
	int r = 0;

	if (function->settings & HOST_SETTING_MAC)
		r = string_list_addf(words, "vf%u.mac=%s", function->index,
				     host_mac_format(function->mac, mac));
	if (r == 0 && function->settings & HOST_SETTING_VLAN && function->priority)
		r = string_list_addf(words, "vf%u.vlan=%u:%u", function->index,
				     function->vlan, function->priority);
	else if (r == 0 && function->settings & HOST_SETTING_VLAN)
		r = string_list_addf(words, "vf%u.vlan=%u", function->index,
				     function->vlan);
	if (r == 0 && function->settings & HOST_SETTING_TRUST)
		r = string_list_addf(words, "vf%u.trust=%s", function->index,
				     function->trust ? "on" : "off");
	if (r == 0 && function->settings & HOST_SETTING_SPOOF_CHECK)
		r = string_list_addf(words, "vf%u.spoofchk=%s", function->index,
				     function->spoof_check ? "on" : "off");
	return r;
}

char *bind_function_settings_write(const struct bind_function_settings *settings,
				   unsigned int count)
{
	_cleanup_(string_list_free) struct string_list words = { 0 };

	for (size_t i = 0; i < settings->count; i++)
		if (settings->items[i].index < count &&
		    add_words(&words, &settings->items[i]) < 0)
			return NULL;
	return string_list_join(&words, " ");
}
