/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of one file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "bootcfg/modprobe.h"

static const struct {
	const char *name;
	enum bootcfg_modprobe_kind kind;
	bool alone; /* nothing has to follow the module */
} commands[] = {
	{ "alias", MODPROBE_ALIAS, false },	{ "blacklist", MODPROBE_BLACKLIST, true },
	{ "install", MODPROBE_INSTALL, false }, { "options", MODPROBE_OPTIONS, false },
	{ "remove", MODPROBE_REMOVE, false },	{ "softdep", MODPROBE_SOFTDEP, false },
	{ "weakdep", MODPROBE_WEAKDEP, false },
};

static int add(struct bootcfg_modprobe *modprobe, enum bootcfg_modprobe_kind kind,
	       const char *file, unsigned int number, const char *module, size_t len,
	       const char *rest)
{
	struct bootcfg_modprobe_line line = {
		.kind = kind,
		.file = file,
		.number = number,
		.module = strndup(module, len),
		.rest = strdup(rest),
	};

	if (modprobe->count == modprobe->room) {
		size_t room = modprobe->room ? 2 * modprobe->room : 64;
		struct bootcfg_modprobe_line *larger =
			reallocarray(modprobe->lines, room, sizeof(*larger));

		if (larger) {
			modprobe->lines = larger;
			modprobe->room = room;
		}
	}
	if (!line.module || !line.rest || modprobe->count == modprobe->room) {
		free(line.module);
		free(line.rest);
		return -ENOMEM;
	}
	modprobe->lines[modprobe->count++] = line;
	return 0;
}

static int add_line(struct bootcfg_modprobe *modprobe, char *text, const char *file,
		    unsigned int number)
{
	static const char blank[] = " \t";
	char *word = text + strspn(text, blank), *module, *rest;
	size_t len = strcspn(word, blank), module_len;

	if (!len || *word == '#')
		return 0;
	module = word + len + strspn(word + len, blank);
	module_len = strcspn(module, blank);
	rest = module + module_len + strspn(module + module_len, blank);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strlen(commands[i].name) == len &&
		    !strncmp(commands[i].name, word, len) && module_len &&
		    (commands[i].alone || *rest))
			return add(modprobe, commands[i].kind, file, number, module,
				   module_len, text_trim_end(rest));
	return add(modprobe, MODPROBE_BAD, file, number, "", 0, text_trim_end(word));
}

/*
 * Takes a line off the text, in which a backslash takes the next character, and an end of
 * line with it, as it is, in comments as well. Returns how far it reaches.
 */
static size_t take_line(const char *text, size_t len, char *buffer,
			unsigned int *ret_lines)
{
	size_t i = 0, n = 0;

	*ret_lines = 1;
	while (i < len && text[i] != '\n') {
		if (text[i] == '\\' && i + 1 < len) {
			i++;
			if (text[i] == '\n') {
				++*ret_lines;
				i++;
				continue;
			}
		}
		buffer[n++] = text[i++];
	}
	buffer[n] = '\0';
	return i < len ? i + 1 : i;
}

int bootcfg_modprobe_parse(const char *text, size_t len, const char *file,
			   struct bootcfg_modprobe *modprobe)
{
	_cleanup_free_ char *buffer = malloc(len + 1);
	unsigned int number = 1, lines;
	int r = 0;

	if (!buffer)
		return -ENOMEM;
	for (size_t at = 0; r == 0 && at < len; number += lines) {
		at += take_line(text + at, len - at, buffer, &lines);
		r = add_line(modprobe, buffer, file, number);
	}
	return r;
}

/* initramfs-tools gives modprobe what stands behind the name, too. */
static int add_load(struct bootcfg_modprobe *modprobe, const char *file,
		    unsigned int number, char *word)
{
	static const char blank[] = " \t\r";
	size_t len = strcspn(word, blank);
	char *rest = word + len + strspn(word + len, blank);

	return add(modprobe, MODPROBE_LOAD, file, number, word, len, text_trim_end(rest));
}

int bootcfg_loads_parse(const char *text, size_t len, const char *file,
			struct bootcfg_modprobe *modprobe)
{
	static const char blank[] = " \t\r";
	unsigned int number = 1;
	int r = 0;

	for (size_t at = 0; r == 0 && at < len; number++) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t n = newline ? (size_t)(newline - text) - at : len - at;
		_cleanup_free_ char *line = strndup(text + at, n);
		char *word;

		if (!line)
			return -ENOMEM;
		word = line + strspn(line, blank);
		if (*word && *word != '#' && *word != ';')
			r = add_load(modprobe, file, number, word);
		at += n + 1;
	}
	return r;
}
