/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Differences of small texts, in the form of diff -u (POSIX.1-2017, diff, "-U n"). */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "change/edit.h"

/* More lines than this are shown as replaced altogether: the table grows by the square.
 */
enum { CONTEXT = 3, LINES_MAX = 2000 };

struct line {
	const char *text;
	size_t len; /* without its end */
};

struct lines {
	struct line *items;
	size_t count;
	bool unended; /* the last one has no newline */
};

/* One line of the result: of both, or of one side. */
struct row {
	char mark; /* ' ', '-' or '+' */
	struct line line;
	bool unended;
};

static int split(const char *text, size_t len, struct lines *lines)
{
	const char *end = text + len;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		struct line *larger =
			reallocarray(lines->items, lines->count + 1, sizeof(*larger));

		if (!larger)
			return -1;
		lines->items = larger;
		lines->unended = !newline;
		larger[lines->count++] =
			(struct line){ text, (size_t)((newline ? newline : end) - text) };
		text = newline ? newline + 1 : end;
	}
	return 0;
}

static bool is_same(const struct lines *a, size_t i, const struct lines *b, size_t j)
{
	bool a_unended = a->unended && i + 1 == a->count;
	bool b_unended = b->unended && j + 1 == b->count;

	return a_unended == b_unended && a->items[i].len == b->items[j].len &&
	       !memcmp(a->items[i].text, b->items[j].text, a->items[i].len);
}

/*
 * What is between the lines that both begin and both end with: of a long file with a
 * small change, almost nothing.
 */
struct middle {
	size_t first, a_end, b_end;
};

static struct middle find_middle(const struct lines *a, const struct lines *b)
{
	struct middle middle = { 0, a->count, b->count };

	while (middle.first < a->count && middle.first < b->count &&
	       is_same(a, middle.first, b, middle.first))
		middle.first++;
	while (middle.a_end > middle.first && middle.b_end > middle.first &&
	       is_same(a, middle.a_end - 1, b, middle.b_end - 1)) {
		middle.a_end--;
		middle.b_end--;
	}
	return middle;
}

/*
 * How long the longest common subsequence of the rests behind a pair of lines is, for
 * each pair of the middle. NULL: too large, or no memory for it.
 */
static uint16_t *make_table(const struct lines *a, const struct lines *b,
			    const struct middle *middle)
{
	size_t a_count = middle->a_end - middle->first;
	size_t b_count = middle->b_end - middle->first, width = b_count + 1;
	uint16_t *table;

	if (a_count > LINES_MAX || b_count > LINES_MAX)
		return NULL;
	table = calloc((a_count + 1) * width, sizeof(*table));
	if (!table)
		return NULL;
	for (size_t i = a_count; i-- > 0;)
		for (size_t j = b_count; j-- > 0;) {
			uint16_t below = table[(i + 1) * width + j];
			uint16_t beside = table[i * width + j + 1];

			if (is_same(a, middle->first + i, b, middle->first + j))
				table[i * width + j] =
					(uint16_t)(table[(i + 1) * width + j + 1] + 1);
			else
				table[i * width + j] = below > beside ? below : beside;
		}
	return table;
}

/* What comes next of the middle, at lines i and j of it. */
static char choose(const struct lines *a, const struct lines *b,
		   const struct middle *middle, const uint16_t *table, size_t i, size_t j)
{
	size_t width = middle->b_end - middle->first + 1;

	if (middle->first + i == middle->a_end)
		return '+';
	if (middle->first + j == middle->b_end || !table)
		return '-';
	if (is_same(a, middle->first + i, b, middle->first + j))
		return ' ';
	return table[(i + 1) * width + j] >= table[i * width + j + 1] ? '-' : '+';
}

static size_t make_rows(const struct lines *a, const struct lines *b,
			const struct middle *middle, const uint16_t *table,
			struct row *rows)
{
	size_t i = 0, j = 0, count = 0;

	while (i < a->count || j < b->count) {
		bool in_middle =
			i >= middle->first && (i < middle->a_end || j < middle->b_end);
		char mark = in_middle ? choose(a, b, middle, table, i - middle->first,
					       j - middle->first)
				      : ' ';
		const struct lines *from = mark == '+' ? b : a;
		size_t line = mark == '+' ? j : i;

		rows[count++] = (struct row){ mark, from->items[line],
					      from->unended && line + 1 == from->count };
		i += mark != '+';
		j += mark != '-';
	}
	return count;
}

