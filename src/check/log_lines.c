/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of the kernel's log, and which device each is about. */
#include <stdio.h>
#include <string.h>

#include "check/internal.h"

static const char in_address[] = "0123456789abcdef:.";

/* One run of characters that an address is made of; "0000:01:00.0:" ends a sentence. */
static bool take_address(const char *text, size_t len, const char *behind,
			 struct pci_address *ret_address)
{
	char buffer[PCI_ADDRESS_SIZE + sizeof(".0")];

	while (len && strchr(":.", text[len - 1]))
		len--;
	if (len < strlen("00:00.0") || len >= PCI_ADDRESS_SIZE)
		return false;
	/* NVIDIA's driver writes "(PCI:0000:01:00)", without a function. */
	snprintf(buffer, sizeof(buffer), "%.*s%s", (int)len, text, behind);
	return pci_address_parse(buffer, ret_address) == 0;
}

static void find_address(struct check_line *line)
{
	static const char nvidia[] = "PCI:";
	const char *at = line->text, *end = at + line->len;
	bool short_form = false;

	while (at < end && !line->has_address) {
		size_t len = 0;

		while (at + len < end && at[len] && strchr(in_address, at[len]))
			len++;
		if (short_form && len && *at == ':') {
			at++;
			len--;
		}
		line->has_address =
			take_address(at, len, "", &line->address) ||
			(short_form && take_address(at, len, ".0", &line->address));
		at += len;
		short_form = (size_t)(end - at) > strlen(nvidia) &&
			     !strncmp(at, nvidia, strlen(nvidia));
		if (short_form)
			at += strlen(nvidia) - 1;
		else if (at < end)
			at++;
	}
}

bool check_next_line(const struct check_facts *facts, size_t *at,
		     struct check_line *ret_line)
{
	const char *text = facts->log + *at, *newline, *level = NULL;
	size_t left = facts->log_len - *at;

	if (!left)
		return false;
	newline = memchr(text, '\n', left);
	*ret_line = (struct check_line){
		.text = text,
		.len = newline ? (size_t)(newline - text) : left,
	};
	*at += ret_line->len + (newline != NULL);
	/* "<4>" is the line's level. */
	if (ret_line->len && *text == '<')
		level = memchr(text, '>', ret_line->len < 5 ? ret_line->len : 5);
	if (level) {
		ret_line->len -= (size_t)(level + 1 - text);
		ret_line->text = level + 1;
	}
	return true;
}

bool check_line_has(const struct check_line *line, const char *first, const char *second)
{
	const char *end = line->text + line->len;
	const char *found = memmem(line->text, line->len, first, strlen(first));

	if (!found || !second)
		return found != NULL;
	found += strlen(first);
	return memmem(found, (size_t)(end - found), second, strlen(second)) != NULL;
}

void check_line_address(struct check_line *line)
{
	if (!line->has_address)
		find_address(line);
}
