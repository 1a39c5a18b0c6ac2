/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/output.h"

#include <errno.h>
#include <json-c/json.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/libsmartcols.h"
#include "base/text.h"

/* Loaded for the first table. */
static struct libsmartcols smartcols;

static enum output_color color_mode;

/* A line that is written over by what comes next. */
static bool has_status;

void output_set_color(enum output_color color)
{
	color_mode = color;
}

static bool has_controls(void)
{
	const char *term = getenv("TERM");

	return term && *term && strcmp(term, "dumb") != 0;
}

static bool has_color(void)
{
	if (color_mode != OUTPUT_AUTO)
		return color_mode == OUTPUT_ALWAYS;
	/* https://no-color.org: set to anything, it asks for none. */
	if (getenv("NO_COLOR") && *getenv("NO_COLOR"))
		return false;
	return isatty(STDOUT_FILENO) && has_controls();
}

/* ECMA-48, EL: to the end of the line. */
static void remove_status(void)
{
	if (has_status)
		fputs("\r\033[K", stderr);
	has_status = false;
}

static void write_line(FILE *stream, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void write_line(FILE *stream, const char *format, va_list args)
{
	_cleanup_free_ char *text = NULL, *escaped = NULL;

	remove_status();
	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
		return;
	}
	escaped = text_escape(text);
	if (escaped)
		fprintf(stream, "%s\n", escaped);
}

void output_line(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(stdout, format, args);
	va_end(args);
}

void output_lines(char *text)
{
	char *line;

	while (text && *text && (line = strsep(&text, "\n")))
		output_line("%s", line);
}

void output_file(char *bytes, size_t len)
{
	if (isatty(STDOUT_FILENO))
		output_lines(bytes);
	else
		fwrite(bytes, 1, len, stdout);
}

void output_help(const char *text)
{
	fputs(text, stdout);
}

void output_talk(const char *format, ...)
{
	va_list args;

	/* In the order in which a person reads both, where they share a terminal. */
	fflush(stdout);
	va_start(args, format);
	write_line(stderr, format, args);
	va_end(args);
}

bool output_is_watched(void)
{
	return isatty(STDERR_FILENO);
}

/* One that is wrapped could not be written over. A character has a byte at least. */
static void cut_to_width(char *text)
{
	struct winsize size;
	size_t width = 80;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		width = size.ws_col;
	if (strlen(text) < width)
		return;
	/* Not within a character of UTF-8. */
	while (--width && ((unsigned char)text[width] & 0xc0) == 0x80)
		;
	text[width] = '\0';
}

bool output_status(const char *format, ...)
{
	_cleanup_free_ char *text = NULL, *escaped = NULL;
	va_list args;
	int r;

	if (!output_is_watched() || !has_controls())
		return false;
	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0) {
		text = NULL;
		return true;
	}
	escaped = text_escape(text);
	if (!escaped)
		return true;
	cut_to_width(escaped);
	remove_status();
	fflush(stdout);
	fputs(escaped, stderr);
	has_status = true;
	return true;
}

void output_last_words(const char *text)
{
	/* Nobody is left who could be told that it failed. */
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

void output_error(const struct error *err)
{
	if (!error_is_set(err))
		return;
	output_talk("pciferry: %s%s%s", err->subject, err->subject[0] ? ": " : "",
		    err->message);
	for (char **line = err->evidence; line && *line; line++)
		output_talk("  %s", *line);
	if (err->hint[0])
		output_talk("  %s", err->hint);
}

struct json_object *output_json_text(const char *text)
{
	_cleanup_free_ char *escaped = text ? text_escape(text) : NULL;

	return escaped ? json_object_new_string(escaped) : NULL;
}

struct json_object *output_json_lines(char *text)
{
	_cleanup_free_ char *escaped = NULL;
	size_t size;
	FILE *stream = text ? open_memstream(&escaped, &size) : NULL;

	if (!stream)
		return NULL;
	while (text && *text) {
		char *line = text_escape(strsep(&text, "\n"));

		fprintf(stream, "%s\n", line ? line : "");
		free(line);
	}
	return fclose(stream) == 0 ? json_object_new_string(escaped) : NULL;
}

int output_json(struct json_object *object)
{
	const char *text = json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
				JSON_C_TO_STRING_NOSLASHESCAPE);

	if (text) {
		fputs(text, stdout);
		fputc('\n', stdout);
	}
	json_object_put(object);
	return text ? 0 : -ENOMEM;
}

int output_table(struct libscols_table **ret_table, struct error *err)
{
	struct libscols_table *table;

	if (libsmartcols_load(&smartcols, err) < 0)
		return -ENOENT;
	/* Names are UTF-8, and tables are drawn with lines, where the terminal can show
	 * them. Nothing else asks for the locale, whose files take long to load. */
	setlocale(LC_CTYPE, "");
	table = smartcols.scols_new_table();
	if (!table)
		return error_oom(err);
	smartcols.scols_table_enable_colors(table, has_color());
	/* output_cell() has escaped all of it; twice would show the backslashes. */
	smartcols.scols_table_enable_noencoding(table, true);
	*ret_table = table;
	return 0;
}

void output_free_table(struct libscols_table *table)
{
	if (table)
		smartcols.scols_unref_table(table);
}

int output_add_column(struct libscols_table *table, const char *name, double width,
		      bool is_tree, bool may_be_cut)
{
	int flags = (is_tree ? SCOLS_FL_TREE : 0) | (may_be_cut ? SCOLS_FL_TRUNC : 0);

	return smartcols.scols_table_new_column(table, name, width, flags) ? 0 : -ENOMEM;
}

struct libscols_line *output_add_row(struct libscols_table *table,
				     struct libscols_line *parent)
{
	return smartcols.scols_table_new_line(table, parent);
}

int output_cell(struct libscols_line *line, unsigned int column, const char *text,
		const char *color)
{
	char *escaped = text_escape(text);

	if (!escaped || smartcols.scols_line_refer_data(line, column, escaped) != 0) {
		free(escaped);
		return -ENOMEM;
	}
	if (color && has_color())
		smartcols.scols_cell_set_color(
			smartcols.scols_line_get_cell(line, column), color);
	return 0;
}

int output_print_table(struct libscols_table *table)
{
	if (smartcols.scols_table_is_empty(table))
		return 0;
	return smartcols.scols_print_table(table) ? -ENOMEM : 0;
}

int output_finish(void)
{
	remove_status();
	return fflush(stdout) != 0 || ferror(stdout) ? -EIO : 0;
}
