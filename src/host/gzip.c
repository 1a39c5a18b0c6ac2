/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/gzip.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "host/libarchive.h"

static int unpack(const struct libarchive *la, struct archive *archive, size_t limit,
		  char **ret_bytes, size_t *ret_len)
{
	_cleanup_free_ char *bytes = NULL;
	size_t len = 0, room = 0;

	for (;;) {
		la_ssize_t n;

		if (len == room) {
			char *larger;

			if (room > limit)
				return -EFBIG;
			room = room ? 2 * room : 65536;
			larger = realloc(bytes, room + 1);
			if (!larger)
				return -ENOMEM;
			bytes = larger;
		}
		n = la->archive_read_data(archive, bytes + len, room - len);
		if (n < 0)
			return -EINVAL;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (len > limit)
		return -EFBIG;
	bytes[len] = '\0';
	*ret_bytes = steal(bytes);
	*ret_len = len;
	return 0;
}

int host_read_gzip(const struct host *host, const char *path, size_t limit,
		   char **ret_bytes, size_t *ret_len)
{
	_cleanup_free_ char *packed = NULL;
	struct archive_entry *entry;
	struct archive *archive;
	struct libarchive la;
	size_t len;
	int r = host_read_file(host, path, &packed, &len);

	if (r == 0)
		r = libarchive_load(&la, NULL);
	if (r < 0)
		return r;
	archive = la.archive_read_new();
	if (!archive)
		return -ENOMEM;
	la.archive_read_support_format_raw(archive);
	la.archive_read_support_filter_gzip(archive);
	if (la.archive_read_open_memory(archive, packed, len) != ARCHIVE_OK ||
	    la.archive_read_next_header(archive, &entry) != ARCHIVE_OK ||
	    la.archive_filter_code(archive, 0) != ARCHIVE_FILTER_GZIP)
		r = -EINVAL;
	else
		r = unpack(&la, archive, limit, ret_bytes, ret_len);
	la.archive_read_free(archive);
	return r;
}
