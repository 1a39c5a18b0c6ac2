/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that name an address. The first byte says what kind of file the rest is. */
#include "fuzz.h"

#include <string.h>

#include "check/mention.h"

static const struct pci_address address = { .bus = 5 };

/* Each place is in the text and behind the one before it. */
static void check_places(mention_finder find, const char *text)
{
	const char *end = text + strlen(text), *at = text;

	while ((at = find(at, end, &address))) {
		must(at >= text && at < end);
		at += strcspn(at, "\n");
	}
}

/* What stands on a line of its own is found, whatever stands before it. */
static void check_line(mention_finder find, char *text, size_t len)
{
	strcpy(text + len, "\n0000:05:00.0 ");
	must(find(text, text + strlen(text), &address));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const mention_finder finders[] = { mention_in_lines, mention_in_interfaces,
						  mention_in_domain };
	char *text = malloc(size + 32);

	if (size && text) {
		mention_finder find = finders[*data % 3];

		memcpy(text, data + 1, size - 1);
		text[size - 1] = '\0';
		check_places(find, text);
		if (find != mention_in_domain)
			check_line(find, text, strlen(text));
	}
	free(text);
	return 0;
}
