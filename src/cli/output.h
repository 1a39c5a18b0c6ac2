/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIFERRY_CLI_OUTPUT_H
#define PCIFERRY_CLI_OUTPUT_H

/*
 * The only place that writes to the terminal. Names, labels and titles come from devices,
 * disks, processes and other people's archives: whatever is written goes through
 * text_escape() here, so that no command can forget it.
 */
#include <stdbool.h>
#include <stddef.h>

struct error;
struct json_object;
struct libscols_table;

enum output_color { OUTPUT_AUTO, OUTPUT_ALWAYS, OUTPUT_NEVER };
void output_set_color(enum output_color color);

/* One line on standard output: data. */
void output_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same of several, each ended by a newline. Cuts the text up. */
void output_lines(char *text);

/*
 * A whole file as data, byte for byte where it goes to a file or a program; on a terminal
 * its lines. Cuts the text up.
 */
void output_file(char *bytes, size_t len);

/* The program's own multi-line help text, on standard output, as it is. */
void output_help(const char *text);

/* One line on standard error: talk. */
void output_talk(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether a person watches the talk, on a terminal. */
bool output_is_watched(void);

/*
 * Where the terminal can write over a line: one that the next one, or anything else that
 * is written, takes the place of. Returns whether it can.
 */
bool output_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * These bytes on standard error, from a handler of a signal (signal-safety(7)). The
 * program's own words.
 */
void output_last_words(const char *text);

/* The error as a person reads it: one line, its evidence, the way out. */
void output_error(const struct error *err);

/* Prints the object on standard output, and releases it. Returns 0 or -ENOMEM. */
int output_json(struct json_object *object);

/* A JSON string of text that may hold anything; null for NULL. */
struct json_object *output_json_text(const char *text);

/* The same of several lines, the ends between which are kept. Cuts the text up. */
struct json_object *output_json_lines(char *text);

/*
 * A table whose cells are set by output_cell(). -ENOENT: libsmartcols, which draws it, is
 * not here.
 */
int output_table(struct libscols_table **ret_table, struct error *err);
void output_free_table(struct libscols_table *table);
int output_add_column(struct libscols_table *table, const char *name, double width,
		      bool is_tree, bool may_be_cut);
struct libscols_line;
struct libscols_line *output_add_row(struct libscols_table *table,
				     struct libscols_line *parent);
int output_cell(struct libscols_line *line, unsigned int column, const char *text,
		const char *color);

/* Nothing where it has no row. */
int output_print_table(struct libscols_table *table);

/* Flushes standard output. -EIO: not all of it could be written (a full disk). */
int output_finish(void);

#endif
