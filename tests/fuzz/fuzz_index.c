/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "host/archive.h"
#include "sound.h"

/* One line of the member pciferry/recording, as if it were all. */
static int add_fact(struct host_tree *tree, const char *line)
{
	char *text;
	int r;

	if (asprintf(&text, "pciferry-recording 1\n%s\n", line) < 0)
		return -ENOMEM;
	r = host_archive_parse_index(text, strlen(text), tree);
	free(text);
	return r;
}

/* Each line is an order and a name; a link's target, and a file's bytes, stand behind a
 * tab. */
static int obey(struct host_tree *tree, char *line)
{
	char *content = strchr(line, '\t');
	const char *name = line + 1;

	if (content)
		*content++ = '\0';
	else
		content = line + strlen(line);
	switch (line[0]) {
	case 'f':
		return host_tree_add(tree, name, TREE_FILE, content, strlen(content));
	case 'd':
		return host_tree_add(tree, name, TREE_DIRECTORY, NULL, 0);
	case 'l':
		return host_tree_add(tree, name, TREE_LINK, content, strlen(content));
	case 'i':
		return add_fact(tree, name);
	case '?':
		sound_path(tree, name);
		return 0;
	default:
		return 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct host_tree *tree = host_tree_new(), *whole = host_tree_new();
	char *text = strndup((const char *)data, size), *rest = text, *line;

	if (tree && whole && text) {
		/* All of it as an index, head and all, */
		host_archive_parse_index((const char *)data, size, whole);
		sound_tree(whole);
		/* and as orders. */
		while ((line = strsep(&rest, "\n"))) {
			int r = obey(tree, line);

			must(r == 0 || r == -EINVAL || r == -EEXIST || r == -ENOMEM);
		}
		sound_tree(tree);
	}
	free(text);
	host_tree_free(tree);
	host_tree_free(whole);
	return 0;
}
