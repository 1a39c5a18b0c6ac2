/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "host/host.h"
#include "sound.h"

/* What the backend says of a node is what the tree has. */
static int read_node(const char *path, const struct host_tree_node *node, void *argument)
{
	const struct host *host = argument;
	struct string_list names = { 0 };
	char buffer[64], *bytes = NULL;
	size_t len = 0;
	int r = host_read_file(host, path, &bytes, &len);

	if (node->kind == TREE_FILE)
		must(r == 0 && len == node->len && !memcmp(bytes, node->bytes, len));
	free(bytes);
	host_read(host, path, buffer, sizeof(buffer));
	must(memchr(buffer, '\0', sizeof(buffer)));
	host_link_target(host, path, buffer, sizeof(buffer));
	must(memchr(buffer, '\0', sizeof(buffer)));
	r = host_list(host, path, &names);
	must(node->kind != TREE_DIRECTORY || !node->listed || r == 0);
	must(r < 0 || node->kind == TREE_LINK || names.count <= node->n_children);
	string_list_free(&names);
	return 0;
}

/* The parts of a member's header (POSIX.1-2017, pax, ustar Interchange Format). */
enum { BLOCK = 512, SIZE_AT = 124, SUM_AT = 148, SUM_SIZE = 8 };

/* Makes the checksum of each member's header right: else nothing changed gets past it. */
static void repair(uint8_t *bytes, size_t len)
{
	size_t at = 0;

	while (at <= len && len - at >= BLOCK && bytes[at]) {
		unsigned int sum = 0;
		size_t size = 0;

		memset(bytes + at + SUM_AT, ' ', SUM_SIZE);
		for (size_t i = 0; i < BLOCK; i++)
			sum += bytes[at + i];
		snprintf((char *)bytes + at + SUM_AT, SUM_SIZE, "%06o", sum);
		for (size_t i = at + SIZE_AT; bytes[i] >= '0' && bytes[i] <= '7'; i++)
			size = size << 3 | (bytes[i] & 7u);
		if (size > len)
			break;
		at += BLOCK + (size + BLOCK - 1) / BLOCK * BLOCK;
	}
}

static void look(const uint8_t *data, size_t size)
{
	struct error err = ERROR_INIT;
	struct host *host = NULL;
	int r = host_open_recording("made.tar", data, size, &host, &err);

	must(r == 0 || r == -EINVAL || r == -ENOMEM);
	must((r == 0) == (host != NULL));
	must(error_is_set(&err) == (r < 0));
	if (host) {
		must(!host_is_live(host) && host_root_fd(host) < 0);
		sound_tree(host->tree);
		must(host_tree_walk(host->tree, read_node, host) == 0);
	}
	host_free(host);
	error_clear(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *repaired;

	look(data, size);
	repaired = size >= BLOCK ? malloc(size) : NULL;
	if (repaired) {
		memcpy(repaired, data, size);
		repair(repaired, size);
		look(repaired, size);
	}
	free(repaired);
	return 0;
}
