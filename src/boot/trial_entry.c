/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot/trial_entry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static const char no_parameters[] = "its parameters are not where they were";
static const char no_initrd[] = "it does not load its initramfs in a line of its own";

static int split_lines(const char *text, struct string_list *lines)
{
	int r = 0;

	while (r == 0 && *text) {
		size_t len = strcspn(text, "\n");

		r = string_list_add_owned(lines, strndup(text, len));
		text += len + (text[len] == '\n');
	}
	return r;
}

/* The lines of the text, with the parameters as they shall be. */
static int take_lines(const char *text, size_t len, const struct boot_trial_entry *entry,
		      unsigned int skip, struct string_list *lines, const char **ret_why)
{
	_cleanup_(boot_text_free) struct boot_text copy = { strndup(text, len), len };
	int r;

	if (!copy.bytes)
		return -ENOMEM;
	*ret_why = no_parameters;
	r = boot_text_edit_line(&copy, entry->line, skip, entry->parameters, ret_why);
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	return split_lines(copy.bytes, lines);
}

/* Whether the line's first word is this one. */
static bool begins_with(const char *line, const char *word)
{
	size_t len = strlen(word);

	line += strspn(line, " \t");
	return !strncmp(line, word, len) && (!line[len] || strchr(" \t", line[len]));
}

/* Behind the last word that is the old initramfs: "/boot/initrd.img-6.1"; NULL: none. */
static const char *find_initrd(const char *line, const char *name)
{
	size_t len = strlen(name);
	const char *found = NULL;

	for (const char *at = strstr(line, name); at; at = strstr(at + 1, name))
		if ((at > line && strchr("/ \t", at[-1])) &&
		    (!at[len] || strchr(" \t\r", at[len])))
			found = at + len;
	return found;
}

/* One line of an initrd command; *ret_found: it has the old one. */
static void write_initrd(FILE *stream, const char *line,
			 const struct boot_trial_entry *entry, bool *ret_found)
{
	const char *end = find_initrd(line, entry->initrd);

	if (!end) {
		fprintf(stream, "%s\n", line);
		return;
	}
	fprintf(stream, "%.*s%s%s\n", (int)(end - line), line, entry->suffix, end);
	*ret_found = true;
}

static int finish(FILE *stream, char **text, bool found, char **ret_text,
		  const char **ret_why)
{
	if (fclose(stream) != 0)
		return -ENOMEM;
	if (!found) {
		*ret_why = no_initrd;
		return -EINVAL;
	}
	*ret_text = steal(*text);
	return 0;
}

/* From the line that begins the entry with this line in it to the one that ends it. */
static bool find_block(const struct string_list *lines, unsigned int line,
		       size_t *ret_start, size_t *ret_end)
{
	size_t start = line - 1, end = line;

	while (start > 0 && !begins_with(lines->items[start], "menuentry"))
		start--;
	while (end < lines->count && !begins_with(lines->items[end], "}"))
		end++;
	*ret_start = start;
	*ret_end = end;
	return end < lines->count && begins_with(lines->items[start], "menuentry") &&
	       strchr(lines->items[start], '{');
}

int boot_trial_grub_entry(const char *text, size_t len,
			  const struct boot_trial_entry *entry, char **ret_text,
			  const char **ret_why)
{
	_cleanup_(string_list_free) struct string_list lines = { 0 };
	_cleanup_free_ char *made = NULL;
	size_t size, start, end;
	bool found = false;
	FILE *stream;
	int r = take_lines(text, len, entry, 2, &lines, ret_why);

	if (r < 0)
		return r;
	*ret_why = "its entry in grub.cfg does not begin and end in lines of its own";
	if (!find_block(&lines, entry->line, &start, &end))
		return -EINVAL;
	stream = open_memstream(&made, &size);
	if (!stream)
		return -ENOMEM;
	/* Where a password is asked for, it is as free as the old one, and no freer. */
	fprintf(stream, "menuentry '%s' --id %s%s {\n", entry->title, entry->name,
		strstr(lines.items[start], "--unrestricted") ? " --unrestricted" : "");
	for (size_t i = start + 1; i < end; i++)
		if (strstr(lines.items[i], "initrd"))
			write_initrd(stream, lines.items[i], entry, &found);
		else
			fprintf(stream, "%s\n", lines.items[i]);
	fputs("}\n", stream);
	return finish(stream, &made, found, ret_text, ret_why);
}

int boot_trial_bls_entry(const char *text, size_t len,
			 const struct boot_trial_entry *entry, char **ret_text,
			 const char **ret_why)
{
	_cleanup_(string_list_free) struct string_list lines = { 0 };
	_cleanup_free_ char *made = NULL;
	bool found = false;
	size_t size;
	FILE *stream;
	int r = take_lines(text, len, entry, 1, &lines, ret_why);

	if (r < 0)
		return r;
	stream = open_memstream(&made, &size);
	if (!stream)
		return -ENOMEM;
	fprintf(stream, "title %s\n", entry->title);
	for (size_t i = 0; i < lines.count; i++)
		if (begins_with(lines.items[i], "initrd"))
			write_initrd(stream, lines.items[i], entry, &found);
		else if (!begins_with(lines.items[i], "title"))
			fprintf(stream, "%s\n", lines.items[i]);
	return finish(stream, &made, found, ret_text, ret_why);
}
