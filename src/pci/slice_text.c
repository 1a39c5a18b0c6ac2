/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What drivers write about their slices. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "pci/slices.h"

enum { NUMBER_DIGITS = 9 };

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t'))
		at++;
	return at;
}

/* Returns what is behind it; NULL: none is there, or one that is out of all bounds. */
static const char *take_number(const char *at, const char *end, uint64_t *ret_number)
{
	const char *first = at;
	uint64_t number = 0;

	while (at < end && isdigit((unsigned char)*at))
		number = number * 10 + (uint64_t)(*at++ - '0');
	if (at == first || at - first > NUMBER_DIGITS)
		return NULL;
	*ret_number = number;
	return at;
}

static void set(struct pci_slice_cost *cost, enum pci_slice_field field, uint64_t value)
{
	cost->values[field] = value;
	cost->known |= 1u << field;
}

/* "1920x1200", and nothing else in the word. */
static bool take_resolution(const char *at, const char *end, struct pci_slice_cost *cost)
{
	uint64_t width, height;

	at = take_number(at, end, &width);
	if (!at || at == end || *at != 'x')
		return false;
	at = take_number(at + 1, end, &height);
	if (!at || (at < end && is_word(*at)))
		return false;
	set(cost, PCI_SLICE_WIDTH, width);
	set(cost, PCI_SLICE_HEIGHT, height);
	return true;
}

/* "128MB", "2048M", "4G"; a count has no unit. */
static void take_value(const char *at, const char *end, enum pci_slice_field field,
		       struct pci_slice_cost *cost)
{
	uint64_t value;

	if (field == PCI_SLICE_WIDTH) {
		take_resolution(at, end, cost);
		return;
	}
	at = take_number(at, end, &value);
	if (!at)
		return;
	if (at < end && *at == 'G')
		value *= 1024;
	else if (at < end && is_word(*at) && *at != 'M')
		return;
	set(cost, field, value);
}

static bool find_field(const char *word, size_t len, enum pci_slice_field *ret_field)
{
	static const struct {
		const char *word;
		enum pci_slice_field field;
	} fields[] = {
		{ "low_gm_size", PCI_SLICE_APERTURE },
		{ "high_gm_size", PCI_SLICE_HIDDEN },
		{ "fence", PCI_SLICE_FENCES },
		{ "resolution", PCI_SLICE_WIDTH },
		{ "weight", PCI_SLICE_WEIGHT },
		{ "num_heads", PCI_SLICE_HEADS },
		{ "frl_config", PCI_SLICE_FRAMES },
		{ "framebuffer", PCI_SLICE_MEMORY },
		{ "max_resolution", PCI_SLICE_WIDTH },
		{ "max_instance", PCI_SLICE_MAX_INSTANCES },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strlen(fields[i].word) != len || memcmp(fields[i].word, word, len))
			continue;
		*ret_field = fields[i].field;
		return true;
	}
	return false;
}

void pci_slice_cost_parse(const char *text, size_t len, struct pci_slice_cost *ret_cost)
{
	static const char picture[] = "framebuffer";
	const char *at = text, *end = text + len, *word;
	struct pci_slice_cost cost = { 0 };
	enum pci_slice_field field;

	while (at < end) {
		if (!is_word(*at)) {
			at++;
			continue;
		}
		word = at;
		while (at < end && is_word(*at))
			at++;
		len = (size_t)(at - word);
		at = skip_blanks(at, end);
		if (at < end && (*at == ':' || *at == '=')) {
			at = skip_blanks(at + 1, end);
			if (find_field(word, len, &field))
				take_value(at, end, field, &cost);
		} else if ((size_t)(end - at) >= strlen(picture) &&
			   !memcmp(at, picture, strlen(picture))) {
			take_resolution(word, word + len, &cost);
		}
	}
	*ret_cost = cost;
}

/*
 * GiB and the letter of the licence that it is for (vGPU user guide: series Q, B, A, C).
 * With 0 it is some part of one.
 */
void pci_slice_cost_of_name(const char *name, struct pci_slice_cost *ret_cost)
{
	struct pci_slice_cost cost = { 0 };
	const char *end = name + strlen(name), *at = strrchr(name, '-');
	uint64_t gib = 0;

	at = at ? take_number(at + 1, end, &gib) : NULL;
	if (at && gib && end - at == 1 && strchr("QBAC", *at))
		set(&cost, PCI_SLICE_MEMORY, gib * 1024);
	*ret_cost = cost;
}

void pci_vendor_types_free(struct pci_vendor_types *types)
{
	if (!types)
		return;
	for (size_t i = 0; i < types->count; i++)
		free(types->items[i].name);
	free(types->items);
	memset(types, 0, sizeof(*types));
}

static int add(struct pci_vendor_types *types, uint64_t number, const char *name,
	       size_t len)
{
	struct pci_vendor_type *larger;
	char *copy;

	if (!number || number > INT_MAX || !len || memchr(name, '\0', len))
		return 0;
	larger = reallocarray(types->items, types->count + 1, sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	types->items = larger;
	copy = strndup(name, len);
	if (!copy)
		return -ENOMEM;
	larger[types->count++] = (struct pci_vendor_type){ (unsigned int)number, copy };
	return 0;
}

static const char *cut_blanks(const char *from, const char *end)
{
	while (end > from && (isspace((unsigned char)end[-1]) || end[-1] == ':'))
		end--;
	return end;
}

static int take_line(struct pci_vendor_types *types, const char *at, const char *end)
{
	const char *digits, *rest;
	uint64_t number;

	at = skip_blanks(at, end);
	end = cut_blanks(at, end);
	rest = take_number(at, end, &number);
	if (rest)
		rest = skip_blanks(rest, end);
	if (rest && rest < end && *rest == ':') {
		rest = skip_blanks(rest + 1, end);
		return add(types, number, rest, (size_t)(end - rest));
	}
	digits = end;
	while (digits > at && isdigit((unsigned char)digits[-1]))
		digits--;
	if (digits == at || !isspace((unsigned char)digits[-1]) ||
	    !take_number(digits, end, &number))
		return 0;
	return add(types, number, at, (size_t)(cut_blanks(at, digits) - at));
}

int pci_vendor_types_parse(const char *text, size_t len,
			   struct pci_vendor_types *ret_types)
{
	struct pci_vendor_types types = { 0 };
	const char *end = text + len;
	int r = 0;

	for (const char *at = text; r == 0 && at < end;) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));

		if (!line_end)
			line_end = end;
		r = take_line(&types, at, line_end);
		at = line_end + (line_end < end);
	}
	if (r < 0) {
		pci_vendor_types_free(&types);
		return r;
	}
	*ret_types = types;
	return 0;
}
