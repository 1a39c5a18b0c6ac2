/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "bootcfg/internal.h"

enum { WORDS = 6 };

/*
 * The words of a line, up to a comment; `count` goes one beyond what any line has but a
 * set line, whose further words are in `rest`, from the fourth on.
 */
struct words {
	const char *items[WORDS];
	size_t lens[WORDS];
	size_t count;
	const char *rest;
	size_t rest_len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static size_t skip_blanks(const char *text, size_t len, size_t at)
{
	while (at < len && is_blank(text[at]))
		at++;
	return at;
}

size_t bootcfg_tab_comment(const char *text, size_t len)
{
	size_t at = skip_blanks(text, len, 0);

	while (at < len && text[at] != '#') {
		while (at < len && !is_blank(text[at]))
			at++;
		at = skip_blanks(text, len, at);
	}
	return at;
}

static void split(const char *text, size_t len, struct words *ret_words)
{
	size_t end = bootcfg_tab_comment(text, len);

	*ret_words = (struct words){ 0 };
	for (size_t at = skip_blanks(text, end, 0); at < end && ret_words->count < WORDS;
	     at = skip_blanks(text, end, at)) {
		size_t start = at;

		while (at < end && !is_blank(text[at]))
			at++;
		ret_words->items[ret_words->count] = text + start;
		ret_words->lens[ret_words->count++] = at - start;
	}
	if (ret_words->count > 3) {
		ret_words->rest = ret_words->items[3];
		ret_words->rest_len = (size_t)(text + end - ret_words->rest);
	}
}

/* As /sys writes it: a domain, and that without needless zeros. */
static bool take_address(const char *text, size_t len, struct pci_address *ret_address)
{
	char copy[PCI_ADDRESS_SIZE], written[PCI_ADDRESS_SIZE];

	if (len >= sizeof(copy) || memchr(text, '\0', len))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return pci_address_parse(copy, ret_address) == 0 &&
	       !strcasecmp(pci_address_format(ret_address, written), copy);
}

static bool consists_of(const char *text, size_t len, const char *more)
{
	for (size_t i = 0; i < len; i++)
		if (!text[i] || !isascii((unsigned char)text[i]) ||
		    (!isalnum((unsigned char)text[i]) && !strchr(more, text[i])))
			return false;
	return len > 0;
}

static bool is_driver(const char *text, size_t len)
{
	static const char end[] = "_vfio_pci";
	const size_t n = sizeof(end) - 1;

	if ((len == 8 && !memcmp(text, "vfio-pci", len)) ||
	    (len == 8 && !memcmp(text, "pci-stub", len)))
		return true;
	if (!consists_of(text, len, "-_") || len <= n || strchr("-_", text[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (isupper((unsigned char)text[i]))
			return false;
	for (size_t i = 0; i < n; i++)
		if ((text[len - n + i] == '-' ? '_' : text[len - n + i]) != end[i])
			return false;
	return true;
}

static bool take_number(const char *text, size_t len, unsigned int max,
			unsigned int *ret_number)
{
	char copy[sizeof("4294967295")];
	uint64_t value;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (text_parse_number(copy, max, &value) < 0 || strlen(copy) != len)
		return false;
	*ret_number = (unsigned int)value;
	return true;
}

static bool take_count(const char *text, size_t len, unsigned int max,
		       unsigned int *ret_count)
{
	return take_number(text, len, max, ret_count) && *ret_count;
}

/* "node0", as /sys/devices/system/node has it. */
static bool take_node(const char *text, size_t len, unsigned int *ret_node)
{
	static const char start[] = "node";
	const size_t n = sizeof(start) - 1;

	return len > n && !memcmp(text, start, n) && (len == n + 1 || text[n] != '0') &&
	       take_number(text + n, len - n, HOST_NUMA_NODE_MAX, ret_node);
}

/* As it is written, "2M", and neither 2048K nor 02M: a power of two. */
static bool take_page(const char *text, size_t len, unsigned int *ret_kib)
{
	unsigned int shift, number;
	char written[BOOTCFG_PAGE_SIZE];

	if (len < 2 || !take_count(text, len - 1, 1023, &number))
		return false;
	shift = text[len - 1] == 'G' ? 20 : text[len - 1] == 'M' ? 10 : 0;
	if ((!shift && text[len - 1] != 'K') || number & (number - 1))
		return false;
	*ret_kib = number << shift;
	return strlen(bootcfg_page_size(*ret_kib, written)) == len &&
	       !memcmp(written, text, len);
}

/* What is wrong with it; NULL: nothing. */
static const char *take_pages(const struct words *words, struct bootcfg_tab_entry *entry)
{
	const char *const *items = words->items;
	const size_t *lens = words->lens;

	if (!take_node(items[1], lens[1], &entry->node))
		return "its node is none as /sys writes it, node0";
	if (!take_page(items[2], lens[2], &entry->page_kib))
		return "its size of pages is none, as 2M or 1G";
	if (!take_count(items[3], lens[3], INT_MAX, &entry->count))
		return "its number of pages is none";
	return NULL;
}

/* NAME=VALUE: which there are, and what they can be, is not the tab's to know. */
static bool is_setting(const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	size_t name = equals ? (size_t)(equals - text) : 0;

	return equals && consists_of(text, name, "_.") &&
	       consists_of(equals + 1, len - name - 1, "_.:,-");
}

/* The settings with one blank between two. NULL and 0: one is none; -ENOMEM. */
static int take_settings(const struct words *words, char **ret_settings)
{
	_cleanup_free_ char *settings = malloc(words->rest_len + 1);
	size_t n = 0;

	if (!settings)
		return -ENOMEM;
	for (size_t at = 0; at < words->rest_len;
	     at = skip_blanks(words->rest, words->rest_len, at)) {
		size_t start = at;

		while (at < words->rest_len && !is_blank(words->rest[at]))
			at++;
		if (!is_setting(words->rest + start, at - start))
			return 0;
		if (n)
			settings[n++] = ' ';
		memcpy(settings + n, words->rest + start, at - start);
		n += at - start;
	}
	settings[n] = '\0';
	*ret_settings = settings;
	settings = NULL;
	return 0;
}

/* What is wrong with it; NULL: nothing. */
static const char *take_entry(const struct words *words, struct bootcfg_tab_entry *entry)
{
	const char *const *items = words->items;
	const size_t *lens = words->lens;
	size_t most = entry->kind == TAB_VF ? 5 : 4;

	if (words->count < 4 || (words->count > most && entry->kind != TAB_SET))
		return words->count < 4 ? "words are missing" : "it has too many words";
	if (entry->kind == TAB_PAGES)
		return take_pages(words, entry);
	if (!take_address(items[1], lens[1], &entry->address))
		return "its address is none as /sys writes it, 0000:82:00.0";
	if (pci_identity_parse(items[2], lens[2], &entry->identity) < 0)
		return "its identity is none, as 10de:1b39/10de:1217@03.0/00.0";
	if ((entry->kind == TAB_DEVICE && !is_driver(items[3], lens[3])) ||
	    (entry->kind == TAB_VF && words->count == 5 && !is_driver(items[4], lens[4])))
		return "its driver is none that hands devices over";
	if (entry->kind == TAB_VF && !take_count(items[3], lens[3], 65535, &entry->count))
		return "its number of functions is none from 1 to 65535";
	return NULL;
}

static enum bootcfg_tab_kind kind_of(const struct words *words)
{
	static const struct {
		const char *word;
		enum bootcfg_tab_kind kind;
	} kinds[] = { { "device", TAB_DEVICE },
		      { "vf", TAB_VF },
		      { "set", TAB_SET },
		      { "pages", TAB_PAGES } };

	if (!words->count)
		return TAB_EMPTY;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strlen(kinds[i].word) == words->lens[0] &&
		    !memcmp(kinds[i].word, words->items[0], words->lens[0]))
			return kinds[i].kind;
	return TAB_OTHER;
}

/* A line that ends as on other systems is the same line. */
static size_t without_return(const char *text, size_t len)
{
	return len && text[len - 1] == '\r' ? len - 1 : len;
}

int bootcfg_tab_take(const struct bootcfg_tab *tab, struct bootcfg_tab_line *line)
{
	struct bootcfg_tab_entry entry = { 0 };
	const struct bootcfg_tab_line *above;
	const char *bad = NULL;
	struct words words;
	size_t to;

	split(line->text, without_return(line->text, line->len), &words);
	entry.kind = kind_of(&words);
	if (entry.kind == TAB_OTHER)
		bad = "it begins with no word that is known: device, vf, set, pages";
	else if (entry.kind != TAB_EMPTY)
		bad = take_entry(&words, &entry);
	if (!bad && entry.kind == TAB_SET) {
		if (take_settings(&words, &line->to) < 0)
			return -ENOMEM;
		if (!line->to)
			bad = "it has a word that is no NAME=VALUE";
	}
	line->entry.kind = entry.kind;
	if (bad)
		return (line->bad = strdup(bad)) ? 0 : -ENOMEM;
	to = entry.kind == TAB_VF ? 4 : 3;
	if (entry.kind != TAB_EMPTY && entry.kind != TAB_SET && entry.kind != TAB_PAGES &&
	    words.count > to) {
		line->to = strndup(words.items[to], words.lens[to]);
		if (!line->to)
			return -ENOMEM;
	}
	entry.to = line->to;
	above = entry.kind == TAB_EMPTY ? NULL : bootcfg_tab_find(tab, &entry);
	line->entry = entry;
	line->repeats = above != NULL;
	if (above && asprintf(&line->bad, "line %u is for the same", above->number) < 0) {
		line->bad = NULL;
		return -ENOMEM;
	}
	return 0;
}

int bootcfg_tab_parse(const char *text, size_t len, struct bootcfg_tab *ret_tab)
{
	_cleanup_(bootcfg_tab_free) struct bootcfg_tab tab = { 0 };
	unsigned int number = 0;

	for (size_t at = 0; at < len;) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t n = newline ? (size_t)(newline - text) - at : len - at;
		struct bootcfg_tab_line *line;

		line = bootcfg_tab_append(&tab, text + at, n);
		if (!line)
			return -ENOMEM;
		line->number = ++number;
		line->has_end = newline != NULL;
		if (bootcfg_tab_take(&tab, line) < 0)
			return -ENOMEM;
		at += n + line->has_end;
	}
	*ret_tab = tab;
	memset(&tab, 0, sizeof(tab));
	return 0;
}
