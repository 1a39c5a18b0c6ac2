/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The grammar is that of XML 1.0, 2.4 to 2.8 and 3.1. */
#include "vm/layout.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

struct scan {
	const char *bytes;
	size_t len;
	size_t at;
	size_t depth; /* how many elements are open */
	bool inside;  /* of /domain/devices */
	bool has_devices;
	struct vm_layout layout;
};

enum tag_kind { TAG_OPENS, TAG_CLOSES, TAG_EMPTY };

struct tag {
	enum tag_kind kind;
	size_t start, end; /* from "<" to behind ">" */
	size_t name, name_len;
};

static bool begins(const struct scan *scan, const char *text)
{
	size_t len = strlen(text);

	return scan->len - scan->at >= len && !memcmp(scan->bytes + scan->at, text, len);
}

/* To behind the text; false: it does not come. */
static bool skip_past(struct scan *scan, size_t from, const char *text)
{
	const char *found = from > scan->len
				    ? NULL
				    : memmem(scan->bytes + from, scan->len - from, text,
					     strlen(text));

	if (found)
		scan->at = (size_t)(found - scan->bytes) + strlen(text);
	return found;
}

/* What begins with "<" and is no tag. Returns 1 when it was one, 0, or -EINVAL. */
static int skip_other(struct scan *scan)
{
	static const struct {
		const char *start, *end;
	} kinds[] = {
		{ "<!--", "-->" },
		{ "<![CDATA[", "]]>" },
		{ "<?", "?>" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (begins(scan, kinds[i].start))
			return skip_past(scan, scan->at + strlen(kinds[i].start),
					 kinds[i].end)
				       ? 1
				       : -EINVAL;
	return begins(scan, "<!") ? -EINVAL : 0;
}

static bool ends_name(char c)
{
	return memchr(" \t\r\n/>", c, 6);
}

/* At "<". A ">" may stand in the value of an attribute. */
static int take_tag(struct scan *scan, struct tag *ret_tag)
{
	struct tag tag = { .kind = TAG_OPENS, .start = scan->at };
	size_t at = scan->at + 1;
	char quote = '\0';

	if (at < scan->len && scan->bytes[at] == '/') {
		tag.kind = TAG_CLOSES;
		at++;
	}
	tag.name = at;
	while (at < scan->len && !ends_name(scan->bytes[at]))
		at++;
	tag.name_len = at - tag.name;
	for (; at < scan->len && (quote || scan->bytes[at] != '>'); at++) {
		char c = scan->bytes[at];

		if (quote && c == quote)
			quote = '\0';
		else if (!quote && (c == '"' || c == '\''))
			quote = c;
	}
	if (at >= scan->len || !tag.name_len)
		return -EINVAL;
	if (tag.kind == TAG_OPENS && scan->bytes[at - 1] == '/')
		tag.kind = TAG_EMPTY;
	tag.end = at + 1;
	scan->at = tag.end;
	*ret_tag = tag;
	return 0;
}

static bool is_named(const struct scan *scan, const struct tag *tag, const char *name)
{
	return tag->name_len == strlen(name) &&
	       !memcmp(scan->bytes + tag->name, name, tag->name_len);
}

static int add_child(struct vm_layout *layout, const struct tag *tag)
{
	struct vm_span *larger = layout->children;

	/* Twice the room each time that it is full. */
	if (!(layout->count & (layout->count - 1)))
		larger = reallocarray(larger, layout->count ? 2 * layout->count : 1,
				      sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	layout->children = larger;
	larger[layout->count++] = (struct vm_span){
		.start = tag->start,
		.end = tag->end,
		.name_len = tag->name_len,
	};
	return 0;
}

static int open_element(struct scan *scan, const struct tag *tag)
{
	bool is_empty = tag->kind == TAG_EMPTY;
	int r = 0;

	if (scan->depth == 1 && is_named(scan, tag, "devices")) {
		/* Into an empty element nothing can be put without changing it. */
		if (scan->has_devices || is_empty)
			return -EINVAL;
		scan->has_devices = scan->inside = true;
		scan->layout.inside = tag->end;
	} else if (scan->depth == 2 && scan->inside) {
		r = add_child(&scan->layout, tag);
	}
	scan->depth += !is_empty;
	return r;
}

static int close_element(struct scan *scan, const struct tag *tag)
{
	struct vm_layout *layout = &scan->layout;

	if (!scan->depth)
		return -EINVAL;
	scan->depth--;
	if (scan->inside && scan->depth == 2)
		layout->children[layout->count - 1].end = tag->end;
	if (scan->inside && scan->depth == 1) {
		scan->inside = false;
		layout->end = tag->start;
	}
	return 0;
}

static int scan_all(struct scan *scan)
{
	struct tag tag;
	int r = 0;

	while (r >= 0 && scan->at < scan->len) {
		const char *next =
			memchr(scan->bytes + scan->at, '<', scan->len - scan->at);

		if (!next)
			break;
		scan->at = (size_t)(next - scan->bytes);
		r = skip_other(scan);
		if (r == 0)
			r = take_tag(scan, &tag);
		else
			continue;
		if (r == 0)
			r = tag.kind == TAG_CLOSES ? close_element(scan, &tag)
						   : open_element(scan, &tag);
	}
	if (r < 0)
		return r;
	return scan->depth || !scan->has_devices ? -EINVAL : 0;
}

int vm_layout_scan(const char *bytes, size_t len, struct vm_layout *ret_layout,
		   struct error *err)
{
	struct scan scan = { .bytes = bytes, .len = len };
	int r = scan_all(&scan);

	if (r == 0) {
		*ret_layout = scan.layout;
		return 0;
	}
	vm_layout_free(&scan.layout);
	if (r == -ENOMEM)
		return error_oom(err);
	error_set(err, EINVAL, "the domain's definition",
		  "it has not one <devices> with something in it");
	error_hint(err, "write <devices></devices> in it, once, instead of <devices/>");
	return -EINVAL;
}

void vm_layout_free(struct vm_layout *layout)
{
	if (!layout)
		return;
	free(layout->children);
	memset(layout, 0, sizeof(*layout));
}
