/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm/splice.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "vm/layout.h"
#include "vm/tree.h"

/* What is copied together. The first failure is kept. */
struct text {
	char *bytes;
	size_t len, room;
	int failure;
};

static void add(struct text *text, const char *bytes, size_t len)
{
	size_t need = text->len + len + 1;

	if (need > text->room && !text->failure) {
		char *larger = realloc(text->bytes, 2 * need);

		if (larger) {
			text->bytes = larger;
			text->room = 2 * need;
		} else {
			text->failure = -ENOMEM;
		}
	}
	if (text->failure)
		return;
	if (len)
		memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	text->bytes[text->len] = '\0';
}

static int finish(struct text *text, char **ret_bytes, size_t *ret_len, struct error *err)
{
	if (text->failure) {
		free(text->bytes);
		return error_oom(err);
	}
	*ret_bytes = text->bytes;
	*ret_len = text->len;
	return 0;
}

/* XML's own (XML 1.0, 2.3). */
static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Where the white space before this place begins. */
static size_t before_space(const char *bytes, size_t at)
{
	while (at && is_space(bytes[at - 1]))
		at--;
	return at;
}

static bool is_same_name(const char *bytes, const struct vm_span *span,
			 const xmlNode *node)
{
	const char *at = bytes + span->start + 1, *name = (const char *)node->name;
	const char *prefix =
		node->ns && node->ns->prefix ? (const char *)node->ns->prefix : NULL;
	size_t left = span->name_len, len = prefix ? strlen(prefix) : 0;

	if (prefix) {
		if (left <= len || memcmp(at, prefix, len) != 0 || at[len] != ':')
			return false;
		at += len + 1;
		left -= len + 1;
	}
	return left == strlen(name) && !memcmp(at, name, left);
}

static bool agree(const char *bytes, const struct vm_layout *layout,
		  const struct vm_tree *tree)
{
	const char *encoding = (const char *)tree->document->encoding;
	const xmlNode *devices = vm_tree_child(tree->root, "devices");
	size_t i = 0;

	/* In others a byte that is "<" may be half of something else. */
	if (encoding && strcasecmp(encoding, "UTF-8") != 0 &&
	    strcasecmp(encoding, "UTF8") != 0 && strcasecmp(encoding, "US-ASCII") != 0)
		return false;
	for (const xmlNode *node = devices ? devices->children : NULL; node;
	     node = node->next) {
		if (node->type != XML_ELEMENT_NODE)
			continue;
		if (i == layout->count ||
		    !is_same_name(bytes, &layout->children[i], node))
			return false;
		i++;
	}
	return devices && i == layout->count;
}

static int open_layout(const char *bytes, size_t len, struct vm_layout *ret_layout,
		       struct error *err)
{
	_cleanup_(vm_tree_close) struct vm_tree tree = { 0 };
	int r = vm_tree_open(bytes, len, &tree, err);

	if (r == 0)
		r = vm_layout_scan(bytes, len, ret_layout, err);
	if (r == 0 && !agree(bytes, ret_layout, &tree)) {
		vm_layout_free(ret_layout);
		error_set(err, EINVAL, "the domain's definition",
			  "what stands where in it is not certain");
		error_hint(err, "write it in UTF-8, as virsh dumpxml does");
		r = -EINVAL;
	}
	return r;
}

/* A line's end, and what the line begins with. */
struct indent {
	const char *start;
	size_t len;
};

/* That of the last line of the white space before this place; none where there is none.
 */
static struct indent indent_at(const char *bytes, size_t at)
{
	size_t first = before_space(bytes, at), line = at;

	while (line > first && bytes[line - 1] != '\n')
		line--;
	if (line == first)
		return (struct indent){ 0 };
	line -= line - 1 > first && bytes[line - 2] == '\r' ? 2 : 1;
	return (struct indent){ bytes + line, at - line };
}

/* Lines as libxml2 writes them, two spaces for each level, behind this indent. */
static void add_lines(struct text *text, const char *elements, struct indent indent,
		      const char *more)
{
	bool tabs = indent.len && indent.start[indent.len - 1] == '\t';

	while (*elements) {
		size_t spaces = strspn(elements, " ");
		size_t len = strcspn(elements + spaces, "\n");

		add(text, indent.start, indent.len);
		if (indent.len)
			add(text, more, strlen(more));
		for (size_t i = 0; indent.len && i + 1 < spaces; i += 2)
			add(text, tabs ? "\t" : "  ", tabs ? 1 : 2);
		add(text, elements + spaces, len);
		elements += spaces + len;
		elements += *elements == '\n';
	}
}

int vm_splice_add(const char *bytes, size_t len, const char *elements, char **ret_bytes,
		  size_t *ret_len, struct error *err)
{
	_cleanup_(vm_layout_free) struct vm_layout layout = { 0 };
	struct text text = { 0 };
	struct indent indent;
	size_t at;
	int r = open_layout(bytes, len, &layout, err);

	if (r < 0)
		return r;
	at = before_space(bytes, layout.end);
	indent = indent_at(bytes, layout.count ? layout.children[0].start : layout.end);
	add(&text, bytes, at);
	add_lines(&text, elements, indent, layout.count ? "" : "  ");
	add(&text, bytes + at, len - at);
	return finish(&text, ret_bytes, ret_len, err);
}

static int no_device(struct error *err)
{
	return error_set(err, EINVAL, "the domain's definition", "it has no such device");
}

int vm_splice_remove(const char *bytes, size_t len, const size_t *children, size_t count,
		     char **ret_bytes, size_t *ret_len, struct error *err)
{
	_cleanup_(vm_layout_free) struct vm_layout layout = { 0 };
	struct text text = { 0 };
	size_t at = 0;
	int r = open_layout(bytes, len, &layout, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		const struct vm_span *span;

		if (children[i] >= layout.count ||
		    (i && children[i] <= children[i - 1])) {
			free(text.bytes);
			return no_device(err);
		}
		span = &layout.children[children[i]];
		add(&text, bytes + at, before_space(bytes, span->start) - at);
		at = span->end;
	}
	add(&text, bytes + at, len - at);
	return finish(&text, ret_bytes, ret_len, err);
}

int vm_splice_copy(const char *bytes, size_t len, size_t child, char **ret_element,
		   struct error *err)
{
	_cleanup_(vm_layout_free) struct vm_layout layout = { 0 };
	struct text text = { 0 };
	size_t ignored;
	int r = open_layout(bytes, len, &layout, err);

	if (r < 0)
		return r;
	if (child >= layout.count)
		return no_device(err);
	add(&text, bytes + layout.children[child].start,
	    layout.children[child].end - layout.children[child].start);
	return finish(&text, ret_element, &ignored, err);
}
