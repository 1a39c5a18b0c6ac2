/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "check/mention.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Whether what stands before "01:00.0" is the domain, or nothing of an address. */
static bool fits_domain(const char *begin, const char *at, uint32_t domain)
{
	const char *digits;
	uint32_t value;

	if (at == begin || (!is_word(at[-1]) && at[-1] != ':' && at[-1] != '.'))
		return domain == 0;
	if (at[-1] != ':')
		return false;
	for (digits = at - 1; digits > begin && is_word(digits[-1]); digits--)
		;
	if (digits > begin && (digits[-1] == ':' || digits[-1] == '.'))
		return false;
	return text_parse_hex(digits, (size_t)(at - 1 - digits), &value) == 0 &&
	       value == domain;
}

static bool names_address(const char *begin, const char *end,
			  const struct pci_address *address)
{
	char words[sizeof("bb:dd.f")];
	const char *at = begin;
	size_t len;

	len = (size_t)snprintf(words, sizeof(words), "%02x:%02x.%x", address->bus,
			       address->device & 0x1f, address->function & 7);
	for (; (size_t)(end - at) >= len; at++)
		if (!strncasecmp(at, words, len) && !is_word(at[len]) &&
		    fits_domain(begin, at, address->domain))
			return true;
	return false;
}

static bool is_comment(const char *line)
{
	return line[strspn(line, " \t")] == '#';
}

static const char *find_line(const char *text, const char *end,
			     const struct pci_address *address,
			     bool (*names)(const char *begin, const char *end,
					   const struct pci_address *address))
{
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		if (!is_comment(text) && names(text, stop, address))
			return text;
		text = stop + (newline != NULL);
	}
	return NULL;
}

const char *mention_in_lines(const char *text, const char *end,
			     const struct pci_address *address)
{
	return find_line(text, end, address, names_address);
}

/* The function is in the name where the slot has several: "f0" stands for the first. */
static bool fits_function(const char *at, unsigned int function)
{
	char *rest;

	if (*at != 'f' || !isdigit((unsigned char)at[1]))
		return function == 0 && !isdigit((unsigned char)*at);
	return strtoul(at + 1, &rest, 10) == function;
}

static bool names_interface(const char *begin, const char *end,
			    const struct pci_address *address)
{
	char domain[16] = "", words[48];
	size_t len;

	if (names_address(begin, end, address))
		return true;
	if (address->domain)
		snprintf(domain, sizeof(domain), "P%u", address->domain);
	len = (size_t)snprintf(words, sizeof(words), "%sp%us%u", domain, address->bus,
			       address->device);
	for (const char *at = begin; (size_t)(end - at) >= len + 2; at++)
		if ((at == begin || !is_word(at[-1])) &&
		    (!strncmp(at, "en", 2) || !strncmp(at, "wl", 2) ||
		     !strncmp(at, "ww", 2)) &&
		    !strncmp(at + 2, words, len) &&
		    fits_function(at + 2 + len, address->function))
			return true;
	return false;
}

const char *mention_in_interfaces(const char *text, const char *end,
				  const struct pci_address *address)
{
	return find_line(text, end, address, names_interface);
}

/* An attribute that is a number, decimal or with 0x; one that is missing counts as 0. */
static bool has_number(const char *tag, const char *end, const char *name,
		       unsigned long wanted)
{
	char key[16];
	const char *at;
	char *rest;
	size_t len = (size_t)snprintf(key, sizeof(key), "%s=", name);

	for (at = tag + 1; (at = memmem(at, (size_t)(end - at), key, len)); at += len) {
		char quote = at[len];

		if (!isspace((unsigned char)at[-1]) || (quote != '\'' && quote != '"'))
			continue;
		return strtoul(at + len + 1, &rest, 0) == wanted && *rest == quote;
	}
	return wanted == 0;
}

static bool is_host_address(const char *tag, const char *end,
			    const struct pci_address *address)
{
	return has_number(tag, end, "domain", address->domain) &&
	       has_number(tag, end, "bus", address->bus) &&
	       has_number(tag, end, "slot", address->device) &&
	       has_number(tag, end, "function", address->function) &&
	       memmem(tag, (size_t)(end - tag), "slot=", strlen("slot="));
}

static bool is_tag(const char *tag, const char *end, const char *name)
{
	size_t len = strlen(name);

	return (size_t)(end - tag) > len && !strncmp(tag + 1, name, len) &&
	       !is_word(tag[1 + len]);
}

const char *mention_in_domain(const char *text, const char *end,
			      const struct pci_address *address)
{
	bool in_source = false;

	while ((text = memchr(text, '<', (size_t)(end - text)))) {
		bool comment = !strncmp(text, "<!--", 4);
		const char *close = strstr(text, comment ? "-->" : ">");

		if (!close)
			return NULL;
		if (is_tag(text, close, "source"))
			in_source = close[-1] != '/';
		else if (is_tag(text, close, "/source"))
			in_source = false;
		else if (in_source && is_tag(text, close, "address") &&
			 is_host_address(text, close, address))
			return text;
		else if (is_tag(text, close, "qemu:arg") &&
			 names_address(text, close, address))
			return text;
		text = close;
	}
	return NULL;
}
