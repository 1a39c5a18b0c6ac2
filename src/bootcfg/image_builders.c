/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files that builders of images put into them, for what runs there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/cmdline.h"
#include "bootcfg/image_digest.h"

static int add_words(const char *text, size_t len, const char *separators,
		     struct string_list *words)
{
	_cleanup_free_ char *copy = strndup(text, len);
	char *rest = copy, *word;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	while (r == 0 && (word = strsep(&rest, separators)))
		if (*word)
			r = string_list_add(words, word);
	return r;
}

/* mkinitcpio's "config", a script that its init reads: MODULES="vfio_pci vfio". */
int image_mkinitcpio_parse(const char *text, size_t len, struct image_loads *loads)
{
	static const char key[] = "MODULES=";
	const char *end = text + len;
	int r = 0;

	while (r == 0 && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((newline ? newline : end) - text);

		if (n > strlen(key) && !strncmp(text, key, strlen(key)))
			r = add_words(text + strlen(key), n - strlen(key), " \t\"'()",
				      &loads->early);
		text += n + 1;
	}
	return r;
}

/* A list of names in a parameter, as lines "blacklist NAME". */
static int add_blacklist(const char *value, struct string_list *options)
{
	_cleanup_(string_list_free) struct string_list names = { 0 };
	int r = add_words(value, strlen(value), ",", &names);

	for (size_t i = 0; r == 0 && i < names.count; i++)
		r = string_list_addf(options, "blacklist %s", names.items[i]);
	return r;
}

/*
 * dracut's cmdline.d, which is added to the kernel's command line for its own scripts
 * (dracut.cmdline(7), and parse-kernel.sh of its module kernel-modules). "post" modules
 * are on a blacklist until devices have settled.
 */
int image_dracut_parse(const char *text, size_t len, struct image_loads *loads)
{
	_cleanup_(bootcfg_cmdline_free) struct bootcfg_cmdline cmdline = { 0 };
	int r = bootcfg_cmdline_parse(text, len, &cmdline);

	for (size_t i = 0; r == 0 && i < cmdline.count; i++) {
		const char *name = cmdline.items[i].name;
		const char *value = cmdline.items[i].value;

		if (!value)
			continue;
		if (!strcmp(name, "rd.driver.pre") || !strcmp(name, "rdloaddriver"))
			r = add_words(value, strlen(value), ",", &loads->early);
		else if (!strcmp(name, "rd.driver.blacklist") ||
			 !strcmp(name, "rdblacklist"))
			r = add_blacklist(value, &loads->options);
		else if (!strcmp(name, "rd.driver.post") || !strcmp(name, "rdinsmodpost"))
			r = add_blacklist(value, &loads->options);
	}
	return r;
}

/* Takes quotes and white space off, in place. */
static char *scalar(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	text_trim_end(text);
	len = strlen(text);
	if (len >= 2 && (*text == '"' || *text == '\'') && text[len - 1] == *text) {
		text[len - 1] = '\0';
		text++;
	}
	return text;
}

/* A line below a key: "- vfio_pci", or "vfio_pci: ids=10de:1b39". */
static int take_item(const char *key, char *line, struct image_loads *loads)
{
	char *item = line + strspn(line, " ");
	char *colon;

	if (!strcmp(key, "modulesforceload") && *item == '-')
		return string_list_add(&loads->early, scalar(item + 1));
	if (strcmp(key, "modprobeoptions") != 0)
		return 0;
	colon = strstr(item, ": ");
	if (!colon)
		return 0;
	*colon = '\0';
	return string_list_addf(&loads->options, "options %s %s", scalar(item),
				scalar(colon + 2));
}

/*
 * /etc/booster.init.yaml, which booster writes with a library of Go's (init/config.go): a
 * key a line, and what belongs to it below, set in or as a list.
 */
int image_booster_parse(const char *text, size_t len, struct image_loads *loads)
{
	_cleanup_free_ char *copy = strndup(text, len);
	char *rest = copy, *line, *key = NULL;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	while (r == 0 && (line = strsep(&rest, "\n"))) {
		size_t n = strcspn(line, ":");

		if (*line == ' ' || *line == '-') {
			r = key ? take_item(key, line, loads) : 0;
			continue;
		}
		key = NULL;
		if (!line[n])
			continue;
		line[n] = '\0';
		key = line;
		if (!strcmp(key, "kernel") && !loads->release) {
			loads->release = strdup(scalar(line + n + 1));
			r = loads->release ? 0 : -ENOMEM;
		}
	}
	return r;
}

void image_loads_free(struct image_loads *loads)
{
	string_list_free(&loads->early);
	string_list_free(&loads->late);
	string_list_free(&loads->options);
	free(loads->release);
	memset(loads, 0, sizeof(*loads));
}