static void print_range(FILE *stream, char mark, size_t first, size_t count)
{
	/* An empty range is told by the line before it. */
	fprintf(stream, "%c%zu", mark, count ? first + 1 : first);
	if (count != 1)
		fprintf(stream, ",%zu", count);
}

/* Where a run of rows that belong together ends: behind its last change, and context. */
static size_t find_end(const struct row *rows, size_t count, size_t first)
{
	size_t end = first, unchanged = 0;

	for (size_t i = first; i < count; i++) {
		unchanged = rows[i].mark == ' ' ? unchanged + 1 : 0;
		if (rows[i].mark != ' ')
			end = i + 1;
		else if (unchanged > 2 * CONTEXT)
			break;
	}
	return end + CONTEXT < count ? end + CONTEXT : count;
}

static void print_rows(FILE *stream, const struct row *rows, size_t first, size_t end,
		       size_t a_line, size_t b_line)
{
	size_t a_count = 0, b_count = 0;

	for (size_t i = first; i < end; i++) {
		a_count += rows[i].mark != '+';
		b_count += rows[i].mark != '-';
	}
	fprintf(stream, "@@ ");
	print_range(stream, '-', a_line, a_count);
	fprintf(stream, " ");
	print_range(stream, '+', b_line, b_count);
	fprintf(stream, " @@\n");
	for (size_t i = first; i < end; i++) {
		fputc(rows[i].mark, stream);
		fwrite(rows[i].line.text, 1, rows[i].line.len, stream);
		fputs(rows[i].unended ? "\n\\ No newline at end of file\n" : "\n",
		      stream);
	}
}

static void print_hunks(FILE *stream, const struct row *rows, size_t count)
{
	size_t a_line = 0, b_line = 0, at = 0;

	while (at < count) {
		size_t change = at, first, end;

		while (change < count && rows[change].mark == ' ')
			change++;
		if (change == count)
			return;
		first = change - at > CONTEXT ? change - CONTEXT : at;
		a_line += first - at;
		b_line += first - at;
		end = find_end(rows, count, change);
		print_rows(stream, rows, first, end, a_line, b_line);
		for (at = first; at < end; at++) {
			a_line += rows[at].mark != '+';
			b_line += rows[at].mark != '-';
		}
	}
}

static int print_diff(FILE *stream, const struct lines *a, const struct lines *b)
{
	struct middle middle = find_middle(a, b);
	_cleanup_free_ uint16_t *table = make_table(a, b, &middle);
	_cleanup_free_ struct row *rows = calloc(a->count + b->count + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	print_hunks(stream, rows, make_rows(a, b, &middle, table, rows));
	return 0;
}

static bool is_text(const char *bytes, size_t len)
{
	return !bytes || !memchr(bytes, '\0', len);
}

char *change_diff(const char *path, const char *before, size_t before_len,
		  const char *after, size_t after_len)
{
	struct lines a = { 0 }, b = { 0 };
	bool is_same_text = before && after && before_len == after_len &&
			    !memcmp(before, after, before_len);
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);
	int r = stream ? 0 : -ENOMEM;

	if (r == 0 && !is_same_text)
		fprintf(stream, "--- %s%s\n+++ %s%s\n", before ? "/" : "",
			before ? path : "/dev/null", after ? "/" : "",
			after ? path : "/dev/null");
	if (r == 0 && !(is_text(before, before_len) && is_text(after, after_len)))
		fputs(is_same_text ? "" : "Binary files differ\n", stream);
	else if (r == 0 && (split(before ? before : "", before_len, &a) < 0 ||
			    split(after ? after : "", after_len, &b) < 0))
		r = -ENOMEM;
	else if (r == 0)
		r = print_diff(stream, &a, &b);
	if (stream && fclose(stream) != 0)
		r = -ENOMEM;
	if (r < 0)
		free(steal(text));
	free(a.items);
	free(b.items);
	return text;
}
