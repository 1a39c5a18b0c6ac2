/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading an archive that may come from anybody into a tree in memory. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "host/archive.h"
#include "host/internal.h"
#include "host/libarchive.h"
#include "host/tree.h"

/*
 * What lies between two members' data: headers, long names. libarchive keeps maps of
 * holes of any length in memory and reads through data that it does not show, and an
 * archive of some KB can hold terabytes of either.
 */
enum { HEADERS_MAX = 4 << 20 };

struct reader {
	struct libarchive la;
	struct archive *packed;	 /* gives the bytes that the compressed ones are */
	struct archive *archive; /* takes them as tar */
	char block[65536];
	size_t headers; /* bytes since the last member's data */
	bool in_data;
	struct host_tree *tree;
	const char *name; /* of the archive, for messages */
	size_t members, total;
	char *index;
	size_t index_len;
};

static int refuse(const struct reader *reader, const char *member, const char *why,
		  struct error *err)
{
	error_set(err, EINVAL, reader->name, "%s: %s", member, why);
	error_hint(err, "it is damaged, or no recording of pciferry's");
	return -EINVAL;
}

/* Reads a member's data, but never more than the limits, whatever its header claims. */
static int read_data(struct reader *reader, const char *member, char **ret_bytes,
		     size_t *ret_len, struct error *err)
{
	_cleanup_free_ char *bytes = malloc(1);
	size_t len = 0, room = 0;

	if (!bytes)
		return error_oom(err);
	for (;;) {
		la_ssize_t n;

		if (len == room) {
			char *larger;

			room = room ? 2 * room : 4096;
			if (room > HOST_FILE_MAX)
				return refuse(reader, member, "too large", err);
			larger = realloc(bytes, room + 1);
			if (!larger)
				return error_oom(err);
			bytes = larger;
		}
		n = reader->la.archive_read_data(reader->archive, bytes + len,
						 room - len);
		if (n < 0)
			return refuse(reader, member, "it cannot be read whole", err);
		if (n == 0)
			break;
		len += (size_t)n;
		reader->total += (size_t)n;
		if (reader->total > HOST_ARCHIVE_TOTAL_MAX)
			return refuse(reader, member, "the archive is too large", err);
	}
	bytes[len] = '\0';
	*ret_bytes = steal(bytes);
	*ret_len = len;
	return 0;
}

static int take_file(struct reader *reader, const char *path, const char *member,
		     struct error *err)
{
	_cleanup_free_ char *bytes = NULL;
	size_t len = 0;
	int r = read_data(reader, member, &bytes, &len, err);

	if (r < 0)
		return r;
	if (!strcmp(path, host_index_path) && !reader->index) {
		reader->index = steal(bytes);
		reader->index_len = len;
		return 0;
	}
	return host_tree_add(reader->tree, path, TREE_FILE, bytes, len);
}

static int take_member(struct reader *reader, struct archive_entry *entry,
		       struct error *err)
{
	const char *member = reader->la.archive_entry_pathname(entry), *path = member,
		   *target;
	unsigned int type = reader->la.archive_entry_filetype(entry);
	int r;

	if (!member || !*member)
		return refuse(reader, "a member", "it has no name", err);
	if (++reader->members > HOST_ARCHIVE_MEMBERS_MAX)
		return refuse(reader, member, "too many members", err);
	while (!strncmp(path, "./", 2))
		path += 2 + strspn(path + 2, "/");
	if (type == AE_IFDIR && !*path)
		return 0;
	target = reader->la.archive_entry_symlink(entry);
	if (reader->la.archive_entry_hardlink(entry))
		return refuse(reader, member, "a hard link", err);
	if (type == AE_IFREG)
		r = take_file(reader, path, member, err);
	else if (type == AE_IFDIR)
		r = host_tree_add(reader->tree, path, TREE_DIRECTORY, NULL, 0);
	else if (type == AE_IFLNK && target && strlen(target) < PATH_MAX)
		r = host_tree_add(reader->tree, path, TREE_LINK, target, strlen(target));
	else
		return refuse(reader, member, "neither file, directory nor link", err);
	if (r < 0 && !error_is_set(err))
		return r == -ENOMEM ? error_oom(err)
				    : refuse(reader, member,
					     r == -E2BIG ? "too many files"
							 : "not a name for a member",
					     err);
	return r;
}

