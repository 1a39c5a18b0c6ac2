/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/cpuset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static bool is_between(char c)
{
	return c == ',' || is_blank(c);
}

/* Digits up to the end. *at is moved behind them. Returns 0 or -EINVAL. */
static int take_number(const char **at, const char *end, unsigned int *ret_number)
{
	const char *begin = *at;
	unsigned int number = 0;

	for (; *at < end && **at >= '0' && **at <= '9'; (*at)++) {
		number = number * 10 + (unsigned int)(**at - '0');
		if (number >= VM_CPUSET_MAX)
			return -EINVAL;
	}
	*ret_number = number;
	return *at > begin ? 0 : -EINVAL;
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && is_blank(*at))
		at++;
	return at;
}

static int take_range(const char **at, const char *end, struct vm_cpuset *set)
{
	bool without = **at == '^';
	const char *behind;
	unsigned int first, last;

	*at += without;
	if (take_number(at, end, &first) < 0)
		return -EINVAL;
	last = first;
	behind = skip_blanks(*at, end);
	if (behind < end && *behind == '-') {
		*at = skip_blanks(behind + 1, end);
		if (take_number(at, end, &last) < 0 || last < first)
			return -EINVAL;
	}
	for (unsigned int i = first; i <= last; i++) {
		uint64_t bit = UINT64_C(1) << i % 64;

		set->words[i / 64] &= ~bit;
		set->words[i / 64] |= without ? 0 : bit;
	}
	return *at == end || is_between(**at) ? 0 : -EINVAL;
}

int vm_cpuset_parse(const char *text, size_t len, struct vm_cpuset *ret_set)
{
	const char *at = text, *end = text + len;
	struct vm_cpuset set = { { 0 } };

	while (at < end) {
		if (is_between(*at))
			at++;
		else if (take_range(&at, end, &set) < 0)
			return -EINVAL;
	}
	*ret_set = set;
	return 0;
}

bool vm_cpuset_has(const struct vm_cpuset *set, unsigned int number)
{
	return number < VM_CPUSET_MAX && set->words[number / 64] >> number % 64 & 1;
}

char *vm_cpuset_format(const struct vm_cpuset *set)
{
	const char *comma = "";
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	for (unsigned int i = 0, last; stream && i < VM_CPUSET_MAX; i = last + 1) {
		last = i;
		if (!vm_cpuset_has(set, i))
			continue;
		while (vm_cpuset_has(set, last + 1))
			last++;
		fprintf(stream, "%s%u", comma, i);
		if (last > i)
			fprintf(stream, "-%u", last);
		comma = ",";
	}
	return stream && fclose(stream) == 0 ? text : NULL;
}

bool vm_cpuset_is_empty(const struct vm_cpuset *set)
{
	static const struct vm_cpuset none;

	return vm_cpuset_is_same(set, &none);
}

bool vm_cpuset_is_same(const struct vm_cpuset *a, const struct vm_cpuset *b)
{
	return !memcmp(a->words, b->words, sizeof(a->words));
}

void vm_cpuset_add(struct vm_cpuset *set, const struct vm_cpuset *other)
{
	for (size_t i = 0; i < VM_CPUSET_WORDS; i++)
		set->words[i] |= other->words[i];
}

void vm_cpuset_remove(struct vm_cpuset *set, const struct vm_cpuset *other)
{
	for (size_t i = 0; i < VM_CPUSET_WORDS; i++)
		set->words[i] &= ~other->words[i];
}

void vm_cpuset_keep(struct vm_cpuset *set, const struct vm_cpuset *other)
{
	for (size_t i = 0; i < VM_CPUSET_WORDS; i++)
		set->words[i] &= other->words[i];
}