static la_ssize_t unpack(struct archive *archive, void *argument, const void **ret_bytes)
{
	struct reader *reader = argument;
	const struct libarchive *la = &reader->la;
	la_ssize_t n = la->archive_read_data(reader->packed, reader->block,
					     sizeof(reader->block));

	*ret_bytes = reader->block;
	if (n < 0)
		la->archive_set_error(archive, EINVAL, "%s",
				      la->archive_error_string(reader->packed));
	else if (!reader->in_data && (reader->headers += (size_t)n) > HEADERS_MAX) {
		la->archive_set_error(archive, EINVAL, "too much between two members");
		n = -1;
	}
	return n < 0 ? ARCHIVE_FATAL : n;
}

static int open_reader(struct reader *reader, const void *bytes, size_t len,
		       struct error *err)
{
	const struct libarchive *la = &reader->la;
	struct archive_entry *entry;

	reader->packed = la->archive_read_new();
	reader->archive = la->archive_read_new();
	reader->tree = host_tree_new();
	if (!reader->packed || !reader->archive || !reader->tree)
		return error_oom(err);
	la->archive_read_support_format_raw(reader->packed);
	la->archive_read_support_filter_zstd(reader->packed);
	la->archive_read_support_filter_xz(reader->packed);
	la->archive_read_support_filter_gzip(reader->packed);
	la->archive_read_support_format_tar(reader->archive);
	if (la->archive_read_open_memory(reader->packed, bytes, len) != ARCHIVE_OK ||
	    la->archive_read_next_header(reader->packed, &entry) != ARCHIVE_OK ||
	    la->archive_read_open(reader->archive, reader, NULL, unpack, NULL) !=
		    ARCHIVE_OK)
		return refuse(reader, "archive", "it is no tar archive", err);
	return 0;
}

static int read_members(struct reader *reader, struct error *err)
{
	struct archive_entry *entry;
	int r = 0;

	while (r == 0) {
		int status;

		reader->headers = 0;
		reader->in_data = false;
		status = reader->la.archive_read_next_header(reader->archive, &entry);
		reader->in_data = true;

		if (status == ARCHIVE_EOF)
			break;
		if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
			return refuse(
				reader, "archive",
				reader->la.archive_error_string(reader->archive)
					? reader->la.archive_error_string(reader->archive)
					: "it cannot be read",
				err);
		r = take_member(reader, entry, err);
	}
	if (r < 0)
		return r;
	if (!reader->index)
		return refuse(reader, host_index_path, "it is not there", err);
	r = host_archive_parse_index(reader->index, reader->index_len, reader->tree);
	if (r == -ENOMEM)
		return error_oom(err);
	return r < 0 ? refuse(reader, host_index_path,
			      r == -E2BIG ? "too many files" : "it is damaged", err)
		     : 0;
}

int host_archive_parse(const char *name, const void *bytes, size_t len,
		       struct host_tree **ret_tree, struct error *err)
{
	struct reader reader = { .name = name };
	int r = libarchive_load(&reader.la, err);

	if (r < 0)
		return r;
	r = open_reader(&reader, bytes, len, err);
	if (r == 0)
		r = read_members(&reader, err);
	if (r == 0)
		*ret_tree = steal(reader.tree);
	host_tree_free(reader.tree);
	reader.la.archive_read_free(reader.archive);
	reader.la.archive_read_free(reader.packed);
	free(reader.index);
	return r;
}
